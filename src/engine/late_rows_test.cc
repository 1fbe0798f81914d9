#include "engine/late_rows.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "columnar/column.h"

namespace penstock::engine {
namespace {

using exec::LateReason;
using exec::LateRow;
using types::DataType;
using types::TypeKind;
using types::Value;

LateRowsOptions options() {
  return {.name = "window",
          .schema = {{"n", TypeKind::kBigInt}, {"text", TypeKind::kString}},
          .time_type = DataType::timestamp(3)};
}

columnar::ChangeBatch batch_of(int64_t first, size_t rows, const std::string& text) {
  columnar::BatchBuilder builder({TypeKind::kBigInt, TypeKind::kString});
  for (size_t i = 0; i < rows; ++i) {
    builder.column(0).append_int64(first + static_cast<int64_t>(i));
    builder.column(1).append_string(text);
    builder.end_row();
  }
  return builder.finish();
}

std::vector<LateRow> all_late(size_t rows) {
  std::vector<LateRow> late;
  for (size_t i = 0; i < rows; ++i) late.push_back({.row = static_cast<uint16_t>(i)});
  return late;
}

TEST(LateRowsTest, SaysWhyARowWasLate) {
  LateRowStore store(options());
  const std::vector<LateRow> late = {
      {.row = 1, .reason = LateReason::kWindowClosed, .window = types::TimeSpan{.start = 10, .end = 20}},
      {.row = 2, .reason = LateReason::kInNoWindow}};
  store.add(batch_of(0, 3, "x"), late, EventTime(30));
  store.add(batch_of(7, 1, "y"), std::vector<LateRow>{{.row = 0, .reason = LateReason::kBehindWatermark}},
            kMinEventTime);
  const auto rows = store.rows();
  ASSERT_EQ(rows.size(), 3U);
  const auto text = [](const char* t) { return Value(std::string(t)); };
  const auto number = [](int64_t n) { return Value(n); };
  EXPECT_EQ(rows[0],
            (std::vector<Value>{number(1), text("x"), text("window closed"), number(10), number(20), number(30)}));
  EXPECT_EQ(rows[1], (std::vector<Value>{number(2), text("x"), text("in no window"), {}, {}, number(30)}));
  EXPECT_EQ(rows[2], (std::vector<Value>{number(7), text("y"), text("behind the watermark"), {}, {}, {}}));
  EXPECT_EQ(store.schema().size(), rows[0].size());
}

TEST(LateRowsTest, OfAttachedWindowsOnlyTheEndIsTold) {
  LateRowsOptions of_attached = options();
  of_attached.only_window_end = true;
  LateRowStore store(of_attached);
  store.add(batch_of(0, 1, ""), std::vector<LateRow>{{.row = 0, .window = types::TimeSpan{.start = 19, .end = 20}}},
            EventTime(30));
  EXPECT_TRUE(store.rows()[0][3].is_null());
  EXPECT_EQ(store.rows()[0][4], Value(int64_t{20}));
}

TEST(LateRowsTest, OlderRowsMakeWay) {
  LateRowsOptions few = options();
  few.rows_max = 5;
  LateRowStore store(few);
  for (int64_t first = 0; first < 30; first += 3) store.add(batch_of(first, 3, "x"), all_late(3), EventTime(0));
  ASSERT_EQ(store.rows().size(), 5U);
  EXPECT_EQ(store.rows().front()[0], Value(int64_t{25}));
  EXPECT_EQ(store.rows().back()[0], Value(int64_t{29}));
  store.add(batch_of(100, 8, "x"), all_late(8), EventTime(0));
  ASSERT_EQ(store.rows().size(), 5U);
  EXPECT_EQ(store.rows().front()[0], Value(int64_t{103}));
}

TEST(LateRowsTest, LongRowsMakeWayEarlier) {
  LateRowsOptions small = options();
  small.bytes_max = 10'000;
  LateRowStore store(small);
  for (int64_t n = 0; n < 20; ++n) store.add(batch_of(n, 1, std::string(3'000, 'x')), all_late(1), EventTime(0));
  ASSERT_EQ(store.rows().size(), 3U);
  EXPECT_EQ(store.rows().back()[0], Value(int64_t{19}));
  // One that is too long alone is still the last one.
  store.add(batch_of(50, 1, std::string(30'000, 'x')), all_late(1), EventTime(0));
  ASSERT_EQ(store.rows().size(), 1U);
}

}  // namespace
}  // namespace penstock::engine
