// Operators that look at one row at a time, order rows, or move them between tasks.
#include <algorithm>
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/clock_filter.h"
#include "exec/operators/complete_output.h"
#include "exec/operators/deduplicate.h"
#include "exec/operators/emit_on_close.h"
#include "exec/operators/filter.h"
#include "exec/operators/net_changes.h"
#include "exec/operators/normalize.h"
#include "exec/operators/over.h"
#include "exec/operators/project.h"
#include "exec/operators/rank.h"
#include "exec/operators/sort.h"
#include "exec/operators/unnest.h"
#include "types/types_of.h"

namespace penstock::engine {

using plan::PhysicalNode;

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Normalize& normalize) {
  exec::NormalizeOptions options{
      .schema = node.schema, .keys = normalize.keys, .at_end = node.traits.bounded, .ttl = ttl(normalize.ttl_us)};
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_normalize(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Project& project) {
  return append(node, [expressions = project.expressions,
                       context = this->expressions(node, input_schema(node))](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_project(expressions, context));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Filter& filter) {
  return append(node,
                [predicate = filter.predicate, context = expressions(node, input_schema(node))](int /*instance*/) {
                  return Result<std::unique_ptr<exec::Operator>>(exec::make_filter(predicate, context));
                });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::ClockFilter& filter) {
  exec::ClockFilterOptions options{.schema = node.schema,
                                   .from = filter.from,
                                   .until = filter.until,
                                   .after_from = filter.after_from,
                                   .through_until = filter.through_until,
                                   .clock_us = context_.epoch_clock_us};
  if (!options.clock_us) options.clock_us = [now_us = context_.now_us](Epoch /*epoch*/) { return now_us(); };
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_clock_filter(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Unnest& unnest) {
  const exec::UnnestOptions options{
      .column = unnest.column, .preserve = unnest.preserve, .ordinality = unnest.ordinality};
  return append(node, [options](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_unnest(options));
  });
}

std::vector<exec::SortKey> to_exec(const std::vector<plan::SortKey>& keys) {
  std::vector<exec::SortKey> out;
  for (const plan::SortKey& key : keys) {
    out.push_back({.column = key.column, .descending = key.descending, .nulls_first = key.nulls_first});
  }
  return out;
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Sort& sort) {
  exec::SortOptions options{
      .keys = to_exec(sort.keys), .limit = sort.limit, .offset = sort.offset, .schema = node.schema};
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_sort(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Rank& rank) {
  exec::RankOptions options{.function = rank.function,
                            .schema = input_schema(node),
                            .partition_by = rank.partition_by,
                            .order_by = to_exec(rank.order_by),
                            .first = rank.first,
                            .last = rank.last,
                            .with_rank = rank.with_rank,
                            .input_append_only = rank.input_append_only,
                            .last_first = rank.last_first,
                            .ttl = ttl(rank.ttl_us)};
  if (rank.window_column >= 0) {
    options.window = {
        .column = rank.window_column, .of_end = rank.of_end, .zone = rank.zone, .late_dropped = context_.late_dropped};
  }
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_rank(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Deduplicate& first) {
  exec::DeduplicateOptions options{.schema = node.schema,
                                   .keys = first.keys,
                                   .time_column = first.time_column,
                                   .watermark_column = first.watermark_column,
                                   .within_us = first.within_us,
                                   .late = {}};
  const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
  if (!node.traits.bounded) options.late = late_output("DEDUPLICATE", node.schema, first.time_column);
  return append_to(fragment, node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_deduplicate(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Over& over) {
  std::vector<plan::AggregateCall> aggregates;
  for (const plan::OverCall& call : over.calls) aggregates.push_back(call.aggregate);
  const std::vector<exec::AggregateCall> lowered = to_exec(aggregates);
  exec::OverOptions options{
      .schema = input_schema(node), .partition_by = over.partition_by, .order_by = to_exec(over.order_by), .calls = {}};
  options.ttl = ttl(over.ttl_us);
  for (size_t i = 0; i < over.calls.size(); ++i) {
    const plan::OverCall& call = over.calls[i];
    options.calls.push_back({.function = call.function,
                             .aggregate = lowered[i],
                             .type = call.type,
                             .number = call.number,
                             .default_value = call.default_value,
                             .ignore_nulls = call.ignore_nulls,
                             .frame = call.frame,
                             .takes_back = call.takes_back});
  }
  const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
  if (over.in_time_order) {
    const char* const what = over.calls.empty() ? "ORDER BY" : "OVER";
    options.late = late_output(what, input_schema(node), over.order_by.front().column);
  }
  return append_to(fragment, node, [options = std::move(options), ordered = over.in_time_order](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(ordered ? exec::make_over_in_time_order(options)
                                                           : exec::make_over(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Limit& limit) {
  return append(node, [limit](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_limit(limit.limit, limit.offset));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::UnionAll& /*op*/) {
  std::vector<exec::EdgeSpec> inputs;
  for (const plan::PhysicalPtr& input : node.inputs) inputs.push_back({.from = PENSTOCK_TRY(lower(*input))});
  const int parallelism = at(inputs.front().from).parallelism;
  const bool equal =
      std::ranges::all_of(inputs, [&](const exec::EdgeSpec& edge) { return at(edge.from).parallelism == parallelism; });
  for (exec::EdgeSpec& edge : inputs) {
    edge.partitioning = equal ? exec::Partitioning::kForward : exec::Partitioning::kSingle;
  }
  return add_fragment(node, "union", equal ? parallelism : 1, std::move(inputs));
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Emit& emit) {
  return append(node, [emit, types = types_of(node.schema), late = context_.late_dropped](int /*instance*/) {
    using Kind = plan::Emit::Kind;
    std::unique_ptr<exec::Operator> made;
    if (emit.kind == Kind::kOnWindowClose) {
      made = exec::make_emit_on_close(
          {.types = types,
           .window = {.column = emit.time_column, .of_end = emit.of_end, .zone = emit.zone, .late_dropped = late}});
    } else {
      made = emit.kind == Kind::kComplete ? exec::make_complete_output(types) : exec::make_net_changes(types);
    }
    return Result<std::unique_ptr<exec::Operator>>(std::move(made));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Exchange& exchange) {
  const int from = PENSTOCK_TRY(lower(*node.inputs[0]));
  const bool hash = exchange.kind == plan::Exchange::Kind::kHash;
  const int parallelism = hash && !context_.bounded ? context_.parallelism : 1;
  if (parallelism == 1 && at(from).parallelism == 1) return from;  // nothing to move
  exec::EdgeSpec edge{.from = from, .partitioning = exec::Partitioning::kSingle};
  if (hash) edge = {.from = from, .partitioning = exec::Partitioning::kHash, .keys = exchange.keys};
  return add_fragment(node, hash ? "by key" : "single", parallelism, {edge});
}

}  // namespace penstock::engine
