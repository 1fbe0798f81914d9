// MATCH_RECOGNIZE: row patterns behind a table.
#include <charconv>

#include "sql/limits.h"
#include "sql/parser_state.h"

namespace penstock::sql {
namespace {

// Puts the parts of a term without a quantifier of its own into one of the same kind, which means the same.
void add_flat(std::vector<PatternTerm>& parts, PatternTerm term, PatternTermKind kind) {
  if (term.kind != kind || term.quantifier) {
    parts.push_back(std::move(term));
    return;
  }
  for (PatternTerm& part : term.parts) parts.push_back(std::move(part));
}

// Several terms as one.
PatternTerm join(std::vector<PatternTerm> terms, PatternTermKind kind, Position position) {
  PatternTerm joined{.kind = kind, .position = position};
  for (PatternTerm& term : terms) add_flat(joined.parts, std::move(term), kind);
  return joined;
}

}  // namespace

Status Parser::parse_match_recognize(TableReference& input) {
  MatchRecognize match{.position = cursor_.position()};
  cursor_.advance();
  cursor_.advance();
  if (cursor_.accept("PARTITION", "BY")) match.partition_by = PENSTOCK_TRY(parse_expression_list());
  if (cursor_.accept("ORDER", "BY")) match.order_by = PENSTOCK_TRY(parse_order_items());
  if (cursor_.accept("MEASURES")) match.measures = PENSTOCK_TRY(parse_measures());
  PENSTOCK_TRY(parse_rows_per_match(match));
  if (cursor_.accept("AFTER")) match.after = PENSTOCK_TRY(parse_after_match());
  PENSTOCK_TRY(cursor_.expect("PATTERN"));
  PENSTOCK_TRY(cursor_.expect("("));
  match.pattern = PENSTOCK_TRY(parse_pattern_alternation());
  PENSTOCK_TRY(cursor_.expect(")"));
  if (cursor_.accept("WITHIN")) match.within = PENSTOCK_TRY(parse_boxed_expression());
  if (cursor_.accept("SUBSET")) {
    do {
      match.subsets.push_back(PENSTOCK_TRY(parse_pattern_subset()));
    } while (cursor_.accept(","));
  }
  if (cursor_.accept("DEFINE")) {
    do {
      match.definitions.push_back(PENSTOCK_TRY(parse_pattern_definition()));
    } while (cursor_.accept(","));
  }
  PENSTOCK_TRY(cursor_.expect(")"));
  Position position = input.position;
  match.input = Box(std::move(input));
  input = TableReference{std::move(match), std::nullopt, position};
  return {};
}

Result<std::vector<SelectItem>> Parser::parse_measures() {
  std::vector<SelectItem> measures;
  do {
    SelectItem item{PENSTOCK_TRY(parse_expression()), std::nullopt};
    PENSTOCK_TRY(cursor_.expect("AS"));
    item.alias = PENSTOCK_TRY(parse_label());
    measures.push_back(std::move(item));
  } while (cursor_.accept(","));
  return measures;
}

// ONE ROW PER MATCH, or ALL ROWS PER MATCH with what is said of matches without rows and rows without a match.
Status Parser::parse_rows_per_match(MatchRecognize& match) {
  match.rows_position = cursor_.position();
  if (cursor_.accept("ONE")) {
    PENSTOCK_TRY(cursor_.expect("ROW"));
    PENSTOCK_TRY(cursor_.expect("PER"));
    return cursor_.expect("MATCH");
  }
  if (!cursor_.accept("ALL")) return {};
  match.rows = RowsPerMatch::kAll;
  PENSTOCK_TRY(cursor_.expect("ROWS"));
  PENSTOCK_TRY(cursor_.expect("PER"));
  PENSTOCK_TRY(cursor_.expect("MATCH"));
  bool show = cursor_.accept("SHOW");
  if (show || cursor_.accept("OMIT")) {
    match.rows = show ? RowsPerMatch::kAllShowEmpty : RowsPerMatch::kAllOmitEmpty;
    PENSTOCK_TRY(cursor_.expect("EMPTY"));
    return cursor_.expect("MATCHES");
  }
  if (!cursor_.accept("WITH")) return {};
  match.rows = RowsPerMatch::kAllWithUnmatched;
  PENSTOCK_TRY(cursor_.expect("UNMATCHED"));
  return cursor_.expect("ROWS");
}

// MATCH SKIP ..., from behind AFTER.
Result<AfterMatch> Parser::parse_after_match() {
  PENSTOCK_TRY(cursor_.expect("MATCH"));
  PENSTOCK_TRY(cursor_.expect("SKIP"));
  AfterMatch after{.position = cursor_.position()};
  if (cursor_.accept("PAST")) {
    PENSTOCK_TRY(cursor_.expect("LAST"));
    PENSTOCK_TRY(cursor_.expect("ROW"));
    after.to = SkipTo::kPastLastRow;
    return after;
  }
  PENSTOCK_TRY(cursor_.expect("TO"));
  if (cursor_.accept("NEXT", "ROW")) return after;
  // FIRST and LAST may be variables too.
  bool name_follows = at_name(1) && !cursor_.at("PATTERN", 1);
  after.to = cursor_.at("FIRST") && name_follows ? SkipTo::kFirst : SkipTo::kLast;
  if ((cursor_.at("FIRST") || cursor_.at("LAST")) && name_follows) cursor_.advance();
  after.position = cursor_.position();
  after.variable = PENSTOCK_TRY(parse_identifier());
  return after;
}

// a | b | c
Result<PatternTerm> Parser::parse_pattern_alternation() {
  Nesting nesting(*this);
  PENSTOCK_TRY(check_depth());
  Position position = cursor_.position();
  std::vector<PatternTerm> choices;
  do {
    choices.push_back(PENSTOCK_TRY(parse_pattern_sequence()));
  } while (cursor_.accept("|"));
  if (choices.size() == 1) return std::move(choices.front());
  return join(std::move(choices), PatternTermKind::kAlternation, position);
}

// a b c
Result<PatternTerm> Parser::parse_pattern_sequence() {
  Position position = cursor_.position();
  std::vector<PatternTerm> terms;
  do {
    terms.push_back(PENSTOCK_TRY(parse_pattern_factor()));
  } while (at_name() || cursor_.at("(") || cursor_.at("{") || cursor_.at("^") || cursor_.at("$"));
  if (terms.size() == 1) return std::move(terms.front());
  return join(std::move(terms), PatternTermKind::kSequence, position);
}

// A term and its quantifier.
Result<PatternTerm> Parser::parse_pattern_factor() {
  PatternTerm term = PENSTOCK_TRY(parse_pattern_primary());
  std::optional<PatternQuantifier> quantifier = PENSTOCK_TRY(parse_pattern_quantifier());
  if (!quantifier) return term;
  if (!term.quantifier) {
    term.quantifier = quantifier;
    return term;
  }
  PENSTOCK_TRY(grow());
  PatternTerm outer{.kind = PatternTermKind::kSequence, .quantifier = quantifier, .position = term.position};
  outer.parts.push_back(std::move(term));
  return outer;
}

Result<PatternTerm> Parser::parse_pattern_primary() {
  PatternTerm term{.position = cursor_.position()};
  if (cursor_.at("^") || cursor_.at("$")) {
    return unsupported("the anchors ^ and $ are not supported: a stream's partitions have no end")
        .at(term.position.offset);
  }
  if (cursor_.at("PERMUTE") && cursor_.at("(", 1)) {
    cursor_.advance();
    cursor_.advance();
    term.kind = PatternTermKind::kPermutation;
    do {
      term.parts.push_back(PENSTOCK_TRY(parse_pattern_alternation()));
    } while (cursor_.accept(","));
    PENSTOCK_TRY(cursor_.expect(")"));
    return term;
  }
  if (cursor_.accept("(")) {
    term = PENSTOCK_TRY(parse_pattern_alternation());
    PENSTOCK_TRY(cursor_.expect(")"));
    return term;
  }
  if (cursor_.at("{") && cursor_.at("-", 1)) {
    cursor_.advance();
    cursor_.advance();
    term.kind = PatternTermKind::kExclusion;
    term.parts.push_back(PENSTOCK_TRY(parse_pattern_alternation()));
    PENSTOCK_TRY(cursor_.expect("-"));
    PENSTOCK_TRY(cursor_.expect("}"));
    return term;
  }
  std::optional<Identifier> variable = accept_identifier();
  if (!variable) return cursor_.unexpected("a pattern variable");
  term.variable = *std::move(variable);
  return term;
}

// * + ? {n} {n,} {,m} {n,m}, each with a ? behind it when it is reluctant.
Result<std::optional<PatternQuantifier>> Parser::parse_pattern_quantifier() {
  auto at_question_mark = [this] { return cursor_.kind() == TokenKind::kParameter && cursor_.text() == "?"; };
  PatternQuantifier quantifier{.position = cursor_.position()};
  if (cursor_.at("*") || cursor_.at("+")) {
    quantifier.min = cursor_.at("+") ? 1 : 0;
    cursor_.advance();
  } else if (at_question_mark()) {
    quantifier.max = 1;
    cursor_.advance();
  } else if (cursor_.at("{") && !cursor_.at("-", 1)) {
    cursor_.advance();
    bool from = !cursor_.at(",");
    if (from) quantifier.min = PENSTOCK_TRY(parse_repetitions());
    if (!from || cursor_.at(",")) {
      PENSTOCK_TRY(cursor_.expect(","));
      if (!from || !cursor_.at("}")) quantifier.max = PENSTOCK_TRY(parse_repetitions());
    } else {
      quantifier.max = quantifier.min;
    }
    PENSTOCK_TRY(cursor_.expect("}"));
  } else {
    return std::nullopt;
  }
  if (at_question_mark()) {
    quantifier.reluctant = true;
    cursor_.advance();
  }
  return quantifier;
}

Result<uint32_t> Parser::parse_repetitions() {
  if (cursor_.kind() != TokenKind::kInteger) return cursor_.unexpected("a number");
  uint32_t number = 0;
  std::string_view digits = cursor_.text();
  auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || number > kRepetitionsMax) {
    return make_error(ErrorCode::kResourceExhausted, "a part of a pattern is repeated at most {} times",
                      kRepetitionsMax)
        .at(cursor_.position().offset);
  }
  cursor_.advance();
  return number;
}

Result<PatternSubset> Parser::parse_pattern_subset() {
  PatternSubset subset{PENSTOCK_TRY(parse_identifier()), {}};
  PENSTOCK_TRY(cursor_.expect("="));
  subset.variables = PENSTOCK_TRY(parse_identifier_list());
  return subset;
}

Result<PatternDefinition> Parser::parse_pattern_definition() {
  PatternDefinition definition{PENSTOCK_TRY(parse_identifier()), {}};
  PENSTOCK_TRY(cursor_.expect("AS"));
  definition.condition = PENSTOCK_TRY(parse_expression());
  return definition;
}

}  // namespace penstock::sql
