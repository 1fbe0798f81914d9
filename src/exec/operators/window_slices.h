// The state of a window aggregation: one table of groups per slice of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "columnar/change_batch.h"
#include "exec/late_rows.h"
#include "exec/operators/accumulators.h"
#include "exec/operators/window_aggregate.h"
#include "state/group_table.h"
#include "types/window.h"

namespace penstock::exec {

// Windows that overlap share slices (types::Window::slice_of), so a row is added to one group however many windows it
// is in. A window is put together when it closes, and a slice is dropped whole when its last window has closed: there
// is no timer per group.
//
// Owned by one operator. All times are those of the windows (LocalTimes), watermarks too. How far windows have closed
// is told by close_through(); it never goes back.
class WindowSlices {
 public:
  // Groups of keys, and the distinct values that they have seen. In front of a group's accumulators is the sum of the
  // weights of its rows.
  struct Groups {
    std::unique_ptr<state::GroupTable> table;
    DistinctTables distinct;
  };
  // A window that is being put together, and its groups once it is.
  struct Closing {
    types::TimeSpan window;
    const Groups* groups = nullptr;
  };

  explicit WindowSlices(const WindowAggregateOptions& options);

  // Adds the rows, which have these times, to their slices. Returns those that are in no window that is open, and left
  // out; valid until the next call.
  std::span<const LateRow> add(const columnar::ChangeBatch& batch, const columnar::Column& times);

  // Begins to close the next window that has rows and whose last moment is at or before `watermark`. False when there
  // is none; then every window up to there is closed.
  bool close_next(EventTime watermark);
  // Works on the window that is closing, for a bounded time; true when it is put together.
  bool combine_some();
  bool is_closing() const { return closing_.window.end > closing_.window.start; }
  const Closing& closing() const { return closing_; }
  // The window has been emitted: drops what no open window needs.
  void finish_closing();

  Accumulators& accumulators() { return accumulators_; }
  static int64_t rows_of(const std::byte* group) { return *reinterpret_cast<const int64_t*>(group); }

 private:
  struct Slice {
    types::TimeSpan span;
    int64_t last_end = 0;  // of its windows
    Groups groups;
    columnar::Selection rows;  // of the batch at hand
  };

  // The end of the first window of a slice that has not closed.
  int64_t first_open_end(types::TimeSpan slice) const;
  // The slice that rows at `time_us` go to; nullptr when no window is open for them. Sets `span` to the times that the
  // answer holds for.
  Slice* slice_for(int64_t time_us, types::TimeSpan& span);
  // Why a row of that slice is in no window that is open.
  LateRow late_row(size_t row, types::TimeSpan slice) const;
  void add_rows(Slice& slice, const columnar::ChangeBatch& batch);
  Groups make_groups();
  // Adds a batch of groups from `merge_position_` on; false when there are no more.
  bool merge_some(Groups& from);

  const WindowAggregateOptions& options_;
  Accumulators accumulators_;
  std::map<int64_t, Slice> slices_;  // by start
  std::vector<Slice*> touched_;      // that have rows of the batch at hand
  std::vector<std::byte*> groups_;
  std::vector<LateRow> late_;

  // The last moment of the last window that has closed.
  EventTime closed_through_ = kMinEventTime;
  Closing closing_;
  // The next slice of the window that is closing to be added to combined_, by start, and the place in its table.
  int64_t merge_next_ = 0;
  size_t merge_position_ = 0;
  // Of the window that is closing; of cumulating windows, everything up to combined_end_ until the largest has closed.
  std::optional<Groups> combined_;
  int64_t combined_end_ = 0;
  std::vector<std::byte*> merged_;
};

}  // namespace penstock::exec
