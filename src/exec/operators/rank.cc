#include "exec/operators/rank.h"

#include <absl/container/btree_set.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "exec/operators/partition_table.h"
#include "state/group_table.h"
#include "state/row_store.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::RowOp;
using state::kNoRow;
using state::RowId;

// In front of every stored row.
struct Header {
  uint64_t arrival;  // orders rows whose sort keys are equal
  int64_t told;      // its rank downstream; 0: it is not there
  RowId next_gone;   // of rows that are no longer in the partition, but downstream
};

// The rows of all partitions: the columns of the input, then the sort key.
class RankedRows {
 public:
  explicit RankedRows(const types::Schema& schema)
      : columns_(schema.size()), store_(with_key(types_of(schema)), sizeof(Header)) {}

  state::RowStore& store() { return store_; }
  size_t columns() const { return columns_; }
  std::string_view key(RowId row) const { return store_.text(columns_, row); }
  Header& header(RowId row) const { return *reinterpret_cast<Header*>(store_.header(row)); }

 private:
  static std::vector<types::DataType> with_key(std::vector<types::DataType> types) {
    types.emplace_back(types::TypeKind::kBytes);
    return types;
  }

  const size_t columns_;
  state::RowStore store_;
};

// A row in its partition.
struct Place {
  uint64_t prefix = 0;  // of its sort key
  RowId row = kNoRow;
};

// Behind all rows with a sort key.
struct BehindKey {
  uint64_t prefix = 0;
  std::string_view key;
};

struct PlaceLess {
  using is_transparent = void;
  const RankedRows* rows = nullptr;

  bool operator()(const Place& a, const Place& b) const {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    if (const int order = rows->key(a.row).compare(rows->key(b.row)); order != 0) return order < 0;
    return rows->header(a.row).arrival < rows->header(b.row).arrival;
  }
  bool operator()(const BehindKey& a, const Place& b) const {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.key < rows->key(b.row);
  }
  bool operator()(const Place& a, const BehindKey& b) const { return !(*this)(b, a); }
};

using Places = absl::btree_set<Place, PlaceLess, StateAllocator<Place>>;

// The payload of its GroupTable.
struct Partition {
  Places places;
  std::optional<int64_t> closes_at;  // the last moment of its window
  int64_t orders = 0;                // different ones among the rows; kept where rows are trimmed
  uint32_t updated = 0;              // when, where that is kept; see IdleGroups
  uint32_t told = 0;                 // rows that are downstream
  RowId gone = kNoRow;               // the first of those that are not in the partition any more
  bool touched = false;

  static Partition& at(std::byte* group) { return *reinterpret_cast<Partition*>(group); }
  static state::PayloadLayout layout(RankedRows& rows) {
    return {.bytes = sizeof(Partition),
            .init =
                [](void* all_rows, std::byte* group) {
                  new (group) Partition{.places = Places(PlaceLess{static_cast<RankedRows*>(all_rows)})};
                },
            .destroy = [](void*, std::byte* group) { std::destroy_at(&at(group)); },
            .context = &rows};
  }
};

class Rank : public Operator {
 public:
  explicit Rank(RankOptions options)
      : options_(std::move(options)),
        rows_(options_.schema),
        partitions_(types_of(options_.schema, options_.partition_by), Partition::layout(rows_)),
        idle_(options_.ttl) {}

