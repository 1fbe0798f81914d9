// Window functions against their definition: for every row, the rows of its frame are picked out of its partition one
// by one, and the function is computed from these.
#include "exec/operators/over.h"

#include <algorithm>
#include <random>

#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using expr::WindowFunctionKind;
using types::Frame;
using types::FrameBound;

// Columns: partition, order, value, id. Every id is there once.
constexpr int kPartition = 0;
constexpr int kOrder = 1;
constexpr int kValue = 2;
constexpr int kId = 3;

types::Schema schema_of(types::DataType order) {
  return {{"k", kBigInt}, {"o", order}, {"v", kBigInt}, {"id", kBigInt}};
}

ChangeBatch batch_of(const std::vector<IntRow>& rows, const std::vector<columnar::RowOp>& ops, types::DataType order) {
  columnar::BatchBuilder builder({kBigInt, order, kBigInt, kBigInt});
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t column = 0; column < 4; ++column) {
      if (rows[i][column]) {
        builder.column(column).append_int64(*rows[i][column]);
      } else {
        builder.column(column).append_null();
      }
    }
    builder.end_row(ops[i]);
  }
  return builder.finish();
}

// --- the definition ---

// The rows of a partition in order, and the number of the group of equal ones that each is in.
struct Sorted {
  std::vector<IntRow> rows;
  std::vector<int64_t> groups;
};

// `rows` are in the order in which they came, which equal ones keep.
Sorted sorted(const std::vector<IntRow>& rows, const SortKey& by) {
  const auto before = [&](const IntRow& a, const IntRow& b) {
    const auto& x = a[kOrder];
    const auto& y = b[kOrder];
    if (x.has_value() != y.has_value()) return x.has_value() != by.nulls_first;
    return x.has_value() && (by.descending ? *x > *y : *x < *y);
  };
  Sorted out;
  for (const IntRow& row : rows) {
    const auto place = std::ranges::find_if(out.rows, [&](const IntRow& other) { return before(row, other); });
    out.rows.insert(place, row);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool same = i > 0 && out.rows[i][kOrder] == out.rows[i - 1][kOrder];
    out.groups.push_back(i == 0 ? 0 : out.groups.back() + (same ? 0 : 1));
  }
  return out;
}

bool at_or_behind_start(const Sorted& all, int64_t row, int64_t other, const Frame& frame, bool descending) {
  if (frame.start.unbounded) return true;
  const int64_t offset = frame.start.offset;
  if (frame.unit == Frame::Unit::kRows) return other >= row + offset;
  const int64_t group = all.groups[static_cast<size_t>(row)];
  const int64_t others = all.groups[static_cast<size_t>(other)];
  if (frame.unit == Frame::Unit::kGroups) return others >= group + offset;
  const auto& key = all.rows[static_cast<size_t>(row)][kOrder];
  const auto& others_key = all.rows[static_cast<size_t>(other)][kOrder];
  if (!key || !others_key || offset == 0) return others >= group;
  return descending ? *others_key <= *key - offset : *others_key >= *key + offset;
}

bool at_or_before_end(const Sorted& all, int64_t row, int64_t other, const Frame& frame, bool descending) {
  if (frame.end.unbounded) return true;
  const int64_t offset = frame.end.offset;
  if (frame.unit == Frame::Unit::kRows) return other <= row + offset;
  const int64_t group = all.groups[static_cast<size_t>(row)];
  const int64_t others = all.groups[static_cast<size_t>(other)];
  if (frame.unit == Frame::Unit::kGroups) return others <= group + offset;
  const auto& key = all.rows[static_cast<size_t>(row)][kOrder];
  const auto& others_key = all.rows[static_cast<size_t>(other)][kOrder];
  if (!key || !others_key || offset == 0) return others <= group;
  return descending ? *others_key >= *key - offset : *others_key <= *key + offset;
}

bool is_excluded(const Sorted& all, int64_t row, int64_t other, Frame::Exclusion exclusion) {
  const bool equal = all.groups[static_cast<size_t>(row)] == all.groups[static_cast<size_t>(other)];
  switch (exclusion) {
    case Frame::Exclusion::kNone: return false;
    case Frame::Exclusion::kCurrentRow: return row == other;
    case Frame::Exclusion::kGroup: return equal;
    case Frame::Exclusion::kTies: return equal && row != other;
  }
  return false;
}

std::optional<int64_t> aggregate(std::string_view name, const std::vector<std::optional<int64_t>>& values) {
  std::vector<int64_t> present;
  for (const auto& value : values) {
    if (value) present.push_back(*value);
  }
  if (name == "COUNT") return static_cast<int64_t>(present.size());
  if (present.empty()) return std::nullopt;
  if (name == "MAX") return std::ranges::max(present);
  int64_t sum = 0;
  for (const int64_t value : present) sum += value;
  return sum;
}

