// Rows that are written in the query.
#include "plan/node.h"

namespace penstock::plan {

Derived derive(const Values& op, const LogicalInputs& /*inputs*/) {
  Derived derived;
  derived.traits.bounded = true;
  if (op.rows.size() <= 1) derived.traits.key.emplace();
  return derived;
}

Pruned prune(const Values& op, const LogicalNode& node, const Columns& needed) {
  std::vector<int> mapping(needed.size(), -1);
  types::Schema schema;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(schema.size());
    schema.push_back(node.schema[i]);
  }
  std::vector<std::vector<types::Value>> rows(op.rows.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) rows[r].push_back(op.rows[r][i]);
    }
  }
  return {make_values(std::move(rows), std::move(schema)), std::move(mapping)};
}

Description describe(const Values& op, const PhysicalNode& /*node*/) {
  return {.kind = "Values", .details = {{"rows", std::to_string(op.rows.size())}}};
}

}  // namespace penstock::plan