  Status process(int /*port*/, const ChangeBatch& given, Output& /*out*/) override {
    const ChangeBatch batch = options_.window ? options_.window->open_rows(given, closed()) : given;
    if (batch.empty()) return {};
    find_partitions(batch);
    if (idle_.on() && forget_idle()) find_partitions(batch);
    const ColumnPtr keys = load(batch);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const std::string_view key = keys->values<columnar::StringCell>()[row].view();
      if (batch.weight(row) > 0) {
        add(batch, row, key);
      } else {
        PENSTOCK_TRY(remove(row, key));
      }
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = options_.window ? options_.window->passed_with(watermark) : watermark;
    return Progress::kDone;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    const size_t end = std::min(touched_.size(), next_touched_ + kPartitionsPerCall);
    for (; next_touched_ < end && pending_.size() < kPendingMax; ++next_touched_) compare(touched_[next_touched_]);
    emit_pending(out);
    if (next_touched_ < touched_.size()) return Progress::kMore;
    touched_.clear();
    next_touched_ = 0;
    idle_.sweep(partitions_, [this](std::byte* group) {
      if (idle_.is_idle(Partition::at(group).updated)) forget(group);
    });
    if (forget_closed()) return Progress::kMore;
    closed_ = watermark_;
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(partitions_); }

 private:
  static constexpr size_t kPartitionsPerCall = 1024;
  // Changes that are collected before they are emitted, a batch at a time.
  static constexpr size_t kPendingMax = columnar::kBatchRowsMax;

  struct Change {
    RowId row;
    int64_t rank;
    RowOp op;
  };

  // Windows up to it are closed.
  EventTime closed() const { return options_.input_append_only ? watermark_ : closed_; }

  bool trims() const { return options_.input_append_only && options_.last.has_value(); }

  void find_partitions(const ChangeBatch& batch) {
    partitions_.find_or_insert(batch.columns_at(options_.partition_by), batch.rows(), groups_);
  }

  // Packs the rows of a batch for the store; their sort keys.
  ColumnPtr load(const ChangeBatch& batch) {
    columnar::ColumnBuilder keys(types::TypeKind::kBytes, batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      key_.clear();
      append_sort_key(key_, options_.order_by, batch, row);
      keys.append_string(key_);
    }
    std::vector<ColumnPtr> columns = batch.columns();
    columns.push_back(keys.finish());
    rows_.store().load(columns, batch.rows());
    return columns.back();
  }

  void touch(std::byte* group) {
    Partition& partition = Partition::at(group);
    partition.updated = idle_.now();
    if (partition.touched) return;
    partition.touched = true;
    touched_.push_back(group);
  }

  // Nothing of it is to be told downstream.
  void forget(std::byte* group) {
    Partition& partition = Partition::at(group);
    due_.move(group, partition.closes_at, std::nullopt);
    erase(group);
  }
  void erase(std::byte* group) {
    for (const Place& place : Partition::at(group).places) rows_.store().erase(place.row);
    partitions_.erase(group);
  }

  // Forgets partitions whose windows are closed; true when there are more.
  bool forget_closed() {
    for (size_t count = 0; count < kPartitionsPerCall; ++count) {
      std::byte* const group = due_.take_first(watermark_.value());
      if (group == nullptr) return false;
      erase(group);
    }
    return true;
  }

  // Forgets partitions of the batch at hand that have outlived their time; false when there are none.
  bool forget_idle() {
    const auto outlived = [this](std::byte* group) {
      const Partition& partition = Partition::at(group);
      return !partition.places.empty() && !partition.touched && idle_.is_idle(partition.updated);
    };
    return idle_.forget(groups_, outlived, [this](std::byte* group) { forget(group); });
  }

  // --- rows come and go ---

  void add(const ChangeBatch& batch, size_t batch_row, std::string_view key) {
    std::byte* const group = groups_[batch_row];
    Partition& partition = Partition::at(group);
    if (options_.window && !partition.closes_at) {
      due_.move(group, partition.closes_at, options_.window->last_moment(options_.window->times(batch), batch_row));
    }
    // Most rows of a stream are no match for the first ones: they cost a comparison.
    const uint64_t prefix = sort_key_prefix(key);
    const bool full =
        trims() && !partition.places.empty() && static_cast<int64_t>(partition.places.size()) >= *options_.last;
    if (full && beyond(partition, prefix, key)) return;
    const RowId row = rows_.store().insert(batch_row);
    rows_.header(row).arrival = options_.last_first ? ~arrivals_++ : arrivals_++;
    const auto added = partition.places.insert({prefix, row}).first;
    if (trims() && alone(partition, added)) ++partition.orders;
    touch(group);
    if (full) trim(partition);
  }

