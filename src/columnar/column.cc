#include "columnar/column.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"

namespace penstock::columnar {

namespace {

constexpr size_t kHeapChunkBytesMin = 4 * 1024;
constexpr size_t kHeapChunkBytesMax = 256 * 1024;

// Nulls in their normal form: empty when no row is null.
std::vector<uint8_t> normalized(std::vector<uint8_t> nulls) {
  if (!nulls.empty() && std::memchr(nulls.data(), 1, nulls.size()) == nullptr) nulls.clear();
  return nulls;
}

template <class T>
std::vector<T> gather(const std::vector<T>& values, std::span<const uint16_t> rows) {
  std::vector<T> out(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) out[i] = values[rows[i]];
  return out;
}

template <class T>
std::vector<T> part(const std::vector<T>& values, size_t begin, size_t end) {
  return std::vector<T>(values.begin() + static_cast<ptrdiff_t>(begin), values.begin() + static_cast<ptrdiff_t>(end));
}

// Makes a column of the same kind of values; only string columns have owners.
template <class T>
ColumnPtr make_column(types::DataType type, std::vector<T> values, std::vector<uint8_t> nulls,
                      const std::vector<Column::Owner>& owners) {
  if constexpr (std::is_same_v<T, StringCell>) {
    return std::make_shared<const Column>(type, std::move(values), std::move(nulls), owners);
  } else {
    return std::make_shared<const Column>(type, std::move(values), std::move(nulls));
  }
}

}  // namespace

char* StringHeap::allocate(size_t size) {
  if (size > chunk_left_) {
    size_t chunk = std::min(kHeapChunkBytesMin << std::min<size_t>(chunks_.size(), 6), kHeapChunkBytesMax);
    if (size > chunk / 4) {
      // A long string gets its own chunk, so that the rest of the current one is not lost.
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
      bytes_ += size;
      return chunks_.back().get();
    }
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk));
    bytes_ += chunk;
    chunk_next_ = chunks_.back().get();
    chunk_left_ = chunk;
  }
  char* at = chunk_next_;
  chunk_next_ += size;
  chunk_left_ -= size;
  return at;
}

Column::Column(types::DataType type, std::vector<uint8_t> values, std::vector<uint8_t> nulls)
    : type_(type), size_(values.size()), values_(std::move(values)), nulls_(normalized(std::move(nulls))) {
  PENSTOCK_DCHECK(type.physical() == types::Physical::kBool, "values do not fit the type");
  PENSTOCK_DCHECK(nulls_.empty() || nulls_.size() == size_, "nulls and values differ in length");
}
Column::Column(types::DataType type, std::vector<int64_t> values, std::vector<uint8_t> nulls)
    : type_(type), size_(values.size()), values_(std::move(values)), nulls_(normalized(std::move(nulls))) {
  PENSTOCK_DCHECK(type.physical() == types::Physical::kInt64, "values do not fit the type");
  PENSTOCK_DCHECK(nulls_.empty() || nulls_.size() == size_, "nulls and values differ in length");
}
Column::Column(types::DataType type, std::vector<double> values, std::vector<uint8_t> nulls)
    : type_(type), size_(values.size()), values_(std::move(values)), nulls_(normalized(std::move(nulls))) {
  PENSTOCK_DCHECK(type.physical() == types::Physical::kDouble, "values do not fit the type");
  PENSTOCK_DCHECK(nulls_.empty() || nulls_.size() == size_, "nulls and values differ in length");
}
Column::Column(types::DataType type, std::vector<types::Int128> values, std::vector<uint8_t> nulls)
    : type_(type), size_(values.size()), values_(std::move(values)), nulls_(normalized(std::move(nulls))) {
  PENSTOCK_DCHECK(type.physical() == types::Physical::kInt128, "values do not fit the type");
  PENSTOCK_DCHECK(nulls_.empty() || nulls_.size() == size_, "nulls and values differ in length");
}
Column::Column(types::DataType type, std::vector<StringCell> values, std::vector<uint8_t> nulls,
               std::vector<Owner> owners)
    : type_(type),
      size_(values.size()),
      values_(std::move(values)),
      nulls_(normalized(std::move(nulls))),
      owners_(std::move(owners)) {
  PENSTOCK_DCHECK(type.physical() == types::Physical::kString, "values do not fit the type");
  PENSTOCK_DCHECK(nulls_.empty() || nulls_.size() == size_, "nulls and values differ in length");
}

