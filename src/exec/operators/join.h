// Regular joins: all rows of two inputs, which may change on both sides.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/join_layout.h"
#include "exec/operators/state_ttl.h"
#include "expr/expr.h"
#include "types/type.h"

namespace penstock::exec {

struct JoinOptions {
  JoinKind kind = JoinKind::kInner;
  std::array<JoinInput, 2> inputs;  // by port; the keys have the same types on both sides
  std::vector<bool> nulls_match;    // per key: whether NULL equals NULL; else it equals nothing
  expr::ExprPtr condition;          // over left ++ right; may be null
  std::vector<int> output;          // columns of left ++ right; of left alone for kSemi and kAnti
  // Rows that come out by themselves do so when both inputs have ended, and are then never taken back; else at
  // barriers, as the net change of the epoch.
  bool at_end = false;
  // Of the rows of each input; of inner, left, right and full joins. What has come out of rows that are forgotten is
  // not taken back.
  std::array<StateTtl, 2> ttl = {};
  ExpressionContext context;
};

// Pairs leave as soon as both rows are there. Without keys every row meets every row.
std::unique_ptr<Operator> make_join(JoinOptions options);

}  // namespace penstock::exec
