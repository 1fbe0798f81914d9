// Collections taken apart: UNNEST, and functions that give a table.
#include "plan/node.h"

namespace penstock::plan {

types::Schema element_columns(types::DataType collection) {
  types::DataType element = collection.part(0);
  if (collection.kind() == types::TypeKind::kMap) return {{"key", element}, {"value", collection.part(1)}};
  if (element.kind() != types::TypeKind::kRow) return {{"f0", element}};
  types::Schema columns(element.parts().begin(), element.parts().end());
  for (types::Field& field : columns)
    field.type = field.type.with_nullable(field.type.nullable() || element.nullable());
  return columns;
}

Derived derive(const Unnest& op, const LogicalInputs& inputs) {
  Derived derived = as_input(inputs);
  std::optional<std::vector<int>>& key = derived.traits.key;
  for (types::Field& field : element_columns(derived.schema[op.column].type)) {
    derived.add(std::move(field.name), field.type.with_nullable(field.type.nullable() || op.preserve));
  }
  if (op.ordinality && key) key->push_back(static_cast<int>(derived.schema.size()));
  if (!op.ordinality) key.reset();
  if (op.ordinality) derived.add("ordinality", types::DataType(types::TypeKind::kInt).with_nullable(op.preserve));
  return derived;
}

Pruned prune(const Unnest& op, const LogicalNode& node, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Columns below(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns));
  below[op.column] = true;
  Pruned input = prune(node.inputs.front(), below);
  Unnest pruned = op;
  pruned.column = input.mapping[op.column];
  std::vector<int> mapping = input.mapping;
  std::vector<std::string> names;
  for (const types::Field& field : input.plan->schema) names.push_back(field.name);
  size_t kept = input.plan->schema.size();
  for (size_t i = columns; i < needed.size(); ++i) {
    mapping.push_back(static_cast<int>(kept + i - columns));
    names.push_back(node.schema[i].name);
  }
  return {make_node(pruned, {std::move(input.plan)}, std::move(names)), std::move(mapping)};
}

LogicalPtr push_filter(const Unnest& /*op*/, const LogicalPtr& node, Conjuncts conjuncts) {
  return push_filter_through(node, std::move(conjuncts));
}

Description describe(const Unnest& op, const PhysicalNode& node) {
  Description out{.kind = "Unnest", .details = {{"collection", node.schema[op.column].name}}};
  if (op.preserve) out.add("without elements", "NULLs");
  if (op.ordinality) out.add("ordinality", node.schema.back().name);
  return out;
}

}  // namespace penstock::plan