std::optional<int64_t> result_of(const OverCall& call, const Sorted& all, size_t at, bool descending) {
  const auto row = static_cast<int64_t>(at);
  const auto size = static_cast<int64_t>(all.rows.size());
  if (call.function == nullptr || call.function->framed) {
    std::vector<std::optional<int64_t>> values;
    for (int64_t other = 0; other < size; ++other) {
      if (!at_or_behind_start(all, row, other, call.frame, descending)) continue;
      if (!at_or_before_end(all, row, other, call.frame, descending)) continue;
      if (is_excluded(all, row, other, call.frame.exclusion)) continue;
      values.push_back(all.rows[static_cast<size_t>(other)][kValue]);
    }
    if (call.function == nullptr) return aggregate(call.aggregate.function.function->name, values);
    if (call.ignore_nulls) std::erase(values, std::nullopt);
    if (call.function->kind == WindowFunctionKind::kLastValue) return values.empty() ? std::nullopt : values.back();
    const auto n = call.function->kind == WindowFunctionKind::kNthValue ? static_cast<size_t>(call.number) : 1;
    return values.size() < n ? std::nullopt : values[n - 1];
  }
  if (call.function->kind == WindowFunctionKind::kNtile) {
    const int64_t least = size / call.number;
    const int64_t larger = size % call.number;
    int64_t end = 0;
    for (int64_t share = 1;; ++share) {
      end += least + (share <= larger ? 1 : 0);
      if (row < end) return share;
    }
  }
  const int64_t step = call.function->kind == WindowFunctionKind::kLag ? -1 : 1;
  int64_t left = call.number;
  int64_t other = row;
  while (left > 0) {
    other += step;
    if (other < 0 || other >= size) return call.default_value < 0 ? std::nullopt : all.rows[at][kId];
    if (!call.ignore_nulls || all.rows[static_cast<size_t>(other)][kValue]) --left;
  }
  return all.rows[static_cast<size_t>(other)][kValue];
}

// All rows with their results. `rows` are in the order in which they came.
std::map<IntRow, int> expected(const std::vector<IntRow>& rows, const OverOptions& options) {
  std::map<std::optional<int64_t>, std::vector<IntRow>> partitions;
  for (const IntRow& row : rows) partitions[row[kPartition]].push_back(row);
  std::map<IntRow, int> out;
  for (const auto& [key, of_partition] : partitions) {
    const Sorted all = sorted(of_partition, options.order_by.front());
    for (size_t row = 0; row < all.rows.size(); ++row) {
      IntRow with_results = all.rows[row];
      for (const OverCall& call : options.calls) {
        with_results.push_back(result_of(call, all, row, options.order_by.front().descending));
      }
      ++out[with_results];
    }
  }
  return out;
}

// --- random calls and rows ---

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  int64_t below(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(engine_); }
  bool one_in(int64_t n) { return below(n) == 0; }
  std::optional<int64_t> maybe(int64_t end) { return one_in(6) ? std::nullopt : std::optional(below(end)); }

  Frame frame(bool looks_back) {
    Frame frame{.unit = static_cast<Frame::Unit>(below(3)), .exclusion = Frame::Exclusion::kNone};
    if (one_in(2)) frame.exclusion = static_cast<Frame::Exclusion>(below(4));
    frame.start = one_in(3) ? FrameBound{.unbounded = true} : FrameBound{.offset = below(9) - (looks_back ? 8 : 5)};
    frame.end = one_in(4) && !looks_back ? FrameBound{.unbounded = true}
                                         : FrameBound{.offset = below(9) - (looks_back ? 8 : 3)};
    return frame;
  }

  OverCall call(bool looks_back) {
    static constexpr std::string_view kFunctions[] = {"LAG", "FIRST_VALUE", "LAST_VALUE", "NTH_VALUE", "LEAD", "NTILE"};
    OverCall call{.type = kBigInt, .number = 1 + below(3), .frame = frame(looks_back)};
    call.aggregate.argument = kValue;
    if (one_in(2)) {
      static constexpr std::string_view kAggregates[] = {"SUM", "MAX", "COUNT"};
      const bool only_grows = call.frame.start.unbounded && call.frame.exclusion == Frame::Exclusion::kNone;
      call.takes_back = !only_grows && one_in(2);
      call.aggregate = exec::call(kAggregates[below(3)], kValue, call.takes_back);
      return call;
    }
    call.function = expr::find_window_function(kFunctions[below(looks_back ? 4 : 6)]);
    call.ignore_nulls = one_in(2);
    if (call.function->kind == WindowFunctionKind::kNtile) call.type = types::TypeKind::kInt;
    if (!call.function->framed && call.function->takes_nulls && one_in(2)) call.default_value = kId;
    return call;
  }

 private:
  std::mt19937 engine_;
};

