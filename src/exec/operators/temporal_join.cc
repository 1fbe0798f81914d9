#include "exec/operators/temporal_join.h"

#include <absl/container/btree_map.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/partition_table.h"
#include "exec/operators/timed_side.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using state::kNoRow;
using state::RowId;

// Batches of rows, or as many versions, that one call at a watermark looks at.
constexpr size_t kBatchesPerCall = 16;

// What is kept of a key.
struct VersionedGroup {
  using Versions = absl::btree_map<int64_t, RowId, std::less<int64_t>, StateAllocator<std::pair<const int64_t, RowId>>>;
  Versions versions;   // by their times
  size_t waiting = 0;  // rows of the left input
};

JoinLayout::Options layout_options(const TemporalJoinOptions& options) {
  JoinLayout::Options layout = JoinLayout::options_of(options);
  layout.also_stored[kLeftSide] = {options.times[kLeftSide]};
  return layout;
}

class TemporalJoin : public Operator {
 public:
  explicit TemporalJoin(TemporalJoinOptions options)
      : options_(std::move(options)),
        layout_(layout_options(options_)),
        groups_(key_types(options_.inputs[kLeftSide])),
        rows_(layout_.stored_types(kLeftSide), sizeof(Header)),
        versions_(layout_.stored_types(kRightSide), 0) {}

