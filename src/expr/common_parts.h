// Equal parts of expressions, so that each is computed once.
#pragma once

#include <vector>

#include "expr/expr.h"

namespace penstock::expr {

// The same expressions, in which parts that are equal are one node, marked (Expr::is_common) where computing it again
// would cost something: an evaluation of them together, or of one, keeps its values. Parts that depend on time or
// chance stay apart.
std::vector<ExprPtr> share_common_parts(const std::vector<ExprPtr>& expressions);
ExprPtr share_common_parts(const ExprPtr& expression);

}  // namespace penstock::expr
