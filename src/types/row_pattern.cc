#include "types/row_pattern.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <span>
#include <utility>

namespace penstock::types {

namespace {

using Kind = RowPattern::Kind;

bool repeats_without_choice(const RowPattern& pattern) { return pattern.max && *pattern.max == pattern.min; }
bool is_optional(const RowPattern& pattern) { return pattern.min == 0 && pattern.max && *pattern.max == 1; }

// Whether Flink makes the quantifier one that gives back nothing: greedy, and neither ? nor {n}.
bool keeps_rows(const RowPattern& repetition) {
  return repetition.greedy && !is_optional(repetition) && !repeats_without_choice(repetition);
}

// A pattern as instructions of a machine that goes through them and forks; then each state of the automaton is a place
// behind a kRow, and its steps are the kRow that can be reached from there.
class Compiler {
 public:
  explicit Compiler(PatternAutomaton::Rule rule) { automaton_.rule = rule; }

  Result<PatternAutomaton> compile(const RowPattern& pattern) {
    emit(pattern);
    add({.kind = Op::kAccept});
    add_state(0);
    for (size_t i = 0; i < program_.size() && !too_large_; ++i) {
      if (program_[i].kind == Op::kRow) add_state(i + 1);
    }
    if (too_large_) {
      return make_error(ErrorCode::kResourceExhausted, "the pattern becomes more than {} states, or {} steps of them",
                        kPatternStatesMax, kPatternStepsMax)
          .hint("repeat fewer times, or permute fewer variables");
    }
    return std::move(automaton_);
  }

 private:
  enum class Op : uint8_t { kRow, kFork, kJump, kUnless, kAccept };
  struct Instruction {
    Op kind = Op::kRow;
    int variable = 0;       // of kRow and kUnless
    bool excluded = false;  // of kRow
    uint32_t state = 0;     // of kRow: behind it
    size_t first = 0;       // of kFork and kJump: where it goes on
    size_t second = 0;      // of kFork: the other place, which is less preferred
  };

  size_t add(Instruction instruction) {
    // As many forks as rows, and one for each repetition of them.
    if (program_.size() >= 4 * kPatternStatesMax) too_large_ = true;
    if (!too_large_) program_.push_back(instruction);
    return program_.size() - 1;
  }

  void emit(const RowPattern& pattern) {
    if (too_large_) return;
    switch (pattern.kind) {
      case Kind::kVariable:
        if (++rows_ >= kPatternStatesMax) too_large_ = true;
        add({.kind = Op::kRow, .variable = pattern.variable, .excluded = excluding_, .state = rows_});
        return;
      case Kind::kSequence:
        for (const RowPattern& part : pattern.parts) emit(part);
        return;
      case Kind::kExclusion: {
        const bool outside = std::exchange(excluding_, true);
        emit(pattern.parts.front());
        excluding_ = outside;
        return;
      }
      case Kind::kAlternation: {
        std::vector<std::vector<const RowPattern*>> choices;
        for (const RowPattern& part : pattern.parts) choices.push_back({&part});
        return emit_choices(choices);
      }
      case Kind::kPermutation: return emit_permutation(pattern);
      case Kind::kRepetition: return emit_repetition(pattern);
    }
  }

  // Sequences, of which the first is preferred.
  void emit_choices(std::span<const std::vector<const RowPattern*>> choices) {
    std::vector<size_t> jumps;
    for (size_t i = 0; i < choices.size() && !too_large_; ++i) {
      const bool last = i + 1 == choices.size();
      const size_t fork = last ? 0 : add({.kind = Op::kFork});
      if (!last) program_[fork].first = program_.size();
      for (const RowPattern* part : choices[i]) emit(*part);
      if (last) continue;
      jumps.push_back(add({.kind = Op::kJump}));
      program_[fork].second = program_.size();
    }
    for (const size_t jump : jumps) program_[jump].first = program_.size();
  }

