// Joins of rows that only come with the versions that a table had at the rows' event times.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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
  int gone = -1;                     // of the versions, BOOLEAN: the key has none from then on; -1: it always has
  // What a version's time less the row's may be, at most 0, and the last version within that counts; or, with
  // `first_counts`, at least 0, and the first one does.
  bool first_counts = false;
  std::optional<int64_t> lower_us;
  std::optional<int64_t> upper_us = 0;
  std::vector<bool> nulls_match;  // per key: whether NULL equals NULL; else it equals nothing
  expr::ExprPtr condition;        // over left ++ right; may be null
  std::vector<int> output;        // columns of left ++ right
  ExpressionContext context;
};

// A row waits until the watermark says that no other version will count for it; of several with one time, the one that
// came last does. A late row leaves with what is still kept. An end without a time of its own (NULL in `gone` rows)
// takes back the last version of its key.
std::unique_ptr<Operator> make_temporal_join(TemporalJoinOptions options);

}  // namespace penstock::exec
