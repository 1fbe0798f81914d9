// Aggregations over random streams of changes, held against maps.
#include "exec/operators/aggregate.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>

#include "exec/operators/changes_test.h"

namespace penstock::exec {
namespace {

using columnar::RowOp;

using Rows = std::multiset<std::pair<int64_t, std::optional<int64_t>>>;

// COUNT(*), SUM, MIN, MAX and COUNT(DISTINCT) per key.
std::map<std::vector<std::optional<int64_t>>, int> expected_groups(const Rows& rows) {
  struct Group {
    int64_t count = 0;
    std::optional<int64_t> sum;
    std::set<int64_t> values;
  };
  std::map<int64_t, Group> groups;
  for (const auto& [k, v] : rows) {
    Group& group = groups[k];
    ++group.count;
    if (!v) continue;
    group.sum = group.sum.value_or(0) + *v;
    group.values.insert(*v);
  }
  std::map<std::vector<std::optional<int64_t>>, int> expected;
  for (const auto& [k, group] : groups) {
    std::optional<int64_t> min;
    std::optional<int64_t> max;
    if (!group.values.empty()) {
      min = *group.values.begin();
      max = *group.values.rbegin();
    }
    expected[{k, group.count, group.sum, min, max, static_cast<int64_t>(group.values.size())}] = 1;
  }
  return expected;
}

TEST(Aggregate, RandomChangesLeaveWhatTheRowsGive) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    const bool retractions = seed % 4 != 0;
    const uint64_t keys = seed % 3 == 0 ? 5000 : 7;  // many, so that a barrier's changes need several calls
    std::unique_ptr<Operator> op = make_aggregate(
        {.keys = {0},
         .key_types = {kBigInt},
         .calls = {call("COUNT", -1, retractions), call("SUM", 1, retractions), call("MIN", 1, retractions),
                   call("MAX", 1, retractions), call("COUNT", 1, retractions, true)}});
    Applied applied;
    Rows rows;
    for (int64_t epoch = 1; epoch <= 20; ++epoch) {
      for (uint64_t batches = random() % 4; batches > 0; --batches) {
        columnar::BatchBuilder builder({kBigInt, kBigInt});
        const auto add = [&](const Rows::value_type& row, RowOp row_op) {
          builder.column(0).append_int64(row.first);
          row.second ? builder.column(1).append_int64(*row.second) : builder.column(1).append_null();
          builder.end_row(row_op);
        };
        for (uint64_t n = 1 + random() % (keys > 7 ? 2000 : 60); n > 0; --n) {
          if (retractions && !rows.empty() && random() % 2 == 0) {
            auto row = rows.lower_bound({static_cast<int64_t>(random() % keys), std::nullopt});
            if (row == rows.end()) row = rows.begin();
            add(*row, random() % 2 == 0 ? RowOp::kDelete : RowOp::kUpdateBefore);
            rows.erase(row);
          } else {
            Rows::value_type row(static_cast<int64_t>(random() % keys), std::nullopt);
            if (random() % 8 != 0) row.second = static_cast<int64_t>(random() % 20) - 10;
            add(row, random() % 2 == 0 || !retractions ? RowOp::kInsert : RowOp::kUpdateAfter);
            rows.insert(row);
          }
        }
        ASSERT_TRUE(op->process(0, builder.finish(), applied).has_value());
      }
      while (*op->on_barrier(Epoch(epoch), applied) == Progress::kMore) {
      }
      ASSERT_EQ(applied.weights, expected_groups(rows)) << "seed " << seed << ", epoch " << epoch;
    }
  }
}

}  // namespace
}  // namespace penstock::exec
