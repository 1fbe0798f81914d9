// Aggregates over frames: rows are added as the frame reaches them and taken back as it leaves them.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/over_function.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::RowOp;

constexpr size_t kAlign = 16;

// Rows of a partition as batches of the columns that the call needs, in which it has the numbers 0, 1, ...
template <class Use>
void for_each_batch(const OrderedRows& rows, const std::vector<int>& inputs, RowRange range, const Use& use) {
  rows.for_each_piece(range, [&](const std::vector<ColumnPtr>& columns, RowRange piece) {
    for (size_t begin = piece.begin; begin < piece.end; begin += columnar::kBatchRowsMax) {
      const size_t end = std::min(piece.end, begin + columnar::kBatchRowsMax);
      std::vector<ColumnPtr> slices;
      for (const int column : inputs) slices.push_back(columns[static_cast<size_t>(column)]->slice(begin, end));
      use(end - begin, std::move(slices));
    }
  });
}

// One aggregate over some rows.
class FrameState : public OverState {
 public:
  explicit FrameState(Accumulators& accumulators)
      : accumulators_(accumulators),
        layout_(accumulators.layout()),
        distinct_(accumulators.make_distinct_tables()),
        payload_(new(std::align_val_t(kAlign)) std::byte[std::max<size_t>(layout_.bytes, 1)]),
        bytes_(sizeof(FrameState) + layout_.bytes) {
    init();
  }
  ~FrameState() override {
    destroy();
    operator delete[](payload_, std::align_val_t(kAlign));
  }
  FrameState(const FrameState&) = delete;
  FrameState& operator=(const FrameState&) = delete;

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
  void add(const OrderedRows& rows, const std::vector<int>& inputs, RowRange range, RowOp op) {
    for_each_batch(rows, inputs, range, [&](size_t count, std::vector<ColumnPtr> columns) {
      targets_.assign(count, payload_);
      accumulators_.update(targets_,
                           op == RowOp::kInsert ? ChangeBatch(count, std::move(columns))
                                                : ChangeBatch(count, std::move(columns),
                                                              std::make_shared<const columnar::RowOps>(count, op)),
                           distinct_);
    });
    dirty_ = true;
  }
  void note(RowRange rows) { rows_ = rows; }
  void append_result(columnar::ColumnBuilder& out) {
    accumulators_.append_results(std::span<std::byte* const>(&payload_, 1), std::span(&out, 1));
  }

 private:
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
  const StateBytes bytes_;  // its own
  RowRange rows_;
  bool dirty_ = false;  // rows have been added since it was empty
  StateVector<std::byte*> targets_;
};

// One aggregate over a frame that slides, of a kind from which rows cannot be taken back, but whose parts can be
// merged.
//
// The frame is two parts that touch. Of the front one there is, for each of its rows, the aggregate from there to its
// end; of the back one just the aggregate. A row that comes is added to the back; one that goes takes its aggregate
// with it. When none is left in front, the back becomes the front. So each row is added twice and merged twice.
class SlidingState : public OverState {
 public:
  explicit SlidingState(Accumulators& accumulators)
      : accumulators_(accumulators),
        layout_(accumulators.layout()),
        stride_((std::max<size_t>(layout_.bytes, 1) + kAlign - 1) / kAlign),
        no_distinct_(accumulators.size()),
        back_(stride_),
        both_(stride_) {
    init(back_);
  }

  // Frames come in order.
  void move_to(RowRange frame, const OrderedRows& rows, const std::vector<int>& inputs) {
    if (frame.begin >= rows_.end) {
      rows_ = {frame.begin, frame.begin};
      middle_ = frame.begin;
      init(back_);
    }
    if (rows_.end < frame.end) {
      for_each_batch(rows, inputs, {rows_.end, frame.end}, [&](size_t count, std::vector<ColumnPtr> columns) {
        targets_.assign(count, payload(back_, 0));
        accumulators_.update(targets_, ChangeBatch(count, std::move(columns)), no_distinct_);
      });
    }
    rows_ = frame;
    if (frame.begin > middle_) make_front(rows, inputs);
  }

  void append_result(columnar::ColumnBuilder& out) {
    std::byte* result = payload(back_, 0);
    if (rows_.begin < middle_) {
      result = payload(front_, rows_.begin - front_begin_);
      if (middle_ < rows_.end) {
        // It has nothing that is destroyed, so it may be copied.
        std::memcpy(payload(both_, 0), result, layout_.bytes);
        result = payload(both_, 0);
        merge(result, payload(back_, 0));
      }
    }
    accumulators_.append_results(std::span<std::byte* const>(&result, 1), std::span(&out, 1));
  }

 private:
  struct alignas(kAlign) Cell {
    std::byte bytes[kAlign];
  };
  using Payloads = StateVector<Cell>;

