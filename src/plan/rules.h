// The rewriting of logical plans: a flat list of named rules, each of which can be switched off.
#pragma once

#include <atomic>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/evaluate.h"
#include "plan/logical.h"
#include "plan/planner.h"

namespace penstock::plan {

struct RuleContext {
  expr::EvalContext eval;
  PlanMode mode = PlanMode::kBounded;
  const std::atomic<bool>* cancelled = nullptr;  // as in PlanContext
};

// kCancelled once it is true.
Status check_cancelled(const std::atomic<bool>* cancelled);

// A rule gives a plan with the same result: the same columns in the same order, under any names.
struct Rule {
  std::string_view name;
  std::string_view description;
  LogicalPtr (*apply)(const LogicalPtr& plan, const RuleContext& context);
};

// In the order in which they run; some run more than once.
std::span<const Rule> rules();

// Applies all rules but those of `disabled`. Fails when a name in it is no rule's.
Result<LogicalPtr> optimize(LogicalPtr plan, const RuleContext& context, const std::vector<std::string>& disabled);

// --- the rules, one file each ---
LogicalPtr fold_constants(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr recognize_clock_conditions(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr merge_projections(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr push_filters_down(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr extract_join_keys(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr recognize_window_aggregates(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr recognize_window_joins(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr recognize_interval_joins(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr tell_scans_of_windows(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr push_fields_into_scans(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr share_subplans(const LogicalPtr& plan, const RuleContext& context);
LogicalPtr prune_columns(const LogicalPtr& plan, const RuleContext& context);

// --- what they share ---

// Rebuilds the plan from the leaves up: `rewrite` gets each node with its new inputs.
template <class Rewrite>
LogicalPtr rewrite_bottom_up(const LogicalPtr& node, const Rewrite& rewrite) {
  std::vector<LogicalPtr> inputs;
  inputs.reserve(node->inputs.size());
  for (const LogicalPtr& input : node->inputs) inputs.push_back(rewrite_bottom_up(input, rewrite));
  return rewrite(with_inputs(node, std::move(inputs)));
}

std::vector<std::string> column_names(const LogicalNode& node);

// `expression` over the output of a projection as one over its input; null when that would compute something twice.
expr::ExprPtr substitute(const expr::ExprPtr& expression, const std::vector<expr::ExprPtr>& projected);

}  // namespace penstock::plan
