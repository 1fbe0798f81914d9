// Events about rows become a changelog.
#include <algorithm>

#include "plan/node.h"

namespace penstock::plan {

Derived derive(const Normalize& op, const LogicalInputs& inputs) {
  Derived derived = as_input(inputs);
  derived.schema.pop_back();
  std::vector<int> mapping = identity(derived.schema.size());
  mapping.push_back(-1);
  derived.traits = map_traits(derived.traits, mapping);
  derived.traits.append_only = derived.traits.bounded;  // a bounded input gives its rows once, at the end
  derived.traits.key = op.keys.empty() ? std::nullopt : std::optional(op.keys);
  return derived;
}

Pruned prune(const Normalize& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  for (int key : op.keys) below[key] = true;
  if (std::ranges::find(below, true) == below.end()) below.front() = true;  // rows are counted by some column
  below.push_back(true);
  Pruned input = prune(node.inputs.front(), below);
  const int gone = input.mapping.back();
  std::vector<int> columns;  // what tells whether the row is gone stays behind the others
  std::vector<int> mapping(needed.size(), -1);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!below[i]) continue;
    mapping[i] = static_cast<int>(columns.size());
    columns.push_back(input.mapping[i]);
  }
  columns.push_back(gone);
  Normalize pruned = op;
  remap(pruned.keys, mapping);
  return {make_node(std::move(pruned), {make_selection(std::move(input.plan), columns)}), std::move(mapping)};
}

// Forms of one row have the same key: a condition on that drops all of them. Without a key, equal rows stand for each
// other, and any condition is true for all of them or for none.
LogicalPtr push_filter(const Normalize& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Columns of_key(node->schema.size(), op.keys.empty());
  for (int key : op.keys) of_key[key] = true;
  Conjuncts below = take_over_columns(conjuncts, of_key);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Normalize& op, const LogicalNode& node, PhysicalInputs inputs) {
  if (op.keys.empty() && node.schema.size() > kCountedColumnsMax) {
    return unsupported("rows without a primary key are known by at most {} columns, not {}", kCountedColumnsMax,
                       node.schema.size())
        .hint("declare the PRIMARY KEY of the table");
  }
  const std::vector<int> keys = op.keys.empty() ? identity(node.schema.size()) : op.keys;
  return make_physical_node(op, {exchange_by(std::move(inputs[0]), keys)}, node);
}

Description describe(const Normalize& op, const PhysicalNode& node) {
  return {.kind = "ChangelogNormalize",
          .details = {{"key", op.keys.empty() ? "all" : column_list(op.keys, node.schema)}}};
}

}  // namespace penstock::plan
