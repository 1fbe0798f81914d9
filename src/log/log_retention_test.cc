// Retention by size and time, and deleted records, on a machine whose clock the test moves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_env.h"
#include "log/log_core.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

class LogRetention : public testing::Test {
 protected:
  LogRetention() { open(); }
  void open() {
    core_.reset();
    auto opened = LogCore::open(env_, "/log", {});
    ASSERT_TRUE(opened) << opened.error().to_string();
    core_ = std::move(*opened);
  }
  void create(int64_t retention_ms, int64_t retention_bytes) {
    TopicConfig config;
    config.segment_bytes = 1024;
    config.retention_ms = retention_ms;
    config.retention_bytes = retention_bytes;
    ASSERT_TRUE(core_->create_topic("t", 1, config));
  }
  // Each batch fills a segment.
  void append_flushed(int count) {
    for (int i = 0; i < count; ++i) {
      core_->append(t0_, batch_of({std::string(900, 'x')}, env_.wall_time_us() / 1000), [](const AppendResult&) {});
      core_->commit_once();
    }
    ASSERT_TRUE(core_->flush());
  }
  int64_t start() { return core_->log_start_offset(t0_)->value(); }
  size_t segment_files() {
    const std::string topic = "/log/topics/" + env_.list("/log/topics")->front();
    size_t count = 0;
    for (const std::string& name : *env_.list(topic + "/0")) count += name.ends_with(".log") ? 1 : 0;
    return count;
  }

  io::SimulatedEnv env_{1};
  std::unique_ptr<LogCore> core_;
  const TopicPartition t0_ = partition_of("t", 0);
};

TEST_F(LogRetention, BySizeKeepsAtLeastSoMuch) {
  create(-1, 3000);
  append_flushed(10);
  EXPECT_EQ(segment_files(), 10U);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(segment_files(), 4U) << "the last four have more than 3000 bytes, three have less";
  EXPECT_EQ(start(), 6);
  EXPECT_GE(*core_->size_bytes(t0_), 3000);
  EXPECT_EQ(read_values(*core_, t0_, 6).size(), 4U);
  EXPECT_FALSE(core_->fetch(t0_, {.offset = Offset(5)}));
  open();
  EXPECT_EQ(start(), 6);
  EXPECT_EQ(read_values(*core_, t0_, 6).size(), 4U);
}

TEST_F(LogRetention, ByTimeRemovesWhatIsOldUpToEverything) {
  create(60'000, -1);
  append_flushed(2);
  env_.advance(40'000'000);
  append_flushed(2);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(start(), 0);
  env_.advance(30'000'000);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(start(), 2);
  env_.advance(60'000'000);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(start(), 4);
  EXPECT_EQ(segment_files(), 0U);
  EXPECT_EQ(*core_->size_bytes(t0_), 0);
  open();
  EXPECT_EQ(start(), 4);
  append_flushed(1);
  EXPECT_EQ(core_->high_watermark(t0_)->value(), 5);
  EXPECT_EQ(read_values(*core_, t0_, 4).size(), 1U);
}

TEST_F(LogRetention, NeverTakesWhatIsNotFlushed) {
  create(1000, 0);
  core_->append(t0_, batch_of({"fresh"}, 5), [](const AppendResult&) {});
  core_->commit_once();
  env_.advance(3'600'000'000);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(start(), 0);
  EXPECT_EQ(read_values(*core_, t0_, 0).size(), 1U);
}

TEST_F(LogRetention, ASlowTopicsSegmentIsClosedByItsAge) {
  create(60'000, -1);
  TopicConfig config = core_->topic("t")->config;
  config.segment_bytes = 1 << 20;
  ASSERT_TRUE(core_->set_topic_config("t", config));
  for (int i = 0; i < 10; ++i) {
    append_flushed(1);
    env_.advance(20'000'000);
    ASSERT_TRUE(core_->enforce_retention());
  }
  EXPECT_GE(start(), 5);
  EXPECT_LT(start(), 10);
}

TEST_F(LogRetention, DeletedRecordsGiveTheirSegmentsBack) {
  create(-1, -1);
  append_flushed(5);
  ASSERT_TRUE(core_->delete_records(t0_, Offset(3)));
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(segment_files(), 2U);
  EXPECT_EQ(read_values(*core_, t0_, 3).size(), 2U);
}

TEST_F(LogRetention, DeletedRecordsThatWereNeverFlushedAreNotWritten) {
  create(-1, -1);
  for (int i = 0; i < 4; ++i) {
    core_->append(t0_, batch_of({std::to_string(i)}), [](const AppendResult&) {});
    core_->commit_once();
  }
  ASSERT_TRUE(core_->delete_records(t0_, Offset(4)));
  ASSERT_TRUE(core_->checkpoint());
  EXPECT_EQ(*core_->size_bytes(t0_), 0);
  append_flushed(1);
  open();
  EXPECT_EQ(start(), 4);
  EXPECT_EQ(read_values(*core_, t0_, 4).size(), 1U);
}

TEST_F(LogRetention, AReaderKeepsWhatItHasWhileTheFileGoes) {
  create(-1, 0);
  append_flushed(5);
  open();  // so that the records are in files only
  const auto fetched = core_->fetch(t0_, {.offset = Offset(0)});
  ASSERT_TRUE(fetched);
  ASSERT_TRUE(core_->enforce_retention());
  EXPECT_EQ(start(), 4);
  EXPECT_TRUE(parse_record_batch(fetched->batches.front().bytes)->crc_matches());
}

TEST_F(LogRetention, TheMaintenanceStepDoesItWhenItIsDue) {
  create(-1, 1000);
  append_flushed(5);
  while (core_->maintain_once()) {
  }
  EXPECT_EQ(start(), 0);
  env_.advance(31'000'000);
  while (core_->maintain_once()) {
  }
  EXPECT_EQ(start(), 3);
}

}  // namespace
}  // namespace penstock::log
