#include "columnar/change_batch.h"

#include "base/check.h"

namespace penstock::columnar {

std::string_view short_name(RowOp op) {
  switch (op) {
    case RowOp::kInsert: return "+I";
    case RowOp::kDelete: return "-D";
    case RowOp::kUpdateBefore: return "-U";
    case RowOp::kUpdateAfter: return "+U";
  }
  return "?";
}

ChangeBatch ChangeBatch::take(std::span<const uint16_t> rows) const {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (const ColumnPtr& column : columns_) columns.push_back(column->take(rows));
  std::shared_ptr<RowOps> ops;
  if (ops_ != nullptr) {
    ops = std::make_shared<RowOps>(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) (*ops)[i] = (*ops_)[rows[i]];
  }
  return {rows.size(), std::move(columns), std::move(ops)};
}

ChangeBatch ChangeBatch::slice(size_t begin, size_t end) const {
  PENSTOCK_DCHECK(begin <= end && end <= rows_, "slice outside of the batch");
  if (begin == 0 && end == rows_) return *this;
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (const ColumnPtr& column : columns_) columns.push_back(column->slice(begin, end));
  std::shared_ptr<RowOps> ops;
  if (ops_ != nullptr) {
    ops = std::make_shared<RowOps>(ops_->begin() + static_cast<ptrdiff_t>(begin),
                                   ops_->begin() + static_cast<ptrdiff_t>(end));
  }
  return {end - begin, std::move(columns), std::move(ops)};
}

size_t ChangeBatch::bytes() const {
  size_t bytes = sizeof(ChangeBatch) + (ops_ == nullptr ? 0 : ops_->size());
  for (const ColumnPtr& column : columns_) bytes += column->bytes();
  return bytes;
}

size_t ChangeBatch::bytes_with_texts() const {
  size_t bytes = sizeof(ChangeBatch) + (ops_ == nullptr ? 0 : ops_->size());
  for (const ColumnPtr& column : columns_) bytes += column->bytes_with_texts();
  return bytes;
}

size_t BatchBuilder::bytes() const {
  size_t bytes = ops_.capacity() * sizeof(RowOp);
  for (const ColumnBuilder& column : columns_) bytes += column.bytes();
  return bytes;
}

BatchBuilder::BatchBuilder(std::vector<types::DataType> types) {
  columns_.reserve(types.size());
  for (types::DataType type : types) columns_.emplace_back(type);
}

void BatchBuilder::end_row(RowOp op) {
  ++rows_;
  if (op != RowOp::kInsert && !any_op_) {
    any_op_ = true;
    ops_.assign(rows_ - 1, RowOp::kInsert);
  }
  if (any_op_) ops_.push_back(op);
#if PENSTOCK_CHECKED
  for (const ColumnBuilder& column : columns_) {
    PENSTOCK_CHECK(column.size() == rows_, "every column needs one value per row");
  }
#endif
}

void BatchBuilder::append_row(const ChangeBatch& batch, size_t row, RowOp op) {
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].append_from(*batch.column(i), row);
  end_row(op);
}

ChangeBatch BatchBuilder::finish() {
  std::vector<ColumnPtr> columns;
  columns.reserve(columns_.size());
  for (ColumnBuilder& column : columns_) columns.push_back(column.finish());
  std::shared_ptr<const RowOps> ops;
  if (any_op_) ops = std::make_shared<const RowOps>(std::move(ops_));
  size_t rows = rows_;
  ops_.clear();
  any_op_ = false;
  rows_ = 0;
  return {rows, std::move(columns), std::move(ops)};
}

}  // namespace penstock::columnar
