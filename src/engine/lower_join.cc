// Joins: the fragments where two inputs meet.
#include <array>
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/interval_join.h"
#include "exec/operators/join.h"
#include "exec/operators/lookup_join.h"
#include "exec/operators/temporal_join.h"
#include "plan/planner.h"
#include "types/types_of.h"
#include "types/window.h"

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
  out.types = types_of(input.schema);
  for (const plan::JoinKey& key : keys) out.keys.push_back(key.*side);
  out.append_only = input.traits.append_only;
  out.unique_key = input.traits.key;
  return out;
}

std::array<exec::JoinInput, 2> inputs_of(const PhysicalNode& node, const plan::Join& join) {
  return {to_exec(*node.inputs[0], join.keys, &plan::JoinKey::left),
          to_exec(*node.inputs[1], join.keys, &plan::JoinKey::right)};
}

std::vector<bool> nulls_match(const plan::Join& join) {
  std::vector<bool> out;
  for (const plan::JoinKey& key : join.keys) out.push_back(key.nulls_match);
  return out;
}

// The columns that the condition is computed of.
types::Schema condition_schema(const PhysicalNode& node, const plan::Join& join) {
  std::vector<size_t> used;
  if (join.condition != nullptr) expr::collect_columns(*join.condition, used);
  types::Schema both = node.inputs[0]->schema;
  both.insert(both.end(), node.inputs[1]->schema.begin(), node.inputs[1]->schema.end());
  types::Schema schema;
  for (const size_t column : used) schema.push_back(both[column]);
  return schema;
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

Result<std::vector<exec::EdgeSpec>> GraphBuilder::edges_from_inputs(const PhysicalNode& node) {
  std::vector<exec::EdgeSpec> edges;
  for (const plan::PhysicalPtr& input : node.inputs) edges.push_back(PENSTOCK_TRY(edge_from(*input)));
  return edges;
}

Result<int> GraphBuilder::add_pair(const PhysicalNode& node, std::string name, OperatorFactory factory) {
  return add_pair(node, std::move(name), PENSTOCK_TRY(edges_from_inputs(node)), std::move(factory));
}

int GraphBuilder::add_pair(const PhysicalNode& node, std::string name, std::vector<exec::EdgeSpec> edges,
                           OperatorFactory factory) {
  const bool spread = is_hash(*node.inputs[0]) && is_hash(*node.inputs[1]) && !context_.bounded;
  const int fragment = add_fragment(node, std::move(name), spread ? context_.parallelism : 1, std::move(edges));
  at(fragment).chain.push_back(std::move(factory));
  at(fragment).chain_names.push_back(plan::operator_name(node));
  return fragment;
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Join& join) {
  if (join.time) return lower_interval_join(node, join);
  if (join.as_of && join.as_of->versions) return lower_temporal_join(node, join);
  if (join.as_of) return lower_lookup_join(node, join);
  exec::JoinOptions options{.kind = to_exec(join.kind),
                            .inputs = inputs_of(node, join),
                            .nulls_match = nulls_match(join),
                            .condition = join.condition,
                            .output = join.output,
                            .at_end = node.traits.bounded,
                            .ttl = {ttl(join.ttl_us[0]), ttl(join.ttl_us[1])},
                            .context = expressions(node, condition_schema(node, join))};
  return add_pair(node, "join", [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_join(options));
  });
}

Result<int> GraphBuilder::lower_interval_join(const PhysicalNode& node, const plan::Join& join) {
  using Of = plan::TimeBounds::Of;
  const bool of_windows = join.time->of != Of::kRows;
  exec::IntervalJoinOptions options{.kind = to_exec(join.kind),
                                    .inputs = inputs_of(node, join),
                                    .times = {join.time->left, join.time->right},
                                    .nulls_match = nulls_match(join),
                                    .lower_us = join.time->lower_us,
                                    .upper_us = join.time->upper_us,
                                    .behind_us = join.time->of == Of::kWindowEnds ? types::kLastMomentUs : 0,
                                    .zone = join.time->zone,
                                    .drops_late = of_windows,
                                    .condition = join.condition,
                                    .output = join.output,
                                    .context = expressions(node, condition_schema(node, join))};
  std::vector<exec::EdgeSpec> edges = PENSTOCK_TRY(edges_from_inputs(node));
  for (size_t side = 0; of_windows && side < options.late.size(); ++side) {
    options.late[side] = late_output("window join", node.inputs[side]->schema, options.times[side], options.zone);
  }
  std::string name = of_windows ? "window join" : "interval join";
  return add_pair(node, std::move(name), std::move(edges), [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_interval_join(options));
  });
}

Result<int> GraphBuilder::lower_temporal_join(const PhysicalNode& node, const plan::Join& join) {
  const plan::AsOf::Versions& versions = *join.as_of->versions;
  exec::TemporalJoinOptions options{.kind = to_exec(join.kind),
                                    .inputs = inputs_of(node, join),
                                    .times = {versions.left_time, versions.right_time},
                                    .gone = versions.gone,
                                    .first_counts = versions.first_counts(),
                                    .lower_us = versions.lower_us,
                                    .upper_us = versions.upper_us,
                                    .nulls_match = nulls_match(join),
                                    .condition = join.condition,
                                    .output = join.output,
                                    .context = expressions(node, condition_schema(node, join))};
  return add_pair(node, "temporal join", [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_temporal_join(options));
  });
}

// The right input is read alone until all that was there of it has come.
Result<int> GraphBuilder::lower_lookup_join(const PhysicalNode& node, const plan::Join& join) {
  exec::LookupJoinOptions options{.kind = to_exec(join.kind),
                                  .inputs = inputs_of(node, join),
                                  .nulls_match = nulls_match(join),
                                  .condition = join.condition,
                                  .output = join.output,
                                  .context = expressions(node, condition_schema(node, join))};
  std::vector<exec::EdgeSpec> edges{PENSTOCK_TRY(edge_from(*node.inputs[0]))};
  // While it is loaded nobody else is read: it cannot wait for others.
  std::shared_ptr<connector::AlignmentGroups> alignment = std::exchange(alignment_, nullptr);
  edges.push_back(PENSTOCK_TRY(edge_from(*node.inputs[1])));
  alignment_ = std::move(alignment);
  const int fragment =
      add_pair(node, "lookup join", std::move(edges), [options = std::move(options)](int /*instance*/) {
        return Result<std::unique_ptr<exec::Operator>>(exec::make_lookup_join(options));
      });
  at(fragment).loaded_input = 1;
  mark_loading(at(fragment).inputs[1].from);
  return fragment;
}

void GraphBuilder::mark_loading(int fragment) {
  if (at(fragment).source) at(fragment).loads = true;
  for (const exec::EdgeSpec& edge : at(fragment).inputs) mark_loading(edge.from);
}

}  // namespace penstock::engine
