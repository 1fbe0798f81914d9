// GROUP BY, and what all operators with aggregate calls share.
#include <algorithm>

#include "plan/node.h"

namespace penstock::plan {

void derive_calls(const std::vector<AggregateCall>& calls, const types::Schema& input, Derived& derived) {
  for (const AggregateCall& call : calls) derived.add(label(call, input), call.function.result_type);
}

std::vector<AggregateCall> prune_calls(const std::vector<AggregateCall>& calls, size_t first, const Columns& needed,
                                       Columns& below, std::vector<int>& mapping) {
  std::vector<AggregateCall> kept;
  for (size_t i = 0; i < calls.size(); ++i) {
    if (!needed[first + i]) continue;
    mapping[first + i] = static_cast<int>(first + kept.size());
    if (calls[i].argument >= 0) below[calls[i].argument] = true;
    if (calls[i].filter >= 0) below[calls[i].filter] = true;
    kept.push_back(calls[i]);
  }
  return kept;
}

void remap_calls(std::vector<AggregateCall>& calls, const std::vector<int>& mapping) {
  for (AggregateCall& call : calls) {
    if (call.argument >= 0) call.argument = mapping[call.argument];
    if (call.filter >= 0) call.filter = mapping[call.filter];
  }
}

Status bind_retractable(std::vector<AggregateCall>& calls) {
  for (AggregateCall& call : calls) {
    call.function = PENSTOCK_TRY(expr::bind_retractable(call.function));
  }
  return {};
}

std::string call_list(const std::vector<AggregateCall>& calls, const types::Schema& input) {
  std::vector<std::string> texts;
  for (const AggregateCall& call : calls) texts.push_back(label(call, input));
  return list_text(texts);
}

Derived derive(const Aggregate& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived;
  for (int key : op.keys) derived.schema.push_back(input.schema[key]);
  derive_calls(op.calls, input.schema, derived);
  derived.traits.bounded = input.traits.bounded;
  derived.traits.append_only = derived.traits.bounded;  // a bounded input gives its groups once, at the end
  derived.traits.key = identity(op.keys.size());
  // Groups of a window change only while its rows come; but they come out at the barrier.
  Traits windows;
  windows.closing_window = input.traits.window ? input.traits.window : input.traits.closing_window;
  std::vector<int> mapping(input.schema.size(), -1);
  for (size_t i = 0; i < op.keys.size(); ++i) mapping[op.keys[i]] = static_cast<int>(i);
  derived.traits.closing_window = map_traits(windows, mapping).closing_window;
  return derived;
}

Pruned prune(const Aggregate& op, const LogicalNode& node, const Columns& needed) {
  size_t keys = op.keys.size();
  Columns below(node.input().schema.size(), false);
  for (int key : op.keys) below[key] = true;
  std::vector<int> mapping = identity(needed.size());
  std::fill(mapping.begin() + static_cast<ptrdiff_t>(keys), mapping.end(), -1);
  Aggregate pruned = op;
  pruned.calls = prune_calls(op.calls, keys, needed, below, mapping);
  Pruned input = prune(node.inputs.front(), below);
  remap(pruned.keys, input.mapping);
  remap_calls(pruned.calls, input.mapping);
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(mapping)};
}

// A condition on the keys drops whole groups, so it may as well drop their rows. Without keys there is always one
// group.
LogicalPtr push_filter(const Aggregate& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Conjuncts below;
  if (!op.keys.empty()) {
    below = take_over_columns_below(conjuncts, op.keys.size());
    for (expr::ExprPtr& one : below) one = expr::remap_columns(one, op.keys);
  }
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Aggregate& op, const LogicalNode& node, PhysicalInputs inputs) {
  Aggregate aggregate = op;
  aggregate.input_append_only = node.input().traits.append_only;
  if (!aggregate.input_append_only) PENSTOCK_TRY(bind_retractable(aggregate.calls));
  return make_physical_node(std::move(aggregate), {exchange_by(std::move(inputs[0]), op.keys)}, node);
}

Description describe(const Aggregate& op, const PhysicalNode& node) {
  const types::Schema& input = node.inputs.front()->schema;
  return {.kind = "Aggregate",
          .details = {{"keys", column_list(op.keys, input)}, {"calls", call_list(op.calls, input)}}};
}

}  // namespace penstock::plan
