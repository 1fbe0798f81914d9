#include "connector/position_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

using log::Offset;
using log::partition_of;

class PositionStoreTest : public ConnectorTest {
 protected:
  PositionStoreTest() { EXPECT_TRUE(log_->create_topic("in", 2, {})); }

  std::unique_ptr<PositionStore> open(const std::string& group = "job.1") {
    auto store = PositionStore::open(context(), group);
    EXPECT_TRUE(store) << store.error().to_string();
    return std::move(*store);
  }

  // Waits; false when there was nothing new.
  bool commit(PositionStore& store, PositionStore::Commit commit) {
    log::Answer<Status> answer;
    const auto written = store.commit(std::move(commit), [&](Status status) { answer.set(std::move(status)); });
    EXPECT_TRUE(written) << written.error().to_string();
    if (!written || !*written) return false;
    const Status status = answer.wait();
    EXPECT_TRUE(status) << status.error().to_string();
    return true;
  }
  static PositionStore::Commit at(Positions positions) {
    return {.records = {}, .positions = std::move(positions), .state = {}};
  }
};

TEST_F(PositionStoreTest, PositionsOfTopicsAndOfOtherSplitsAreThereAgain) {
  auto store = open();
  EXPECT_TRUE(store->positions().empty());
  EXPECT_TRUE(commit(*store, at({{partition_of("in", 0), Offset(5)}, {partition_of("file:/a b", 3), Offset(70)}})));
  EXPECT_TRUE(commit(*store, at({{partition_of("in", 1), Offset(6)}})));
  EXPECT_TRUE(
      commit(*store, at({{partition_of("file:/a b", 3), Offset(90)}, {partition_of("file:/c", 0), Offset(1)}})));
  const std::string all = "file:/a b/3=90 file:/c/0=1 in/0=5 in/1=6";
  EXPECT_EQ(positions_text(store->positions()), all);
  EXPECT_EQ(positions_text(open()->positions()), all);
  open_log();
  EXPECT_EQ(positions_text(open()->positions()), all);
  EXPECT_TRUE(open("job.2")->positions().empty());
}

TEST_F(PositionStoreTest, OnlyWhatIsNewIsWritten) {
  auto store = open();
  const Positions positions{{partition_of("in", 0), Offset(5)}, {partition_of("file:/c", 0), Offset(1)}};
  EXPECT_TRUE(commit(*store, at(positions)));
  EXPECT_FALSE(commit(*store, at(positions)));
  EXPECT_FALSE(commit(*store, at({})));
  EXPECT_FALSE(commit(*store, at({{partition_of("file:/unknown", 0), Offset(-1)}})));
  EXPECT_EQ(log_->high_watermark(partition_of("job.1", 0)).value(), Offset(1));
}

TEST_F(PositionStoreTest, ASplitThatIsGoneIsForgotten) {
  auto store = open();
  EXPECT_TRUE(commit(*store, at({{partition_of("file:/c", 0), Offset(1)}, {partition_of("file:/d", 0), Offset(2)}})));
  EXPECT_TRUE(commit(*store, at({{partition_of("file:/c", 0), Offset(-1)}})));
  EXPECT_EQ(positions_text(store->positions()), "file:/d/0=2");
  EXPECT_EQ(positions_text(open()->positions()), "file:/d/0=2");
}

TEST_F(PositionStoreTest, HowFarHasBeenLookedIsNotKept) {
  auto store = open();
  EXPECT_FALSE(commit(*store, at({{partition_of("~file:/c", 0), Offset(1)}})));
  EXPECT_TRUE(commit(*store, at({{partition_of("~file:/c", 0), Offset(2)}, {partition_of("file:/c", 0), Offset(3)}})));
  EXPECT_EQ(positions_text(store->positions()), "file:/c/0=3");
  EXPECT_EQ(positions_text(open()->positions()), "file:/c/0=3");
}

