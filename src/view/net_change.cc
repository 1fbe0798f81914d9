#include "view/net_change.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/hash.h"
#include "columnar/row_key.h"

namespace penstock::view {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::RowOp;

constexpr size_t kSlotsMin = 64;

}  // namespace

void NetChange::add(const ChangeBatch& batch) {
  const std::vector<columnar::ColumnPtr> arranged = format_->arrange(batch);
  for (size_t row = 0; row < batch.rows(); ++row) {
    const size_t begin = bytes_.size();
    const size_t key_bytes = format_->encode(bytes_, arranged, row);
    add_last(begin, key_bytes, hash64(std::string_view(bytes_).substr(begin)), batch.weight(row));
  }
}

void NetChange::add(const NetChange& more) {
  for (const Row& row : more.entries_) {
    if (row.weight == 0) continue;
    const size_t begin = bytes_.size();
    bytes_.append(more.bytes_of(row));
    add_last(begin, row.key_bytes, row.hash, row.weight);
  }
}

void NetChange::add(std::string_view bytes, size_t key_bytes, int32_t weight) {
  const size_t begin = bytes_.size();
  bytes_.append(bytes);
  add_last(begin, key_bytes, hash64(bytes), weight);
}

void NetChange::add_last(size_t begin, size_t key_bytes, uint64_t hash, int32_t weight) {
  if (entries_.size() * 2 >= slots_.size()) grow();
  const std::string_view bytes = std::string_view(bytes_).substr(begin);
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    Row& row = entries_[slots_[slot] - 1];
    if (row.hash != hash || bytes_of(row) != bytes) continue;
    bytes_.resize(begin);
    if (row.weight != 0) --rows_;
    row.weight += weight;
    if (row.weight != 0) ++rows_;
    return;
  }
  entries_.push_back({.begin = begin,
                      .bytes = static_cast<uint32_t>(bytes.size()),
                      .key_bytes = static_cast<uint32_t>(key_bytes),
                      .hash = hash,
                      .weight = weight});
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  ++rows_;
}

void NetChange::grow() {
  slots_.assign(std::max(kSlotsMin, slots_.size() * 2), 0);
  const size_t mask = slots_.size() - 1;
  for (size_t i = 0; i < entries_.size(); ++i) {
    size_t slot = entries_[i].hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(i + 1);
  }
}

std::vector<ChangeBatch> NetChange::to_batches() const {
  std::vector<ChangeBatch> batches;
  std::vector<ColumnBuilder> builders = format_->make_builders();
  columnar::RowOps ops;
  const auto finish = [&] {
    const size_t rows = ops.size();
    batches.emplace_back(rows, format_->finish(builders),
                         std::make_shared<const columnar::RowOps>(std::exchange(ops, {})));
  };
  for (const bool deletions : {true, false}) {
    for (const Row& row : entries_) {
      if (row.weight == 0 || (row.weight < 0) != deletions) continue;
      for (int32_t n = 0; n < std::abs(row.weight); ++n) {
        std::string_view bytes = bytes_of(row);
        columnar::decode_key(bytes, builders);
        ops.push_back(deletions ? RowOp::kDelete : RowOp::kInsert);
        if (ops.size() == columnar::kBatchRowsMax) finish();
      }
    }
  }
  if (!ops.empty()) finish();
  return batches;
}

}  // namespace penstock::view
