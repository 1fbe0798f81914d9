// WHERE: keeps the rows for which a predicate is TRUE.
#pragma once

#include <memory>

#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "expr/expr.h"

namespace penstock::exec {

std::unique_ptr<Operator> make_filter(const expr::ExprPtr& predicate, ExpressionContext context);

}  // namespace penstock::exec
