#include "state/row_store.h"

#include <cstring>
#include <utility>

namespace penstock::state {

namespace {

using columnar::ColumnPtr;
using columnar::StringCell;
using types::Physical;

// The heap is made anew when it is larger than this and more than twice what is in use.
constexpr size_t kHeapBytesMin = size_t{1} << 20;

constexpr size_t align8(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

size_t value_bytes(Physical physical) {
  switch (physical) {
    case Physical::kBool: return 1;
    case Physical::kInt64:
    case Physical::kDouble: return 8;
    case Physical::kInt128:
    case Physical::kString: return 16;
  }
  return 0;
}

size_t heap_bytes(const StringCell& cell) { return cell.is_inline() ? 0 : cell.size(); }

}  // namespace

RowStore::RowStore(std::vector<types::DataType> types, size_t header_bytes)
    : columns_(columns_of(types)),
      header_bytes_(align8(header_bytes)),
      rows_(header_bytes_ + lay_out()),
      heap_(std::make_shared<columnar::StringHeap>()) {}

std::vector<RowStore::Column> RowStore::columns_of(const std::vector<types::DataType>& types) {
  std::vector<Column> columns;
  for (const types::DataType& type : types) columns.push_back({.type = type});
  return columns;
}

size_t RowStore::lay_out() {
  size_t offset = align8((columns_.size() + 7) / 8);
  // The larger come first, so that all of them are aligned to 8; booleans last.
  for (size_t bytes : {16, 8, 1}) {
    for (Column& column : columns_) {
      const Physical physical = column.type.physical();
      if (physical == Physical::kString || value_bytes(physical) != bytes) continue;
      column.offset = offset;
      offset += bytes;
    }
  }
  strings_offset_ = align8(offset);
  for (Column& column : columns_) {
    if (column.type.physical() == Physical::kString) column.offset = strings_offset_ + 16 * strings_++;
  }
  row_bytes_ = strings_offset_ + 16 * strings_;
  return row_bytes_;
}

template <class T>
void RowStore::pack(const Column& column, const columnar::Column& values, size_t rows) {
  const std::span<const T> given = values.values<T>();
  std::byte* to = loaded_.data() + column.offset;
  for (size_t row = 0; row < rows; ++row, to += row_bytes_) std::memcpy(to, &given[row], sizeof(T));
}

void RowStore::load(std::span<const ColumnPtr> columns, size_t rows) {
  loaded_.assign(rows * row_bytes_, std::byte{0});
  for (size_t c = 0; c < columns_.size(); ++c) {
    Column& column = columns_[c];
    switch (column.type.physical()) {
      case Physical::kBool: pack<uint8_t>(column, *columns[c], rows); break;
      case Physical::kInt64: pack<int64_t>(column, *columns[c], rows); break;
      case Physical::kDouble: pack<double>(column, *columns[c], rows); break;
      case Physical::kInt128: pack<types::Int128>(column, *columns[c], rows); break;
      case Physical::kString: pack<StringCell>(column, *columns[c], rows); break;
    }
    if (!columns[c]->has_nulls()) continue;
    column.any_null = true;
    for (size_t row = 0; row < rows; ++row) {
      if (!columns[c]->is_null(row)) continue;
      std::byte* to = loaded_.data() + row * row_bytes_;
      to[c / 8] |= std::byte{1} << c % 8;
      std::memset(to + column.offset, 0, value_bytes(column.type.physical()));
    }
  }
}

StringCell RowStore::cell(const std::byte* row, size_t string) const {
  StringCell cell;
  std::memcpy(static_cast<void*>(&cell), row + strings_offset_ + 16 * string, sizeof cell);
  return cell;
}

RowId RowStore::insert(size_t loaded_row) {
  const RowId row = rows_.take() + 1;
  std::memset(header(row), 0, header_bytes_);
  std::byte* to = data(row);
  if (row_bytes_ > 0) std::memcpy(to, loaded(loaded_row), row_bytes_);  // a row may have no columns
  for (size_t i = 0; i < strings_; ++i) {
    StringCell stored = cell(to, i);
    if (stored.is_inline()) continue;
    stored = heap_->add(stored.view());
    live_heap_bytes_ += stored.size();
    std::memcpy(to + strings_offset_ + 16 * i, static_cast<const void*>(&stored), sizeof stored);
    count_bytes();
  }
  return row;
}

bool RowStore::equal(RowId row, size_t loaded_row) const {
  const std::byte* stored = data(row);
  const std::byte* given = loaded(loaded_row);
  if (strings_offset_ > 0 && std::memcmp(stored, given, strings_offset_) != 0) return false;
  for (size_t i = 0; i < strings_; ++i) {
    if (cell(stored, i) != cell(given, i)) return false;
  }
  return true;
}

void RowStore::erase(RowId row) {
  for (size_t i = 0; i < strings_; ++i) live_heap_bytes_ -= heap_bytes(cell(data(row), i));
  rows_.give_back(row - 1);
  if (rows_.size() == 0) {
    heap_ = std::make_shared<columnar::StringHeap>();
    count_bytes();
  } else if (heap_->bytes() > kHeapBytesMin && heap_->bytes() > 2 * live_heap_bytes_) {
    rebuild_heap();
  }
}

void RowStore::rebuild_heap() {
  auto heap = std::make_shared<columnar::StringHeap>();
  for (size_t item = rows_.next(0); item < rows_.end(); item = rows_.next(item + 1)) {
    const auto row = static_cast<RowId>(item + 1);
    for (size_t i = 0; i < strings_; ++i) {
      const StringCell moved = heap->add(cell(data(row), i).view());
      std::memcpy(data(row) + strings_offset_ + 16 * i, static_cast<const void*>(&moved), sizeof moved);
    }
  }
  heap_ = std::move(heap);  // columns that were gathered keep the old one
  count_bytes();
}

template <class T>
ColumnPtr RowStore::gather_values(const Column& column, std::vector<uint8_t> nulls, std::span<const RowId> rows) const {
  std::vector<T> values(rows.size());
  const size_t offset = header_bytes_ + column.offset;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(static_cast<void*>(&values[i]), header(rows[i]) + offset, sizeof(T));
  }
  if constexpr (std::is_same_v<T, StringCell>) {
    return std::make_shared<const columnar::Column>(column.type, std::move(values), std::move(nulls),
                                                    std::vector<columnar::Column::Owner>{heap_});
  } else {
    return std::make_shared<const columnar::Column>(column.type, std::move(values), std::move(nulls));
  }
}

ColumnPtr RowStore::gather(size_t c, std::span<const RowId> rows) const {
  const Column& column = columns_[c];
  std::vector<uint8_t> nulls;
  if (column.any_null) {
    nulls.resize(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      nulls[i] = static_cast<uint8_t>(std::to_integer<unsigned>(data(rows[i])[c / 8]) >> c % 8 & 1U);
    }
  }
  switch (column.type.physical()) {
    case Physical::kBool: return gather_values<uint8_t>(column, std::move(nulls), rows);
    case Physical::kInt64: return gather_values<int64_t>(column, std::move(nulls), rows);
    case Physical::kDouble: return gather_values<double>(column, std::move(nulls), rows);
    case Physical::kInt128: return gather_values<types::Int128>(column, std::move(nulls), rows);
    case Physical::kString: return gather_values<StringCell>(column, std::move(nulls), rows);
  }
  return nullptr;
}

}  // namespace penstock::state
