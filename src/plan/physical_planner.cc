// From the logical plan to the physical one: scans get what their connector must deliver, aggregations the kernels that
// their input needs, and exchanges bring rows together that belong together.
#include <algorithm>

#include "plan/node.h"

namespace penstock::plan {
namespace {

PhysicalPtr make_exchange(PhysicalPtr input, Exchange exchange) {
  PhysicalNode node{std::move(exchange), {}, input->schema, input->traits};
  node.inputs.push_back(std::move(input));
  return std::make_shared<const PhysicalNode>(std::move(node));
}

// Whether all rows come out of one task.
bool is_single(const PhysicalNode& node) {
  if (const auto* exchange = std::get_if<Exchange>(&node.op)) return exchange->kind == Exchange::Kind::kSingle;
  if (std::holds_alternative<Values>(node.op)) return true;
  if (std::holds_alternative<UnionAll>(node.op)) return false;
  return !node.inputs.empty() && std::ranges::all_of(node.inputs, [](const auto& input) { return is_single(*input); });
}

}  // namespace

PhysicalPtr make_physical_node(PhysicalOperator op, PhysicalInputs inputs, const LogicalNode& node) {
  return std::make_shared<const PhysicalNode>(PhysicalNode{std::move(op), std::move(inputs), node.schema, node.traits});
}

PhysicalPtr gather(PhysicalPtr input) {
  return is_single(*input) ? input : make_exchange(std::move(input), {.kind = Exchange::Kind::kSingle, .keys = {}});
}

PhysicalPtr exchange_by(PhysicalPtr input, const std::vector<int>& keys) {
  if (keys.empty() || is_single(*input)) return gather(std::move(input));
  return make_exchange(std::move(input), {.kind = Exchange::Kind::kHash, .keys = keys});
}

void exchange_pair(PhysicalInputs& inputs, const std::vector<JoinKey>& keys) {
  bool single = keys.empty() || std::ranges::all_of(inputs, [](const auto& input) { return is_single(*input); });
  for (size_t side = 0; side < inputs.size(); ++side) {
    std::vector<int> columns;
    for (const JoinKey& key : keys) columns.push_back(side == 0 ? key.left : key.right);
    inputs[side] = single ? gather(std::move(inputs[side]))
                          : make_exchange(std::move(inputs[side]), {.kind = Exchange::Kind::kHash, .keys = columns});
  }
}

Result<PhysicalPtr> make_physical(const LogicalPtr& plan) {
  PhysicalInputs inputs;
  for (const LogicalPtr& input : plan->inputs) inputs.push_back(PENSTOCK_TRY(make_physical(input)));
  return std::visit([&](const auto& op) { return convert(op, *plan, std::move(inputs)); }, plan->op);
}

Description describe(const Exchange& op, const PhysicalNode& node) {
  std::string to = op.kind == Exchange::Kind::kSingle ? "one task" : "hash" + column_list(op.keys, node.schema);
  return {.kind = "Exchange", .details = {{"to", std::move(to)}}};
}

}  // namespace penstock::plan
