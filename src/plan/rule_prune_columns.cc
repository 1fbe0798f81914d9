// Drops columns that nobody needs, from the top down to the scans; what each operator needs is in nodes/.
#include <numeric>

#include "expr/expr.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

std::vector<int> identity(size_t columns) {
  std::vector<int> mapping(columns);
  std::iota(mapping.begin(), mapping.end(), 0);
  return mapping;
}

void need(Columns& needed, const expr::ExprPtr& expression) {
  if (expression == nullptr) return;
  std::vector<size_t> columns;
  expr::collect_columns(*expression, columns);
  for (size_t column : columns) needed[column] = true;
}

void remap(std::vector<int>& columns, const std::vector<int>& mapping) {
  for (int& column : columns) column = mapping[column];
}

Pruned prune(const LogicalPtr& node, const Columns& needed) {
  return std::visit([&](const auto& op) { return prune(op, *node, needed); }, node->op);
}

LogicalPtr prune_columns(const LogicalPtr& plan, const RuleContext&) {
  Pruned pruned = prune(plan, Columns(plan->schema.size(), true));
  return make_selection(std::move(pruned.plan), pruned.mapping);
}

}  // namespace penstock::plan
