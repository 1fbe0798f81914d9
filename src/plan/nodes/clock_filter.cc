// Conditions on the clock.
#include "plan/node.h"

namespace penstock::plan {

Derived derive(const ClockFilter& op, const LogicalInputs& inputs) {
  Derived derived = as_input(inputs);
  Traits& traits = derived.traits;
  traits.append_only = traits.append_only && op.until < 0;
  // Rows come and go by the clock, whatever their times.
  traits.time_columns.clear();
  traits.window.reset();
  traits.closing_window.reset();
  return derived;
}

Pruned prune(const ClockFilter& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  for (int column : {op.from, op.until}) {
    if (column >= 0) below[column] = true;
  }
  Pruned input = prune(node.inputs.front(), below);
  ClockFilter pruned = op;
  for (int* column : {&pruned.from, &pruned.until}) {
    if (*column >= 0) *column = input.mapping[*column];
  }
  return {make_node(pruned, {std::move(input.plan)}), std::move(input.mapping)};
}

LogicalPtr push_filter(const ClockFilter& /*op*/, const LogicalPtr& node, Conjuncts conjuncts) {
  return push_filter_through(node, std::move(conjuncts));
}

Description describe(const ClockFilter& op, const PhysicalNode& node) {
  Description out{.kind = "ClockFilter", .details = {}};
  if (op.from >= 0) out.add(op.after_from ? "after" : "from", node.schema[op.from].name);
  if (op.until >= 0) out.add(op.through_until ? "through" : "until", node.schema[op.until].name);
  return out;
}

}  // namespace penstock::plan
