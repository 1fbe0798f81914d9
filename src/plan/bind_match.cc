// MATCH_RECOGNIZE. What its expressions say of rows other than the current one is collected as references
// (expr/row_match.h), and the expressions are bound over these; the calls that make them are in bind_match_call.cc.
#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "expr/evaluate.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/match_scope.h"
#include "sql/printer.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using expr::MatchReference;
using types::RowPattern;
using types::VariableSet;

// Of MATCH_RECOGNIZE: each is a column of the key by which partitions are found.
constexpr size_t kPartitionColumnsMax = 32;

Result<RowPattern> bind_row_pattern(const sql::PatternTerm& term, PatternVariables& variables);

Result<RowPattern> bind_unquantified(const sql::PatternTerm& term, PatternVariables& variables) {
  using Kind = RowPattern::Kind;
  static constexpr Kind kKinds[] = {Kind::kVariable, Kind::kSequence, Kind::kAlternation, Kind::kPermutation,
                                    Kind::kExclusion};
  static_assert(static_cast<size_t>(sql::PatternTermKind::kExclusion) + 1 == std::size(kKinds));
  RowPattern pattern;
  pattern.kind = kKinds[static_cast<size_t>(term.kind)];
  if (pattern.kind == Kind::kVariable) pattern.variable = PENSTOCK_TRY(variables.add(term.variable));
  for (const sql::PatternTerm& part : term.parts) {
    pattern.parts.push_back(PENSTOCK_TRY(bind_row_pattern(part, variables)));
  }
  return pattern;
}

Result<RowPattern> bind_row_pattern(const sql::PatternTerm& term, PatternVariables& variables) {
  RowPattern pattern = PENSTOCK_TRY(bind_unquantified(term, variables));
  if (!term.quantifier) return pattern;
  const sql::PatternQuantifier& quantifier = *term.quantifier;
  if (quantifier.max && (*quantifier.max == 0 || *quantifier.max < quantifier.min)) {
    return invalid_argument("this quantifier allows no number of rows").at(quantifier.position.offset);
  }
  RowPattern repeated;
  repeated.kind = RowPattern::Kind::kRepetition;
  repeated.min = quantifier.min;
  repeated.max = quantifier.max;
  repeated.greedy = !quantifier.reluctant;
  repeated.parts.push_back(std::move(pattern));
  if (!repeated.max && types::can_match_nothing(repeated.parts.front())) {
    return invalid_argument("what is repeated here can match no row at all, and so could be repeated for ever")
        .at(quantifier.position.offset)
        .hint("let it take at least one row: (a+)*, not (a*)*");
  }
  return repeated;
}

bool has_exclusion(const RowPattern& pattern) {
  return pattern.kind == RowPattern::Kind::kExclusion || std::ranges::any_of(pattern.parts, has_exclusion);
}

// The variable with whose first row every match begins, when there is one.
std::optional<int> first_variable(const RowPattern& pattern) {
  switch (pattern.kind) {
    case RowPattern::Kind::kVariable: return pattern.variable;
    case RowPattern::Kind::kSequence:
    case RowPattern::Kind::kExclusion: return first_variable(pattern.parts.front());
    case RowPattern::Kind::kRepetition: return pattern.min == 0 ? std::nullopt : first_variable(pattern.parts.front());
    default: return std::nullopt;
  }
}

// The current row's value of a column of the input.
MatchReference current_row(int column, types::DataType type) { return {.column = column, .type = type}; }

// The measure, which is NULL in rows that are in no match: those have no variable.
ExprPtr null_without_match(ExprPtr measure, const MatchScope& scope) {
  ExprPtr variable = scope.refer(
      {.kind = MatchReference::Kind::kClassifier, .running = scope.running, .type = types::TypeKind::kString},
      "CLASSIFIER()");
  types::DataType type = measure->type().with_nullable(true);
  ExprPtr is_matched = *expr::bind_call("IS NOT NULL", {std::move(variable)});
  return Expr::case_when({std::move(is_matched), std::move(measure), Expr::literal({}, type)}, type);
}