  // Whether a new row with this order would have a rank beyond `last`.
  bool beyond(const Partition& partition, uint64_t prefix, std::string_view key) const {
    const Place& worst = *partition.places.rbegin();
    if (prefix < worst.prefix) return false;
    const int order = prefix > worst.prefix ? 1 : key.compare(rows_.key(worst.row));
    if (order < 0) return false;
    if (order > 0) return options_.function != RankFunction::kDenseRank || partition.orders >= *options_.last;
    // Equal rows have equal ranks in the other two.
    return options_.function == RankFunction::kRowNumber && !options_.last_first;
  }

  // Forgets rows at the end whose rank is beyond `last`.
  void trim(Partition& partition) {
    while (static_cast<int64_t>(partition.places.size()) > *options_.last) {
      const auto worst = std::prev(partition.places.end());
      if (rank_of_last(partition) <= *options_.last) return;
      if (alone(partition, worst)) --partition.orders;
      take_out(partition, worst);
    }
  }

  bool same_order(const Place& a, const Place& b) const {
    return a.prefix == b.prefix && rows_.key(a.row) == rows_.key(b.row);
  }

  // Whether no other row has the order of this one.
  bool alone(const Partition& partition, Places::const_iterator place) const {
    if (place != partition.places.begin() && same_order(*std::prev(place), *place)) return false;
    const auto next = std::next(place);
    return next == partition.places.end() || !same_order(*place, *next);
  }

  int64_t rank_of_last(const Partition& partition) const {
    if (options_.function == RankFunction::kRowNumber) return static_cast<int64_t>(partition.places.size());
    if (options_.function == RankFunction::kDenseRank) return partition.orders;
    int64_t rank = 0;
    for_each_rank(partition, [&](RowId, int64_t at) {
      rank = at;
      return true;
    });
    return rank;
  }

  Status remove(size_t batch_row, std::string_view key) {
    std::byte* const group = groups_[batch_row];
    Partition& partition = Partition::at(group);
    // Of equal rows the one that came last, which may be the last or the first of them in the order.
    auto found = partition.places.end();
    for (auto place = partition.places.upper_bound(BehindKey{sort_key_prefix(key), key});
         place != partition.places.begin() && rows_.key((--place)->row) == key;) {
      if (!rows_.store().equal(place->row, batch_row)) continue;
      found = place;
      if (!options_.last_first) break;
    }
    if (found != partition.places.end()) {
      take_out(partition, found);
      touch(group);
      return {};
    }
    if (!idle_.on()) return make_error(ErrorCode::kInternal, "a row is deleted that is not there");
    if (partition.places.empty()) touch(group);  // it was forgotten, and goes again at the barrier
    return {};
  }

  void take_out(Partition& partition, Places::const_iterator place) {
    const RowId row = place->row;
    partition.places.erase(place);
    if (rows_.header(row).told == 0) {
      rows_.store().erase(row);
    } else {
      rows_.header(row).next_gone = std::exchange(partition.gone, row);
    }
  }

  // --- ranks ---

  // Calls `visit` with each row and its rank, until it returns false.
  template <class Visit>
  void for_each_rank(const Partition& partition, const Visit& visit) const {
    int64_t number = 0;
    int64_t rank = 0;
    Place before;
    for (const Place& place : partition.places) {
      ++number;
      switch (options_.function) {
        case RankFunction::kRowNumber: rank = number; break;
        case RankFunction::kRank: rank = number > 1 && same_order(before, place) ? rank : number; break;
        case RankFunction::kDenseRank: rank += number > 1 && same_order(before, place) ? 0 : 1; break;
      }
      before = place;
      if (!visit(place.row, rank)) return;
    }
  }

