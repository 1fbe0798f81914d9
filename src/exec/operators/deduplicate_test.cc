// Random rows in random disorder: which of them come out, held against what is recomputed with nothing forgotten.
#include "exec/operators/deduplicate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "base/state_memory.h"
#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

constexpr int64_t kWithin = 50;
const types::Schema kSchema = {{"k", kBigInt}, {"id", kBigInt}, {"ts", kTimestamp}, {"watermark", kTimestamp}};

std::unique_ptr<Operator> make() {
  return make_deduplicate(
      {.schema = kSchema, .keys = {0}, .time_column = 2, .watermark_column = 3, .within_us = kWithin, .late = {}});
}

void process(Operator& op, const std::vector<IntRow>& rows, Output& out) {
  columnar::BatchBuilder builder({kBigInt, kBigInt, kTimestamp, kTimestamp});
  for (const IntRow& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) builder.column(i).append(row[i] ? types::Value(*row[i]) : types::Value());
    builder.end_row();
  }
  ASSERT_TRUE(op.process(0, builder.finish(), out).has_value());
}

// What comes out, row by row, with nothing forgotten: of a key the first row, then the first for which the watermark
// has passed the last one that came out.
class Recomputed {
 public:
  bool takes(const IntRow& row) {
    if (!row[2] || (row[3] && *row[2] <= *row[3])) return false;
    const auto last = given_.find(row[0]);
    if (last != given_.end() && !(row[3] && last->second + kWithin <= *row[3])) return false;
    given_[row[0]] = *row[2];
    return true;
  }

 private:
  std::map<std::optional<int64_t>, int64_t> given_;  // the time of each key's last one
};

// Random rows of two splits, each with its own watermark: in any batches, and whenever the operator is told the lesser
// of them, the same come out.
TEST(Deduplicate, GoesByTheWatermarksOfTheRows) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<IntRow> rows;
    std::vector<int64_t> told;  // behind each row
    std::map<IntRow, int> expected;
    Recomputed recomputed;
    // Sparse or dense, and a watermark that is now near to the rows and now far behind them.
    const int64_t delay = std::vector{0, 20, 200}[random() % 3];
    std::optional<int64_t> watermarks[2];
    int64_t now[2] = {1000, 1000};
    for (int64_t id = 0; id < 1000; ++id) {
      const size_t split = random() % 2;
      now[split] += static_cast<int64_t>(random() % 20);
      IntRow row{static_cast<int64_t>(random() % 8), id, now[split] - static_cast<int64_t>(random() % 30),
                 watermarks[split]};
      if (random() % 10 == 0) row[0].reset();
      if (random() % 10 == 0) row[2].reset();
      if (row[2]) watermarks[split] = std::max(watermarks[split].value_or(0), *row[2] - delay);
      if (recomputed.takes(row)) ++expected[row];
      rows.push_back(row);
      told.push_back(std::min(watermarks[0].value_or(0), watermarks[1].value_or(0)));
    }
    for (const size_t rows_max : {1, 7, 100, 1000}) {
      const std::unique_ptr<Operator> op = make();
      Applied out;
      for (size_t at = 0; at < rows.size();) {
        const size_t end = std::min(rows.size(), at + 1 + random() % rows_max);
        process(*op, {rows.begin() + static_cast<ptrdiff_t>(at), rows.begin() + static_cast<ptrdiff_t>(end)}, out);
        if (random() % 2 == 0) advance(*op, EventTime(told[end - 1]), out);
        at = end;
      }
      EXPECT_EQ(out.weights, expected) << "seed " << seed << ", batches of up to " << rows_max;
    }
  }
}

TEST(Deduplicate, AKeyComesAgainWhenTheWatermarkHasPassedIt) {
  const std::unique_ptr<Operator> op = make();
  Applied out;
  process(*op,
          {{1, 10, 500, std::nullopt},
           {1, 11, 600, 549},  // far enough behind it, but it is still known
           {1, 12, 551, 550},  // again
           {1, 13, 700, 600},  // known until 601
           {2, 14, 600, 600},  // late
           {2, 15, std::nullopt, 600},
           {2, 16, 601, 600}},
          out);
  EXPECT_EQ(out.weights,
            (std::map<IntRow, int>{{{1, 10, 500, std::nullopt}, 1}, {{1, 12, 551, 550}, 1}, {{2, 16, 601, 600}, 1}}));
}

// The watermark goes on without a split that is idle: what was known is forgotten then, and what the split still has is
// late.
TEST(Deduplicate, ASplitThatWasIdleRepeatsNothing) {
  const std::unique_ptr<Operator> op = make();
  Applied out;
  process(*op, {{1, 10, 500, std::nullopt}}, out);
  advance(*op, EventTime(600), out);
  process(*op, {{1, 11, 510, 400}, {1, 12, 600, std::nullopt}, {1, 13, 601, 400}, {1, 14, 602, 400}}, out);
  EXPECT_EQ(out.weights, (std::map<IntRow, int>{{{1, 10, 500, std::nullopt}, 1}, {{1, 13, 601, 400}, 1}}));
}

TEST(Deduplicate, KeepsAsMuchAsComesInItsTime) {
  const StateMeter meter;
  const std::unique_ptr<Operator> op = make();
  Applied out;
  int64_t most = 0;
  for (int64_t time = 1; time <= 20 * kWithin; ++time) {
    std::vector<IntRow> rows;
    for (int64_t i = 0; i < 100; ++i) rows.push_back({time * 100 + i, i, time, time - 1});
    process(*op, rows, out);
    advance(*op, EventTime(time), out);
    if (time == 2 * kWithin) most = meter.bytes();
  }
  EXPECT_LE(meter.bytes(), most + most / 4);
}

}  // namespace
}  // namespace penstock::exec
