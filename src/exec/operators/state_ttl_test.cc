// State with a time to live: what is idle is forgotten and begins anew, what is deleted of it is ignored, and its
// memory is given back.
#include "exec/operators/state_ttl.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "base/state_memory.h"
#include "exec/operators/aggregate.h"
#include "exec/operators/changes_test.h"
#include "exec/operators/join.h"
#include "exec/operators/normalize.h"
#include "exec/operators/over.h"
#include "exec/operators/rank.h"
#include "types/calendar.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

constexpr int64_t kSecond = types::kMicrosPerSecond;
constexpr int64_t kTtl = 10 * kSecond;
const types::Schema kSchema = {{"k", kBigInt}, {"v", kBigInt}};

struct Change {
  int64_t k;
  int64_t v;
  RowOp op = RowOp::kInsert;
};

ChangeBatch batch_of(const std::vector<Change>& changes) {
  columnar::BatchBuilder builder({kBigInt, kBigInt});
  for (const Change& change : changes) {
    builder.column(0).append_int64(change.k);
    builder.column(1).append_int64(change.v);
    builder.end_row(change.op);
  }
  return builder.finish();
}

// An operator, its clock, and what has come out of it since it was last asked.
class TimedRun {
 public:
  using Make = std::function<std::unique_ptr<Operator>(const StateTtl& ttl)>;
  explicit TimedRun(const Make& make) : op_(make({.us = kTtl, .now_us = [this] { return now_us_; }})) {}

  void add(const std::vector<Change>& changes, int port = 0) { add(batch_of(changes), port); }
  void add(const ChangeBatch& batch, int port = 0) {
    ASSERT_TRUE(op_->process(port, batch, out_));
    while (op_->unfinished()) ASSERT_TRUE(op_->resume(out_));
  }
  void end_epoch() {
    for (;;) {
      const Result<Progress> progress = op_->on_barrier(++epoch_, out_);
      ASSERT_TRUE(progress);
      if (*progress == Progress::kDone) return;
    }
  }
  void reach(int64_t watermark) { advance(*op_, EventTime(watermark), out_); }
  // The clock goes on, and epochs come where the operator asks for one.
  void pass(int64_t us) {
    const int64_t end = now_us_ + us;
    for (std::optional<int64_t> wake = op_->wake_at_us(); wake && *wake <= end; wake = op_->wake_at_us()) {
      now_us_ = std::max(now_us_ + 1, *wake);
      end_epoch();
    }
    now_us_ = end;
  }
  // The clock goes on, and nothing else happens.
  void set_clock_on(int64_t us) { now_us_ += us; }
  std::map<IntRow, int> take() { return std::exchange(out_.weights, {}); }
  bool wakes() const { return op_->wake_at_us().has_value(); }

 private:
  int64_t now_us_ = 1'700'000'000 * kSecond;
  Epoch epoch_;
  Applied out_;
  std::unique_ptr<Operator> op_;
};

TimedRun::Make aggregate() {
  return [](const StateTtl& ttl) {
    return make_aggregate({.keys = {0},
                           .key_types = {kBigInt},
                           .calls = {call("COUNT", -1, true), call("SUM", 1, true), call("COUNT", 1, true, true)},
                           .ttl = ttl});
  };
}

// The first row of each key by its value.
TimedRun::Make rank(bool append_only = true) {
  return [append_only](const StateTtl& ttl) {
    return make_rank({.schema = kSchema,
                      .partition_by = {0},
                      .order_by = {{.column = 1, .descending = false, .nulls_first = true}},
                      .last = 1,
                      .with_rank = false,
                      .input_append_only = append_only,
                      .ttl = ttl});
  };
}

TimedRun::Make join(JoinKind kind, bool append_only, bool both = true) {
  return [=](const StateTtl& ttl) {
    const JoinInput input{.types = {kBigInt, kBigInt}, .keys = {0}, .append_only = append_only, .unique_key = {}};
    return make_join({.kind = kind,
                      .inputs = {input, input},
                      .nulls_match = {false},
                      .condition = nullptr,
                      .output = left_only(kind) ? std::vector<int>{0, 1} : std::vector<int>{0, 1, 3},
                      .ttl = {ttl, both ? ttl : StateTtl()}});
  };
}

