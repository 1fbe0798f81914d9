// Joins of rows that only come, and have partners only near their own time: interval joins and window joins.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/join_layout.h"
#include "expr/expr.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

struct IntervalJoinOptions {
  JoinKind kind = JoinKind::kInner;
  std::array<JoinInput, 2> inputs;  // by port; the keys have the same types on both sides
  std::array<int, 2> times;         // columns of each input: the event time of its rows
  std::vector<bool> nulls_match;    // per key: whether NULL equals NULL; else it equals nothing
  // Partners are rows for which lower_us <= right time - left time <= upper_us.
  int64_t lower_us = 0;
  int64_t upper_us = 0;
  // The columns of time lie this much behind the moment that counts: where they are ends of windows, it is the last one
  // that is in the window.
  int64_t behind_us = 0;
  const types::TimeZone* zone = nullptr;  // where they are: of the windows, see types/window.h
  bool drops_late = false;                // rows at or behind the watermark; else they meet what is still kept
  expr::ExprPtr condition;                // over left ++ right; may be null
  std::vector<int> output;                // columns of left ++ right; of left alone for kSemi and kAnti
  ExpressionContext context;
  std::array<LateOutput, 2> late;  // by side
};

// Emits pairs, and what a kSemi gives, as soon as both rows are there; a row without a partner once, when the watermark
// says that none can come. So its output is never taken back. A row is kept until the watermark has reached the last
// time that a partner can have. Its output's watermark is held back by as much as rows are kept.
std::unique_ptr<Operator> make_interval_join(IntervalJoinOptions options);

}  // namespace penstock::exec
