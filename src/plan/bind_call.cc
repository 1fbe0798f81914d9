// Function calls: scalar functions and aggregates.
#include <algorithm>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "expr/aggregate.h"
#include "expr/registry.h"
#include "expr/window_function.h"
#include "plan/binder.h"
#include "plan/current_watermark.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;
using types::Value;

ExprPtr unit_literal(const sql::Keyword& keyword) {
  return Expr::literal(Value(keyword.text), DataType(TypeKind::kString).with_nullable(false));
}

// TRIM(side characters FROM text) under the names of its three functions: TRIM, LTRIM, RTRIM (text [, characters]).
Result<ExprPtr> bind_trim(const std::string& side, std::vector<ExprPtr> arguments) {
  std::string name = side == "LEADING" ? "LTRIM" : (side == "TRAILING" ? "RTRIM" : "TRIM");
  ExprPtr characters = std::move(arguments[0]);
  arguments.erase(arguments.begin());
  bool spaces = characters->is_literal() && !characters->value().is_null() &&
                characters->type().kind() == TypeKind::kString && characters->value().as_string() == " ";
  if (!spaces) {
    if (name == "TRIM") name = "BTRIM";
    arguments.push_back(std::move(characters));
  }
  return expr::bind_call(name, std::move(arguments));
}

Error unsupported_clause(const sql::Expression& expression, std::string_view function, std::string_view clause) {
  return unsupported("{} does not take {}", function, clause).at(expression.position.offset);
}

}  // namespace

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::FunctionCall& node) {
  const std::string& name = node.name.parts.back().text;
  bool of_system = node.name.parts.size() == 2 && sql::equal_ignoring_case(node.name.parts[0].text, "pg_catalog");
  if (node.name.parts.size() > 1 && !of_system) {
    return not_found("there is no function {}.{}", node.name.parts[0].text, name).at(expression.position.offset);
  }
  if (expression_context_->match != nullptr) {
    if (auto bound = PENSTOCK_TRY(bind_match_call(expression, node))) return *bound;
  } else if (node.rows != sql::MatchRows::kUnspecified) {
    return invalid_argument("RUNNING and FINAL belong into MATCH_RECOGNIZE").at(expression.position.offset);
  }
  if (const catalog::EntryPtr created = find_function(node.name)) return bind_function_call(*created, expression, node);
  if (node.over) return bind_over_call(expression, node);
  bool grouping = sql::equal_ignoring_case(name, "GROUPING") || sql::equal_ignoring_case(name, "GROUPING_ID");
  if (grouping) return bind_grouping_call(expression, node);
  if (expr::is_aggregate_function(name)) return bind_aggregate_call(expression, node);
  if (sql::equal_ignoring_case(name, "CURRENT_WATERMARK")) return bind_current_watermark(expression, node);
  if (auto bound = PENSTOCK_TRY(bind_group_window_call(expression, node))) return *bound;
  if (ExprPtr name_of_scope = PENSTOCK_TRY(bind_name_call(expression, node))) return name_of_scope;
  return bind_scalar_call(expression, node);
}

Result<std::vector<ExprPtr>> Binder::bind_arguments(const sql::FunctionCall& call) {
  std::vector<ExprPtr> arguments;
  for (const sql::Expression& argument : call.arguments) {
    const auto* keyword = argument.get_if<sql::Keyword>();
    arguments.push_back(keyword != nullptr ? unit_literal(*keyword) : PENSTOCK_TRY(bind(argument)));
  }
  return arguments;
}

Result<ExprPtr> Binder::bind_scalar_call(const sql::Expression& expression, const sql::FunctionCall& call) {
  const std::string& name = call.name.parts.back().text;
  if (call.distinct) return unsupported_clause(expression, name, "DISTINCT");
  if (call.filter) return unsupported_clause(expression, name, "FILTER");
  if (!call.order_by.empty()) return unsupported_clause(expression, name, "ORDER BY");
  if (ExprPtr json = PENSTOCK_TRY(bind_json_call(sql::to_upper(name), call))) return json;
  std::vector<ExprPtr> arguments = PENSTOCK_TRY(bind_arguments(call));
  if (!call.arguments.empty() && sql::equal_ignoring_case(name, "TRIM")) {
    if (const auto* side = call.arguments.front().get_if<sql::Keyword>()) {
      arguments.erase(arguments.begin());
      return bind_trim(side->text, std::move(arguments));
    }
  }
  // CEIL(x TO unit) and FLOOR(x TO unit): the unit comes first.
  if (arguments.size() == 2 && call.arguments[1].get_if<sql::Keyword>() != nullptr) {
    std::swap(arguments[0], arguments[1]);
    return expr::bind_call(sql::equal_ignoring_case(name, "CEILING") ? "CEIL" : name, std::move(arguments));
  }
  Result<ExprPtr> bound = expr::bind_call(name, std::move(arguments));
  if (bound || bound.error().code() != ErrorCode::kNotFound) return bound;
  if (expr::find_window_function(sql::to_upper(name)) != nullptr) {
    return invalid_argument("{} needs OVER: it is a window function", sql::to_upper(name))
        .at(expression.position.offset)
        .hint("write " + sql::to_upper(name) + "(...) OVER (PARTITION BY ... ORDER BY ...)");
  }
  if (!bound.error().hint().empty()) return bound;
  if (sql::equal_ignoring_case(name, "UNNEST")) {
    return std::move(bound).error().hint("it stands after FROM: FROM orders CROSS JOIN UNNEST(orders.items) AS i");
  }
  std::vector<std::string> names;
  for (const expr::AggregateFunction& function : expr::aggregate_functions()) names.emplace_back(function.name);
  return std::move(bound).error().hint(did_you_mean(name, names));
}