  std::byte* payload(Payloads& payloads, size_t number) const { return payloads[number * stride_].bytes; }
  void init(Payloads& payloads) const {
    std::memset(payloads.data(), 0, payloads.size() * sizeof(Cell));
    for (size_t i = 0; i < payloads.size() / stride_; ++i) layout_.init(layout_.context, payload(payloads, i));
  }
  void merge(std::byte* into, std::byte* from) {
    accumulators_.merge(std::span<std::byte* const>(&into, 1), no_distinct_, std::span<std::byte* const>(&from, 1),
                        no_distinct_);
  }

  // All rows are in front then.
  void make_front(const OrderedRows& rows, const std::vector<int>& inputs) {
    const size_t count = rows_.end - rows_.begin;
    front_begin_ = rows_.begin;
    middle_ = rows_.end;
    front_.resize(count * stride_);
    init(front_);
    init(back_);
    size_t next = 0;
    for_each_batch(rows, inputs, rows_, [&](size_t batch_rows, std::vector<ColumnPtr> columns) {
      targets_.clear();
      for (size_t i = 0; i < batch_rows; ++i) targets_.push_back(payload(front_, next++));
      accumulators_.update(targets_, ChangeBatch(batch_rows, std::move(columns)), no_distinct_);
    });
    for (size_t i = count; i-- > 1;) merge(payload(front_, i - 1), payload(front_, i));
  }

  Accumulators& accumulators_;
  const state::PayloadLayout layout_;
  const size_t stride_;  // of payloads, in cells
  DistinctTables no_distinct_;
  Payloads front_;
  size_t front_begin_ = 0;  // the row of its first payload
  size_t middle_ = 0;       // where the back begins
  Payloads back_;
  Payloads both_;  // for a result
  const StateBytes bytes_{sizeof(SlidingState)};
  RowRange rows_;
  StateVector<std::byte*> targets_;
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
    if (slides()) return std::make_unique<SlidingState>(accumulators_);
    if (frames_.only_grows() || call_.takes_back) return std::make_unique<FrameState>(accumulators_);
    return nullptr;
  }

  void evaluate(const OrderedRows& rows, size_t first, OverState* kept, columnar::ColumnBuilder& out) override {
    frames_.prepare(rows);
    if (kept != nullptr && slides()) {
      auto& state = static_cast<SlidingState&>(*kept);
      for (size_t row = first; row < rows.end(); ++row) {
        state.move_to(frames_.find(rows, row), rows, inputs_);
        state.append_result(out);
      }
      return;
    }
    std::optional<FrameState> fresh;
    FrameState& state = kept != nullptr ? static_cast<FrameState&>(*kept) : fresh.emplace(accumulators_);
    for (size_t row = first; row < rows.end(); ++row) {
      if (frames_.excludes()) {
        append_without_excluded(rows, row, state, out);
      } else {
        move_to(frames_.find(rows, row), rows, state);
        state.append_result(out);
      }
    }
  }

  std::optional<size_t> reach() const override { return frames_.reach(); }
  std::optional<int64_t> reach_in_time() const override { return frames_.reach_in_time(); }

  size_t first_needed(const OrderedRows& rows, const OverState* state) const override {
    if (frames_.only_grows()) return static_cast<const FrameState*>(state)->rows().end;
    return frames_.find(rows, rows.end() - 1).begin;
  }

 private:
  // The call over just the columns that it needs.
  static AggregateCall over_slices(AggregateCall call) {
    int next = 0;
    if (call.argument >= 0) call.argument = next++;
    if (call.filter >= 0) call.filter = next++;
    return call;
  }

  // States of a fixed size only: of one that keeps its values there would be one for each row of the frame.
  bool slides() const {
    const bool fixed = call_.aggregate.function.kernels.destroy == nullptr && !call_.aggregate.distinct;
    return fixed && !call_.takes_back && !frames_.only_grows() && !frames_.excludes();
  }

  void move_to(RowRange frame, const OrderedRows& all, FrameState& state) const {
    RowRange rows = state.rows();
    const bool goes_on = frame.begin < rows.end && (frame.begin == rows.begin || call_.takes_back);
    if (!goes_on && !frames_.only_grows()) {
      state.reset(frame.begin);
      rows = state.rows();
    }
    if (rows.end < frame.end) state.add(all, inputs_, {rows.end, frame.end}, RowOp::kInsert);
    if (rows.begin < frame.begin) state.add(all, inputs_, {rows.begin, frame.begin}, RowOp::kDelete);
    state.note(frame);
  }

  void append_without_excluded(const OrderedRows& rows, size_t row, FrameState& state,
                               columnar::ColumnBuilder& out) const {
    if (!call_.takes_back) {
      state.reset(0);
      for (const RowRange& part : frames_.find_parts(rows, row)) state.add(rows, inputs_, part, RowOp::kInsert);
      return state.append_result(out);
    }
    const RowRange frame = frames_.find(rows, row);
    move_to(frame, rows, state);
    const std::vector<RowRange> excluded = frames_.find_excluded(rows, row, frame);
    for (const RowRange& part : excluded) state.add(rows, inputs_, part, RowOp::kDelete);
    state.append_result(out);
    for (const RowRange& part : excluded) state.add(rows, inputs_, part, RowOp::kInsert);
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