// How many rows each key has, up to the row in the order of its values.
TimedRun::Make over(bool in_time_order) {
  return [in_time_order](const StateTtl& ttl) {
    OverOptions options{.schema = kSchema,
                        .partition_by = {0},
                        .order_by = {{.column = 1, .descending = false, .nulls_first = true}},
                        .calls = {{.aggregate = call("COUNT", -1, true), .type = kBigInt}},
                        .ttl = ttl};
    return in_time_order ? make_over_in_time_order(std::move(options)) : make_over(std::move(options));
  };
}

TimedRun::Make normalize() {
  return [](const StateTtl& ttl) { return make_normalize({.schema = kSchema, .keys = {0}, .ttl = ttl}); };
}

ChangeBatch event(int64_t k, int64_t v, bool gone) {
  const ChangeBatch row = batch_of({{k, v}});
  std::vector<columnar::ColumnPtr> columns = row.columns();
  columns.push_back(columnar::Column::constant(types::TypeKind::kBoolean, types::Value(gone), 1));
  return {1, std::move(columns)};
}

TEST(StateTtl, AGroupThatIsIdleBeginsAnew) {
  for (const bool swept : {false, true}) {
    TimedRun run(aggregate());
    run.add({{1, 5}, {1, 6}, {2, 7}});
    run.end_epoch();
    run.pass(6 * kSecond);
    run.add({{2, 8}});
    run.end_epoch();
    run.take();
    swept ? run.pass(5 * kSecond) : run.set_clock_on(5 * kSecond);
    run.add({{1, 50}, {2, 9}});
    run.end_epoch();
    // Nothing is taken back of key 1; key 2 has been updated in between.
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 1, 50, 1}, 1}, {{2, 2, 15, 2}, -1}, {{2, 3, 24, 3}, 1}}))
        << swept;
  }
}

TEST(StateTtl, AGroupLivesForAllOfItsTime) {
  TimedRun run(aggregate());
  run.add({{1, 5}});
  run.end_epoch();
  run.pass(kTtl);
  run.take();
  run.add({{1, 6}});
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 1, 5, 1}, -1}, {{1, 2, 11, 2}, 1}}));
}

TEST(StateTtl, WhatIsDeletedOfAForgottenGroupIsIgnored) {
  TimedRun run(aggregate());
  run.add({{1, 5}, {1, 6}});
  run.end_epoch();
  run.pass(kTtl + kSecond);
  run.take();
  run.add({{1, 5, RowOp::kDelete}});
  run.end_epoch();
  EXPECT_TRUE(run.take().empty());
  EXPECT_FALSE(run.wakes()) << "no group is left";
  run.add({{1, 6, RowOp::kUpdateBefore}, {1, 9, RowOp::kUpdateAfter}});
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 1, 9, 1}, 1}}));
}

TEST(StateTtl, AKeyIsDistinctAgainAfterItsTime) {
  for (const bool swept : {false, true}) {
    TimedRun run(rank());
    run.add({{1, 5}});
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 5}, 1}}));
    run.pass(6 * kSecond);
    run.add({{1, 6}});  // changes nothing, and so does not let the key live longer
    run.end_epoch();
    EXPECT_TRUE(run.take().empty());
    swept ? run.pass(5 * kSecond) : run.set_clock_on(5 * kSecond);
    run.add({{1, 7}});
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 7}, 1}})) << swept;
  }
}

TEST(StateTtl, ARankIgnoresDeletionsOfWhatItHasForgotten) {
  TimedRun run(rank(false));
  run.add({{1, 5}, {1, 6}});
  run.end_epoch();
  run.pass(kTtl + kSecond);
  run.take();
  run.add({{1, 5, RowOp::kDelete}});
  run.end_epoch();
  EXPECT_TRUE(run.take().empty());
  EXPECT_FALSE(run.wakes());
  run.add({{1, 8}});
  run.add({{1, 6, RowOp::kDelete}});
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 8}, 1}}));
}

