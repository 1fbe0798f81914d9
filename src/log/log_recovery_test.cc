// Starts after damage and after crashes at chosen moments.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/logging.h"
#include "io/simulated_env.h"
#include "log/log_core.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using io::SimulatedEnv;
using testing::ElementsAre;
using testing::HasSubstr;
using Operation = SimulatedEnv::Operation;
using CrashKind = SimulatedEnv::CrashKind;

constexpr const char* kDirectory = "/data/log";
constexpr const char* kFirstJournal = "/data/log/journal/00000000000000000001.journal";

class LogRecovery : public testing::Test {
 protected:
  LogRecovery() { logging::configure(logging::Level::kOff, logging::Format::kLogfmt); }
  ~LogRecovery() override { logging::configure(logging::Level::kInfo, logging::Format::kLogfmt); }

  void start(uint64_t seed = 1) {
    core_.reset();
    env_ = std::make_unique<SimulatedEnv>(seed);
    EXPECT_TRUE(env_->create_directories("/data"));
    EXPECT_TRUE(env_->sync_directory("/"));
    EXPECT_EQ(open(), "");
    EXPECT_TRUE(core_->create_topic("t", 1, {}));
  }
  // Empty, or why it did not work.
  std::string open() {
    auto opened = LogCore::open(*env_, kDirectory, {});
    if (!opened) {
      last_code_ = opened.error().code();
      return opened.error().to_string();
    }
    core_ = std::move(*opened);
    return "";
  }
  void crash(CrashKind kind = CrashKind::kPower) {
    env_->crash(kind);
    core_.reset();
  }
  void append(const std::string& value) {
    AppendError error = AppendError::kShuttingDown;
    core_->append(t0_, batch_of({value}), [&](const AppendResult& result) { error = result.error; });
    core_->commit_once();
    EXPECT_EQ(error, AppendError::kNone);
  }
  // Every file with its content.
  std::map<std::string, std::string> everything(const std::string& at = kDirectory) {
    std::map<std::string, std::string> files;
    for (const std::string& name : env_->list(at).value()) {
      const std::string path = at + "/" + name;
      if (env_->list(path)) {
        files.merge(everything(path));
      } else {
        files[path] = *env_->read_file(path);
      }
    }
    return files;
  }
  std::string partition_directory() {
    return std::string(kDirectory) + "/topics/" + env_->list(std::string(kDirectory) + "/topics")->front() + "/0";
  }

  std::unique_ptr<SimulatedEnv> env_;
  std::unique_ptr<LogCore> core_;
  ErrorCode last_code_{};
  const TopicPartition t0_ = partition_of("t", 0);
};

TEST_F(LogRecovery, DamageBelowTheDurableMarkRefusesAndChangesNothing) {
  start();
  for (const char* value : {"a", "b", "c"}) append(value);
  crash();
  for (const uint64_t at : {0, 20, 4096, 4100, 4200, 4096 + 4096 + 60}) {
    env_->flip_byte(kFirstJournal, at, 0x80);
    const auto before = everything();
    EXPECT_THAT(open(), HasSubstr(std::string(kFirstJournal) + " at offset ")) << at;
    EXPECT_EQ(last_code_, ErrorCode::kCorruption);
    EXPECT_EQ(everything(), before);
    env_->flip_byte(kFirstJournal, at, 0x80);
  }
  EXPECT_EQ(open(), "");
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a", "b", "c"));
}

TEST_F(LogRecovery, ATornTailIsCut) {
  start();
  for (const char* value : {"a", "b"}) append(value);
  crash();
  env_->flip_byte(kFirstJournal, 4096 + 4096 + 60, 0x80);
  EXPECT_EQ(open(), "");
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a"));
  append("c");
  crash();
  EXPECT_EQ(open(), "");
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a", "c"));
}

TEST_F(LogRecovery, ATornCommitInARecycledSegmentIsForgotten) {
  start();
  append("a");
  append("b");
  crash();
  env_->flip_byte(kFirstJournal, 4096 + 4096 + 60, 0x80);
  EXPECT_EQ(open(), "");
  // The old segment, torn commit included, is made ready to be written again; then the machine dies before it is.
  while (core_->maintain_once()) {
  }
  crash(CrashKind::kProcess);
  EXPECT_EQ(open(), "");
  append("c");
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a", "c"));
}

