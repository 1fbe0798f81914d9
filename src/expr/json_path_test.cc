#include "expr/json_path.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock::expr {
namespace {

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

// What the path finds, joined by spaces.
std::string found(std::string_view path_text, std::string_view json) {
  const Result<JsonPath> path = JsonPath::compile(path_text);
  if (!path) return std::string(path.error().message());
  JsonMatches matches;
  const bool leads_there = path->find(JsonView(json), matches);
  if (matches.gave_up) return "gave up";
  if (!leads_there) return "nothing";
  std::string texts;
  for (const JsonView& value : matches.values) texts += (texts.empty() ? "" : " ") + std::string(value.text());
  return texts;
}

TEST(JsonPath, SlicesAsJaywayTakesThem) {
  const std::string json = "[0, 1, 2, 3]";
  EXPECT_EQ(found("$[1:3]", json), "1 2");
  EXPECT_EQ(found("$[2:]", json), "2 3");
  EXPECT_EQ(found("$[-2:]", json), "2 3");
  EXPECT_EQ(found("$[-9:]", json), "0 1 2 3");
  EXPECT_EQ(found("$[:-1]", json), "0 1 2");
  EXPECT_EQ(found("$[:9]", json), "0 1 2 3");
  EXPECT_EQ(found("$[-3:-1]", json), "1 2");
  EXPECT_EQ(found("$[3:1]", json), "");
  EXPECT_EQ(found("$[-2147483647:2147483647]", json), "0 1 2 3 0 1 2 3");
}

TEST(JsonPath, HasABoundOfItsParts) {
  const std::string bound = "a JSON path has at most 1000 parts";
  EXPECT_EQ(found("$" + repeated("[?(@)]", 300), "{}"), "{}");
  EXPECT_EQ(found("$" + repeated("[?(@)]", 100'000), "{}"), bound);
  EXPECT_EQ(found("$" + repeated(".a", 100'000), "{}"), bound);
  EXPECT_EQ(found("$['a'" + repeated(",'a'", 100'000) + "]", "{}"), bound);
  EXPECT_EQ(found("$[0" + repeated(",0", 100'000) + "]", "[]"), bound);
}

TEST(JsonPath, GivesUpWhereThereIsTooMuchToLookAt) {
  const std::string deep = repeated("[", 1'000) + repeated("]", 1'000);
  EXPECT_EQ(found("$..*..*..*", deep), "gave up");
  EXPECT_EQ(found("$..[?(@..[?(@..[?(@..x)])])]", deep), "gave up");
}

}  // namespace
}  // namespace penstock::expr
