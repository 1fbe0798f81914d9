// What both environments promise, checked on both.
#include "io/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>

#include "io/simulated_env.h"

namespace penstock::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Machine {
  virtual ~Machine() = default;
  virtual Env& env() = 0;
  virtual std::string directory() = 0;
};

struct RealMachine final : Machine {
  RealMachine() {
    std::string pattern = testing::TempDir() + "penstock-env-XXXXXX";
    path = mkdtemp(pattern.data());
  }
  ~RealMachine() override { std::filesystem::remove_all(path); }
  Env& env() override { return posix_env(); }
  std::string directory() override { return path; }
  std::string path;
};

struct SimulatedMachine final : Machine {
  SimulatedMachine() { EXPECT_TRUE(simulated.create_directories("/data")); }
  Env& env() override { return simulated; }
  std::string directory() override { return "/data"; }
  SimulatedEnv simulated{1};
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Machine>()> make;
};

class EnvTest : public testing::TestWithParam<Kind> {
 protected:
  std::string path(const std::string& name) { return machine_->directory() + "/" + name; }
  std::unique_ptr<File> create(const std::string& name) {
    auto file = env_.open(path(name), OpenMode::kCreateNew);
    EXPECT_TRUE(file);
    return std::move(*file);
  }
  std::string content(const std::string& name) { return env_.read_file(path(name)).value_or("unreadable"); }

  std::unique_ptr<Machine> machine_ = GetParam().make();
  Env& env_ = machine_->env();
};

