#include "exec/operators/expression_context.h"

#include <vector>

namespace penstock::exec {

Status ExpressionContext::set_aside(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) const {
  if (errors.empty()) return {};
  if (failed_rows == nullptr) return invalid_argument("{}", errors.front().message);
  failed_rows->add(batch, errors);
  return {};
}

columnar::Selection rows_without(const expr::RowErrors& errors, size_t rows) {
  std::vector<bool> failed(rows, false);
  for (const expr::RowError& error : errors) failed[error.row] = true;
  columnar::Selection left;
  for (size_t row = 0; row < rows; ++row) {
    if (!failed[row]) left.push_back(static_cast<uint16_t>(row));
  }
  return left;
}

}  // namespace penstock::exec
