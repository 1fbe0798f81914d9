// Random rows in random disorder: which of them come out, held against a plain map of the keys that are known.
#include "exec/operators/deduplicate.h"

#include <gtest/gtest.h>

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

void run(uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::unique_ptr<Operator> op = make(true);
  Applied out;
  std::map<IntRow, int> expected;
  std::map<std::optional<int64_t>, int64_t> known;  // until when
  int64_t now = 1000;
  int64_t next_id = 0;
  advance(*op, EventTime(now), out);
  for (int step = 0; step < 200; ++step) {
    std::vector<IntRow> rows;
    for (size_t count = random() % 10; rows.size() < count;) {
      IntRow row{static_cast<int64_t>(random() % 8), next_id++, now + static_cast<int64_t>(random() % 60) - 15};
      if (random() % 10 == 0) row[0].reset();
      if (random() % 10 == 0) row[2].reset();
      rows.push_back(row);
      if (!row[2] || *row[2] <= now || known.contains(row[0])) continue;
      known[row[0]] = *row[2] + kWithin;
      ++expected[row];
    }
    if (!rows.empty()) process(*op, rows, out);
    ASSERT_EQ(out.weights, expected) << "seed " << seed << ", step " << step;
    now += static_cast<int64_t>(random() % 12);
    advance(*op, EventTime(now), out);
    std::erase_if(known, [&](const auto& key) { return key.second <= now; });
  }
}

TEST(Deduplicate, GivesWhatAPlainMapGives) {
  for (uint64_t seed = 1; seed <= 30; ++seed) run(seed);
}

TEST(Deduplicate, OfAnInputThatEndsTheFirstRowOfEachKeyComesOut) {
  const std::unique_ptr<Operator> op = make(false);
  Applied out;
  process(*op, {{1, 10, 500}, {1, 11, 900}, {2, 12, std::nullopt}, {1, 13, 100}, {2, 14, 100}}, out);
  advance(*op, kMaxEventTime, out);
  EXPECT_EQ(out.weights, (std::map<IntRow, int>{{{1, 10, 500}, 1}, {{2, 12, std::nullopt}, 1}}));
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
