#include "sql/escapes.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "sql/lexer.h"

namespace penstock::sql {
namespace {

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12), tail(6), tail(0);
  }
}

// Takes up to `digits_max` digits of a number from the front; nothing when there are fewer than `digits_min`.
std::optional<uint32_t> take_number(std::string_view& rest, size_t digits_min, size_t digits_max, int base) {
  uint32_t number = 0;
  const char* begin = rest.data();
  const auto [end, error] = std::from_chars(begin, begin + std::min(digits_max, rest.size()), number, base);
  const auto digits = static_cast<size_t>(end - begin);
  if (error != std::errc() || digits < digits_min) return std::nullopt;
  rest.remove_prefix(digits);
  return number;
}

// Reads what stands behind a backslash; false when it is no escape.
bool read_escape(std::string_view& rest, std::string& out) {
  constexpr uint32_t kCodeMax = 0x10FFFF;
  const char c = rest.front();
  if (c >= '0' && c <= '7') {
    const std::optional<uint32_t> byte = take_number(rest, 1, 3, 8);
    out += static_cast<char>(*byte);
    return *byte <= 0xFF;
  }
  rest.remove_prefix(1);
  switch (c) {
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'x':
    case 'u':
    case 'U': break;
    default: out += c; return true;
  }
  const size_t digits = c == 'x' ? 2 : (c == 'u' ? 4 : 8);
  const std::optional<uint32_t> code = take_number(rest, c == 'x' ? 1 : digits, digits, 16);
  if (!code || *code > kCodeMax) return false;
  if (c == 'x') {
    out += static_cast<char>(*code);
  } else {
    append_utf8(out, *code);
  }
  return true;
}

}  // namespace

std::optional<std::string> unescape(std::string_view content) {
  std::string text;
  while (!content.empty()) {
    const char c = content.front();
    content.remove_prefix(1);
    if (c == '\\') {
      if (content.empty() || !read_escape(content, text)) return std::nullopt;
      continue;
    }
    text += c;
    if (c == '\'') content.remove_prefix(1);  // it is doubled
  }
  if (find_invalid_utf8(text) != std::string_view::npos) return std::nullopt;
  return text;
}

}  // namespace penstock::sql
