#include "exec/operators/normalize.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <utility>

#include "columnar/change_batch.h"
#include "state/group_table.h"
#include "state/row_store.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::RowOp;
using state::kNoRow;
using state::RowId;

// What is known of a key. With a key of the table, `now` and `before` are rows in the store; without one they say how
// often the row is there.
struct Group {
  static constexpr uint32_t kUntouched = UINT32_MAX;

  uint32_t now = 0;
  uint32_t before = 0;  // what downstream has
  uint32_t touched = kUntouched;
  uint32_t updated = 0;  // when, where that is kept; see IdleGroups
};

class Normalize : public Operator {
 public:
  explicit Normalize(NormalizeOptions options)
      : options_(std::move(options)),
        by_key_(!options_.keys.empty()),
        keys_(by_key_ ? options_.keys : all_columns()),
        others_(columns_without(keys_)),
        groups_(types_of(options_.schema, keys_), layout()),
        rows_(types_of(options_.schema, others_), others_.empty() ? kHeaderBytesMin : 0),
        idle_(options_.ttl) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    groups_.find_or_insert(batch.columns_at(keys_), batch.rows(), found_);
    const columnar::Column& gone = *batch.column(options_.schema.size());
    const auto is_gone = gone.values<uint8_t>();
    if (idle_.on()) forget_idle(batch);
    if (by_key_) rows_.load(batch.columns_at(others_), batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      Group& group = at(found_[row]);
      group.updated = idle_.now();
      if (group.touched == Group::kUntouched) {
        group.touched = static_cast<uint32_t>(touched_.size());
        group.before = group.now;
        touched_.push_back({found_[row], 0});
      }
      touched_[group.touched].last_event = events_++;
      if (by_key_) {
        is_gone[row] != 0 ? remove(group) : replace(group, row);
      } else if (is_gone[row] == 0) {
        ++group.now;
      } else if (group.now > 0) {
        --group.now;
      }
    }
    if (options_.at_end) return {};
    order_touched();
    while (emit_some(out)) {
    }
    return {};
  }

  // What a look-up loads is whole at the end of time.
  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    if (!options_.at_end || watermark != kMaxEventTime) return Progress::kDone;
    if (next_touched_ == 0) order_touched();
    return emit_some(out) ? Progress::kMore : Progress::kDone;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (next_touched_ == 0) order_touched();
    if (emit_some(out)) return Progress::kMore;
    idle_.sweep(groups_, [this](std::byte* group) {
      if (idle_.is_idle(at(group).updated)) forget(group);
    });
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return idle_.wake_at_us(groups_); }

 private:
  // A row takes some room in the store, also one of no other columns than its key.
  static constexpr size_t kHeaderBytesMin = 8;

  static Group& at(std::byte* group) { return *reinterpret_cast<Group*>(group); }
  static state::PayloadLayout layout() {
    return {.bytes = sizeof(Group), .init = [](void*, std::byte* payload) { new (payload) Group(); }};
  }

  std::vector<int> all_columns() const {
    std::vector<int> all(options_.schema.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
  }
  std::vector<int> columns_without(const std::vector<int>& left_out) const {
    std::vector<int> columns = all_columns();
    std::erase_if(columns, [&](int column) { return std::ranges::find(left_out, column) != left_out.end(); });
    return columns;
  }

  void forget(std::byte* pointer) {
    if (by_key_ && at(pointer).now != kNoRow) rows_.erase(at(pointer).now);
    groups_.erase(pointer);
  }

  // Forgets keys of the batch at hand that have outlived their time.
  void forget_idle(const ChangeBatch& batch) {
    const auto outlived = [this](std::byte* pointer) {
      const Group& group = at(pointer);
      return group.now != 0 && group.touched == Group::kUntouched && idle_.is_idle(group.updated);
    };
    const bool any = idle_.forget(found_, outlived, [this](std::byte* pointer) { forget(pointer); });
    if (any) groups_.find_or_insert(batch.columns_at(keys_), batch.rows(), found_);
  }

  // --- with a key ---

  void remove(Group& group) {
    if (group.now != group.before && group.now != kNoRow) rows_.erase(group.now);
    group.now = kNoRow;
  }

  void replace(Group& group, size_t loaded_row) {
    if (group.now != kNoRow && rows_.equal(group.now, loaded_row)) return;
    if (group.now != group.before && group.now != kNoRow) rows_.erase(group.now);
    const bool as_before = group.before != kNoRow && rows_.equal(group.before, loaded_row);
    group.now = as_before ? group.before : rows_.insert(loaded_row);
  }

  // --- emission ---

  struct Touched {
    std::byte* group;
    uint64_t last_event;
  };

  // Rows come out in the order of the last events about them, as they would one by one.
  void order_touched() { std::ranges::sort(touched_, {}, &Touched::last_event); }

  struct Change {
    std::byte* group;
    RowId row;
    RowOp op;
  };

  // Emits about a batch of changes and forgets what is gone; false when nothing is left.
  bool emit_some(Output& out) {
    changes_.clear();
    size_t end = next_touched_;
    while (end < touched_.size() && changes_.size() + 2 <= columnar::kBatchRowsMax) {
      if (!add_changes(touched_[end].group)) break;
      ++end;
    }
    if (!changes_.empty()) out.emit(make_batch());
    for (; next_touched_ < end; ++next_touched_) settle(touched_[next_touched_].group);
    if (next_touched_ < touched_.size()) return true;
    touched_.clear();
    next_touched_ = 0;
    return false;
  }

  // False when the changes of the group did not all fit; then it is the next one again.
  bool add_changes(std::byte* pointer) {
    Group& group = at(pointer);
    if (by_key_) {
      if (group.now == group.before) return true;
      const bool update = group.now != kNoRow && group.before != kNoRow;
      if (group.before != kNoRow) {
        changes_.push_back({pointer, group.before, update ? RowOp::kUpdateBefore : RowOp::kDelete});
      }
      if (group.now != kNoRow) {
        changes_.push_back({pointer, group.now, update ? RowOp::kUpdateAfter : RowOp::kInsert});
      }
      return true;
    }
    for (; group.before != group.now && changes_.size() < columnar::kBatchRowsMax;) {
      const bool more = group.now > group.before;
      group.before += more ? 1U : -1U;
      changes_.push_back({pointer, kNoRow, more ? RowOp::kInsert : RowOp::kDelete});
    }
    return group.before == group.now;
  }

  ChangeBatch make_batch() {
    std::vector<ColumnPtr> columns(options_.schema.size());
    groups_of_changes_.clear();
    rows_of_changes_.clear();
    auto ops = std::make_shared<columnar::RowOps>();
    for (const Change& change : changes_) {
      groups_of_changes_.push_back(change.group);
      rows_of_changes_.push_back(change.row);
      ops->push_back(change.op);
    }
    std::vector<ColumnBuilder> keys;
    for (const types::DataType& type : types_of(options_.schema, keys_)) keys.emplace_back(type, changes_.size());
    groups_.append_keys(groups_of_changes_, keys);
    for (size_t i = 0; i < keys_.size(); ++i) columns[static_cast<size_t>(keys_[i])] = keys[i].finish();
    for (size_t i = 0; i < others_.size(); ++i) {
      columns[static_cast<size_t>(others_[i])] = rows_.gather(i, rows_of_changes_);
    }
    const bool only_inserts = std::ranges::all_of(*ops, [](RowOp op) { return op == RowOp::kInsert; });
    if (only_inserts) ops = nullptr;
    return {changes_.size(), std::move(columns), std::move(ops)};
  }

  void settle(std::byte* pointer) {
    Group& group = at(pointer);
    if (by_key_ && group.before != group.now && group.before != kNoRow) rows_.erase(group.before);
    group.touched = Group::kUntouched;
    if (group.now == 0) groups_.erase(pointer);
  }

  const NormalizeOptions options_;
  const bool by_key_;
  const std::vector<int> keys_;
  const std::vector<int> others_;
  state::GroupTable groups_;
  state::RowStore rows_;  // the columns that are not keys
  std::vector<std::byte*> found_;
  std::vector<Touched> touched_;  // since the last emission
  uint64_t events_ = 0;
  size_t next_touched_ = 0;
  std::vector<Change> changes_;
  std::vector<std::byte*> groups_of_changes_;
  std::vector<RowId> rows_of_changes_;
  IdleGroups idle_;
};

}  // namespace

std::unique_ptr<Operator> make_normalize(NormalizeOptions options) {
  return std::make_unique<Normalize>(std::move(options));
}

}  // namespace penstock::exec