OverOptions random_options(Random& random, bool in_time_order) {
  OverOptions options{.schema = schema_of(in_time_order ? kTimestamp : kBigInt), .partition_by = {kPartition}};
  const bool descending = !in_time_order && random.one_in(2);
  options.order_by = {{.column = kOrder, .descending = descending, .nulls_first = random.one_in(2)}};
  const int64_t calls = 1 + random.below(3);
  for (int64_t i = 0; i < calls; ++i) options.calls.push_back(random.call(in_time_order));
  return options;
}

void finish_epoch(Operator& op, Output& out) {
  for (;;) {
    Result<Progress> progress = op.on_barrier(Epoch(1), out);
    ASSERT_TRUE(progress.has_value());
    if (*progress == Progress::kDone) return;
  }
}

TEST(OverTest, AnyCallsOverRowsThatComeAndGo) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const OverOptions options = random_options(random, false);
    const std::unique_ptr<Operator> op = make_over(options);
    std::vector<IntRow> there;
    Applied applied;
    int64_t next_id = 0;
    for (int epoch = 0; epoch < 12; ++epoch) {
      std::vector<IntRow> rows;
      std::vector<columnar::RowOp> ops;
      for (int64_t i = random.below(8); i >= 0; --i) {
        if (!there.empty() && random.one_in(3)) {
          const auto gone = there.begin() + random.below(static_cast<int64_t>(there.size()));
          rows.push_back(*gone);
          ops.push_back(columnar::RowOp::kDelete);
          there.erase(gone);
        } else {
          rows.push_back({random.below(2), random.maybe(10), random.maybe(100), next_id++});
          ops.push_back(columnar::RowOp::kInsert);
          there.push_back(rows.back());
        }
      }
      ASSERT_TRUE(op->process(0, batch_of(rows, ops, kBigInt), applied).has_value());
      finish_epoch(*op, applied);
      ASSERT_EQ(applied.weights, expected(there, options));
    }
  }
}

// Equal rows cancel out, and rows change places with equal ones.
TEST(OverTest, EqualRowsThatComeAndGo) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    OverOptions options{.schema = schema_of(kBigInt), .partition_by = {kPartition}};
    options.order_by = {{.column = kOrder}};
    options.calls = {{.aggregate = call("MAX", kValue, false), .type = kBigInt}};
    options.calls[0].frame = Frame::whole();
    const std::unique_ptr<Operator> op = make_over(options);
    std::vector<IntRow> there;
    Applied applied;
    for (int epoch = 0; epoch < 12; ++epoch) {
      std::vector<IntRow> rows;
      std::vector<columnar::RowOp> ops;
      for (int64_t i = random.below(12); i >= 0; --i) {
        if (!there.empty() && random.one_in(2)) {
          const auto gone = there.begin() + random.below(static_cast<int64_t>(there.size()));
          rows.push_back(*gone);
          ops.push_back(columnar::RowOp::kDelete);
          there.erase(gone);
        } else {
          const int64_t value = random.below(4);
          rows.push_back({0, value, value, 0});
          ops.push_back(columnar::RowOp::kInsert);
          there.push_back(rows.back());
        }
      }
      ASSERT_TRUE(op->process(0, batch_of(rows, ops, kBigInt), applied).has_value());
      finish_epoch(*op, applied);
      ASSERT_EQ(applied.weights, expected(there, options));
    }
  }
}

TEST(OverTest, AnyCallsInTheOrderOfTime) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const OverOptions options = random_options(random, true);
    const std::unique_ptr<Operator> op = make_over_in_time_order(options);
    std::vector<IntRow> accepted;
    Applied applied;
    int64_t next_id = 0;
    int64_t watermark = -1;
    advance(*op, EventTime(watermark), applied);
    for (int step = 0; step < 12; ++step) {
      std::vector<IntRow> rows;
      for (int64_t i = random.below(10); i >= 0; --i) {
        std::optional<int64_t> time;
        if (!random.one_in(20)) time = watermark - 3 + random.below(15);
        rows.push_back({random.below(2), time, random.maybe(100), next_id++});
        if (time && *time > watermark) accepted.push_back(rows.back());
      }
      const std::vector<columnar::RowOp> ops(rows.size(), columnar::RowOp::kInsert);
      ASSERT_TRUE(op->process(0, batch_of(rows, ops, kTimestamp), applied).has_value());
      watermark += random.below(8);
      advance(*op, EventTime(watermark), applied);
      std::map<IntRow, int> due = expected(accepted, options);
      std::erase_if(due, [&](const auto& entry) { return *entry.first[kOrder] > watermark; });
      ASSERT_EQ(applied.weights, due);
    }
    advance(*op, kMaxEventTime, applied);
    ASSERT_EQ(applied.weights, expected(accepted, options));
  }
}

