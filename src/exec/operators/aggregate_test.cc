// Aggregations over random streams of changes, held against maps.
#include "exec/operators/aggregate.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "exec/operators/window_aggregate.h"
#include "expr/aggregate.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

const types::DataType kBigInt = types::TypeKind::kBigInt;
const types::DataType kTimestamp = types::DataType::timestamp(3);

AggregateCall call(std::string_view name, int argument, bool retractable, bool distinct = false) {
  const types::DataType type = argument < 0 ? types::DataType() : kBigInt;
  return {.function = *expr::bind_aggregate(name, type, retractable), .argument = argument, .distinct = distinct};
}

// The rows that the changes of an operator leave; a change that does not fit fails the test.
class Applied : public Output {
 public:
  void emit(ChangeBatch batch) override {
    ASSERT_GT(batch.rows(), 0U);
    ASSERT_LE(batch.rows(), columnar::kBatchRowsMax);
    for (size_t row = 0; row < batch.rows(); ++row) {
      std::vector<std::optional<int64_t>> values;
      for (const columnar::ColumnPtr& column : batch.columns()) {
        values.push_back(column->is_null(row) ? std::nullopt : std::optional(column->values<int64_t>()[row]));
      }
      int& weight = weights[values];
      weight += batch.weight(row);
      if (weight == 0) weights.erase(values);
    }
  }
  std::map<std::vector<std::optional<int64_t>>, int> weights;
};

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

// Every row that is not late when it comes is in the result of its window, which comes exactly once.
TEST(WindowAggregate, RandomTimesFallIntoTheirWindows) {
  constexpr int64_t kSizeUs = 10'000;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    const int64_t offset_us = static_cast<int64_t>(random() % 5) * 1000;
    Counter late;
    std::unique_ptr<Operator> op = make_window_aggregate({.window = {1, kSizeUs, offset_us},
                                                          .time_type = kTimestamp,
                                                          .keys = {0},
                                                          .key_types = {kBigInt},
                                                          .calls = {call("COUNT", -1, false)},
                                                          .properties = {WindowProperty::kStart},
                                                          .late_dropped = &late});
    Applied applied;
    std::map<std::pair<int64_t, int64_t>, int64_t> counts;  // by window and key
    uint64_t expected_late = 0;
    int64_t watermark = std::numeric_limits<int64_t>::min();
    int64_t now = -100'000;
    for (int round = 0; round < 60; ++round) {
      columnar::BatchBuilder builder({kBigInt, kTimestamp});
      for (uint64_t n = 1 + random() % (seed % 5 == 0 ? 2000 : 30); n > 0; --n) {
        const auto key = static_cast<int64_t>(random() % 3000);
        const int64_t time = now + static_cast<int64_t>(random() % 30'000) - 15'000;
        builder.column(0).append_int64(key);
        builder.column(1).append_int64(time);
        builder.end_row();
        int64_t start = offset_us - 1'000'000;
        while (start + kSizeUs <= time) start += kSizeUs;
        if (start + kSizeUs - 1000 <= watermark) {
          ++expected_late;
        } else {
          ++counts[{start, key}];
        }
      }
      ASSERT_TRUE(op->process(0, builder.finish(), applied).has_value());
      now += static_cast<int64_t>(random() % 5'000);
      if (random() % 3 != 0) continue;
      watermark = std::max(watermark, now - 5'000);
      while (*op->on_watermark(EventTime(watermark), applied) == Progress::kMore) {
      }
      for (const auto& [row, weight] : applied.weights) EXPECT_LE(*row[2] + kSizeUs - 1000, watermark);
    }
    while (*op->on_watermark(kMaxEventTime, applied) == Progress::kMore) {
    }
    std::map<std::vector<std::optional<int64_t>>, int> expected;
    for (const auto& [group, count] : counts) expected[{group.second, count, group.first}] = 1;
    ASSERT_EQ(applied.weights, expected) << "seed " << seed;
    EXPECT_EQ(late.value(), expected_late) << "seed " << seed;
  }
}

}  // namespace
}  // namespace penstock::exec
