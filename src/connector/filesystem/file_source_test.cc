#include "connector/filesystem/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "connector/connector_test_fixture.h"
#include "expr/expr.h"

namespace penstock::connector {
namespace {

using exec::SourceState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class FileSourceTest : public ConnectorTest {
 protected:
  FileSourceTest() {
    options_ = {{"connector", "filesystem"}, {"path", "in"}, {"format", "csv"}};
    EXPECT_TRUE(env_.create_directories("/files/in"));
  }

  ConnectorContext files_context(int parallelism = 1) {
    ConnectorContext made = context(parallelism);
    made.files_directory = "/files";
    return made;
  }
  void append_to(const std::string& name, std::string_view text) {
    const auto file = env_.open("/files/in/" + name, io::OpenMode::kCreateOrOpen).value();
    ASSERT_TRUE(file->write_at(file->size().value(), text));
  }
  void replace(const std::string& name, std::string_view text) {
    append_to("../new", text);
    ASSERT_TRUE(env_.rename("/files/in/../new", "/files/in/" + name));
  }

  types::Schema columns() const { return schema_of({{"item", "STRING"}, {"ts", "TIMESTAMP(3)"}}); }
  static std::string event(const std::string& item, int second) {
    return fmt::format("{},1970-01-01 00:00:{:02}\n", item, second);
  }
  ScanRequest request_with_watermark() {
    ScanRequest r = request(columns());
    r.watermark = expr::Expr::column(1, r.physical[1].type);
    r.time_column = 1;
    return r;
  }
  ScanRequest items() { return request(schema_of({{"item", "STRING"}})); }
  SourcePlan plan(ScanRequest r, int parallelism = 1) {
    auto made = plan_source(files_context(parallelism), std::move(r));
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
  }
  // What has come since the last time, when the table is looked at now: "a b c".
  std::string read_now(const SourcePlan& plan, exec::Source& source, CollectedOutput& out) {
    static_cast<void>(plan.progress->ends());  // whoever waits for the end lets it look
    EXPECT_EQ(poll_all(source, out), SourceState::kWaiting);
    return words(out.take());
  }
  static std::string words(const std::string& rows) {
    std::string out;
    for (size_t at = 0; at < rows.size();) {
      const size_t end = std::min(rows.find(" | ", at), rows.size());
      const std::string row = rows.substr(at, end - at);
      out += (out.empty() ? "" : " ") + row.substr(std::string_view("+I ").size());
      at = end + 3;
    }
    return out;
  }
  Positions positions_at(const SourcePlan& plan, exec::Source& source, int64_t epoch) {
    EXPECT_TRUE(source.on_barrier(Epoch(epoch)));
    return plan.progress->take(Epoch(epoch)).positions;
  }
  // Those that are kept.
  static std::string kept(Positions positions) {
    std::erase_if(positions, [](const auto& position) { return position.first.topic.starts_with('~'); });
    return positions_text(positions);
  }
  void follow() { options_["source.monitor-interval"] = "1 h"; }
};

TEST_F(FileSourceTest, ABoundedTableIsWhatIsThereAndEnds) {
  append_to("b.csv", "b\n");
  append_to("a.csv", "a1\na2");
  const SourcePlan bounded = plan(items());
  EXPECT_TRUE(bounded.bounded);
  append_to("b.csv", "later\n");
  append_to("c.csv", "later\n");
  const auto source = make_source(bounded);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
  EXPECT_EQ(words(out.take()), "a1 b a2");
  EXPECT_TRUE(bounded.progress->ended());
  EXPECT_EQ(kept(positions_at(bounded, *source, 1)),
            fmt::format("file:t:in/a.csv/0={} file:t:in/b.csv/0={}", INT64_MAX, INT64_MAX));
  EXPECT_EQ(bounded.progress->records_read(), 3u);
}

TEST_F(FileSourceTest, FilesAreDealtOutToTheInstances) {
  for (int i = 0; i < 5; ++i) append_to(fmt::format("{}.csv", i), fmt::format("{}\n", i));
  const SourcePlan three = plan(items(), 3);
  EXPECT_EQ(three.parallelism, 3);
  std::vector<std::string> read;
  for (int instance = 0; instance < 3; ++instance) {
    CollectedOutput out;
    EXPECT_EQ(poll_all(*make_source(three, instance), out), SourceState::kEnded);
    read.push_back(words(out.take()));
  }
  EXPECT_THAT(read, ElementsAre("0 3", "1 4", "2"));
  EXPECT_EQ(plan(items(), 8).parallelism, 5);
}

TEST_F(FileSourceTest, WithoutFilesItEndsAtOnce) {
  const SourcePlan empty = plan(items());
  CollectedOutput out;
  EXPECT_EQ(poll_all(*make_source(empty), out), SourceState::kEnded);
  options_["path"] = "in/none";
  const auto missing = plan_source(files_context(), items());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().to_string(), "table \"t\": there is no file or directory \"in/none\"");
}

TEST_F(FileSourceTest, NewFilesAreFoundAndGrowingOnesFollowed) {
  follow();
  append_to("a.csv", "a1\nhal");
  const SourcePlan following = plan(items());
  EXPECT_FALSE(following.bounded);
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a1");
  const int wakes = wakes_;
  append_to("a.csv", "f\na3\n");
  append_to("b.csv", "b1\n");
  static_cast<void>(following.progress->ends());
  EXPECT_GT(wakes_.load(), wakes);
  EXPECT_EQ(read_now(following, *source, out), "half a3 b1");
  EXPECT_EQ(read_now(following, *source, out), "");
  EXPECT_EQ(kept(positions_at(following, *source, 1)), "file:t:in/a.csv/0=11 file:t:in/b.csv/0=3");
}

TEST_F(FileSourceTest, WhoWaitsForTheEndLearnsHowFarHasBeenLooked) {
  follow();
  append_to("a.csv", "whole\npart of a line");
  append_to("empty.csv", "");
  const SourcePlan following = plan(items());
  const auto source = make_source(following);
  CollectedOutput out;
  const Positions ends = following.progress->ends();
  ASSERT_EQ(ends.size(), 2u);
  const auto covers = [&](const Positions& positions) {
    return std::ranges::all_of(ends, [&](const auto& end) {
      return std::ranges::any_of(positions,
                                 [&](const auto& p) { return p.first == end.first && p.second >= end.second; });
    });
  };
  EXPECT_FALSE(covers(positions_at(following, *source, 1)));
  const size_t batches = out.batches;
  poll_all(*source, out);
  EXPECT_GT(out.batches, batches) << "an epoch ends that tells of it";
  EXPECT_TRUE(covers(positions_at(following, *source, 2)));
}

TEST_F(FileSourceTest, AFileThatIsTruncatedIsReadFromItsBeginning) {
  follow();
  append_to("a.csv", "a1\na2\n");
  const SourcePlan following = plan(items());
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a1 a2");
  ASSERT_TRUE(env_.open("/files/in/a.csv", io::OpenMode::kReadWrite).value()->truncate(0));
  append_to("a.csv", "n1\n");
  EXPECT_EQ(read_now(following, *source, out), "n1");
  EXPECT_EQ(kept(positions_at(following, *source, 1)), "file:t:in/a.csv/0=3");
}

TEST_F(FileSourceTest, AFileThatIsReplacedIsReadToItsEndAndThenTheNewOne) {
  follow();
  append_to("a.csv", "a1\n");
  const SourcePlan following = plan(items());
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a1");
  append_to("a.csv", "a2\nlast");
  ASSERT_TRUE(env_.rename("/files/in/a.csv", "/files/a.csv.1"));
  append_to("a.csv", "n1\n");
  EXPECT_EQ(read_now(following, *source, out), "a2 last n1");
  append_to("a.csv", "n2\n");
  EXPECT_EQ(read_now(following, *source, out), "n2");
}

TEST_F(FileSourceTest, AFileThatIsDeletedIsForgotten) {
  follow();
  append_to("a.csv", "a1\n");
  append_to("b.csv", "b1\n");
  const SourcePlan following = plan(items());
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a1 b1");
  append_to("a.csv", "a2");
  ASSERT_TRUE(env_.remove_file("/files/in/a.csv"));
  EXPECT_EQ(read_now(following, *source, out), "a2") << "what is left of it is read";
  EXPECT_EQ(kept(positions_at(following, *source, 1)), "file:t:in/b.csv/0=3 file:t:in/a.csv/0=-1");
  EXPECT_EQ(kept(positions_at(following, *source, 2)), "file:t:in/b.csv/0=3");
  append_to("a.csv", "again\n");
  EXPECT_EQ(read_now(following, *source, out), "again");
}

TEST_F(FileSourceTest, FilesAreReadOnceWhenTheyAreNotFollowed) {
  follow();
  options_["source.follow"] = "false";
  append_to("a.csv", "a1\na2");
  const SourcePlan monitored = plan(items());
  const auto source = make_source(monitored);
  CollectedOutput out;
  EXPECT_EQ(read_now(monitored, *source, out), "a1 a2");
  append_to("a.csv", "more\n");
  append_to("b.csv", "b1\n");
  EXPECT_EQ(read_now(monitored, *source, out), "b1");
}

TEST_F(FileSourceTest, AJobGoesOnWhereItWas) {
  follow();
  append_to("a.csv", "a1\na2\n");
  append_to("gone.csv", "g\n");
  append_to("short.csv", "s\n");
  ScanRequest again = items();
  again.start = {{{"file:t:in/a.csv", log::PartitionId(0)}, log::Offset(3)},
                 {{"file:t:in/never.csv", log::PartitionId(0)}, log::Offset(7)},
                 {{"file:t:in/short.csv", log::PartitionId(0)}, log::Offset(100)},
                 {{"file:other:in/a.csv", log::PartitionId(0)}, log::Offset(9)}};
  const SourcePlan following = plan(std::move(again));
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a2 g s") << "one that is shorter now was truncated";
  EXPECT_EQ(kept(positions_at(following, *source, 1)),
            "file:t:in/a.csv/0=6 file:t:in/gone.csv/0=2 file:t:in/short.csv/0=2 file:t:in/never.csv/0=-1");
}

TEST_F(FileSourceTest, AHeldScanStopsUntilItIsReleased) {
  follow();
  append_to("a.csv", "a1\na2\na3\n");
  append_to("b.csv", "b1\n");
  append_to("new.csv", "n1\n");
  ScanRequest held = items();
  held.hold.emplace().positions = Positions{{{"file:t:in/a.csv", log::PartitionId(0)}, log::Offset(6)},
                                            {{"file:t:in/b.csv", log::PartitionId(0)}, log::Offset(0)},
                                            {{"file:t:in/lost.csv", log::PartitionId(0)}, log::Offset(5)}};
  const SourcePlan following = plan(std::move(held));
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), "a1 a2");
  EXPECT_EQ(kept(positions_at(following, *source, 1)),
            "file:t:in/a.csv/0=6 file:t:in/b.csv/0=0 file:t:in/lost.csv/0=5");
  const int wakes = wakes_;
  following.progress->release();
  EXPECT_GT(wakes_.load(), wakes);
  EXPECT_EQ(read_now(following, *source, out), "a3 b1 n1");
  EXPECT_EQ(kept(positions_at(following, *source, 2)),
            "file:t:in/a.csv/0=9 file:t:in/b.csv/0=3 file:t:in/new.csv/0=3 file:t:in/lost.csv/0=-1");
}

