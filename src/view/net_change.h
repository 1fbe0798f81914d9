// What one epoch, or several together, change in a view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/change_batch.h"
#include "view/row_format.h"

namespace penstock::view {

// Rows with the sum of their weights. Built by one thread, then shared and not changed any more.
class NetChange {
 public:
  struct Row {
    size_t begin = 0;
    uint32_t bytes = 0;
    uint32_t key_bytes = 0;
    uint64_t hash = 0;  // of the whole row
    int32_t weight = 0;
  };

  // `format` outlives it.
  explicit NetChange(const RowFormat& format) : format_(&format) {}

  void add(const columnar::ChangeBatch& batch);
  void add(const NetChange& more);
  // A row as the format encodes it.
  void add(std::string_view bytes, size_t key_bytes, int32_t weight);

  // Every row that was added, in the order of the first time; weights may be 0.
  const std::vector<Row>& entries() const { return entries_; }
  std::string_view bytes_of(const Row& row) const { return std::string_view(bytes_).substr(row.begin, row.bytes); }
  std::string_view key_of(const Row& row) const { return std::string_view(bytes_).substr(row.begin, row.key_bytes); }

  // How many rows have a weight that is not 0.
  size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  // The memory that it holds.
  size_t bytes() const {
    return bytes_.capacity() + entries_.capacity() * sizeof(Row) + slots_.capacity() * sizeof(uint32_t);
  }

  // As batches of at most kBatchRowsMax rows; deletions before insertions.
  std::vector<columnar::ChangeBatch> to_batches() const;

 private:
  // Adds the row that has been put at the end of bytes_, from `begin` on.
  void add_last(size_t begin, size_t key_bytes, uint64_t hash, int32_t weight);
  void grow();

  const RowFormat* format_;
  std::string bytes_;
  std::vector<Row> entries_;
  std::vector<uint32_t> slots_;  // a power of two, at most half full: numbers of entries + 1, 0 where free
  size_t rows_ = 0;
};

}  // namespace penstock::view
