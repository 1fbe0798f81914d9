#include "connector/scan_transform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "expr/expr.h"
#include "expr/registry.h"

namespace penstock::connector {
namespace {

using types::DataType;
using types::TypeKind;

constexpr int64_t kMilli = types::kMicrosPerMilli;

// What a source emits: each row's number, and the watermark that came before it.
class Told : public exec::SourceOutput {
 public:
  void emit(columnar::ChangeBatch batch) override {
    batches += batch.empty() ? 0 : 1;
    for (size_t row = 0; row < batch.rows(); ++row) {
      rows.emplace_back(batch.column(0)->values<int64_t>()[row], last);
    }
  }
  void watermark(exec::Watermark watermark) override {
    EXPECT_GE(watermark.time, last);
    last = watermark.time;
  }
  std::vector<std::pair<int64_t, EventTime>> rows;
  EventTime last = kMinEventTime;
  size_t batches = 0;
};

// Columns: the row's number, its event time, and what the watermark is made of.
struct Row {
  int64_t number;
  std::optional<int64_t> time;
  std::optional<int64_t> watermark;
};

ScanRequest request(types::WindowEnds ends, bool filter) {
  const DataType time = DataType::timestamp(3);
  ScanRequest r;
  r.watermark = expr::Expr::column(2, time);
  r.time_column = 1;
  r.window_ends = ends;
  if (filter) {
    // Rows 0, 3, 6, ...: the others count for the watermark only.
    const auto column = expr::Expr::column(0, TypeKind::kBigInt);
    const auto literal = [](int64_t v) { return expr::Expr::literal(types::Value(v), TypeKind::kBigInt); };
    r.filter = *expr::bind_call("=", {*expr::bind_call("MOD", {column, literal(3)}), literal(0)});
  }
  return r;
}

columnar::ChangeBatch batch_of(std::span<const Row> rows) {
  columnar::BatchBuilder builder({TypeKind::kBigInt, DataType::timestamp(3), DataType::timestamp(3)});
  for (const Row& row : rows) {
    builder.column(0).append_int64(row.number);
    row.time ? builder.column(1).append_int64(*row.time) : builder.column(1).append_null();
    row.watermark ? builder.column(2).append_int64(*row.watermark) : builder.column(2).append_null();
    builder.end_row();
  }
  return builder.finish();
}

void read(const ScanTransform& transform, SplitWatermarks& watermarks, size_t split, std::span<const Row> rows,
          Told& told) {
  watermarks.emit(split, transform.apply(batch_of(rows), 0, [](size_t, std::string_view) { FAIL(); }), 0, told);
}

// Whatever the batches: a row that the watermark can make late finds the watermark of all rows before it, and any other
// row finds one that does not make it late.
TEST(SplitWatermarksTest, LatenessIsDecidedRowByRow) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t bound) { return static_cast<int64_t>(random() % bound); };
    // Some windows are of local time, and rows of the hours in which it is put back.
    const bool put_back = seed % 5 == 0;
    const int64_t unit = put_back ? types::kMicrosPerMinute : kMilli;
    const int64_t begin = put_back ? 1'792'890'000 * types::kMicrosPerSecond - 120 * unit : 0;
    types::WindowEnds ends;
    if (seed % 3 != 0) ends = {.step_us = (1 + below(20)) * unit, .offset_us = below(20) * unit};
    if (put_back) ends.zone = *types::TimeZone::find("Europe/Berlin");
    const ScanRequest r = request(ends, seed % 4 == 0);
    const ScanTransform transform(r);
    SplitWatermarks watermarks(r, 0);
    watermarks.add(0);
    std::vector<Row> rows;
    const int64_t delay = below(3) * below(20) * unit;
    for (int64_t i = 0; i < 500; ++i) {
      Row row{.number = i, .time = begin + i * unit / 2 - 50 * unit + below(30) * unit, .watermark = {}};
      if (below(3) != 0) row.watermark = *row.time - delay;
      if (below(20) == 0) row.time.reset();
      if (below(20) == 0) row.time = -2 * types::kWindowTimeMaxUs;  // in no window
      rows.push_back(row);
    }
    Told told;
    for (size_t next = 0; next < rows.size();) {
      const size_t end = std::min(rows.size(), next + 1 + random() % (seed % 2 == 0 ? 5 : 200));
      read(transform, watermarks, 0, std::span(rows).subspan(next, end - next), told);
      next = end;
      if (random() % 2 == 0) watermarks.tell(told);
    }
    std::vector<EventTime> before;
    EventTime reached = kMinEventTime;
    for (const Row& row : rows) {
      before.push_back(reached);
      if (row.watermark) reached = std::max(reached, EventTime(*row.watermark));
    }
    ASSERT_EQ(told.rows.size(), seed % 4 == 0 ? 167 : 500);
    for (const auto& [number, watermark] : told.rows) {
      const Row& row = rows[static_cast<size_t>(number)];
      const EventTime expected = before[static_cast<size_t>(number)];
      EXPECT_LE(watermark, expected);
      if (row.time && ends.may_be_late(*row.time, expected.value())) {
        EXPECT_EQ(watermark, expected) << "seed " << seed << ", row " << number;
      }
    }
  }
}

