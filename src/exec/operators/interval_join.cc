#include "exec/operators/interval_join.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "exec/operators/add_saturating.h"
#include "exec/operators/timed_side.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::kBatchRowsMax;
using state::kNoRow;
using state::RowId;

// Batches of candidates, or of rows that are due, that one call looks at.
constexpr int kBatchesPerCall = 16;

// The last moment that is so much before the watermark; the ends of time stay what they are.
int64_t before(EventTime watermark, int64_t distance) {
  if (watermark == kMinEventTime || watermark == kMaxEventTime) return watermark.value();
  return add_saturating(watermark.value(), -distance);
}

class IntervalJoin : public Operator {
 public:
  explicit IntervalJoin(IntervalJoinOptions options)
      : options_(std::move(options)),
        layout_(JoinLayout::options_of(options_)),
        groups_(key_types(options_.inputs[kLeftSide]), TimedGroup::layout()),
        left_(kLeftSide, layout_),
        right_(kRightSide, layout_),
        sides_{&left_, &right_} {}

  Status process(int port, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "the rows of an interval join are only inserts");
    side_ = port == 0 ? kLeftSide : kRightSide;
    batch_ = with_values(options_.drops_late ? without_late(all) : all, out);
    if (batch_.empty()) return {};
    load_times();
    groups_.find_or_insert(batch_.columns_at(options_.inputs[side_].keys), batch_.rows(), batch_groups_);
    keep_rows();
    matched_.assign(batch_.rows(), 0);
    next_row_ = 0;
    position_.reset();
    return resume(out);
  }

  bool unfinished() const override { return !batch_.empty(); }

  Status resume(Output& out) override {
    for (int batches = 0; batches < kBatchesPerCall; ++batches) {
      if (!collect()) {
        finish_batch(out);
        return {};
      }
      if (layout_.has_condition()) PENSTOCK_TRY(filter());
      emit_pairs(out);
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    told_ = watermark;
    watermark_ = EventTime(types::local_watermark(options_.zone, watermark.value()));
    int batches = 0;
    for (const Side side : {kLeftSide, kRightSide}) {
      while (sides_[side]->has_due(last_due(side))) {
        if (batches++ == kBatchesPerCall) return Progress::kMore;
        expire_some(side, out);
      }
    }
    return Progress::kDone;
  }

  EventTime output_watermark(EventTime watermark) const override {
    return EventTime{before(watermark, std::max({options_.upper_us, -options_.lower_us, int64_t{0}}))};
  }
  bool passes_watermarks() const override { return false; }

 private:
  // How long behind its own time a row of that side can have a partner.
  int64_t reach(Side side) const { return side == kLeftSide ? options_.upper_us : -options_.lower_us; }
  // Rows of that side up to this time can have no partner any more.
  int64_t last_due(Side side) const { return before(watermark_, reach(side)); }
  bool comes_out_unmatched(Side side) const {
    return emits_alone(options_.kind, side) && options_.kind != JoinKind::kSemi;
  }
  // The rows that can have a partner; those that cannot, for a key or the time is NULL, come out at once or never.
  ChangeBatch with_values(const ChangeBatch& batch, Output& out) const {
    const std::vector<int> columns =
        columns_with_null(batch, options_.inputs[side_].keys, options_.nulls_match, options_.times[side_]);
    return layout_.take_with_values(side_, batch, columns, comes_out_unmatched(side_) ? &out : nullptr);
  }

  ChangeBatch without_late(const ChangeBatch& batch) const {
    const columnar::Column& times = *batch.column(static_cast<size_t>(options_.times[side_]));
    columnar::Selection chosen;
    std::vector<LateRow> dropped;
    for (size_t i = 0; i < batch.rows(); ++i) {
      const auto row = static_cast<uint16_t>(i);
      const bool late = add_saturating(times.values<int64_t>()[i], -options_.behind_us) <= watermark_.value();
      if (late && !times.is_null(i)) {
        dropped.push_back({.row = row, .reason = LateReason::kWindowClosed});
      } else {
        chosen.push_back(row);
      }
    }
    if (dropped.empty()) return batch;
    options_.late[side_].add(batch, dropped, told_);
    return batch.take(chosen);
  }

  // Sets the times of the rows of the batch at hand.
  void load_times() {
    const columnar::Column& column = *batch_.column(static_cast<size_t>(options_.times[side_]));
    times_.assign(column.values<int64_t>().begin(), column.values<int64_t>().end());
    for (int64_t& time : times_) time = add_saturating(time, -options_.behind_us);
  }

  // Keeps those rows of the batch which a later row may still fit.
  void keep_rows() {
    TimedSide& side = *sides_[side_];
    const int64_t due = last_due(side_);
    side.load(batch_);
    kept_.assign(batch_.rows(), kNoRow);
    for (size_t row = 0; row < batch_.rows(); ++row) {
      if (times_[row] > due) kept_[row] = side.add(row, times_[row], batch_groups_[row]);
    }
  }

  // --- the rows of the batch meet those of the other side ---

  // Collects candidates; false when there are no more.
  bool collect() {
    pairs_.clear();
    TimedSide& others = *sides_[other(side_)];
    for (; next_row_ < batch_.rows(); ++next_row_, position_.reset()) {
      const int64_t time = times_[next_row_];
      const int64_t first = add_saturating(time, side_ == kLeftSide ? options_.lower_us : -options_.upper_us);
      const int64_t last = add_saturating(time, side_ == kLeftSide ? options_.upper_us : -options_.lower_us);
      RowId row = position_ ? *position_ : others.lower_bound(batch_groups_[next_row_], first);
      for (; row != kNoRow && others.time(row) <= last; row = others.next(row)) {
        if (pairs_.size() == kBatchRowsMax) {
          position_ = row;
          return true;
        }
        pairs_.add(static_cast<uint16_t>(next_row_), row);
      }
    }
    return pairs_.size() > 0;
  }

  Status filter() {
    pairs_.keep(PENSTOCK_TRY(layout_.select(side_, batch_, sides_[other(side_)]->store(), pairs_)));
    return {};
  }

  void emit_pairs(Output& out) {
    if (pairs_.size() == 0) return;
    TimedSide& others = *sides_[other(side_)];
    columnar::Selection first_matched;  // rows of the batch
    std::vector<RowId> others_first_matched;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const uint16_t row = pairs_.batch_rows[i];
      if (matched_[row] == 0) first_matched.push_back(row);
      matched_[row] = 1;
      if (kept_[row] != kNoRow) sides_[side_]->set_matched(kept_[row]);
      const RowId stored = pairs_.stored_rows[i];
      if (!others.is_matched(stored)) others_first_matched.push_back(stored);
      others.set_matched(stored);
    }
    if (!left_only(options_.kind)) {
      out.emit(ChangeBatch(pairs_.size(), layout_.join(side_, batch_, others.store(), pairs_)));
    } else if (options_.kind == JoinKind::kSemi && side_ == kLeftSide) {
      if (!first_matched.empty()) out.emit(layout_.alone(kLeftSide, batch_.take(first_matched)));
    } else if (options_.kind == JoinKind::kSemi) {
      emit_stored(kLeftSide, others_first_matched, out);
    }
  }

  void emit_stored(Side side, const std::vector<RowId>& rows, Output& out) const {
    if (!rows.empty()) out.emit(ChangeBatch(rows.size(), layout_.alone(side, sides_[side]->store(), rows)));
  }

  // Rows that are not kept have met all that they will.
  void finish_batch(Output& out) {
    columnar::Selection unmatched;
    std::vector<std::byte*> left_empty;
    for (size_t row = 0; row < batch_.rows(); ++row) {
      if (kept_[row] != kNoRow) continue;
      if (matched_[row] == 0) unmatched.push_back(static_cast<uint16_t>(row));
      if (TimedGroup::at(batch_groups_[row]).empty()) left_empty.push_back(batch_groups_[row]);
    }
    if (comes_out_unmatched(side_) && !unmatched.empty()) out.emit(layout_.alone(side_, batch_.take(unmatched)));
    std::ranges::sort(left_empty);
    const auto repeated = std::ranges::unique(left_empty);
    left_empty.erase(repeated.begin(), repeated.end());
    groups_.erase(left_empty);
    batch_ = ChangeBatch();
  }

  // --- rows that are due ---

  void expire_some(Side number, Output& out) {
    TimedSide& side = *sides_[number];
    std::vector<RowId> rows = side.take_due(last_due(number), groups_);
    std::erase_if(rows, [&](RowId row) { return side.is_matched(row); });
    if (comes_out_unmatched(number)) emit_stored(number, rows, out);
    side.erase_taken();
  }

  const IntervalJoinOptions options_;
  const JoinLayout layout_;
  state::GroupTable groups_;
  TimedSide left_;
  TimedSide right_;
  const std::array<TimedSide*, 2> sides_;
  EventTime told_ = kMinEventTime;       // the watermark
  EventTime watermark_ = kMinEventTime;  // the same as the columns of time count

  // The batch at hand: while it has rows, not all of them have met the other side.
  Side side_ = kLeftSide;
  ChangeBatch batch_;
  std::vector<int64_t> times_;
  std::vector<std::byte*> batch_groups_;
  std::vector<RowId> kept_;       // per row; kNoRow: it is not
  std::vector<uint8_t> matched_;  // per row
  size_t next_row_ = 0;
  std::optional<RowId> position_;  // its next candidate, once it is known
  Pairs pairs_;
};

}  // namespace

std::unique_ptr<Operator> make_interval_join(IntervalJoinOptions options) {
  return std::make_unique<IntervalJoin>(std::move(options));
}

}  // namespace penstock::exec
