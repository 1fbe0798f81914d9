#include "plan/determinism.h"

#include <algorithm>
#include <string>

#include "expr/function.h"
#include "plan/changes.h"
#include "plan/logical.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// The first call in the expression that has another value each time; null: none.
const Expr* varying_call(const Expr& expression) {
  if (expression.kind() == Expr::Kind::kCall && !expression.function().deterministic) return &expression;
  for (const ExprPtr& child : expression.children()) {
    if (const Expr* found = varying_call(*child)) return found;
  }
  return nullptr;
}

// The first of these expressions, which may be null, with such a call; null: none.
const Expr* first_varying(const std::vector<ExprPtr>& expressions) {
  const auto found = std::ranges::find_if(
      expressions, [](const ExprPtr& one) { return one != nullptr && varying_call(*one) != nullptr; });
  return found == expressions.end() ? nullptr : found->get();
}

// What the node computes of its input's rows, each time that one comes or goes.
std::vector<ExprPtr> computed(const PhysicalNode& node) {
  if (const auto* project = std::get_if<Project>(&node.op)) return project->expressions;
  if (const auto* filter = std::get_if<Filter>(&node.op)) return {filter->predicate};
  const auto* join = std::get_if<Join>(&node.op);
  // A row that looks up is computed once: its side only appends, and changes of the other one concern later rows.
  if (join != nullptr && !join->as_of) return {join->condition};
  return {};
}

// The same for a scan whose records are events about rows: a row that goes has the values of its last event only where
// rows are known by a key.
const Expr* varying_event(const PhysicalNode& node) {
  if (const auto* scan = std::get_if<ScanTable>(&node.op)) {
    const Expr* found = first_varying(scan->projections);
    return found != nullptr ? found : first_varying({scan->filter});
  }
  if (const Expr* found = first_varying(computed(node))) return found;
  for (const PhysicalPtr& input : node.inputs) {
    if (const Expr* found = varying_event(*input)) return found;
  }
  return nullptr;
}

Error refusal(const Expr& expression, const PhysicalNode& changing) {
  const Expr& call = *varying_call(expression);
  const std::string name = call.to_string();
  const std::string whole = label(expression);
  const ChangeCause cause =
      cause_of_changes(changing).value_or(ChangeCause{"the query takes back rows that it gave before", "", {}});
  std::string hint = "compute it where rows only come, as in a materialized view of a topic, or store it as a column";
  const bool is_clock = !call.function().by_row;
  if (is_clock) {
    hint +=
        "; a condition such as column > NOW() - INTERVAL '5' MINUTE, by itself or between ANDs in WHERE, lets rows "
        "leave as time passes";
  }
  Error error = unsupported("{}{} would have another value when a row is taken back than when it came, and {}", name,
                            whole == name ? "" : " in " + whole, cause.what)
                    .hint(std::move(hint));
  return cause.written_at ? std::move(error).at(*cause.written_at) : error;
}

Status check_node(const PhysicalNode& node) {
  const auto* normalize = std::get_if<Normalize>(&node.op);
  if (normalize != nullptr && normalize->keys.empty()) {
    const Expr* found = varying_event(*node.inputs.front());
    if (found != nullptr) return refusal(*found, node);
    return {};
  }
  const auto changing =
      std::ranges::find_if(node.inputs, [](const PhysicalPtr& input) { return !input->traits.append_only; });
  if (changing == node.inputs.end()) return {};
  const Expr* found = first_varying(computed(node));
  if (found != nullptr) return refusal(*found, **changing);
  return {};
}

}  // namespace

Status check_determinism(const PhysicalNode& root) {
  for (const PhysicalNode* node : nodes_of(root)) PENSTOCK_TRY(check_node(*node));
  return {};
}

}  // namespace penstock::plan
