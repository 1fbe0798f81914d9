// What is kept by time, held against plain sorted rows.
#include "exec/operators/timed_side.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "exec/operators/due_rows.h"

namespace penstock::exec {
namespace {

using state::kNoRow;
using state::RowId;

TEST(DueRows, ComeInTheOrderOfTheirTimes) {
  for (const int64_t span : {int64_t{20}, int64_t{5'000}, int64_t{3'000'000}, int64_t{1} << 50}) {
    std::mt19937_64 random(static_cast<uint64_t>(span));
    DueRows queue;
    std::set<TimedRow> expected;
    int64_t now = -5 * span;
    RowId next = 1;
    for (int round = 0; round < 2'000; ++round) {
      for (size_t count = random() % 20; count > 0; --count) {
        const int64_t time = now + static_cast<int64_t>(random() % static_cast<uint64_t>(span)) - span / 4;
        queue.add({time, next});
        expected.insert({time, next++});
      }
      now += static_cast<int64_t>(random() % static_cast<uint64_t>(span / 10 + 1));
      for (size_t count = random() % 25; count > 0 && queue.has_due(now); --count) {
        const TimedRow row = queue.take();
        ASSERT_FALSE(expected.empty());
        ASSERT_EQ(row.time, expected.begin()->time);
        ASSERT_EQ(expected.erase(row), 1U);
      }
      if (!queue.has_due(now)) {
        ASSERT_TRUE(expected.empty() || expected.begin()->time > now);
      }
    }
    while (queue.has_due(std::numeric_limits<int64_t>::max())) ASSERT_EQ(expected.erase(queue.take()), 1U);
    EXPECT_TRUE(expected.empty());
  }
}

TEST(DueRows, ReachTheEndsOfTime) {
  DueRows queue;
  const int64_t least = std::numeric_limits<int64_t>::min();
  const int64_t greatest = std::numeric_limits<int64_t>::max();
  for (const int64_t time : {greatest, int64_t{0}, least, int64_t{-1}}) queue.add({time, 1});
  EXPECT_TRUE(queue.has_due(least));
  for (const int64_t time : {least, int64_t{-1}, int64_t{0}, greatest}) {
    ASSERT_TRUE(queue.has_due(time));
    EXPECT_EQ(queue.take().time, time);
  }
  EXPECT_FALSE(queue.has_due(greatest));
}

// One key with so many rows of so few or so many times that its list has an index, or none.
TEST(TimedSide, FindsRowsByTime) {
  const types::DataType integer(types::TypeKind::kBigInt);
  const JoinLayout layout({.kind = JoinKind::kInner,
                           .types = {{{integer}, {integer}}},
                           .condition = nullptr,
                           .output = {0, 1},
                           .also_stored = {},
                           .context = {}});
  for (const uint64_t span : {1U, 10U, 10'000U}) {
    std::mt19937_64 random(span);
    state::GroupTable groups({integer}, TimedGroup::layout());
    TimedSide side(kLeftSide, layout);
    std::vector<std::pair<int64_t, RowId>> expected;  // by time, then as they came
    int64_t now = 0;
    for (int round = 0; round < 300; ++round) {
      columnar::ColumnBuilder key(integer);
      key.append_int64(7);
      const columnar::ChangeBatch batch(1, {key.finish()});
      std::vector<std::byte*> group;
      groups.find_or_insert(batch.columns(), 1, group);
      side.load(batch);
      for (size_t count = 1 + random() % 8; count > 0; --count) {
        const int64_t time = now + static_cast<int64_t>(random() % span);
        const auto at = std::ranges::upper_bound(expected, time, {}, &std::pair<int64_t, RowId>::first);
        expected.insert(at, {time, side.add(0, time, group[0])});
      }
      const int64_t from = now + static_cast<int64_t>(random() % span);
      std::vector<std::pair<int64_t, RowId>> found;
      for (RowId row = side.lower_bound(group[0], from); row != kNoRow; row = side.next(row)) {
        found.emplace_back(side.time(row), row);
      }
      const auto first = std::ranges::lower_bound(expected, from, {}, &std::pair<int64_t, RowId>::first);
      ASSERT_EQ(found, std::vector(first, expected.end()));
      if (random() % 4 != 0) continue;
      now += static_cast<int64_t>(random() % span / 2 + random() % 2);
      while (side.has_due(now)) {
        for (const RowId row : side.take_due(now, groups)) {
          std::erase_if(expected, [&](const auto& known) { return known.second == row && known.first <= now; });
        }
        side.erase_taken();
      }
      ASSERT_TRUE(expected.empty() || expected.front().first > now);
      ASSERT_EQ(groups.size(), expected.empty() ? 0U : 1U);
      ASSERT_EQ(side.store().size(), expected.size());
    }
  }
}

}  // namespace
}  // namespace penstock::exec