TEST_F(FileSourceTest, AHeldTableWithAnEndDoesNotEndBefore) {
  append_to("a.csv", "a1\na2\n");
  append_to("b.csv", "b1\n");
  ScanRequest held = items();
  held.hold.emplace().positions = Positions{{{"file:t:in/a.csv", log::PartitionId(0)}, log::Offset(3)},
                                            {{"file:t:in/b.csv", log::PartitionId(0)}, log::Offset(INT64_MAX)}};
  const SourcePlan bounded = plan(std::move(held));
  const auto source = make_source(bounded);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(words(out.take()), "a1 b1");
  EXPECT_EQ(kept(positions_at(bounded, *source, 1)),
            fmt::format("file:t:in/a.csv/0=3 file:t:in/b.csv/0={}", INT64_MAX));
  bounded.progress->release();
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
  EXPECT_EQ(words(out.take()), "a2");
}

TEST_F(FileSourceTest, TheWatermarkIsTheLeastOverTheFilesUntilTheyEnd) {
  follow();
  options_["source.follow"] = "false";
  append_to("a.csv", event("a", 30));
  append_to("b.csv", event("b", 10));
  const SourcePlan monitored = plan(request_with_watermark());
  const auto source = make_source(monitored);
  CollectedOutput out;
  read_now(monitored, *source, out);
  EXPECT_TRUE(out.last_watermark.idle) << "all have been read";

  options_["source.follow"] = "true";
  const SourcePlan following = plan(request_with_watermark());
  const auto follower = make_source(following);
  CollectedOutput followed;
  read_now(following, *follower, followed);
  EXPECT_EQ(followed.last_watermark.time, EventTime(10'000'000));
  EXPECT_FALSE(followed.last_watermark.idle);
  append_to("b.csv", event("b", 20));
  read_now(following, *follower, followed);
  EXPECT_EQ(followed.last_watermark.time, EventTime(20'000'000));
  // A file that has given nothing for the idle timeout does not hold the others back.
  env_.advance(9'000'000);
  append_to("a.csv", event("a", 40));
  read_now(following, *follower, followed);
  EXPECT_EQ(followed.last_watermark.time, EventTime(20'000'000));
  env_.advance(2'000'000);
  append_to("a.csv", event("a", 41));
  read_now(following, *follower, followed);
  EXPECT_EQ(followed.last_watermark.time, EventTime(41'000'000));
}

