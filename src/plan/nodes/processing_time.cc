// The clock as a time of rows.
#include "plan/node.h"

namespace penstock::plan {

Derived derive(const ProcessingTime& op, const LogicalInputs& inputs) {
  Derived derived = as_input(inputs);
  // From here on the watermark is the clock, which says nothing of other times.
  derived.traits.time_columns = {op.column};
  derived.traits.window.reset();
  derived.traits.closing_window.reset();
  return derived;
}

Pruned prune(const ProcessingTime& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  below[op.column] = true;
  Pruned input = prune(node.inputs.front(), below);
  ProcessingTime pruned = op;
  pruned.column = input.mapping[op.column];
  return {make_node(pruned, {std::move(input.plan)}), std::move(input.mapping)};
}

LogicalPtr push_filter(const ProcessingTime& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Columns fits(node->schema.size(), true);
  fits[op.column] = false;
  Conjuncts below = take_over_columns(conjuncts, fits);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Description describe(const ProcessingTime& op, const PhysicalNode& node) {
  return {.kind = "ProcessingTime",
          .details = {{"column", node.schema[op.column].name},
                      {"window", window_text(op.window, op.column, node.inputs.front()->schema)}}};
}

}  // namespace penstock::plan
