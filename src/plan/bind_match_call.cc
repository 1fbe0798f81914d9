// What expressions in DEFINE and MEASURES of MATCH_RECOGNIZE say of the rows of a match: variables, FIRST and LAST,
// PREV and NEXT, aggregates, CLASSIFIER, MATCH_NUMBER, MATCH_ROWTIME, MATCH_PROCTIME.
#include <algorithm>
#include <array>

#include "expr/aggregate.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/match_scope.h"
#include "sql/keywords.h"
#include "sql/printer.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using expr::MatchReference;
using sql::equal_ignoring_case;
using types::DataType;
using types::TypeKind;

// How far PREV and NEXT look: so many rows of each partition are kept back or waited for.
constexpr int64_t kMatchDistanceMax = 10'000;

bool is_call_of(const sql::FunctionCall& call, std::string_view name) {
  return call.name.parts.size() == 1 && equal_ignoring_case(call.name.parts.front().text, name);
}
bool is_end(const sql::FunctionCall& call) { return is_call_of(call, "FIRST") || is_call_of(call, "LAST"); }
bool is_step(const sql::FunctionCall& call) { return is_call_of(call, "PREV") || is_call_of(call, "NEXT"); }

Status check_plain(const sql::Expression& expression, const sql::FunctionCall& call, size_t arguments_max) {
  const std::string& name = call.name.parts.back().text;
  if (call.arguments.size() > arguments_max) {
    return invalid_argument("{} takes at most {} argument{}", name, arguments_max, arguments_max == 1 ? "" : "s")
        .at(call.arguments[arguments_max].position.offset);
  }
  if (call.distinct || call.filter || !call.order_by.empty() || call.over ||
      call.null_treatment != sql::NullTreatment::kUnspecified) {
    return invalid_argument("{} takes arguments only", name).at(expression.position.offset);
  }
  return {};
}

}  // namespace

// a.price: of the last row of the variable; price: of the last row of all.
Result<ExprPtr> Binder::bind_match_column(const sql::Expression& expression, const sql::ColumnReference& node) {
  const MatchScope& match = *expression_context_->match;
  sql::QualifiedName name = node.name;
  types::VariableSet variables = types::kAllVariables;
  if (name.parts.size() > 1) {
    if (auto found = match.variables->find_set(name.parts.front().text)) {
      variables = *found;
      name.parts.erase(name.parts.begin());
    }
  }
  Result<Scope::Resolved> found = match.input->resolve_path(name);
  bool variable_missing = !found && name.parts.size() > 1 && variables == types::kAllVariables;
  if (variable_missing) return match.variables->unknown(name.parts.front());
  Scope::Resolved resolved = PENSTOCK_TRY(std::move(found));
  ExprPtr value = PENSTOCK_TRY(bind_fields(match.input->column(resolved.column), name, resolved.parts));
  if (match.argument != nullptr) {
    std::optional<types::VariableSet>& seen = match.argument->variables;
    if (seen && *seen != variables) {
      return invalid_argument("columns of different variables in one call: it is about the rows of one")
          .at(expression.position.offset);
    }
    seen = variables;
    return value;
  }
  DataType type = value->type().with_nullable(true);
  return match.refer(
      {.variables = variables, .running = match.running, .column = find_or_add(*match.columns, value), .type = type},
      sql::print(expression));
}

Result<bool> Binder::bind_match_rows(const sql::Expression& expression, const sql::FunctionCall& call) {
  const MatchScope& match = *expression_context_->match;
  if (call.rows == sql::MatchRows::kUnspecified) return match.running;
  if (call.rows == sql::MatchRows::kFinal && match.defined) {
    return invalid_argument("FINAL is not possible in DEFINE, where the end of the match is not known")
        .at(expression.position.offset);
  }
  return call.rows == sql::MatchRows::kRunning;
}

// An expression over the columns of one row, of the variables that it names.
Result<ExprPtr> Binder::bind_match_argument(const sql::Expression& argument, types::VariableSet& variables) {
  ExpressionContext inner = *expression_context_;
  MatchScope::Argument row;
  MatchScope scope = *inner.match;
  scope.argument = &row;
  inner.match = &scope;
  ExprPtr value = PENSTOCK_TRY(bind_expression(argument, inner));
  if (!row.variables) {
    return invalid_argument("a column is needed here, such as {}.price", scope.variables->names().front())
        .at(argument.position.offset);
  }
  variables = *row.variables;
  return value;
}

// FIRST(a.x [, n]), LAST(a.x [, n]), PREV(a.x [, n]), NEXT(a.x [, n]), and PREV or NEXT of FIRST or LAST.
Result<MatchReference> Binder::bind_navigation(const sql::Expression& expression, const sql::FunctionCall& call) {
  const std::string& name = call.name.parts.back().text;
  PENSTOCK_TRY(check_plain(expression, call, 2));
  if (call.arguments.empty()) return invalid_argument("{} needs a column", name).at(expression.position.offset);
  bool step = is_step(call);
  int64_t number = step ? 1 : 0;
  if (call.arguments.size() > 1) {
    number = PENSTOCK_TRY(bind_row_count(call.arguments[1], "here", 1));
    if (step && number > kMatchDistanceMax) {
      return make_error(ErrorCode::kResourceExhausted, "{} looks at most {} rows away", name, kMatchDistanceMax)
          .at(call.arguments[1].position.offset);
    }
  }
  const sql::Expression& argument = call.arguments.front();
  const auto* inner = argument.get_if<sql::FunctionCall>();
  MatchReference reference;
  if (step && inner != nullptr && is_end(*inner)) {
    reference = PENSTOCK_TRY(bind_navigation(argument, *inner));
  } else {
    ExprPtr value = PENSTOCK_TRY(bind_match_argument(argument, reference.variables));
    reference.running = PENSTOCK_TRY(bind_match_rows(expression, call));
    reference.first = is_call_of(call, "FIRST");
    reference.column = find_or_add(*expression_context_->match->columns, value);
    reference.type = value->type().with_nullable(true);
    if (!step) reference.offset = number;
  }
  if (step) reference.distance = is_call_of(call, "NEXT") ? number : -number;
  return reference;
}