Result<ExprPtr> Binder::bind_current_watermark(const sql::Expression& expression, const sql::FunctionCall& call) {
  const ExpressionContext& context = *expression_context_;
  if (!context.watermarks) {
    return unsupported("CURRENT_WATERMARK is not possible {}", context.place).at(expression.position.offset);
  }
  if (call.arguments.size() != 1 || call.distinct || call.filter || !call.order_by.empty()) {
    return invalid_argument("CURRENT_WATERMARK takes one column").at(expression.position.offset);
  }
  ExprPtr rowtime = PENSTOCK_TRY(bind(call.arguments.front()));
  const bool is_column = rowtime->kind() == Expr::Kind::kColumn && !is_outer_column(*rowtime);
  if (!is_column || !rowtime->type().is_timestamp()) {
    return invalid_argument("CURRENT_WATERMARK takes a TIMESTAMP or TIMESTAMP_LTZ column of this query")
        .at(call.arguments.front().position.offset);
  }
  uses_current_watermark_ = true;
  const int64_t position = view_depth_ > 0 ? -1 : int64_t{expression.position.offset};
  return make_current_watermark(std::move(rowtime), position);
}

Result<ExprPtr> Binder::bind_name_call(const sql::Expression& expression, const sql::FunctionCall& call) const {
  const std::string name = sql::to_upper(call.name.parts.back().text);
  const bool of_catalog = name == "CURRENT_CATALOG";
  if (!of_catalog && name != "CURRENT_DATABASE" && name != "CURRENT_SCHEMA") return nullptr;
  if (!call.arguments.empty()) return invalid_argument("{} takes no arguments", name).at(expression.position.offset);
  const Value known(of_catalog ? std::string(catalog::kDefaultCatalog) : names_.schema);
  return expr::bind_call(name, {Expr::literal(known, DataType(TypeKind::kString).with_nullable(false))});
}

Result<LogicalPtr> Binder::read_watermarks(LogicalPtr plan) const {
  if (!uses_current_watermark_) return plan;
  return read_current_watermarks(plan);
}

// GROUPING(key, ...), also called GROUPING_ID: which of the keys are not in the set that the group is of.
Result<ExprPtr> Binder::bind_grouping_call(const sql::Expression& expression, const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const Grouping* grouping = expression_context_->grouping;
  if (grouping == nullptr) {
    return invalid_argument("{} is possible only over the groups of a GROUP BY", name).at(expression.position.offset);
  }
  if (call.arguments.empty() || call.arguments.size() > kGroupingArgumentsMax) {
    return invalid_argument("{} takes 1 to {} arguments", name, kGroupingArgumentsMax).at(expression.position.offset);
  }
  ExpressionContext inner = *expression_context_;
  inner.aggregates = nullptr;
  inner.overs = nullptr;
  inner.subqueries = nullptr;
  inner.place = "inside GROUPING";
  GroupingSet keys;
  for (const sql::Expression& argument : call.arguments) {
    ExprPtr bound = PENSTOCK_TRY(bind_expression(argument, inner));
    auto key = std::ranges::find_if(grouping->keys, [&](const ExprPtr& known) { return known->equals(*bound); });
    if (key == grouping->keys.end()) {
      return invalid_argument("the arguments of {} must be in GROUP BY", name).at(argument.position.offset);
    }
    keys.push_back(static_cast<int>(key - grouping->keys.begin()));
  }
  return grouping_bits(*grouping, keys);
}

// Collects the call; what stands for it is a column behind those of the scope.
Result<ExprPtr> Binder::bind_aggregate_call(const sql::Expression& expression, const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const ExpressionContext& outer = *expression_context_;
  if (outer.aggregates == nullptr) {
    return invalid_argument("aggregate function {} is not allowed {}", name, outer.place)
        .at(expression.position.offset);
  }
  ExpressionContext inner = outer;
  inner.aggregates = nullptr;
  inner.overs = nullptr;
  inner.grouping = nullptr;
  inner.subqueries = outer.argument_subqueries;
  inner.place = "inside an aggregate function";
  FoundAggregate found = PENSTOCK_TRY(bind_aggregate(expression, call, inner));
  // The same call twice is computed once.
  auto same = [](const ExprPtr& a, const ExprPtr& b) { return a == b || (a && b && a->equals(*b)); };
  size_t index = 0;
  for (; index < outer.aggregates->size(); ++index) {
    const FoundAggregate& known = (*outer.aggregates)[index];
    if (known.call.function.same_call(found.call.function) && known.call.distinct == found.call.distinct &&
        same(known.argument, found.argument) && same(known.filter, found.filter)) {
      break;
    }
  }
  DataType type = found.call.function.result_type;
  std::string argument = found.argument == nullptr ? "*" : label(*found.argument);
  std::string text = name + (found.call.distinct ? "(DISTINCT " : "(") + argument + ")";
  if (found.filter != nullptr) text += " FILTER (" + label(*found.filter) + ")";
  if (index == outer.aggregates->size()) outer.aggregates->push_back(std::move(found));
  return Expr::column(outer.scope->size() + index, type, std::move(text));
}

}  // namespace penstock::plan
