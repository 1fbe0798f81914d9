#include "exec/operators/join.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/join_probe.h"
#include "exec/operators/join_side.h"
#include "state/group_table.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using columnar::RowOp;
using state::kNoRow;
using state::RowId;

// Batches that one call at a barrier emits.
constexpr int kBatchesPerCall = 16;

JoinSide::Options side_options(const JoinOptions& options, Side side, const JoinLayout& layout) {
  const JoinInput& input = options.inputs[side];
  const bool pairs_matter = !left_only(options.kind) || layout.has_condition();
  const bool forgets = options.ttl[side].us > 0;
  JoinSide::Options out{.side = side,
                        .lookup = RowLookup::kNone,
                        .hashed_columns = {},
                        .stored = side == kLeftSide || pairs_matter || forgets,
                        .emits_alone = emits_alone(options.kind, side),
                        .counts_matches = emits_alone(options.kind, side) && layout.has_condition(),
                        .forgets = forgets};
  out.set_lookup(input, layout);
  return out;
}

class Join : public Operator {
 public:
  explicit Join(JoinOptions options)
      : options_(std::move(options)),
        layout_(JoinLayout::options_of(options_)),
        table_(key_types(options_.inputs[kLeftSide]), {.bytes = sizeof(JoinGroup)}),
        left_(side_options(options_, kLeftSide, layout_), layout_),
        right_(side_options(options_, kRightSide, layout_), layout_),
        sides_{&left_, &right_},
        probe_(layout_, sides_, !left_only(options_.kind)),
        idle_{IdleGroups(options_.ttl[kLeftSide]), IdleGroups(options_.ttl[kRightSide])} {
    for (JoinSide* side : sides_) side->set_remember_touched(!options_.at_end);
  }

  Status process(int port, const ChangeBatch& batch, Output& out) override {
    const Side side = port == 0 ? kLeftSide : kRightSide;
    ChangeBatch rows = take_with_keys(side, batch, out);
    if (rows.empty()) return {};
    table_.find_or_insert(rows.columns_at(options_.inputs[side].keys), rows.rows(), groups_);
    if (idle_[side].on()) idle_[side].read_clock();
    PENSTOCK_TRY(sides_[side]->add(rows, groups_, idle_[side].now()));
    if (!options_.at_end) list_groups();
    if (idle_[side].on() && sides_[side]->known().size() < rows.rows()) {
      rows = take_known(rows, sides_[side]->known());
    }
    if (rows.empty()) return {};
    if (left_only(options_.kind) && !layout_.has_condition()) return {};
    probe_.begin(side, rows, groups_);
    return resume_probe(out);
  }

  bool unfinished() const override { return probing_; }
  Status resume(Output& out) override { return resume_probe(out); }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (options_.at_end) return Progress::kDone;
    if (PENSTOCK_TRY(tell(out)) == Progress::kMore) return Progress::kMore;
    forget_idle();
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override {
    const std::optional<int64_t> left = idle_[kLeftSide].wake_at_us(table_);
    const std::optional<int64_t> right = idle_[kRightSide].wake_at_us(table_);
    return left && right ? std::min(left, right) : std::max(left, right);
  }

  Result<Progress> on_end(Output& out) override { return options_.at_end ? tell(out) : Progress::kDone; }

 private:
  Status resume_probe(Output& out) {
    probing_ = PENSTOCK_TRY(probe_.run(out)) == Progress::kMore;
    return {};
  }

  // The rows that the side has not ignored, and their groups.
  ChangeBatch take_known(const ChangeBatch& rows, const columnar::Selection& known) {
    for (size_t i = 0; i < known.size(); ++i) groups_[i] = groups_[known[i]];
    groups_.resize(known.size());
    return rows.take(known);
  }

  // Inner joins forget row by row. Where rows come out by themselves, one that has had a partner must go on having one:
  // a group goes when all of it is idle.
  void forget_idle() {
    for (const Side side : {kLeftSide, kRightSide}) {
      IdleGroups& idle = idle_[side];
      idle.sweep(table_, [&](std::byte* address) {
        auto& group = *reinterpret_cast<JoinGroup*>(address);
        const auto is_idle = [&](uint32_t came) { return idle.is_idle(came); };
        const auto is_other_idle = [&](uint32_t came) { return idle_[other(side)].is_idle(came); };
        if (options_.kind == JoinKind::kInner) {
          sides_[side]->forget_idle(group, is_idle);
        } else if (idle_[other(side)].on() && sides_[side]->all_idle(group, is_idle) &&
                   sides_[other(side)]->all_idle(group, is_other_idle)) {
          sides_[side]->forget_idle(group, is_idle);
          sides_[other(side)]->forget_idle(group, is_other_idle);
        }
        if (is_empty(group)) table_.erase(address);
      });
    }
  }

  // The rows that can have a partner; those that cannot, for a key is NULL, come out at once or never.
  ChangeBatch take_with_keys(Side side, const ChangeBatch& batch, Output& out) const {
    const std::vector<int> columns = columns_with_null(batch, options_.inputs[side].keys, options_.nulls_match);
    const bool comes_out = emits_alone(options_.kind, side) && options_.kind != JoinKind::kSemi;
    return layout_.take_with_values(side, batch, columns, comes_out ? &out : nullptr);
  }