INSTANTIATE_TEST_SUITE_P(Machines, EnvTest,
                         testing::Values(Kind{"Posix", [] { return std::make_unique<RealMachine>(); }},
                                         Kind{"Simulated", [] { return std::make_unique<SimulatedMachine>(); }}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(EnvTest, WritesAreReadBack) {
  auto file = create("f");
  ASSERT_TRUE(file->write_at(0, "hello"));
  ASSERT_TRUE(file->write_at(7, "there"));
  const std::string_view pieces[] = {"HE", "", "LL"};
  ASSERT_TRUE(file->write_vector_at(0, pieces));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(*file->size(), 12U);
  EXPECT_EQ(content("f"), std::string("HELLo\0\0there", 12));
  char out[10];
  EXPECT_EQ(*file->read_at(10, out, 10), 2U);
  EXPECT_EQ(*file->read_at(12, out, 10), 0U);
  EXPECT_EQ(*file->read_at(1000, out, 10), 0U);
}

TEST_P(EnvTest, ManyPiecesMakeOneWrite) {
  std::mt19937 random(3);
  std::string all;
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.emplace_back(random() % 40, static_cast<char>('a' + i % 26));
  std::vector<std::string_view> pieces(texts.begin(), texts.end());
  for (const auto& text : texts) all += text;
  auto file = create("f");
  ASSERT_TRUE(file->write_vector_at(0, pieces));
  EXPECT_EQ(content("f"), all);
  ASSERT_TRUE(file->write_vector_at(0, {}));
  EXPECT_EQ(content("f"), all);
}

TEST_P(EnvTest, PreallocationFillsWithZerosAndKeepsWhatIsThere) {
  auto file = create("f");
  ASSERT_TRUE(file->write_at(0, "abc"));
  ASSERT_TRUE(file->preallocate(1'000'000));
  EXPECT_EQ(content("f"), "abc" + std::string(999'997, '\0'));
  ASSERT_TRUE(file->preallocate(10));
  EXPECT_EQ(*file->size(), 1'000'000U);
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(content("f"), "ab");
}

TEST_P(EnvTest, WhatAPathNames) {
  ASSERT_TRUE(env_.create_directories(path("d")));
  EXPECT_EQ(env_.info(path("d"))->kind, FileKind::kDirectory);
  EXPECT_EQ(env_.info(path("no")).error().code(), ErrorCode::kNotFound);
  auto file = create("f");
  const FileInfo empty = *env_.info(path("f"));
  EXPECT_EQ(empty.kind, FileKind::kRegular);
  EXPECT_EQ(empty.size, 0U);
  ASSERT_TRUE(file->write_at(0, "hello"));
  const FileInfo written = *env_.info(path("f"));
  EXPECT_EQ(written.size, 5U);
  EXPECT_EQ(written.id, empty.id);
  EXPECT_LT(std::abs(written.modified_us - env_.wall_time_us()), 60'000'000);
  ASSERT_TRUE(env_.rename(path("f"), path("g")));
  EXPECT_EQ(*file->info(), written);
  EXPECT_EQ(env_.info(path("g"))->id, empty.id);
  create("f");
  EXPECT_NE(env_.info(path("f"))->id, empty.id);
}

TEST_P(EnvTest, RealPaths) {
  ASSERT_TRUE(env_.create_directories(path("d/e")));
  const std::string real = env_.real_path(path("d/e")).value();
  EXPECT_THAT(real, testing::EndsWith("/d/e"));
  EXPECT_EQ(env_.real_path(path("d/./e/../e/")).value(), real);
  EXPECT_EQ(env_.real_path(path("no")).error().code(), ErrorCode::kNotFound);
}

TEST(PosixEnvTest, LinksAreFollowedOnlyByRealPaths) {
  RealMachine machine;
  ASSERT_TRUE(machine.env().create_directories(machine.path + "/d"));
  std::filesystem::create_symlink(machine.path + "/d", machine.path + "/link");
  EXPECT_EQ(machine.env().info(machine.path + "/link")->kind, FileKind::kLink);
  EXPECT_EQ(machine.env().real_path(machine.path + "/link").value(),
            machine.env().real_path(machine.path + "/d").value());
}

TEST_P(EnvTest, OpenModes) {
  EXPECT_EQ(env_.open(path("no"), OpenMode::kRead).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(env_.open(path("no"), OpenMode::kReadWrite).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(env_.open(path("no/f"), OpenMode::kCreateNew).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(create("f")->write_at(0, "x"));
  EXPECT_EQ(env_.open(path("f"), OpenMode::kCreateNew).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(*env_.open(path("f"), OpenMode::kCreateOrOpen).value()->size(), 1U);
  auto reader = env_.open(path("f"), OpenMode::kRead);
  ASSERT_TRUE(reader);
  EXPECT_FALSE((*reader)->write_at(0, "y"));
  EXPECT_THAT(env_.open(path("no"), OpenMode::kRead).error().message(), HasSubstr(path("no")));
}

TEST_P(EnvTest, DirectoriesListTheirNamesSorted) {
  ASSERT_TRUE(env_.create_directories(path("a/b/c")));
  ASSERT_TRUE(env_.create_directories(path("a/b/c")));
  for (const char* name : {"a/2", "a/10", "a/b/x"}) create(name);
  EXPECT_THAT(env_.list(path("a")).value(), ElementsAre("10", "2", "b"));
  EXPECT_THAT(env_.list(path("a/b")).value(), ElementsAre("c", "x"));
  EXPECT_EQ(env_.list(path("none")).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(env_.remove_tree(path("a/b")));
  EXPECT_THAT(env_.list(path("a")).value(), ElementsAre("10", "2"));
  EXPECT_FALSE(env_.exists(path("a/b/x")));
  ASSERT_TRUE(env_.remove_tree(path("a/b")));
}

TEST_P(EnvTest, RenameReplacesAndOpenFilesGoOn) {
  auto one = create("one");
  ASSERT_TRUE(one->write_at(0, "1"));
  ASSERT_TRUE(create("two")->write_at(0, "2"));
  ASSERT_TRUE(env_.rename(path("one"), path("two")));
  ASSERT_TRUE(env_.sync_directory(machine_->directory()));
  EXPECT_FALSE(env_.exists(path("one")));
  EXPECT_EQ(content("two"), "1");
  ASSERT_TRUE(env_.remove_file(path("two")));
  ASSERT_TRUE(one->write_at(1, "still"));
  EXPECT_EQ(*one->size(), 6U);
  EXPECT_EQ(env_.remove_file(path("two")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(env_.rename(path("two"), path("three")).error().code(), ErrorCode::kNotFound);
}

TEST_P(EnvTest, AtomicReplacement) {
  ASSERT_TRUE(env_.write_file_atomically(path("f"), "a long first version"));
  ASSERT_TRUE(env_.write_file_atomically(path("f"), "second"));
  EXPECT_EQ(content("f"), "second");
  EXPECT_THAT(env_.list(machine_->directory()).value(), ElementsAre("f"));
}

TEST_P(EnvTest, ManyAreSyncedAtOnceAndAFailureOfOneIsTold) {
  std::vector<std::unique_ptr<File>> files;
  std::vector<File*> pointers;
  for (int i = 0; i < 50; ++i) {
    files.push_back(*env_.open(path(std::to_string(i)), OpenMode::kCreateNew));
    ASSERT_TRUE(files.back()->write_at(0, "x"));
    pointers.push_back(files.back().get());
  }
  EXPECT_TRUE(env_.sync_all({}, {}));
  std::vector<std::string> directories = {path("")};
  directories[0].pop_back();
  EXPECT_TRUE(env_.sync_all(pointers, directories));
  directories.push_back(path("none"));
  const Status failed = env_.sync_all(pointers, directories);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message(), HasSubstr(path("none")));
}

TEST_P(EnvTest, OneLockAtATime) {
  auto lock = env_.lock(path("lock"));
  ASSERT_TRUE(lock);
  EXPECT_EQ(env_.lock(path("lock")).error().code(), ErrorCode::kUnavailable);
  lock->reset();
  EXPECT_TRUE(env_.lock(path("lock")));
}

TEST_P(EnvTest, ClocksDoNotGoBackAndRandomnessDiffers) {
  const int64_t before = env_.monotonic_time_us();
  EXPECT_GE(env_.monotonic_time_us(), before);
  EXPECT_GT(env_.wall_time_us(), 1'600'000'000'000'000);
  EXPECT_NE(env_.random_u64(), env_.random_u64());
}

TEST(ParentDirectory, OfPaths) {
  EXPECT_EQ(parent_directory("/a/b"), "/a");
  EXPECT_EQ(parent_directory("/a"), "/");
  EXPECT_EQ(parent_directory("a"), ".");
}

}  // namespace
}  // namespace penstock::io
