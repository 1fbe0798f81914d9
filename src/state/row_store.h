// Rows of a table in an arena: packed side by side, with a header of the caller's in front of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/state_memory.h"
#include "columnar/column.h"
#include "state/item_blocks.h"
#include "types/type.h"

namespace penstock::state {

// The number of a row in its store, from 1.
using RowId = uint32_t;
inline constexpr RowId kNoRow = 0;

// Rows never move, numbers of erased rows are used again, and memory that no row needs is given back. Owned by one
// operator; not thread-safe.
//
// A row is packed as: header, one null bit per column, the values of fixed size, the string cells. The rows of a batch
// are packed at once by load() and then compared with stored ones, or copied in, by their place in the batch. Long
// strings are in a heap that gathered columns share; it is made anew when most of what it holds has been erased.
class RowStore {
 public:
  RowStore(std::vector<types::DataType> types, size_t header_bytes);

  // Packs rows, one column per type, for equal() and insert().
  void load(std::span<const columnar::ColumnPtr> columns, size_t rows);
  // Copies a loaded row; its header is zero.
  RowId insert(size_t loaded_row);
  // Whether a row is the same as a loaded one. NULLs are equal to each other; floating point values by their bits.
  bool equal(RowId row, size_t loaded_row) const;
  void erase(RowId row);

  // Aligned to 8.
  std::byte* header(RowId row) const { return rows_.at(row - 1); }
  void prefetch(RowId row) const { __builtin_prefetch(header(row)); }
  // A value of a column of strings, or bytes; it is there as long as the row.
  std::string_view text(size_t column, RowId row) const {
    return reinterpret_cast<const columnar::StringCell*>(data(row) + columns_[column].offset)->view();
  }
  // One column of these rows, in this order.
  columnar::ColumnPtr gather(size_t column, std::span<const RowId> rows) const;

  const types::DataType& type(size_t column) const { return columns_[column].type; }
  size_t size() const { return rows_.size(); }
  // An estimate of the memory held, which is counted as state (base/state_memory.h).
  size_t bytes() const { return rows_.bytes() + heap_->bytes(); }

 private:
  struct Column {
    types::DataType type;
    size_t offset = 0;      // behind the header
    bool any_null = false;  // in a row that was ever stored
  };
  template <class T>
  columnar::ColumnPtr gather_values(const Column& column, std::vector<uint8_t> nulls,
                                    std::span<const RowId> rows) const;
  template <class T>
  void pack(const Column& column, const columnar::Column& values, size_t rows);
  static std::vector<Column> columns_of(const std::vector<types::DataType>& types);
  // Sets the offsets of the columns; gives the bytes of a row behind its header.
  size_t lay_out();
  const std::byte* loaded(size_t row) const { return loaded_.data() + row * row_bytes_; }
  std::byte* data(RowId row) const { return header(row) + header_bytes_; }
  columnar::StringCell cell(const std::byte* row, size_t string) const;
  void rebuild_heap();
  void count_bytes() { counted_.set(heap_->bytes()); }

  std::vector<Column> columns_;
  const size_t header_bytes_;
  size_t strings_offset_ = 0;  // where the fixed part ends
  size_t strings_ = 0;
  size_t row_bytes_ = 0;  // without the header

  ItemBlocks rows_;
  std::shared_ptr<columnar::StringHeap> heap_;
  size_t live_heap_bytes_ = 0;
  StateBytes counted_;  // of the heap

  std::vector<std::byte> loaded_;  // of the batch at hand
};

}  // namespace penstock::state
