// Meets the rows of a batch with the stored rows of the other side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/operator.h"
#include "exec/operators/join_layout.h"
#include "exec/operators/join_side.h"

namespace penstock::exec {

// Owned by one join; not thread-safe. A batch may have any number of pairs: they leave in pieces, between which the
// sides must not change.
//
// All rows of the batch go along their lists at the same time, so that the next row of each is fetched while the others
// are looked at.
class JoinProbe {
 public:
  // `emits` false: pairs are only counted, for rows that come out by themselves.
  JoinProbe(const JoinLayout& layout, std::array<JoinSide*, 2> sides, bool emits)
      : layout_(layout), sides_(sides), emits_(emits) {}

  // Begins with a batch that has been added to its side.
  void begin(Side side, columnar::ChangeBatch batch, std::span<std::byte* const> groups);
  // Emits a bounded number of pairs.
  Result<Progress> run(Output& out);

 private:
  struct Cursor {
    uint16_t batch_row;
    state::RowId next;
  };

  // Collects a batch of candidates; false when there are no more.
  bool collect();
  // Leaves those for which the condition is true.
  Status filter();
  void count_matches();
  // Emits a batch of what is left of the pairs.
  void emit_some(Output& out);
  // Chooses the pairs of that batch, each as often as its stored row counts.
  Pairs choose(columnar::RowOps& ops);
  const JoinSide& others() const { return *sides_[other(side_)]; }

  const JoinLayout& layout_;
  const std::array<JoinSide*, 2> sides_;
  const bool emits_;

  Side side_ = kLeftSide;
  columnar::ChangeBatch batch_;
  std::vector<JoinGroup*> groups_;
  std::vector<Cursor> cursors_;  // of rows whose lists have not been walked to the end
  size_t next_cursor_ = 0;       // where the present round over them has come to
  size_t kept_cursors_ = 0;      // of those before it, at the front
  Pairs pairs_;
  size_t next_pair_ = 0;     // the first that has not been emitted
  int64_t repetitions_ = 0;  // of that pair, emitted already
};

}  // namespace penstock::exec
