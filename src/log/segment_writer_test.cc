#include "log/segment_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_env.h"
#include "log/log_core.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using io::SimulatedEnv;
using Operation = SimulatedEnv::Operation;

// Writes one batch to a new segment of the partition.
Status append_one(SegmentWriter& writer, const std::string& directory, SegmentInfo* info) {
  const SharedBytes bytes = batch_of({"value"});
  const StoredBatch batch{bytes.bytes, info->next_offset, info->next_offset + 1, 1000};
  return writer.append(directory, {&batch, 1}, info);
}

TEST(SegmentWriter, WhatWasSyncedSurvivesAndOnlyThatMust) {
  bool lost = false;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SimulatedEnv env(seed);
    ASSERT_TRUE(env.create_directories("/topics"));
    ASSERT_TRUE(env.sync_directory("/"));
    SegmentWriter writer(env);
    SegmentInfo synced;
    SegmentInfo unsynced;
    ASSERT_TRUE(append_one(writer, "/topics/t/0", &synced));
    SegmentInfo other;
    ASSERT_TRUE(append_one(writer, "/topics/u/7", &other));
    ASSERT_TRUE(writer.sync());
    ASSERT_TRUE(append_one(writer, "/topics/v/0", &unsynced));
    env.crash(SimulatedEnv::CrashKind::kPower);
    for (const char* directory : {"/topics/t/0", "/topics/u/7"}) {
      const auto bytes = env.read_file(segment_path(directory, 0));
      ASSERT_TRUE(bytes) << seed;
      EXPECT_TRUE(parse_record_batch(*bytes)->crc_matches()) << seed;
    }
    lost = lost || !env.exists(segment_path("/topics/v/0", 0));
  }
  EXPECT_TRUE(lost) << "the test would see nothing if all were synced at once";
}

TEST(SegmentWriter, AFileIsSyncedOnceHoweverOftenItWasWritten) {
  SimulatedEnv env(1);
  SegmentWriter writer(env);
  SegmentInfo info;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append_one(writer, "/topics/t/0", &info));
  EXPECT_EQ(env.count(Operation::kSync), 0U);
  EXPECT_EQ(env.count(Operation::kOpen), 1U);
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(env.count(Operation::kSync), 1U);
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(env.count(Operation::kSync), 1U);
}

TEST(SegmentWriter, OpenFilesAreBounded) {
  SimulatedEnv env(1);
  SegmentWriter writer(env);
  for (size_t i = 0; i < 2 * kUnsyncedFilesMax + 1; ++i) {
    SegmentInfo info;
    ASSERT_TRUE(append_one(writer, fmt::format("/topics/t/{}", i), &info));
  }
  EXPECT_EQ(env.count(Operation::kSync), 2 * kUnsyncedFilesMax);
  ASSERT_TRUE(writer.sync());
  EXPECT_EQ(env.count(Operation::kSync), 2 * kUnsyncedFilesMax + 1);
}

TEST(SegmentWriter, WhatWasForgottenMayGo) {
  SimulatedEnv env(1);
  SegmentWriter writer(env);
  for (const char* directory : {"/topics/t/0", "/topics/t/1", "/topics/tt/0"}) {
    SegmentInfo info;
    ASSERT_TRUE(append_one(writer, directory, &info));
  }
  writer.forget("/topics/t");
  ASSERT_TRUE(env.remove_tree("/topics/t"));
  const Status synced = writer.sync();
  EXPECT_TRUE(synced) << synced.error().to_string();
  EXPECT_EQ(env.count(Operation::kSync), 1U);
}

TEST(SegmentWriter, OnlyTheLogsCheckpointSyncs) {
  SimulatedEnv env(1);
  const auto core = *LogCore::open(env, "/log", {});
  ASSERT_TRUE(core->create_topic("t", 100, {}));
  const auto append_to_all = [&] {
    for (int32_t i = 0; i < 100; ++i) core->append(partition_of("t", i), batch_of({"v"}), [](const AppendResult&) {});
    core->commit_once();
  };
  append_to_all();
  const uint64_t before = env.count(Operation::kSync);
  ASSERT_TRUE(core->flush());
  append_to_all();
  EXPECT_EQ(env.count(Operation::kSync), before + 1) << "the commit's";
  ASSERT_TRUE(core->checkpoint());
  EXPECT_EQ(env.count(Operation::kSync), before + 1 + 100 + 1) << "each segment's, and the checkpoint's own";
}

}  // namespace
}  // namespace penstock::log
