#include "expr/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace penstock::expr {

namespace {
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kSpaces = " \n\r";

// Of each character what it stands for, or kNone.
constexpr uint8_t kNone = 64;
constexpr std::array<uint8_t, 256> kValues = [] {
  std::array<uint8_t, 256> values{};
  values.fill(kNone);
  for (size_t i = 0; i < kBase64.size(); ++i) values[static_cast<uint8_t>(kBase64[i])] = static_cast<uint8_t>(i);
  return values;
}();
}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t left = std::min<size_t>(bytes.size() - at, 3);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < left ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (size_t i = 0; i < 4; ++i) out += i <= left ? kBase64[group >> (18 - 6 * i) & 63] : '=';
  }
}

bool read_base64(std::string_view text, std::string& out) {
  uint32_t group = 0;
  int bits = 0;
  while (!text.empty() && (text.back() == '=' || kSpaces.contains(text.back()))) text.remove_suffix(1);
  for (char c : text) {
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNone) {
      if (kSpaces.contains(c)) continue;
      return false;
    }
    group = group << 6 | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xFF);
    }
  }
  return bits < 6;
}

}  // namespace penstock::expr
