// What the runner must find, and what it must refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "sqltest/file_run.h"
#include "sqltest/golden.h"
#include "sqltest/rows.h"
#include "sqltest/test_file.h"
#include "sqltest/way.h"

namespace penstock::sqltest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kTable = R"(# a rule

statement
CREATE TABLE t (k STRING, v BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

stream s
SELECT k, SUM(v) AS total FROM t GROUP BY k;

input t
{"k": "a", "v": 1}
{"k": "a", "v": 2}

)";

TestFile parse(const std::string& text) {
  Result<TestFile> file = parse_test_file("x.test", text, {});
  EXPECT_TRUE(file) << file.error().to_string();
  return file ? *std::move(file) : TestFile();
}

std::string error_of(const std::string& text) {
  const Result<TestFile> file = parse_test_file("x.test", text, {});
  return file ? "no error" : file.error().message();
}

// Every way in which the file can be run, with what went wrong in it.
std::vector<std::string> failures(const std::string& text) {
  const TestFile file = parse(text);
  std::vector<std::string> all;
  for (const Way& way : ways_of(file, {})) {
    for (const Failure& failure : run_file(file, way).failures) all.push_back(way.name + ": " + failure.what);
  }
  return all;
}

TEST(TestFileTest, SaysWhereAFileIsWrong) {
  EXPECT_EQ(error_of("statement\nSELECT 1\n"), "x.test:1: a test begins with the line '# the rule'");
  EXPECT_EQ(error_of("# a\n\nstatment\nSELECT 1\n"), "x.test:3: there is no directive 'statment'");
  EXPECT_EQ(error_of("# a\n\nstatement\n\n"), "x.test:3: there is no SQL below it");
  EXPECT_THAT(error_of("# a\n\nstatement error\nSELECT 1\n"), HasSubstr("x.test:3: '----'"));
  EXPECT_THAT(error_of("# a\nquery\nSELECT 1\n"), HasSubstr("x.test:2: '----' and the rows"));
  EXPECT_THAT(error_of("# a\ninput t partition x\n{}\n"), HasSubstr("'x' is no number"));
  EXPECT_THAT(error_of("# a\ninput t\n\n"), HasSubstr("an input has lines below it"));
  EXPECT_THAT(error_of("# a\nend\n\ninput t\n{}\n"), HasSubstr("x.test:4: nothing comes in after 'end'"));
  EXPECT_THAT(error_of("# a\nskip-way bounded\n"), HasSubstr("the reason"));
  EXPECT_THAT(error_of("# a\nadvance soon\n"), HasSubstr("DURATION"));
}

TEST(TestFileTest, ReadsBlocks) {
  const TestFile file = parse(std::string(kTable) + "result s\na | 3\n");
  EXPECT_EQ(file.title, "a rule");
  ASSERT_EQ(file.steps.size(), 4U);
  EXPECT_EQ(std::get<Stream>(file.steps[1].what).sql, "SELECT k, SUM(v) AS total FROM t GROUP BY k");
  EXPECT_EQ(std::get<Input>(file.steps[2].what).lines.size(), 2U);
  const Expected& rows = std::get<StreamResult>(file.steps[3].what).rows;
  EXPECT_THAT(rows.lines, ElementsAre("a | 3"));
  EXPECT_EQ(rows.begin, 14U);
  EXPECT_EQ(rows.end, 15U);
  EXPECT_EQ(file.first_final_step(), 3U);
}

TEST(FileRunTest, AllWaysOfAGoodFilePass) {
  EXPECT_THAT(failures(std::string(kTable) + "result s\na | 3\n\nend\n\nresult s\na | 3\n"), IsEmpty());
}

TEST(FileRunTest, EveryWayFindsAWrongRow) {
  const std::string text = std::string(kTable) + "end\n\nresult s\na | 4\n";
  EXPECT_EQ(failures(text).size(), ways_of(parse(text), {}).size());
  EXPECT_THAT(failures(text).front(), HasSubstr("  - a | 4\n  + a | 3\n"));
}

TEST(FileRunTest, FindsErrorsThatAreNotExpectedAndMissingOnes) {
  EXPECT_THAT(failures("# a\n\nstatement\nSELECT x\n"), ElementsAre(HasSubstr("there is no column x")));
  EXPECT_THAT(failures("# a\n\nstatement error\nSELECT 1\n----\nat 3: no\n"), ElementsAre(HasSubstr("+ no error")));
}