TEST_F(LogRecovery, DamagedFilesAreNamed) {
  start();
  for (const char* value : {"a", "b"}) append(value);
  ASSERT_TRUE(core_->close());
  core_.reset();
  const std::string segment = partition_directory() + "/00000000000000000000.log";

  for (const char* name : {"/data/log/catalog", "/data/log/checkpoint"}) {
    for (uint64_t at = 0; at < env_->read_file(name)->size(); ++at) {
      env_->flip_byte(name, at, 1);
      EXPECT_THAT(open(), HasSubstr(name)) << at;
      env_->flip_byte(name, at, 1);
    }
  }
  const auto hide = [&](const std::string& path) {
    EXPECT_TRUE(env_->rename(path, "/data/hidden"));
    const std::string error = open();
    EXPECT_TRUE(env_->rename("/data/hidden", path));
    return error;
  };
  EXPECT_THAT(hide("/data/log/catalog"), HasSubstr("catalog is missing"));
  EXPECT_THAT(hide(segment), HasSubstr(segment + " is missing"));

  const uint64_t size = env_->read_file(segment)->size();
  const std::string content = *env_->read_file(segment);
  ASSERT_TRUE(env_->open(segment, io::OpenMode::kReadWrite).value()->truncate(size - 1));
  EXPECT_THAT(open(), HasSubstr(fmt::format("{} at offset {}", segment, size - 1)));
  ASSERT_TRUE(env_->open(segment, io::OpenMode::kReadWrite).value()->write_at(0, content));

  // A damaged record is found when it is read, and others stay readable.
  env_->flip_byte(segment, size - 1, 1);
  EXPECT_EQ(open(), "");
  auto first = core_->fetch(t0_, {.offset = Offset(0), .max_bytes = 1});
  EXPECT_EQ(first->batches.size(), 1U);
  auto second = core_->fetch(t0_, {.offset = Offset(1)});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(second.error().message(), HasSubstr(fmt::format("{} at offset {}", segment, size / 2)));
}

TEST_F(LogRecovery, WithoutAJournalThatWasInUseNothingIsPretended) {
  start();
  append("a");
  ASSERT_TRUE(core_->checkpoint());
  append("b");
  crash();
  ASSERT_TRUE(env_->remove_file(kFirstJournal));
  EXPECT_THAT(open(), HasSubstr(std::string(kFirstJournal) + " is missing"));
}

TEST_F(LogRecovery, AFailedSyncIsFinal) {
  start();
  append("a");
  env_->fail(Operation::kSync, 1, false);
  AppendResult answer;
  core_->append(t0_, batch_of({"b"}), [&](AppendResult result) { answer = std::move(result); });
  core_->commit_once();
  EXPECT_EQ(answer.error, AppendError::kStorage);
  EXPECT_THAT(answer.message, HasSubstr("injected fault"));
  std::string reason;
  EXPECT_FALSE(core_->accepts_writes(&reason));
  EXPECT_THAT(reason, HasSubstr("injected fault"));
  // The disk works again; the log does not trust it before a restart.
  core_->append(t0_, batch_of({"c"}), [&](AppendResult result) { answer = std::move(result); });
  EXPECT_EQ(answer.error, AppendError::kStorage);
  EXPECT_FALSE(core_->create_topic("u", 1, {}));
  EXPECT_FALSE(core_->close());
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a"));
  crash();
  EXPECT_EQ(open(), "");
  EXPECT_EQ(read_values(*core_, t0_, 0).front(), "a");
}

TEST_F(LogRecovery, ACatalogThatMayOrMayNotBeWrittenStopsTheLog) {
  start();
  env_->fail(Operation::kSyncDirectory, 1, false);
  EXPECT_FALSE(core_->delete_topic("t"));
  // On disk the topic may be gone: what is appended to it could not be acknowledged.
  AppendResult answer;
  core_->append(t0_, batch_of({"a"}), [&](AppendResult result) { answer = std::move(result); });
  EXPECT_EQ(answer.error, AppendError::kStorage);
}

