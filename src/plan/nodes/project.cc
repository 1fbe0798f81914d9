// Projections and filters.
#include <algorithm>

#include "expr/function.h"
#include "plan/correlation.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

using expr::ExprPtr;

bool is_processing_time(const expr::Expr& expression) {
  return expression.kind() == expr::Expr::Kind::kCall && expression.function().name == "PROCTIME";
}

Derived derive(const Project& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived;
  std::vector<int> sources;  // the input column that each expression is, or -1
  std::vector<int> mapping(input.schema.size(), -1);
  for (const ExprPtr& expression : op.expressions) {
    bool plain = expression->kind() == expr::Expr::Kind::kColumn && !is_outer_column(*expression);
    sources.push_back(plain ? static_cast<int>(expression->column_index()) : -1);
    if (plain && mapping[sources.back()] < 0) mapping[sources.back()] = static_cast<int>(sources.size()) - 1;
    derived.add(plain ? input.schema[sources.back()].name : "EXPR$" + std::to_string(derived.schema.size()),
                expression->type());
  }
  derived.traits = map_traits(input.traits, mapping);
  // A time column that is passed on twice stays one in both places.
  std::vector<int>& times = derived.traits.time_columns;
  for (size_t i = 0; i < sources.size(); ++i) {
    const std::vector<int>& of_input = input.traits.time_columns;
    bool is_time = sources[i] >= 0 && std::ranges::find(of_input, sources[i]) != of_input.end();
    bool known = std::ranges::find(times, static_cast<int>(i)) != times.end();
    if (is_time && !known) times.push_back(static_cast<int>(i));
  }
  std::ranges::sort(times);
  for (size_t i = 0; i < op.expressions.size(); ++i) {
    if (is_processing_time(*op.expressions[i])) derived.traits.processing_times.push_back(static_cast<int>(i));
  }
  return derived;
}

Pruned prune(const Project& op, const LogicalNode& node, const Columns& needed) {
  Columns below(node.input().schema.size(), false);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) need(below, op.expressions[i]);
  }
  Pruned input = prune(node.inputs.front(), below);
  std::vector<int> mapping(needed.size(), -1);
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(expressions.size());
    expressions.push_back(expr::remap_columns(op.expressions[i], input.mapping));
    names.push_back(node.schema[i].name);
  }
  return {make_project(std::move(input.plan), std::move(expressions), std::move(names)), std::move(mapping)};
}

LogicalPtr push_filter(const Project& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Conjuncts above;
  Conjuncts below;
  for (ExprPtr& one : conjuncts) {
    ExprPtr substituted = one->is_deterministic() ? substitute(one, op.expressions) : nullptr;
    // What depends on chance must not be computed a second time.
    if (substituted != nullptr && substituted->is_deterministic()) {
      below.push_back(std::move(substituted));
    } else {
      above.push_back(std::move(one));
    }
  }
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(above));
}

Description describe(const Project& op, const PhysicalNode& node) {
  return {.kind = "Project", .details = {{"columns", expression_list(op.expressions, node.schema)}}};
}

Derived derive(const Filter& /*op*/, const LogicalInputs& inputs) { return as_input(inputs); }

Pruned prune(const Filter& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  need(below, op.predicate);
  Pruned input = prune(node.inputs.front(), below);
  Filter pruned{expr::remap_columns(op.predicate, input.mapping)};
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(input.mapping)};
}

LogicalPtr push_filter(const Filter& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Conjuncts all = expr::split_conjunction(op.predicate);
  all.insert(all.end(), std::make_move_iterator(conjuncts.begin()), std::make_move_iterator(conjuncts.end()));
  return push_filter(node->inputs.front(), std::move(all));
}

Description describe(const Filter& op, const PhysicalNode& /*node*/) {
  return {.kind = "Filter", .details = {{"condition", op.predicate->to_string()}}};
}

}  // namespace penstock::plan
