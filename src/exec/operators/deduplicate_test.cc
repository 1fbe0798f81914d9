// Random rows in random disorder: which of them come out, held against the times of all rows that have come out.
#include "exec/operators/deduplicate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "base/state_memory.h"
#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

constexpr int64_t kWithin = 50;
const types::Schema kSchema = {{"k", kBigInt}, {"id", kBigInt}, {"ts", kTimestamp}};

std::unique_ptr<Operator> make(bool drops_late) {
  return make_deduplicate(
      {.schema = kSchema, .keys = {0}, .time_column = 2, .within_us = kWithin, .drops_late = drops_late, .late = {}});
}

void process(Operator& op, const std::vector<IntRow>& rows, Output& out) {
  columnar::BatchBuilder builder({kBigInt, kBigInt, kTimestamp});
  for (const IntRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) builder.column(i).append(row[i] ? types::Value(*row[i]) : types::Value());
    builder.end_row();
  }
  ASSERT_TRUE(op.process(0, builder.finish(), out).has_value());
}

// What comes out, row by row: of a key rows that are at least so far from each other.
class Recomputed {
 public:
  bool takes(const IntRow& row) {
    if (!row[2]) return false;
    std::vector<int64_t>& times = times_[row[0]];
    for (const int64_t time : times) {
      if (std::abs(time - *row[2]) < kWithin) return false;
    }
    times.push_back(*row[2]);
    return true;
  }

 private:
  std::map<std::optional<int64_t>, std::vector<int64_t>> times_;
};

void run(uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::unique_ptr<Operator> op = make(true);
  Applied out;
  std::map<IntRow, int> expected;
  Recomputed recomputed;
  int64_t now = 1000;
  int64_t next_id = 0;
  // Sparse or dense, and a watermark that is now near to the rows and now so far behind them that a key has several.
  const int64_t ahead = std::vector{10, 60, 400}[random() % 3];
  advance(*op, EventTime(now), out);
  for (int step = 0; step < 200; ++step) {
    std::vector<IntRow> rows;
    for (size_t count = random() % 10; rows.size() < count;) {
      IntRow row{static_cast<int64_t>(random() % 8), next_id++,
                 now + static_cast<int64_t>(random() % static_cast<uint64_t>(ahead)) - 5};
      if (random() % 10 == 0) row[0].reset();
      if (random() % 10 == 0) row[2].reset();
      rows.push_back(row);
      if (row[2] && *row[2] > now && recomputed.takes(row)) ++expected[row];
    }
    if (!rows.empty()) process(*op, rows, out);
    ASSERT_EQ(out.weights, expected) << "seed " << seed << ", step " << step;
    now += static_cast<int64_t>(random() % 40);
    advance(*op, EventTime(now), out);
  }
}

TEST(Deduplicate, GivesWhatAllTimesTell) {
  for (uint64_t seed = 1; seed <= 60; ++seed) run(seed);
}

// Rows of a few keys in the order of time: in any batches, and with watermarks after any of them, the same come out.
TEST(Deduplicate, DoesNotDependOnBatchesAndWatermarks) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<IntRow> rows;
    std::map<IntRow, int> expected;
    Recomputed recomputed;
    for (int64_t time = 1, id = 0; id < 1000; ++id) {
      rows.push_back({static_cast<int64_t>(random() % 5), id, time += static_cast<int64_t>(random() % 20)});
      if (recomputed.takes(rows.back())) ++expected[rows.back()];
    }
    for (const size_t rows_max : {1, 7, 100, 1000}) {
      const std::unique_ptr<Operator> op = make(true);
      Applied out;
      for (size_t at = 0; at < rows.size();) {
        const size_t end = std::min(rows.size(), at + 1 + random() % rows_max);
        process(*op, {rows.begin() + static_cast<ptrdiff_t>(at), rows.begin() + static_cast<ptrdiff_t>(end)}, out);
        if (random() % 2 == 0) advance(*op, EventTime(*rows[end - 1][2] - 1), out);
        at = end;
      }
      EXPECT_EQ(out.weights, expected) << "seed " << seed << ", batches of up to " << rows_max;
    }
  }
}

TEST(Deduplicate, OfAnInputThatEndsTheSameComesOutAndNothingIsLate) {
  const std::unique_ptr<Operator> op = make(false);
  Applied out;
  process(*op,
          {{1, 10, 500}, {1, 11, 549}, {2, 12, std::nullopt}, {1, 13, 100}, {2, 14, 100}, {1, 15, 550}, {1, 16, 451}},
          out);
  advance(*op, kMaxEventTime, out);
  EXPECT_EQ(out.weights,
            (std::map<IntRow, int>{{{1, 10, 500}, 1}, {{1, 13, 100}, 1}, {{2, 14, 100}, 1}, {{1, 15, 550}, 1}}));
}

TEST(Deduplicate, KeepsAsMuchAsComesInItsTime) {
  const StateMeter meter;
  const std::unique_ptr<Operator> op = make(true);
  Applied out;
  int64_t most = 0;
  for (int64_t time = 1; time <= 20 * kWithin; ++time) {
    std::vector<IntRow> rows;
    for (int64_t i = 0; i < 100; ++i) rows.push_back({time * 100 + i, i, time});
    process(*op, rows, out);
    advance(*op, EventTime(time), out);
    if (time == 2 * kWithin) most = meter.bytes();
  }
  EXPECT_LE(meter.bytes(), most + most / 4);
}

}  // namespace
}  // namespace penstock::exec
