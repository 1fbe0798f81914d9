// Evaluation of expressions, a column at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "expr/expr.h"
#include "types/value.h"

namespace penstock::types {
class TimeZone;
}

namespace penstock::expr {

// What expressions depend on beside their input.
struct EvalContext {
  // CURRENT_TIMESTAMP, NOW() and the like, microseconds since 1970: set once per query for a bounded run, once per
  // batch for a running job.
  int64_t now_us = 0;
  // The time zone for TIMESTAMP_LTZ in expressions that have none of their own; nullptr is UTC. Outlives the
  // evaluation.
  const types::TimeZone* zone = nullptr;
};

// A row that could not be computed: division by zero, a value that cannot be cast, an overflow of DECIMAL.
struct RowError {
  uint16_t row;  // within the batch
  std::string message;
};
// In no particular order; one row may have several. The caller fails, or sends the rows to a dead-letter table.
using RowErrors = std::vector<RowError>;

// The rows of a batch of `rows` that are not in error.
columnar::Selection rows_without(const RowErrors& errors, size_t rows);
// One error of each row that has any, in the order of the rows.
RowErrors one_error_per_row(RowErrors errors);

// The value of `expr` for each row of `batch`. Rows in error are NULL in the column and named in `errors`, which is
// appended to.
columnar::ColumnPtr evaluate(const Expr& expr, const columnar::ChangeBatch& batch, const EvalContext& context,
                             RowErrors& errors);

// The same of several expressions, in their order; what they have in common (common_parts.h) is computed once. Rows in
// error have some value, or NULL.
std::vector<columnar::ColumnPtr> evaluate_all(std::span<const ExprPtr> expressions, const columnar::ChangeBatch& batch,
                                              const EvalContext& context, RowErrors& errors);

// The rows for which `predicate` (a BOOLEAN) is TRUE. Rows in error are left out and named in `errors`.
columnar::Selection select(const Expr& predicate, const columnar::ChangeBatch& batch, const EvalContext& context,
                           RowErrors& errors);

// The value of an expression without columns.
Result<types::Value> evaluate_constant(const Expr& expr, const EvalContext& context);

// Replaces every constant part by its value; parts whose evaluation fails stay, so that only rows that reach them fail.
ExprPtr fold_constants(const ExprPtr& expr, const EvalContext& context);

}  // namespace penstock::expr
