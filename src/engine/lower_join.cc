// Joins: the fragments where two inputs meet.
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/join.h"

namespace penstock::engine {

using plan::PhysicalNode;

namespace {

exec::JoinKind to_exec(plan::JoinKind kind) {
  switch (kind) {
    case plan::JoinKind::kInner: return exec::JoinKind::kInner;
    case plan::JoinKind::kLeft: return exec::JoinKind::kLeft;
    case plan::JoinKind::kRight: return exec::JoinKind::kRight;
    case plan::JoinKind::kFull: return exec::JoinKind::kFull;
    case plan::JoinKind::kSemi: return exec::JoinKind::kSemi;
    case plan::JoinKind::kAnti: return exec::JoinKind::kAnti;
  }
  return exec::JoinKind::kInner;
}

exec::JoinInput to_exec(const PhysicalNode& input, const std::vector<plan::JoinKey>& keys, int plan::JoinKey::* side) {
  exec::JoinInput out;
  for (const types::Field& field : input.schema) out.types.push_back(field.type);
  for (const plan::JoinKey& key : keys) out.keys.push_back(key.*side);
  out.append_only = input.traits.append_only;
  out.unique_key = input.traits.key;
  return out;
}

bool is_hash(const PhysicalNode& node) {
  const auto* exchange = std::get_if<plan::Exchange>(&node.op);
  return exchange != nullptr && exchange->kind == plan::Exchange::Kind::kHash;
}

}  // namespace

Result<exec::EdgeSpec> GraphBuilder::edge_from(const PhysicalNode& input) {
  const auto* exchange = std::get_if<plan::Exchange>(&input.op);
  const int from = PENSTOCK_TRY(lower(exchange == nullptr ? input : *input.inputs[0]));
  if (!is_hash(input)) return exec::EdgeSpec{.from = from, .partitioning = exec::Partitioning::kSingle};
  return exec::EdgeSpec{.from = from, .partitioning = exec::Partitioning::kHash, .keys = exchange->keys};
}

Result<int> GraphBuilder::add_pair(const PhysicalNode& node, std::string name, OperatorFactory factory) {
  std::vector<exec::EdgeSpec> edges;
  for (const plan::PhysicalPtr& input : node.inputs) edges.push_back(PENSTOCK_TRY(edge_from(*input)));
  const bool spread = is_hash(*node.inputs[0]) && is_hash(*node.inputs[1]) && !context_.bounded;
  const int fragment = add_fragment(node, std::move(name), spread ? context_.parallelism : 1, std::move(edges));
  at(fragment).chain.push_back(std::move(factory));
  return fragment;
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Join& join) {
  exec::JoinOptions options{.kind = to_exec(join.kind),
                            .inputs = {to_exec(*node.inputs[0], join.keys, &plan::JoinKey::left),
                                       to_exec(*node.inputs[1], join.keys, &plan::JoinKey::right)},
                            .nulls_match = {},
                            .condition = join.condition,
                            .output = join.output,
                            .at_end = node.traits.bounded,
                            .context = expressions()};
  for (const plan::JoinKey& key : join.keys) options.nulls_match.push_back(key.nulls_match);
  return add_pair(node, "join", [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_join(options));
  });
}

}  // namespace penstock::engine
