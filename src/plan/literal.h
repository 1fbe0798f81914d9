// Constants of the syntax tree as bound literals.
#pragma once

#include <optional>

#include "base/result.h"
#include "expr/expr.h"
#include "sql/expression.h"
#include "types/type.h"

namespace penstock::plan {

Result<expr::ExprPtr> bind_literal(const sql::Literal& literal);

// INTERVAL '1:30' MINUTE TO SECOND, INTERVAL '2' DAY, and PostgreSQL's INTERVAL '1 day 02:03:04'. Of months or of
// microseconds; parts of both kinds in one interval are refused.
Result<expr::ExprPtr> bind_interval(const sql::IntervalLiteral& literal);
// A constant interval of months as well as of days and less, as '1 year 2 days 3 hours': no value has both, but both
// can be added to a time, months first. Nothing for all else.
struct MixedInterval {
  expr::ExprPtr months;
  expr::ExprPtr rest;
};
std::optional<MixedInterval> bind_mixed_interval(const sql::Expression& expression);

// A type as written: Flink's names and PostgreSQL's.
Result<types::DataType> bind_type(const sql::TypeName& type);

}  // namespace penstock::plan
