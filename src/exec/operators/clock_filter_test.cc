// Rows that come and go by the clock, over random rows, changes of them and times, held against what is there by the
// definition.
#include "exec/operators/clock_filter.h"

#include <gtest/gtest.h>

#include <random>

#include "base/state_memory.h"
#include "exec/operators/changes_test.h"
#include "types/calendar.h"

namespace penstock::exec {
namespace {

constexpr int64_t kMilli = types::kMicrosPerMilli;
constexpr int64_t kStart = 1'700'000'000'000 * kMilli;
const types::Schema kSchema = {{"k", kBigInt}, {"from", kTimestamp}, {"until", kTimestamp}};

struct Bounds {
  bool from;
  bool until;
  bool after_from;
  bool through_until;
};

class RandomRun {
 public:
  RandomRun(uint64_t seed, Bounds bounds) : random_(seed), bounds_(bounds) {
    op_ = make_clock_filter({.schema = kSchema,
                             .from = bounds.from ? 1 : -1,
                             .until = bounds.until ? 2 : -1,
                             .after_from = bounds.after_from,
                             .through_until = bounds.through_until,
                             .clock_us = [this](Epoch) { return now_us_; }});
  }

  void run() {
    for (int step = 0; step < 300; ++step) {
      if (below(3) != 0) add_rows();
      now_us_ += below(4) == 0 ? 0 : below(20 * kMilli);
      end_epoch();
      ASSERT_EQ(there_.weights, expected()) << "step " << step;
      const std::optional<int64_t> wake = op_->wake_at_us();
      ASSERT_TRUE(!wake || *wake > now_us_ / kMilli * kMilli);
    }
    for (std::optional<int64_t> wake = op_->wake_at_us(); wake; wake = op_->wake_at_us()) {
      now_us_ = std::max(now_us_, *wake);
      end_epoch();
      ASSERT_EQ(there_.weights, expected());
    }
  }

 private:
  int64_t below(int64_t end) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(end)); }

  void add_rows() {
    columnar::BatchBuilder builder({kBigInt, kTimestamp, kTimestamp});
    for (int64_t i = 0; i <= below(6); ++i) {
      IntRow row{below(3), near(), near()};
      auto op = columnar::RowOp::kInsert;
      if (!rows_.empty() && below(3) == 0) {
        row = std::next(rows_.begin(), below(std::ssize(rows_)))->first;
        op = columnar::RowOp::kDelete;
        if (--rows_[row] == 0) rows_.erase(row);
      } else {
        ++rows_[row];
      }
      for (size_t c = 0; c < row.size(); ++c) {
        row[c] ? builder.column(c).append_int64(*row[c]) : builder.column(c).append_null();
      }
      builder.end_row(op);
    }
    ASSERT_TRUE(op_->process(0, builder.finish(), there_));
  }
  std::optional<int64_t> near() {
    if (below(20) == 0) return std::nullopt;
    return now_us_ / kMilli * kMilli + (below(60) - 20) * kMilli + (below(4) == 0 ? below(kMilli) : 0);
  }

  void end_epoch() {
    for (;;) {
      const Result<Progress> progress = op_->on_barrier(++epoch_, there_);
      ASSERT_TRUE(progress);
      if (*progress == Progress::kDone) return;
    }
  }

  std::map<IntRow, int> expected() const {
    const int64_t now = now_us_ / kMilli * kMilli;
    std::map<IntRow, int> there;
    for (const auto& [row, count] : rows_) {
      const bool has_come = !bounds_.from || (row[1] && (bounds_.after_from ? now > *row[1] : now >= *row[1]));
      const bool has_gone = bounds_.until && (!row[2] || (bounds_.through_until ? now > *row[2] : now >= *row[2]));
      if (has_come && !has_gone) there[row] = count;
    }
    return there;
  }

  std::mt19937_64 random_;
  const Bounds bounds_;
  int64_t now_us_ = kStart;
  Epoch epoch_;
  std::map<IntRow, int> rows_;
  Applied there_;
  std::unique_ptr<Operator> op_;
};

TEST(ClockFilter, RowsAreThereBetweenTheirTimes) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Bounds bounds{seed % 4 != 0, seed % 4 != 1, seed % 3 == 0, seed % 5 < 2};
    RandomRun run(seed, bounds);
    ASSERT_NO_FATAL_FAILURE(run.run()) << "seed " << seed;
  }
}

TEST(ClockFilter, ManyRowsThatGoAtOnceLeaveInPieces) {
  int64_t now_us = kStart;
  const StateMeter meter;
  const auto op = make_clock_filter({.schema = kSchema, .until = 2, .clock_us = [&](Epoch) { return now_us; }});
  Applied there;
  constexpr int64_t kBatches = 5;
  for (int64_t b = 0; b < kBatches; ++b) {
    columnar::BatchBuilder builder({kBigInt, kTimestamp, kTimestamp});
    for (size_t i = 0; i < columnar::kBatchRowsMax; ++i) {
      builder.column(0).append_int64(b * 10'000 + static_cast<int64_t>(i));
      builder.column(1).append_null();
      builder.column(2).append_int64(kStart + kMilli);
      builder.end_row();
    }
    ASSERT_TRUE(op->process(0, builder.finish(), there));
  }
  EXPECT_EQ(there.weights.size(), kBatches * columnar::kBatchRowsMax);
  EXPECT_GT(meter.bytes(), std::ssize(there.weights) * 16);
  EXPECT_EQ(*op->on_barrier(Epoch(1), there), Progress::kDone);
  now_us += kMilli;
  int calls = 0;
  while (*op->on_barrier(Epoch(2), there) == Progress::kMore) ++calls;
  EXPECT_GE(calls, kBatches - 1);
  EXPECT_TRUE(there.weights.empty());
  EXPECT_LT(meter.bytes(), 10'000);
}

}  // namespace
}  // namespace penstock::exec
