// What an interval join keeps of one input: its rows, per key in the order of their times, until they are due.
#pragma once

#include <absl/container/btree_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "exec/operators/due_rows.h"
#include "exec/operators/join_layout.h"
#include "state/group_table.h"
#include "state/row_store.h"

namespace penstock::exec {

// The rows of one side with one key: a list through their headers, in the order of their times and, of one time, that
// in which they came.
struct TimedList {
  // The first row of each time. It is made when a place is far from both ends of the list.
  using Index = absl::btree_map<int64_t, state::RowId, std::less<int64_t>,
                                StateAllocator<std::pair<const int64_t, state::RowId>>>;
  state::RowId first;
  state::RowId last;
  Index* index;  // owned; usually null

  bool empty() const { return first == state::kNoRow; }
};

// The rows of both sides with one key: the payload of its GroupTable.
struct TimedGroup {
  std::array<TimedList, 2> rows;

  static TimedGroup& at(std::byte* group) { return *reinterpret_cast<TimedGroup*>(group); }
  static state::PayloadLayout layout();
  bool empty() const { return rows[kLeftSide].empty() && rows[kRightSide].empty(); }
};

// Owned by one join; not thread-safe.
class TimedSide {
 public:
  TimedSide(Side side, const JoinLayout& layout)
      : side_(side), layout_(layout), store_(layout.stored_types(side), sizeof(Header)) {}

  // Packs the rows of a batch for add().
  void load(const columnar::ChangeBatch& batch) { store_.load(layout_.stored_values(side_, batch), batch.rows()); }
  state::RowId add(size_t loaded_row, int64_t time, std::byte* group);
  const state::RowStore& store() const { return store_; }

  // The first row of a group that is not before a time, and those behind it; kNoRow at the end.
  state::RowId lower_bound(std::byte* group, int64_t time);
  state::RowId next(state::RowId row) const { return header(row).next; }
  int64_t time(state::RowId row) const { return header(row).time; }

  bool is_matched(state::RowId row) const { return header(row).matched; }
  void set_matched(state::RowId row) { header(row).matched = true; }

  bool has_due(int64_t last_time) { return due_.has_due(last_time); }
  // Takes some rows up to that time out of their groups; erase_taken() must follow, until when their values are there.
  const std::vector<state::RowId>& take_due(int64_t last_time, state::GroupTable& groups);
  void erase_taken();

 private:
  // In front of every row.
  struct Header {
    std::byte* group;
    int64_t time;
    state::RowId next;
    state::RowId previous;
    bool matched;
  };
  Header& header(state::RowId row) const { return *reinterpret_cast<Header*>(store_.header(row)); }
  TimedList& rows_of(std::byte* group) const { return TimedGroup::at(group).rows[side_]; }
  // The last row of the list that is not behind a time; kNoRow when there is none.
  state::RowId last_until(TimedList& rows, int64_t time) const;
  void make_index(TimedList& rows) const;
  void unlink(state::RowId row) const;

  const Side side_;
  const JoinLayout& layout_;
  state::RowStore store_;
  DueRows due_;
  std::vector<state::RowId> taken_;
};

}  // namespace penstock::exec
