// The kernels of CAST.
#pragma once

#include "expr/kernel.h"
#include "types/type.h"

namespace penstock::expr {

// The kernel that casts between two types between which explicitly_castable() holds; nullptr when the values are the
// same in both, so that the column is only given the other type. A row that cannot be cast fails.
Kernel cast_kernel(DataType from, DataType to);

// Pieces, in cast_text.cc, cast_temporal.cc and cast_nested.cc.
Kernel cast_from_text_kernel(DataType to);
Kernel cast_to_text_kernel(DataType from);
Kernel cast_temporal_kernel(DataType from, DataType to);
Kernel cast_nested_kernel(DataType from, DataType to);

// Drops what is finer than `precision` digits of a second, towards the past.
int64_t truncate_to_precision(int64_t micros, int precision);

}  // namespace penstock::expr
