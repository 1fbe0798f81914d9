// The operators behind EMIT: net changes, the complete result, and windows that close.
#include <gtest/gtest.h>

#include <string>

#include "columnar/change_batch.h"
#include "exec/operators/complete_output.h"
#include "exec/operators/emit_on_close.h"
#include "exec/operators/net_changes.h"
#include "exec/operators/text_output_test.h"
#include "types/calendar.h"
#include "types/types_of.h"

namespace penstock::exec {
namespace {

using columnar::batch_from_text;
using types::DataType;

class EmitTest : public testing::Test {
 protected:
  std::vector<DataType> types() const { return types_of(schema_); }
  std::string feed(Operator& op, const std::string& rows) {
    const Status status = op.process(0, batch_from_text(rows, schema_).value(), out_);
    EXPECT_TRUE(status) << status.error().to_string();
    return out_.take();
  }
  std::string barrier(Operator& op) {
    while (true) {
      const Result<Progress> progress = op.on_barrier(Epoch(1), out_);
      if (!progress) return "error " + progress.error().message();
      if (*progress == Progress::kDone) return out_.take();
    }
  }
  std::string watermark(Operator& op, int64_t second) {
    EXPECT_EQ(*op.on_watermark(EventTime(second * types::kMicrosPerSecond), out_), Progress::kDone);
    return out_.take();
  }

  types::Schema schema_ = {{"k", *DataType::parse("BIGINT")}, {"v", *DataType::parse("STRING")}};
  TextOutput out_;
};

TEST_F(EmitTest, NetChangesLeaveAtTheBarrier) {
  const auto op = make_net_changes(types());
  EXPECT_EQ(feed(*op, "+ 1 a"), "");
  EXPECT_EQ(feed(*op, "-U 1 a | +U 1 b | +I 2 c | -D 3 d"), "");
  EXPECT_EQ(feed(*op, "-U 1 b | +U 1 e"), "");
  EXPECT_EQ(barrier(*op), "-D 3 d | +I 2 c | +I 1 e");
  EXPECT_EQ(barrier(*op), "");
  EXPECT_EQ(feed(*op, "+I 2 c | +I 2 c | -D 2 c"), "");
  EXPECT_EQ(barrier(*op), "+I 2 c") << "nothing is left of the epoch before, and equal rows are counted";
  EXPECT_EQ(feed(*op, "+I 7 x | -D 7 x"), "");
  EXPECT_EQ(barrier(*op), "");
}

TEST_F(EmitTest, RowsThatAreNeverTakenBackLeaveAsTheyCame) {
  const auto op = make_net_changes(types());
  feed(*op, "+ 2 b | + 1 a");
  feed(*op, "+ 1 a");
  EXPECT_EQ(barrier(*op), "+I 2 b | +I 1 a | +I 1 a");
}

TEST_F(EmitTest, TheCompleteResultComesAgainWhenSomethingHasChanged) {
  const auto op = make_complete_output(types());
  EXPECT_EQ(barrier(*op), "");
  feed(*op, "+ 1 a | + 2 b");
  EXPECT_EQ(barrier(*op), "+I 2 b | +I 1 a");
  EXPECT_EQ(barrier(*op), "");
  feed(*op, "-U 1 a | +U 1 c | +I 2 b");
  EXPECT_EQ(barrier(*op), "+I 1 c | +I 2 b | +I 2 b");
  feed(*op, "-D 2 b | -D 2 b");
  EXPECT_EQ(barrier(*op), "+I 1 c");
  feed(*op, "-D 1 c");
  EXPECT_EQ(barrier(*op), "");
  feed(*op, "-D 9 z");
  EXPECT_EQ(barrier(*op), "error a row is deleted that is not there");
}

TEST_F(EmitTest, ManyRowsLeaveInBatches) {
  const auto complete = make_complete_output(types());
  const auto net = make_net_changes(types());
  std::string rows;
  for (int i = 0; i < 2000; ++i) rows += fmt::format("{}+I {} x", i == 0 ? "" : " | ", i % 1500);
  for (int i = 0; i < 3; ++i) feed(*complete, rows);
  barrier(*complete);
  EXPECT_EQ(out_.rows, 6000U);
  for (int i = 0; i < 3; ++i) feed(*net, rows);
  feed(*net, "-D 1 x");
  barrier(*net);
  EXPECT_EQ(out_.rows, 6000U + 5999U);
}

class EmitOnCloseTest : public EmitTest {
 protected:
  EmitOnCloseTest() { schema_.push_back({"t", *DataType::parse("TIMESTAMP(3)")}); }
  std::unique_ptr<Operator> make(bool of_end) {
    return make_emit_on_close({.types = types(), .window = {.column = 2, .of_end = of_end, .late_dropped = &late_}});
  }

  Counter late_;
};

TEST_F(EmitOnCloseTest, AWindowComesOnceAtTheBarrierBehindItsEnd) {
  const auto op = make(true);
  feed(*op, "+I 1 a '1970-01-01 00:00:10' | +I 1 b '1970-01-01 00:00:20'");
  EXPECT_EQ(barrier(*op), "");
  feed(*op, "-U 1 a '1970-01-01 00:00:10' | +U 1 c '1970-01-01 00:00:10' | +I 2 x '1970-01-01 00:00:10'");
  EXPECT_EQ(watermark(*op, 9), "");
  EXPECT_EQ(barrier(*op), "");
  EXPECT_EQ(watermark(*op, 10), "");
  EXPECT_EQ(feed(*op, "-D 2 x '1970-01-01 00:00:10'"), "") << "it may still change before the barrier";
  EXPECT_EQ(barrier(*op), "+I 1 c '1970-01-01 00:00:10.000'");
  EXPECT_EQ(feed(*op, "-U 1 c '1970-01-01 00:00:10' | +U 1 d '1970-01-01 00:00:10'"), "");
  EXPECT_EQ(barrier(*op), "") << "it is closed";
  EXPECT_EQ(late_.value(), 2U);
  EXPECT_EQ(watermark(*op, 1000), "");
  EXPECT_EQ(barrier(*op), "+I 1 b '1970-01-01 00:00:20.000'");
}

TEST_F(EmitOnCloseTest, ByTheLastMomentOfTheWindow) {
  const auto op = make(false);
  feed(*op, "+I 1 a '1970-01-01 00:00:09.999' | +I 2 b NULL");
  EXPECT_EQ(late_.value(), 1U) << "a row without a time is in no window";
  EXPECT_EQ(*op->on_watermark(EventTime(9'998'000), out_), Progress::kDone);
  EXPECT_EQ(barrier(*op), "");
  EXPECT_EQ(*op->on_watermark(EventTime(9'999'000), out_), Progress::kDone);
  EXPECT_EQ(barrier(*op), "+I 1 a '1970-01-01 00:00:09.999'");
}

}  // namespace
}  // namespace penstock::exec
