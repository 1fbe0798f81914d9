#include "exec/operators/over.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/state_memory.h"
#include "columnar/row_key.h"
#include "exec/operators/add_saturating.h"
#include "exec/operators/over_function.h"
#include "exec/operators/partition_table.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::RowOp;

// The functions, and what both operators do with rows.
class Functions {
 public:
  explicit Functions(const OverOptions& options)
      : input_types_(types_of(options.schema)), output_types_(input_types_), looked_at_(columns_looked_at(options)) {
    for (const OverCall& call : options.calls) {
      functions_.push_back(make_over_function(call, options.order_by));
      result_types_.push_back(call.type);
      output_types_.push_back(call.type);
    }
  }

  const std::vector<std::unique_ptr<OverFunction>>& all() const { return functions_; }
  const std::vector<types::DataType>& output_types() const { return output_types_; }

  // Collects encoded rows, one after the other.
  class Decoder {
   public:
    explicit Decoder(const std::vector<types::DataType>& types) : builders_(types.begin(), types.end()) {}
    void add(std::string_view order, std::string_view row) {
      if (rows_ == 0 || order != order_) groups_.push_back(rows_);
      order_ = order;
      columnar::decode_key(row, builders_);
      ++rows_;
    }
    size_t rows() const { return rows_; }
    // Adds what the functions look at to `rows`; gives all columns.
    std::vector<ColumnPtr> finish(OrderedRows& rows) {
      std::vector<ColumnPtr> columns;
      for (ColumnBuilder& builder : builders_) columns.push_back(builder.finish());
      rows.append(columns, rows_, groups_);
      return columns;
    }

   private:
    std::vector<ColumnBuilder> builders_;
    std::string_view order_;
    size_t rows_ = 0;
    std::vector<size_t> groups_;  // where each begins
  };
  Decoder decoder() const { return Decoder(input_types_); }
  OrderedRows make_rows() const { return OrderedRows(looked_at_); }

  StateVector<std::unique_ptr<OverState>> make_states() const {
    StateVector<std::unique_ptr<OverState>> states;
    for (const auto& function : functions_) states.push_back(function->make_state());
    return states;
  }

  // The results of the rows from `first` on, a column per function.
  std::vector<ColumnPtr> evaluate(const OrderedRows& rows, size_t first,
                                  const StateVector<std::unique_ptr<OverState>>& states) {
    std::vector<ColumnPtr> results;
    for (size_t i = 0; i < functions_.size(); ++i) {
      ColumnBuilder builder(result_types_[i], rows.end() - first);
      functions_[i]->evaluate(rows, first, states.empty() ? nullptr : states[i].get(), builder);
      results.push_back(builder.finish());
    }
    return results;
  }

  // How many rows before its own a result depends on; nullopt: on any, or on later ones.
  std::optional<size_t> reach() const {
    size_t reach = 0;
    for (const auto& function : functions_) {
      const std::optional<size_t> one = function->reach();
      if (!one) return std::nullopt;
      reach = std::max(reach, *one);
    }
    return reach;
  }

  // How much later a row may be whose result depends on one; nullopt: any.
  std::optional<int64_t> reach_in_time() const {
    int64_t reach = 0;
    for (const auto& function : functions_) {
      const std::optional<int64_t> one = function->reach_in_time();
      if (!one) return std::nullopt;
      reach = std::max(reach, *one);
    }
    return reach;
  }

 private:
  std::vector<types::DataType> input_types_;
  std::vector<types::DataType> result_types_;
  std::vector<types::DataType> output_types_;
  std::vector<std::unique_ptr<OverFunction>> functions_;
  const std::vector<bool> looked_at_;  // columns
};

// --- rows that come and go ---

struct KeptRow {
  StateString row;                     // encoded
  std::optional<StateString> emitted;  // its results, encoded, when downstream has it
};

struct ChangingPartition {
  RowsInOrder<KeptRow> rows;
  StateVector<StateString> gone;  // rows with their results that downstream still has
  std::optional<StateString> first_changed;
  uint32_t updated = 0;  // when, where that is kept; see IdleGroups
};

