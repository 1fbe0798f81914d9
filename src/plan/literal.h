// Constants of the syntax tree as bound literals.
#pragma once

#include "base/result.h"
#include "expr/expr.h"
#include "sql/expression.h"
#include "types/type.h"

namespace penstock::plan {

Result<expr::ExprPtr> bind_literal(const sql::Literal& literal);

// INTERVAL '1:30' MINUTE TO SECOND, INTERVAL '2' DAY, and PostgreSQL's INTERVAL '1 day 02:03:04'. Of months or of
// microseconds; parts of both kinds in one interval are refused.
Result<expr::ExprPtr> bind_interval(const sql::IntervalLiteral& literal);

// A type as written: Flink's names and PostgreSQL's.
Result<types::DataType> bind_type(const sql::TypeName& type);

}  // namespace penstock::plan
