// Arithmetic on decimals held as unscaled 128-bit integers. A decimal has at most 38 digits.
#pragma once

#include <optional>

#include "types/value.h"

namespace penstock::types {

inline constexpr int kDecimalPrecisionMax = 38;

// 10 to the power of 0..38.
Int128 power_of_ten(int exponent);

// True when `unscaled` has at most `precision` digits.
bool fits_precision(Int128 unscaled, int precision);

// `unscaled` / `divisor`, rounded half away from zero ("half up" in SQL's sense). `divisor` is not 0.
Int128 divide_half_up(Int128 unscaled, Int128 divisor);

// The same number at another scale, rounded half up; nothing when it needs more than `precision` digits.
std::optional<Int128> rescale_decimal(Int128 unscaled, int from_scale, int to_scale, int precision);

double decimal_to_double(Int128 unscaled, int scale);
// Rounds half up; nothing when it is not finite or needs more than `precision` digits.
std::optional<Int128> decimal_from_double(double value, int precision, int scale);

}  // namespace penstock::types
