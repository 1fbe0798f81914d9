// WITH RECURSIVE: one operator that runs its step itself.
#include <map>
#include <memory>
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/net_changes.h"
#include "exec/operators/recursion.h"
#include "plan/planner.h"
#include "plan/rewrite_once.h"
#include "types/types_of.h"

namespace penstock::engine {

using plan::PhysicalNode;
using plan::PhysicalPtr;

namespace {

// Cuts a step off from what it reads beside the rows that have come last.
class StepCutter {
 public:
  explicit StepCutter(int number) : number_(number) {}

  PhysicalPtr cut(const PhysicalPtr& node) {
    return once_(node, [&](PhysicalNode& copy) {
      if (depends(*node)) {
        for (PhysicalPtr& input : copy.inputs) input = cut(input);
        return;
      }
      outside_.push_back(node);
      copy.op =
          plan::RecursionScan{.number = number_, .schema = node->schema, .port = static_cast<int>(outside_.size())};
      copy.inputs.clear();
    });
  }
  // What comes by the ports from 1 on.
  const std::vector<PhysicalPtr>& outside() const { return outside_; }

 private:
  bool depends(const PhysicalNode& node) {
    if (const auto known = depends_.find(&node); known != depends_.end()) return known->second;
    const auto* scan = std::get_if<plan::RecursionScan>(&node.op);
    bool found = scan != nullptr && scan->number == number_;
    for (const PhysicalPtr& input : node.inputs) found = depends(*input) || found;
    depends_.emplace(&node, found);
    return found;
  }

  const int number_;
  std::map<const PhysicalNode*, bool> depends_;
  plan::RewriteOnce<PhysicalNode> once_;
  std::vector<PhysicalPtr> outside_;
};

}  // namespace

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Recursion& recursion) {
  if (!context_.bounded) {
    Error error = unsupported("a recursive query needs an input that ends, and this statement goes on");
    return (recursion.written_at ? std::move(error).at(*recursion.written_at) : std::move(error))
        .hint("SELECT it, or INSERT what it gives now into a table without a connector");
  }
  StepCutter cutter(recursion.number);
  const PhysicalPtr& step = node.inputs[1];
  const PhysicalPtr cut = cutter.cut(step);
  JobGraph graph = PENSTOCK_TRY(GraphBuilder(context_).build(*cut));
  if (!step->traits.append_only) {
    graph.fragments.back().append(
        [types = types_of(step->schema)](int /*instance*/) {
          return Result<std::unique_ptr<exec::Operator>>(exec::make_net_changes(types));
        },
        step->schema);
  }
  exec::RecursionOptions options{
      .schema = node.schema,
      .all = recursion.all,
      .steps = {.max = recursion.steps_max, .setting = std::string(plan::kRecursionStepsSetting)},
      .rows = {.max = recursion.rows_max, .setting = std::string(plan::kRecursionRowsSetting)},
      .step = std::move(graph.fragments),
      .ports = std::move(graph.step_ports)};
  options.ports.resize(options.step.size(), -1);
  std::vector<exec::EdgeSpec> inputs{PENSTOCK_TRY(edge_from(*node.inputs[0]))};
  for (const PhysicalPtr& outside : cutter.outside()) inputs.push_back(PENSTOCK_TRY(edge_from(*outside)));
  const int fragment = add_fragment(node, "recursion", 1, std::move(inputs));
  at(fragment).chain.push_back(
      [options = std::move(options)](int /*instance*/) { return exec::make_recursion(options); });
  at(fragment).chain_names.push_back(plan::operator_name(node));
  return fragment;
}

// Of a step: its rows come from outside.
Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::RecursionScan& scan) {
  const int fragment = add_fragment(node, "recursion", 1, {});
  graph_.step_ports.resize(static_cast<size_t>(fragment) + 1, -1);
  graph_.step_ports.back() = scan.port;
  return fragment;
}

}  // namespace penstock::engine