class Over : public Operator {
 public:
  explicit Over(OverOptions options)
      : options_(std::move(options)),
        functions_(options_),
        reach_(functions_.reach()),
        partitions_(options_.schema, options_.partition_by),
        pending_(functions_.output_types()),
        idle_(options_.ttl) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    const std::vector<std::byte*>& groups = partitions_.find(batch);
    if (idle_.on() && forget_idle(groups)) partitions_.find(batch);
    for (size_t row = 0; row < batch.rows(); ++row) {
      key_.clear();
      append_sort_key(key_, options_.order_by, batch, row);
      row_.clear();
      columnar::append_key(row_, batch.columns(), row);
      if (batch.weight(row) > 0) {
        append_arrival(key_, arrivals_++);
        partitions_.at(groups[row]).rows.emplace(key_, KeptRow{.row = StateString(row_), .emitted = {}});
        note_change(groups[row], key_);
      } else {
        PENSTOCK_TRY(remove(groups[row]));
      }
    }
    return {};
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    while (next_change_ < changes_.size() || next_touched_ < touched_.size()) {
      if (next_change_ == changes_.size()) compare(touched_[next_touched_++]);
      if (emit_some(out)) return Progress::kMore;
    }
    if (pending_.rows() > 0) out.emit(pending_.finish());
    touched_.clear();
    next_touched_ = 0;
    idle_.sweep(partitions_.table(), [this](std::byte* group) {
      if (idle_.is_idle(partitions_.at(group).updated)) partitions_.erase(group);
    });
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(partitions_.table()); }

 private:
  // A row of the output, encoded.
  struct Change {
    StateString row;
    RowOp op;
  };

  void note_change(std::byte* group, std::string_view key) {
    ChangingPartition& partition = partitions_.at(group);
    partition.updated = idle_.now();
    if (!partition.first_changed) touched_.push_back(group);
    if (!partition.first_changed || key < *partition.first_changed) partition.first_changed.emplace(key);
  }

  // Forgets partitions of the batch at hand that have outlived their time; false when there are none.
  bool forget_idle(const std::vector<std::byte*>& groups) {
    const auto outlived = [this](std::byte* group) {
      const ChangingPartition& partition = partitions_.at(group);
      return !partition.rows.empty() && !partition.first_changed && idle_.is_idle(partition.updated);
    };
    return idle_.forget(groups, outlived, [this](std::byte* group) { partitions_.erase(group); });
  }

  Status remove(std::byte* group) {
    ChangingPartition& partition = partitions_.at(group);
    const auto found =
        find_last_row(partition.rows, key_, [&](const KeptRow& known) { return std::string_view(known.row) == row_; });
    if (found == partition.rows.end()) {
      if (!idle_.on()) return make_error(ErrorCode::kInternal, "a row is deleted that is not there");
      if (partition.rows.empty()) note_change(group, key_);  // it was forgotten, and goes again at the barrier
      return {};
    }
    if (found->second.emitted) partition.gone.push_back(found->second.row + *found->second.emitted);
    note_change(group, found->first);
    partition.rows.erase(found);
    return {};
  }

  // Adds to changes_ what has changed in a partition since the last barrier.
  void compare(std::byte* group) {
    ChangingPartition& partition = partitions_.at(group);
    changes_.clear();
    next_change_ = 0;
    for (StateString& row : partition.gone) changes_.push_back({std::move(row), RowOp::kDelete});
    partition.gone.clear();
    // Results in front of the first change stay, where no function looks at later rows.
    auto changed = reach_ ? partition.rows.lower_bound(*partition.first_changed) : partition.rows.begin();
    auto begin = changed;
    size_t first = 0;
    for (; first < reach_.value_or(0) && begin != partition.rows.begin(); ++first) --begin;
    partition.first_changed.reset();
    if (changed != partition.rows.end()) evaluate(partition, begin, first);
    cancel_out();
    if (partition.rows.empty()) partitions_.erase(group);
  }

  void evaluate(ChangingPartition& partition, decltype(partition.rows)::iterator begin, size_t first) {
    Functions::Decoder decoder = functions_.decoder();
    for (auto it = begin; it != partition.rows.end(); ++it) decoder.add(order_of(it->first), it->second.row);
    OrderedRows rows = functions_.make_rows();
    decoder.finish(rows);
    // What is computed from a place in the middle must be what it would be from the beginning: with floating point
    // numbers it is not, where sums go on from row to row.
    StateVector<std::unique_ptr<OverState>> states;
    if (!reach_) states = functions_.make_states();
    const std::vector<ColumnPtr> results = functions_.evaluate(rows, first, states);
    auto it = std::next(begin, static_cast<ptrdiff_t>(first));
    std::string result;
    for (size_t i = 0; it != partition.rows.end(); ++it, ++i) {
      KeptRow& row = it->second;
      result.clear();
      columnar::append_key(result, results, i);
      if (row.emitted && std::string_view(*row.emitted) == result) continue;
      if (row.emitted) changes_.push_back({row.row + *row.emitted, RowOp::kDelete});
      row.emitted.emplace(result);
      changes_.push_back({row.row + *row.emitted, RowOp::kInsert});
    }
  }

  // A row that has gone and come again, or has changed places with an equal one, is no change.
  void cancel_out() {
    std::map<std::string_view, int> net;
    for (const Change& change : changes_) net[change.row] += columnar::weight(change.op);
    std::vector<size_t> kept;
    for (size_t i = 0; i < changes_.size(); ++i) {
      const int weight = columnar::weight(changes_[i].op);
      int& left = net[changes_[i].row];
      if (weight * left <= 0) continue;
      left -= weight;
      kept.push_back(i);
    }
    // Only now, since `net` looks into the rows.
    for (size_t i = 0; i < kept.size(); ++i) {
      if (kept[i] != i) changes_[i] = std::move(changes_[kept[i]]);
    }
    changes_.resize(kept.size());
  }

  // Emits a batch once it is full; true when it has.
  bool emit_some(Output& out) {
    for (; next_change_ < changes_.size(); ++next_change_) {
      if (pending_.full()) {
        out.emit(pending_.finish());
        return true;
      }
      std::string_view bytes = changes_[next_change_].row;
      columnar::decode_key(bytes, std::span(&pending_.column(0), functions_.output_types().size()));
      pending_.end_row(changes_[next_change_].op);
    }
    return false;
  }

  const OverOptions options_;
  Functions functions_;
  const std::optional<size_t> reach_;
  PartitionTable<ChangingPartition> partitions_;
  uint64_t arrivals_ = 0;
  std::string key_;  // of the row at hand
  std::string row_;
  StateVector<std::byte*> touched_;
  size_t next_touched_ = 0;
  StateVector<Change> changes_;  // of the partition at hand
  size_t next_change_ = 0;
  columnar::BatchBuilder pending_;
  IdleGroups idle_;
};

