// Aggregates over frames: rows are added as the frame reaches them and taken back as it leaves them.
#include <algorithm>
#include <cstring>
#include <utility>

#include "exec/operators/over_function.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::RowOp;

// One aggregate over some rows.
class FrameState : public OverState {
 public:
  explicit FrameState(Accumulators& accumulators)
      : accumulators_(accumulators),
        layout_(accumulators.layout()),
        distinct_(accumulators.make_distinct_tables()),
        payload_(new(std::align_val_t(kAlign)) std::byte[std::max<size_t>(layout_.bytes, 1)]) {
    init();
  }
  ~FrameState() override {
    destroy();
    operator delete[](payload_, std::align_val_t(kAlign));
  }
  FrameState(const FrameState&) = delete;
  FrameState& operator=(const FrameState&) = delete;

  void drop_rows(size_t count) override {
    rows_.begin -= std::min(rows_.begin, count);
    rows_.end -= count;
  }

  // The rows that are in it.
  RowRange rows() const { return rows_; }
  // Empties it; rows will be added from `begin` on.
  void reset(size_t begin) {
    if (rows_.begin < rows_.end || dirty_) {
      destroy();
      init();
    }
    rows_ = {begin, begin};
    dirty_ = false;
  }
  // Adds or takes back rows, without noting which.
  void add(const std::vector<ColumnPtr>& columns, RowRange range, RowOp op) {
    for (size_t begin = range.begin; begin < range.end;) {
      const size_t end = std::min(range.end, begin + columnar::kBatchRowsMax);
      std::vector<ColumnPtr> slices;
      for (const ColumnPtr& column : columns) slices.push_back(column->slice(begin, end));
      targets_.assign(end - begin, payload_);
      accumulators_.update(
          targets_,
          op == RowOp::kInsert
              ? ChangeBatch(end - begin, std::move(slices))
              : ChangeBatch(end - begin, std::move(slices), std::make_shared<const columnar::RowOps>(end - begin, op)),
          distinct_);
      begin = end;
    }
    dirty_ = true;
  }
  void note(RowRange rows) { rows_ = rows; }
  void append_result(columnar::ColumnBuilder& out) {
    accumulators_.append_results(std::span<std::byte* const>(&payload_, 1), std::span(&out, 1));
  }

 private:
  static constexpr size_t kAlign = 16;

  void init() {
    std::memset(payload_, 0, layout_.bytes);
    layout_.init(layout_.context, payload_);
  }
  void destroy() {
    accumulators_.forget(payload_, distinct_);
    if (layout_.destroy != nullptr) layout_.destroy(layout_.context, payload_);
  }

  Accumulators& accumulators_;
  const state::PayloadLayout layout_;
  DistinctTables distinct_;
  std::byte* payload_;
  RowRange rows_;
  bool dirty_ = false;  // rows have been added since it was empty
  std::vector<std::byte*> targets_;
};

class FrameAggregate : public OverFunction {
 public:
  FrameAggregate(const OverCall& call, const std::vector<SortKey>& order_by)
      : call_(call), frames_(call.frame, order_by), accumulators_({over_slices(call.aggregate)}, 0) {
    for (const int column : {call.aggregate.argument, call.aggregate.filter}) {
      if (column >= 0) inputs_.push_back(column);
    }
  }

  std::unique_ptr<OverState> make_state() const override {
    if (!frames_.only_grows()) return nullptr;
    return std::make_unique<FrameState>(accumulators_);
  }

  void evaluate(const OrderedRows& rows, size_t first, OverState* kept, columnar::ColumnBuilder& out) override {
    frames_.prepare(rows);
    std::vector<ColumnPtr> columns;
    for (const int column : inputs_) columns.push_back(rows.column(column));
    std::optional<FrameState> fresh;
    FrameState& state = kept != nullptr ? static_cast<FrameState&>(*kept) : fresh.emplace(accumulators_);
    for (size_t row = first; row < rows.size; ++row) {
      if (frames_.excludes()) {
        append_without_excluded(rows, row, columns, state, out);
      } else {
        move_to(frames_.find(rows, row), columns, state);
        state.append_result(out);
      }
    }
  }

  std::optional<size_t> reach() const override { return frames_.reach(); }

  size_t first_needed(const OrderedRows& rows, const OverState* state) const override {
    if (state != nullptr) return static_cast<const FrameState*>(state)->rows().end;
    return frames_.find(rows, rows.size - 1).begin;
  }

 private:
  // The call over just the columns that it needs.
  static AggregateCall over_slices(AggregateCall call) {
    int next = 0;
    if (call.argument >= 0) call.argument = next++;
    if (call.filter >= 0) call.filter = next++;
    return call;
  }

  void move_to(RowRange frame, const std::vector<ColumnPtr>& columns, FrameState& state) const {
    RowRange rows = state.rows();
    const bool goes_on = frame.begin < rows.end && (frame.begin == rows.begin || call_.takes_back);
    if (!goes_on && !frames_.only_grows()) {
      state.reset(frame.begin);
      rows = state.rows();
    }
    if (rows.end < frame.end) state.add(columns, {rows.end, frame.end}, RowOp::kInsert);
    if (rows.begin < frame.begin) state.add(columns, {rows.begin, frame.begin}, RowOp::kDelete);
    state.note(frame);
  }

  void append_without_excluded(const OrderedRows& rows, size_t row, const std::vector<ColumnPtr>& columns,
                               FrameState& state, columnar::ColumnBuilder& out) const {
    if (!call_.takes_back) {
      state.reset(0);
      for (const RowRange& part : frames_.find_parts(rows, row)) state.add(columns, part, RowOp::kInsert);
      return state.append_result(out);
    }
    const RowRange frame = frames_.find(rows, row);
    move_to(frame, columns, state);
    const std::vector<RowRange> excluded = frames_.find_excluded(rows, row, frame);
    for (const RowRange& part : excluded) state.add(columns, part, RowOp::kDelete);
    state.append_result(out);
    for (const RowRange& part : excluded) state.add(columns, part, RowOp::kInsert);
  }

  const OverCall call_;
  FrameFinder frames_;
  mutable Accumulators accumulators_;  // scratch space, which states share
  std::vector<int> inputs_;
};

}  // namespace

std::unique_ptr<OverFunction> make_over_aggregate(const OverCall& call, const std::vector<SortKey>& order_by) {
  return std::make_unique<FrameAggregate>(call, order_by);
}

}  // namespace penstock::exec
