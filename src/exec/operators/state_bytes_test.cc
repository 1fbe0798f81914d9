// What operators are counted to hold: it grows with what they keep, is what the heap holds, and goes with it.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/heap_test.h"
#include "base/state_memory.h"
#include "exec/operators/aggregate.h"
#include "exec/operators/changes_test.h"
#include "exec/operators/interval_join.h"
#include "exec/operators/join.h"
#include "exec/operators/lookup_join.h"
#include "exec/operators/match.h"
#include "exec/operators/over.h"
#include "exec/operators/rank.h"
#include "exec/operators/sort.h"
#include "exec/operators/temporal_join.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"
#include "types/row_pattern.h"
#include "types/test_row_pattern.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::RowOp;
using types::DataType;

const DataType kText = types::TypeKind::kString;
const std::vector<DataType> kTypes = {kBigInt, kTimestamp, kText};
const types::Schema kSchema = {{"k", kBigInt}, {"t", kTimestamp}, {"s", kText}};
constexpr int kKey = 0;
constexpr int kTime = 1;
constexpr int kString = 2;

constexpr int64_t kRows = 8'000;
constexpr int64_t kBatchRows = 1'000;

class Dropped : public Output {
 public:
  void emit(ChangeBatch /*batch*/) override {}
};

// Rows of different keys, times and texts.
ChangeBatch rows_of(int64_t first, RowOp op) {
  columnar::BatchBuilder builder(kTypes);
  for (int64_t i = first; i < first + kBatchRows; ++i) {
    builder.column(kKey).append_int64(i);
    builder.column(kTime).append_int64(i * types::kMicrosPerMilli);
    builder.column(kString).append_string("a text of some forty bytes and the number " + std::to_string(i));
    builder.end_row(op);
  }
  return builder.finish();
}

struct Family {
  std::string name;
  std::function<std::unique_ptr<Operator>()> make;
  std::vector<int> ports = {0};
  enum class Falls : uint8_t { kByDeletion, kByWatermark, kNever } falls = Falls::kByDeletion;
};

void settle(Operator& op, Epoch epoch) {
  Dropped out;
  for (;;) {
    const Result<Progress> progress = op.on_barrier(epoch, out);
    ASSERT_TRUE(progress.has_value()) << progress.error().to_string();
    if (*progress == Progress::kDone) return;
  }
}

void feed(const Family& family, Operator& op, int64_t part, RowOp row_op) {
  Dropped out;
  for (const int port : family.ports) {
    for (int64_t row = part * kRows; row < (part + 1) * kRows; row += kBatchRows) {
      const Status taken = op.process(port, rows_of(row, row_op), out);
      ASSERT_TRUE(taken.has_value()) << taken.error().to_string();
      while (op.unfinished()) ASSERT_TRUE(op.resume(out).has_value());
    }
  }
  settle(op, Epoch(2 * part + (row_op == RowOp::kInsert ? 1 : 100)));
}

// --- the operators ---

AggregateCall over(std::string_view name, bool retractable, bool distinct = false) {
  return {.function = *expr::bind_aggregate(name, kText, retractable), .argument = kString, .distinct = distinct};
}

std::unique_ptr<Operator> aggregate(std::vector<int> keys, std::vector<AggregateCall> calls) {
  AggregateOptions options{.keys = keys, .key_types = {}, .calls = std::move(calls)};
  for (const int key : keys) options.key_types.push_back(kTypes[static_cast<size_t>(key)]);
  return make_aggregate(std::move(options));
}

WindowAggregateOptions window_options(types::Window window, std::vector<AggregateCall> calls) {
  return {.window = window,
          .time_column = kTime,
          .time_type = kTimestamp,
          .keys = {kString},
          .key_types = {kText},
          .calls = std::move(calls),
          .properties = {WindowProperty::kStart}};
}

types::Window session() {
  types::Window window = types::Window::tumble(types::kMicrosPerSecond);
  window.kind = types::Window::Kind::kSession;
  window.size_us = types::kMicrosPerSecond;
  return window;
}

SessionWindowOptions session_rows() {
  return {.window = types::Window::session(types::kMicrosPerSecond),
          .time_column = kTime,
          .keys = {kKey},
          .key_types = {kBigInt},
          .column_types = kTypes};
}

template <class Options>
Options joined(Options options, bool append_only) {
  options.nulls_match = {false};
  options.output = {0, 1, 2, 3, 4, 5};
  for (JoinInput& input : options.inputs)
    input = {.types = kTypes, .keys = {kKey}, .append_only = append_only, .unique_key = {}};
  return options;
}

std::unique_ptr<Operator> rank(std::optional<int64_t> last, int window_column = -1) {
  RankOptions options{.function = RankFunction::kRowNumber,
                      .schema = kSchema,
                      .partition_by = {window_column < 0 ? kKey : window_column},
                      .order_by = {{.column = kString}},
                      .last = last};
  if (window_column >= 0) options.window = {.column = window_column};
  return make_rank(std::move(options));
}

OverOptions over_options() {
  OverCall count{.aggregate = over("COUNT", true), .type = kBigInt, .takes_back = true};
  count.frame = {.unit = types::Frame::Unit::kRows, .start = {.offset = -1}, .end = {}};
  return {.schema = kSchema, .partition_by = {kKey}, .order_by = {{.column = kTime}}, .calls = {count}};
}

