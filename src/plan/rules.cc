#include "plan/rules.h"

#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "plan/expression_limits.h"

namespace penstock::plan {
namespace {

constexpr std::array<Rule, 17> kRules = {{
    {"fold_constants", "computes what does not depend on any row once, when planning", fold_constants},
    {"recognize_clock_conditions",
     "lets rows come and go as the clock passes the times that conditions compare with it", recognize_clock_conditions},
    {"merge_projections", "computes projections on top of each other in one", merge_projections},
    {"push_filters_down", "moves conditions towards the sources, into the scan where they can go", push_filters_down},
    {"merge_projections", "again, where a filter stood between", merge_projections},
    {"fold_constants", "again, for what came together", fold_constants},
    {"extract_join_keys", "makes equalities between the inputs of a join its keys", extract_join_keys},
    {"recognize_window_aggregates", "closes the groups of a window when the watermark has passed its end",
     recognize_window_aggregates},
    {"recognize_window_joins", "lets joins of rows in one window forget them when the watermark has passed its end",
     recognize_window_joins},
    {"recognize_window_aggregates", "again, over such joins", recognize_window_aggregates},
    {"recognize_interval_joins", "lets joins of rows that are near in time forget them as the watermark passes",
     recognize_interval_joins},
    {"tell_scans_of_windows", "lets sources make watermarks where windows end, and no more often than they need to",
     tell_scans_of_windows},
    {"prune_columns", "drops columns that nobody needs, so that sources do not decode them", prune_columns},
    {"push_fields_into_scans", "lets sources decode the fields of rows that are used, and not the whole rows",
     push_fields_into_scans},
    {"prune_columns", "again, for the rows of which only fields are used now", prune_columns},
    {"merge_projections", "again, for what pruning left", merge_projections},
    {"share_subplans", "scans a table once for all who want the same rows of it, and computes what is equal once",
     share_subplans},
}};

// Counts how often each projected expression is used.
void count_uses(const expr::Expr& expression, std::vector<int>& uses) {
  if (expression.kind() == expr::Expr::Kind::kColumn) ++uses[expression.column_index()];
  for (const expr::ExprPtr& child : expression.children()) count_uses(*child, uses);
}

}  // namespace

Status check_cancelled(const std::atomic<bool>* cancelled) {
  if (cancelled == nullptr || !*cancelled) return {};
  return Error(ErrorCode::kCancelled, "canceling statement due to user request");
}

std::span<const Rule> rules() { return kRules; }

Result<LogicalPtr> optimize(LogicalPtr plan, const RuleContext& context, const std::vector<std::string>& disabled) {
  for (const std::string& name : disabled) {
    if (std::ranges::find(kRules, name, &Rule::name) != kRules.end()) continue;
    std::vector<std::string> names;
    for (const Rule& rule : kRules) names.emplace_back(rule.name);
    return not_found("there is no rule {}", name).hint(did_you_mean(name, names));
  }
  for (const Rule& rule : kRules) {
    PENSTOCK_TRY(check_cancelled(context.cancelled));
    if (std::ranges::find(disabled, rule.name) == disabled.end()) plan = rule.apply(plan, context);
  }
  return plan;
}

std::vector<std::string> column_names(const LogicalNode& node) {
  std::vector<std::string> names;
  for (const types::Field& field : node.schema) names.push_back(field.name);
  return names;
}

expr::ExprPtr substitute(const expr::ExprPtr& expression, const std::vector<expr::ExprPtr>& projected) {
  std::vector<int> uses(projected.size(), 0);
  count_uses(*expression, uses);
  uint32_t levels_below = 0;
  for (size_t i = 0; i < projected.size(); ++i) {
    bool trivial = projected[i]->kind() == expr::Expr::Kind::kColumn || projected[i]->is_literal();
    if (uses[i] == 0 || trivial) continue;
    if (uses[i] > 1) return nullptr;
    levels_below = std::max(levels_below, projected[i]->levels());
  }
  if (levels_below > 0 && expression->levels() + levels_below > kExpressionLevelsMax) return nullptr;
  return expr::transform(expression, [&](expr::ExprPtr node) {
    return node->kind() == expr::Expr::Kind::kColumn ? projected[node->column_index()] : node;
  });
}

}  // namespace penstock::plan
