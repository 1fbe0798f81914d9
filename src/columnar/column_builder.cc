#include "base/check.h"
#include "columnar/column.h"

namespace penstock::columnar {

namespace {

template <class T, class Variant>
std::vector<T>& typed(Variant& values) {
  PENSTOCK_DCHECK(std::holds_alternative<std::vector<T>>(values), "value does not fit the column's physical form");
  return *std::get_if<std::vector<T>>(&values);
}

}  // namespace

ColumnBuilder::ColumnBuilder(types::DataType type, size_t rows_expected) : type_(type) {
  switch (type.physical()) {
    case types::Physical::kBool: values_.emplace<std::vector<uint8_t>>(); break;
    case types::Physical::kInt64: values_.emplace<std::vector<int64_t>>(); break;
    case types::Physical::kDouble: values_.emplace<std::vector<double>>(); break;
    case types::Physical::kInt128: values_.emplace<std::vector<types::Int128>>(); break;
    case types::Physical::kString: values_.emplace<std::vector<StringCell>>(); break;
  }
  std::visit([&](auto& values) { values.reserve(rows_expected); }, values_);
}

size_t ColumnBuilder::size() const {
  return std::visit([](const auto& values) { return values.size(); }, values_);
}

size_t ColumnBuilder::bytes() const {
  const size_t values = std::visit([](const auto& values) { return values.capacity() * sizeof(values[0]); }, values_);
  return values + nulls_.capacity() + (heap_ == nullptr ? 0 : heap_->bytes());
}

void ColumnBuilder::append_null() {
  std::visit([](auto& values) { values.emplace_back(); }, values_);
  nulls_.resize(size() - 1, 0);
  nulls_.push_back(1);
  any_null_ = true;
}

void ColumnBuilder::append_bool(bool v) { typed<uint8_t>(values_).push_back(v ? 1 : 0); }
void ColumnBuilder::append_int64(int64_t v) { typed<int64_t>(values_).push_back(v); }
void ColumnBuilder::append_double(double v) { typed<double>(values_).push_back(v); }
void ColumnBuilder::append_int128(types::Int128 v) { typed<types::Int128>(values_).push_back(v); }

void ColumnBuilder::append_string(std::string_view v) {
  std::vector<StringCell>& cells = typed<StringCell>(values_);
  if (v.size() <= StringCell::kInlineBytes) {
    cells.emplace_back(v);
    return;
  }
  if (heap_ == nullptr) heap_ = std::make_shared<StringHeap>();
  cells.push_back(heap_->add(v));
}

void ColumnBuilder::append(const types::Value& v) {
  if (v.is_null()) return append_null();
  switch (type_.physical()) {
    case types::Physical::kBool: return append_bool(v.as_bool());
    case types::Physical::kInt64: return append_int64(v.as_int64());
    case types::Physical::kDouble: return append_double(v.as_double());
    case types::Physical::kInt128: return append_int128(v.as_int128());
    case types::Physical::kString: return append_string(v.as_string());
  }
}

void ColumnBuilder::append_from(const Column& column, size_t row) {
  if (column.is_null(row)) return append_null();
  switch (type_.physical()) {
    case types::Physical::kBool: return append_bool(column.values<uint8_t>()[row] != 0);
    case types::Physical::kInt64: return append_int64(column.values<int64_t>()[row]);
    case types::Physical::kDouble: return append_double(column.values<double>()[row]);
    case types::Physical::kInt128: return append_int128(column.values<types::Int128>()[row]);
    case types::Physical::kString: return append_string(column.values<StringCell>()[row].view());
  }
}

void ColumnBuilder::truncate(size_t size) {
  PENSTOCK_DCHECK(size <= this->size(), "truncate cannot grow a column");
  std::visit([&](auto& values) { values.resize(size); }, values_);
  if (nulls_.size() > size) nulls_.resize(size);
}

ColumnPtr ColumnBuilder::finish() {
  std::vector<uint8_t> nulls;
  if (any_null_) {
    nulls = std::move(nulls_);
    nulls.resize(size(), 0);
  }
  nulls_.clear();
  any_null_ = false;
  size_t rows = size();
  return std::visit(
      [&]<class T>(std::vector<T>& values) -> ColumnPtr {
        std::vector<T> taken = std::move(values);
        values = {};
        values.reserve(rows);
        if constexpr (std::is_same_v<T, StringCell>) {
          std::vector<Column::Owner> owners;
          if (heap_ != nullptr) owners.push_back(std::move(heap_));
          heap_.reset();
          return std::make_shared<const Column>(type_, std::move(taken), std::move(nulls), std::move(owners));
        } else {
          return std::make_shared<const Column>(type_, std::move(taken), std::move(nulls));
        }
      },
      values_);
}

}  // namespace penstock::columnar