TEST(StateTtl, AnInnerJoinForgetsRowByRow) {
  for (const bool append_only : {true, false}) {
    TimedRun run(join(JoinKind::kInner, append_only));
    run.add({{1, 10}}, 0);
    run.end_epoch();
    run.pass(6 * kSecond);
    run.add({{1, 11}}, 0);
    run.end_epoch();
    run.pass(6 * kSecond);
    run.add({{1, 100}}, 1);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 11, 100}, 1}})) << append_only;
    run.pass(6 * kSecond);
    run.add({{1, 12}}, 0);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 12, 100}, 1}})) << append_only;
    if (append_only) continue;
    run.add({{1, 10, RowOp::kDelete}, {1, 12, RowOp::kDelete}}, 0);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 12, 100}, -1}}));
  }
}

TEST(StateTtl, ASideWithoutATimeKeepsItsRows) {
  TimedRun run(join(JoinKind::kInner, true, false));
  run.add({{1, 10}}, 0);
  run.add({{1, 100}}, 1);
  run.end_epoch();
  run.pass(3 * kTtl);
  run.take();
  run.add({{1, 101}}, 1);
  run.add({{1, 11}}, 0);
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 11, 100}, 1}, {{1, 11, 101}, 1}}));
}

TEST(StateTtl, AnOuterJoinForgetsAKeyOfWhichAllIsIdle) {
  TimedRun run(join(JoinKind::kLeft, false));
  run.add({{1, 10}, {2, 20}}, 0);
  run.add({{1, 100}}, 1);
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 10, 100}, 1}, {{2, 20, std::nullopt}, 1}}));
  run.pass(6 * kSecond);
  run.add({{1, 11}}, 0);
  run.end_epoch();
  run.take();
  run.pass(6 * kSecond);
  // Of key 1 nothing is forgotten yet; of key 2 all is.
  run.add({{1, 101}, {2, 200}}, 1);
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 10, 101}, 1}, {{1, 11, 101}, 1}}));
  run.pass(2 * kTtl);
  run.add({{1, 101, RowOp::kDelete}}, 1);
  run.end_epoch();
  EXPECT_TRUE(run.take().empty());
  EXPECT_FALSE(run.wakes());
}

TEST(StateTtl, ASemiJoinForgetsAKeyOfWhichAllIsIdle) {
  for (const bool append_only : {true, false}) {
    TimedRun run(join(JoinKind::kSemi, append_only));
    run.add({{1, 10}, {2, 20}, {3, 30}}, 0);
    run.add({{1, 100}, {2, 200}}, 1);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 10}, 1}, {{2, 20}, 1}})) << append_only;
    run.pass(6 * kSecond);
    run.add({{2, 201}}, 1);
    run.end_epoch();
    run.pass(6 * kSecond);
    run.add({{1, 11}, {2, 21}}, 0);
    run.add({{3, 300}}, 1);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{2, 21}, 1}})) << append_only;
    run.pass(2 * kTtl);
    EXPECT_FALSE(run.wakes()) << append_only;
    if (append_only) continue;
    run.add({{2, 200, RowOp::kDelete}}, 1);
    run.end_epoch();
    EXPECT_TRUE(run.take().empty());
  }
}

TEST(StateTtl, AnAntiJoinForgetsAKeyOfWhichAllIsIdle) {
  TimedRun run(join(JoinKind::kAnti, true));
  run.add({{1, 10}, {2, 20}}, 0);
  run.add({{1, 100}}, 1);
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{2, 20}, 1}}));
  run.pass(kTtl + 2 * kSecond);
  run.add({{2, 200}}, 1);
  run.add({{1, 11}, {2, 21}}, 0);
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 11}, 1}}));
}

