#include "exec/operators/lookup_join.h"

#include <algorithm>
#include <utility>

#include "exec/operators/join_side.h"
#include "state/group_table.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using state::kNoRow;
using state::RowId;

// Batches of candidates that one call looks at.
constexpr int kBatchesPerCall = 16;

JoinSide::Options table_options(const LookupJoinOptions& options, const JoinLayout& layout) {
  JoinSide::Options out{.side = kRightSide, .lookup = RowLookup::kNone, .hashed_columns = {}};
  out.set_lookup(options.inputs[kRightSide], layout);
  return out;
}

class LookupJoin : public Operator {
 public:
  explicit LookupJoin(LookupJoinOptions options)
      : options_(std::move(options)),
        layout_(JoinLayout::options_of(options_)),
        groups_by_key_(key_types(options_.inputs[kLeftSide]), {.bytes = sizeof(JoinGroup)}),
        table_(table_options(options_, layout_), layout_) {}

  Status process(int port, const ChangeBatch& batch, Output& out) override {
    if (port == kRightSide) return change_table(batch);
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "rows that look up are only inserts");
    batch_ = with_keys(kLeftSide, batch, options_.kind == JoinKind::kLeft ? &out : nullptr);
    if (batch_.empty()) return {};
    groups_by_key_.find(keys_of(kLeftSide, batch_), batch_.rows(), groups_);
    matched_.assign(batch_.rows(), 0);
    next_row_ = 0;
    next_ = first_of(0);
    repetitions_ = 0;
    return resume(out);
  }

  bool unfinished() const override { return !batch_.empty(); }

  Status resume(Output& out) override {
    for (int batches = 0; batches < kBatchesPerCall; ++batches) {
      if (!collect()) {
        finish_batch(out);
        return {};
      }
      if (layout_.has_condition()) pairs_.keep(PENSTOCK_TRY(layout_.select(kLeftSide, batch_, table_.store(), pairs_)));
      for (const uint16_t row : pairs_.batch_rows) matched_[row] = 1;
      if (pairs_.size() == 0) continue;
      out.emit(ChangeBatch(pairs_.size(), layout_.join(kLeftSide, batch_, table_.store(), pairs_)));
    }
    return {};
  }

 private:
  std::vector<ColumnPtr> keys_of(Side side, const ChangeBatch& batch) const {
    return batch.columns_at(options_.inputs[side].keys);
  }

  // The rows that can have a partner; `out`, unless it is null, gets those that cannot, for a key is NULL.
  ChangeBatch with_keys(Side side, const ChangeBatch& batch, Output* out) const {
    const std::vector<int> columns = columns_with_null(batch, options_.inputs[side].keys, options_.nulls_match);
    return layout_.take_with_values(side, batch, columns, out);
  }

  Status change_table(const ChangeBatch& batch) {
    const ChangeBatch rows = with_keys(kRightSide, batch, nullptr);
    if (rows.empty()) return {};
    groups_by_key_.find_or_insert(keys_of(kRightSide, rows), rows.rows(), groups_);
    PENSTOCK_TRY(table_.add(rows, groups_));
    if (rows.append_only()) return {};
    std::erase_if(groups_,
                  [](const std::byte* group) { return !is_empty(*reinterpret_cast<const JoinGroup*>(group)); });
    std::ranges::sort(groups_);
    const auto repeated = std::ranges::unique(groups_);
    groups_.erase(repeated.begin(), repeated.end());
    for (std::byte* group : groups_) groups_by_key_.erase(group);
    return {};
  }
  static bool is_empty(const JoinGroup& group) {
    return group.first[kRightSide] == kNoRow && group.weight[kRightSide] == 0;
  }

  // The first row of the table with the key of that row of the batch.
  RowId first_of(size_t row) const {
    if (row >= batch_.rows() || groups_[row] == nullptr) return kNoRow;
    return reinterpret_cast<const JoinGroup*>(groups_[row])->first[kRightSide];
  }

  // Collects candidates, each as often as it is in the table; false when there are no more.
  bool collect() {
    pairs_.clear();
    while (next_row_ < batch_.rows()) {
      if (next_ == kNoRow) {
        next_ = first_of(++next_row_);
        continue;
      }
      for (; repetitions_ < table_.count(next_); ++repetitions_) {
        if (pairs_.size() == kBatchRowsMax) return true;
        pairs_.add(static_cast<uint16_t>(next_row_), next_);
      }
      next_ = table_.next(next_);
      repetitions_ = 0;
    }
    return pairs_.size() > 0;
  }

  void finish_batch(Output& out) {
    columnar::Selection unmatched;
    for (size_t row = 0; row < batch_.rows(); ++row) {
      if (matched_[row] == 0) unmatched.push_back(static_cast<uint16_t>(row));
    }
    if (options_.kind == JoinKind::kLeft && !unmatched.empty()) {
      out.emit(layout_.alone(kLeftSide, batch_.take(unmatched)));
    }
    batch_ = ChangeBatch();
  }

  const LookupJoinOptions options_;
  const JoinLayout layout_;
  state::GroupTable groups_by_key_;  // of JoinGroup
  JoinSide table_;

  // The batch of the left input at hand: while it has rows, not all of them have been looked up.
  ChangeBatch batch_;
  std::vector<std::byte*> groups_;
  std::vector<uint8_t> matched_;  // per row
  size_t next_row_ = 0;
  RowId next_ = kNoRow;      // its next candidate
  int32_t repetitions_ = 0;  // of that one, taken already
  Pairs pairs_;
};

}  // namespace

std::unique_ptr<Operator> make_lookup_join(LookupJoinOptions options) {
  return std::make_unique<LookupJoin>(std::move(options));
}

}  // namespace penstock::exec
