#include "view/row_format.h"

#include <algorithm>
#include <span>
#include <utility>

#include "columnar/row_key.h"

namespace penstock::view {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;

RowFormat::RowFormat(const types::Schema& schema, const std::vector<int>& key) : key_columns_(key.size()) {
  for (const int column : key) order_.push_back(static_cast<size_t>(column));
  for (size_t column = 0; column < schema.size(); ++column) {
    if (std::ranges::find(order_, column) == order_.end()) order_.push_back(column);
  }
  for (const size_t column : order_) types_.push_back(schema[column].type);
}

std::vector<ColumnPtr> RowFormat::arrange(const columnar::ChangeBatch& batch) const { return batch.columns_at(order_); }

size_t RowFormat::encode(std::string& out, const std::vector<ColumnPtr>& arranged, size_t row) const {
  const size_t begin = out.size();
  const std::span<const ColumnPtr> columns(arranged);
  columnar::append_key(out, columns.first(key_columns_), row);
  const size_t key_bytes = out.size() - begin;
  columnar::append_key(out, columns.subspan(key_columns_), row);
  return has_key() ? key_bytes : out.size() - begin;
}

std::vector<ColumnBuilder> RowFormat::make_builders() const { return {types_.begin(), types_.end()}; }

std::vector<ColumnPtr> RowFormat::finish(std::vector<ColumnBuilder>& builders) const {
  std::vector<ColumnPtr> columns(builders.size());
  for (size_t i = 0; i < builders.size(); ++i) columns[order_[i]] = builders[i].finish();
  return columns;
}

std::string RowFormat::describe(std::string_view row) const {
  std::vector<ColumnBuilder> builders = make_builders();
  columnar::decode_key(row, builders);
  return columnar::to_text(columnar::ChangeBatch(1, finish(builders)));
}

}  // namespace penstock::view
