#include "exec/operators/join_probe.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace penstock::exec {

using columnar::ChangeBatch;
using columnar::kBatchRowsMax;
using columnar::RowOp;
using state::kNoRow;

namespace {

// Batches of candidates that one call looks at, and so batches that it emits, but for repeated rows.
constexpr int kBatchesPerCall = 16;

RowOp negated(RowOp op) { return columnar::weight(op) > 0 ? RowOp::kDelete : RowOp::kInsert; }

}  // namespace

void JoinProbe::begin(Side side, ChangeBatch batch, std::span<std::byte* const> groups) {
  side_ = side;
  batch_ = std::move(batch);
  groups_.clear();
  cursors_.clear();
  next_cursor_ = kept_cursors_ = 0;
  for (size_t row = 0; row < batch_.rows(); ++row) {
    groups_.push_back(reinterpret_cast<JoinGroup*>(groups[row]));
    const state::RowId first = groups_[row]->first[other(side)];
    if (first == kNoRow) continue;
    others().store().prefetch(first);
    cursors_.push_back({static_cast<uint16_t>(row), first});
  }
}

Result<Progress> JoinProbe::run(Output& out) {
  for (int batches = 0; batches < kBatchesPerCall; ++batches) {
    if (next_pair_ == pairs_.size()) {
      pairs_.clear();
      next_pair_ = 0;
      if (!collect()) {
        batch_ = ChangeBatch();
        return Progress::kDone;
      }
      if (layout_.has_condition()) PENSTOCK_TRY(filter());
      count_matches();
      if (!emits_) pairs_.clear();
    }
    if (pairs_.size() > 0) emit_some(out);
  }
  return Progress::kMore;
}

bool JoinProbe::collect() {
  const JoinSide& others = this->others();
  while (pairs_.size() < kBatchRowsMax) {
    if (next_cursor_ == cursors_.size()) {
      cursors_.resize(kept_cursors_);
      next_cursor_ = kept_cursors_ = 0;
      if (cursors_.empty()) break;
    }
    Cursor cursor = cursors_[next_cursor_++];
    if (others.count(cursor.next) != 0) pairs_.add(cursor.batch_row, cursor.next);
    cursor.next = others.next(cursor.next);
    if (cursor.next == kNoRow) continue;
    others.store().prefetch(cursor.next);
    cursors_[kept_cursors_++] = cursor;
  }
  return pairs_.size() > 0;
}

Status JoinProbe::filter() {
  pairs_.keep(PENSTOCK_TRY(layout_.select(side_, batch_, others().store(), pairs_)));
  return {};
}

void JoinProbe::count_matches() {
  JoinSide& own = *sides_[side_];
  JoinSide& others = *sides_[other(side_)];
  for (size_t i = 0; own.options().counts_matches && i < pairs_.size(); ++i) {
    const uint16_t row = pairs_.batch_rows[i];
    // One that was there before has met these already.
    if (own.is_new(row)) own.add_matches(own.rows()[row], *groups_[row], others.count(pairs_.stored_rows[i]));
  }
  for (size_t i = 0; others.options().counts_matches && i < pairs_.size(); ++i) {
    const uint16_t row = pairs_.batch_rows[i];
    others.add_matches(pairs_.stored_rows[i], *groups_[row], batch_.weight(row));
  }
}

void JoinProbe::emit_some(Output& out) {
  const state::RowStore& store = others().store();
  if (batch_.append_only() && !others().counted()) {
    out.emit(ChangeBatch(pairs_.size(), layout_.join(side_, batch_, store, pairs_)));
    next_pair_ = pairs_.size();
    return;
  }
  auto ops = std::make_shared<columnar::RowOps>();
  const Pairs chosen = choose(*ops);
  if (std::ranges::all_of(*ops, [](RowOp op) { return op == RowOp::kInsert; })) ops = nullptr;
  out.emit(ChangeBatch(chosen.size(), layout_.join(side_, batch_, store, chosen), std::move(ops)));
}

Pairs JoinProbe::choose(columnar::RowOps& ops) {
  Pairs chosen;
  for (; next_pair_ < pairs_.size(); ++next_pair_, repetitions_ = 0) {
    const uint16_t row = pairs_.batch_rows[next_pair_];
    const state::RowId stored = pairs_.stored_rows[next_pair_];
    const int64_t count = others().count(stored);
    const RowOp op = count > 0 ? batch_.op(row) : negated(batch_.op(row));
    for (; repetitions_ < std::abs(count); ++repetitions_) {
      if (chosen.size() == kBatchRowsMax) return chosen;
      chosen.add(row, stored);
      ops.push_back(op);
    }
  }
  return chosen;
}

}  // namespace penstock::exec
