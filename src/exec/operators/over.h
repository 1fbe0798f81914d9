// Window functions over rows around each row of a partition: aggregates over frames, LAG and LEAD, values by their
// place in the frame, shares of the partition. Ranks have an operator of their own (rank.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "exec/operators/accumulators.h"
#include "exec/operators/sort_key.h"
#include "exec/operators/state_ttl.h"
#include "expr/window_function.h"
#include "types/frame.h"
#include "types/type.h"

namespace penstock::exec {

struct OverCall {
  const expr::WindowFunction* function = nullptr;  // null: the aggregate
  AggregateCall aggregate;                         // `argument` is that of `function` too
  types::DataType type;                            // of the result
  int64_t number = 1;      // how far LAG and LEAD look, which row NTH_VALUE takes, NTILE's shares
  int default_value = -1;  // a column: what LAG and LEAD give where there is no row; -1: NULL
  bool ignore_nulls = false;
  types::Frame frame;
  bool takes_back = false;  // rows that leave the frame are taken back from the aggregate; else it is computed anew
};

struct OverOptions {
  types::Schema schema;           // of the input
  std::vector<int> partition_by;  // columns
  std::vector<SortKey> order_by;  // rows that compare equal are in the order in which they came
  std::vector<OverCall> calls;
  // Of an operator in the order of time: gets rows at or behind the watermark, and rows without a time; both are
  // dropped.
  LateOutput late;
  // How long a partition stays in which no row comes or goes; rows that the watermark has not reached stay in any case.
  StateTtl ttl = {};
};

// Emits the input's columns and one per call: at a barrier, the net change. State: all rows of all partitions. An epoch
// costs as much as the partitions that it touches have rows, unless all calls look back over so many rows.
std::unique_ptr<Operator> make_over(OverOptions options);

// For rows that only come and are ordered by an event time first, and calls that look at no later one: emits a row,
// once, when the watermark reaches its time. State: what a later row may still look at.
std::unique_ptr<Operator> make_over_in_time_order(OverOptions options);

}  // namespace penstock::exec
