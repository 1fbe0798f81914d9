#include "plan/correlation.h"

#include <algorithm>
#include <utility>

#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// Column c of level l is column kOuterColumns + l * kColumnsOfLevel + c. No input has that many columns.
constexpr size_t kOuterColumns = size_t{1} << 40;
constexpr size_t kColumnsOfLevel = size_t{1} << 20;

bool any_expression(const LogicalNode& plan, const std::function<bool(const Expr&)>& holds) {
  bool found = false;
  visit_expressions(plan.op, [&](const ExprPtr& expression) { found = found || holds(*expression); });
  return found ||
         std::ranges::any_of(plan.inputs, [&](const LogicalPtr& input) { return any_expression(*input, holds); });
}

}  // namespace

ExprPtr outer_column(QueryLevel level, size_t column, types::DataType type, std::string name) {
  return Expr::column(kOuterColumns + level * kColumnsOfLevel + column, type, std::move(name));
}

bool is_outer_column(const Expr& expression) {
  return expression.kind() == Expr::Kind::kColumn && expression.column_index() >= kOuterColumns;
}

std::optional<size_t> outer_column_of(const Expr& expression, QueryLevel level) {
  if (!is_outer_column(expression)) return std::nullopt;
  size_t number = expression.column_index() - kOuterColumns;
  if (number / kColumnsOfLevel != level) return std::nullopt;
  return number % kColumnsOfLevel;
}

bool is_correlated(const Expr& expression, QueryLevel level) {
  return outer_column_of(expression, level).has_value() ||
         std::ranges::any_of(expression.children(), [&](const ExprPtr& child) { return is_correlated(*child, level); });
}

bool is_correlated(const LogicalNode& plan, QueryLevel level) {
  return any_expression(plan, [&](const Expr& expression) { return is_correlated(expression, level); });
}

bool is_correlated(const Expr& expression) {
  return is_outer_column(expression) ||
         std::ranges::any_of(expression.children(), [](const ExprPtr& child) { return is_correlated(*child); });
}

bool is_correlated(const LogicalNode& plan) {
  return any_expression(plan, [](const Expr& expression) { return is_correlated(expression); });
}

void collect_outer_columns(const LogicalNode& plan, QueryLevel level, std::vector<size_t>& columns) {
  visit_expressions(plan.op, [&](const ExprPtr& expression) {
    std::vector<size_t> used;
    expr::collect_columns(*expression, used);
    for (size_t column : used) {
      if (column / kColumnsOfLevel == kOuterColumns / kColumnsOfLevel + level) {
        columns.push_back(column % kColumnsOfLevel);
      }
    }
  });
  for (const LogicalPtr& input : plan.inputs) collect_outer_columns(*input, level, columns);
}

void visit_expressions(const LogicalOperator& op, const std::function<void(const ExprPtr&)>& visit) {
  if (const auto* filter = std::get_if<Filter>(&op)) visit(filter->predicate);
  const auto* join = std::get_if<Join>(&op);
  if (join != nullptr && join->condition != nullptr) visit(join->condition);
  const auto* project = std::get_if<Project>(&op);
  if (project != nullptr) std::ranges::for_each(project->expressions, visit);
}

LogicalPtr map_expressions(const LogicalPtr& plan, const std::function<ExprPtr(const ExprPtr&)>& map) {
  return rewrite_bottom_up(plan, [&](const LogicalPtr& node) -> LogicalPtr {
    if (const auto* filter = node->get_if<Filter>()) {
      ExprPtr predicate = map(filter->predicate);
      return predicate == filter->predicate ? node : make_filter(node->inputs.front(), std::move(predicate));
    }
    if (const auto* project = node->get_if<Project>()) {
      std::vector<ExprPtr> expressions;
      for (const ExprPtr& one : project->expressions) expressions.push_back(map(one));
      if (expressions == project->expressions) return node;
      return make_project(node->inputs.front(), std::move(expressions), column_names(*node));
    }
    if (const auto* match = node->get_if<Match>()) {
      Match mapped = *match;
      for (expr::MatchDefinition& definition : mapped.definitions) {
        if (definition.row_condition != nullptr) definition.row_condition = map(definition.row_condition);
        if (definition.condition != nullptr) definition.condition = map(definition.condition);
      }
      for (ExprPtr& output : mapped.outputs) output = map(output);
      return make_node(std::move(mapped), node->inputs, column_names(*node));
    }
    const auto* join = node->get_if<Join>();
    if (join == nullptr || join->condition == nullptr) return node;
    Join mapped = *join;
    mapped.condition = map(join->condition);
    if (mapped.condition == join->condition) return node;
    return make_node(std::move(mapped), node->inputs, column_names(*node));
  });
}

ExprPtr replace_outer(const ExprPtr& expression, QueryLevel level,
                      const std::function<ExprPtr(size_t column)>& replace) {
  return expr::transform(expression, [&](ExprPtr node) {
    std::optional<size_t> column = outer_column_of(*node, level);
    return column ? replace(*column) : node;
  });
}

ExprPtr replace_own(const ExprPtr& expression, const std::function<ExprPtr(const Expr& column)>& replace) {
  return expr::transform(expression, [&](ExprPtr node) {
    bool own = node->kind() == Expr::Kind::kColumn && !is_outer_column(*node);
    return own ? replace(*node) : node;
  });
}

}  // namespace penstock::plan