TEST(FileRunTest, FindsAJobThatFails) {
  const std::string division = R"(# a

statement
CREATE TABLE t (v BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');

statement
SET row_errors = fail;

stream s
SELECT 10 / SUM(v) AS x FROM t

input t
{"v": 0}

)";
  EXPECT_THAT(failures(division), ::testing::Contains(HasSubstr("a job has failed: s")));
  EXPECT_THAT(failures(division + "result s\n10\n"), ::testing::Contains(HasSubstr("+ failed: ")));
}

TEST(FileRunTest, RewritesWhatIsExpected) {
  const std::string before = std::string(kTable) + "result s\nwrong\nrows\n\nquery\nSELECT 1\n----\n\n# after\n";
  const TestFile file = parse(before);
  const Outcome outcome = run_file(file, ways_of(file, {})[0]);
  Lines lines;
  for (size_t begin = 0; begin < before.size();) {
    const size_t end = before.find('\n', begin);
    lines.push_back(before.substr(begin, end - begin));
    begin = end + 1;
  }
  std::string after;
  for (const std::string& line : rewritten(file, lines, outcome.actual)) after += line + "\n";
  EXPECT_EQ(after, std::string(kTable) + "result s\na | 3\n\nquery\nSELECT 1\n----\n1\n\n# after\n");
}

TEST(FileRunTest, TablesEndWhereTheInputDoes) {
  const std::string create = "CREATE TABLE t (v BIGINT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json')";
  EXPECT_THAT(with_end(create, "t", {{0, 3}, {1, 1}}),
              HasSubstr("'scan.bounded.specific-offsets' = 'partition:0,offset:3;partition:1,offset:1')"));
  EXPECT_EQ(with_end(create, "u", {{0, 3}}), create);
  EXPECT_EQ(with_end("SELECT ')'", "t", {{0, 3}}), "SELECT ')'");
}

TEST(WayTest, FilesLeaveOutWaysAndSeedsAreRepeated) {
  const TestFile file = parse("# a\n\nskip-way pieces, 2-workers: why\n\ninput t\n{}\n");
  std::vector<std::string> names;
  for (const Way& way : ways_of(file, {})) names.push_back(way.name);
  EXPECT_THAT(names, ElementsAre("1-worker", "4-workers", "interleaved", "interleaved", "backlog", "backlog",
                                 "restarted", "restarted"));
  EXPECT_EQ(ways_of(file, {.name = "backlog", .seed = 17}).at(0).seed, 17U);
}

TEST(RowsTest, RowsReadInOneWayOnly) {
  columnar::BatchBuilder builder({types::TypeKind::kString});
  for (const char* text : {"plain text", "", "NULL", " x", "a|b", "a\\b", "two\nlines", "it's"}) {
    builder.column(0).append_string(text);
    builder.end_row();
  }
  builder.column(0).append_null();
  builder.end_row();
  const columnar::ChangeBatch batch = builder.finish();
  Lines readable;
  Lines canonical;
  for (size_t row = 0; row < batch.rows(); ++row) {
    readable.push_back(readable_row(batch, row));
    canonical.push_back(canonical_row(batch, row));
  }
  EXPECT_THAT(readable,
              ElementsAre("plain text", "''", "'NULL'", "' x'", "'a|b'", "'a\\\\b'", "'two\\nlines'", "it's", "NULL"));
  EXPECT_THAT(canonical, ElementsAre("plain text", "", "NULL", " x", "a|b", "a\\\\b", "two\\nlines", "it's", "\\N"));
}

TEST(RowsTest, DiffShowsWhatEachSideHas) {
  EXPECT_EQ(diff({"a", "b"}, {"a", "b"}), "");
  EXPECT_EQ(diff({"a", "b", "d"}, {"b", "c", "d"}), "  - a\n  + c\n  (3 lines expected, 3 came)\n");
  EXPECT_EQ(diff({}, {"a"}), "  + a\n  (0 lines expected, 1 came)\n");
  EXPECT_THAT(diff(Lines(1000, "a"), Lines(1000, "b")), HasSubstr("..."));
}

TEST(GoldenTest, Sha256) {
  EXPECT_EQ(sha256({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256({"hello"}), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
}

}  // namespace
}  // namespace penstock::sqltest
