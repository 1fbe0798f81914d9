// Row patterns: what PATTERN of MATCH_RECOGNIZE says, and the automaton that finds it in rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace penstock::types {

// Of a pattern: sets of variables are bits of a word.
inline constexpr size_t kPatternVariablesMax = 64;
// Of an automaton, so that A{1000000} and a PERMUTE of ten variables are refused and not built.
inline constexpr size_t kPatternStatesMax = 4'096;
inline constexpr size_t kPatternStepsMax = 65'536;

// Bit i stands for variable i.
using VariableSet = uint64_t;
inline constexpr VariableSet kAllVariables = ~VariableSet{0};
inline constexpr bool contains(VariableSet set, int variable) { return (set >> variable & 1U) != 0; }

struct RowPattern {
  enum class Kind : uint8_t {
    kVariable,
    kSequence,
    kAlternation,  // the parts from the left, the first is preferred
    kPermutation,  // the parts in any order, preferred in the order in which they are written
    kExclusion,    // {- part -}: its rows are not among the rows of the match that come out
    kRepetition,   // part, as often as is said
  };

  Kind kind = Kind::kVariable;
  int variable = 0;
  std::vector<RowPattern> parts;
  // Of a repetition; without a maximum it goes on without end.
  uint32_t min = 1;
  std::optional<uint32_t> max;
  bool greedy = true;
};

// Whether no row at all fits the pattern.
bool can_match_nothing(const RowPattern& pattern);
// Whether something in it repeats without end that can match nothing, and so could go on for ever.
bool can_repeat_nothing(const RowPattern& pattern);
// Whether Flink has patterns of this form: different variables one after the other, each with a quantifier, of which
// the last is not greedy.
bool is_flink_pattern(const RowPattern& pattern);

// Reads rows one after the other from its first state on. Nothing is done without a row: each step takes one.
struct PatternAutomaton {
  // The match begins with the first row for which there is one; which of several is preferred:
  enum class Rule : uint8_t {
    // As Flink has it: the one that ends first. A greedy quantifier gives back nothing: a row that fits its variable is
    // not offered to what follows.
    kFirstToEnd,
    // As SQL:2016 has it: the one that comes first when all choices are tried in the order in which they are written,
    // more repetitions before fewer where they are greedy.
    kFirstInOrder,
  };

  struct Step {
    int variable = 0;
    bool excluded = false;
    uint32_t target = 0;
    VariableSet unless = 0;  // the row must fit none of these
  };
  struct State {
    std::vector<Step> steps;  // the preferred ones first
    // Where the pattern may end in this state: how many steps are preferred to that.
    std::optional<size_t> accepts;
  };

  Rule rule = Rule::kFirstToEnd;
  std::vector<State> states;  // the first one is where a match begins
};

// The automaton of a pattern that neither matches nor repeats nothing; kResourceExhausted when it is too large.
Result<PatternAutomaton> compile_pattern(const RowPattern& pattern);

// Where the next match may begin.
struct MatchSkip {
  enum class To : uint8_t { kNextRow, kPastLastRow, kFirst, kLast };
  To to = To::kNextRow;
  VariableSet variables = 0;  // whose first or last row it is
};

}  // namespace penstock::types