// Splits a condition over references into the part that looks at the current row alone, which becomes one over the
// input, and the rest.
void split_condition(const ExprPtr& condition, int variable, const std::vector<ExprPtr>& columns,
                     expr::MatchDefinition& definition) {
  std::vector<ExprPtr> of_row;
  std::vector<ExprPtr> others;
  for (const ExprPtr& part : expr::split_conjunction(condition)) {
    std::vector<size_t> used;
    expr::collect_columns(*part, used);
    bool local = std::ranges::all_of(
        used, [&](size_t reference) { return definition.references[reference].is_current_row(variable); });
    if (!local) {
      others.push_back(part);
      continue;
    }
    of_row.push_back(expr::transform(part, [&](ExprPtr node) {
      if (node->kind() != Expr::Kind::kColumn) return node;
      auto column = static_cast<size_t>(definition.references[node->column_index()].column);
      return Expr::column(column, columns[column]->type(), node->column_name());
    }));
  }
  if (!of_row.empty()) definition.row_condition = expr::join_conjunction(std::move(of_row));
  if (!others.empty()) definition.condition = expr::join_conjunction(std::move(others));
  // What only the part over the input used is not looked up any more.
  std::vector<size_t> used;
  if (definition.condition != nullptr) expr::collect_columns(*definition.condition, used);
  std::vector<MatchReference> kept;
  std::vector<int> mapping(definition.references.size(), -1);
  for (size_t reference : used) {
    mapping[reference] = static_cast<int>(kept.size());
    kept.push_back(definition.references[reference]);
  }
  if (definition.condition != nullptr) definition.condition = expr::remap_columns(definition.condition, mapping);
  definition.references = std::move(kept);
}

}  // namespace

// The rows that are searched, with times and without ever taking one back.
Result<Binder::Named> Binder::bind_match_input(const sql::TableReference& table) {
  // Matches are in whole tables: what they are in cannot depend on the rows of another query.
  std::vector<OuterQuery> outer_queries = std::exchange(outer_queries_, {});
  const size_t recursive_uses = recursive_uses_.size();
  Result<Named> bound = bind_table(table);
  PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "in MATCH_RECOGNIZE"));
  outer_queries_ = std::move(outer_queries);
  auto [input, scope] = PENSTOCK_TRY(std::move(bound));
  input = PENSTOCK_TRY(with_window_times(std::move(input)));
  if (!input->traits.append_only) {
    return unsupported("MATCH_RECOGNIZE needs rows that are never taken back, and those of this table may be")
        .at(table.position.offset)
        .hint("search the events themselves, or the results of windows");
  }
  return Named(std::move(input), std::move(scope));
}

Result<std::vector<int>> Binder::bind_match_partition(const sql::MatchRecognize& match, const Scope& scope) {
  std::vector<int> columns;
  for (const sql::Expression& key : match.partition_by) {
    const auto* column = key.get_if<sql::ColumnReference>();
    if (column == nullptr || columns.size() == kPartitionColumnsMax) {
      return unsupported("PARTITION BY takes up to {} columns here", kPartitionColumnsMax)
          .at(key.position.offset)
          .hint("compute what is to be partitioned by in a query: (SELECT ...) MATCH_RECOGNIZE (...)");
    }
    columns.push_back(static_cast<int>(PENSTOCK_TRY(scope.resolve(column->name))));
  }
  return columns;
}