  Status process(int port, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "the rows of a temporal join are only inserts");
    const Side side = port == 0 ? kLeftSide : kRightSide;
    const ChangeBatch batch = with_values(side, all, out);
    if (batch.empty()) return {};
    const std::vector<std::byte*>& groups = groups_.find(batch, options_.inputs[side].keys);
    if (side == kLeftSide) return take_rows(batch, groups, out);
    add_versions(batch, groups);
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    for (size_t batches = 0; !due_.empty() && due_.top().time <= watermark.value(); ++batches) {
      if (batches == kBatchesPerCall) return Progress::kMore;
      PENSTOCK_TRY(emit_due(out));
    }
    // Only now: the rows that were due have asked for these.
    for (size_t count = 0; !passing_.empty() && passing_.top().first <= watermark.value(); passing_.pop()) {
      if (count++ == kBatchesPerCall * kBatchRowsMax) return Progress::kMore;
      forget_versions(passing_.top().second);
    }
    return Progress::kDone;
  }

 private:
  // In front of every row that waits.
  struct Header {
    std::byte* group;
  };
  using Groups = PartitionTable<VersionedGroup>;

  // The rows that have keys and a time; the others come out at once or never.
  ChangeBatch with_values(Side side, const ChangeBatch& batch, Output& out) const {
    const std::vector<int> columns =
        columns_with_null(batch, options_.inputs[side].keys, options_.nulls_match, options_.times[side]);
    const bool comes_out = side == kLeftSide && options_.kind == JoinKind::kLeft;
    return layout_.take_with_values(side, batch, columns, comes_out ? &out : nullptr);
  }

  std::span<const int64_t> times_of(Side side, const ChangeBatch& batch) const {
    return batch.column(static_cast<size_t>(options_.times[side]))->values<int64_t>();
  }

  // --- versions ---

  void add_versions(const ChangeBatch& batch, const std::vector<std::byte*>& groups) {
    const std::span<const int64_t> times = times_of(kRightSide, batch);
    versions_.load(layout_.stored_values(kRightSide, batch), batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      const auto [version, added] = Groups::at(groups[row]).versions.try_emplace(times[row], kNoRow);
      if (!added) versions_.erase(version->second);
      version->second = versions_.insert(row);
      if (times[row] <= watermark_.value()) {
        forget_versions(groups[row]);
      } else if (added) {
        passing_.push({times[row], groups[row]});
      }
    }
  }

  // Drops the versions before the one that counts at the watermark. A key that has had a version keeps one for ever.
  void forget_versions(std::byte* group) {
    VersionedGroup::Versions& versions = Groups::at(group).versions;
    auto last = versions.upper_bound(watermark_.value());
    if (last != versions.begin()) --last;
    for (auto version = versions.begin(); version != last; ++version) versions_.erase(version->second);
    versions.erase(versions.begin(), last);
  }

  static RowId version_at(const VersionedGroup& group, int64_t time) {
    const auto after = group.versions.upper_bound(time);
    return after == group.versions.begin() ? kNoRow : std::prev(after)->second;
  }

  // --- rows ---

  Status take_rows(const ChangeBatch& batch, const std::vector<std::byte*>& groups, Output& out) {
    const std::span<const int64_t> times = times_of(kLeftSide, batch);
    rows_.load(layout_.stored_values(kLeftSide, batch), batch.rows());
    columnar::Selection late;
    std::vector<std::byte*> late_groups;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (times[row] <= watermark_.value()) {
        late.push_back(static_cast<uint16_t>(row));
        late_groups.push_back(groups[row]);
        continue;
      }
      const RowId stored = rows_.insert(row);
      reinterpret_cast<Header*>(rows_.header(stored))->group = groups[row];
      ++Groups::at(groups[row]).waiting;
      due_.push({times[row], stored});
    }
    return late.empty() ? Status() : emit(batch.take(late), late_groups, out);
  }

  // Emits a batch of rows that the watermark has reached.
  Status emit_due(Output& out) {
    std::vector<RowId> rows;
    std::vector<std::byte*> groups;
    for (; !due_.empty() && due_.top().time <= watermark_.value() && rows.size() < kBatchRowsMax; due_.pop()) {
      rows.push_back(due_.top().row);
      groups.push_back(reinterpret_cast<Header*>(rows_.header(rows.back()))->group);
      --Groups::at(groups.back()).waiting;
    }
    PENSTOCK_TRY(emit(stored_batch(rows), groups, out));
    for (const RowId row : rows) rows_.erase(row);
    return {};
  }

  // The stored rows as a batch of the input; columns that nobody uses are NULL.
  ChangeBatch stored_batch(const std::vector<RowId>& rows) const {
    const std::vector<types::DataType>& types = options_.inputs[kLeftSide].types;
    const std::vector<int>& stored = layout_.stored_columns(kLeftSide);
    std::vector<ColumnPtr> columns;
    for (size_t column = 0; column < types.size(); ++column) {
      const auto place = std::ranges::lower_bound(stored, static_cast<int>(column));
      const bool is_stored = place != stored.end() && *place == static_cast<int>(column);
      columns.push_back(is_stored ? rows_.gather(static_cast<size_t>(place - stored.begin()), rows)
                                  : columnar::Column::constant(types[column], types::Value(), rows.size()));
    }
    return {rows.size(), std::move(columns)};
  }

  // Emits rows with their versions, and lets go of groups in which nothing is kept.
  Status emit(const ChangeBatch& batch, std::vector<std::byte*>& groups, Output& out) {
    const std::span<const int64_t> times = times_of(kLeftSide, batch);
    Pairs pairs;
    std::vector<uint8_t> matched(batch.rows(), 0);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const RowId version = version_at(Groups::at(groups[row]), times[row]);
      if (version != kNoRow) pairs.add(static_cast<uint16_t>(row), version);
    }
    if (layout_.has_condition() && pairs.size() > 0) {
      pairs.keep(PENSTOCK_TRY(layout_.select(kLeftSide, batch, versions_, pairs)));
    }
    for (const uint16_t row : pairs.batch_rows) matched[row] = 1;
    if (pairs.size() > 0) out.emit(ChangeBatch(pairs.size(), layout_.join(kLeftSide, batch, versions_, pairs)));
    if (options_.kind == JoinKind::kLeft && pairs.size() < batch.rows()) {
      columnar::Selection alone;
      for (size_t row = 0; row < batch.rows(); ++row) {
        if (matched[row] == 0) alone.push_back(static_cast<uint16_t>(row));
      }
      out.emit(layout_.alone(kLeftSide, batch.take(alone)));
    }
    std::ranges::sort(groups);
    const auto repeated = std::ranges::unique(groups);
    groups.erase(repeated.begin(), repeated.end());
    for (std::byte* group : groups) {
      if (Groups::at(group).waiting == 0 && Groups::at(group).versions.empty()) groups_.erase(group);
    }
    return {};
  }

  const TemporalJoinOptions options_;
  const JoinLayout layout_;
  Groups groups_;
  state::RowStore rows_;      // of the left input, that wait
  state::RowStore versions_;  // of the right input
  TimedQueue due_;
  // Keys that have a version of that time: when the watermark has reached it, earlier ones can go.
  using Passing = std::pair<int64_t, std::byte*>;
  std::priority_queue<Passing, StateVector<Passing>, std::greater<>> passing_;
  EventTime watermark_ = kMinEventTime;
};

}  // namespace

std::unique_ptr<Operator> make_temporal_join(TemporalJoinOptions options) {
  return std::make_unique<TemporalJoin>(std::move(options));
}

}  // namespace penstock::exec