  void emit_permutation(const RowPattern& pattern) {
    std::vector<size_t> order(pattern.parts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::vector<std::vector<const RowPattern*>> choices;
    do {
      if (choices.size() * order.size() > kPatternStatesMax) too_large_ = true;
      if (too_large_) return;
      choices.emplace_back();
      for (const size_t part : order) choices.back().push_back(&pattern.parts[part]);
    } while (std::ranges::next_permutation(order).found);
    emit_choices(choices);
  }

  void emit_repetition(const RowPattern& pattern) {
    const RowPattern& part = pattern.parts.front();
    for (uint32_t i = 0; i < pattern.min && !too_large_; ++i) emit(part);
    const auto fork_to = [&](size_t fork, size_t inside, size_t behind) {
      program_[fork].first = pattern.greedy ? inside : behind;
      program_[fork].second = pattern.greedy ? behind : inside;
    };
    if (!pattern.max) {
      const size_t fork = add({.kind = Op::kFork});
      emit(part);
      add({.kind = Op::kJump, .first = fork});
      fork_to(fork, fork + 1, program_.size());
    } else {
      std::vector<size_t> forks;
      for (uint32_t i = pattern.min; i < *pattern.max && !too_large_; ++i) {
        forks.push_back(add({.kind = Op::kFork}));
        emit(part);
      }
      for (const size_t fork : forks) fork_to(fork, fork + 1, program_.size());
    }
    if (automaton_.rule == PatternAutomaton::Rule::kFirstToEnd && keeps_rows(pattern)) {
      add({.kind = Op::kUnless, .variable = part.variable});
    }
  }

  // The state of a machine that goes on at an instruction.
  void add_state(size_t begin) {
    PatternAutomaton::State state;
    std::set<std::pair<size_t, VariableSet>> seen;
    std::vector<std::pair<size_t, VariableSet>> open = {{begin, 0}};  // the preferred one last
    while (!open.empty()) {
      const auto [at, unless] = open.back();
      open.pop_back();
      if (!seen.insert({at, unless}).second) continue;
      if (++steps_ > kPatternStepsMax) too_large_ = true;
      if (too_large_) return;
      const Instruction& instruction = program_[at];
      switch (instruction.kind) {
        case Op::kRow:
          state.steps.push_back({.variable = instruction.variable,
                                 .excluded = instruction.excluded,
                                 .target = instruction.state,
                                 .unless = unless});
          break;
        case Op::kFork:
          open.emplace_back(instruction.second, unless);
          open.emplace_back(instruction.first, unless);
          break;
        case Op::kJump: open.emplace_back(instruction.first, unless); break;
        case Op::kUnless: open.emplace_back(at + 1, unless | VariableSet{1} << instruction.variable); break;
        case Op::kAccept:
          if (!state.accepts) state.accepts = state.steps.size();
          break;
      }
    }
    automaton_.states.push_back(std::move(state));
  }

  PatternAutomaton automaton_;
  std::vector<Instruction> program_;
  uint32_t rows_ = 0;  // kRow so far
  bool excluding_ = false;
  size_t steps_ = 0;
  bool too_large_ = false;
};

}  // namespace

bool can_match_nothing(const RowPattern& pattern) {
  switch (pattern.kind) {
    case Kind::kVariable: return false;
    case Kind::kAlternation: return std::ranges::any_of(pattern.parts, can_match_nothing);
    case Kind::kRepetition: return pattern.min == 0 || can_match_nothing(pattern.parts.front());
    default: return std::ranges::all_of(pattern.parts, can_match_nothing);
  }
}

bool can_repeat_nothing(const RowPattern& pattern) {
  const bool here = pattern.kind == Kind::kRepetition && !pattern.max && can_match_nothing(pattern.parts.front());
  return here || std::ranges::any_of(pattern.parts, can_repeat_nothing);
}

bool is_flink_pattern(const RowPattern& pattern) {
  const std::span<const RowPattern> elements =
      pattern.kind == Kind::kSequence ? std::span(pattern.parts) : std::span(&pattern, 1);
  VariableSet seen = 0;
  for (const RowPattern& element : elements) {
    const bool repeated = element.kind == Kind::kRepetition;
    const RowPattern& inner = repeated ? element.parts.front() : element;
    if (inner.kind != Kind::kVariable || contains(seen, inner.variable)) return false;
    if (repeated && is_optional(element) && !element.greedy) return false;
    seen |= VariableSet{1} << inner.variable;
  }
  const RowPattern& last = elements.back();
  return last.kind != Kind::kRepetition || !keeps_rows(last);
}

Result<PatternAutomaton> compile_pattern(const RowPattern& pattern) {
  using Rule = PatternAutomaton::Rule;
  return Compiler(is_flink_pattern(pattern) ? Rule::kFirstToEnd : Rule::kFirstInOrder).compile(pattern);
}

}  // namespace penstock::types
