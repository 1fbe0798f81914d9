// A projection of a projection becomes one, unless something would be computed twice; one that changes nothing goes.
#include "plan/rules.h"

namespace penstock::plan {
namespace {

bool is_identity(const LogicalNode& node, const Project& project) {
  if (project.expressions.size() != node.input().schema.size()) return false;
  for (size_t i = 0; i < project.expressions.size(); ++i) {
    const expr::Expr& one = *project.expressions[i];
    if (one.kind() != expr::Expr::Kind::kColumn || one.column_index() != i) return false;
  }
  return true;
}

// The two in one, or null. What the upper one uses in several of its expressions must be cheap.
LogicalPtr merge(const LogicalNode& upper, const Project& project, const Project& inner) {
  std::vector<int> uses(inner.expressions.size(), 0);
  std::vector<expr::ExprPtr> merged;
  for (const expr::ExprPtr& one : project.expressions) {
    std::vector<size_t> columns;
    expr::collect_columns(*one, columns);
    for (size_t column : columns) {
      const expr::ExprPtr& used = inner.expressions[column];
      bool trivial = used->kind() == expr::Expr::Kind::kColumn || used->is_literal();
      if (!trivial && ++uses[column] > 1) return nullptr;
    }
    merged.push_back(substitute(one, inner.expressions));
    if (merged.back() == nullptr) return nullptr;
  }
  return make_project(upper.input().inputs.front(), std::move(merged), column_names(upper));
}

}  // namespace

LogicalPtr merge_projections(const LogicalPtr& plan, const RuleContext&) {
  return rewrite_bottom_up(plan, [](const LogicalPtr& node) -> LogicalPtr {
    const auto* project = node->get_if<Project>();
    if (project == nullptr) return node;
    if (is_identity(*node, *project)) return node->inputs.front();
    const auto* inner = node->input().get_if<Project>();
    if (inner == nullptr) return node;
    LogicalPtr merged = merge(*node, *project, *inner);
    return merged == nullptr ? node : merged;
  });
}

}  // namespace penstock::plan