TEST(StateTtl, APartitionOfOverBeginsAnew) {
  for (const bool swept : {false, true}) {
    TimedRun run(over(false));
    run.add({{1, 5}, {2, 5}});
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 5, 1}, 1}, {{2, 5, 1}, 1}}));
    run.pass(6 * kSecond);
    run.add({{2, 4}});
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{2, 5, 1}, -1}, {{2, 4, 1}, 1}, {{2, 5, 2}, 1}}));
    swept ? run.pass(5 * kSecond) : run.set_clock_on(5 * kSecond);
    run.add({{1, 5, RowOp::kDelete}, {1, 6}, {2, 6}});
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 6, 1}, 1}, {{2, 6, 3}, 1}})) << swept;
    run.pass(2 * kTtl);
    run.add({{2, 6, RowOp::kDelete}});
    run.end_epoch();
    EXPECT_TRUE(run.take().empty());
    EXPECT_FALSE(run.wakes());
  }
}

TEST(StateTtl, APartitionOfOverWithRowsThatWaitStays) {
  for (const bool swept : {false, true}) {
    TimedRun run(over(true));
    run.add({{1, 5}, {2, 5}, {2, 50}});
    run.reach(5);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 5, 1}, 1}, {{2, 5, 1}, 1}}));
    swept ? run.pass(kTtl + 2 * kSecond) : run.set_clock_on(kTtl + 2 * kSecond);
    run.add({{1, 40}});
    run.reach(60);
    run.end_epoch();
    EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 40, 1}, 1}, {{2, 50, 2}, 1}})) << swept;
    run.pass(2 * kTtl);
    EXPECT_FALSE(run.wakes());
  }
}

TEST(StateTtl, TheRowOfAKeyIsForgotten) {
  TimedRun run(normalize());
  run.add(event(1, 5, false));
  run.end_epoch();
  run.pass(kTtl + kSecond);
  run.take();
  run.add(event(1, 5, true));
  run.end_epoch();
  EXPECT_TRUE(run.take().empty());
  run.add(event(1, 6, false));
  run.end_epoch();
  EXPECT_EQ(run.take(), (std::map<IntRow, int>{{{1, 6}, 1}}));
}

TEST(StateTtl, MemoryIsGivenBack) {
  const std::pair<std::string, TimedRun::Make> kinds[] = {{"aggregate", aggregate()},
                                                          {"rank", rank()},
                                                          {"inner join", join(JoinKind::kInner, true)},
                                                          {"inner join of changes", join(JoinKind::kInner, false)},
                                                          {"full join", join(JoinKind::kFull, false)},
                                                          {"semi join", join(JoinKind::kSemi, true)},
                                                          {"over", over(false)}};
  constexpr int64_t kKeys = 50'000;
  for (const auto& [name, make] : kinds) {
    const StateMeter meter;
    TimedRun run(make);
    std::vector<Change> changes;
    for (int64_t k = 0; k < kKeys; ++k) {
      changes.push_back({k, k});
      if (changes.size() < 1000) continue;
      run.add(changes);
      changes.clear();
    }
    run.end_epoch();
    const int64_t held = meter.bytes();
    EXPECT_GT(held, kKeys * 16) << name;
    run.pass(2 * kTtl);
    EXPECT_FALSE(run.wakes()) << name;
    // What is left is room for the changes of an epoch.
    EXPECT_LT(meter.bytes(), held / 4) << name;
  }
}

// Groups come and go all the time: as many are kept as have come in the time to live.
TEST(StateTtl, StateStaysAsLargeAsWhatIsNew) {
  const StateMeter meter;
  TimedRun run(aggregate());
  int64_t most = 0;
  for (int64_t second = 0; second < 200; ++second) {
    std::vector<Change> changes;
    for (int64_t i = 0; i < 1000; ++i) changes.push_back({second * 1000 + i, i});
    run.add(changes);
    run.end_epoch();
    run.pass(kSecond);
    if (second == 40) most = meter.bytes();
  }
  EXPECT_LE(meter.bytes(), most + most / 4);
}

}  // namespace
}  // namespace penstock::exec
