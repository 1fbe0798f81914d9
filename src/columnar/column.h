// A column: the values of one field for the rows of a batch. Immutable once built, and shared.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "types/type.h"
#include "types/value.h"

namespace penstock::columnar {

// A string of a column: 16 bytes, with the text inline when it has at most 12 bytes, else with its first 4 bytes
// (so that most comparisons touch nothing else) and a pointer into a StringHeap that the column keeps alive.
class StringCell {
 public:
  static constexpr uint32_t kInlineBytes = 12;

  StringCell() : size_(0), inline_{} {}
  // `text` must outlive the cell when it is longer than kInlineBytes.
  explicit StringCell(std::string_view text) : size_(static_cast<uint32_t>(text.size())), inline_{} {
    if (size_ <= kInlineBytes) {
      if (size_ != 0) std::memcpy(inline_, text.data(), size_);
    } else {
      const char* data = text.data();
      std::memcpy(inline_, data, 4);
      std::memcpy(inline_ + 4, &data, sizeof data);
    }
  }

  uint32_t size() const { return size_; }
  bool is_inline() const { return size_ <= kInlineBytes; }
  // Valid as long as this cell (when inline) and its heap.
  std::string_view view() const {
    if (is_inline()) return {inline_, size_};
    const char* data = nullptr;
    std::memcpy(&data, inline_ + 4, sizeof data);
    return {data, size_};
  }

  friend bool operator==(const StringCell& a, const StringCell& b) {
    // The size and the first 4 bytes at once.
    if (std::memcmp(&a, &b, 8) != 0) return false;
    if (a.is_inline()) return std::memcmp(a.inline_, b.inline_, kInlineBytes) == 0;
    return a.view() == b.view();
  }

 private:
  uint32_t size_;
  char inline_[kInlineBytes];
};
static_assert(sizeof(StringCell) == 16);

// Bytes of long strings: chunks that never move. Owned by the builder, then shared by every column that has cells in
// it.
class StringHeap {
 public:
  // Copies `text` into the heap when it is long, and returns a cell for it.
  StringCell add(std::string_view text) {
    if (text.size() <= StringCell::kInlineBytes) return StringCell(text);
    char* at = allocate(text.size());
    std::memcpy(at, text.data(), text.size());
    return StringCell(std::string_view(at, text.size()));
  }
  // Room for `size` bytes that stays where it is.
  char* allocate(size_t size);
  size_t bytes() const { return bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> chunks_;
  size_t chunk_left_ = 0;
  char* chunk_next_ = nullptr;
  size_t bytes_ = 0;
};

class Column;
using ColumnPtr = std::shared_ptr<const Column>;
// Row numbers within a batch, rising.
using Selection = std::vector<uint16_t>;

class Column {
 public:
  using Owner = std::shared_ptr<const void>;

  // `values` has one element of the type's physical form per row (any value where null); `nulls` is empty, or one byte
  // per row, 1 where null. `owners` keep alive what the cells of a string column point to.
  Column(types::DataType type, std::vector<uint8_t> values, std::vector<uint8_t> nulls);
  Column(types::DataType type, std::vector<int64_t> values, std::vector<uint8_t> nulls);
  Column(types::DataType type, std::vector<double> values, std::vector<uint8_t> nulls);
  Column(types::DataType type, std::vector<types::Int128> values, std::vector<uint8_t> nulls);
  Column(types::DataType type, std::vector<StringCell> values, std::vector<uint8_t> nulls, std::vector<Owner> owners);

  static ColumnPtr constant(types::DataType type, const types::Value& value, size_t rows);

  types::DataType type() const { return type_; }
  size_t size() const { return size_; }

  // The values; T must be the physical form: uint8_t, int64_t, double, Int128 or StringCell.
  template <class T>
  std::span<const T> values() const;

  bool has_nulls() const { return !nulls_.empty(); }
  bool is_null(size_t row) const { return !nulls_.empty() && nulls_[row] != 0; }
  // One byte per row, 1 where null; empty when no row is.
  std::span<const uint8_t> nulls() const { return nulls_; }
  const std::vector<Owner>& owners() const { return owners_; }

  types::Value value(size_t row) const;
  // An estimate of the memory held, without shared heaps.
  size_t bytes() const;
  // The same with the texts and nested values, as if nobody else had them.
  size_t bytes_with_texts() const;

  // The chosen rows, in that order; string heaps are shared.
  ColumnPtr take(std::span<const uint16_t> rows) const;
  ColumnPtr slice(size_t begin, size_t end) const;
  // The same values under another type with the same physical form.
  ColumnPtr retyped(types::DataType type) const;

 private:
  types::DataType type_;
  size_t size_;
  std::variant<std::vector<uint8_t>, std::vector<int64_t>, std::vector<double>, std::vector<types::Int128>,
               std::vector<StringCell>>
      values_;
  std::vector<uint8_t> nulls_;
  std::vector<Owner> owners_;
};

template <class T>
std::span<const T> Column::values() const {
  return std::get<std::vector<T>>(values_);
}

// Builds a column value by value. The typed appends must match the type's physical form.
class ColumnBuilder {
 public:
  explicit ColumnBuilder(types::DataType type, size_t rows_expected = 0);

  types::DataType type() const { return type_; }
  size_t size() const;

  // An estimate of the memory held.
  size_t bytes() const;

  void append_null();
  void append_bool(bool v);
  void append_int64(int64_t v);
  void append_double(double v);
  void append_int128(types::Int128 v);
  void append_string(std::string_view v);  // copies
  void append(const types::Value& v);
  // Appends one value of another column of the same physical form (copies long strings).
  void append_from(const Column& column, size_t row);

  // Removes the rows from `size` on: a row found to be malformed half way is taken back so.
  void truncate(size_t size);
  // Gives the column and starts anew.
  ColumnPtr finish();

 private:
  types::DataType type_;
  std::variant<std::vector<uint8_t>, std::vector<int64_t>, std::vector<double>, std::vector<types::Int128>,
               std::vector<StringCell>>
      values_;
  std::vector<uint8_t> nulls_;  // kept short of values_.size() (all valid since) until a null comes
  bool any_null_ = false;
  std::shared_ptr<StringHeap> heap_;
};

// Rows of several columns put one after the other.
ColumnPtr concatenate(std::span<const ColumnPtr> columns);

}  // namespace penstock::columnar