TEST_F(LogRecovery, AProcessThatDiedBeforeItSyncedADirectoryLosesNothingLater) {
  for (uint64_t seed = 1; seed < 60; ++seed) {
    core_.reset();
    env_ = std::make_unique<SimulatedEnv>(seed);
    ASSERT_TRUE(env_->create_directories("/data"));
    ASSERT_TRUE(env_->sync_directory("/"));
    // Dies in the middle of the first start.
    env_->fail(Operation::kAnyChange, 1 + seed % 8, true);
    open();
    env_->clear_fault();
    crash(CrashKind::kProcess);
    ASSERT_EQ(open(), "");
    // The catalog of this topic is renamed, not synced.
    env_->fail(Operation::kSyncDirectory, 1, false);
    EXPECT_FALSE(core_->create_topic("t", 1, {}));
    env_->clear_fault();
    crash(CrashKind::kProcess);
    ASSERT_EQ(open(), "");
    ASSERT_TRUE(core_->topic("t"));
    append("a");
    crash(CrashKind::kPower);
    ASSERT_EQ(open(), "") << seed;
    EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a")) << seed;
  }
}

TEST_F(LogRecovery, ADiskThatIsFullStopsTheLogAndLosesNothing) {
  start();
  append("a");
  env_->set_capacity(30'000);
  int acknowledged = 1;
  for (int i = 0; i < 20 && core_->accepts_writes(nullptr); ++i) {
    core_->append(t0_, batch_of({std::string(3000, 'x')}),
                  [&](const AppendResult& result) { acknowledged += result.error == AppendError::kNone ? 1 : 0; });
    core_->commit_once();
  }
  std::string reason;
  EXPECT_FALSE(core_->accepts_writes(&reason));
  EXPECT_THAT(reason, HasSubstr("No space left"));
  EXPECT_GT(acknowledged, 1);
  crash();
  env_->set_capacity(UINT64_MAX);
  EXPECT_EQ(open(), "");
  EXPECT_GE(read_values(*core_, t0_, 0).size(), static_cast<size_t>(acknowledged));
}

TEST_F(LogRecovery, AFullDiskIsWaitedFor) {
  MetricsRegistry metrics;
  start();
  ASSERT_TRUE(core_->close());
  auto opened = LogCore::open(*env_, kDirectory, {.metrics = &metrics});
  ASSERT_TRUE(opened);
  core_ = std::move(*opened);
  append("a");
  std::vector<AppendResult> answers;
  const auto send = [&](SharedBytes records) {
    core_->append(t0_, std::move(records), [&](AppendResult result) { answers.push_back(std::move(result)); });
  };
  // The write that finds no room, the sync, and what waits behind: all of it is refused.
  int64_t expected = 1;
  for (const Operation operation : {Operation::kWrite, Operation::kSync}) {
    answers.clear();
    const bool for_long = operation == Operation::kWrite;
    env_->fail(operation, 1, for_long, ErrorCode::kResourceExhausted);
    send(batch_of({"lost"}));
    send(producer_batch(7, 0, 0, 2));
    core_->commit_once();
    send(producer_batch(7, 0, 2));
    ASSERT_EQ(answers.size(), 3U);
    for (const AppendResult& answer : answers) {
      EXPECT_EQ(answer.error, AppendError::kStorage);
      EXPECT_THAT(answer.message, HasSubstr("No space left"));
    }
    EXPECT_EQ(metrics.gauge("penstock_log_disk_full", "").value(), 1);
    EXPECT_THAT(core_->create_topic("refused", 1, {}).error().message(), HasSubstr("No space left"));
    EXPECT_THAT(read_values(*core_, t0_, 0), testing::SizeIs(static_cast<size_t>(expected))) << "reading goes on";
    // Looks for room at intervals that grow.
    int tries = 0;
    for (int i = 0; for_long && i < 600; ++i) {
      env_->advance(100'000);
      const uint64_t before = env_->count(Operation::kAnyChange);
      EXPECT_FALSE(core_->maintain_once());
      tries += env_->count(Operation::kAnyChange) != before ? 1 : 0;
    }
    if (for_long) EXPECT_THAT(tries, testing::AllOf(testing::Gt(10), testing::Lt(25)));
    env_->clear_fault();
    env_->advance(10'000'000);
    EXPECT_TRUE(core_->maintain_once());
    EXPECT_TRUE(core_->accepts_writes(nullptr));
    EXPECT_EQ(metrics.gauge("penstock_log_disk_full", "").value(), 0);
    // What was refused is not there, and a producer goes on where it was refused.
    answers.clear();
    send(producer_batch(7, 0, 2));
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers.back().error, AppendError::kOutOfOrderSequence);
    send(producer_batch(7, 0, 0, 2));
    send(batch_of({"b"}));
    core_->commit_once();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[1].base_offset, Offset(expected));
    EXPECT_EQ(answers[2].base_offset, Offset(expected + 2));
    expected += 3;
    ASSERT_TRUE(core_->create_topic(for_long ? "u" : "v", 1, {}));
    // The producer's next epoch, for the next round.
    send(producer_batch(7, 1, 0));
    core_->commit_once();
    ++expected;
    crash();
    opened = LogCore::open(*env_, kDirectory, {.metrics = &metrics});
    ASSERT_TRUE(opened) << opened.error().to_string();
    core_ = std::move(*opened);
    EXPECT_THAT(read_values(*core_, t0_, 0), testing::SizeIs(static_cast<size_t>(expected)));
    EXPECT_THAT(read_values(*core_, t0_, 0), testing::Not(testing::Contains("lost")));
    if (for_long) {
      ASSERT_TRUE(core_->delete_topic("t"));
      ASSERT_TRUE(core_->create_topic("t", 1, {}));
      append("a");
      expected = 1;
    }
  }
  EXPECT_EQ(metrics.counter("penstock_log_disk_full_total", "").value(), 2U);
  core_.reset();
}

