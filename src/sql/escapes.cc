#include "sql/escapes.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>

#include "base/utf8.h"
#include "sql/lexer.h"

namespace penstock::sql {
namespace {

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

// Reads a character of UTF-16, "00e9" or two surrogates as in "d83d\ude00", where `escape` is "\u".
std::optional<uint32_t> take_utf16(std::string_view& rest, std::string_view escape) {
  constexpr uint32_t kSurrogates = 0xD800;
  constexpr uint32_t kLowSurrogates = 0xDC00;
  constexpr uint32_t kSurrogateCount = 0x400;
  const std::optional<uint32_t> first = take_number(rest, 4, 4, 16);
  if (!first || *first < kSurrogates || *first >= kLowSurrogates) return first;
  if (!rest.starts_with(escape)) return std::nullopt;
  rest.remove_prefix(escape.size());
  const std::optional<uint32_t> second = take_number(rest, 4, 4, 16);
  if (!second || *second < kLowSurrogates || *second >= kLowSurrogates + kSurrogateCount) return std::nullopt;
  return 0x10000 + (*first - kSurrogates) * kSurrogateCount + (*second - kLowSurrogates);
}

bool append_code(std::string& out, std::optional<uint32_t> code) {
  constexpr uint32_t kCodeMax = 0x10FFFF;
  if (!code || *code > kCodeMax) return false;
  append_utf8(out, *code);
  return true;
}

// Reads what stands behind a backslash; false when it is no escape.
bool read_escape(std::string_view& rest, std::string& out) {
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
    case 'u': return append_code(out, take_utf16(rest, "\\u"));
    case 'U': return append_code(out, take_number(rest, 8, 8, 16));
    case 'x': out += static_cast<char>(take_number(rest, 1, 2, 16).value_or('x')); return true;
    default: out += c; return true;
  }
}

// Four digits, or + and six.
std::optional<uint32_t> take_character(std::string_view& rest, char escape) {
  if (!rest.starts_with('+')) return take_utf16(rest, {&escape, 1});
  rest.remove_prefix(1);
  return take_number(rest, 6, 6, 16);
}

}  // namespace

std::optional<std::string> unescape_unicode(std::string_view content, char escape) {
  std::string text;
  while (!content.empty()) {
    const char c = content.front();
    content.remove_prefix(1);
    if (c != escape) {
      text += c;
      if (c == '\'') content.remove_prefix(1);  // it is doubled
    } else if (content.starts_with(escape)) {
      text += escape;
      content.remove_prefix(1);
    } else if (!append_code(text, take_character(content, escape))) {
      return std::nullopt;
    }
  }
  if (find_invalid_utf8(text) != std::string_view::npos) return std::nullopt;
  return text;
}

Result<std::string> unescape(std::string_view content) {
  std::string text;
  for (std::string_view rest = content; !rest.empty();) {
    const auto at = static_cast<uint32_t>(content.size() - rest.size());
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c != '\\') {
      text += c;
      if (c == '\'') rest.remove_prefix(1);  // it is doubled
    } else if (rest.empty() || !read_escape(rest, text)) {
      return invalid_argument("this is no escape")
          .at(at)
          .hint("a backslash is written as \\\\, or the string without E in front");
    }
  }
  if (find_invalid_utf8(text) != std::string_view::npos) {
    return invalid_argument("the escapes in this string do not give UTF-8 without zero bytes").at(0);
  }
  return text;
}

}  // namespace penstock::sql
