#include "exec/operators/aggregate.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/state_memory.h"
#include "columnar/row_key.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::RowOp;

// In front of the accumulators of each group.
struct GroupState {
  int64_t rows;      // the weights of its rows, summed
  uint32_t updated;  // when, where that is kept; see IdleGroups
  uint8_t touched;   // 1: it is in touched_
  uint8_t emitted;   // 1: downstream has a row of it
};

GroupState& state_of(std::byte* group) { return *reinterpret_cast<GroupState*>(group); }

class Aggregate : public Operator {
 public:
  explicit Aggregate(AggregateOptions options)
      : options_(std::move(options)),
        accumulators_(options_.calls, sizeof(GroupState)),
        table_(options_.key_types, accumulators_.layout()),
        distinct_(accumulators_.make_distinct_tables()),
        // The one group that there is without keys stays.
        idle_(options_.keys.empty() ? StateTtl() : options_.ttl) {
    for (size_t i = 0; i < accumulators_.size(); ++i) old_results_.emplace_back(accumulators_.result_type(i));
    if (!options_.keys.empty()) return;
    table_.find_or_insert({}, 1, groups_);
    touch();
  }

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    table_.find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
    if (idle_.on()) forget_idle(batch);
    touch();
    if (idle_.on()) return add_known(batch);
    for (size_t row = 0; row < batch.rows(); ++row) state_of(groups_[row]).rows += batch.weight(row);
    accumulators_.update(groups_, batch, distinct_);
    return {};
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (old_columns_.empty()) {
      for (ColumnBuilder& builder : old_results_) old_columns_.push_back(builder.finish());
    }
    const size_t end = std::min(next_touched_ + kGroupsPerCall, touched_.size());
    emit_changes(next_touched_, end, out);
    next_touched_ = end;
    if (next_touched_ < touched_.size()) return Progress::kMore;
    forget_touched();
    idle_.sweep(table_, [this](std::byte* group) {
      if (idle_.is_idle(state_of(group).updated)) forget(group);
    });
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(table_); }

 private:
  // Two rows each at most, and a batch must hold them.
  static constexpr size_t kGroupsPerCall = columnar::kBatchRowsMax / 2;

  // Remembers which groups change in this epoch, with what downstream has of them.
  void touch() {
    const size_t first = touched_.size();
    for (std::byte* group : groups_) {
      GroupState& state = state_of(group);
      if (state.touched != 0) continue;
      state.touched = 1;
      touched_.push_back(group);
    }
    accumulators_.append_results(std::span(touched_).subspan(first), old_results_);
    size_t old_bytes = 0;
    for (const ColumnBuilder& builder : old_results_) old_bytes += builder.bytes();
    old_bytes_.set(old_bytes);
  }

  bool present(std::byte* group) const { return options_.keys.empty() || state_of(group).rows > 0; }

  void emit_changes(size_t begin, size_t end, Output& out) {
    const std::span<std::byte* const> groups = std::span(touched_).subspan(begin, end - begin);
    std::vector<ColumnBuilder> key_builders(options_.key_types.begin(), options_.key_types.end());
    table_.append_keys(groups, key_builders);
    std::vector<ColumnPtr> keys;
    for (ColumnBuilder& builder : key_builders) keys.push_back(builder.finish());
    std::vector<ColumnBuilder> result_builders;
    for (size_t i = 0; i < accumulators_.size(); ++i) result_builders.emplace_back(accumulators_.result_type(i));
    accumulators_.append_results(groups, result_builders);
    std::vector<ColumnPtr> results;
    for (ColumnBuilder& builder : result_builders) results.push_back(builder.finish());

    std::vector<types::DataType> types = options_.key_types;
    for (size_t i = 0; i < accumulators_.size(); ++i) types.push_back(accumulators_.result_type(i));
    columnar::BatchBuilder rows(types);
    const auto add = [&](size_t i, std::span<const ColumnPtr> from, size_t row, RowOp op) {
      for (size_t c = 0; c < keys.size(); ++c) rows.column(c).append_from(*keys[c], i);
      for (size_t c = 0; c < from.size(); ++c) rows.column(keys.size() + c).append_from(*from[c], row);
      rows.end_row(op);
    };
    for (size_t i = 0; i < groups.size(); ++i) {
      GroupState& state = state_of(groups[i]);
      const bool was = state.emitted != 0;
      const bool is = present(groups[i]);
      state.emitted = is ? 1 : 0;
      state.touched = 0;
      if (was && is && same_results(results, i, begin + i)) continue;
      if (was) add(i, old_columns_, begin + i, is ? RowOp::kUpdateBefore : RowOp::kDelete);
      if (is) add(i, results, i, was ? RowOp::kUpdateAfter : RowOp::kInsert);
      if (!is) forget(groups[i]);
    }
    if (rows.rows() > 0) out.emit(rows.finish());
  }

  void forget(std::byte* group) {
    accumulators_.forget(group, distinct_);
    table_.erase(group);
  }

  // Forgets groups of the batch at hand that have outlived their time.
  void forget_idle(const ChangeBatch& batch) {
    const auto outlived = [this](std::byte* group) {
      const GroupState& state = state_of(group);
      return state.emitted != 0 && state.touched == 0 && idle_.is_idle(state.updated);
    };
    const bool any = idle_.forget(groups_, outlived, [this](std::byte* group) { forget(group); });
    if (any) table_.find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
  }

  // Adds the rows, but for deletions of rows that groups had before they were forgotten.
  Status add_known(const ChangeBatch& batch) {
    columnar::Selection known;
    for (size_t row = 0; row < batch.rows(); ++row) {
      GroupState& state = state_of(groups_[row]);
      const int weight = batch.weight(row);
      if (weight < 0 && state.rows <= 0) continue;
      state.rows += weight;
      state.updated = idle_.now();
      groups_[known.size()] = groups_[row];
      known.push_back(static_cast<uint16_t>(row));
    }
    groups_.resize(known.size());
    if (known.empty()) return {};
    accumulators_.update(groups_, known.size() == batch.rows() ? batch : batch.take(known), distinct_);
    return {};
  }

  bool same_results(std::span<const ColumnPtr> results, size_t row, size_t old_row) {
    new_key_.clear();
    old_key_.clear();
    columnar::append_key(new_key_, results, row);
    columnar::append_key(old_key_, old_columns_, old_row);
    return new_key_ == old_key_;
  }

  void forget_touched() {
    touched_.clear();
    old_columns_.clear();
    old_bytes_.set(0);
    next_touched_ = 0;
  }

  const AggregateOptions options_;
  Accumulators accumulators_;
  state::GroupTable table_;
  DistinctTables distinct_;
  IdleGroups idle_;
  std::vector<std::byte*> groups_;  // of the batch at hand
  // The groups that this epoch has touched, and the results that they had before it.
  StateVector<std::byte*> touched_;
  std::vector<ColumnBuilder> old_results_;
  std::vector<ColumnPtr> old_columns_;  // old_results_, once the barrier has come
  StateBytes old_bytes_;                // of these
  size_t next_touched_ = 0;
  std::string new_key_;
  std::string old_key_;
};

}  // namespace

std::unique_ptr<Operator> make_aggregate(AggregateOptions options) {
  return std::make_unique<Aggregate>(std::move(options));
}

}  // namespace penstock::exec
