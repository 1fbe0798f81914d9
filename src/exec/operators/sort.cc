#include "exec/operators/sort.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "columnar/row_key.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;

// Rows are dropped in bulk, when this many more than can be in the result have been collected.
constexpr size_t kSlackRows = 4 * columnar::kBatchRowsMax;
// No rows are dropped for a limit or offset above this; so their sums stay small, too.
constexpr size_t kWantedRowsMax = size_t{1} << 40;

class Sort : public Operator {
 public:
  explicit Sort(SortOptions options) : options_(std::move(options)), copied_(types_of(options_.schema)) {
    if (!options_.limit) return;
    const auto limit = static_cast<size_t>(*options_.limit);
    const auto offset = static_cast<size_t>(options_.offset);
    if (limit <= kWantedRowsMax && offset <= kWantedRowsMax) wanted_rows_ = offset + limit;
  }

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "a sort takes only inserts");
    // A few rows would keep all texts of the batch that they are from.
    const bool copies = batch.rows() < columnar::kBatchRowsMax / 2;
    if (!copies) finish_copied();
    for (size_t row = 0; row < batch.rows(); ++row) {
      key_.clear();
      append_sort_key(key_, options_.keys, batch, row);
      rows_.push_back({.key = StateString(key_), .batch = batches_.size(), .row = copies ? copied_.rows() : row});
      if (copies) copied_.append_row(batch, row, columnar::RowOp::kInsert);
      if (copied_.full()) finish_copied();
    }
    if (!copies) keep(batch);
    counted_.set(batches_bytes_ + copied_.bytes());
    if (wanted_rows_ && rows_.size() > *wanted_rows_ + std::max(*wanted_rows_, kSlackRows)) keep_first();
    return {};
  }

  Result<Progress> on_end(Output& out) override {
    if (!sorted_) {
      finish_copied();
      std::ranges::sort(rows_);
      if (wanted_rows_ && rows_.size() > *wanted_rows_) rows_.resize(*wanted_rows_);
      next_ = static_cast<size_t>(options_.offset);
      sorted_ = true;
    }
    if (next_ >= rows_.size()) return Progress::kDone;
    emit_some(out);
    return next_ < rows_.size() ? Progress::kMore : Progress::kDone;
  }

 private:
  struct Row {
    StateString key;  // bytes in the order of the rows
    size_t batch;
    size_t row;
    // Rows that compare equal stay in the order in which they came.
    auto operator<=>(const Row&) const = default;
  };

  void keep(ChangeBatch batch) {
    batches_bytes_ += batch.bytes_with_texts();
    batches_.push_back(std::move(batch));
  }
  void finish_copied() {
    if (copied_.rows() > 0) keep(copied_.finish());
  }

  // Throws away the rows that cannot be in the result, and the batches that held them.
  void keep_first() {
    finish_copied();
    std::ranges::sort(rows_);
    rows_.resize(*wanted_rows_);
    std::vector<ChangeBatch> kept;
    for (size_t begin = 0; begin < rows_.size(); begin += columnar::kBatchRowsMax) {
      const size_t end = std::min(rows_.size(), begin + columnar::kBatchRowsMax);
      kept.push_back(gather(begin, end));
      for (size_t i = begin; i < end; ++i) {
        rows_[i].batch = kept.size() - 1;
        rows_[i].row = i - begin;
      }
    }
    batches_.clear();
    batches_bytes_ = 0;
    for (ChangeBatch& batch : kept) keep(std::move(batch));
    counted_.set(batches_bytes_);
  }

  ChangeBatch gather(size_t begin, size_t end) const {
    columnar::BatchBuilder builder(types_of(options_.schema));
    for (size_t i = begin; i < end; ++i) {
      builder.append_row(batches_[rows_[i].batch], rows_[i].row, columnar::RowOp::kInsert);
    }
    return builder.finish();
  }

  void emit_some(Output& out) {
    const size_t end = std::min(rows_.size(), next_ + columnar::kBatchRowsMax);
    out.emit(gather(next_, end));
    next_ = end;
  }

  const SortOptions options_;
  std::optional<size_t> wanted_rows_;  // offset + limit
  std::vector<ChangeBatch> batches_;
  size_t batches_bytes_ = 0;
  columnar::BatchBuilder copied_;  // the next one, of rows that are copied
  StateBytes counted_;             // of these
  StateVector<Row> rows_;
  std::string key_;  // of the row at hand
  bool sorted_ = false;
  size_t next_ = 0;
};

class Limit : public Operator {
 public:
  Limit(std::optional<int64_t> limit, int64_t offset) : skip_(static_cast<size_t>(offset)) {
    if (limit) left_ = static_cast<size_t>(*limit);
  }

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    const size_t begin = std::min(skip_, batch.rows());
    skip_ -= begin;
    const size_t end = left_ ? std::min(batch.rows(), begin + *left_) : batch.rows();
    if (left_) *left_ -= end - begin;
    if (end > begin) out.emit(begin == 0 && end == batch.rows() ? batch : batch.slice(begin, end));
    return {};
  }

  bool done() const override { return left_ == 0U; }

 private:
  size_t skip_;
  std::optional<size_t> left_;
};

}  // namespace

std::unique_ptr<Operator> make_sort(SortOptions options) { return std::make_unique<Sort>(std::move(options)); }

std::unique_ptr<Operator> make_limit(std::optional<int64_t> limit, int64_t offset) {
  return std::make_unique<Limit>(limit, offset);
}

}  // namespace penstock::exec