TEST_F(FileSourceTest, FilesThatWaitForTheirTurnHoldTheWatermarkBack) {
  std::string long_file;
  for (int i = 0; i < 20'000; ++i) long_file += event("x", 50);
  for (int i = 0; i < 40; ++i) append_to(fmt::format("{:02}.csv", i), i == 39 ? event("old", 1) : long_file);
  const SourcePlan bounded = plan(request_with_watermark());
  const auto source = make_source(bounded);
  CollectedOutput out;
  out.keep_text = false;
  while (source->poll(out).value() != SourceState::kEnded) {
    if (out.rows < 20'000 * 20) {
      EXPECT_EQ(out.last_watermark.time, kMinEventTime);
    }
  }
  EXPECT_EQ(out.rows, 39u * 20'000 + 1);
}

TEST_F(FileSourceTest, BadLinesAreDeadLettersWithTheirPlace) {
  options_["source.record-size-max"] = "100 b";
  append_to("a.csv", "good\ntoo,many\n" + std::string(1'000'000, 'x') + "\nend\n");
  EXPECT_EQ(words([&] {
              const auto source = make_source(plan(items()));
              CollectedOutput out;
              EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
              return out.take();
            }()),
            "good end");
  EXPECT_THAT(letters_.take(),
              ElementsAre(HasSubstr("t in/a.csv/0@5 too,many: more than 1 fields"), HasSubstr("t in/a.csv/0@14 xxx")));
}

TEST_F(FileSourceTest, AnUnreadableFileIsAnErrorThatNamesIt) {
  append_to("a.csv", "a\n");
  const auto source = make_source(plan(items()));
  env_.fail(io::SimulatedEnv::Operation::kOpen, 1, false);
  CollectedOutput out;
  const auto state = source->poll(out);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().to_string(), AllOf(HasSubstr("table \"t\": cannot open /files/in/a.csv")));
}

TEST_F(FileSourceTest, ManyFilesAreReadWithFewOpen) {
  follow();
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    append_to(fmt::format("{:03}.csv", i), fmt::format("{:03}\n", i));
    expected += fmt::format("{}{:03}", i == 0 ? "" : " ", i);
  }
  const SourcePlan following = plan(items());
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(read_now(following, *source, out), expected);
  append_to("007.csv", "more\n");
  EXPECT_EQ(read_now(following, *source, out), "more");
}

}  // namespace
}  // namespace penstock::connector