TEST(SplitWatermarksTest, TheNumberOfAReleasedSplitIsGivenAgain) {
  const ScanRequest r = request({}, false);
  SplitWatermarks watermarks(r, 0);
  const size_t first = watermarks.add(0);
  const size_t second = watermarks.add(0);
  watermarks.advance(first, EventTime(10), 0);
  watermarks.advance(second, EventTime(5), 0);
  EXPECT_EQ(watermarks.current().time, EventTime(5));
  watermarks.release(second);
  EXPECT_EQ(watermarks.current().time, EventTime(10)) << "it holds nobody back";
  EXPECT_EQ(watermarks.add(0), second);
  EXPECT_EQ(watermarks.current().time, kMinEventTime) << "as a new one";
  EXPECT_EQ(watermarks.add(0), 2U);
}

TEST(SplitWatermarksTest, RowsInOrderStayTogether) {
  const ScanRequest r = request({.step_us = 1000 * kMilli, .offset_us = 0}, false);
  const ScanTransform transform(r);
  SplitWatermarks watermarks(r, 0);
  watermarks.add(0);
  std::vector<Row> rows;
  for (int64_t i = 0; i < 2000; ++i) {
    const int64_t time = i / 4 * kMilli;  // several have the same time, and the watermark does not wait
    rows.push_back({.number = i, .time = time, .watermark = time});
  }
  Told told;
  read(transform, watermarks, 0, rows, told);
  EXPECT_EQ(told.batches, 1U);
}

// The watermark that each row is told is that of the rows before it, however they are cut.
TEST(SplitWatermarksTest, RowsAreToldTheWatermarkWhenTheyCame) {
  ScanRequest r = request({.step_us = 1000 * kMilli, .offset_us = 0}, false);
  r.physical.resize(3);
  r.metadata.push_back({.key = std::string(kCurrentWatermarkKey), .type = DataType::timestamp(3)});
  const ScanTransform transform(r);
  const std::vector<int64_t> times = {5, 9, 7, 20, 3};
  const std::vector<std::optional<int64_t>> expected = {std::nullopt, 5, 9, 9, 20};
  for (size_t cut = 1; cut <= times.size(); ++cut) {
    SplitWatermarks watermarks(r, 0);
    watermarks.add(0);
    std::vector<std::optional<int64_t>> given;
    for (size_t next = 0; next < times.size(); next += cut) {
      std::vector<Row> rows;
      for (size_t i = next; i < std::min(times.size(), next + cut); ++i) {
        rows.push_back({.number = static_cast<int64_t>(i), .time = times[i] * kMilli, .watermark = times[i] * kMilli});
      }
      columnar::ChangeBatch batch = batch_of(rows);
      std::vector<columnar::ColumnPtr> columns = batch.columns();
      columns.push_back(columnar::Column::constant(DataType::timestamp(3), {}, rows.size()));
      class Output : public exec::SourceOutput {
       public:
        explicit Output(std::vector<std::optional<int64_t>>& given) : given_(given) {}
        void emit(columnar::ChangeBatch out) override {
          const columnar::Column& column = *out.columns().back();
          for (size_t row = 0; row < out.rows(); ++row) {
            given_.push_back(column.is_null(row) ? std::nullopt
                                                 : std::optional(column.values<int64_t>()[row] / kMilli));
          }
        }
        void watermark(exec::Watermark /*watermark*/) override {}

       private:
        std::vector<std::optional<int64_t>>& given_;
      } out(given);
      watermarks.emit(0,
                      transform.apply(columnar::ChangeBatch(rows.size(), std::move(columns)), 0,
                                      [](size_t, std::string_view) { FAIL(); }),
                      0, out);
    }
    EXPECT_EQ(given, expected) << "batches of " << cut;
  }
}

TEST(ScanTransformTest, ARowFarAheadOfTheClockDoesNotMoveTheWatermark) {
  ScanRequest r = request({}, false);
  Counter too_far_ahead;
  r.max_ahead_us = 10 * kMilli;
  r.too_far_ahead = &too_far_ahead;
  const std::vector<Row> rows = {{0, 5 * kMilli, 5 * kMilli},
                                 {1, 111 * kMilli, 111 * kMilli},
                                 {2, 110 * kMilli, 110 * kMilli},
                                 {3, INT64_MAX, INT64_MAX}};
  const auto apply = [&] {
    return ScanTransform(r).apply(batch_of(rows), 100 * kMilli, [](size_t, std::string_view) { FAIL(); });
  };
  const ScanTransform::Result bound = apply();
  EXPECT_EQ(bound.watermark, EventTime(110 * kMilli));
  EXPECT_EQ(bound.batch.rows(), 4U) << "the rows stay";
  EXPECT_EQ(too_far_ahead.value(), 2U);
  r.max_ahead_us = 0;
  EXPECT_EQ(apply().watermark, EventTime(INT64_MAX));
  EXPECT_EQ(too_far_ahead.value(), 2U);
}

// What counts is the watermark over all splits.
TEST(SplitWatermarksTest, ASplitThatLagsKeepsRowsOfOthersFromBeingLate) {
  const ScanRequest r = request({}, false);
  const ScanTransform transform(r);
  SplitWatermarks watermarks(r, 0);
  watermarks.add(0);
  watermarks.add(0);
  Told told;
  const std::vector<Row> jump = {{0, 100 * kMilli, 100 * kMilli}, {1, 50 * kMilli, 50 * kMilli}};
  read(transform, watermarks, 0, jump, told);
  EXPECT_EQ(told.last, kMinEventTime);
  EXPECT_EQ(told.batches, 1U);
  const std::vector<Row> slow = {{2, 20 * kMilli, 20 * kMilli}, {3, 10 * kMilli, 10 * kMilli}};
  read(transform, watermarks, 1, slow, told);
  EXPECT_EQ(told.rows.back().second, EventTime(20 * kMilli));
  EXPECT_EQ(told.batches, 3U);
}

}  // namespace
}  // namespace penstock::connector
