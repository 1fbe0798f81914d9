#include "exec/operators/timed_side.h"

namespace penstock::exec {

using state::RowId;

RowId TimedSide::add(size_t loaded_row, int64_t time, std::byte* group) {
  const RowId row = store_.insert(loaded_row);
  header(row).group = group;
  TimedGroups::at(group).rows[side_].insert({time, row});
  due_.push({time, row});
  return row;
}

const std::vector<RowId>& TimedSide::take_due(int64_t last_time, TimedGroups& groups) {
  for (; has_due(last_time) && taken_.size() < columnar::kBatchRowsMax; due_.pop()) {
    const TimedRow due = due_.top();
    std::byte* const group = header(due.row).group;
    TimedGroup& rows = TimedGroups::at(group);
    rows.rows[side_].erase(due);
    if (rows.empty()) groups.erase(group);
    taken_.push_back(due.row);
  }
  return taken_;
}

void TimedSide::erase_taken() {
  for (const RowId row : taken_) store_.erase(row);
  taken_.clear();
}

}  // namespace penstock::exec
