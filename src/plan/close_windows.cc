#include "plan/close_windows.h"

#include "plan/node.h"
#include "plan/rules.h"
#include "plan/table_changes.h"

namespace penstock::plan {
namespace {

// Whether it is said that the result comes out otherwise: as it changes, or again and again; or as its windows close,
// of which it has the columns.
bool is_told(const LogicalNode& node) {
  const auto* emit = node.get_if<Emit>();
  if (emit == nullptr) return false;
  const Traits& input = node.input().traits;
  const bool closes = emit->kind == Emit::Kind::kOnWindowClose && (input.window || input.closing_window);
  return closes || emit->kind == Emit::Kind::kOnUpdate || emit->kind == Emit::Kind::kComplete;
}

// Whether no rank below the node concerns what comes out. (An Emit that has no columns of windows cannot hold what it
// says of its rows.)
bool is_settled(const LogicalNode& node) {
  const bool passes_on = node.get_if<Project>() != nullptr || node.get_if<Emit>() != nullptr;
  return is_told(node) || (node.traits.append_only && !passes_on);
}

// The ranks that are nearest to the result: what they are over may change until the window closes.
LogicalPtr close_ranks(const LogicalPtr& node) {
  if (is_settled(*node)) return node;
  const bool is_of_window = node->get_if<Rank>() != nullptr && node->traits.closing_window;
  if (is_of_window) return make_node(Emit{.kind = Emit::Kind::kOnWindowClose}, {node}, column_names(*node));
  LogicalInputs inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(close_ranks(input));
  return with_inputs(node, std::move(inputs));
}

}  // namespace

bool takes_only_inserts(const catalog::Table& table) {
  const std::string* connector = catalog::find_option(table.options, "connector");
  const bool takes_all = connector == nullptr || *connector == "print" || *connector == "blackhole";
  return !takes_all && !takes_upserts(table) && !takes_events(table);
}

LogicalPtr close_windows(const LogicalPtr& plan) {
  LogicalPtr closed = close_ranks(plan);
  return closed->traits.append_only ? closed : plan;
}

}  // namespace penstock::plan
