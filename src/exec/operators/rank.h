// Ranks within partitions: ROW_NUMBER, RANK and DENSE_RANK, all of them or only the first so many (Top-N and
// deduplication), over rows that come and may go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/closing_window.h"
#include "exec/operators/sort_key.h"
#include "exec/operators/state_ttl.h"
#include "types/rank_function.h"
#include "types/type.h"

namespace penstock::exec {

using types::RankFunction;

struct RankOptions {
  RankFunction function = RankFunction::kRowNumber;
  types::Schema schema;            // of the input
  std::vector<int> partition_by;   // columns
  std::vector<SortKey> order_by;   // rows that compare equal are in the order in which they came
  int64_t first = 1;               // ranks from here
  std::optional<int64_t> last;     // to here, both included
  bool with_rank = true;           // whether the rank is a column behind those of the input
  bool input_append_only = false;  // then rows beyond `last` are forgotten
  bool last_first = false;         // rows that compare equal are in the opposite order
  // Where the rows of a partition are in one window: then a partition is forgotten when its window is closed, and what
  // comes later is dropped.
  std::optional<ClosingWindow> window = {};
  StateTtl ttl = {};  // of partitions; a row that changes no rank does not update one
};

// Emits, at a barrier, the net change of the rows whose rank is within [first, last]. State: all rows of a partition,
// or those up to `last` when the input only grows. A window is closed as the watermark passes its end; where rows may
// be taken back, at the first barrier behind that.
std::unique_ptr<Operator> make_rank(RankOptions options);

}  // namespace penstock::exec
