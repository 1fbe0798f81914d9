// Characters of UTF-8 text. Bytes that are no UTF-8 count as one character each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::expr {

// True when every byte is one character.
inline bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// The bytes of the character that begins at `at`.
inline size_t character_bytes(std::string_view text, size_t at) {
  auto first = static_cast<unsigned char>(text[at]);
  size_t expected = first < 0xC2 ? 1 : (first < 0xE0 ? 2 : (first < 0xF0 ? 3 : (first < 0xF5 ? 4 : 1)));
  for (size_t i = 1; i < expected; ++i) {
    if (at + i >= text.size() || (static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 1;
  }
  return expected;
}

inline size_t character_count(std::string_view text) {
  if (is_ascii(text)) return text.size();
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += character_bytes(text, at)) ++count;
  return count;
}

// Where character number `index` (from 0) begins; the end of the text when it has fewer.
inline size_t character_offset(std::string_view text, size_t index) {
  if (is_ascii(text)) return index < text.size() ? index : text.size();
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += character_bytes(text, at);
  return at;
}

// Where `part`, which is not empty, is found from a byte on; npos when it is not.
inline size_t find_part(std::string_view text, std::string_view part, size_t from = 0) {
  return part.size() == 1 ? text.find(part[0], from) : text.find(part, from);  // by memchr, without a memcmp each
}

// The text with its letters changed: ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; others stay.
void append_upper(std::string& out, std::string_view text);
void append_lower(std::string& out, std::string_view text);

}  // namespace penstock::expr
