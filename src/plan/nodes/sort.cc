// ORDER BY and LIMIT over bounded input.
#include <fmt/format.h>

#include "plan/node.h"

namespace penstock::plan {
namespace {

// At most one row is a key of no columns.
Derived with_limit(Derived derived, std::optional<int64_t> limit) {
  if (limit && *limit <= 1) derived.traits.key.emplace();
  return derived;
}

}  // namespace

void Description::add_limit(std::optional<int64_t> limit, int64_t offset) {
  if (limit) add("limit", std::to_string(*limit));
  if (offset != 0) add("offset", std::to_string(offset));
}

std::string sort_list(const std::vector<SortKey>& keys, const types::Schema& schema) {
  std::vector<std::string> texts;
  for (const SortKey& key : keys) {
    // What Flink does without being told is left out.
    std::string_view nulls = key.nulls_first != key.descending ? "" : key.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    texts.push_back(fmt::format("{}{}{}", schema[key.column].name, key.descending ? " DESC" : "", nulls));
  }
  return list_text(texts);
}

Derived derive(const Sort& op, const LogicalInputs& inputs) { return with_limit(as_input(inputs), op.limit); }

Pruned prune(const Sort& op, const LogicalNode& node, const Columns& needed) {
  Columns below = needed;
  for (const SortKey& key : op.keys) below[key.column] = true;
  Pruned input = prune(node.inputs.front(), below);
  Sort pruned = op;
  for (SortKey& key : pruned.keys) key.column = input.mapping[key.column];
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(input.mapping)};
}

LogicalPtr push_filter(const Sort& op, const LogicalPtr& node, Conjuncts conjuncts) {
  // Fewer rows would give others their place within the limit.
  if (op.limit || op.offset != 0) {
    LogicalPtr input = push_filter(node->inputs.front(), Conjuncts());
    return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
  }
  return push_filter_through(node, std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Sort& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, {gather(std::move(inputs[0]))}, node);
}

Description describe(const Sort& op, const PhysicalNode& node) {
  Description out{.kind = "Sort", .details = {{"by", sort_list(op.keys, node.schema)}}};
  out.add_limit(op.limit, op.offset);
  return out;
}

Derived derive(const Limit& op, const LogicalInputs& inputs) { return with_limit(as_input(inputs), op.limit); }

Pruned prune(const Limit& op, const LogicalNode& node, const Columns& needed) {
  Pruned input = prune(node.inputs.front(), needed);
  return {make_node(op, {std::move(input.plan)}), std::move(input.mapping)};
}

Result<PhysicalPtr> convert(const Limit& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, {gather(std::move(inputs[0]))}, node);
}

Description describe(const Limit& op, const PhysicalNode& /*node*/) {
  Description out{.kind = "Limit", .details = {}};
  out.add_limit(op.limit, op.offset);
  return out;
}

}  // namespace penstock::plan
