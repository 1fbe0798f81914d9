#include "exec/operators/over_rows.h"

#include <utility>

namespace penstock::exec {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;

void OrderedRows::Piece::count_bytes() {
  size_t held = columns.capacity() * sizeof(ColumnPtr);
  for (const ColumnPtr& column : columns) held += column == nullptr ? 0 : column->bytes_with_texts();
  bytes.set(held);
}

void OrderedRows::append(std::span<const ColumnPtr> columns, size_t rows, std::span<const size_t> groups) {
  if (rows == 0) return;
  for (const size_t begin : groups) group_begins_.push_back(end_ + begin);
  Piece piece{.begin = end_, .end = end_ + rows, .columns = {}, .bytes = {}};
  for (size_t i = 0; i < columns.size(); ++i) piece.columns.push_back(kept_[i] ? columns[i] : nullptr);
  end_ = piece.end;
  piece.count_bytes();
  pieces_.push_back(std::move(piece));
  while (pieces_.size() > 1 && pieces_[pieces_.size() - 2].rows() <= pieces_.back().rows()) join_last();
}

void OrderedRows::join_last() {
  const Piece last = std::move(pieces_.back());
  pieces_.pop_back();
  Piece& into = pieces_.back();
  for (size_t i = 0; i < into.columns.size(); ++i) {
    if (into.columns[i] == nullptr) continue;
    // Values are copied, so that memory which only rows that are gone have used is let go.
    ColumnBuilder builder(into.columns[i]->type(), last.end - into.begin);
    for (size_t row = std::max(begin_, into.begin); row < into.end; ++row) {
      builder.append_from(*into.columns[i], row - into.begin);
    }
    for (size_t row = 0; row < last.rows(); ++row) builder.append_from(*last.columns[i], row);
    into.columns[i] = builder.finish();
  }
  into.begin = std::max(begin_, into.begin);
  into.end = last.end;
  into.count_bytes();
}

void OrderedRows::drop_before(size_t row) {
  begin_ = std::max(begin_, std::min(row, end_));
  while (!pieces_.empty() && pieces_.front().end <= begin_) pieces_.pop_front();
  // What is left of a piece moves once it is the smaller part.
  if (!pieces_.empty() && begin_ - pieces_.front().begin > pieces_.front().end - begin_) {
    Piece& piece = pieces_.front();
    for (ColumnPtr& column : piece.columns) {
      if (column != nullptr) column = column->slice(begin_ - piece.begin, piece.rows());
    }
    piece.begin = begin_;
    piece.count_bytes();
  }
  while (group_begins_.size() > 1 && group_begins_[1] <= begin_) {
    group_begins_.pop_front();
    ++first_group_;
  }
  if (begin_ == end_) {
    first_group_ += group_begins_.size();
    group_begins_.clear();
  }
}

}  // namespace penstock::exec
