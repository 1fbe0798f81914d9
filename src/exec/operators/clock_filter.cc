#include "exec/operators/clock_filter.h"

#include <absl/container/btree_map.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "columnar/row_key.h"
#include "types/calendar.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

// Rows by the time at which something happens to them, with how often each is there.
struct DueRow {
  int64_t time_us;
  StateString row;
  bool operator<(const DueRow& other) const {
    return time_us != other.time_us ? time_us < other.time_us : row < other.row;
  }
};
using DueRows = absl::btree_map<DueRow, int64_t, std::less<>, StateAllocator<std::pair<const DueRow, int64_t>>>;

class ClockFilter : public Operator {
 public:
  explicit ClockFilter(ClockFilterOptions options)
      : options_(std::move(options)), emitted_(types_of(options_.schema)) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    if (!passed_us_) passed_us_ = read_clock(Epoch());
    columnar::Selection there;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const Span span = span_of(batch, row);
      if (span.from >= span.until || span.until <= *passed_us_) continue;
      if (span.from > *passed_us_) {
        add(coming_, span.from, batch, row);
        continue;
      }
      there.push_back(static_cast<uint16_t>(row));
      if (span.until != kForEver) add(leaving_, span.until, batch, row);
    }
    if (!there.empty()) out.emit(there.size() == batch.rows() ? batch : batch.take(there));
    return {};
  }

  // Emits a batch a call.
  Result<Progress> on_barrier(Epoch epoch, Output& out) override {
    if (!now_us_) now_us_ = std::max(read_clock(epoch), passed_us_.value_or(kBeginning));
    while (!emitted_.full() && (emit_next(leaving_, RowOp::kDelete) || emit_next(coming_, RowOp::kInsert))) {
    }
    const bool more = emitted_.full();
    if (emitted_.rows() > 0) out.emit(emitted_.finish());
    if (more) return Progress::kMore;
    passed_us_ = std::exchange(now_us_, std::nullopt);
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override {
    int64_t next = kForEver;
    for (const DueRows* rows : {&coming_, &leaving_}) {
      if (!rows->empty()) next = std::min(next, rows->begin()->first.time_us);
    }
    if (next == kForEver) return std::nullopt;
    // The clock counts whole milliseconds.
    return next + types::floor_modulo(-next, types::kMicrosPerMilli);
  }

 private:
  static constexpr int64_t kBeginning = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();

  // A row is there while from <= clock < until.
  struct Span {
    int64_t from = kBeginning;
    int64_t until = kForEver;
  };

  int64_t read_clock(Epoch epoch) const {
    const int64_t now = options_.clock_us(epoch);
    return now - types::floor_modulo(now, types::kMicrosPerMilli);
  }

  Span span_of(const ChangeBatch& batch, size_t row) const {
    Span span;
    for (const int number : {options_.from, options_.until}) {
      if (number < 0) continue;
      const columnar::Column& column = *batch.column(static_cast<size_t>(number));
      if (column.is_null(row)) return {.from = kForEver, .until = kBeginning};
      const bool is_from = number == options_.from;
      const bool moment_later = is_from ? options_.after_from : options_.through_until;
      (is_from ? span.from : span.until) = column.values<int64_t>()[row] + (moment_later ? 1 : 0);
    }
    return span;
  }

  void add(DueRows& rows, int64_t time_us, const ChangeBatch& batch, size_t row) {
    row_.clear();
    columnar::append_key(row_, batch.columns(), row);
    const auto found = rows.try_emplace(DueRow{time_us, StateString(row_)}, 0).first;
    found->second += batch.weight(row);
    if (found->second == 0) rows.erase(found);
  }

  // Adds a row whose time has come to emitted_; false when there is none. What comes may have to leave later.
  bool emit_next(DueRows& rows, RowOp op) {
    if (rows.empty() || rows.begin()->first.time_us > *now_us_) return false;
    const auto first = rows.begin();
    // One that was taken back before it came is there less than never.
    const bool inverted = first->second < 0;
    std::string_view bytes = first->first.row;
    columnar::decode_key(bytes, std::span(&emitted_.column(0), options_.schema.size()));
    emitted_.end_row(inverted == (op == RowOp::kDelete) ? RowOp::kInsert : RowOp::kDelete);
    const int64_t weight = inverted ? -1 : 1;
    if (op == RowOp::kInsert && options_.until >= 0) let_leave(first->first.row, weight);
    first->second -= weight;
    if (first->second == 0) rows.erase(first);
    return true;
  }

  // Notes when a row that has come leaves.
  void let_leave(const StateString& row, int64_t weight) {
    std::vector<columnar::ColumnBuilder> builders;
    for (const types::Field& field : options_.schema) builders.emplace_back(field.type);
    std::string_view bytes = row;
    columnar::decode_key(bytes, builders);
    std::vector<columnar::ColumnPtr> columns;
    for (columnar::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    const Span span = span_of(ChangeBatch(1, std::move(columns)), 0);
    const auto found = leaving_.try_emplace(DueRow{span.until, row}, 0).first;
    found->second += weight;
    if (found->second == 0) leaving_.erase(found);
  }

  const ClockFilterOptions options_;
  DueRows coming_;
  DueRows leaving_;                   // what downstream has, by when it goes
  std::optional<int64_t> passed_us_;  // what was due then has been emitted
  std::optional<int64_t> now_us_;     // of the barrier that is being answered
  std::string row_;
  columnar::BatchBuilder emitted_;
};

}  // namespace

std::unique_ptr<Operator> make_clock_filter(ClockFilterOptions options) {
  return std::make_unique<ClockFilter>(std::move(options));
}

}  // namespace penstock::exec