Result<MatchReference> Binder::bind_match_aggregate(const sql::Expression& expression, const sql::FunctionCall& call) {
  ExpressionContext inner = *expression_context_;
  MatchScope::Argument row;
  MatchScope scope = *inner.match;
  scope.argument = &row;
  inner.match = &scope;
  const auto* star = call.arguments.size() == 1 ? call.arguments.front().get_if<sql::Star>() : nullptr;
  if (star != nullptr && !star->qualifier.parts.empty()) {  // COUNT(a.*)
    row.variables = scope.variables->find_set(star->qualifier.parts.front().text);
    if (!row.variables) return scope.variables->unknown(star->qualifier.parts.front());
  }
  FoundAggregate found = PENSTOCK_TRY(bind_aggregate(expression, call, inner));
  MatchReference reference{.kind = MatchReference::Kind::kAggregate,
                           .variables = row.variables.value_or(types::kAllVariables),
                           .running = PENSTOCK_TRY(bind_match_rows(expression, call))};
  if (found.argument != nullptr) reference.column = find_or_add(*scope.columns, found.argument);
  if (found.filter != nullptr) reference.filter = find_or_add(*scope.columns, found.filter);
  reference.distinct = found.call.distinct;
  reference.aggregate = found.call.function;
  reference.type = found.call.function.result_type;
  return reference;
}

// CLASSIFIER(), MATCH_NUMBER(), MATCH_ROWTIME() and MATCH_PROCTIME().
Result<ExprPtr> Binder::bind_match_property(const sql::Expression& expression, const sql::FunctionCall& call) {
  using Kind = MatchReference::Kind;
  const MatchScope& match = *expression_context_->match;
  std::string text = sql::print(expression);
  if (is_call_of(call, "MATCH_ROWTIME")) {
    PENSTOCK_TRY(check_plain(expression, call, 1));
    DataType type = match.input->type(static_cast<size_t>(match.time_column)).with_nullable(false);
    if (match.defined) {
      return invalid_argument("MATCH_ROWTIME is known only when the match is; use it in MEASURES")
          .at(expression.position.offset);
    }
    if (!call.arguments.empty()) {
      const auto* column = call.arguments.front().get_if<sql::ColumnReference>();
      size_t named = column == nullptr ? SIZE_MAX : PENSTOCK_TRY(match.input->resolve(column->name));
      if (named != static_cast<size_t>(match.time_column)) {
        return invalid_argument("MATCH_ROWTIME takes the column by which the rows are ordered, or nothing")
            .at(call.arguments.front().position.offset);
      }
    }
    return match.refer({.kind = Kind::kMatchTime, .type = type}, std::move(text));
  }
  PENSTOCK_TRY(check_plain(expression, call, 0));
  if (is_call_of(call, "MATCH_PROCTIME")) {
    if (!match.defined) return expr::bind_call("PROCTIME", {});
    return invalid_argument("MATCH_PROCTIME is the moment at which a match comes out; use it in MEASURES")
        .at(expression.position.offset);
  }
  if (is_call_of(call, "MATCH_NUMBER")) {
    return match.refer({.kind = Kind::kMatchNumber, .type = DataType(TypeKind::kBigInt).with_nullable(false)},
                       std::move(text));
  }
  if (match.defined) {
    const std::string& name = match.variables->names()[static_cast<size_t>(*match.defined)];
    return Expr::literal(types::Value(name), DataType(TypeKind::kString).with_nullable(false));
  }
  return match.refer({.kind = Kind::kClassifier, .running = match.running, .type = TypeKind::kString}, std::move(text));
}

Result<std::optional<ExprPtr>> Binder::bind_match_call(const sql::Expression& expression,
                                                       const sql::FunctionCall& call) {
  const MatchScope& match = *expression_context_->match;
  static constexpr std::array<std::string_view, 4> kProperties = {"CLASSIFIER", "MATCH_NUMBER", "MATCH_ROWTIME",
                                                                  "MATCH_PROCTIME"};
  const std::string& name = call.name.parts.back().text;
  bool property = std::ranges::any_of(kProperties, [&](std::string_view known) { return is_call_of(call, known); });
  bool navigates = is_end(call) || is_step(call);
  bool aggregates = !navigates && expr::is_aggregate_function(name);
  if (!navigates && !aggregates && call.rows != sql::MatchRows::kUnspecified) {
    return invalid_argument("RUNNING and FINAL stand before FIRST, LAST and aggregate functions")
        .at(expression.position.offset);
  }
  if (call.over) {
    return invalid_argument("{} OVER is not allowed {}", name, expression_context_->place)
        .at(expression.position.offset);
  }
  if (!property && !navigates && !aggregates) return std::nullopt;
  if (match.argument != nullptr) {
    return invalid_argument("{} cannot stand inside of another call over the rows of a match", sql::to_upper(name))
        .at(expression.position.offset);
  }
  if (property) return PENSTOCK_TRY(bind_match_property(expression, call));
  MatchReference reference = navigates ? PENSTOCK_TRY(bind_navigation(expression, call))
                                       : PENSTOCK_TRY(bind_match_aggregate(expression, call));
  return match.refer(std::move(reference), sql::print(expression));
}

}  // namespace penstock::plan
