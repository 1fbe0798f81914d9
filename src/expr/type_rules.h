// The types of results, as Flink derives them (LogicalTypeMerging, FlinkTypeSystem).
#pragma once

#include "types/type.h"

namespace penstock::expr {

// An integer type as the DECIMAL that holds all of its values; a DECIMAL as it is.
types::DataType as_decimal(types::DataType type);

// Results of arithmetic on two DECIMALs.
types::DataType decimal_sum_type(types::DataType a, types::DataType b);
types::DataType decimal_product_type(types::DataType a, types::DataType b);
types::DataType decimal_quotient_type(types::DataType a, types::DataType b);
types::DataType decimal_remainder_type(types::DataType a, types::DataType b);
// ROUND(decimal, places).
types::DataType decimal_round_type(types::DataType type, int places);

// Whether CAST takes one to the other, where at least one of them is nested: part by part, and to text.
bool nested_castable(types::DataType from, types::DataType to);

// The common type of two numeric types.
types::DataType common_numeric_type(types::DataType a, types::DataType b);

}  // namespace penstock::expr