// By an event time, then by anything; `columns` gets what is no column of the input.
Result<std::vector<SortKey>> Binder::bind_match_order(const sql::MatchRecognize& match, const LogicalNode& input,
                                                      const Scope& scope, std::vector<ExprPtr>& columns) {
  if (match.order_by.empty()) {
    return invalid_argument("MATCH_RECOGNIZE needs ORDER BY a time").at(match.position.offset);
  }
  std::vector<SortKey> keys;
  for (const sql::OrderItem& item : match.order_by) {
    ExprPtr value = PENSTOCK_TRY(bind_expression(*item.value, {.scope = &scope, .place = "in ORDER BY"}));
    keys.push_back(sort_key(find_or_add(columns, value), item));
  }
  const sql::OrderItem& first = match.order_by.front();
  const auto column = static_cast<size_t>(keys.front().column);
  const bool timed = column < input.schema.size() && input.schema[column].type.is_timestamp();
  const bool watched =
      std::ranges::find(input.traits.time_columns, keys.front().column) != input.traits.time_columns.end();
  if (!timed || (!input.traits.bounded && !watched)) {
    return invalid_argument("the rows of MATCH_RECOGNIZE are ordered by a time with a watermark first")
        .at(first.value->position.offset)
        .hint("order by the column for which the table declares WATERMARK FOR");
  }
  if (first.descending) {
    return invalid_argument("the time by which MATCH_RECOGNIZE orders rows must be ascending")
        .at(first.value->position.offset);
  }
  return keys;
}

Result<types::MatchSkip> Binder::bind_match_skip(const sql::MatchRecognize& match, const PatternVariables& variables,
                                                 const RowPattern& pattern) {
  using To = types::MatchSkip::To;
  if (!match.after) return types::MatchSkip{};  // Flink's default, and not the standard's: TO NEXT ROW
  const sql::AfterMatch& after = *match.after;
  if (after.to == sql::SkipTo::kNextRow) return types::MatchSkip{};
  if (after.to == sql::SkipTo::kPastLastRow) return types::MatchSkip{.to = To::kPastLastRow};
  std::optional<VariableSet> set = variables.find_set(after.variable.text);
  if (!set) return variables.unknown(after.variable);
  std::optional<int> begins = first_variable(pattern);
  if (after.to == sql::SkipTo::kFirst && begins && types::contains(*set, *begins)) {
    return invalid_argument("every match begins with the first row of {}, so the same match would be found for ever",
                            after.variable.text)
        .at(after.position.offset)
        .hint("skip TO NEXT ROW, PAST LAST ROW, or to another variable");
  }
  return types::MatchSkip{.to = after.to == sql::SkipTo::kFirst ? To::kFirst : To::kLast, .variables = *set};
}

Result<std::vector<expr::MatchDefinition>> Binder::bind_definitions(const sql::MatchRecognize& match,
                                                                    const MatchScope& scope) {
  const PatternVariables& variables = *scope.variables;
  std::vector<expr::MatchDefinition> definitions(variables.names().size());
  std::vector<bool> defined(definitions.size(), false);
  for (const sql::PatternDefinition& written : match.definitions) {
    std::optional<int> variable = variables.find(written.variable.text);
    if (!variable) return variables.unknown(written.variable);
    if (defined[*variable]) {
      return invalid_argument("{} is defined twice", written.variable.text).at(written.variable.position.offset);
    }
    defined[*variable] = true;
    expr::MatchDefinition& definition = definitions[*variable];
    MatchScope inner = scope;
    inner.references = &definition.references;
    inner.defined = variable;
    ExprPtr condition = PENSTOCK_TRY(bind_condition(written.condition, {.place = "in DEFINE", .match = &inner}));
    split_condition(expr::fold_constants(condition, context_.eval), *variable, *scope.columns, definition);
  }
  return definitions;
}