std::unique_ptr<Operator> match() {
  MatchOptions options{.schema = kSchema, .partition_by = {kKey}, .order_by = {{.column = kTime}}};
  options.automaton = std::make_shared<const types::PatternAutomaton>(*types::compile_pattern(types::variable(0)));
  options.variables = {"A"};
  options.definitions.resize(1);
  options.references = {{.variables = 1, .column = kString, .type = kText}};
  options.outputs = {expr::Expr::column(0, kText)};
  return make_match(std::move(options));
}

std::vector<Family> families() {
  using enum Family::Falls;
  const types::Window tumble = types::Window::tumble(types::kMicrosPerSecond);
  return {
      {"aggregate by a number", [] { return aggregate({kKey}, {over("COUNT", true)}); }},
      {"aggregate by a text", [] { return aggregate({kString}, {over("COUNT", true)}); }},
      {"aggregate of distinct texts", [] { return aggregate({}, {over("COUNT", true, true)}); }},
      {"aggregate that keeps all", [] { return aggregate({kKey}, {over("MIN", true), over("STRING_AGG", true)}); }},
      {"window aggregate",
       [=] { return make_window_aggregate(window_options(tumble, {over("COUNT", false)})); },
       {0},
       kByWatermark},
      {"window aggregate of distinct texts",
       [=] { return make_window_aggregate(window_options(tumble, {over("COUNT", false, true)})); },
       {0},
       kByWatermark},
      {"session aggregate",
       [] { return make_session_aggregate(window_options(session(), {over("MIN", false)})); },
       {0},
       kByWatermark},
      {"session aggregate of changes",
       [] { return make_changing_session_aggregate(window_options(session(), {over("MIN", true)})); },
       {0},
       kByWatermark},
      {"session window of changes", [] { return make_changing_session_window(session_rows()); }, {0}, kByWatermark},
      {"session window", [] { return make_session_window(session_rows()); }, {0}, kByWatermark},
      {"inner join", [] { return make_join(joined(JoinOptions{.kind = JoinKind::kInner}, false)); }, {0, 1}},
      {"full join", [] { return make_join(joined(JoinOptions{.kind = JoinKind::kFull}, false)); }, {0, 1}},
      {"interval join",
       [] { return make_interval_join(joined(IntervalJoinOptions{.times = {kTime, kTime}}, true)); },
       {0, 1},
       kByWatermark},
      {"lookup join", [] { return make_lookup_join(joined(LookupJoinOptions{}, false)); }, {1}},
      {"temporal join",
       [] { return make_temporal_join(joined(TemporalJoinOptions{.times = {kTime, kTime}}, true)); },
       {0},
       kByWatermark},
      {"versions",
       [] { return make_temporal_join(joined(TemporalJoinOptions{.times = {kTime, kTime}}, true)); },
       {1},
       kNever},
      {"rank", [] { return rank(std::nullopt); }},
      {"first row", [] { return rank(1); }},
      {"first rows of windows", [] { return rank(2, kTime); }, {0}, kByWatermark},
      {"over", [] { return make_over(over_options()); }},
      {"over in the order of time", [] { return make_over_in_time_order(over_options()); }, {0}, kNever},
      {"match", match, {0}, kByWatermark},
      {"sort", [] { return make_sort({.keys = {{.column = kString}}, .limit = {}, .schema = kSchema}); }, {0}, kNever},
  };
}

TEST(StateBytes, AreWhatTheHeapHolds) {
  for (const Family& family : families()) {
    SCOPED_TRACE(family.name);
    const StateMeter meter;
    const int64_t heap_before = heap_bytes();
    std::unique_ptr<Operator> op = family.make();
    feed(family, *op, 0, RowOp::kInsert);
    const int64_t once = meter.bytes();
    EXPECT_GT(once, kRows * 16);
    feed(family, *op, 1, RowOp::kInsert);
    const int64_t twice = meter.bytes();
    const int64_t heap = heap_bytes() - heap_before;
    EXPECT_GT(twice, once + once / 3);
    EXPECT_LT(twice, 3 * once);
    EXPECT_GT(twice, heap / 2);
    EXPECT_LT(twice, 2 * heap);

    if (family.falls == Family::Falls::kByDeletion) {
      for (const int64_t part : {0, 1}) feed(family, *op, part, RowOp::kDelete);
    } else if (family.falls == Family::Falls::kByWatermark) {
      Dropped out;
      advance(*op, kMaxEventTime, out);
      settle(*op, Epoch(1000));
    }
    if (family.falls != Family::Falls::kNever) {
      EXPECT_LT(meter.bytes(), twice / 4);
      EXPECT_LT(heap_bytes() - heap_before, heap / 2);
    }
    op.reset();
    EXPECT_EQ(meter.bytes(), 0);
  }
}

// Keys come and go for ever, so that the table is never empty: what they have left behind does not add up.
TEST(StateBytes, OfKeysThatComeAndGoStayBounded) {
  const StateMeter meter;
  const Family family{"aggregate", [] { return aggregate({kString}, {over("COUNT", true)}); }};
  const std::unique_ptr<Operator> op = family.make();
  feed(family, *op, 0, RowOp::kInsert);
  feed(family, *op, 1, RowOp::kInsert);
  const int64_t two_parts = meter.bytes();
  for (int64_t part = 2; part < 20; ++part) {
    feed(family, *op, part - 2, RowOp::kDelete);
    feed(family, *op, part, RowOp::kInsert);
  }
  EXPECT_LT(meter.bytes(), 2 * two_parts);
}

}  // namespace
}  // namespace penstock::exec
