// Moves each part of a condition as far down as its columns reach.
#include <algorithm>

#include "expr/expr.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using Conjuncts = std::vector<ExprPtr>;

LogicalPtr push(const LogicalPtr& node, Conjuncts conjuncts);

LogicalPtr with_filter(LogicalPtr node, Conjuncts conjuncts) {
  if (conjuncts.empty()) return node;
  return make_filter(std::move(node), expr::join_conjunction(std::move(conjuncts)));
}

// Moves those out of `conjuncts` which use only columns below `columns`.
Conjuncts take_on_columns_below(Conjuncts& conjuncts, size_t columns) {
  Conjuncts taken;
  Conjuncts left;
  for (ExprPtr& one : conjuncts) {
    std::vector<size_t> used;
    expr::collect_columns(*one, used);
    bool fits = one->is_deterministic() && std::ranges::all_of(used, [&](size_t column) { return column < columns; });
    (fits ? taken : left).push_back(std::move(one));
  }
  conjuncts = std::move(left);
  return taken;
}

LogicalPtr push_below_project(const LogicalPtr& node, const Project& project, Conjuncts conjuncts) {
  Conjuncts above;
  Conjuncts below;
  for (ExprPtr& one : conjuncts) {
    ExprPtr substituted = one->is_deterministic() ? substitute(one, project.expressions) : nullptr;
    // What depends on chance must not be computed a second time.
    if (substituted != nullptr && substituted->is_deterministic()) {
      below.push_back(std::move(substituted));
    } else {
      above.push_back(std::move(one));
    }
  }
  LogicalPtr input = push(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(above));
}

// A condition on the keys drops whole groups, so it may as well drop their rows. Without keys there is always one
// group.
LogicalPtr push_below_aggregate(const LogicalPtr& node, const Aggregate& aggregate, Conjuncts conjuncts) {
  Conjuncts below;
  if (!aggregate.keys.empty()) {
    below = take_on_columns_below(conjuncts, aggregate.keys.size());
    for (ExprPtr& one : below) one = expr::remap_columns(one, aggregate.keys);
  }
  LogicalPtr input = push(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

LogicalPtr push_into_scan(const LogicalPtr& node, const LogicalScan& scan, Conjuncts conjuncts) {
  if (scan.source->kind != ScanSource::Kind::kTable || conjuncts.empty()) {
    return with_filter(node, std::move(conjuncts));
  }
  LogicalScan filtered = scan;
  if (scan.filter != nullptr) conjuncts.insert(conjuncts.begin(), scan.filter);
  filtered.filter = expr::join_conjunction(std::move(conjuncts));
  return make_node(std::move(filtered), {}, column_names(*node));
}

LogicalPtr push(const LogicalPtr& node, Conjuncts conjuncts) {
  if (const auto* filter = node->get_if<Filter>()) {
    Conjuncts own = expr::split_conjunction(filter->predicate);
    own.insert(own.end(), std::make_move_iterator(conjuncts.begin()), std::make_move_iterator(conjuncts.end()));
    return push(node->inputs.front(), std::move(own));
  }
  if (const auto* project = node->get_if<Project>()) return push_below_project(node, *project, std::move(conjuncts));
  if (const auto* aggregate = node->get_if<Aggregate>()) {
    return push_below_aggregate(node, *aggregate, std::move(conjuncts));
  }
  if (const auto* scan = node->get_if<LogicalScan>()) return push_into_scan(node, *scan, std::move(conjuncts));
  const auto* sort = node->get_if<Sort>();
  bool passes_rows = sort != nullptr && !sort->limit && sort->offset == 0;
  Conjuncts below;
  if (node->get_if<UnionAll>() != nullptr || node->get_if<AssignWindow>() != nullptr || passes_rows) {
    below = take_on_columns_below(conjuncts, node->input().schema.size());
  }
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(push(input, below));
  return with_filter(with_inputs(node, std::move(inputs)), std::move(conjuncts));
}

}  // namespace

LogicalPtr push_filters_down(const LogicalPtr& plan, const RuleContext&) { return push(plan, {}); }

}  // namespace penstock::plan
