#include "exec/operators/rank.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "columnar/row_key.h"
#include "exec/operators/partition_table.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

// An encoded row, shared by a partition's rows and what is known of them downstream.
using RowPtr = std::shared_ptr<const StateString>;

struct RankedRow {
  RowPtr row;
  int64_t rank = 0;
  auto operator<=>(const RankedRow&) const = default;
};

struct Partition {
  RowsInOrder<RowPtr> rows;
  int64_t orders = 0;                // different ones among the rows; kept where rows are trimmed
  uint32_t updated = 0;              // when, where that is kept; see IdleGroups
  std::optional<int64_t> closes_at;  // the last moment of its window
  bool touched = false;
  StateVector<RankedRow> emitted;  // what downstream has
};

class Rank : public Operator {
 public:
  explicit Rank(RankOptions options)
      : options_(std::move(options)),
        partitions_(options_.schema, options_.partition_by),
        emitted_(output_types()),
        idle_(options_.ttl) {}

  Status process(int /*port*/, const ChangeBatch& given, Output& /*out*/) override {
    const ChangeBatch batch = options_.window ? options_.window->open_rows(given, closed_) : given;
    if (batch.empty()) return {};
    const std::vector<std::byte*>& groups = partitions_.find(batch);
    if (idle_.on() && forget_idle(groups)) partitions_.find(batch);
    for (size_t row = 0; row < batch.rows(); ++row) {
      key_.clear();
      append_sort_key(key_, options_.order_by, batch, row);
      if (batch.weight(row) > 0) {
        add(groups[row], batch, row);
      } else {
        PENSTOCK_TRY(remove(groups[row], batch, row));
      }
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = watermark;
    return Progress::kDone;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    const size_t end = std::min(touched_.size(), next_touched_ + kPartitionsPerCall);
    for (; next_touched_ < end && pending_.size() < kPendingMax; ++next_touched_) compare(touched_[next_touched_]);
    emit_pending(out);
    if (next_touched_ < touched_.size() || !pending_.empty()) return Progress::kMore;
    touched_.clear();
    next_touched_ = 0;
    idle_.sweep(partitions_.table(), [this](std::byte* group) {
      if (idle_.is_idle(partitions_.at(group).updated)) forget(group);
    });
    if (forget_closed()) return Progress::kMore;
    closed_ = watermark_;
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(partitions_.table()); }

 private:
  static constexpr size_t kPartitionsPerCall = 1024;
  // Changes that are collected before they are emitted, a batch at a time.
  static constexpr size_t kPendingMax = columnar::kBatchRowsMax;

  struct Change {
    RankedRow row;
    RowOp op;
  };

  std::vector<types::DataType> output_types() const {
    std::vector<types::DataType> types = types_of(options_.schema);
    if (options_.with_rank) types.emplace_back(types::TypeKind::kBigInt);
    return types;
  }

  bool trims() const { return options_.input_append_only && options_.last.has_value(); }

  void touch(std::byte* group) {
    Partition& partition = partitions_.at(group);
    partition.updated = idle_.now();
    if (partition.touched) return;
    partition.touched = true;
    touched_.push_back(group);
  }

  void forget(std::byte* group) {
    due_.move(group, partitions_.at(group).closes_at, std::nullopt);
    partitions_.erase(group);
  }

  // Forgets partitions whose windows are closed; true when there are more.
  bool forget_closed() {
    for (size_t count = 0; count < kPartitionsPerCall; ++count) {
      std::byte* const group = due_.take_first(watermark_.value());
      if (group == nullptr) return false;
      partitions_.erase(group);
    }
    return true;
  }

  // Forgets partitions of the batch at hand that have outlived their time; false when there are none.
  bool forget_idle(const std::vector<std::byte*>& groups) {
    idle_.read_clock();
    const std::span<std::byte* const> outlived = idle_.pick(groups, [this](std::byte* group) {
      const Partition& partition = partitions_.at(group);
      return !partition.rows.empty() && !partition.touched && idle_.is_idle(partition.updated);
    });
    for (std::byte* group : outlived) forget(group);
    return !outlived.empty();
  }

  void add(std::byte* group, const ChangeBatch& batch, size_t row) {
    Partition& partition = partitions_.at(group);
    if (options_.window && !partition.closes_at) {
      due_.move(group, partition.closes_at, options_.window->last_moment(options_.window->times(batch), row));
    }
    // Most rows of a stream are no match for the first ones: they cost a comparison.
    const bool full =
        trims() && !partition.rows.empty() && static_cast<int64_t>(partition.rows.size()) >= *options_.last;
    if (full && beyond(partition, key_)) return;
    append_arrival(key_, options_.last_first ? ~arrivals_++ : arrivals_++);
    row_.clear();
    columnar::append_key(row_, batch.columns(), row);
    const auto added =
        partition.rows.emplace(key_, std::allocate_shared<const StateString>(StateAllocator<StateString>(), row_))
            .first;
    if (trims() && alone(partition, added)) ++partition.orders;
    touch(group);
    if (full) trim(partition);
  }

  // Whether a row with this order, which comes last among equal ones, would have a rank beyond `last`.
  bool beyond(const Partition& partition, std::string_view order) const {
    const std::string_view worst = order_of(partition.rows.rbegin()->first);
    if (order < worst) return false;
    if (order > worst) return options_.function != RankFunction::kDenseRank || partition.orders >= *options_.last;
    return options_.function == RankFunction::kRowNumber;  // equal rows have equal ranks in the other two
  }

  // Forgets rows at the end whose rank is beyond `last`.
  void trim(Partition& partition) const {
    while (static_cast<int64_t>(partition.rows.size()) > *options_.last) {
      const auto worst = std::prev(partition.rows.end());
      if (rank_of_last(partition) <= *options_.last) return;
      if (alone(partition, worst)) --partition.orders;
      partition.rows.erase(worst);
    }
  }

  // Whether no other row has the order of this one.
  static bool alone(const Partition& partition, RowsInOrder<RowPtr>::const_iterator row) {
    const std::string_view order = order_of(row->first);
    if (row != partition.rows.begin() && order_of(std::prev(row)->first) == order) return false;
    const auto next = std::next(row);
    return next == partition.rows.end() || order_of(next->first) != order;
  }

  int64_t rank_of_last(const Partition& partition) const {
    if (options_.function == RankFunction::kRowNumber) return static_cast<int64_t>(partition.rows.size());
    if (options_.function == RankFunction::kDenseRank) return partition.orders;
    int64_t rank = 0;
    for_each_rank(partition, [&](const RowPtr&, int64_t at) {
      rank = at;
      return true;
    });
    return rank;
  }

  Status remove(std::byte* group, const ChangeBatch& batch, size_t row) {
    Partition& partition = partitions_.at(group);
    row_.clear();
    columnar::append_key(row_, batch.columns(), row);
    const auto found =
        find_last_row(partition.rows, key_, [&](const RowPtr& known) { return std::string_view(*known) == row_; });
    if (found == partition.rows.end()) {
      if (!idle_.on()) return make_error(ErrorCode::kInternal, "a row is deleted that is not there");
      if (partition.rows.empty()) touch(group);  // it was forgotten, and goes again at the barrier
      return {};
    }
    partition.rows.erase(found);
    touch(group);
    return {};
  }

  // Calls `visit` with each row and its rank, until it returns false.
  template <class Visit>
  void for_each_rank(const Partition& partition, const Visit& visit) const {
    int64_t number = 0;
    int64_t rank = 0;
    std::string_view before;
    for (const auto& [key, row] : partition.rows) {
      const bool differs = ++number == 1 || order_of(key) != before;
      before = order_of(key);
      switch (options_.function) {
        case RankFunction::kRowNumber: rank = number; break;
        case RankFunction::kRank: rank = differs ? number : rank; break;
        case RankFunction::kDenseRank: rank += differs ? 1 : 0; break;
      }
      if (!visit(row, rank)) return;
    }
  }

  // Adds to pending_ what has changed in a partition since the last barrier.
  void compare(std::byte* group) {
    Partition& partition = partitions_.at(group);
    StateVector<RankedRow> now;
    for_each_rank(partition, [&](const RowPtr& row, int64_t rank) {
      if (options_.last && rank > *options_.last) return false;
      if (rank >= options_.first) now.push_back({row, options_.with_rank ? rank : 0});
      return true;
    });
    const auto add_missing = [&](const StateVector<RankedRow>& from, StateVector<RankedRow> in, RowOp op) {
      std::ranges::sort(in);
      for (const RankedRow& row : from) {
        if (!std::ranges::binary_search(in, row)) pending_.push_back({row, op});
      }
    };
    add_missing(partition.emitted, now, RowOp::kDelete);
    add_missing(now, partition.emitted, RowOp::kInsert);
    partition.emitted = std::move(now);
    partition.touched = false;
    if (partition.rows.empty()) forget(group);
  }

  void emit_pending(Output& out) {
    for (const Change& change : pending_) {
      std::string_view bytes = *change.row.row;
      columnar::decode_key(bytes, std::span(&emitted_.column(0), options_.schema.size()));
      if (options_.with_rank) emitted_.column(options_.schema.size()).append_int64(change.row.rank);
      emitted_.end_row(change.op);
      if (emitted_.full()) out.emit(emitted_.finish());
    }
    if (emitted_.rows() > 0) out.emit(emitted_.finish());
    pending_.clear();
  }

  const RankOptions options_;
  PartitionTable<Partition> partitions_;
  DuePartitions due_;  // by when their windows close
  EventTime watermark_ = kMinEventTime;
  EventTime closed_ = kMinEventTime;  // windows up to it are
  uint64_t arrivals_ = 0;
  std::string key_;  // of the row at hand
  std::string row_;
  StateVector<std::byte*> touched_;
  size_t next_touched_ = 0;
  std::vector<Change> pending_;
  columnar::BatchBuilder emitted_;
  IdleGroups idle_;
};

}  // namespace

std::unique_ptr<Operator> make_rank(RankOptions options) { return std::make_unique<Rank>(std::move(options)); }

}  // namespace penstock::exec