// The columns that come out: of one row per match those of the partition and the measures; of all rows also those by
// which they are ordered, behind the first, and all others at the end.
Result<std::vector<std::string>> Binder::bind_match_outputs(const sql::MatchRecognize& written, const MatchScope& scope,
                                                            const types::Schema& input, Match& match) {
  std::vector<std::string> names;
  std::vector<bool> given(input.size(), false);
  const auto give = [&](int column) {
    if (static_cast<size_t>(column) >= input.size() || given[column]) return;
    given[column] = true;
    names.push_back(input[column].name);
    match.outputs.push_back(scope.refer(current_row(column, input[column].type), input[column].name));
  };
  for (int column : match.partition_by) give(column);
  if (match.all_rows) {
    for (const SortKey& key : match.order_by) give(key.column);
  }
  for (const sql::SelectItem& measure : written.measures) {
    ExprPtr value = PENSTOCK_TRY(bind_expression(measure.value, {.place = "in MEASURES", .match = &scope}));
    if (value->type().kind() == types::TypeKind::kNull) value = Expr::literal({}, types::TypeKind::kString);
    value = expr::fold_constants(value, context_.eval);
    match.outputs.push_back(match.unmatched_rows ? null_without_match(std::move(value), scope) : std::move(value));
    names.push_back(measure.alias->text);
  }
  if (match.all_rows) {
    for (size_t column = 0; column < input.size(); ++column) give(static_cast<int>(column));
  }
  if (match.outputs.empty()) {
    return invalid_argument("MATCH_RECOGNIZE without PARTITION BY and MEASURES has no columns")
        .at(written.position.offset);
  }
  return names;
}

Result<LogicalPtr> Binder::bind_match(const sql::MatchRecognize& written) {
  auto [input, input_scope] = PENSTOCK_TRY(bind_match_input(*written.input));
  Match match;
  PatternVariables variables;
  RowPattern pattern = PENSTOCK_TRY(bind_row_pattern(written.pattern, variables));
  if (types::can_match_nothing(pattern)) {
    return unsupported("this pattern matches also where there is no row")
        .at(written.pattern.position.offset)
        .hint("let at least one variable be needed: a+ and not a*");
  }
  match.all_rows = written.rows != sql::RowsPerMatch::kOne;
  match.unmatched_rows = written.rows == sql::RowsPerMatch::kAllWithUnmatched;
  if (match.unmatched_rows && has_exclusion(pattern)) {
    return invalid_argument("WITH UNMATCHED ROWS gives every row, and {{- -}} leaves rows out")
        .at(written.rows_position.offset);
  }
  if (!match.all_rows && has_exclusion(pattern)) {
    return invalid_argument("{{- -}} leaves rows out of ALL ROWS PER MATCH, and means nothing for one row per match")
        .at(written.pattern.position.offset);
  }
  match.automaton = std::make_shared<const types::PatternAutomaton>(
      PENSTOCK_TRY(located(types::compile_pattern(pattern), written.pattern.position)));
  for (const sql::PatternSubset& subset : written.subsets) PENSTOCK_TRY(variables.add_subset(subset));
  match.pattern = sql::print_pattern(written.pattern);
  match.variables = variables.names();
  match.skip = PENSTOCK_TRY(bind_match_skip(written, variables, pattern));
  if (written.within) {
    match.within_us = PENSTOCK_TRY(bind_window_interval(*written.within, "WITHIN"));
    if (*match.within_us <= 0) {
      return invalid_argument("WITHIN must be more than zero").at(written.within->position.offset);
    }
  }
  match.partition_by = PENSTOCK_TRY(bind_match_partition(written, input_scope));
  std::vector<ExprPtr> columns;
  for (size_t i = 0; i < input->schema.size(); ++i) columns.push_back(column_of(input->schema, static_cast<int>(i)));
  match.order_by = PENSTOCK_TRY(bind_match_order(written, *input, input_scope, columns));
  MatchScope scope{.input = &input_scope,
                   .time_column = match.order_by.front().column,
                   .variables = &variables,
                   .columns = &columns,
                   .references = &match.references,
                   .defined = std::nullopt,
                   .running = match.all_rows};
  std::vector<std::string> names = PENSTOCK_TRY(bind_match_outputs(written, scope, input->schema, match));
  scope.running = true;
  match.definitions = PENSTOCK_TRY(bind_definitions(written, scope));
  if (columns.size() > input->schema.size()) {
    std::vector<std::string> column_names;
    for (size_t i = 0; i < columns.size(); ++i) {
      column_names.push_back(i < input->schema.size() ? input->schema[i].name : label(*columns[i]));
    }
    input = make_project(std::move(input), std::move(columns), std::move(column_names));
  }
  return make_node(std::move(match), {std::move(input)}, std::move(names));
}

}  // namespace penstock::plan
