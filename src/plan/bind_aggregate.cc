// Calls of aggregate functions: their arguments, constants and order.
#include <algorithm>

#include "expr/aggregate.h"
#include "expr/evaluate.h"
#include "expr/json_construction.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::AggregateFunction;
using expr::AggregateParameters;
using expr::AggregateTakes;
using expr::Expr;
using expr::ExprPtr;
using types::TypeKind;

// Whether a column of the query itself is used.
bool has_own_column(const Expr& expression) {
  bool own = expression.kind() == Expr::Kind::kColumn && !is_outer_column(expression);
  return own || std::ranges::any_of(expression.children(), [](const ExprPtr& child) { return has_own_column(*child); });
}

// The only value that COUNT(a, b, ...) counts: a ROW of all where none is NULL.
Result<ExprPtr> counted_row(const std::vector<ExprPtr>& values) {
  ExprPtr known;
  for (const ExprPtr& value : values) {
    ExprPtr one = PENSTOCK_TRY(expr::bind_call("IS NOT NULL", {value}));
    known =
        known == nullptr ? std::move(one) : PENSTOCK_TRY(expr::bind_call("AND", {std::move(known), std::move(one)}));
  }
  ExprPtr row = PENSTOCK_TRY(expr::bind_call("ROW", values));
  ExprPtr null = Expr::literal({}, row->type().with_nullable(true));
  return expr::bind_call("IF", {std::move(known), std::move(row), std::move(null)});
}

// What the rows give, as one column: the only input, or a ROW of all.
Result<ExprPtr> pack(std::vector<ExprPtr> inputs, const expr::BoundAggregate& function) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = PENSTOCK_TRY(expr::coerce(std::move(inputs[i]), function.parameters->inputs[i]));
  }
  if (inputs.empty()) return ExprPtr();
  return inputs.size() == 1 ? std::move(inputs.front()) : expr::bind_call("ROW", std::move(inputs));
}

Error refuse(const sql::Expression& expression, std::string_view function, std::string_view clause) {
  return unsupported("{} does not take {}", function, clause).at(expression.position.offset);
}

std::string argument_count(const AggregateFunction& function) {
  const AggregateTakes& takes = function.takes;
  const int least = takes.values_min + takes.constants_min;
  const int most = takes.values_max + takes.constants_max;
  if (least == most) return most == 0 ? "no argument" : most == 1 ? "one argument" : fmt::format("{} arguments", most);
  return fmt::format("{} to {} arguments", least, most);
}

}  // namespace

// What each row gives to an aggregate call: the values of its arguments, then the keys that they are ordered by.
struct Binder::AggregateInputs {
  std::vector<ExprPtr> expressions;
  AggregateParameters parameters;

  void add(ExprPtr input) {
    if (input->type().kind() == TypeKind::kNull) input = Expr::literal({}, TypeKind::kString);  // a bare NULL
    parameters.inputs.push_back(input->type());
    parameters.json.push_back(expr::is_json_text(*input));
    expressions.push_back(std::move(input));
  }
};

Status Binder::bind_aggregate_arguments(const sql::FunctionCall& call, const AggregateFunction& function,
                                        const ExpressionContext& context, AggregateInputs& inputs) {
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    const sql::Expression& argument = call.arguments[i];
    const auto* keyword = argument.get_if<sql::Keyword>();
    if (keyword == nullptr && i < function.takes.values_max) {
      inputs.add(PENSTOCK_TRY(bind_expression(argument, context)));
      continue;
    }
    ExprPtr constant = keyword != nullptr ? Expr::literal(types::Value(keyword->text), TypeKind::kString)
                                          : PENSTOCK_TRY(bind_expression(argument, context));
    if (!constant->is_constant()) {
      return invalid_argument("this argument of {} must be a constant", function.name).at(argument.position.offset);
    }
    types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*constant, eval_), argument.position));
    inputs.parameters.constants.push_back({constant->type(), std::move(value)});
  }
  return {};
}

