// Of each key the first row within some event time.
#include "plan/node.h"

namespace penstock::plan {

// A row that comes out does so at once: it keeps its times.
Derived derive(const Deduplicate& /*op*/, const LogicalInputs& inputs) { return as_input(inputs); }

Pruned prune(const Deduplicate& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  below[op.time_column] = true;
  below[op.watermark_column] = true;
  for (int key : op.keys) below[key] = true;
  Pruned input = prune(node.inputs.front(), below);
  Deduplicate pruned = op;
  remap(pruned.keys, input.mapping);
  pruned.time_column = input.mapping[op.time_column];
  pruned.watermark_column = input.mapping[op.watermark_column];
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(input.mapping)};
}

// Only all rows of a key can be left out before: without some of them others would come out.
LogicalPtr push_filter(const Deduplicate& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Columns fits(node->schema.size(), false);
  for (int key : op.keys) fits[key] = true;
  Conjuncts below = take_over_columns(conjuncts, fits);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Deduplicate& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, {exchange_by(std::move(inputs[0]), op.keys)}, node);
}

Description describe(const Deduplicate& op, const PhysicalNode& node) {
  return {.kind = "Deduplicate",
          .details = {{"keys", column_list(op.keys, node.schema)},
                      {"time", node.schema[op.time_column].name},
                      {"within", duration_text(op.within_us)}}};
}

}  // namespace penstock::plan
