// SELECT's expressions: one output column each.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "expr/expr.h"

namespace penstock::exec {

std::unique_ptr<Operator> make_project(const std::vector<expr::ExprPtr>& expressions, ExpressionContext context);

}  // namespace penstock::exec
