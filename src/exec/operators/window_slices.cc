#include "exec/operators/window_slices.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock::exec {

using columnar::ChangeBatch;
using columnar::Column;
using types::TimeSpan;
using types::Window;

namespace {

// Groups that are merged until the operator gives way to others.
constexpr size_t kGroupsPerCall = 8 * columnar::kBatchRowsMax;

EventTime last_moment(int64_t window_end) { return EventTime(window_end - types::kLastMomentUs); }

}  // namespace

WindowSlices::WindowSlices(const WindowAggregateOptions& options)
    : options_(options), accumulators_(options.calls, sizeof(int64_t)) {}

WindowSlices::Groups WindowSlices::make_groups() {
  return {.table = std::make_unique<state::GroupTable>(options_.key_types, accumulators_.layout()),
          .distinct = accumulators_.make_distinct_tables()};
}

int64_t WindowSlices::first_open_end(TimeSpan slice) const {
  const int64_t first = options_.window.first_end(slice);
  if (last_moment(first) > closed_through_) return first;
  const int64_t behind = closed_through_.value() - last_moment(first).value();
  return first + (behind / options_.window.step_us + 1) * options_.window.step_us;
}

WindowSlices::Slice* WindowSlices::slice_for(int64_t time_us, TimeSpan& span) {
  span = options_.window.slice_of(time_us);
  const int64_t last_end = options_.window.last_end(span);
  const bool in_none = options_.window.first_end(span) > last_end || last_moment(last_end) <= closed_through_;
  if (in_none) return nullptr;
  TimeSpan home = span;
  // What has closed of cumulating windows is in combined_ already: such rows go with those of the next one.
  if (options_.window.kind == Window::Kind::kCumulate) {
    home.end = first_open_end(span);
    home.start = home.end - options_.window.step_us;
  }
  Slice& slice = slices_[home.start];
  if (slice.groups.table == nullptr) slice = {.span = home, .last_end = last_end, .groups = make_groups(), .rows = {}};
  return &slice;
}

LateRow WindowSlices::late_row(size_t row, TimeSpan slice) const {
  const int64_t last_end = options_.window.last_end(slice);
  if (options_.window.first_end(slice) > last_end) {
    return {.row = static_cast<uint16_t>(row), .reason = LateReason::kInNoWindow};
  }
  return {.row = static_cast<uint16_t>(row),
          .reason = LateReason::kWindowClosed,
          .window = options_.window.window_of(last_end)};
}

// Neighbouring rows mostly share a slice, so that looking it up is rare.
std::span<const LateRow> WindowSlices::add(const ChangeBatch& batch, const Column& times) {
  const std::span<const int64_t> values = times.values<int64_t>();
  TimeSpan span;  // of `slice`; empty at first
  Slice* slice = nullptr;
  late_.clear();
  for (size_t row = 0; row < batch.rows(); ++row) {
    if (times.is_null(row) || !types::in_window_range(values[row])) {
      late_.push_back({.row = static_cast<uint16_t>(row), .reason = LateReason::kInNoWindow});
      continue;
    }
    if (values[row] < span.start || values[row] >= span.end) slice = slice_for(values[row], span);
    if (slice == nullptr) {
      late_.push_back(late_row(row, span));
      continue;
    }
    if (slice->rows.empty()) touched_.push_back(slice);
    slice->rows.push_back(static_cast<uint16_t>(row));
  }
  for (Slice* one : touched_) {
    add_rows(*one, one->rows.size() == batch.rows() ? batch : batch.take(one->rows));
    one->rows.clear();
  }
  touched_.clear();
  return late_;
}

void WindowSlices::add_rows(Slice& slice, const ChangeBatch& batch) {
  slice.groups.table->find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
  for (size_t row = 0; row < batch.rows(); ++row) {
    *reinterpret_cast<int64_t*>(groups_[row]) += batch.weight(row);
  }
  accumulators_.update(groups_, batch, slice.groups.distinct);
}

bool WindowSlices::close_next(EventTime watermark) {
  std::optional<int64_t> end;
  if (combined_) {
    end = combined_end_ + options_.window.step_us;
  } else if (!slices_.empty()) {
    end = first_open_end(slices_.begin()->second.span);
  }
  if (!end || last_moment(*end) > watermark) {
    closed_through_ = std::max(closed_through_, watermark);
    return false;
  }
  closing_ = {.window = options_.window.window_of(*end), .groups = nullptr};
  merge_next_ = closing_.window.start;
  merge_position_ = 0;
  return true;
}

bool WindowSlices::combine_some() {
  auto next = slices_.lower_bound(merge_next_);
  if (!combined_) {
    if (options_.window.kind == Window::Kind::kCumulate) {
      combined_ = std::move(next->second.groups);
      next = slices_.erase(next);
    } else if (std::next(next) == slices_.end() || std::next(next)->first >= closing_.window.end) {
      closing_.groups = &next->second.groups;  // the only one
      return true;
    } else {
      combined_ = make_groups();
    }
  }
  for (size_t merged = 0; next != slices_.end() && next->first < closing_.window.end; next = std::next(next)) {
    merge_next_ = next->first;
    while (merge_some(next->second.groups)) {
      merged += merged_.size();
      if (merged >= kGroupsPerCall) return false;
    }
    merge_position_ = 0;
  }
  closing_.groups = &*combined_;
  return true;
}

bool WindowSlices::merge_some(Groups& from) {
  if (!from.table->next(merge_position_, columnar::kBatchRowsMax, merged_)) return false;
  combined_->table->find_or_insert(*from.table, merged_, groups_);
  for (size_t i = 0; i < merged_.size(); ++i) *reinterpret_cast<int64_t*>(groups_[i]) += rows_of(merged_[i]);
  accumulators_.merge(groups_, combined_->distinct, merged_, from.distinct);
  return true;
}

void WindowSlices::finish_closing() {
  const Window& window = options_.window;
  const int64_t end = closing_.window.end;
  closed_through_ = std::max(closed_through_, last_moment(end));
  while (!slices_.empty() && slices_.begin()->second.last_end <= end) slices_.erase(slices_.begin());
  if (window.kind == Window::Kind::kCumulate) {
    combined_end_ = end;
    slices_.erase(slices_.begin(), slices_.lower_bound(end));
    const bool largest = end - closing_.window.start == window.size_us;
    if (largest) combined_.reset();
  } else {
    combined_.reset();
  }
  closing_ = {};
}

}  // namespace penstock::exec
