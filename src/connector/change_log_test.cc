#include "connector/change_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "connector/connector_test_fixture.h"
#include "log/record_batch.h"

namespace penstock::connector {
namespace {

using columnar::ChangeBatch;
using exec::SourceState;
using testing::HasSubstr;

class ChangeLogTest : public ConnectorTest {
 protected:
  static constexpr const char* kTopic = "penstock.table.t.1";

  std::unique_ptr<ChangeLog> open() {
    auto changes = ChangeLog::open({.log = log_.get(), .env = &env_, .topic = kTopic, .schema = schema_, .key = {0}});
    EXPECT_TRUE(changes) << changes.error().to_string();
    return std::move(*changes);
  }
  // A statement.
  void change(const std::string& rows) {
    const std::vector<ChangeBatch> batches{columnar::batch_from_text(rows, schema_).value()};
    EXPECT_TRUE(open()->append(batches));
    wait_for_notices();
  }
  // One that inserts rows with these keys.
  void insert(int64_t first, int64_t count) {
    columnar::BatchBuilder builder({types::TypeKind::kBigInt, types::TypeKind::kString});
    std::vector<ChangeBatch> batches;
    for (int64_t k = first; k < first + count; ++k) {
      builder.column(0).append_int64(k);
      builder.column(1).append_string("x");
      builder.end_row();
      if (builder.full() || k + 1 == first + count) batches.push_back(builder.finish());
    }
    EXPECT_TRUE(open()->append(batches));
    wait_for_notices();
  }
  std::unique_ptr<ChangeReader> reader(size_t batch_rows_max, int64_t start = 0) {
    auto made = ChangeReader::open({.log = log_.get(),
                                    .topic = kTopic,
                                    .schema = schema_,
                                    .columns = {0, 1},
                                    .start = log::Offset(start),
                                    .end = std::nullopt,
                                    .batch_rows_max = batch_rows_max});
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
  }
  // "+I 1 a"; "none" when there is nothing.
  static std::string next(ChangeReader& reader) {
    const Result<ChangeBatch> batch = reader.read();
    if (!batch) return batch.error().to_string();
    return batch->empty() ? "none" : columnar::to_text(*batch);
  }
  static Positions at(int64_t offset) { return {{log::partition_of(kTopic, 0), log::Offset(offset)}}; }
  SourcePlan plan(Positions start, std::optional<ScanHold> hold = {}, size_t batch_rows_max = 4) {
    ConnectorContext with = context();
    with.batch_rows_max = batch_rows_max;
    return plan_change_source(
        with,
        {.topic = kTopic, .schema = schema_, .columns = {1, 0}, .start = std::move(start), .hold = std::move(hold)});
  }