TEST_F(PositionStoreTest, StateAndRecordsGoWithThePositions) {
  ASSERT_TRUE(log_->create_topic("out", 1, {}));
  auto store = open();
  PositionStore::Commit one = at({{partition_of("in", 0), Offset(5)}});
  one.records.emplace_back(partition_of("out", 0), log::batch_of({"a", "b"}));
  one.state = "open part-1";
  EXPECT_TRUE(commit(*store, std::move(one)));
  EXPECT_EQ(log::read_values(*log_, partition_of("out", 0), 0), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(open()->state(), "open part-1");
  PositionStore::Commit same = at({});
  same.state = "open part-1";
  EXPECT_FALSE(commit(*store, std::move(same)));
}

TEST_F(PositionStoreTest, TheTopicStaysSmall) {
  auto store = open();
  const auto file = [](int i) { return partition_of("file:/" + std::string(200, 'x') + std::to_string(i), 0); };
  Positions first;
  for (int i = 0; i < 20; ++i) first.emplace_back(file(i), Offset(1));
  EXPECT_TRUE(commit(*store, at(first)));
  for (int round = 2; round < 3000; ++round) {
    EXPECT_TRUE(commit(*store, at({{file(round % 20), Offset(round)}})));
    if (round == 1500) store = open();  // goes on where the one before was
  }
  const auto topic = partition_of("job.1", 0);
  EXPECT_GT(log_->log_start_offset(topic)->value(), 1000);
  EXPECT_LT(log_->high_watermark(topic)->value() - log_->log_start_offset(topic)->value(), 2500);
  EXPECT_EQ(open()->positions(), store->positions());
  EXPECT_EQ(open()->positions().size(), 20u);
}

TEST_F(PositionStoreTest, AfterACrashOneOfTheCommitsIsThere) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string group = "crash." + std::to_string(seed);
    auto store = open(group);
    for (int round = 1; round <= 10; ++round) {
      EXPECT_TRUE(
          commit(*store, at({{partition_of("in", 0), Offset(round)}, {partition_of("file:/f", 0), Offset(round)}})));
    }
    // One that nobody waits for.
    ASSERT_TRUE(store->commit(at({{partition_of("in", 0), Offset(11)}, {partition_of("file:/f", 0), Offset(11)}}),
                              [](const Status& /*status*/) {}));
    env_.crash(io::SimulatedEnv::CrashKind::kPower);
    store.reset();
    open_log();
    const std::string found = positions_text(open(group)->positions());
    EXPECT_TRUE(found == "file:/f/0=10 in/0=10" || found == "file:/f/0=11 in/0=11") << found;
  }
}

TEST_F(PositionStoreTest, AFullDiskHoldsUpTheFirstCommitToo) {
  auto store = open();
  env_.fail(io::SimulatedEnv::Operation::kAnyChange, 1, true, ErrorCode::kResourceExhausted);
  log::Answer<Status> first;
  log::Answer<Status> second;
  ASSERT_TRUE(store->commit(at({{partition_of("in", 0), Offset(5)}, {partition_of("file:/c", 0), Offset(1)}}),
                            [&](Status status) { first.set(std::move(status)); }));
  ASSERT_TRUE(store->commit(at({{partition_of("file:/c", 0), Offset(2)}}),
                            [&](Status status) { second.set(std::move(status)); }));
  std::string reason;
  EXPECT_FALSE(log_->accepts_writes(&reason));
  EXPECT_FALSE(log_->topic("job.1"));
  env_.clear_fault();
  while (!log_->accepts_writes(nullptr)) {
    env_.advance(100'000);  // the log waits by this clock
    std::this_thread::yield();
  }
  const Status written = first.wait();
  EXPECT_TRUE(written) << written.error().to_string();
  EXPECT_TRUE(second.wait());
  open_log();
  EXPECT_EQ(positions_text(open()->positions()), "file:/c/0=2 in/0=5");
}

TEST_F(PositionStoreTest, WithoutAGroupNothingIsKept) {
  ASSERT_TRUE(log_->create_topic("out", 1, {}));
  auto store = open("");
  EXPECT_FALSE(commit(*store, at({{partition_of("in", 0), Offset(5)}})));
  PositionStore::Commit records = at({});
  records.records.emplace_back(partition_of("out", 0), log::batch_of({"a"}));
  EXPECT_TRUE(commit(*store, std::move(records)));
  EXPECT_EQ(log::read_values(*log_, partition_of("out", 0), 0).size(), 1u);
}

TEST_F(PositionStoreTest, AForgottenGroupLeavesNothing) {
  EXPECT_TRUE(commit(*open(), at({{partition_of("in", 0), Offset(5)}, {partition_of("file:/c", 0), Offset(1)}})));
  EXPECT_TRUE(PositionStore::forget(*log_, "job.1"));
  EXPECT_TRUE(open()->positions().empty());
  EXPECT_FALSE(log_->topic("job.1"));
  EXPECT_TRUE(PositionStore::forget(*log_, "job.1"));
}

}  // namespace
}  // namespace penstock::connector
