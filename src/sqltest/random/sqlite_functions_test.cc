#include "sqltest/random/sqlite_functions.h"

#include <gtest/gtest.h>

#include "sqltest/random/sqlite_oracle.h"

namespace penstock::sqltest {
namespace {

std::string answer(const std::string& expression) {
  auto oracle = SqliteOracle::open();
  const types::Schema text = {{.name = "answer", .type = types::TypeKind::kString}};
  const auto lines = oracle->rows("SELECT " + expression, text);
  return lines ? lines->front() : lines.error().to_string();
}

TEST(PatternMatchesTest, BeginBehindTheLastOneOrWithTheNextRow) {
  EXPECT_EQ(answer("PATTERN_MATCHES('abbab', 'ab+', 1)"), "[[0,2],[3,4]]");
  EXPECT_EQ(answer("PATTERN_MATCHES('aab', 'a+b', 1)"), "[[0,2]]");
  EXPECT_EQ(answer("PATTERN_MATCHES('aab', 'a+b', 0)"), "[[0,2],[1,2]]");
  EXPECT_EQ(answer("PATTERN_MATCHES('', 'a', 1)"), "[]");
}

TEST(RowsOfSessionsTest, KnowWhichRowsComeTooLate) {
  // The gap is 10 and the watermark 5 behind: the row at 4 is near to what is open, and that at 3 comes when 14 is
  // over.
  EXPECT_EQ(answer("ROWS_OF_SESSIONS('1 1 0,2 1 4,3 1 19,4 1 3,5 1 ', 10, 5)"), "[[2,0,14],[1,0,14],[3,19,29]]");
  // A row between two sessions makes them one, of each key.
  EXPECT_EQ(answer("ROWS_OF_SESSIONS('1 1 0,2 1 20,3 2 10,4 1 10', 10, 50)"), "[[4,0,30],[1,0,30],[2,0,30],[3,10,20]]");
}

TEST(FirstRowsTest, AreGivenAgainWhenTheWatermarkHasPassedThoseThatWereGiven) {
  // The watermark, 5 behind, is at -2 when the row at 10 comes, at 14 before that at 30, and at 25 from then on: that
  // at 1 is late, and that at 26 of the first key a repetition until 40.
  EXPECT_EQ(answer("FIRST_ROWS('1 1 0,2 1 3,3 2 3,4 1 10,5 1 19,6 1 30,7 2 1,8 1 26,9 2 26', 10, 5)"), "[1,3,6,9]");
}

TEST(NestedTextTest, IsAsTheEngineCastsIt) {
  EXPECT_EQ(nested_text("[1,null,2]", '[', ']'), "[1, NULL, 2]");
  EXPECT_EQ(nested_text("[null,\"a b\"]", '(', ')'), "(NULL, a b)");
  EXPECT_EQ(nested_text("{\"a\":1,\"b\":null}", '{', '}'), "{a=1, b=NULL}");
  EXPECT_EQ(nested_text("[]", '[', ']'), "[]");
}

}  // namespace
}  // namespace penstock::sqltest
