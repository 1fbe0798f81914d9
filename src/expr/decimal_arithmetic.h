// Arithmetic on decimals of different scales. Results are rounded half up to the result's scale; nothing where they
// have more digits than its precision.
#pragma once

#include <optional>

#include "types/type.h"
#include "types/value.h"

namespace penstock::expr {

std::optional<types::Int128> decimal_add(types::Int128 a, int scale_a, types::Int128 b, int scale_b,
                                         types::DataType result);
std::optional<types::Int128> decimal_subtract(types::Int128 a, int scale_a, types::Int128 b, int scale_b,
                                              types::DataType result);
std::optional<types::Int128> decimal_multiply(types::Int128 a, int scale_a, types::Int128 b, int scale_b,
                                              types::DataType result);
// `b` is not 0.
std::optional<types::Int128> decimal_divide(types::Int128 a, int scale_a, types::Int128 b, int scale_b,
                                            types::DataType result);
std::optional<types::Int128> decimal_remainder(types::Int128 a, int scale_a, types::Int128 b, int scale_b,
                                               types::DataType result);

// -1, 0, 1 as a is less than, equal to or greater than b; exact at any scales.
int decimal_compare(types::Int128 a, int scale_a, types::Int128 b, int scale_b);

}  // namespace penstock::expr
