// Reads a short text from the front, piece by piece. For the text forms of this module.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace penstock::types {

class TextScanner {
 public:
  explicit TextScanner(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  // The next character, 0 at the end.
  char peek() const { return text_.empty() ? '\0' : text_[0]; }
  bool accept(char c) {
    if (peek() != c || text_.empty()) return false;
    text_.remove_prefix(1);
    return true;
  }
  // Reads up to `digits_max` (at most 18) digits; false when fewer than `digits_min` follow.
  bool number(int digits_min, int digits_max, int64_t& value) {
    value = 0;
    int digits = 0;
    while (digits < digits_max && is_digit(peek())) {
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
      ++digits;
    }
    return digits >= digits_min;
  }
  // Reads 1 to `digits_max` digits of a fraction of a second as microseconds, cutting what is finer.
  bool fraction(int digits_max, int64_t& micros) {
    micros = 0;
    int digits = 0;
    for (int64_t unit = 100'000; is_digit(peek()); unit /= 10, ++digits) {
      micros += (text_[0] - '0') * unit;
      text_.remove_prefix(1);
    }
    return digits >= 1 && digits <= digits_max;
  }

 private:
  std::string_view text_;
};

// The text as an error message shows it: cut after 64 bytes.
inline std::string excerpt(std::string_view text) {
  constexpr size_t kExcerptBytes = 64;
  if (text.size() <= kExcerptBytes) return std::string(text);
  return std::string(text.substr(0, kExcerptBytes)) + "...";
}

// Without leading and trailing white space.
inline std::string_view trim_space(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace penstock::types
