// Interval joins over random rows in random disorder, held against plain lists of rows.
#include "exec/operators/interval_join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "exec/operators/changes_test.h"
#include "expr/registry.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;

constexpr JoinKind kKinds[] = {JoinKind::kInner, JoinKind::kLeft, JoinKind::kRight,
                               JoinKind::kFull,  JoinKind::kSemi, JoinKind::kAnti};
enum Columns : uint8_t { kKey, kId, kTime, kColumns };

struct Rule {
  JoinKind kind = JoinKind::kInner;
  int64_t lower = 0;
  int64_t upper = 0;
  bool nulls_match = false;
  bool with_condition = false;  // left id < right id
  bool drops_late = false;
  bool any_late = true;
  int64_t keys = 4;
};

std::unique_ptr<Operator> make(const Rule& rule) {
  IntervalJoinOptions options{.kind = rule.kind,
                              .times = {kTime, kTime},
                              .nulls_match = {rule.nulls_match},
                              .lower_us = rule.lower,
                              .upper_us = rule.upper,
                              .drops_late = rule.drops_late,
                              .output = {0, 1, 2}};
  if (!left_only(rule.kind)) options.output = {0, 1, 2, 3, 4, 5};
  for (JoinInput& input : options.inputs) input = {.types = {kBigInt, kBigInt, kTimestamp}, .keys = {kKey}};
  if (rule.with_condition) {
    options.condition = *expr::bind_call("<", {expr::Expr::column(1, kBigInt), expr::Expr::column(4, kBigInt)});
  }
  return make_interval_join(std::move(options));
}

bool match(const Rule& rule, const IntRow& left, const IntRow& right) {
  if (!left[kTime] || !right[kTime] || left[kKey] != right[kKey] || (!left[kKey] && !rule.nulls_match)) return false;
  const int64_t distance = *right[kTime] - *left[kTime];
  if (distance < rule.lower || distance > rule.upper) return false;
  return !rule.with_condition || *left[kId] < *right[kId];
}

// The join, one row at a time and without any index.
class Plain {
 public:
  explicit Plain(const Rule& rule) : rule_(rule) {}

  void add(Side side, const IntRow& row) {
    if (row[kTime] && rule_.drops_late && *row[kTime] <= watermark_) return;
    Kept added{.row = row, .matched = false};
    for (Kept& other : kept_[exec::other(side)]) {
      Kept& left = side == kLeftSide ? added : other;
      Kept& right = side == kLeftSide ? other : added;
      if (!match(rule_, left.row, right.row)) continue;
      if (!left_only(rule_.kind)) ++weights[beside(left.row, right.row)];
      if (rule_.kind == JoinKind::kSemi && !left.matched) ++weights[left.row];
      left.matched = right.matched = true;
    }
    const bool fits_nothing = !row[kTime] || (!row[kKey] && !rule_.nulls_match);
    if (fits_nothing || is_due(side, row)) {
      leave(side, added);
    } else {
      kept_[side].push_back(added);
    }
  }

  void advance(int64_t watermark) {
    watermark_ = watermark;
    for (const Side side : {kLeftSide, kRightSide}) {
      std::erase_if(kept_[side], [&](const Kept& kept) {
        if (!is_due(side, kept.row)) return false;
        leave(side, kept);
        return true;
      });
    }
  }

  std::map<IntRow, int> weights;

 private:
  struct Kept {
    IntRow row;
    bool matched = false;
  };

  static IntRow beside(const IntRow& left, const IntRow& right) {
    IntRow row = left;
    row.insert(row.end(), right.begin(), right.end());
    return row;
  }
  // Whether every row that may still come is too late for it.
  bool is_due(Side side, const IntRow& row) const {
    return *row[kTime] + (side == kLeftSide ? rule_.upper : -rule_.lower) <= watermark_;
  }
  void leave(Side side, const Kept& kept) {
    if (kept.matched || !emits_alone(rule_.kind, side) || rule_.kind == JoinKind::kSemi) return;
    const IntRow nulls(kColumns);
    if (left_only(rule_.kind)) {
      ++weights[kept.row];
    } else {
      ++weights[side == kLeftSide ? beside(kept.row, nulls) : beside(nulls, kept.row)];
    }
  }

  const Rule rule_;
  int64_t watermark_ = kNever;
  std::vector<Kept> kept_[2];

 public:
  static constexpr int64_t kNever = -1'000'000'000;
};

// Rows as they come out; their times are ahead of the watermark that the operator promises behind it.
class Checked : public Applied {
 public:
  void emit(ChangeBatch batch) override {
    ASSERT_TRUE(batch.append_only());
    for (size_t column = kTime; column < batch.columns().size() && promised; column += kColumns) {
      for (size_t row = 0; row < batch.rows(); ++row) {
        if (batch.column(column)->is_null(row)) continue;
        ASSERT_GT(batch.column(column)->values<int64_t>()[row], promised->value());
      }
    }
    Applied::emit(std::move(batch));
  }
  std::optional<EventTime> promised;
};

void process(Operator& op, Side side, const std::vector<IntRow>& rows, Output& out) {
  columnar::BatchBuilder builder({kBigInt, kBigInt, kTimestamp});
  for (const IntRow& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) {
      builder.column(i).append(row[i] ? types::Value(*row[i]) : types::Value());
    }
    builder.end_row();
  }
  ASSERT_TRUE(op.process(side, builder.finish(), out).has_value());
  while (op.unfinished()) ASSERT_TRUE(op.resume(out).has_value());
}

