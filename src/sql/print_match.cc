// The SQL of MATCH_RECOGNIZE.
#include <string>
#include <utility>

#include "sql/keywords.h"
#include "sql/printer_state.h"

namespace penstock::sql {

void Printer::print_node(const MatchRecognize& node) {
  print(*node.input);
  word(" MATCH_RECOGNIZE (");
  if (!node.partition_by.empty()) word("PARTITION BY "), list(node.partition_by), word(" ");
  if (!node.order_by.empty()) word("ORDER BY "), print_order(node.order_by), word(" ");
  if (!node.measures.empty()) word("MEASURES "), print_select_items(node.measures), word(" ");
  print_rows_per_match(node.rows);
  if (node.after) print_after_match(*node.after);
  word("PATTERN (");
  print_pattern(node.pattern, true);
  word(")");
  if (node.within) word(" WITHIN "), print(*node.within);
  if (!node.subsets.empty()) word(" SUBSET ");
  separated(node.subsets, [this](const PatternSubset& subset) {
    name(subset.name);
    word(" = ");
    names(subset.variables);
  });
  if (!node.definitions.empty()) word(" DEFINE ");
  separated(node.definitions, [this](const PatternDefinition& definition) {
    name(definition.variable);
    word(" AS ");
    print(definition.condition);
  });
  word(")");
}

void Printer::print_rows_per_match(RowsPerMatch rows) {
  switch (rows) {
    case RowsPerMatch::kOne: return word("ONE ROW PER MATCH ");
    case RowsPerMatch::kAll: return word("ALL ROWS PER MATCH ");
    case RowsPerMatch::kAllShowEmpty: return word("ALL ROWS PER MATCH SHOW EMPTY MATCHES ");
    case RowsPerMatch::kAllOmitEmpty: return word("ALL ROWS PER MATCH OMIT EMPTY MATCHES ");
    case RowsPerMatch::kAllWithUnmatched: return word("ALL ROWS PER MATCH WITH UNMATCHED ROWS ");
  }
}

void Printer::print_after_match(const AfterMatch& after) {
  word("AFTER MATCH SKIP ");
  switch (after.to) {
    case SkipTo::kNextRow: word("TO NEXT ROW"); break;
    case SkipTo::kPastLastRow: word("PAST LAST ROW"); break;
    case SkipTo::kFirst: word("TO FIRST "), print_variable(after.variable); break;
    case SkipTo::kLast: word("TO LAST "), print_variable(after.variable); break;
  }
  word(" ");
}

// Two words mean something else where a variable can stand.
void Printer::print_variable(const Identifier& variable) {
  bool taken = equal_ignoring_case(variable.text, "PERMUTE") || equal_ignoring_case(variable.text, "PATTERN");
  taken ? word("`" + variable.text + "`") : name(variable);
}

void Printer::print_pattern(const PatternTerm& term, bool alone) {
  bool group = term.kind == PatternTermKind::kSequence || term.kind == PatternTermKind::kAlternation;
  bool parentheses = group && (!alone || term.quantifier);
  auto parts = [&](std::string_view separator) {
    for (const PatternTerm& part : term.parts) {
      if (&part != &term.parts.front()) word(separator);
      // A sequence needs none as a choice, nor a list of choices as an argument of PERMUTE.
      bool stands_alone = term.kind == PatternTermKind::kPermutation || term.kind == PatternTermKind::kExclusion ||
                          (term.kind == PatternTermKind::kAlternation && part.kind == PatternTermKind::kSequence);
      print_pattern(part, stands_alone);
    }
  };
  if (parentheses) word("(");
  switch (term.kind) {
    case PatternTermKind::kVariable: print_variable(term.variable); break;
    case PatternTermKind::kSequence: parts(" "); break;
    case PatternTermKind::kAlternation: parts(" | "); break;
    case PatternTermKind::kPermutation: word("PERMUTE("), parts(", "), word(")"); break;
    case PatternTermKind::kExclusion: word("{- "), parts(""), word(" -}"); break;
  }
  if (parentheses) word(")");
  if (term.quantifier) print_quantifier(*term.quantifier);
}

void Printer::print_quantifier(const PatternQuantifier& quantifier) {
  auto [min, max] = std::pair(quantifier.min, quantifier.max);
  if (!max && min <= 1) {
    word(min == 0 ? "*" : "+");
  } else if (max == 1 && min == 0) {
    word("?");
  } else {
    word("{" + std::to_string(min));
    if (max != min) word(",");
    if (max && max != min) word(std::to_string(*max));
    word("}");
  }
  if (quantifier.reluctant) word("?");
}

}  // namespace penstock::sql
