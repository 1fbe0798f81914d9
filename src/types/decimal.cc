#include "types/decimal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "types/text_scanner.h"

namespace penstock::types {

namespace {

using UInt128 = unsigned __int128;

constexpr auto kPowersOfTen = [] {
  std::array<Int128, kDecimalPrecisionMax + 1> powers{};
  powers[0] = 1;
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

UInt128 magnitude(Int128 value) { return value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value); }

// A number as written: sign, the first significant digits, and the power of ten of the point before them, so that the
// value is 0.d1d2d3... * 10^point.
struct Scientific {
  static constexpr int kDigitsMax = 40;  // what 38 digits and rounding can need
  bool negative = false;
  int digits = 0;
  char digit[kDigitsMax] = {};
  int64_t point = 0;
};

// Adds one digit; those beyond kDigitsMax only count.
void add_digit(Scientific& number, char c, bool after_point) {
  if (number.digits == 0 && c == '0') {
    if (after_point) --number.point;
    return;
  }
  if (number.digits < Scientific::kDigitsMax) number.digit[number.digits++] = c;
  if (!after_point) ++number.point;
}

bool scan_scientific(std::string_view text, Scientific& number) {
  size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) number.negative = text[at++] == '-';
  bool any_digit = false;
  bool after_point = false;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && !after_point) {
      after_point = true;
    } else if (text[at] >= '0' && text[at] <= '9') {
      any_digit = true;
      add_digit(number, text[at], after_point);
    } else {
      break;
    }
  }
  if (!any_digit) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  TextScanner in(text.substr(at + 1));
  bool negative_exponent = in.peek() == '-';
  if (!in.accept('-')) in.accept('+');
  int64_t exponent = 0;
  if (!in.number(1, 9, exponent) || !in.at_end()) return false;
  number.point += negative_exponent ? -exponent : exponent;
  return true;
}

// Plain numbers of up to 18 digits, which is nearly all; false for any other form.
bool short_decimal(std::string_view text, int precision, int scale, Int128& unscaled) {
  constexpr size_t kDigitsMax = 18;
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kDigitsMax) return false;
  int64_t value = 0;
  int places = -1;  // digits after the point
  for (char c : text) {
    unsigned digit = static_cast<unsigned char>(c) - unsigned{'0'};
    if (digit <= 9) {
      value = value * 10 + digit;
      if (places >= 0) ++places;
    } else if (c == '.' && places < 0) {
      places = 0;
    } else {
      return false;
    }
  }
  places = std::max(places, 0);
  if (places > scale || scale - places > kDecimalPrecisionMax - static_cast<int>(kDigitsMax)) return false;
  if (text.size() == 1 && text[0] == '.') return false;
  unscaled = static_cast<Int128>(negative ? -value : value) * power_of_ten(scale - places);
  return fits_precision(unscaled, precision);
}

}  // namespace

Int128 power_of_ten(int exponent) {
  PENSTOCK_DCHECK(exponent >= 0 && exponent <= kDecimalPrecisionMax, "power of ten out of range");
  return kPowersOfTen[static_cast<size_t>(exponent)];
}

bool fits_precision(Int128 unscaled, int precision) {
  return magnitude(unscaled) < static_cast<UInt128>(power_of_ten(precision));
}

Int128 divide_half_up(Int128 unscaled, Int128 divisor) {
  UInt128 dividend = magnitude(unscaled);
  UInt128 by = magnitude(divisor);
  UInt128 quotient = dividend / by;
  UInt128 remainder = dividend % by;
  if (remainder >= by - remainder) ++quotient;
  return (unscaled < 0) != (divisor < 0) ? -static_cast<Int128>(quotient) : static_cast<Int128>(quotient);
}

std::optional<Int128> rescale_decimal(Int128 unscaled, int from_scale, int to_scale, int precision) {
  if (to_scale < from_scale) {
    unscaled = divide_half_up(unscaled, power_of_ten(from_scale - to_scale));
  } else if (to_scale > from_scale) {
    if (__builtin_mul_overflow(unscaled, power_of_ten(to_scale - from_scale), &unscaled)) return std::nullopt;
  }
  if (!fits_precision(unscaled, precision)) return std::nullopt;
  return unscaled;
}

double decimal_to_double(Int128 unscaled, int scale) {
  // Up to 2^53 over up to 10^22 are exact, so the quotient is correctly rounded; else through the text.
  constexpr UInt128 kExactMax = UInt128{1} << 53;
  if (magnitude(unscaled) <= kExactMax && scale <= 22) {
    return static_cast<double>(static_cast<int64_t>(unscaled)) / static_cast<double>(power_of_ten(scale));
  }
  return std::strtod(int128_to_text(unscaled, scale).c_str(), nullptr);
}

std::optional<Int128> decimal_from_double(double value, int precision, int scale) {
  if (!std::isfinite(value)) return std::nullopt;
  // The shortest decimal that reads back as the double, as BigDecimal.valueOf(double) takes it.
  std::string text;
  append_double(text, value, false);
  Result<Int128> decimal = decimal_from_text(text, precision, scale);
  if (!decimal) return std::nullopt;
  return *decimal;
}

std::string int128_to_text(Int128 unscaled, int scale) {
  char text[44];  // 39 digits, a point, a sign, leading zeros up to the scale
  size_t at = sizeof text;
  UInt128 rest = magnitude(unscaled);
  int digits = 0;
  do {
    if (scale > 0 && digits == scale) text[--at] = '.';
    text[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    ++digits;
    if (rest <= UINT64_MAX) {
      // The rest with 64-bit division, which is several times cheaper.
      uint64_t low = static_cast<uint64_t>(rest);
      while (low != 0 || digits <= scale) {
        if (scale > 0 && digits == scale) text[--at] = '.';
        text[--at] = static_cast<char>('0' + low % 10);
        low /= 10;
        ++digits;
      }
      break;
    }
  } while (true);
  if (unscaled < 0) text[--at] = '-';
  return std::string(text + at, sizeof text - at);
}

Result<Int128> decimal_from_text(std::string_view text, int precision, int scale) {
  Int128 plain = 0;
  if (short_decimal(text, precision, scale, plain)) return plain;
  Scientific number;
  if (!scan_scientific(trim_space(text), number)) {
    return invalid_argument("cannot read '{}' as DECIMAL({}, {})", excerpt(text), precision, scale);
  }
  if (number.digits == 0) return Int128{0};
  // How many of the digits stand before the last place that the scale keeps.
  int64_t kept = number.point + scale;
  if (kept > precision) {
    return invalid_argument("'{}' has too many digits for DECIMAL({}, {})", excerpt(text), precision, scale);
  }
  if (kept < 0) return Int128{0};
  Int128 unscaled = 0;
  for (int64_t i = 0; i < kept; ++i) unscaled = unscaled * 10 + (i < number.digits ? number.digit[i] - '0' : 0);
  if (kept < number.digits && number.digit[kept] >= '5') ++unscaled;
  if (!fits_precision(unscaled, precision)) {
    return invalid_argument("'{}' has too many digits for DECIMAL({}, {})", excerpt(text), precision, scale);
  }
  return number.negative ? -unscaled : unscaled;
}

}  // namespace penstock::types
