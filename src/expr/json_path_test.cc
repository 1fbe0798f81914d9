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
  EXPECT_EQ(found("$[?(1 == 2" + repeated("|| 1 == 2", 100'000) + ")]", "[]"), bound);
  EXPECT_EQ(found("$[?(@ in [1" + repeated(",1", 100'000) + "])]", "[]"), bound);
}

TEST(JsonPath, GivesUpWhereThereIsTooMuchToLookAt) {
  const std::string deep = repeated("[", 1'000) + repeated("]", 1'000);
  EXPECT_EQ(found("$..*..*..*", deep), "gave up");
  EXPECT_EQ(found("$..[?(@..[?(@..[?(@..x)])])]", deep), "gave up");
  const std::string wide = "[0" + repeated(", 0", 20'000) + "]";
  EXPECT_EQ(found("$[?($ != $)]", wide), "gave up");
  EXPECT_EQ(found("$[?(1 in $)]", wide), "gave up");
}

// What a filter has given up is no answer to it, also where nothing is looked at after it.
TEST(JsonPath, GivesUpWithItsFilter) {
  const std::string deep = repeated("[", 1'000) + repeated("]", 1'000);
  EXPECT_EQ(found("$[?(@..*..*..x)]", "[" + deep + "]"), "gave up");
  EXPECT_EQ(found("$[?(!@..*..*..x)]", "[" + deep + "]"), "gave up");
}

TEST(JsonPath, AFunctionOfAllThatIsFound) {
  EXPECT_EQ(found("$..a.sum()", R"([{"a": 1}, {"a": 2, "b": {"a": 4}}])"), "7.0");
  EXPECT_EQ(found("$..['a','b'].length()", R"([{"a": 1, "b": 2}, {"a": 2}])"), "1");
  EXPECT_EQ(found("$..length()", "[[], []]"),
            "'$..length()' is not a JSON path such as $.a.b[0]: it cannot be read at character 11");
}

TEST(JsonPath, AFieldThatIsNamedTwiceIsThereOnce) {
  EXPECT_EQ(found("$['a', 'a', 'b']", R"({"a": 1, "b": 2})"), R"({"a":1,"b":2})");
}

std::string normalized(std::string_view json) {
  std::string text;
  append_json(text, JsonView(json));
  return text;
}

TEST(JsonView, IsWrittenInTheOrderOfNames) {
  EXPECT_EQ(normalized(R"( { "a" : [ 1 , { } , [ ] , null ] , "b" : { "c" : 1.50 } } )"),
            R"({"a":[1,{},[],null],"b":{"c":1.50}})");
  EXPECT_EQ(normalized(R"({"b": {"d": 1, "c": []}, "a": [{}, {"z": 1, "y": 2, "z": 3}], "b": "\u00e9", "": true})"),
            R"({"":true,"a":[{},{"y":2,"z":3}],"b":"é"})");
  EXPECT_EQ(normalized(R"("a\"}]")"), R"("a\"}]")");
  // What is deep inside is not looked through again at each level.
  const std::string deep = repeated("[", 1'000) + '"' + std::string(1'000'000, 'a') + '"' + repeated("]", 1'000);
  EXPECT_EQ(normalized(deep), deep);
}

TEST(JsonPath, NumbersOfFiltersAreNumbers) {
  EXPECT_EQ(found("$[?(@ > -1.5e+0)]", "[-2, 1]"), "1");
  EXPECT_EQ(found("$[?(@ > 1.2.3)]", "[]"),
            "'$[?(@ > 1.2.3)]' is not a JSON path such as $.a.b[0]: it cannot be read at character 9");
}

}  // namespace
}  // namespace penstock::expr
