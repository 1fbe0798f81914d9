#include "types/row_pattern.h"

#include <gtest/gtest.h>

#include "types/test_row_pattern.h"

namespace penstock::types {
namespace {

using Kind = RowPattern::Kind;

TEST(RowPatternTest, KnowsWhatCanMatchNothing) {
  EXPECT_FALSE(can_match_nothing(variable(0)));
  EXPECT_TRUE(can_match_nothing(repetition(variable(0), 0, {})));
  EXPECT_FALSE(can_match_nothing(group(Kind::kSequence, {repetition(variable(0), 0, {}), variable(1)})));
  EXPECT_TRUE(can_match_nothing(group(Kind::kAlternation, {repetition(variable(0), 0, 1), variable(1)})));
  EXPECT_TRUE(can_match_nothing(repetition(repetition(variable(0), 0, 1), 3, 3)));
  EXPECT_TRUE(can_repeat_nothing(repetition(repetition(variable(0), 0, {}), 1, {})));
  EXPECT_FALSE(can_repeat_nothing(repetition(repetition(variable(0), 1, {}), 0, {})));
}

TEST(RowPatternTest, KnowsThePatternsThatFlinkHas) {
  const auto sequence = [](std::vector<RowPattern> parts) { return group(Kind::kSequence, std::move(parts)); };
  EXPECT_TRUE(is_flink_pattern(variable(0)));
  EXPECT_TRUE(is_flink_pattern(sequence({repetition(variable(0), 0, {}), variable(1)})));
  EXPECT_TRUE(is_flink_pattern(sequence({variable(0), repetition(variable(1), 1, {}, false)})));
  EXPECT_TRUE(is_flink_pattern(sequence({variable(0), repetition(variable(1), 0, 1)})));
  EXPECT_TRUE(is_flink_pattern(sequence({variable(0), repetition(variable(1), 3, 3)})));
  EXPECT_FALSE(is_flink_pattern(sequence({variable(0), repetition(variable(1), 1, {})})));  // a greedy last one
  EXPECT_FALSE(is_flink_pattern(sequence({variable(0), variable(1), variable(0)})));        // twice the same
  EXPECT_FALSE(is_flink_pattern(sequence({repetition(variable(0), 0, 1, false), variable(1)})));
  EXPECT_FALSE(is_flink_pattern(group(Kind::kAlternation, {variable(0), variable(1)})));
}

TEST(RowPatternTest, GreedyVariablesOfFlinkKeepTheirRows) {
  const PatternAutomaton automaton =
      *compile_pattern(group(Kind::kSequence, {repetition(variable(0), 1, {}), variable(1)}));
  EXPECT_EQ(automaton.rule, PatternAutomaton::Rule::kFirstToEnd);
  // Behind the first row of variable 0: more of them, or variable 1 for rows that do not fit variable 0.
  const PatternAutomaton::State& state = automaton.states[automaton.states[0].steps.front().target];
  ASSERT_EQ(state.steps.size(), 2);
  EXPECT_EQ(state.steps[0].variable, 0);
  EXPECT_EQ(state.steps[0].unless, 0);
  EXPECT_EQ(state.steps[1].variable, 1);
  EXPECT_EQ(state.steps[1].unless, 1);
  EXPECT_EQ(automaton.states[state.steps[1].target].accepts, 0);
}

TEST(RowPatternTest, TooLargePatternsAreRefused) {
  RowPattern huge = variable(0);
  for (int i = 0; i < 5; ++i) huge = repetition(std::move(huge), 1'000, 1'000);
  EXPECT_EQ(compile_pattern(huge).error().code(), ErrorCode::kResourceExhausted);
  std::vector<RowPattern> parts;
  for (int i = 0; i < 60; ++i) parts.push_back(variable(i));
  EXPECT_EQ(compile_pattern(group(Kind::kPermutation, parts)).error().code(), ErrorCode::kResourceExhausted);
  RowPattern optional = repetition(variable(0), 0, 4'000);
  EXPECT_TRUE(compile_pattern(group(Kind::kSequence, {optional, variable(1)})));
  // Each state would have a step to each later one.
  std::vector<RowPattern> choices(500, repetition(variable(0), 0, 1, false));
  choices.push_back(variable(1));
  EXPECT_EQ(compile_pattern(group(Kind::kSequence, choices)).error().code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace penstock::types
