// ChangeBatch: the only kind of data between operators.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/column.h"
#include "types/type.h"

namespace penstock::columnar {

// The largest number of rows that a batch has.
inline constexpr size_t kBatchRowsMax = 2048;

// What a row does to the table that the stream describes. Its weight is its only meaning; "update" is a hint for the
// edge, where a change is shown to people. No operator relies on two rows standing next to each other.
enum class RowOp : uint8_t { kInsert, kDelete, kUpdateBefore, kUpdateAfter };

constexpr int weight(RowOp op) { return op == RowOp::kInsert || op == RowOp::kUpdateAfter ? 1 : -1; }
// Flink's short form: "+I", "-D", "-U", "+U".
std::string_view short_name(RowOp op);

using RowOps = std::vector<RowOp>;

// Columns of equal length plus an optional RowOp per row. A value: copying shares the columns.
class ChangeBatch {
 public:
  ChangeBatch() = default;
  // All rows are inserts.
  ChangeBatch(size_t rows, std::vector<ColumnPtr> columns) : rows_(rows), columns_(std::move(columns)) {}
  ChangeBatch(size_t rows, std::vector<ColumnPtr> columns, std::shared_ptr<const RowOps> ops)
      : rows_(rows), columns_(std::move(columns)), ops_(std::move(ops)) {}

  size_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  const std::vector<ColumnPtr>& columns() const { return columns_; }
  const ColumnPtr& column(size_t i) const { return columns_[i]; }

  // True when no row has an op: the fast path.
  bool append_only() const { return ops_ == nullptr; }
  RowOp op(size_t row) const { return ops_ == nullptr ? RowOp::kInsert : (*ops_)[row]; }
  int weight(size_t row) const { return columnar::weight(op(row)); }
  const std::shared_ptr<const RowOps>& ops() const { return ops_; }

  ChangeBatch take(std::span<const uint16_t> rows) const;
  ChangeBatch slice(size_t begin, size_t end) const;
  // Some of the columns, by their numbers.
  template <class Index>
  std::vector<ColumnPtr> columns_at(const std::vector<Index>& numbers) const {
    std::vector<ColumnPtr> columns;
    columns.reserve(numbers.size());
    for (const Index number : numbers) columns.push_back(columns_[static_cast<size_t>(number)]);
    return columns;
  }
  // The same rows and ops with other columns.
  ChangeBatch with_columns(std::vector<ColumnPtr> columns) const { return {rows_, std::move(columns), ops_}; }
  // An estimate of the memory held, without texts, which may be shared.
  size_t bytes() const;
  // The same with the texts and nested values of its rows, as if nobody else had them.
  size_t bytes_with_texts() const;

 private:
  size_t rows_ = 0;
  std::vector<ColumnPtr> columns_;
  std::shared_ptr<const RowOps> ops_;
};

// Builds batches row by row. Not thread-safe.
class BatchBuilder {
 public:
  explicit BatchBuilder(std::vector<types::DataType> types);

  ColumnBuilder& column(size_t i) { return columns_[i]; }
  // Ends a row whose values have been appended to every column.
  void end_row(RowOp op = RowOp::kInsert);
  // Appends a whole row of `batch` (which has the same types).
  void append_row(const ChangeBatch& batch, size_t row, RowOp op);
  size_t rows() const { return rows_; }
  bool full() const { return rows_ >= kBatchRowsMax; }
  // An estimate of the memory held.
  size_t bytes() const;
  // Gives the batch and starts anew. Ops are left out when every row is kInsert.
  ChangeBatch finish();

 private:
  std::vector<ColumnBuilder> columns_;
  RowOps ops_;
  bool any_op_ = false;
  size_t rows_ = 0;
};

// The readable form used in tests: rows joined by " | ", each with its op and its values: "+I 1 food | -D 2 'two
// words'". NULL is NULL, and text is quoted when it is empty, has a space, a quote or a bar, or reads as NULL.
std::string to_text(const ChangeBatch& batch);
// Reads that form; "+" and "-" stand for +I and -D.
Result<ChangeBatch> batch_from_text(std::string_view text, const types::Schema& schema);

}  // namespace penstock::columnar
