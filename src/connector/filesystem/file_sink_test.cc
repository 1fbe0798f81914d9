#include "connector/filesystem/file_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "base/state_memory.h"
#include "connector/connector_test_fixture.h"
#include "connector/filesystem/part_files.h"

namespace penstock::connector {
namespace {

using columnar::batch_from_text;
using log::Offset;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// What a reader of the directory sees, all files together; the order of files is that of their numbers.
std::string published(io::Env& env, const std::string& directory) {
  std::map<std::pair<size_t, std::string>, std::string> files;
  for (const std::string& name : env.list(directory).value()) {
    if (name.starts_with('.')) continue;
    EXPECT_THAT(name, StartsWith("part-"));
    files[{name.size(), name}] = env.read_file(fmt::format("{}/{}", directory, name)).value();
  }
  std::string text;
  for (const auto& [name, content] : files) text += content;
  return text;
}

class FileSinkTest : public SinkTest {
 protected:
  FileSinkTest() {
    options_ = {{"connector", "filesystem"}, {"path", "out"}, {"format", "csv"}};
    files_directory_ = "/files";
    EXPECT_TRUE(env_.create_directories(files_directory_));
    EXPECT_TRUE(env_.sync_directory("/"));
  }

  void end_epoch(Sink& sink, exec::Operator& op, int64_t epoch, int64_t position) {
    commit(sink, op, epoch, {{kInput, Offset(position)}});
    while (!sink.durable(Epoch(epoch))) std::this_thread::yield();
  }
  static inline const log::TopicPartition kInput{"test:in", log::PartitionId(0)};
  std::string seen() { return published(env_, "/files/out"); }
};

TEST_F(FileSinkTest, RowsAreDurableWithTheirEpochAndSeenWhenTheirFileIsPublished) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1 | + b 2");
  end_epoch(*sink, *op, 1, 2);
  EXPECT_EQ(seen(), "");
  EXPECT_EQ(sink->rows_written(), 2u);
  write(*op, "+ c 3");
  end_epoch(*sink, *op, 2, 3);
  EXPECT_TRUE(sink->close());
  EXPECT_TRUE(sink->close());
  EXPECT_EQ(seen(), "a,1\nb,2\nc,3\n");
  EXPECT_EQ(positions_text(open()->committed()), "test:in/0=3");
}

TEST_F(FileSinkTest, AFullDiskHoldsItUpAndNothingIsLostOrDoubled) {
  options_["sink.rolling-policy.file-size"] = "8 b";
  for (const auto operation : {io::SimulatedEnv::Operation::kWrite, io::SimulatedEnv::Operation::kSync,
                               io::SimulatedEnv::Operation::kRename, io::SimulatedEnv::Operation::kOpen}) {
    group_ = fmt::format("job.{}", static_cast<int>(operation));
    options_["path"] = group_;
    auto sink = open();
    auto op = sink->make_operator({}).value();
    write(*op, "+ a 1");
    end_epoch(*sink, *op, 1, 1);
    env_.fail(operation, 1, true, ErrorCode::kResourceExhausted);
    for (int64_t epoch = 2; epoch <= 4; ++epoch) {
      write(*op, fmt::format("+ b {}", epoch));
      EXPECT_TRUE(op->on_barrier(Epoch(epoch), out_));
      EXPECT_TRUE(sink->commit(Epoch(epoch), {{kInput, Offset(epoch)}}));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // so that it has met the fault, which is no condition
    EXPECT_FALSE(sink->durable(Epoch(4)));
    env_.clear_fault();
    while (!sink->durable(Epoch(4))) {
      env_.advance(100'000);  // the log waits by this clock
      std::this_thread::yield();
    }
    EXPECT_TRUE(sink->close());
    EXPECT_EQ(published(env_, "/files/" + group_), "a,1\nb,2\nb,3\nb,4\n");
    EXPECT_EQ(positions_text(open()->committed()), "test:in/0=4");
  }
}

TEST_F(FileSinkTest, AFileIsPublishedWhenItIsLargeEnough) {
  options_["sink.rolling-policy.file-size"] = "8 b";
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1");
  end_epoch(*sink, *op, 1, 1);
  EXPECT_EQ(seen(), "");
  write(*op, "+ b 2");
  end_epoch(*sink, *op, 2, 2);
  EXPECT_EQ(seen(), "a,1\nb,2\n");
}

TEST_F(FileSinkTest, OrWhenItIsOldEnough) {
  options_["sink.rolling-policy.rollover-interval"] = "10 s";
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1");
  end_epoch(*sink, *op, 1, 1);
  env_.advance(9'000'000);
  end_epoch(*sink, *op, 2, 2);
  EXPECT_EQ(seen(), "");
  env_.advance(1'000'000);
  end_epoch(*sink, *op, 3, 3);
  EXPECT_EQ(seen(), "a,1\n");
}

TEST_F(FileSinkTest, EveryFileHasTheLineOfColumnNames) {
  options_["header"] = "true";
  options_["sink.rolling-policy.file-size"] = "1 b";
  schema_ = schema_of({{"k,1", "STRING"}, {"v", "BIGINT"}});
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1");
  end_epoch(*sink, *op, 1, 1);
  write(*op, "+ b 2");
  end_epoch(*sink, *op, 2, 2);
  EXPECT_EQ(seen(), "\"k,1\",v\na,1\n\"k,1\",v\nb,2\n");
}

TEST_F(FileSinkTest, AMutedSinkWritesNothing) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  sink->set_muted(true);
  write(*op, "+ a 1");
  end_epoch(*sink, *op, 1, 1);
  EXPECT_TRUE(sink->close());
  EXPECT_EQ(seen(), "");
}

TEST_F(FileSinkTest, WhatItCannotWriteIsRefused) {
  options_["path"] = "out/*.csv";
  EXPECT_THAT(try_open().error().to_string(), HasSubstr("its path is a pattern"));
  options_["path"] = "../out";
  EXPECT_THAT(try_open().error().to_string(), HasSubstr("--files-dir"));
  options_["path"] = "file";
  ASSERT_TRUE(env_.open("/files/file", io::OpenMode::kCreateNew));
  EXPECT_THAT(try_open().error().to_string(), HasSubstr("is no directory"));
  options_["path"] = "out";
  options_["csv.disable-quote-character"] = "true";
  auto sink = open();
  auto op = sink->make_operator({}).value();
  EXPECT_THAT(op->process(0, batch_from_text("+ 'a\nb' 1", schema_).value(), out_).error().to_string(),
              HasSubstr("a value has an end of line in it"));
  EXPECT_FALSE(op->process(0, batch_from_text("+I a 1 | -D a 1", schema_).value(), out_));
}

// Keeps what it is told: the row, and what is wrong.
class CollectedRows : public exec::FailedRows {
 public:
  void add(const columnar::ChangeBatch& /*batch*/, const expr::RowErrors& errors) override {
    for (const expr::RowError& error : errors) rows_.push_back(fmt::format("{}: {}", error.row, error.message));
  }
  const std::vector<std::string>& rows() const { return rows_; }

 private:
  std::vector<std::string> rows_;
};

TEST_F(FileSinkTest, RowsThatCannotBeWrittenAreSetAside) {
  options_["format"] = "raw";
  schema_ = schema_of({{"k", "STRING"}, {"v", "STRING"}});
  SinkRequest request = sink_request();
  request.metadata = {{.column = 0, .key = "partition:0:k"}};
  const auto sink = make_sink(context(), request).value();
  const auto failed = std::make_shared<CollectedRows>();
  auto op = sink->make_operator({.failed_rows = failed}).value();
  const std::string long_text(300, 'x');
  const std::string rows = "+ a one | + " + long_text + " two | + a 'th\nree' | + a four";
  write(*op, rows);
  end_epoch(*sink, *op, 1, 4);
  EXPECT_TRUE(sink->close());
  EXPECT_EQ(published(env_, "/files/out/k=a"), "one\nfour\n");
  EXPECT_EQ(sink->rows_written(), 2u);
  ASSERT_EQ(failed->rows().size(), 2u);
  EXPECT_THAT(failed->rows()[0], StartsWith("1: table \"t\": column k: the name of the directory of 'xxx"));
  EXPECT_THAT(failed->rows()[1], StartsWith("2: table \"t\": a value has an end of line in it"));

  auto strict = sink->make_operator({}).value();
  EXPECT_THAT(strict->process(0, batch_from_text(rows, schema_).value(), out_).error().to_string(),
              HasSubstr("of at most 255"));
}

TEST_F(FileSinkTest, WhatTakesThePlaceOfOthersIsSeenAtOnce) {
  group_ = "";
  options_["sink.rolling-policy.file-size"] = "1 b";
  const auto write_rows = [&](bool overwrite, const std::string& rows) {
    SinkRequest request = sink_request();
    request.overwrite = overwrite;
    auto sink = make_sink(context(), request).value();
    auto op = sink->make_operator({}).value();
    write(*op, rows);
    end_epoch(*sink, *op, 1, 2);
    EXPECT_TRUE(sink->close());
    return sink;
  };
  write_rows(false, "+ a 1");
  EXPECT_EQ(seen(), "a,1\n");
  write_rows(true, "+ b 2").reset();
  EXPECT_EQ(seen(), "a,1\n") << "the statement has failed";
  EXPECT_EQ(env_.list("/files/out")->size(), 1u) << "nor are there hidden files";
  auto sink = write_rows(true, "+ c 3");
  EXPECT_EQ(seen(), "a,1\n");
  EXPECT_TRUE(sink->replace());
  EXPECT_EQ(seen(), "c,3\n");
  sink.reset();
  EXPECT_EQ(seen(), "c,3\n");
}

TEST_F(FileSinkTest, WhatItHoldsOfTheEpochIsCounted) {
  const auto sink = open();
  const auto op = sink->make_operator({}).value();
  const StateMeter meter;
  write(*op, "+ " + std::string(1000, 'x') + " 1");
  EXPECT_GE(meter.bytes(), 1000);
  write(*op, "+ " + std::string(1 << 20, 'x') + " 2");
  EXPECT_GE(meter.bytes(), 1 << 20) << "of a block that is full";
  end_epoch(*sink, *op, 1, 2);
  EXPECT_EQ(meter.bytes(), 0);
}

TEST_F(FileSinkTest, AFailedWriteEndsTheJob) {
  auto sink = open();
  auto op = sink->make_operator({}).value();
  write(*op, "+ a 1");
  EXPECT_TRUE(op->on_barrier(Epoch(1), out_));
  env_.fail(io::SimulatedEnv::Operation::kWrite, 1, true);
  EXPECT_TRUE(sink->commit(Epoch(1), {{kInput, Offset(1)}})) << "written in the background";
  while (!sink->durable(Epoch(1))) std::this_thread::yield();
  EXPECT_FALSE(sink->commit(Epoch(2), {{kInput, Offset(2)}}));
  EXPECT_FALSE(sink->close());
  EXPECT_EQ(sink->rows_written(), 0u);
}

// The job of the tests below writes the lines 0, 1, 2, ... and goes on at its position, as a real one does. Power fails
// after any number of changes to the disk; whoever reads the directory then, or after the restart, sees each line at
// most once and in order, and in the end all of them.
TEST_F(FileSinkTest, NoRowIsLostOrDoubledWhereverPowerFails) {
  options_["sink.rolling-policy.file-size"] = "12 b";
  schema_ = schema_of({{"v", "BIGINT"}});
  constexpr int64_t kRows = 40;
  constexpr int64_t kRowsPerEpoch = 3;
  const auto run = [&](int64_t epochs_max) -> bool {
    auto opened = try_open();
    if (!opened) return false;
    Sink& sink = **opened;
    auto op = sink.make_operator({}).value();
    const Positions committed = sink.committed();
    int64_t next = committed.empty() ? 0 : committed[0].second.value();
    for (int64_t epoch = 1; next < kRows && epoch <= epochs_max; ++epoch) {
      for (int64_t i = 0; i < kRowsPerEpoch && next < kRows; ++i) write(*op, fmt::format("+ {}", next++));
      EXPECT_TRUE(op->on_barrier(Epoch(epoch), out_));
      if (!sink.commit(Epoch(epoch), {{kInput, Offset(next)}})) return false;
      while (!sink.durable(Epoch(epoch))) std::this_thread::yield();
    }
    if (next < kRows) return false;
    return sink.close().has_value();
  };
  const auto check = [&](int64_t rows_min) {
    const std::string directory = "/files/" + options_["path"];
    const std::string text = env_.exists(directory) ? published(env_, directory) : "";
    int64_t next = 0;
    std::string expected;
    while (expected.size() < text.size()) expected += fmt::format("{}\n", next++);
    EXPECT_EQ(text, expected);
    EXPECT_GE(next, rows_min);
  };
  for (uint64_t nth = 1; nth < 60; nth += 4) {
    SCOPED_TRACE(nth);
    options_["path"] = fmt::format("out{}", nth);
    group_ = fmt::format("job.{}", nth);
    bool done = false;
    for (int crash = 0; !done && crash < 30; ++crash) {
      env_.fail(io::SimulatedEnv::Operation::kAnyChange, nth + static_cast<uint64_t>(crash), true);
      done = run(static_cast<int64_t>(nth) % 4 + 2);
      env_.crash(io::SimulatedEnv::CrashKind::kPower);
      env_.clear_fault();
      log_.reset();
      check(0);
      open_log();
    }
    if (!done) {
      ASSERT_TRUE(run(INT64_MAX));
    }
    check(kRows);
  }
}

class PartFilesTest : public testing::Test {
 protected:
  PartFilesTest() { EXPECT_TRUE(env_.create_directories("/out")); }
  Result<std::unique_ptr<PartFiles>> open(const std::optional<std::string>& state = {}) {
    return PartFiles::open({.env = &env_,
                            .directory = "/out",
                            .suffix = ".json",
                            .header = "",
                            .depth = 2,
                            .roll_bytes = 10,
                            .roll_us = 60'000'000,
                            .roll_inactive_us = 20'000'000},
                           state);
  }
  io::SimulatedEnv env_{1};
};

TEST_F(PartFilesTest, UnpublishedFilesAreHidden) {
  auto parts = open().value();
  EXPECT_TRUE(parts->append("", "1\n"));
  EXPECT_TRUE(parts->sync());
  const auto names = env_.list("/out").value();
  ASSERT_EQ(names.size(), 1u);
  EXPECT_THAT(names[0], AllOf(StartsWith(".part-"), EndsWith("-0.json.inprogress")));
  parts->roll();
  EXPECT_TRUE(parts->publish());
  EXPECT_THAT(env_.list("/out").value()[0], AllOf(StartsWith("part-"), EndsWith("-0.json")));
}

TEST_F(PartFilesTest, ASuccessorCutsOffWhatTheStateDoesNotTellOf) {
  auto parts = open().value();
  EXPECT_TRUE(parts->append("", "1\n"));
  EXPECT_TRUE(parts->sync());
  const std::string state = parts->state();
  EXPECT_TRUE(parts->append("", "2\n"));
  EXPECT_TRUE(parts->append("", "3 is long enough\n"));
  EXPECT_TRUE(parts->append("", "4 in another file\n"));
  auto next = open(state).value();
  EXPECT_TRUE(next->append("", "two\n"));
  next->roll();
  EXPECT_TRUE(next->sync());
  EXPECT_TRUE(next->publish());
  EXPECT_EQ(env_.list("/out").value().size(), 1u);
  EXPECT_EQ(published(env_, "/out"), "1\ntwo\n");
}

TEST_F(PartFilesTest, ASuccessorPublishesWhatWasToBe) {
  auto parts = open().value();
  EXPECT_TRUE(parts->append("", "1 is long enough\n"));
  EXPECT_TRUE(parts->append("", "2 is long enough\n"));
  EXPECT_TRUE(parts->sync());
  const std::string state = parts->state();
  env_.fail(io::SimulatedEnv::Operation::kRename, 2, true);
  EXPECT_FALSE(parts->publish());
  env_.clear_fault();
  EXPECT_TRUE(open(state));
  EXPECT_EQ(published(env_, "/out"), "1 is long enough\n2 is long enough\n");
  EXPECT_TRUE(open(state)) << "it was published already";
}

TEST_F(PartFilesTest, EachDirectoryHasItsFile) {
  ASSERT_TRUE(env_.sync_directory("/"));
  auto parts = open().value();
  EXPECT_TRUE(parts->append("a=1/b=x y", "1\n"));
  EXPECT_TRUE(parts->append("a=1/b=z", "2 is long enough\n"));
  EXPECT_TRUE(parts->append("a=1/b=x y", "3\n"));
  EXPECT_TRUE(parts->sync());
  const std::string state = parts->state();
  EXPECT_TRUE(parts->append("a=1/b=x y", "4\n"));
  EXPECT_TRUE(parts->append("a=2/b=z", "5\n"));
  EXPECT_TRUE(parts->sync());
  env_.crash(io::SimulatedEnv::CrashKind::kPower);
  auto next = open(state).value();
  EXPECT_EQ(published(env_, "/out/a=1/b=z"), "2 is long enough\n");
  EXPECT_TRUE(next->append("a=1/b=x y", "six\n"));
  next->roll();
  EXPECT_TRUE(next->sync());
  EXPECT_TRUE(next->publish());
  EXPECT_EQ(published(env_, "/out/a=1/b=x y"), "1\n3\nsix\n");
  EXPECT_TRUE(env_.list("/out/a=2/b=z").value().empty()) << "it was begun after the state was kept";
}

TEST_F(PartFilesTest, FewFilesAreOpenAtOnce) {
  std::string directory = testing::TempDir() + "penstock-parts-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  io::Env& env = io::posix_env();
  const auto open_files = [&] { return env.list("/proc/self/fd").value().size(); };
  const size_t before = open_files();
  const auto open_parts = [&](uint64_t roll_bytes) {
    return PartFiles::open({.env = &env,
                            .directory = directory,
                            .suffix = ".json",
                            .header = "",
                            .depth = 1,
                            .roll_bytes = roll_bytes,
                            .roll_us = 60'000'000,
                            .roll_inactive_us = 60'000'000},
                           {})
        .value();
  };
  {
    const auto parts = open_parts(1000);
    for (int i = 0; i < 210; ++i) {
      EXPECT_TRUE(parts->append(fmt::format("k={}", i), "1\n"));
      EXPECT_LE(open_files(), before + 200);
    }
  }
  const auto parts = open_parts(1);
  for (int i = 0; i < 210; ++i) {
    EXPECT_TRUE(parts->append("", "1\n"));
    EXPECT_LE(open_files(), before + 200) << "each is large enough at once";
  }
  EXPECT_TRUE(parts->sync());
  EXPECT_EQ(open_files(), before) << "what is rolled and synced needs only its name";
  EXPECT_TRUE(env.remove_tree(directory));
}

TEST_F(PartFilesTest, WhatIsClosedForAnotherFileIsNotLost) {
  ASSERT_TRUE(env_.sync_directory("/"));
  auto parts = open().value();
  const auto directory = [](int i) { return fmt::format("a={}", i); };
  for (int i = 0; i < 450; ++i) EXPECT_TRUE(parts->append(directory(i), "1\n"));
  EXPECT_TRUE(parts->append(directory(0), "2\n"));
  EXPECT_TRUE(parts->sync());
  const std::string state = parts->state();
  env_.crash(io::SimulatedEnv::CrashKind::kPower);
  auto next = open(state).value();
  next->roll();
  EXPECT_TRUE(next->sync());
  EXPECT_TRUE(next->publish());
  for (int i = 0; i < 450; ++i) EXPECT_EQ(published(env_, "/out/" + directory(i)), i == 0 ? "1\n2\n" : "1\n");
}

TEST_F(PartFilesTest, AFileThatIsNamedAsADirectoryIsPassedOver) {
  auto parts = open().value();
  EXPECT_TRUE(parts->append("a=1/b=2", "1\n"));
  EXPECT_TRUE(parts->sync());
  ASSERT_TRUE(env_.open("/out/a=2", io::OpenMode::kCreateNew));
  ASSERT_TRUE(env_.open("/out/a=1/b=3", io::OpenMode::kCreateNew));
  EXPECT_TRUE(open(parts->state()));
}

TEST_F(PartFilesTest, AFileThatIsLostIsAnError) {
  auto parts = open().value();
  EXPECT_TRUE(parts->append("", "1\n"));
  const std::string state = parts->state();
  const std::string path = "/out/" + env_.list("/out").value()[0];
  ASSERT_TRUE(env_.open(path, io::OpenMode::kReadWrite).value()->truncate(1));
  EXPECT_THAT(open(state).error().to_string(), HasSubstr("should have 2 bytes, but has 1 (hint: rows"));
  ASSERT_TRUE(env_.remove_file(path));
  EXPECT_THAT(open(state).error().to_string(), HasSubstr("no such file"));
}

TEST_F(PartFilesTest, TimePublishesToo) {
  auto parts = open().value();
  EXPECT_FALSE(parts->next_roll_us());
  EXPECT_TRUE(parts->append("", "1\n"));
  EXPECT_EQ(parts->next_roll_us(), 20'000'000);
  for (int i = 1; i <= 4; ++i) {
    env_.advance(15'000'000);
    parts->roll_if_due();
    EXPECT_EQ(parts->next_roll_us().has_value(), i < 4) << "a minute after it was begun";
    if (i < 3) EXPECT_TRUE(parts->append("", "x\n"));
  }
}

}  // namespace
}  // namespace penstock::connector