  // Adds to pending_ what has changed in a partition since the last barrier.
  void compare(std::byte* group) {
    Partition& partition = Partition::at(group);
    inserted_.clear();
    const size_t begin = pending_.size();
    uint32_t told = partition.told;  // rows downstream that are yet to be met
    for (RowId row = partition.gone; row != kNoRow; row = rows_.header(row).next_gone) {
      pending_.push_back({row, rows_.header(row).told, RowOp::kDelete});
      gone_.push_back(row);
      --told;
      --partition.told;
    }
    partition.gone = kNoRow;
    for_each_rank(partition, [&](RowId row, int64_t rank) {
      const bool beyond = options_.last && rank > *options_.last;
      if (beyond && told == 0) return false;
      const int64_t telling = beyond || rank < options_.first ? 0 : rank;
      int64_t& known = rows_.header(row).told;
      if (known != 0) --told;
      const bool differs = options_.with_rank ? telling != known : (telling != 0) != (known != 0);
      if (differs && known != 0) pending_.push_back({row, known, RowOp::kDelete});
      if (differs && telling != 0) inserted_.push_back({row, telling, RowOp::kInsert});
      partition.told += (telling != 0 ? 1U : 0U) - (known != 0 ? 1U : 0U);
      known = telling;
      return true;
    });
    std::ranges::sort(std::span(pending_).subspan(begin), [this](const Change& a, const Change& b) {
      if (a.rank != b.rank) return a.rank < b.rank;
      return rows_.header(a.row).arrival < rows_.header(b.row).arrival;
    });
    pending_.insert(pending_.end(), inserted_.begin(), inserted_.end());
    partition.touched = false;
    if (partition.places.empty()) forget(group);
  }

  void emit_pending(Output& out) {
    for (size_t begin = 0; begin < pending_.size(); begin += columnar::kBatchRowsMax) {
      emit(std::span(pending_).subspan(begin, std::min(columnar::kBatchRowsMax, pending_.size() - begin)), out);
    }
    pending_.clear();
    for (const RowId row : gone_) rows_.store().erase(row);
    gone_.clear();
  }

  void emit(std::span<const Change> changes, Output& out) {
    std::vector<RowId> rows;
    std::vector<int64_t> ranks;
    columnar::RowOps ops;
    for (const Change& change : changes) {
      rows.push_back(change.row);
      ranks.push_back(change.rank);
      ops.push_back(change.op);
    }
    std::vector<ColumnPtr> columns;
    for (size_t column = 0; column < rows_.columns(); ++column) {
      columns.push_back(rows_.store().gather(column, rows));
    }
    if (options_.with_rank) {
      columns.push_back(
          std::make_shared<columnar::Column>(types::TypeKind::kBigInt, std::move(ranks), std::vector<uint8_t>()));
    }
    const bool only_inserts = std::ranges::all_of(ops, [](RowOp op) { return op == RowOp::kInsert; });
    out.emit(ChangeBatch(changes.size(), std::move(columns),
                         only_inserts ? nullptr : std::make_shared<const columnar::RowOps>(std::move(ops))));
  }

  const RankOptions options_;
  RankedRows rows_;
  state::GroupTable partitions_;
  DuePartitions due_;  // by when their windows close
  EventTime watermark_ = kMinEventTime;
  EventTime closed_ = kMinEventTime;  // the watermark at the last barrier
  uint64_t arrivals_ = 0;
  // Of the batch at hand.
  std::vector<std::byte*> groups_;
  std::string key_;

  StateVector<std::byte*> touched_;
  size_t next_touched_ = 0;
  std::vector<Change> pending_;
  std::vector<Change> inserted_;  // of the partition at hand
  std::vector<RowId> gone_;       // rows to be erased when pending_ is emitted
  IdleGroups idle_;
};

}  // namespace

std::unique_ptr<Operator> make_rank(RankOptions options) { return std::make_unique<Rank>(std::move(options)); }

}  // namespace penstock::exec
