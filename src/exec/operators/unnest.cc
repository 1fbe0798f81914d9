#include "exec/operators/unnest.h"

#include <span>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "columnar/nested.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using types::TypeKind;

// How many batches may leave before other operators have their turn.
constexpr int kBatchesPerCall = 16;
constexpr uint32_t kNoEntry = UINT32_MAX;
// Collections are taken apart for so many rows at once that they have about this size, or for one row.
constexpr size_t kPieceBytes = 1 << 20;

class Unnest : public Operator {
 public:
  explicit Unnest(UnnestOptions options) : options_(options) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    batch_ = batch;
    row_ = 0;
    entry_ = 0;
    repeated_ = 0;
    ordinal_ = 0;
    piece_end_ = 0;
    return resume(out);
  }

  bool unfinished() const override { return row_ < batch_.rows(); }

  Status resume(Output& out) override {
    for (int batches = 0; batches < kBatchesPerCall && unfinished(); ++batches) {
      if (row_ == piece_end_) next_piece();
      collect();
      flush(out);
    }
    if (!unfinished()) {
      batch_ = {};
      elements_.clear();
      counts_ = nullptr;
    }
    return {};
  }

 private:
  // The columns of the elements of the next rows, and how often each of these is there.
  void next_piece() {
    const Column& collections = *batch_.column(static_cast<size_t>(options_.column));
    const std::span<const columnar::StringCell> values = collections.values<columnar::StringCell>();
    piece_begin_ = row_;
    for (size_t bytes = 0; piece_end_ < batch_.rows() && (piece_end_ == row_ || bytes < kPieceBytes); ++piece_end_) {
      bytes += collections.is_null(piece_end_) ? 0 : values[piece_end_].size();
    }
    entry_ = 0;
    columnar::NestedParts parts = columnar::take_apart(collections, piece_begin_, piece_end_);
    ends_ = std::move(parts.ends);
    counts_ = nullptr;
    TypeKind kind = collections.type().kind();
    if (kind == TypeKind::kMultiset) {
      counts_ = parts.columns[1];
      parts.columns.pop_back();
    }
    bool rows = kind != TypeKind::kMap && parts.columns[0]->type().kind() == TypeKind::kRow;
    elements_ = rows ? columnar::take_apart(*parts.columns[0]).columns : std::move(parts.columns);
  }

  // Chooses the rows of the next batch.
  void collect() {
    while (row_ < piece_end_ && rows_.size() < columnar::kBatchRowsMax) {
      if (entry_ == ends_[row_ - piece_begin_]) {
        if (options_.preserve && ordinal_ == 0) add(kNoEntry);
        ++row_;
        ordinal_ = 0;
        continue;
      }
      const int64_t count = counts_ == nullptr ? 1 : counts_->values<int64_t>()[entry_];
      if (repeated_ == count) {
        ++entry_;
        repeated_ = 0;
        continue;
      }
      ++repeated_;
      ++ordinal_;
      add(entry_);
    }
  }

  void add(uint32_t entry) {
    rows_.push_back(static_cast<uint16_t>(row_));
    entries_.push_back(entry);
    ordinals_.push_back(ordinal_);
  }

  void flush(Output& out) {
    if (rows_.empty()) return;
    const ChangeBatch rows = batch_.take(rows_);
    std::vector<ColumnPtr> columns = rows.columns();
    for (const ColumnPtr& column : elements_) columns.push_back(choose(*column));
    if (options_.ordinality) columns.push_back(take_ordinals());
    rows_.clear();
    entries_.clear();
    ordinals_.clear();
    out.emit(rows.with_columns(std::move(columns)));
  }

  // The entries of one column. Mostly they stand one after the other.
  ColumnPtr choose(const Column& column) const {
    bool run = entries_.front() != kNoEntry;
    for (size_t i = 1; run && i < entries_.size(); ++i) run = entries_[i] == entries_[i - 1] + 1;
    if (run) return column.slice(entries_.front(), size_t{entries_.back()} + 1);
    ColumnBuilder builder(column.type(), entries_.size());
    for (const uint32_t entry : entries_) {
      entry == kNoEntry ? builder.append_null() : builder.append_from(column, entry);
    }
    return builder.finish();
  }

  ColumnPtr take_ordinals() {
    ColumnBuilder builder(TypeKind::kInt, ordinals_.size());
    for (const int64_t ordinal : ordinals_) ordinal == 0 ? builder.append_null() : builder.append_int64(ordinal);
    return builder.finish();
  }

  const UnnestOptions options_;
  // The batch at hand, the elements of some of its rows, and what of it has been chosen already.
  ChangeBatch batch_;
  size_t piece_begin_ = 0;  // these rows
  size_t piece_end_ = 0;
  std::vector<uint32_t> ends_;  // of the elements, by row of the piece
  std::vector<ColumnPtr> elements_;
  ColumnPtr counts_;  // of a MULTISET
  size_t row_ = 0;
  uint32_t entry_ = 0;
  int64_t repeated_ = 0;  // of that element
  int64_t ordinal_ = 0;   // elements of that row
  // What leaves next.
  columnar::Selection rows_;
  std::vector<uint32_t> entries_;
  std::vector<int64_t> ordinals_;  // 0: a row without elements
};

}  // namespace

std::unique_ptr<Operator> make_unnest(UnnestOptions options) { return std::make_unique<Unnest>(options); }

}  // namespace penstock::exec
