// Aggregations, and the windows that they are over.
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/aggregate.h"
#include "exec/operators/expand.h"
#include "exec/operators/processing_time.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"
#include "types/types_of.h"

namespace penstock::engine {

using plan::PhysicalNode;

std::vector<exec::AggregateCall> to_exec(const std::vector<plan::AggregateCall>& calls) {
  std::vector<exec::AggregateCall> out;
  for (const plan::AggregateCall& call : calls) {
    out.push_back(
        {.function = call.function, .argument = call.argument, .filter = call.filter, .distinct = call.distinct});
  }
  return out;
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::ProcessingTime& time) {
  exec::ProcessingTimeOptions options{.column = time.column,
                                      .type = node.schema[static_cast<size_t>(time.column)].type,
                                      .window = time.window,
                                      .now_us = context_.processing_time_us};
  if (!options.now_us) options.now_us = context_.now_us;
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_processing_time(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::AssignWindow& assign) {
  if (assign.window.kind != types::Window::Kind::kSession) {
    return append(node, [assign](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(
          exec::make_assign_window({.window = assign.window, .time_column = assign.time_column}));
    });
  }
  exec::SessionWindowOptions options{.window = assign.window, .time_column = assign.time_column};
  options.keys = assign.keys;
  options.key_types = types_of(input_schema(node), assign.keys);
  options.column_types = types_of(input_schema(node));
  const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
  options.late = late_output("session", input_schema(node), assign.time_column, assign.window.zone);
  const auto make = node.inputs[0]->traits.append_only ? exec::make_session_window : exec::make_changing_session_window;
  return append_to(fragment, node, [options = std::move(options), make](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(make(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Expand& expand) {
  exec::ExpandOptions options{.types = types_of(input_schema(node)), .null_columns = expand.null_columns, .always = {}};
  return append(node, [options = std::move(options), always = expand.always](int instance) {
    exec::ExpandOptions of_instance = options;
    if (instance == 0) of_instance.always = always;
    return Result<std::unique_ptr<exec::Operator>>(exec::make_expand(std::move(of_instance)));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Aggregate& aggregate) {
  exec::AggregateOptions options{.keys = aggregate.keys,
                                 .key_types = types_of(input_schema(node), aggregate.keys),
                                 .calls = to_exec(aggregate.calls),
                                 .ttl = ttl(aggregate.ttl_us)};
  return append(node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_aggregate(options));
  });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::WindowAggregate& aggregate) {
  exec::WindowAggregateOptions options;
  options.window = aggregate.window;
  options.time_column = aggregate.time_column;
  options.time_type = input_schema(node)[static_cast<size_t>(aggregate.time_column)].type;
  options.keys = aggregate.keys;
  options.key_types = types_of(input_schema(node), aggregate.keys);
  options.calls = to_exec(aggregate.calls);
  for (const auto property : aggregate.properties) {
    using Property = plan::WindowAggregate::Property;
    options.properties.push_back(property == Property::kStart ? exec::WindowProperty::kStart
                                 : property == Property::kEnd ? exec::WindowProperty::kEnd
                                                              : exec::WindowProperty::kTime);
  }
  const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
  options.late =
      late_output("window", input_schema(node), aggregate.time_column, aggregate.window.zone, aggregate.attached);
  const bool session = aggregate.window.kind == types::Window::Kind::kSession;
  const auto make = !session                             ? exec::make_window_aggregate
                    : node.inputs[0]->traits.append_only ? exec::make_session_aggregate
                                                         : exec::make_changing_session_aggregate;
  return append_to(fragment, node, [options = std::move(options), make](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(make(options));
  });
}

}  // namespace penstock::engine
