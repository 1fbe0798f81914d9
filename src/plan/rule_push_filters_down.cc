// Moves each part of a condition as far down as its columns reach; what each operator lets through is in nodes/.
#include <algorithm>

#include "expr/expr.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

LogicalPtr with_filter(LogicalPtr node, Conjuncts conjuncts) {
  if (conjuncts.empty()) return node;
  return make_filter(std::move(node), expr::join_conjunction(std::move(conjuncts)));
}

Conjuncts take_over_columns(Conjuncts& conjuncts, const Columns& fits) {
  Conjuncts taken;
  Conjuncts left;
  for (expr::ExprPtr& one : conjuncts) {
    std::vector<size_t> used;
    expr::collect_columns(*one, used);
    bool all = one->is_deterministic() && std::ranges::all_of(used, [&](size_t column) { return fits[column]; });
    (all ? taken : left).push_back(std::move(one));
  }
  conjuncts = std::move(left);
  return taken;
}

Conjuncts take_over_columns_below(Conjuncts& conjuncts, size_t columns) {
  size_t size = columns;
  for (const expr::ExprPtr& one : conjuncts) {
    std::vector<size_t> used;
    expr::collect_columns(*one, used);
    for (size_t column : used) size = std::max(size, column + 1);
  }
  Columns fits(size, false);
  std::fill(fits.begin(), fits.begin() + static_cast<ptrdiff_t>(columns), true);
  return take_over_columns(conjuncts, fits);
}

LogicalPtr push_filter_through(const LogicalPtr& node, Conjuncts conjuncts) {
  Conjuncts below = take_over_columns_below(conjuncts, node->input().schema.size());
  LogicalInputs inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(push_filter(input, below));
  return with_filter(with_inputs(node, std::move(inputs)), std::move(conjuncts));
}

LogicalPtr push_filter(const LogicalPtr& node, Conjuncts conjuncts) {
  return std::visit([&](const auto& op) { return push_filter(op, node, std::move(conjuncts)); }, node->op);
}

LogicalPtr push_filters_down(const LogicalPtr& plan, const RuleContext&) { return push_filter(plan, Conjuncts()); }

}  // namespace penstock::plan
