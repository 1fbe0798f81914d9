// What operators share that keep the rows of partitions in an order: the partitions by their key, and the keys of rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "state/group_table.h"

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
typename Rows::iterator find_last_row(Rows& rows, const std::string& order, const IsRow& is_row) {
  std::string behind = order;
  append_arrival(behind, UINT64_MAX);
  for (auto it = rows.upper_bound(behind); it != rows.begin();) {
    --it;
    if (order_of(it->first) != order) break;
    if (is_row(it->second)) return it;
  }
  return rows.end();
}

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
    keys_.clear();
    for (const int column : columns) keys_.push_back(batch.column(static_cast<size_t>(column)));
    table_.find_or_insert(keys_, batch.rows(), groups_);
    return groups_;
  }
  static P& at(std::byte* group) { return **reinterpret_cast<P**>(group); }
  void erase(std::byte* group) { table_.erase(group); }

 private:
  static std::vector<types::DataType> types_of(const types::Schema& schema, const std::vector<int>& columns) {
    std::vector<types::DataType> types;
    for (const int column : columns) types.push_back(schema[static_cast<size_t>(column)].type);
    return types;
  }
  static state::PayloadLayout layout() {
    return {.bytes = sizeof(P*),
            .init = [](void*, std::byte* payload) { new (payload) P*(new P()); },
            .destroy = [](void*, std::byte* payload) { delete *reinterpret_cast<P**>(payload); }};
  }

  const std::vector<int> columns_;
  state::GroupTable table_;
  std::vector<columnar::ColumnPtr> keys_;
  std::vector<std::byte*> groups_;
};

}  // namespace penstock::exec
