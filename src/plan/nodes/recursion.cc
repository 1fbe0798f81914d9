// WITH RECURSIVE.
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {

Derived derive(const Recursion& op, const LogicalInputs& inputs) {
  Derived derived;
  for (const types::Field& field : inputs.front()->schema) {
    derived.add(field.name, field.type.with_nullable(true));
  }
  derived.traits.bounded = op.bounded;
  if (!op.all) derived.traits.key = identity(derived.schema.size());
  return derived;
}

// Not bounded: what the step makes of them comes out at once, and not at an end.
Derived derive(const RecursionScan& op, const LogicalInputs& /*inputs*/) { return {op.schema, {}}; }

Pruned prune(const Recursion& op, const LogicalNode& node, const Columns& /*needed*/) {
  // What follows from a row is decided by all columns.
  LogicalInputs inputs;
  for (const LogicalPtr& input : node.inputs) {
    Pruned pruned = prune(input, Columns(node.schema.size(), true));
    inputs.push_back(make_selection(std::move(pruned.plan), pruned.mapping));
  }
  return {make_node(op, std::move(inputs), column_names(node)), identity(node.schema.size())};
}

Pruned prune(const RecursionScan& op, const LogicalNode& node, const Columns& /*needed*/) {
  return {make_node(op, {}, column_names(node)), identity(node.schema.size())};
}

Result<PhysicalPtr> convert(const Recursion& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, {gather(std::move(inputs[0])), std::move(inputs[1])}, node);
}

Description describe(const Recursion& op, const PhysicalNode& /*node*/) {
  return {.kind = "Recursion", .details = {{"rows", op.all ? "all" : "distinct"}}};
}

Description describe(const RecursionScan& /*op*/, const PhysicalNode& node) {
  return {.kind = "ScanRecursion", .details = {{"reads", name_list(node.schema)}}};
}

}  // namespace penstock::plan
