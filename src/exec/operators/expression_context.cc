#include "exec/operators/expression_context.h"

namespace penstock::exec {

Status ExpressionContext::set_aside(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) const {
  if (errors.empty()) return {};
  if (failed_rows == nullptr) return invalid_argument("{}", errors.front().message);
  failed_rows->add(batch, errors);
  return {};
}

}  // namespace penstock::exec
