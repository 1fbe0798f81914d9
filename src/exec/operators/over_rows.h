// The rows of a partition as the functions of the Over operators see them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/state_memory.h"
#include "columnar/column.h"

namespace penstock::exec {

struct RowRange {
  size_t begin = 0;
  size_t end = 0;
};

// Rows in their order, by their number in the partition: it stays when rows at the front go, which nobody will look at
// any more. Only the columns that functions look at are kept.
//
// Rows come at the end, few at a time, and each has to be copied only now and then: they lie in pieces, each larger
// than the next one.
class OrderedRows {
 public:
  // `kept[i]`: whether column i of what is appended is kept.
  explicit OrderedRows(std::vector<bool> kept) : kept_(std::move(kept)) {}

  size_t begin() const { return begin_; }
  size_t end() const { return end_; }
  bool empty() const { return begin_ == end_; }

  // Adds rows behind the others. `groups` says where among them the groups of rows begin that are equal in the order;
  // no group goes on from one call to the next.
  void append(std::span<const columnar::ColumnPtr> columns, size_t rows, std::span<const size_t> groups);
  void drop_before(size_t row);

  // Groups have numbers as rows have.
  size_t group_of(size_t row) const {
    const auto behind = std::ranges::upper_bound(group_begins_, row);
    return first_group_ + static_cast<size_t>(behind - group_begins_.begin()) - 1;
  }
  size_t groups_end() const { return first_group_ + group_begins_.size(); }
  // The end of all rows for groups_end().
  size_t group_begin(size_t group) const {
    if (group >= groups_end()) return end_;
    return group < first_group_ ? begin_ : group_begins_[group - first_group_];
  }
  RowRange group(size_t row) const {
    const size_t number = group_of(row);
    return {group_begin(number), group_begin(number + 1)};
  }

  bool is_null(int column, size_t row) const {
    const Piece& piece = piece_of(row);
    return piece.column(column).is_null(row - piece.begin);
  }
  int64_t int64(int column, size_t row) const {
    const Piece& piece = piece_of(row);
    return piece.column(column).values<int64_t>()[row - piece.begin];
  }
  void append_value(int column, size_t row, columnar::ColumnBuilder& out) const {
    const Piece& piece = piece_of(row);
    out.append_from(piece.column(column), row - piece.begin);
  }
  // Calls use(columns, range) for the rows of a range, a piece after the other; columns that are not kept are null.
  template <class Use>
  void for_each_piece(RowRange rows, const Use& use) const {
    for (const Piece& piece : pieces_) {
      const size_t begin = std::max(rows.begin, piece.begin);
      const size_t end = std::min(rows.end, piece.end);
      if (begin < end) use(piece.columns, RowRange{begin - piece.begin, end - piece.begin});
    }
  }

 private:
  struct Piece {
    size_t begin = 0;
    size_t end = 0;
    std::vector<columnar::ColumnPtr> columns;
    StateBytes bytes;  // of them
    size_t rows() const { return end - begin; }
    const columnar::Column& column(int i) const { return *columns[static_cast<size_t>(i)]; }
    void count_bytes();
  };

  const Piece& piece_of(size_t row) const { return *std::ranges::upper_bound(pieces_, row, {}, &Piece::end); }
  // Puts the last piece and the one before it together.
  void join_last();

  std::vector<bool> kept_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::deque<Piece, StateAllocator<Piece>> pieces_;
  std::deque<size_t, StateAllocator<size_t>> group_begins_;
  size_t first_group_ = 0;
};

}  // namespace penstock::exec
