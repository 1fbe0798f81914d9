// Joins of rows that only come with a table as it is when they are processed.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/join_layout.h"
#include "expr/expr.h"

namespace penstock::exec {

struct LookupJoinOptions {
  JoinKind kind = JoinKind::kInner;  // or kLeft
  std::array<JoinInput, 2> inputs;   // by port; the keys have the same types on both sides
  std::vector<bool> nulls_match;     // per key: whether NULL equals NULL; else it equals nothing
  expr::ExprPtr condition;           // over left ++ right; may be null
  std::vector<int> output;           // columns of left ++ right
  ExpressionContext context;
};

// Keeps the rows of the right input, which may change; a change concerns only the left rows that come after it. What
// comes out is never taken back.
std::unique_ptr<Operator> make_lookup_join(LookupJoinOptions options);

}  // namespace penstock::exec
