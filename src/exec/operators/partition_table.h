// What operators share that keep the rows of partitions in an order: the partitions by their key, and the keys of rows.
#pragma once

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "exec/late_rows.h"
#include "state/group_table.h"
#include "types/types_of.h"

namespace penstock::exec {

// The bytes of a row's sort key, then when it came: no two rows of a partition are equal.
inline constexpr size_t kArrivalBytes = 8;
inline std::string_view order_of(std::string_view key) { return key.substr(0, key.size() - kArrivalBytes); }
inline void append_arrival(std::string& key, uint64_t arrival) {
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(arrival >> shift));
}

// The row of a partition that a deletion means: of those with that sort key for which `is_row` is true, the one that
// came last; the end when there is none.
template <class Rows, class IsRow>
typename Rows::iterator find_last_row(Rows& rows, std::string_view order, const IsRow& is_row) {
  std::string behind(order);
  append_arrival(behind, UINT64_MAX);
  for (auto it = rows.upper_bound(behind); it != rows.begin();) {
    --it;
    if (order_of(it->first) != order) break;
    if (is_row(it->second)) return it;
  }
  return rows.end();
}

// What a partition has by the bytes of its rows' order and when they came.
template <class Row>
using RowsInOrder = absl::btree_map<StateString, Row, TextLess, StateAllocator<std::pair<const StateString, Row>>>;

// Partitions by their key, each a P on the heap.
template <class P>
class PartitionTable {
 public:
  PartitionTable(const types::Schema& schema, const std::vector<int>& partition_by)
      : columns_(partition_by), table_(types_of(schema, partition_by), layout()) {}
  // For batches of several inputs, whose keys are in other columns of each.
  explicit PartitionTable(std::vector<types::DataType> key_types) : table_(std::move(key_types), layout()) {}

  // The partition of each row of the batch.
  const std::vector<std::byte*>& find(const columnar::ChangeBatch& batch) { return find(batch, columns_); }
  const std::vector<std::byte*>& find(const columnar::ChangeBatch& batch, const std::vector<int>& columns) {
    table_.find_or_insert(batch.columns_at(columns), batch.rows(), groups_);
    return groups_;
  }
  static P& at(std::byte* group) { return **reinterpret_cast<P**>(group); }
  void erase(std::byte* group) { table_.erase(group); }
  const state::GroupTable& table() const { return table_; }

 private:
  static state::PayloadLayout layout() {
    return {.bytes = sizeof(P*),
            .init = [](void*, std::byte* payload) { new (payload) P*(new (StateAllocator<P>().allocate(1)) P()); },
            .destroy =
                [](void*, std::byte* payload) {
                  P* const partition = *reinterpret_cast<P**>(payload);
                  std::destroy_at(partition);
                  StateAllocator<P>().deallocate(partition, 1);
                }};
  }

  const std::vector<int> columns_;
  state::GroupTable table_;
  std::vector<std::byte*> groups_;
};

using TimeOfGroup = std::pair<int64_t, std::byte*>;
using TimesOfGroups = absl::btree_set<TimeOfGroup, std::less<TimeOfGroup>, StateAllocator<TimeOfGroup>>;

// Partitions by the times at which the watermark has something to do with them: each is there once, or not.
class DuePartitions {
 public:
  // Moves a partition from the time that it has to another one; it keeps its time itself.
  void move(std::byte* group, std::optional<int64_t>& from, std::optional<int64_t> to) {
    if (from) groups_.erase({*from, group});
    from = to;
    if (to) groups_.insert({*to, group});
  }
  // Takes out the first one up to a time; nullptr when there is none. Its own time is still set.
  std::byte* take_first(int64_t last_time) {
    if (groups_.empty() || groups_.begin()->first > last_time) return nullptr;
    std::byte* const group = groups_.begin()->second;
    groups_.erase(groups_.begin());
    return group;
  }

 private:
  TimesOfGroups groups_;
};

// The rows of a batch that are in front of the watermark; `late` gets the others.
inline columnar::ChangeBatch without_late(const columnar::ChangeBatch& batch, const columnar::Column& times,
                                          EventTime watermark, const LateOutput& late) {
  columnar::Selection chosen;
  std::vector<LateRow> dropped;
  for (size_t i = 0; i < batch.rows(); ++i) {
    const auto row = static_cast<uint16_t>(i);
    if (times.is_null(i)) {
      dropped.push_back({.row = row, .reason = LateReason::kInNoWindow});
    } else if (times.values<int64_t>()[i] <= watermark.value()) {
      dropped.push_back({.row = row, .reason = LateReason::kBehindWatermark});
    } else {
      chosen.push_back(row);
    }
  }
  if (dropped.empty()) return batch;
  late.add(batch, dropped, watermark);
  return batch.take(chosen);
}

}  // namespace penstock::exec
