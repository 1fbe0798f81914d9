#include "view/row_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "columnar/row_key.h"

namespace penstock::view {

namespace {

using columnar::BatchBuilder;
using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::RowOp;

// What a row costs beside its bytes: two strings, the index's node and its bucket.
constexpr size_t kRowOverheadBytes = 160;

void add_row(NetRows& net, std::string&& row, int32_t weight) {
  const auto [it, added] = net.try_emplace(std::move(row), weight);
  if (added) return;
  it->second += weight;
  if (it->second == 0) net.erase(it);
}

std::vector<ColumnBuilder> make_builders(std::span<const types::DataType> types) {
  return {types.begin(), types.end()};
}

}  // namespace

void add_rows(NetRows& net, const ChangeBatch& batch) {
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::string bytes;
    columnar::append_key(bytes, batch.columns(), row);
    add_row(net, std::move(bytes), batch.weight(row));
  }
}

void add_rows(NetRows& net, const NetRows& more) {
  for (const auto& [row, weight] : more) add_row(net, std::string(row), weight);
}

std::vector<ChangeBatch> to_batches(const NetRows& net, std::span<const types::DataType> types) {
  std::vector<ChangeBatch> batches;
  std::vector<ColumnBuilder> builders = make_builders(types);
  columnar::RowOps ops;
  const auto finish = [&] {
    std::vector<columnar::ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    const size_t rows = ops.size();
    batches.emplace_back(rows, std::move(columns), std::make_shared<const columnar::RowOps>(std::exchange(ops, {})));
  };
  for (const int sign : {-1, 1}) {
    for (const auto& [row, weight] : net) {
      if ((weight < 0) != (sign < 0)) continue;
      for (int32_t n = 0; n < std::abs(weight); ++n) {
        std::string_view bytes = row;
        columnar::decode_key(bytes, builders);
        ops.push_back(sign < 0 ? RowOp::kDelete : RowOp::kInsert);
        if (ops.size() == columnar::kBatchRowsMax) finish();
      }
    }
  }
  if (!ops.empty()) finish();
  return batches;
}

std::string RowStore::index_key(std::string_view row) const {
  if (key_.empty()) return std::string(row);
  std::vector<ColumnBuilder> builders = make_builders(types_);
  columnar::decode_key(row, builders);
  std::vector<columnar::ColumnPtr> key_columns;
  for (const int column : key_) key_columns.push_back(builders[static_cast<size_t>(column)].finish());
  std::string key;
  columnar::append_key(key, key_columns, 0);
  return key;
}

std::string RowStore::describe(std::string_view row) const {
  std::vector<ColumnBuilder> builders = make_builders(types_);
  columnar::decode_key(row, builders);
  std::vector<columnar::ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return columnar::to_text(ChangeBatch(1, std::move(columns)));
}

Status RowStore::check(const NetRows& net) const {
  NetRows inserted_keys;
  for (const auto& [row, weight] : net) {
    const std::string key = index_key(row);
    const auto it = index_.find(key);
    const bool same_row = it != index_.end() && at(it->second).bytes == row;
    if (weight < 0) {
      const auto gone = static_cast<uint32_t>(-weight);
      if (same_row && at(it->second).count >= gone) continue;
      return make_error(ErrorCode::kInternal, "a row is taken away that is not there: {}", describe(row));
    }
    if (key_.empty()) continue;
    // Another row may hold the key only when this very change takes it away.
    const bool taken = it != index_.end() && !net.contains(at(it->second).bytes);
    if (taken || same_row || weight > 1 || !inserted_keys.try_emplace(key, 1).second) {
      return make_error(ErrorCode::kInternal, "two rows have one key: {}", describe(row));
    }
  }
  return {};
}

Status RowStore::apply(const NetRows& net) {
  PENSTOCK_TRY(check(net));
  for (const auto& [row, weight] : net) {
    if (weight < 0) remove(row, static_cast<uint32_t>(-weight));
  }
  for (const auto& [row, weight] : net) {
    if (weight > 0) insert(row, static_cast<uint32_t>(weight));
  }
  return {};
}

StoredRow& RowStore::writable(size_t position) {
  std::shared_ptr<Chunk>& chunk = chunks_[position / kChunkRows];
  // Snapshots are made under the same lock, so a count of 1 cannot rise meanwhile.
  if (chunk.use_count() > 1) {
    auto copy = std::make_shared<Chunk>();
    copy->reserve(kChunkRows);
    *copy = *chunk;
    chunk = std::move(copy);
  }
  return (*chunk)[position % kChunkRows];
}

void RowStore::insert(const std::string& row, uint32_t count) {
  rows_ += count;
  const auto [it, added] = index_.try_emplace(index_key(row), stored_);
  if (!added) {
    writable(it->second).count += count;
    return;
  }
  bytes_ += row.size() + it->first.size() + kRowOverheadBytes;
  if (stored_ % kChunkRows == 0) {
    chunks_.push_back(std::make_shared<Chunk>());
  } else {
    writable(stored_ - 1);
  }
  chunks_.back()->push_back({.bytes = row, .count = count});
  ++stored_;
}

void RowStore::remove(const std::string& row, uint32_t count) {
  rows_ -= count;
  const auto it = index_.find(index_key(row));
  const size_t position = it->second;
  StoredRow& stored = writable(position);
  stored.count -= count;
  if (stored.count > 0) return;
  bytes_ -= row.size() + it->first.size() + kRowOverheadBytes;
  index_.erase(it);
  // The last row fills the hole, so that chunks stay dense.
  const size_t last = stored_ - 1;
  if (position != last) {
    StoredRow& moved = writable(last);
    index_[index_key(moved.bytes)] = position;
    writable(position) = std::move(moved);
  }
  writable(last);
  chunks_.back()->pop_back();
  if (chunks_.back()->empty()) chunks_.pop_back();
  --stored_;
}

}  // namespace penstock::view
