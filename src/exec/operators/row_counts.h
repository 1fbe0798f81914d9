// How often each row is there: what operators share that look at whole rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "state/group_table.h"

namespace penstock::exec {

// Owned by one operator; not thread-safe. A row stays, with a count of 0 too, until it is erased.
class RowCounts {
 public:
  struct Entry {
    int64_t count = 0;
    bool marked = false;  // for the operator
  };

  explicit RowCounts(std::vector<types::DataType> types) : types_(std::move(types)), table_(types_, layout()) {}

  // Adds the weights of the rows; gives the entry of each.
  const std::vector<std::byte*>& add(const columnar::ChangeBatch& batch) {
    table_.find_or_insert(batch.columns(), batch.rows(), found_);
    for (size_t row = 0; row < batch.rows(); ++row) at(found_[row]).count += batch.weight(row);
    return found_;
  }
  static Entry& at(std::byte* entry) { return *reinterpret_cast<Entry*>(entry); }
  void erase(std::byte* entry) { table_.erase(entry); }
  bool next(size_t& position, size_t max, std::vector<std::byte*>& entries) const {
    return table_.next(position, max, entries);
  }

  // One row for each of these entries, which may repeat.
  columnar::ChangeBatch rows(std::span<std::byte* const> entries, std::shared_ptr<const columnar::RowOps> ops) const {
    std::vector<columnar::ColumnBuilder> builders;
    for (const types::DataType& type : types_) builders.emplace_back(type, entries.size());
    table_.append_keys(entries, builders);
    std::vector<columnar::ColumnPtr> columns;
    for (columnar::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    return {entries.size(), std::move(columns), std::move(ops)};
  }

 private:
  static state::PayloadLayout layout() {
    return {.bytes = sizeof(Entry), .init = [](void*, std::byte* payload) { new (payload) Entry(); }};
  }

  const std::vector<types::DataType> types_;
  state::GroupTable table_;
  std::vector<std::byte*> found_;
};

// Rows that leave in batches, each as often as it is there.
class RepeatedRows {
 public:
  void add(std::byte* entry, int64_t times) {
    if (times > 0) waiting_.emplace_back(entry, times);
  }
  bool empty() const { return waiting_.empty(); }

  // Takes at most a batch of rows, the last ones first.
  const std::vector<std::byte*>& take() {
    taken_.clear();
    while (!waiting_.empty() && taken_.size() < columnar::kBatchRowsMax) {
      auto& [entry, times] = waiting_.back();
      taken_.push_back(entry);
      if (--times == 0) waiting_.pop_back();
    }
    return taken_;
  }

 private:
  std::vector<std::pair<std::byte*, int64_t>> waiting_;
  std::vector<std::byte*> taken_;
};

}  // namespace penstock::exec
