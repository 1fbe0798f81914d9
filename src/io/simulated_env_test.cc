#include "io/simulated_env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace penstock::io {
namespace {

using Operation = SimulatedEnv::Operation;
using CrashKind = SimulatedEnv::CrashKind;
constexpr int kSeeds = 300;

// A directory that survives, with one synced file "f" of `content`.
std::unique_ptr<SimulatedEnv> machine_with_file(uint64_t seed, std::string_view content) {
  auto env = std::make_unique<SimulatedEnv>(seed);
  EXPECT_TRUE(env->create_directories("/d"));
  EXPECT_TRUE(env->sync_directory("/"));
  auto file = env->open("/d/f", OpenMode::kCreateNew);
  EXPECT_TRUE((*file)->write_at(0, content));
  EXPECT_TRUE((*file)->sync());
  EXPECT_TRUE(env->sync_directory("/d"));
  return env;
}

TEST(SimulatedEnv, WhatWasSyncedSurvives) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, "kept");
    env->crash(CrashKind::kPower);
    EXPECT_EQ(*env->read_file("/d/f"), "kept");
  }
}

TEST(SimulatedEnv, UnsyncedWritesAreLostTornOrKept) {
  std::set<std::string> outcomes;
  const std::string old(1024, 'o');
  const std::string fresh(1024, 'n');
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, old);
    ASSERT_TRUE((*env->open("/d/f", OpenMode::kReadWrite))->write_at(0, fresh));
    env->crash(CrashKind::kPower);
    outcomes.insert(*env->read_file("/d/f"));
  }
  // Two sectors, each old or new.
  EXPECT_EQ(outcomes.size(), 4U);
}

TEST(SimulatedEnv, ALaterWriteMaySurviveWithoutAnEarlierOne) {
  bool reordered = false;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, std::string(1024, 'o'));
    auto file = *env->open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE(file->write_at(0, "1"));
    ASSERT_TRUE(file->write_at(512, "2"));
    env->crash(CrashKind::kPower);
    const std::string content = *env->read_file("/d/f");
    reordered |= content[0] == 'o' && content[512] == '2';
  }
  EXPECT_TRUE(reordered);
}

TEST(SimulatedEnv, NamesNeedTheirDirectorySynced) {
  int kept = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, "x");
    auto file = *env->open("/d/g", OpenMode::kCreateNew);
    ASSERT_TRUE(file->write_at(0, "synced"));
    ASSERT_TRUE(file->sync());
    env->crash(CrashKind::kPower);
    kept += env->exists("/d/g") ? 1 : 0;
  }
  EXPECT_GT(kept, 0);
  EXPECT_LT(kept, kSeeds);
}

TEST(SimulatedEnv, ALostDirectoryTakesItsFilesAlong) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    SimulatedEnv env(seed);
    ASSERT_TRUE(env.create_directories("/a/b"));
    auto file = *env.open("/a/b/f", OpenMode::kCreateNew);
    ASSERT_TRUE(env.sync_directory("/a/b"));
    env.crash(CrashKind::kPower);
    if (env.exists("/a/b/f")) {
      EXPECT_TRUE(env.exists("/a/b"));
      EXPECT_TRUE(env.exists("/a"));
    }
  }
}

TEST(SimulatedEnv, AtomicReplacementSurvivesWholeOrNotAtAll) {
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, "old");
    env->fail(Operation::kAnyChange, 1 + seed % 6, true);
    const bool done = env->write_file_atomically("/d/f", "new").has_value();
    env->clear_fault();
    env->crash(CrashKind::kPower);
    const std::string content = *env->read_file("/d/f");
    EXPECT_TRUE(content == "new" || (!done && content == "old")) << seed << ": " << content;
  }
}

TEST(SimulatedEnv, AFailedSyncLosesWhatALaterOneReports) {
  int lost = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, "old");
    auto file = *env->open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE(file->write_at(0, "new"));
    env->fail(Operation::kSync, 1, false);
    EXPECT_FALSE(file->sync());
    EXPECT_TRUE(file->sync());
    EXPECT_EQ(*env->read_file("/d/f"), "new");
    env->crash(CrashKind::kPower);
    lost += *env->read_file("/d/f") == "old" ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST(SimulatedEnv, AKilledProcessLosesNothingButMakesNothingDurable) {
  int lost = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto env = machine_with_file(seed, "old");
    auto file = *env->open("/d/f", OpenMode::kReadWrite);
    ASSERT_TRUE(file->write_at(0, "new"));
    env->crash(CrashKind::kProcess);
    EXPECT_EQ(*env->read_file("/d/f"), "new");
    EXPECT_EQ(file->write_at(0, "z").error().code(), ErrorCode::kIoError);
    env->crash(CrashKind::kPower);
    lost += *env->read_file("/d/f") == "old" ? 1 : 0;
  }
  EXPECT_GT(lost, 0);
}

TEST(SimulatedEnv, FaultsHitTheNthOperationOnceOrForever) {
  auto env = machine_with_file(1, "x");
  auto file = *env->open("/d/f", OpenMode::kReadWrite);
  env->fail(Operation::kWrite, 2, false);
  EXPECT_TRUE(file->write_at(0, "1"));
  EXPECT_FALSE(file->write_at(0, "2"));
  EXPECT_TRUE(file->write_at(0, "3"));
  env->fail(Operation::kSync, 1, true);
  EXPECT_FALSE(file->sync());
  EXPECT_FALSE(file->sync());
  env->clear_fault();
  EXPECT_TRUE(file->sync());
}

TEST(SimulatedEnv, AFullDisk) {
  auto env = machine_with_file(1, "12345678");
  env->set_capacity(10);
  auto file = *env->open("/d/f", OpenMode::kReadWrite);
  EXPECT_TRUE(file->write_at(8, "ab"));
  EXPECT_EQ(file->write_at(10, "c").error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE(file->write_at(0, "again"));
  EXPECT_EQ(*file->size(), 10U);
}

TEST(SimulatedEnv, LocksGoWithTheProcess) {
  SimulatedEnv env(1);
  auto lock = env.lock("/lock");
  ASSERT_TRUE(lock);
  env.crash(CrashKind::kProcess);
  auto next = env.lock("/lock");
  ASSERT_TRUE(next);
  lock->reset();
  EXPECT_FALSE(env.lock("/lock"));
}

TEST(SimulatedEnv, TheSameSeedGivesTheSameRun) {
  const auto run = [](uint64_t seed) {
    auto env = machine_with_file(seed, std::string(5000, 'o'));
    auto file = *env->open("/d/f", OpenMode::kReadWrite);
    EXPECT_TRUE(file->write_at(100, std::string(3000, 'n')));
    env->crash(CrashKind::kPower);
    return *env->read_file("/d/f") + std::to_string(env->random_u64());
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

}  // namespace
}  // namespace penstock::io
