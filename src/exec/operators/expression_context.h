// What operators give to the expressions that they evaluate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "exec/failed_rows.h"
#include "expr/evaluate.h"

namespace penstock::exec {

struct ExpressionContext {
  // The moment for CURRENT_TIMESTAMP: one for a whole bounded query, else the clock of the program.
  std::function<int64_t()> now_us = [] { return int64_t{0}; };
  // Takes the rows that could not be computed, which then are as if they had not come; null: the first error is that of
  // the query.
  std::shared_ptr<FailedRows> failed_rows = {};

  expr::EvalContext eval() const { return {.now_us = now_us(), .zone = nullptr}; }
  // Hands over the rows of a batch that are in error. The same row is in error again when it is taken back, since
  // expressions over rows that may be are deterministic.
  Status set_aside(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) const;
};

}  // namespace penstock::exec
