#include "base/json_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace penstock {

namespace {

// 0: stands for itself; 1: part of a longer UTF-8 sequence; else the letter after the backslash ('u' for \u00XX).
constexpr auto kClasses = [] {
  std::array<char, 256> classes{};
  for (size_t c = 0; c < 0x20; ++c) classes[c] = 'u';
  for (size_t c = 0x80; c < 0x100; ++c) classes[c] = 1;
  classes[0x7f] = 'u';  // a terminal's business, when it is in a log
  classes['"'] = '"';
  classes['\\'] = '\\';
  classes['\n'] = 'n';
  classes['\r'] = 'r';
  classes['\t'] = 't';
  classes['\b'] = 'b';
  classes['\f'] = 'f';
  return classes;
}();

// The length of the well-formed UTF-8 sequence of more than one byte at the front; 0 when there is none (Unicode,
// table 3-7).
size_t sequence_length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  auto continues = [&](size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  uint8_t first = byte(0);
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return continues(1) && continues(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t begin = 0;  // of what is not copied yet
  for (size_t at = 0; at < text.size();) {
    uint8_t c = static_cast<uint8_t>(text[at]);
    char kind = kClasses[c];
    if (kind == 0) {
      ++at;
      continue;
    }
    if (kind == 1) {
      size_t length = sequence_length(text.substr(at));
      if (length != 0) {
        at += length;
        continue;
      }
      out.append(text.substr(begin, at - begin)).append("\xEF\xBF\xBD");
    } else {
      out.append(text.substr(begin, at - begin)).append({'\\', kind});
      if (kind == 'u') out.append({'0', '0', kHex[c >> 4], kHex[c & 15]});
    }
    begin = ++at;
  }
  out.append(text.substr(begin));
  out += '"';
}

void quote_json_tail(std::string& out, size_t begin) {
  const std::string_view text = std::string_view(out).substr(begin);
  if (std::ranges::all_of(text, [](char c) { return kClasses[static_cast<uint8_t>(c)] == 0; })) {
    out.insert(begin, 1, '"');
    out += '"';
    return;
  }
  const std::string raw(text);
  out.resize(begin);
  append_json_string(out, raw);
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace penstock
