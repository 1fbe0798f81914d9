#include "exec/operators/timed_side.h"

#include <memory>

namespace penstock::exec {

namespace {

using state::kNoRow;
using state::RowId;

// So many rows are looked at for a place on a list before it gets an index.
constexpr int kStepsMax = 32;
// Rows ahead of which the groups of due ones are fetched.
constexpr size_t kPrefetchGroups = 8;

void free_index(TimedList& rows) { std::unique_ptr<TimedList::Index>(std::exchange(rows.index, nullptr)).reset(); }

}  // namespace

state::PayloadLayout TimedGroup::layout() {
  return {.bytes = sizeof(TimedGroup), .destroy = [](void*, std::byte* group) {
            for (TimedList& rows : at(group).rows) free_index(rows);
          }};
}

RowId TimedSide::add(size_t loaded_row, int64_t time, std::byte* group) {
  const RowId row = store_.insert(loaded_row);
  TimedList& rows = rows_of(group);
  const RowId before = last_until(rows, time);
  const RowId behind = before == kNoRow ? rows.first : header(before).next;
  header(row) = {.group = group, .time = time, .next = behind, .previous = before, .matched = false};
  (before == kNoRow ? rows.first : header(before).next) = row;
  (behind == kNoRow ? rows.last : header(behind).previous) = row;
  if (rows.index != nullptr) rows.index->try_emplace(time, row);
  due_.add({time, row});
  return row;
}

RowId TimedSide::last_until(TimedList& rows, int64_t time) const {
  RowId row = rows.last;
  for (int steps = 0; row != kNoRow && header(row).time > time; row = header(row).previous) {
    if (rows.index == nullptr && ++steps <= kStepsMax) continue;
    if (rows.index == nullptr) make_index(rows);
    const auto behind = rows.index->upper_bound(time);
    return behind == rows.index->end() ? rows.last : header(behind->second).previous;
  }
  return row;
}

RowId TimedSide::lower_bound(std::byte* group, int64_t time) {
  TimedList& rows = rows_of(group);
  RowId row = rows.first;
  for (int steps = 0; row != kNoRow && header(row).time < time; row = header(row).next) {
    if (rows.index == nullptr && ++steps <= kStepsMax) continue;
    if (rows.index == nullptr) make_index(rows);
    const auto found = rows.index->lower_bound(time);
    return found == rows.index->end() ? kNoRow : found->second;
  }
  return row;
}

void TimedSide::make_index(TimedList& rows) const {
  rows.index = std::make_unique<TimedList::Index>().release();
  for (RowId row = rows.first; row != kNoRow; row = header(row).next) {
    rows.index->try_emplace(rows.index->end(), header(row).time, row);
  }
}

void TimedSide::unlink(RowId row) const {
  const Header& at = header(row);
  TimedList& rows = rows_of(at.group);
  if (rows.index != nullptr) {
    const auto of_time = rows.index->find(at.time);
    if (of_time->second == row) {
      if (at.next != kNoRow && header(at.next).time == at.time) {
        of_time->second = at.next;
      } else {
        rows.index->erase(of_time);
      }
    }
    if (rows.index->empty()) free_index(rows);
  }
  (at.previous == kNoRow ? rows.first : header(at.previous).next) = at.next;
  (at.next == kNoRow ? rows.last : header(at.next).previous) = at.previous;
}

const std::vector<RowId>& TimedSide::take_due(int64_t last_time, state::GroupTable& groups) {
  while (taken_.size() < columnar::kBatchRowsMax && has_due(last_time)) taken_.push_back(due_.take().row);
  std::vector<std::byte*> emptied;
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (i + kPrefetchGroups < taken_.size()) __builtin_prefetch(header(taken_[i + kPrefetchGroups]).group);
    std::byte* const group = header(taken_[i]).group;
    unlink(taken_[i]);
    if (TimedGroup::at(group).empty()) emptied.push_back(group);
  }
  groups.erase(emptied);
  return taken_;
}

void TimedSide::erase_taken() {
  for (const RowId row : taken_) store_.erase(row);
  taken_.clear();
}

}  // namespace penstock::exec
