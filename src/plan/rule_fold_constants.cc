// Computes constant parts of expressions, and drops conditions that are always true.
#include "expr/evaluate.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

bool is_true(const expr::ExprPtr& expression) {
  return expression->is_literal() && !expression->value().is_null() && expression->value().as_bool();
}

}  // namespace

LogicalPtr fold_constants(const LogicalPtr& plan, const RuleContext& context) {
  return rewrite_bottom_up(plan, [&](const LogicalPtr& node) -> LogicalPtr {
    if (const auto* filter = node->get_if<Filter>()) {
      expr::ExprPtr predicate = expr::fold_constants(filter->predicate, context.eval);
      if (is_true(predicate)) return node->inputs.front();
      return predicate == filter->predicate ? node : make_filter(node->inputs.front(), std::move(predicate));
    }
    const auto* join = node->get_if<Join>();
    if (join != nullptr && join->condition != nullptr) {
      Join folded = *join;
      folded.condition = expr::fold_constants(join->condition, context.eval);
      if (is_true(folded.condition)) folded.condition = nullptr;
      if (folded.condition == join->condition) return node;
      return make_node(std::move(folded), node->inputs, column_names(*node));
    }
    if (const auto* project = node->get_if<Project>()) {
      std::vector<expr::ExprPtr> expressions;
      for (const expr::ExprPtr& one : project->expressions) {
        expressions.push_back(expr::fold_constants(one, context.eval));
      }
      if (expressions == project->expressions) return node;
      return make_project(node->inputs.front(), std::move(expressions), column_names(*node));
    }
    return node;
  });
}

}  // namespace penstock::plan