// --- rows in the order of time ---

struct TimedRow {
  StateString row;  // encoded
  int64_t time = 0;
};

struct TimedPartition {
  RowsInOrder<TimedRow> waiting;
  // When the watermark has something to do with it: of the first row that waits, or, where none does, when no later row
  // will look at the rows that have left.
  std::optional<int64_t> next_time;
  // Of what has left: the rows that later ones may look at, and the time of the last one.
  std::optional<OrderedRows> rows;
  int64_t last_time = 0;
  StateVector<std::unique_ptr<OverState>> states;  // one per function, null where it keeps nothing
  uint32_t updated = 0;                            // when a row came, where that is kept; see IdleGroups
};

class OverInTimeOrder : public Operator {
 public:
  explicit OverInTimeOrder(OverOptions options)
      : options_(std::move(options)),
        functions_(options_),
        reach_(functions_.reach_in_time()),
        partitions_(options_.schema, options_.partition_by),
        pending_(functions_.output_types()),
        idle_(options_.ttl) {}

  Status process(int /*port*/, const ChangeBatch& all, Output& /*out*/) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "rows in the order of time are only inserts");
    const ChangeBatch batch = without_late(all, time_column(all), watermark_, options_.late);
    const std::vector<std::byte*>& groups = partitions_.find(batch);
    if (idle_.on() && forget_idle(groups)) partitions_.find(batch);
    const columnar::Column& times = time_column(batch);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t time = times.values<int64_t>()[row];
      key_.clear();
      append_sort_key(key_, options_.order_by, batch, row);
      append_arrival(key_, arrivals_++);
      row_.clear();
      columnar::append_key(row_, batch.columns(), row);
      TimedPartition& partition = partitions_.at(groups[row]);
      partition.updated = idle_.now();
      partition.waiting.emplace(key_, TimedRow{.row = StateString(row_), .time = time});
      if (!partition.next_time || time < *partition.next_time) schedule(groups[row], time);
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    while (std::byte* const group = due_.take_first(watermark.value())) {
      if (advance(group, out)) return Progress::kMore;
    }
    if (pending_.rows() > 0) out.emit(pending_.finish());
    return Progress::kDone;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& /*out*/) override {
    idle_.sweep(partitions_.table(), [this](std::byte* group) {
      if (is_idle(partitions_.at(group))) forget(group);
    });
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(partitions_.table()); }

 private:
  // Rows of a partition that leave at once, and then those that have the time of the last one.
  static constexpr size_t kRowsPerStep = 4 * columnar::kBatchRowsMax;

  const columnar::Column& time_column(const ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(options_.order_by.front().column));
  }

  void schedule(std::byte* group, std::optional<int64_t> time) {
    due_.move(group, partitions_.at(group).next_time, time);
  }

  // A partition that is new has no rows behind the watermark.
  bool is_idle(const TimedPartition& partition) const {
    return partition.rows && partition.waiting.empty() && idle_.is_idle(partition.updated);
  }

  void forget(std::byte* group) {
    schedule(group, std::nullopt);
    partitions_.erase(group);
  }

  // Forgets partitions of the batch at hand that have outlived their time; false when there are none.
  bool forget_idle(const std::vector<std::byte*>& groups) {
    const auto outlived = [this](std::byte* group) { return is_idle(partitions_.at(group)); };
    return idle_.forget(groups, outlived, [this](std::byte* group) { forget(group); });
  }

  // Emits rows that are due; true when it has emitted a batch.
  bool advance(std::byte* group, Output& out) {
    TimedPartition& partition = partitions_.at(group);
    Functions::Decoder decoder = functions_.decoder();
    auto next = partition.waiting.begin();
    for (; next != partition.waiting.end() && next->second.time <= watermark_.value(); ++next) {
      if (decoder.rows() >= kRowsPerStep && next->second.time != partition.last_time) break;
      partition.last_time = next->second.time;
      decoder.add(order_of(next->first), next->second.row);
    }
    const bool emitted = decoder.rows() > 0 && evaluate(partition, decoder, out);
    partition.waiting.erase(partition.waiting.begin(), next);
    look_later(group);
    return emitted;
  }

  bool evaluate(TimedPartition& partition, Functions::Decoder& decoder, Output& out) {
    if (!partition.rows) {
      partition.rows = functions_.make_rows();
      partition.states = functions_.make_states();
    }
    OrderedRows& rows = *partition.rows;
    const size_t first = rows.end();
    const std::vector<ColumnPtr> columns = decoder.finish(rows);
    const std::vector<ColumnPtr> results = functions_.evaluate(rows, first, partition.states);
    // Lets go of the rows that no later one may look at.
    size_t needed = rows.end();
    for (size_t i = 0; i < partition.states.size(); ++i) {
      needed = std::min(needed, functions_.all()[i]->first_needed(rows, partition.states[i].get()));
    }
    rows.drop_before(needed);
    return emit(decoder.rows(), columns, results, out);
  }

  bool emit(size_t rows, const std::vector<ColumnPtr>& columns, const std::vector<ColumnPtr>& results, Output& out) {
    bool emitted = false;
    for (size_t row = 0; row < rows; ++row) {
      size_t column = 0;
      for (const ColumnPtr& values : columns) pending_.column(column++).append_from(*values, row);
      for (const ColumnPtr& values : results) pending_.column(column++).append_from(*values, row);
      pending_.end_row();
      if (!pending_.full()) continue;
      out.emit(pending_.finish());
      emitted = true;
    }
    return emitted;
  }

  // When the partition is next looked at; it goes when there is nothing to look at.
  void look_later(std::byte* group) {
    const TimedPartition& partition = partitions_.at(group);
    std::optional<int64_t> later;
    bool keeps_something = !partition.waiting.empty();
    if (keeps_something) {
      later = partition.waiting.begin()->second.time;
    } else if (reach_) {
      later = add_saturating(partition.last_time, *reach_);
      keeps_something = *later > watermark_.value();
    } else {
      const auto is_kept = [](const std::unique_ptr<OverState>& state) { return state != nullptr; };
      keeps_something = !partition.rows->empty() || std::ranges::any_of(partition.states, is_kept);
    }
    schedule(group, keeps_something ? later : std::nullopt);
    if (!keeps_something) partitions_.erase(group);
  }

  const OverOptions options_;
  Functions functions_;
  const std::optional<int64_t> reach_;  // in time
  PartitionTable<TimedPartition> partitions_;
  EventTime watermark_ = kMinEventTime;
  uint64_t arrivals_ = 0;
  std::string key_;  // of the row at hand
  std::string row_;
  DuePartitions due_;  // by the time of their next row
  columnar::BatchBuilder pending_;
  IdleGroups idle_;
};

}  // namespace

std::unique_ptr<Operator> make_over(OverOptions options) { return std::make_unique<Over>(std::move(options)); }

std::unique_ptr<Operator> make_over_in_time_order(OverOptions options) {
  return std::make_unique<OverInTimeOrder>(std::move(options));
}

}  // namespace penstock::exec