  types::Schema schema_ = schema_of({{"k", "BIGINT"}, {"v", "STRING"}});
};

TEST_F(ChangeLogTest, ABatchEndsWithAStatement) {
  change("+I 1 a | +I 2 b | +I 3 c");
  change("-D 1 a | -D 2 b | +I 1 d | +I 2 e");
  change("-D 3 c");
  const auto reads = reader(4);
  EXPECT_EQ(next(*reads), "+I 1 a | +I 2 b | +I 3 c");
  EXPECT_EQ(reads->position(), log::Offset(3)) << "the row of the next statement that was read is not given yet";
  EXPECT_TRUE(reads->may_have_more());
  EXPECT_EQ(next(*reads), "-D 1 a | -D 2 b | +I 1 d | +I 2 e");
  EXPECT_EQ(next(*reads), "-D 3 c");
  EXPECT_EQ(reads->position(), log::Offset(8));
  EXPECT_EQ(next(*reads), "none");
  EXPECT_FALSE(reads->may_have_more());
  change("+I 4 f");
  EXPECT_TRUE(reads->may_have_more());
  EXPECT_EQ(next(*reads), "+I 4 f");
}

TEST_F(ChangeLogTest, AStatementThatIsTooLargeForABatchIsCut) {
  change("+I 1 a");
  change("+I 2 b | +I 3 c | +I 4 d | +I 5 e");
  const auto reads = reader(3);
  EXPECT_EQ(next(*reads), "+I 1 a | +I 2 b | +I 3 c");
  EXPECT_FALSE(reads->at_boundary());
  EXPECT_EQ(next(*reads), "+I 4 d | +I 5 e");
  EXPECT_TRUE(reads->at_boundary());
}

TEST_F(ChangeLogTest, StatementsOfAllSizesComeWholeAndInOrder) {
  std::mt19937_64 random(11);
  for (const size_t most : {size_t{1}, size_t{5}, size_t{64}, columnar::kBatchRowsMax}) {
    std::vector<int64_t> boundaries{0};
    const auto first = log_->topic(kTopic) ? log_->high_watermark(log::partition_of(kTopic, 0)).value().value() : 0;
    for (int statement = 0; statement < 60; ++statement) {
      const auto rows = static_cast<int64_t>(1 + random() % (random() % 4 == 0 ? 3 * most : most));
      insert(boundaries.back(), rows);
      boundaries.push_back(boundaries.back() + rows);
    }
    const auto reads = reader(most, first);
    int64_t expected = 0;
    for (Result<ChangeBatch> batch = reads->read(); batch && !batch->empty(); batch = reads->read()) {
      EXPECT_LE(batch->rows(), most);
      for (const int64_t key : batch->column(0)->values<int64_t>()) ASSERT_EQ(key, expected++);
      EXPECT_EQ(reads->position().value() - first, *std::ranges::lower_bound(boundaries, expected));
      EXPECT_EQ(reads->at_boundary(), std::ranges::binary_search(boundaries, expected)) << expected;
    }
    EXPECT_EQ(expected, boundaries.back());
  }
}

TEST_F(ChangeLogTest, WhatIsReadAgainIsWhatWasAppended) {
  change("+I 1 a | +I 2 b");
  change("-D 1 a | +I 1 c");
  std::string text;
  const Status replayed = open()->replay([&](const ChangeBatch& batch) -> Status {
    text += columnar::to_text(batch);
    return {};
  });
  EXPECT_TRUE(replayed) << replayed.error().to_string();
  EXPECT_EQ(text, "+I 1 a | +I 2 b | -D 1 a | +I 1 c");
}

TEST_F(ChangeLogTest, WhatIsNoChangeIsCorruption) {
  change("+I 1 a");
  log::RecordBatchBuilder builder;
  builder.add(1, std::nullopt, "{\"k\": 1, \"v\": \"b\"}");
  log::Answer<Status> answer;
  log_->append_together({{log::partition_of(kTopic, 0), builder.finish_shared()}}, "", {},
                        [&](Status status) { answer.set(std::move(status)); });
  ASSERT_TRUE(answer.wait());
  EXPECT_THAT(next(*reader(4)), HasSubstr("penstock.table.t.1, offset 1: this record is no change of a table"));
}

TEST_F(ChangeLogTest, AScanGoesOnWhereItWas) {
  change("+I 1 a");
  change("-D 1 a | +I 1 b");
  const SourcePlan begun = plan({});
  auto source = make_source(begun);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.take(), "+I a 1 | -D a 1 | +I b 1");
  EXPECT_EQ(positions_text(begun.progress->ends()), "penstock.table.t.1/0=3");
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  const Positions noted = begun.progress->take(Epoch(1)).positions;
  EXPECT_EQ(positions_text(noted), "penstock.table.t.1/0=3");
  const int wakes = wakes_;
  change("+I 2 c");
  EXPECT_GT(wakes_, wakes);
  EXPECT_EQ(begun.progress->lag(), 1);

  source = make_source(plan(noted));
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.take(), "+I c 2");
}

TEST_F(ChangeLogTest, NoBarrierCutsAStatement) {
  insert(0, 100);
  const SourcePlan small = plan({}, {}, 4);
  const auto source = make_source(small);
  CollectedOutput out;
  EXPECT_EQ(source->poll(out).value(), SourceState::kMore);
  EXPECT_LT(out.rows, 100u);
  EXPECT_FALSE(source->at_boundary());
  // Where nobody takes its rows any more a barrier comes all the same: the rest counts as read.
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  EXPECT_EQ(positions_text(small.progress->take(Epoch(1)).positions), "penstock.table.t.1/0=100");
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 100u);
  EXPECT_TRUE(source->at_boundary());
}

TEST_F(ChangeLogTest, AHeldScanStopsUntilItIsReleased) {
  change("+I 1 a");
  change("-D 1 a | +I 1 b");
  const SourcePlan held = plan({}, ScanHold{.positions = at(1), .watermark = {}});
  const auto source = make_source(held);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.take(), "+I a 1");
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  EXPECT_EQ(positions_text(held.progress->take(Epoch(1)).positions), "penstock.table.t.1/0=1");
  held.progress->release();
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.take(), "-D a 1 | +I b 1");
}

}  // namespace
}  // namespace penstock::connector