TEST_F(LogRecovery, ALogThatClosesOnAFullDiskKeepsWhatWasAcknowledged) {
  for (const bool room_again : {false, true}) {
    start();
    append("a");
    env_->fail(Operation::kSync, 1, true, ErrorCode::kResourceExhausted);
    AppendResult answer;
    core_->append(t0_, batch_of({"refused"}), [&](AppendResult result) { answer = std::move(result); });
    core_->commit_once();
    EXPECT_EQ(answer.error, AppendError::kStorage);
    if (room_again) env_->clear_fault();
    EXPECT_EQ(core_->close().has_value(), room_again);
    env_->clear_fault();
    if (!room_again) crash();
    EXPECT_EQ(open(), "");
    append("b");
    EXPECT_EQ(read_values(*core_, t0_, 0).front(), "a");
    EXPECT_EQ(read_values(*core_, t0_, 0).back(), "b");
    if (room_again) EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a", "b"));
  }
}

TEST_F(LogRecovery, ASyncOfSegmentsThatFindsNoRoomIsFinal) {
  start();
  append("a");
  ASSERT_TRUE(core_->flush());
  env_->fail(Operation::kSync, 1, false, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(core_->checkpoint());
  // What an earlier flush wrote may be gone from the disk's cache, and from memory: only the journal has it for sure.
  EXPECT_FALSE(core_->resume());
  std::string reason;
  EXPECT_FALSE(core_->accepts_writes(&reason));
  EXPECT_THAT(reason, HasSubstr("sync of partition segments"));
  crash();
  EXPECT_EQ(open(), "");
  EXPECT_THAT(read_values(*core_, t0_, 0), ElementsAre("a"));
}

TEST_F(LogRecovery, WhatRetentionTookOnAFullDiskIsRemovedLater) {
  start();
  TopicConfig config;
  config.segment_bytes = 4096;
  config.retention_bytes = 0;
  ASSERT_TRUE(core_->create_topic("short", 1, config));
  for (int i = 0; i < 3; ++i) {
    core_->append(partition_of("short", 0), batch_of({std::string(4000, 'x')}), [](const AppendResult&) {});
    core_->commit_once();
    ASSERT_TRUE(core_->flush());
  }
  const auto segments = [&] {
    return std::ranges::count_if(everything(), [](const auto& file) { return file.first.ends_with(".log"); });
  };
  const auto before = segments();
  ASSERT_GE(before, 3);
  env_->fail(Operation::kWrite, 1, true, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(core_->enforce_retention());
  EXPECT_EQ(segments(), before);
  env_->clear_fault();
  EXPECT_TRUE(core_->resume());
  EXPECT_LE(segments(), before - 2);
}

TEST_F(LogRecovery, ALongJournalIsReplayedWithinTheTailsBound) {
  start();
  for (int i = 0; i < 200; ++i) append(std::to_string(i) + ":" + std::string(2000, 'x'));
  crash();
  MemoryBudget budget("log", 1 << 30);
  LogOptions options;
  options.tail_bytes_max = 64 << 10;
  options.memory = &budget;
  const auto opened = LogCore::open(*env_, kDirectory, options);
  ASSERT_TRUE(opened);
  EXPECT_LT(budget.used_bytes(), options.tail_bytes_max);
  const auto values = read_values(**opened, t0_, 0);
  ASSERT_EQ(values.size(), 200U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(std::stoi(values[i]), i);
}

}  // namespace
}  // namespace penstock::log