std::vector<IntRow> random_rows(const Rule& rule, int64_t now, int64_t& next_id, std::mt19937_64& random) {
  std::vector<IntRow> rows;
  const int64_t disorder = rule.any_late ? 60 : 0;  // behind the watermark
  for (size_t count = random() % 30; rows.size() < count;) {
    const int64_t ahead = 1 + static_cast<int64_t>(random() % 40) - static_cast<int64_t>(random() % (disorder + 1));
    IntRow row = {static_cast<int64_t>(random() % static_cast<uint64_t>(rule.keys)), next_id++, now + ahead};
    if (random() % 10 == 0) row[kKey].reset();
    if (random() % 20 == 0) row[kTime].reset();
    rows.push_back(std::move(row));
  }
  return rows;
}

void run(const Rule& rule, uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::unique_ptr<Operator> op = make(rule);
  Checked out;
  Plain plain(rule);
  int64_t now = 1000;
  int64_t next_id = 0;
  for (int step = 0; step < 25; ++step) {
    const Side side = random() % 2 == 0 ? kLeftSide : kRightSide;
    const std::vector<IntRow> rows = random_rows(rule, now, next_id, random);
    for (const IntRow& row : rows) plain.add(side, row);
    if (!rows.empty()) process(*op, side, rows, out);
    if (random() % 3 == 0) {
      now += static_cast<int64_t>(random() % 15);
      plain.advance(now);
      advance(*op, EventTime(now), out);
      if (!rule.any_late) out.promised = op->output_watermark(EventTime(now));
    }
    ASSERT_EQ(out.weights, plain.weights) << "seed " << seed << ", step " << step;
  }
  plain.advance(now + 1000);
  advance(*op, kMaxEventTime, out);
  EXPECT_EQ(out.weights, plain.weights) << "seed " << seed;
  EXPECT_EQ(op->output_watermark(kMaxEventTime), kMaxEventTime);
}

TEST(IntervalJoin, GivesWhatPlainListsGive) {
  uint64_t seed = 1;
  for (const JoinKind kind : kKinds) {
    for (const auto& [lower, upper] : {std::pair<int64_t, int64_t>{-10, 20}, {0, 0}, {5, 15}, {-20, -3}, {9, 2}}) {
      for (const bool flag : {false, true}) {
        run({.kind = kind, .lower = lower, .upper = upper, .with_condition = flag}, seed++);
        run({.kind = kind, .lower = lower, .upper = upper, .nulls_match = flag, .any_late = !flag}, seed++);
        run({.kind = kind, .lower = lower, .upper = upper, .drops_late = true, .keys = flag ? 1 : 20}, seed++);
      }
    }
  }
}

// Without late rows the order in which rows and watermarks come does not matter.
TEST(IntervalJoin, GivesThePairsOfAllRowsInAnyOrder) {
  for (const JoinKind kind : kKinds) {
    const Rule rule{.kind = kind, .lower = -1, .upper = 1};
    std::optional<std::map<IntRow, int>> expected;
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      std::mt19937_64 random(seed);
      std::mt19937_64 same(7);
      std::vector<IntRow> rows[2];
      for (int64_t i = 0; i < 400; ++i) {
        rows[i % 2].push_back({static_cast<int64_t>(same() % 5), i, static_cast<int64_t>(same() % 200)});
      }
      const std::unique_ptr<Operator> op = make(rule);
      Checked out;
      for (auto& side : rows) std::ranges::shuffle(side, random);
      while (!rows[0].empty() || !rows[1].empty()) {
        const Side side = rows[1].empty() || (!rows[0].empty() && random() % 2 == 0) ? kLeftSide : kRightSide;
        std::vector<IntRow> some;
        for (size_t count = 1 + random() % 9; some.size() < count && !rows[side].empty(); rows[side].pop_back()) {
          some.push_back(rows[side].back());
        }
        process(*op, side, some, out);
        int64_t least = 1000;
        for (const auto& of_side : rows) {
          for (const IntRow& row : of_side) least = std::min(least, *row[kTime]);
        }
        advance(*op, EventTime(least - 1), out);
      }
      advance(*op, kMaxEventTime, out);
      if (!expected) expected = out.weights;
      EXPECT_EQ(out.weights, *expected) << "seed " << seed;
    }
    EXPECT_GT(expected->size(), 10U);
  }
}

TEST(IntervalJoin, APartnerOfVeryManyLeavesInPieces) {
  const std::unique_ptr<Operator> op = make({.kind = JoinKind::kFull, .lower = 0, .upper = 10});
  Applied out;
  std::vector<IntRow> rows;
  for (int64_t i = 0; i < 2000; ++i) rows.push_back({1, i, 100});
  for (int i = 0; i < 30; ++i) process(*op, kLeftSide, rows, out);
  process(*op, kRightSide, {{1, 1, 105}, {1, 2, 105}}, out);
  int pairs = 0;
  for (const auto& [row, weight] : out.weights) pairs += weight;
  EXPECT_EQ(pairs, 2 * 60'000);
}

}  // namespace
}  // namespace penstock::exec
