#include "types/array_text.h"

#include <algorithm>

#include "base/ascii.h"
#include "types/text_scanner.h"

namespace penstock::types {
namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";

}  // namespace

ArrayTextReader::ArrayTextReader(std::string_view text) : text_(text), rest_(text) { skip_blanks(); }

bool ArrayTextReader::accept(char c) {
  if (!at(c)) return false;
  rest_.remove_prefix(1);
  skip_blanks();
  return true;
}

Result<std::optional<std::string>> ArrayTextReader::element() {
  if (at('"')) {
    rest_.remove_prefix(1);
    std::string text;
    while (!at_end() && !at('"')) text += take();
    if (!accept('"')) return unreadable();
    return std::optional(std::move(text));
  }
  std::string text;
  size_t size = 0;  // without blanks at the end
  bool escaped = false;
  while (!at_end() && !at(',') && !at('}')) {
    if (at('"') || at('{')) return unreadable();
    const bool literal = at('\\');
    escaped = escaped || literal;
    text += take();
    if (literal || !kBlanks.contains(text.back())) size = text.size();
  }
  text.resize(size);
  if (text.empty()) return unreadable();
  if (!escaped && equal_ignoring_case(text, "null")) return std::optional<std::string>();
  return std::optional(std::move(text));
}

Error ArrayTextReader::unreadable() const {
  return invalid_argument("cannot read '{}' as an array", excerpt(text_)).hint("write its elements in braces: '{1,2}'");
}

// One character; a backslash takes the meaning from the one behind it.
char ArrayTextReader::take() {
  if (rest_.size() > 1 && at('\\')) rest_.remove_prefix(1);
  const char c = rest_.front();
  rest_.remove_prefix(1);
  return c;
}

void ArrayTextReader::skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

}  // namespace penstock::types
