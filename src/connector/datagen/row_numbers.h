// The rows of a generated table by number, dealt out to splits in blocks: split s has the blocks b with b mod kSplits =
// s.
//
// The number of splits is fixed, so that positions mean the same on any number of instances.
#pragma once

#include <algorithm>
#include <cstdint>

#include "columnar/change_batch.h"

namespace penstock::connector {

inline constexpr int kGeneratedSplits = 16;

// Row numbers of one split; `position` counts its rows.
class SplitRows {
 public:
  // Of a table with `rows_max` rows.
  SplitRows(int split, int64_t rows_max) : split_(split), rows_max_(rows_max) {}

  int64_t position() const { return position_; }
  void move_to(int64_t position) { position_ = position; }

  // The number of the next row; at or beyond rows_max when there is none.
  int64_t next_row() const {
    const int64_t block = position_ / kBlock;
    if (block >= INT64_MAX / kBlock / kGeneratedSplits - 1) return rows_max_;
    return (block * kGeneratedSplits + split_) * kBlock + position_ % kBlock;
  }
  bool at_end() const { return next_row() >= rows_max_; }
  // How many rows it has in all.
  int64_t size() const {
    const int64_t blocks = rows_max_ / kBlock;
    const int64_t whole = blocks / kGeneratedSplits + (blocks % kGeneratedSplits > split_ ? 1 : 0);
    return whole * kBlock + (blocks % kGeneratedSplits == split_ ? rows_max_ % kBlock : 0);
  }
  // How many rows in a row from next_row() on are of this split.
  int64_t run() const { return at_end() ? 0 : std::min(kBlock - position_ % kBlock, rows_max_ - next_row()); }

 private:
  static constexpr auto kBlock = static_cast<int64_t>(columnar::kBatchRowsMax);

  int split_;
  int64_t rows_max_;
  int64_t position_ = 0;
};

}  // namespace penstock::connector