Status Binder::bind_aggregate_order(const sql::Expression& expression, const sql::FunctionCall& call,
                                    const AggregateFunction& function, const ExpressionContext& context,
                                    AggregateInputs& inputs) {
  const bool is_value = function.takes.order == AggregateTakes::Order::kIsValue;
  if (is_value && call.order_by.size() != 1) {
    return invalid_argument("{} needs one value in WITHIN GROUP (ORDER BY ...)", function.name)
        .at(expression.position.offset)
        .hint(std::string(function.signature));
  }
  if (!call.order_by.empty() && function.takes.order == AggregateTakes::Order::kNone) {
    return refuse(expression, function.name, "ORDER BY");
  }
  for (const sql::OrderItem& item : call.order_by) {
    inputs.add(PENSTOCK_TRY(bind_expression(*item.value, context)));
    inputs.parameters.order.push_back(
        {.descending = item.descending, .nulls_first = item.nulls_first.value_or(!item.descending)});
  }
  return {};
}

Result<FoundAggregate> Binder::bind_aggregate(const sql::Expression& expression, const sql::FunctionCall& call,
                                              ExpressionContext inner) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const AggregateFunction& function = *expr::find_aggregate(name);
  if (call.null_treatment != sql::NullTreatment::kUnspecified && !function.takes.nulls_count) {
    return refuse(expression, name, "IGNORE NULLS and RESPECT NULLS");
  }
  const bool star = call.arguments.size() == 1 && call.arguments[0].get_if<sql::Star>() != nullptr;
  const size_t least =
      star ? 1 : std::max(function.takes.values_min + function.takes.constants_min, name == "COUNT" ? 1 : 0);
  const bool counts_rows = name == "COUNT" && call.arguments.size() > 1;
  if (call.arguments.size() < least ||
      (!counts_rows && call.arguments.size() > size_t{function.takes.values_max} + function.takes.constants_max)) {
    return invalid_argument("{} takes {}", name, name == "COUNT" ? "an argument" : argument_count(function))
        .at(expression.position.offset);
  }
  if (star && name != "COUNT") return invalid_argument("only COUNT takes *").at(expression.position.offset);
  if (star && call.distinct) return invalid_argument("COUNT(DISTINCT *) is not SQL").at(expression.position.offset);
  AggregateInputs inputs;
  if (counts_rows) {
    std::vector<ExprPtr> values;
    for (const sql::Expression& argument : call.arguments) {
      values.push_back(PENSTOCK_TRY(bind_expression(argument, inner)));
    }
    inputs.add(PENSTOCK_TRY(counted_row(values)));
  } else if (!star) {
    PENSTOCK_TRY(bind_aggregate_arguments(call, function, inner, inputs));
  }
  PENSTOCK_TRY(bind_aggregate_order(expression, call, function, inner, inputs));
  for (const ExprPtr& input : inputs.expressions) {
    if (!is_correlated(*input) || has_own_column(*input)) continue;
    return unsupported("{} of columns of the query around this one belongs to that query", name)
        .at(expression.position.offset)
        .hint("compute it in a query in FROM, and use its column here");
  }
  FoundAggregate found;
  if (call.filter) {
    inner.place = "in FILTER";
    found.filter = PENSTOCK_TRY(bind_condition(*call.filter, inner));
  }
  found.call.function = PENSTOCK_TRY(expr::bind_aggregate(function, std::move(inputs.parameters), false));
  if (call.null_treatment == sql::NullTreatment::kIgnoreNulls) {
    ExprPtr known = PENSTOCK_TRY(expr::bind_call("IS NOT NULL", {inputs.expressions.front()}));
    found.filter = found.filter == nullptr
                       ? std::move(known)
                       : PENSTOCK_TRY(expr::bind_call("AND", {std::move(found.filter), std::move(known)}));
  }
  // DISTINCT changes nothing for these.
  found.call.distinct = call.distinct && name != "MIN" && name != "MAX";
  found.argument = PENSTOCK_TRY(pack(std::move(inputs.expressions), found.call.function));
  return found;
}

}  // namespace penstock::plan
