#include "expr/required_text.h"

#include <gtest/gtest.h>

#include <random>

#include "expr/regex.h"

namespace penstock::expr {
namespace {

TEST(RequiredText, IsTheLongestRunOfCharacters) {
  EXPECT_EQ(required_text("(&|^)channel_id=([^&]*)"), "channel_id=");
  EXPECT_EQ(required_text("abc"), "abc");
  EXPECT_EQ(required_text("^ab.cde$"), "cde");
  EXPECT_EQ(required_text("a\\.b\\d+"), "a.b");
  EXPECT_EQ(required_text("abc?de"), "ab");
  EXPECT_EQ(required_text("ab+cd"), "ab");
  EXPECT_EQ(required_text("ab{0,2}cd"), "cd");
  EXPECT_EQ(required_text("x[])a|b]yz"), "yz");
  EXPECT_EQ(required_text("a(?:b|c(d)[)])ef"), "ef");
  EXPECT_EQ(required_text("grüße?"), "grüß");
  EXPECT_EQ(required_text("aü*"), "a");
}

TEST(RequiredText, IsEmptyWhereNothingIsSure) {
  for (const char* pattern : {"", ".*", "ab|cd", "(ab)", "(?i)abc", "abc(?i)d", "\\x41bc", "\\101bc", "\\pLbc",
                              "\\Qa|b\\E", "a{b|c}d", "[a", "(a", "(?P=x)ab"}) {
    EXPECT_EQ(required_text(pattern), "") << pattern;
  }
}

// Whatever RE2 matches has the text in it.
TEST(RequiredText, IsInAllThatMatches) {
  const std::string_view pieces[] = {"a", "b", "c", "ab",  "(a|b)", "(?:b)", "[ab]", "[^c]", ".",
                                     "*", "+", "?", "{2}", "{0,1}", "*?",    "\\.",  "\\w",  "^",
                                     "$", "|", "(", ")",   "{",     "]",     "-",    "(?i)"};
  std::minstd_rand random(7);
  int matches = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern;
    for (size_t n = random() % 6; n-- > 0;) pattern += pieces[random() % std::size(pieces)];
    const Result<RegexPtr> regex = Regex::compile(pattern);
    if (!regex) continue;
    const std::string required = required_text(pattern);
    for (int j = 0; j < 8; ++j) {
      std::string text;
      for (size_t n = random() % 7; n-- > 0;) text += "abcABC.-{"[random() % 9];
      const bool found = RE2::PartialMatch(piece(text), (*regex)->re2());
      matches += found ? 1 : 0;
      ASSERT_TRUE(!found || text.find(required) != text.npos) << pattern << " needs " << required << " in " << text;
      ASSERT_EQ((*regex)->matches_part_of(text), found) << pattern << " in " << text;
    }
  }
  EXPECT_GT(matches, 1000);
}

}  // namespace
}  // namespace penstock::expr
