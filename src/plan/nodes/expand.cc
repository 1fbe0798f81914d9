// GROUPING SETS: each row once per set.
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

// The columns that are NULL in some set.
Columns sometimes_null(const Expand& op, size_t columns) {
  Columns found(columns, false);
  for (const std::vector<int>& set : op.null_columns) {
    for (int column : set) found[column] = true;
  }
  return found;
}

}  // namespace

Derived derive(const Expand& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  size_t columns = input.schema.size();
  Columns changed = sometimes_null(op, columns);
  std::vector<int> mapping = identity(columns);
  Derived derived;
  for (size_t i = 0; i < columns; ++i) {
    if (changed[i]) mapping[i] = -1;
    types::DataType type = input.schema[i].type;
    derived.add(input.schema[i].name, type.with_nullable(type.nullable() || changed[i] || !op.always.empty()));
  }
  derived.traits = map_traits(input.traits, mapping);
  if (!op.always.empty()) derived.traits.key.reset();
  if (derived.traits.key) derived.traits.key->push_back(static_cast<int>(columns));
  derived.add("grouping set", types::DataType(types::TypeKind::kBigInt).with_nullable(false));
  return derived;
}

Pruned prune(const Expand& op, const LogicalNode& node, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Pruned input = prune(node.inputs.front(), Columns(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns)));
  Expand pruned = op;
  for (std::vector<int>& set : pruned.null_columns) {
    remap(set, input.mapping);
    std::erase(set, -1);
  }
  std::vector<int> mapping = input.mapping;
  mapping.push_back(static_cast<int>(input.plan->schema.size()));
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(mapping)};
}

// Conditions on what is the same in all sets drop rows before they are multiplied.
LogicalPtr push_filter(const Expand& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Columns fits = sometimes_null(op, node->input().schema.size());
  fits.flip();
  fits.push_back(false);
  Conjuncts below;
  if (op.always.empty()) below = take_over_columns(conjuncts, fits);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Description describe(const Expand& op, const PhysicalNode& node) {
  std::vector<std::string> sets;
  const types::Schema& input = node.inputs.front()->schema;
  for (const std::vector<int>& set : op.null_columns) sets.push_back(column_list(set, input));
  Description out{.kind = "Expand", .details = {{"nulls", list_text(sets)}}};
  if (!op.always.empty()) out.add("always", "a row for the total of nothing");
  return out;
}

}  // namespace penstock::plan