ColumnPtr Column::constant(types::DataType type, const types::Value& value, size_t rows) {
  std::vector<uint8_t> nulls;
  if (value.is_null()) nulls.assign(rows, 1);
  bool null = value.is_null();
  switch (type.physical()) {
    case types::Physical::kBool: {
      uint8_t v = !null && value.as_bool() ? 1 : 0;
      return std::make_shared<const Column>(type, std::vector<uint8_t>(rows, v), std::move(nulls));
    }
    case types::Physical::kInt64:
      return std::make_shared<const Column>(type, std::vector<int64_t>(rows, null ? 0 : value.as_int64()),
                                            std::move(nulls));
    case types::Physical::kDouble:
      return std::make_shared<const Column>(type, std::vector<double>(rows, null ? 0 : value.as_double()),
                                            std::move(nulls));
    case types::Physical::kInt128:
      return std::make_shared<const Column>(type, std::vector<types::Int128>(rows, null ? 0 : value.as_int128()),
                                            std::move(nulls));
    case types::Physical::kString: {
      auto heap = std::make_shared<StringHeap>();
      StringCell cell = null ? StringCell() : heap->add(value.as_string());
      std::vector<Owner> owners;
      if (!cell.is_inline()) owners.push_back(std::move(heap));
      return std::make_shared<const Column>(type, std::vector<StringCell>(rows, cell), std::move(nulls),
                                            std::move(owners));
    }
  }
  return nullptr;
}

types::Value Column::value(size_t row) const {
  if (is_null(row)) return {};
  switch (type_.physical()) {
    case types::Physical::kBool: return types::Value(values<uint8_t>()[row] != 0);
    case types::Physical::kInt64: return types::Value(values<int64_t>()[row]);
    case types::Physical::kDouble: return types::Value(values<double>()[row]);
    case types::Physical::kInt128: return types::Value(values<types::Int128>()[row]);
    case types::Physical::kString: return types::Value(std::string(values<StringCell>()[row].view()));
  }
  return {};
}

size_t Column::bytes() const {
  size_t values_bytes = std::visit([](const auto& values) { return values.size() * sizeof(values[0]); }, values_);
  return sizeof(Column) + values_bytes + nulls_.size() + owners_.size() * sizeof(Owner);
}

size_t Column::bytes_with_texts() const {
  size_t bytes = this->bytes();
  if (type_.physical() != types::Physical::kString) return bytes;
  for (const StringCell& cell : values<StringCell>()) bytes += cell.is_inline() ? 0 : cell.size();
  return bytes;
}

ColumnPtr Column::take(std::span<const uint16_t> rows) const {
  std::vector<uint8_t> nulls;
  if (has_nulls()) nulls = gather(nulls_, rows);
  return std::visit(
      [&](const auto& values) { return make_column(type_, gather(values, rows), std::move(nulls), owners_); }, values_);
}

ColumnPtr Column::slice(size_t begin, size_t end) const {
  PENSTOCK_DCHECK(begin <= end && end <= size_, "slice outside of the column");
  std::vector<uint8_t> nulls;
  if (has_nulls()) nulls = part(nulls_, begin, end);
  return std::visit(
      [&](const auto& values) { return make_column(type_, part(values, begin, end), std::move(nulls), owners_); },
      values_);
}

ColumnPtr Column::retyped(types::DataType type) const {
  PENSTOCK_CHECK(type.physical() == type_.physical(), "retyped to another physical form");
  auto column = std::make_shared<Column>(*this);
  column->type_ = type;
  return column;
}

ColumnPtr concatenate(std::span<const ColumnPtr> columns) {
  PENSTOCK_CHECK(!columns.empty(), "nothing to concatenate");
  if (columns.size() == 1) return columns[0];
  size_t rows = 0;
  bool any_null = false;
  std::vector<Column::Owner> owners;
  std::unordered_set<const void*> seen;
  for (const ColumnPtr& column : columns) {
    PENSTOCK_CHECK(column->type().physical() == columns[0]->type().physical(), "columns of different physical forms");
    rows += column->size();
    any_null |= column->has_nulls();
    for (const Column::Owner& owner : column->owners()) {
      if (seen.insert(owner.get()).second) owners.push_back(owner);
    }
  }
  std::vector<uint8_t> nulls;
  if (any_null) {
    nulls.reserve(rows);
    for (const ColumnPtr& column : columns) {
      nulls.insert(nulls.end(), column->nulls().begin(), column->nulls().end());
      if (!column->has_nulls()) nulls.resize(nulls.size() + column->size(), 0);
    }
  }
  auto typed = [&]<class T>(T) {
    std::vector<T> values;
    values.reserve(rows);
    for (const ColumnPtr& column : columns) {
      std::span<const T> part = column->values<T>();
      values.insert(values.end(), part.begin(), part.end());
    }
    return make_column(columns[0]->type(), std::move(values), std::move(nulls), owners);
  };
  switch (columns[0]->type().physical()) {
    case types::Physical::kBool: return typed(uint8_t{});
    case types::Physical::kInt64: return typed(int64_t{});
    case types::Physical::kDouble: return typed(double{});
    case types::Physical::kInt128: return typed(types::Int128{});
    case types::Physical::kString: return typed(StringCell{});
  }
  return nullptr;
}

}  // namespace penstock::columnar
