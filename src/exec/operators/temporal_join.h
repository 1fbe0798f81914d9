// Joins of rows that only come with the versions that a table had at the rows' event times.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/join_layout.h"
#include "expr/expr.h"

namespace penstock::exec {

struct TemporalJoinOptions {
  JoinKind kind = JoinKind::kInner;  // or kLeft
  std::array<JoinInput, 2> inputs;   // by port: rows, and versions, of which a key has one at a time
  std::array<int, 2> times;          // columns of each input: the event time of its rows
  std::vector<bool> nulls_match;     // per key: whether NULL equals NULL; else it equals nothing
  expr::ExprPtr condition;           // over left ++ right; may be null
  std::vector<int> output;           // columns of left ++ right
  ExpressionContext context;
};

// A row waits until the watermark has reached its time, and leaves with the version of its key that has the greatest
// time which is not behind its own; of several with that time, the one that came last. A late row leaves at once, with
// what is still kept: the version at the watermark, and later ones.
std::unique_ptr<Operator> make_temporal_join(TemporalJoinOptions options);

}  // namespace penstock::exec
