// What an interval join keeps of one input: its rows, per key in the order of their times, until they are due.
#pragma once

#include <absl/container/btree_set.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "exec/operators/join_layout.h"
#include "exec/operators/partition_table.h"
#include "state/row_store.h"

namespace penstock::exec {

struct TimedRow {
  int64_t time = 0;
  state::RowId row = state::kNoRow;
  auto operator<=>(const TimedRow&) const = default;
};

using TimedRows = absl::btree_set<TimedRow, std::less<TimedRow>, StateAllocator<TimedRow>>;
using TimedQueue = std::priority_queue<TimedRow, StateVector<TimedRow>, std::greater<>>;

// The rows of both sides with one key.
struct TimedGroup {
  std::array<TimedRows, 2> rows;
  bool empty() const { return rows[kLeftSide].empty() && rows[kRightSide].empty(); }
};
using TimedGroups = PartitionTable<TimedGroup>;

// Owned by one join; not thread-safe.
class TimedSide {
 public:
  TimedSide(Side side, const JoinLayout& layout)
      : side_(side), layout_(layout), store_(layout.stored_types(side), sizeof(Header)) {}

  // Packs the rows of a batch for add().
  void load(const columnar::ChangeBatch& batch) { store_.load(layout_.stored_values(side_, batch), batch.rows()); }
  state::RowId add(size_t loaded_row, int64_t time, std::byte* group);
  const state::RowStore& store() const { return store_; }

  bool is_matched(state::RowId row) const { return header(row).matched; }
  void set_matched(state::RowId row) { header(row).matched = true; }

  // The time of the row that is due first.
  bool has_due(int64_t last_time) const { return !due_.empty() && due_.top().time <= last_time; }
  // Takes some rows up to that time out of their groups; erase() must follow, until when their values are there.
  const std::vector<state::RowId>& take_due(int64_t last_time, TimedGroups& groups);
  void erase_taken();

 private:
  // In front of every row.
  struct Header {
    std::byte* group;
    bool matched;
  };
  Header& header(state::RowId row) const { return *reinterpret_cast<Header*>(store_.header(row)); }

  const Side side_;
  const JoinLayout& layout_;
  state::RowStore store_;
  TimedQueue due_;
  std::vector<state::RowId> taken_;
};

}  // namespace penstock::exec