TEST(OverTest, CountsLateRows) {
  Counter late;
  OverOptions options{.schema = schema_of(kTimestamp), .partition_by = {kPartition}, .late = {.dropped = &late}};
  options.order_by = {{.column = kOrder}};
  options.calls = {{.aggregate = call("COUNT", -1, false), .type = kBigInt}};
  const std::unique_ptr<Operator> op = make_over_in_time_order(options);
  Applied applied;
  advance(*op, EventTime(10), applied);
  const std::vector<IntRow> rows = {{1, 10, 1, 1}, {1, 11, 1, 2}, {1, std::nullopt, 1, 3}};
  ASSERT_TRUE(op->process(0, batch_of(rows, {3, columnar::RowOp::kInsert}, kTimestamp), applied).has_value());
  advance(*op, kMaxEventTime, applied);
  EXPECT_EQ(applied.weights, (std::map<IntRow, int>{{{1, 11, 1, 2, 1}, 1}}));
  EXPECT_EQ(late.value(), 2U);
}

// Aggregates that say how much they have to do: SUM, by kernels of a test's own.
struct Work {
  int64_t updates = 0;  // rows
  int64_t merges = 0;
  int64_t states = 0;  // that there are
};
Work work;

expr::AggregateKernels counted_sum(bool with_destroy) {
  using State = expr::AggregateKernels::State;
  static constexpr auto kSumOf = [](State state) -> int64_t& { return *reinterpret_cast<int64_t*>(state); };
  expr::AggregateKernels kernels{.state_bytes = sizeof(int64_t), .state_align = alignof(int64_t)};
  kernels.init = [](State /*state*/, const expr::AggregateParameters& /*parameters*/) { ++work.states; };
  if (with_destroy) kernels.destroy = [](State /*state*/) { --work.states; };
  kernels.retracts = with_destroy;
  kernels.update = [](std::span<const State> states, const columnar::Column* argument, const int8_t* weights) {
    for (size_t i = 0; i < states.size(); ++i) {
      kSumOf(states[i]) += (weights == nullptr ? 1 : weights[i]) * argument->values<int64_t>()[i];
      ++work.updates;
    }
  };
  kernels.merge = [](std::span<const State> into, std::span<const State> from) {
    for (size_t i = 0; i < into.size(); ++i) kSumOf(into[i]) += kSumOf(from[i]);
    work.merges += static_cast<int64_t>(into.size());
  };
  kernels.result = [](std::span<const State> states, ColumnBuilder& out) {
    for (const State state : states) out.append_int64(kSumOf(state));
  };
  return kernels;
}

// RANGE BETWEEN `reach` PRECEDING AND CURRENT ROW.
OverOptions counted_sum_over(int64_t reach, bool takes_back) {
  OverOptions options{.schema = schema_of(kTimestamp), .partition_by = {kPartition}};
  options.order_by = {{.column = kOrder}};
  options.calls = {{.aggregate = call("SUM", kValue, takes_back), .type = kBigInt, .takes_back = takes_back}};
  options.calls[0].frame = {.unit = Frame::Unit::kRange, .start = {.offset = -reach}, .end = {}};
  options.calls[0].aggregate.function.kernels = counted_sum(takes_back);
  return options;
}

// The watermark moves with every row, so that each comes out by itself.
TEST(OverTest, ALongFrameTakesNoMoreWorkThanAShortOne) {
  constexpr int64_t kRows = 2000;
  for (const bool takes_back : {false, true}) {
    for (const int64_t reach : {3, 1000}) {
      SCOPED_TRACE(fmt::format("{} {}", takes_back, reach));
      const std::unique_ptr<Operator> op = make_over_in_time_order(counted_sum_over(reach, takes_back));
      Applied applied;
      work = {};
      for (int64_t i = 0; i < kRows; ++i) {
        ASSERT_TRUE(op->process(0, batch_of({{1, i, i % 7, i}}, {columnar::RowOp::kInsert}, kTimestamp), applied));
        advance(*op, EventTime(i), applied);
      }
      EXPECT_LE(work.updates, 2 * kRows);
      EXPECT_LE(work.merges, 2 * kRows);
      for (int64_t i = 0; i < kRows; ++i) {
        int64_t sum = 0;
        for (int64_t j = std::max<int64_t>(0, i - reach); j <= i; ++j) sum += j % 7;
        ASSERT_EQ(applied.weights.count({1, i, i % 7, i, sum}), 1U) << i;
      }
    }
  }
}

