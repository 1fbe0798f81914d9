// Rows for which an operator could not compute an expression.
#pragma once

#include "columnar/change_batch.h"
#include "expr/evaluate.h"

namespace penstock::exec {

// Keeps such rows. Thread-safe: all instances of an operator tell one.
class FailedRows {
 public:
  virtual ~FailedRows() = default;
  // `errors`: of rows of the batch, of which one may have several. A row that is taken back is told, too.
  virtual void add(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) = 0;
};

}  // namespace penstock::exec