  // Remembers the groups of the batch that the next barrier has to look at.
  void list_groups() {
    if (options_.kind == JoinKind::kInner && !left_.counted() && !right_.counted()) return;
    for (std::byte* address : groups_) {
      auto& group = *reinterpret_cast<JoinGroup*>(address);
      if (group.listed || (!is_empty(group) && !has_flipped(group, kLeftSide) && !has_flipped(group, kRightSide))) {
        continue;
      }
      group.listed = true;
      listed_.push_back(&group);
    }
  }
  static bool is_empty(const JoinGroup& group) {
    return group.first[0] == kNoRow && group.first[1] == kNoRow && group.weight[0] == 0 && group.weight[1] == 0;
  }
  // Whether all rows of that side have got partners, or lost them.
  bool has_flipped(const JoinGroup& group, Side side) const {
    const JoinSide::Options& options = sides_[side]->options();
    return options.emits_alone && !options.counts_matches && group.partnered[side] != (group.weight[other(side)] != 0);
  }

  // --- rows that come out by themselves: what downstream has of them becomes what it should have ---

  Result<Progress> tell(Output& out) {
    batches_left_ = kBatchesPerCall;
    if (!tell_touched(out)) return Progress::kMore;
    do {
      if (!tell_groups(out)) return Progress::kMore;
    } while (options_.at_end && list_more_groups());
    for (const Side side : {kLeftSide, kRightSide}) flush(side, out);
    next_ = {};
    return Progress::kDone;
  }

  // These return false when the call has emitted enough.
  bool tell_touched(Output& out) {
    for (; next_.touched_side < 2; ++next_.touched_side, next_.touched = 0) {
      const JoinSide& side = *sides_[next_.touched_side];
      for (; next_.touched < side.touched().size(); ++next_.touched) {
        const JoinSide::Touched& touched = side.touched()[next_.touched];
        if (!tell_row(side.options().side, touched.row, *touched.group, out)) return false;
      }
    }
    for (JoinSide* side : sides_) {
      flush(side->options().side, out);
      side->settle_touched();
    }
    return true;
  }

  bool tell_groups(Output& out) {
    for (; next_.group < listed_.size(); ++next_.group, next_.group_side = 0) {
      JoinGroup& group = *listed_[next_.group];
      for (; next_.group_side < 2; ++next_.group_side, next_.row.reset()) {
        if (!tell_side(static_cast<Side>(next_.group_side), group, out)) return false;
      }
      group.listed = false;
      if (is_empty(group) && !options_.at_end) table_.erase(reinterpret_cast<std::byte*>(&group));
    }
    listed_.clear();
    next_.group = 0;
    return true;
  }

  bool tell_side(Side side, JoinGroup& group, Output& out) {
    if (!emits_alone(options_.kind, side)) return true;
    if (!options_.at_end && !has_flipped(group, side)) return true;
    if (!next_.row) next_.row = group.first[side];
    for (; *next_.row != kNoRow; next_.row = sides_[side]->next(*next_.row)) {
      if (!tell_row(side, *next_.row, group, out)) return false;
    }
    group.partnered[side] = group.weight[other(side)] != 0;
    return true;
  }

  // At the end all groups are looked at, some at a time.
  bool list_more_groups() {
    if (!table_.next(next_.in_table, kBatchRowsMax, groups_)) return false;
    for (std::byte* group : groups_) listed_.push_back(reinterpret_cast<JoinGroup*>(group));
    return true;
  }

  bool tell_row(Side number, RowId row, const JoinGroup& group, Output& out) {
    JoinSide& side = *sides_[number];
    const bool comes_out = side.has_matches(row, group) == (options_.kind == JoinKind::kSemi);
    for (int64_t missing = side.missing(row, comes_out); missing != 0; missing = side.missing(row, comes_out)) {
      if (batches_left_ <= 0) return false;
      const int32_t weight = missing > 0 ? 1 : -1;
      side.told(row, weight);
      told_[number].rows.push_back(row);
      told_[number].ops.push_back(weight > 0 ? RowOp::kInsert : RowOp::kDelete);
      if (told_[number].rows.size() == kBatchRowsMax) flush(number, out);
    }
    return true;
  }

  void flush(Side side, Output& out) {
    Told& told = told_[side];
    if (told.rows.empty()) return;
    std::shared_ptr<columnar::RowOps> ops;
    if (std::ranges::find(told.ops, RowOp::kDelete) != told.ops.end()) {
      ops = std::make_shared<columnar::RowOps>(told.ops);
    }
    std::vector<ColumnPtr> columns = layout_.alone(side, sides_[side]->store(), told.rows);
    out.emit(ChangeBatch(told.rows.size(), std::move(columns), std::move(ops)));
    told = {};
    --batches_left_;
  }

  const JoinOptions options_;
  const JoinLayout layout_;
  state::GroupTable table_;  // of JoinGroup
  JoinSide left_;
  JoinSide right_;
  const std::array<JoinSide*, 2> sides_;
  JoinProbe probe_;
  bool probing_ = false;
  std::array<IdleGroups, 2> idle_;
  std::vector<std::byte*> groups_;  // of the batch at hand
  StateVector<JoinGroup*> listed_;  // which the barrier looks at

  // How far a barrier has come.
  struct Next {
    size_t touched_side = 0;
    size_t touched = 0;
    size_t group = 0;
    size_t group_side = 0;
    std::optional<RowId> row;
    size_t in_table = 0;
  };
  Next next_;
  int batches_left_ = 0;
  // Rows of each side that are to leave in the next batch.
  struct Told {
    std::vector<RowId> rows;
    columnar::RowOps ops;
  };
  std::array<Told, 2> told_;
};

}  // namespace

std::unique_ptr<Operator> make_join(JoinOptions options) { return std::make_unique<Join>(std::move(options)); }

}  // namespace penstock::exec
