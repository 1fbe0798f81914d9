#include "exec/operators/temporal_join.h"

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/add_saturating.h"
#include "exec/operators/due_rows.h"
#include "exec/operators/partition_table.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using state::kNoRow;
using state::RowId;

// Batches of rows, or as many keys, that one call at a watermark looks at.
constexpr size_t kBatchesPerCall = 16;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// What is kept of a key.
struct VersionedGroup {
  using Versions = absl::btree_map<int64_t, RowId, std::less<int64_t>, StateAllocator<std::pair<const int64_t, RowId>>>;
  using Waiting = absl::btree_set<TimedRow, std::less<TimedRow>, StateAllocator<TimedRow>>;
  Versions versions;                // by their times; kNoRow: from then on there is none
  Waiting waiting;                  // rows of the left input
  std::optional<int64_t> due_time;  // when the watermark has something to do with it

  bool empty() const { return versions.empty() && waiting.empty(); }
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
        rows_(layout_.stored_types(kLeftSide), 0),
        versions_(layout_.stored_types(kRightSide), 0) {}

  Status process(int port, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "the rows of a temporal join are only inserts");
    const Side side = port == 0 ? kLeftSide : kRightSide;
    const ChangeBatch batch = with_keys(side, all, out);
    if (batch.empty()) return {};
    std::vector<std::byte*> groups = groups_.find(batch, options_.inputs[side].keys);
    if (side == kLeftSide) {
      PENSTOCK_TRY(take_rows(batch, groups, out));
    } else {
      add_versions(batch, groups);
    }
    settle(groups);
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    for (size_t batches = 0; batches < kBatchesPerCall; ++batches) {
      if (!PENSTOCK_TRY(emit_due(out))) return Progress::kDone;
    }
    return Progress::kMore;
  }

  // Rows that wait for a later version, which may be so much later.
  EventTime output_watermark(EventTime watermark) const override {
    const bool ends = watermark == kMinEventTime || watermark == kMaxEventTime;
    if (ends || !options_.first_counts || !options_.upper_us) return watermark;
    return EventTime{add_saturating(watermark.value(), -*options_.upper_us)};
  }
  bool passes_watermarks() const override { return false; }

 private:
  using Groups = PartitionTable<VersionedGroup>;

  // The rows that have keys, and on the left a time; the others come out at once or never.
  ChangeBatch with_keys(Side side, const ChangeBatch& batch, Output& out) const {
    const std::optional<int> time = side == kLeftSide ? std::optional(options_.times[side]) : std::nullopt;
    const std::vector<int> columns = columns_with_null(batch, options_.inputs[side].keys, options_.nulls_match, time);
    const bool comes_out = side == kLeftSide && options_.kind == JoinKind::kLeft;
    return layout_.take_with_values(side, batch, columns, comes_out ? &out : nullptr);
  }

  const columnar::Column& times_of(Side side, const ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(options_.times[side]));
  }

  // --- versions ---

  void add_versions(const ChangeBatch& batch, const std::vector<std::byte*>& groups) {
    const columnar::Column& times = times_of(kRightSide, batch);
    const columnar::Column* gone = options_.gone < 0 ? nullptr : batch.column(static_cast<size_t>(options_.gone)).get();
    versions_.load(layout_.stored_values(kRightSide, batch), batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      VersionedGroup& group = Groups::at(groups[row]);
      VersionedGroup::Versions& versions = group.versions;
      const bool is_gone = gone != nullptr && gone->values<uint8_t>()[row] != 0;
      if (!times.is_null(row)) {
        set_version(versions[times.values<int64_t>()[row]], is_gone ? kNoRow : versions_.insert(row));
      } else if (is_gone && !versions.empty()) {
        set_version(versions.rbegin()->second, kNoRow);
      }
      forget_versions(group);  // now, so that it does not matter which rows come in one batch
    }
  }

  // A version that is new in the map is kNoRow.
  void set_version(RowId& version, RowId row) {
    if (version != kNoRow) versions_.erase(version);
    version = row;
  }

  // The version that counts for a row of that time, of those that are there.
  RowId version_at(const VersionedGroup& group, int64_t time) const {
    const int64_t first =
        options_.lower_us ? add_saturating(time, *options_.lower_us) : std::numeric_limits<int64_t>::min();
    const int64_t last = options_.upper_us ? add_saturating(time, *options_.upper_us) : kNever;
    if (options_.first_counts) {
      const auto version = group.versions.lower_bound(first);
      return version == group.versions.end() || version->first > last ? kNoRow : version->second;
    }
    const auto after = group.versions.upper_bound(last);
    if (after == group.versions.begin() || std::prev(after)->first < first) return kNoRow;
    return std::prev(after)->second;
  }

  // The watermark at which no row that is not late can meet the first version any more: another one counts, or it is
  // too far away.
  int64_t time_to_forget(const VersionedGroup::Versions& versions) const {
    const auto first = versions.begin();
    if (options_.first_counts) return first->first;
    int64_t time = options_.lower_us ? add_saturating(first->first, -*options_.lower_us) : kNever;
    const auto second = std::next(first);
    if (first->second == kNoRow) time = std::min(time, add_saturating(first->first, -*options_.upper_us));
    if (second != versions.end()) time = std::min(time, add_saturating(second->first, -*options_.upper_us));
    return time;
  }

  // Forgets versions that no row will meet any more.
  void forget_versions(VersionedGroup& group) {
    // Rows that are to leave in the next batch have not met theirs.
    while (!group.versions.empty() && !has_leaving(group) && time_to_forget(group.versions) <= watermark_.value()) {
      set_version(group.versions.begin()->second, kNoRow);
      group.versions.erase(group.versions.begin());
    }
  }

  // --- rows ---

  // The watermark at which it is known which version counts for a row of that time.
  int64_t time_to_leave(const VersionedGroup& group, int64_t time) const {
    const int64_t last = options_.upper_us ? add_saturating(time, *options_.upper_us) : kNever;
    if (!options_.first_counts) return last;
    const auto version = group.versions.lower_bound(add_saturating(time, *options_.lower_us));
    return version == group.versions.end() ? last : std::min(last, version->first);
  }

  Status take_rows(const ChangeBatch& batch, const std::vector<std::byte*>& groups, Output& out) {
    const columnar::Column& times = times_of(kLeftSide, batch);
    rows_.load(layout_.stored_values(kLeftSide, batch), batch.rows());
    columnar::Selection leaving;
    std::vector<std::byte*> their_groups;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t time = times.values<int64_t>()[row];
      VersionedGroup& group = Groups::at(groups[row]);
      if (time_to_leave(group, time) <= watermark_.value()) {
        leaving.push_back(static_cast<uint16_t>(row));
        their_groups.push_back(groups[row]);
      } else {
        group.waiting.insert({time, rows_.insert(row)});
      }
    }
    return leaving.empty() ? Status() : emit(batch.take(leaving), their_groups, out);
  }

  // Emits about a batch of rows of which it is known; false when there are no more.
  Result<bool> emit_due(Output& out) {
    std::vector<RowId> rows;
    std::vector<std::byte*> groups;   // of the rows
    std::vector<std::byte*> touched;  // each once
    while (rows.size() < kBatchRowsMax && touched.size() < kBatchRowsMax) {
      std::byte* const address = due_.take_first(watermark_.value());
      if (address == nullptr) break;
      touched.push_back(address);
      VersionedGroup& group = Groups::at(address);
      while (rows.size() < kBatchRowsMax && has_leaving(group)) {
        rows.push_back(group.waiting.begin()->row);
        groups.push_back(address);
        group.waiting.erase(group.waiting.begin());
      }
    }
    if (!rows.empty()) PENSTOCK_TRY(emit(stored_batch(rows), groups, out));
    for (const RowId row : rows) rows_.erase(row);
    settle(touched);
    return !touched.empty();
  }

  bool has_leaving(const VersionedGroup& group) const {
    return !group.waiting.empty() && time_to_leave(group, group.waiting.begin()->time) <= watermark_.value();
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

  // Emits rows with their versions.
  Status emit(const ChangeBatch& batch, const std::vector<std::byte*>& groups, Output& out) const {
    const columnar::Column& times = times_of(kLeftSide, batch);
    Pairs pairs;
    std::vector<uint8_t> matched(batch.rows(), 0);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const RowId version = version_at(Groups::at(groups[row]), times.values<int64_t>()[row]);
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
    return {};
  }

  // Lets go of groups in which nothing is kept; notes of the others when they are next looked at.
  void settle(std::vector<std::byte*>& groups) {
    std::ranges::sort(groups);
    const auto repeated = std::ranges::unique(groups);
    groups.erase(repeated.begin(), repeated.end());
    for (std::byte* const address : groups) {
      VersionedGroup& group = Groups::at(address);
      forget_versions(group);
      std::optional<int64_t> due;
      if (!group.versions.empty()) due = time_to_forget(group.versions);
      if (!group.waiting.empty()) {
        const int64_t leaves = time_to_leave(group, group.waiting.begin()->time);
        due = std::min(due.value_or(leaves), leaves);
      }
      // What is kept for ever goes with the operator.
      if (group.waiting.empty() && due == kNever) due.reset();
      due_.move(address, group.due_time, due);
      if (group.empty()) groups_.erase(address);
    }
  }

  const TemporalJoinOptions options_;
  const JoinLayout layout_;
  Groups groups_;
  state::RowStore rows_;      // of the left input, that wait
  state::RowStore versions_;  // of the right input
  DuePartitions due_;
  EventTime watermark_ = kMinEventTime;
};

}  // namespace

std::unique_ptr<Operator> make_temporal_join(TemporalJoinOptions options) {
  return std::make_unique<TemporalJoin>(std::move(options));
}

}  // namespace penstock::exec
