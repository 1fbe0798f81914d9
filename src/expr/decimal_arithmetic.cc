#include "expr/decimal_arithmetic.h"

#include <algorithm>

#include "types/decimal.h"

namespace penstock::expr {

using types::DataType;
using types::fits_precision;
using types::Int128;
using types::power_of_ten;
using types::rescale_decimal;

namespace {

using UInt128 = unsigned __int128;

UInt128 magnitude(Int128 value) { return value < 0 ? -static_cast<UInt128>(value) : static_cast<UInt128>(value); }

// An unsigned number of 256 bits: for products, and dividends scaled up.
struct UInt256 {
  UInt128 high;
  UInt128 low;
};

UInt256 multiply_wide(UInt128 a, UInt128 b) {
  constexpr UInt128 kMask = UINT64_MAX;
  UInt128 a0 = a & kMask;
  UInt128 a1 = a >> 64;
  UInt128 b0 = b & kMask;
  UInt128 b1 = b >> 64;
  UInt128 low = a0 * b0;
  UInt128 middle = a1 * b0 + (low >> 64);
  UInt128 middle2 = a0 * b1 + (middle & kMask);
  return {.high = a1 * b1 + (middle >> 64) + (middle2 >> 64), .low = (middle2 << 64) | (low & kMask)};
}

// The quotient, rounded half up or down; nothing when it needs more than 127 bits. Bit by bit: only for results that
// are too large for 128-bit division.
std::optional<Int128> divide_wide(UInt256 dividend, UInt128 divisor, bool half_up = true) {
  if (dividend.high >= divisor) return std::nullopt;
  UInt128 remainder = dividend.high;
  UInt128 quotient = 0;
  for (int bit = 127; bit >= 0; --bit) {
    bool carry = (remainder >> 127) != 0;
    remainder = (remainder << 1) | ((dividend.low >> bit) & 1);
    quotient <<= 1;
    if (carry || remainder >= divisor) {
      remainder -= divisor;
      quotient |= 1;
    }
  }
  if (half_up && remainder >= divisor - remainder) ++quotient;
  if ((quotient >> 127) != 0) return std::nullopt;
  return static_cast<Int128>(quotient);
}

std::optional<Int128> with_sign(std::optional<Int128> size, bool negative, int precision) {
  if (!size || !fits_precision(*size, precision)) return std::nullopt;
  return negative ? -*size : *size;
}

// `value` times a power of ten; nothing on overflow.
std::optional<Int128> scaled_up(Int128 value, int places) {
  Int128 result = 0;
  if (__builtin_mul_overflow(value, power_of_ten(places), &result)) return std::nullopt;
  return result;
}

}  // namespace

std::optional<Int128> decimal_add(Int128 a, int scale_a, Int128 b, int scale_b, DataType result) {
  int scale = std::max(scale_a, scale_b);
  std::optional<Int128> left = scaled_up(a, scale - scale_a);
  std::optional<Int128> right = scaled_up(b, scale - scale_b);
  Int128 sum = 0;
  if (!left || !right || __builtin_add_overflow(*left, *right, &sum)) return std::nullopt;
  return rescale_decimal(sum, scale, result.scale(), result.precision());
}

std::optional<Int128> decimal_subtract(Int128 a, int scale_a, Int128 b, int scale_b, DataType result) {
  return decimal_add(a, scale_a, -b, scale_b, result);
}

std::optional<Int128> decimal_multiply(Int128 a, int scale_a, Int128 b, int scale_b, DataType result) {
  int scale = scale_a + scale_b;
  Int128 product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) {
    if (scale <= result.scale() + types::kDecimalPrecisionMax) {
      return rescale_decimal(product, scale, result.scale(), result.precision());
    }
  }
  int dropped = scale - result.scale();
  if (dropped < 0) return std::nullopt;
  UInt256 wide = multiply_wide(magnitude(a), magnitude(b));
  bool negative = (a < 0) != (b < 0);
  if (dropped > types::kDecimalPrecisionMax) {
    // In two steps, of which only the second rounds: a half is then still a half.
    std::optional<Int128> cut = divide_wide(wide, static_cast<UInt128>(power_of_ten(38)), false);
    if (!cut) return std::nullopt;
    return with_sign(types::divide_half_up(*cut, power_of_ten(dropped - 38)), negative, result.precision());
  }
  return with_sign(divide_wide(wide, static_cast<UInt128>(power_of_ten(dropped))), negative, result.precision());
}

std::optional<Int128> decimal_divide(Int128 a, int scale_a, Int128 b, int scale_b, DataType result) {
  // a / 10^sa / (b / 10^sb) = q / 10^sr  =>  q = a * 10^(sr - sa + sb) / b
  int places = result.scale() - scale_a + scale_b;
  bool negative = (a < 0) != (b < 0);
  if (places < 0) {
    UInt256 divisor = multiply_wide(magnitude(b), static_cast<UInt128>(power_of_ten(std::min(-places, 38))));
    if (divisor.high != 0) return Int128{0};
    return with_sign(divide_wide({.high = 0, .low = magnitude(a)}, divisor.low), negative, result.precision());
  }
  Int128 dividend = a;
  while (places > types::kDecimalPrecisionMax) {  // beyond one power of ten
    if (__builtin_mul_overflow(dividend, Int128{10}, &dividend)) return std::nullopt;
    --places;
  }
  Int128 scaled = 0;
  if (!__builtin_mul_overflow(dividend, power_of_ten(places), &scaled)) {
    Int128 quotient = types::divide_half_up(scaled, b);
    if (!fits_precision(quotient, result.precision())) return std::nullopt;
    return quotient;
  }
  UInt256 wide = multiply_wide(magnitude(dividend), static_cast<UInt128>(power_of_ten(places)));
  return with_sign(divide_wide(wide, magnitude(b)), negative, result.precision());
}

std::optional<Int128> decimal_remainder(Int128 a, int scale_a, Int128 b, int scale_b, DataType result) {
  int scale = std::max(scale_a, scale_b);
  std::optional<Int128> left = scaled_up(a, scale - scale_a);
  std::optional<Int128> right = scaled_up(b, scale - scale_b);
  if (!left || !right) return std::nullopt;
  return rescale_decimal(*left % *right, scale, result.scale(), result.precision());
}

int decimal_compare(Int128 a, int scale_a, Int128 b, int scale_b) {
  int scale = std::max(scale_a, scale_b);
  std::optional<Int128> left = scaled_up(a, scale - scale_a);
  std::optional<Int128> right = scaled_up(b, scale - scale_b);
  // Only one side is scaled up; where that overflows it is the larger in size.
  if (!left) return a < 0 ? -1 : 1;
  if (!right) return b < 0 ? 1 : -1;
  return *left < *right ? -1 : (*right < *left ? 1 : 0);
}

}  // namespace penstock::expr
