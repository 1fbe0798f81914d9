#include "expr/utf8.h"

#include <algorithm>

namespace penstock::expr {

namespace {

// Of the code points below 0x800, which are two bytes long in UTF-8.
uint32_t to_upper(uint32_t c) {
  if (c >= 0xE0 && c <= 0xFE && c != 0xF7) return c - 0x20;  // Latin-1
  if (c == 0xFF) return 0x178;
  bool odd_is_lower = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
                      (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F);
  if (odd_is_lower && c != 0x131) return c & ~1U;
  bool even_is_lower = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if (even_is_lower) return c % 2 == 0 ? c - 1 : c;
  if ((c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) || (c >= 0x430 && c <= 0x44F)) return c - 0x20;
  if (c >= 0x450 && c <= 0x45F) return c - 0x50;
  return c;
}

uint32_t to_lower(uint32_t c) {
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 0x20;
  if (c == 0x178) return 0xFF;
  bool even_is_upper = (c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177) || (c >= 0x460 && c <= 0x481) ||
                       (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F);
  if (even_is_upper && c != 0x130) return c | 1U;
  bool odd_is_upper = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E);
  if (odd_is_upper) return c % 2 == 1 ? c + 1 : c;
  if ((c >= 0x391 && c <= 0x3A9 && c != 0x3A2) || (c >= 0x410 && c <= 0x42F)) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  return c;
}

template <class F>
void append_mapped(std::string& out, std::string_view text, char first_letter, F map) {
  const auto mapped = [first_letter](char c) {
    const bool is_letter = c >= first_letter && c <= first_letter + ('z' - 'a');
    return static_cast<char>(is_letter ? c ^ 0x20 : c);
  };
  if (is_ascii(text)) {
    const size_t before = out.size();
    out.resize(before + text.size());
    std::ranges::transform(text, out.begin() + static_cast<ptrdiff_t>(before), mapped);
    return;
  }
  for (size_t at = 0; at < text.size();) {
    size_t bytes = character_bytes(text, at);
    char c = text[at];
    if (bytes == 1) {
      out += mapped(c);
    } else if (bytes == 2) {
      uint32_t code = map((static_cast<uint32_t>(c) & 0x1F) << 6 | (static_cast<uint32_t>(text[at + 1]) & 0x3F));
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += text.substr(at, bytes);
    }
    at += bytes;
  }
}

}  // namespace

void append_upper(std::string& out, std::string_view text) { append_mapped(out, text, 'a', to_upper); }
void append_lower(std::string& out, std::string_view text) { append_mapped(out, text, 'A', to_lower); }

}  // namespace penstock::expr
