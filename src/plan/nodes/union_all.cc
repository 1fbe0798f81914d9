// UNION ALL.
#include <algorithm>

#include "plan/node.h"

namespace penstock::plan {

Derived derive(const UnionAll& /*op*/, const LogicalInputs& inputs) {
  Derived derived{inputs.front()->schema, inputs.front()->traits};
  derived.traits.key.reset();
  derived.traits.window.reset();
  derived.traits.closing_window.reset();
  for (size_t i = 1; i < inputs.size(); ++i) {
    const Traits& other = inputs[i]->traits;
    derived.traits.append_only = derived.traits.append_only && other.append_only;
    derived.traits.bounded = derived.traits.bounded && other.bounded;
    std::erase_if(derived.traits.time_columns, [&](int column) {
      return std::ranges::find(other.time_columns, column) == other.time_columns.end();
    });
    for (size_t c = 0; c < derived.schema.size(); ++c) {
      types::DataType& type = derived.schema[c].type;
      type = type.with_nullable(type.nullable() || inputs[i]->schema[c].type.nullable());
    }
  }
  return derived;
}

Pruned prune(const UnionAll& /*op*/, const LogicalNode& node, const Columns& needed) {
  std::vector<int> kept;
  std::vector<int> mapping(needed.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(kept.size());
    kept.push_back(static_cast<int>(i));
    names.push_back(node.schema[i].name);
  }
  LogicalInputs inputs;
  for (const LogicalPtr& input : node.inputs) {
    Pruned pruned = prune(input, needed);
    std::vector<int> columns = kept;
    remap(columns, pruned.mapping);
    inputs.push_back(make_selection(std::move(pruned.plan), columns));
  }
  return {make_node(UnionAll{}, std::move(inputs), std::move(names)), std::move(mapping)};
}

LogicalPtr push_filter(const UnionAll& /*op*/, const LogicalPtr& node, Conjuncts conjuncts) {
  return push_filter_through(node, std::move(conjuncts));
}

Description describe(const UnionAll& /*op*/, const PhysicalNode& /*node*/) {
  return {.kind = "UnionAll", .details = {}};
}

}  // namespace penstock::plan