// The same for all rows at once.
TEST(OverTest, ALongFrameOverRowsThatComeAndGoTakesNoMoreWorkThanAShortOne) {
  constexpr int64_t kRows = 2000;
  for (const bool takes_back : {false, true}) {
    const std::unique_ptr<Operator> op = make_over(counted_sum_over(1000, takes_back));
    Applied applied;
    work = {};
    std::vector<IntRow> rows;
    for (int64_t i = 0; i < kRows; ++i) rows.push_back({1, i, i % 7, i});
    ASSERT_TRUE(op->process(0, batch_of(rows, {kRows, columnar::RowOp::kInsert}, kTimestamp), applied));
    finish_epoch(*op, applied);
    EXPECT_LE(work.updates, 2 * kRows);
    EXPECT_LE(work.merges, 2 * kRows);
    EXPECT_EQ(applied.weights.size(), static_cast<size_t>(kRows));
  }
}

TEST(OverTest, WhatNoLaterRowCanReachGoesWithoutOne) {
  const std::unique_ptr<Operator> op = make_over_in_time_order(counted_sum_over(10, true));
  Applied applied;
  work = {};
  std::vector<IntRow> rows;
  for (int64_t partition = 0; partition < 50; ++partition) rows.push_back({partition, 100, partition, partition});
  ASSERT_TRUE(op->process(0, batch_of(rows, {50, columnar::RowOp::kInsert}, kTimestamp), applied));
  advance(*op, EventTime(100), applied);
  EXPECT_EQ(applied.weights.size(), 50U);
  EXPECT_EQ(work.states, 50);
  ASSERT_TRUE(op->process(0, batch_of({{7, 110, 1, 50}}, {columnar::RowOp::kInsert}, kTimestamp), applied));
  advance(*op, EventTime(109), applied);
  EXPECT_EQ(work.states, 50) << "a row with the time 110 reaches them";
  advance(*op, EventTime(110), applied);
  EXPECT_EQ(work.states, 1) << "of the partition that goes on";
  EXPECT_EQ(applied.weights.count({7, 110, 1, 50, 8}), 1U);
  ASSERT_TRUE(op->process(0, batch_of({{7, 125, 2, 51}}, {columnar::RowOp::kInsert}, kTimestamp), applied));
  advance(*op, EventTime(130), applied);
  EXPECT_EQ(applied.weights.count({7, 125, 2, 51, 2}), 1U);
  advance(*op, EventTime(135), applied);
  EXPECT_EQ(work.states, 0);
}

TEST(OverTest, PartitionsLargerThanABatch) {
  OverOptions options{.schema = schema_of(kTimestamp), .partition_by = {kPartition}};
  options.order_by = {{.column = kOrder}};
  options.calls = {{.aggregate = call("SUM", kValue, true), .type = kBigInt, .takes_back = true}};
  options.calls[0].frame = {.unit = Frame::Unit::kRows, .start = {.offset = -2}, .end = {}};
  for (const bool in_time_order : {false, true}) {
    const std::unique_ptr<Operator> op = in_time_order ? make_over_in_time_order(options) : make_over(options);
    Applied applied;
    std::vector<IntRow> all;
    for (int64_t batch = 0; batch < 20; ++batch) {
      std::vector<IntRow> rows;
      for (int64_t i = 0; i < 1000; ++i) rows.push_back({1, batch * 1000 + i, i % 7, batch * 1000 + i});
      const std::vector<columnar::RowOp> ops(rows.size(), columnar::RowOp::kInsert);
      ASSERT_TRUE(op->process(0, batch_of(rows, ops, kTimestamp), applied).has_value());
      all.insert(all.end(), rows.begin(), rows.end());
    }
    finish_epoch(*op, applied);
    advance(*op, kMaxEventTime, applied);
    ASSERT_EQ(applied.weights.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      IntRow row = all[i];
      int64_t sum = 0;
      for (size_t j = i < 2 ? 0 : i - 2; j <= i; ++j) sum += *all[j][kValue];
      row.push_back(sum);
      ASSERT_EQ(applied.weights.count(row), 1U) << i;
    }
  }
}

}  // namespace
}  // namespace penstock::exec
