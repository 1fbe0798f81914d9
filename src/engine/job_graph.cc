#include "engine/job_graph.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "catalog/catalog.h"
#include "engine/values_source.h"
#include "engine/view_source.h"
#include "exec/operators/aggregate.h"
#include "exec/operators/filter.h"
#include "exec/operators/project.h"
#include "exec/operators/sort.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"

namespace penstock::engine {

namespace {

using exec::FragmentSpec;
using plan::PhysicalNode;

using OperatorFactory = std::function<Result<std::unique_ptr<exec::Operator>>(int)>;

exec::TumblingWindow to_exec(const plan::TumblingWindow& window) {
  return {.time_column = window.time_column, .size_us = window.size_us, .offset_us = window.offset_us};
}

std::vector<exec::AggregateCall> to_exec(const std::vector<plan::AggregateCall>& calls) {
  std::vector<exec::AggregateCall> out;
  for (const plan::AggregateCall& call : calls) {
    out.push_back(
        {.function = call.function, .argument = call.argument, .filter = call.filter, .distinct = call.distinct});
  }
  return out;
}

std::vector<types::DataType> types_of(const types::Schema& schema, const std::vector<int>& columns) {
  std::vector<types::DataType> types;
  for (const int column : columns) types.push_back(schema[static_cast<size_t>(column)].type);
  return types;
}

// Lowers a plan from the leaves up. Each call returns the fragment whose chain gives the node's rows.
class GraphBuilder {
 public:
  explicit GraphBuilder(const GraphContext& context) : context_(context) {}

  Result<int> lower(const PhysicalNode& node) {
    return std::visit([&](const auto& op) { return lower(node, op); }, node.op);
  }
  JobGraph take() { return std::move(graph_); }

 private:
  Result<int> add_source(const PhysicalNode& node, std::string name, int parallelism,
                         std::function<Result<std::unique_ptr<exec::Source>>(int)> source) {
    FragmentSpec fragment;
    fragment.name = std::move(name);
    fragment.parallelism = parallelism;
    fragment.source = std::move(source);
    fragment.output_schema = node.schema;
    graph_.fragments.push_back(std::move(fragment));
    return static_cast<int>(graph_.fragments.size()) - 1;
  }

  // Puts an operator behind the node's only input.
  Result<int> append(const PhysicalNode& node, OperatorFactory factory) {
    const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
    at(fragment).chain.push_back(std::move(factory));
    at(fragment).output_schema = node.schema;
    return fragment;
  }
  FragmentSpec& at(int fragment) { return graph_.fragments[static_cast<size_t>(fragment)]; }
  const types::Schema& input_schema(const PhysicalNode& node) const { return node.inputs[0]->schema; }
  exec::ExpressionContext expressions() const { return {.now_us = context_.now_us}; }

  Result<int> lower(const PhysicalNode& node, const plan::ScanTable& scan) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(context_.catalog->get(catalog::NameSpace::kRelation, scan.table));
    const catalog::Table* table = entry->table();
    if (table == nullptr) return invalid_argument("\"{}\" is not a table", scan.table);
    connector::OptionMap options(table->options.begin(), table->options.end());
    connector::ScanRequest request;
    request.table = entry->name;
    request.options = &options;
    for (const catalog::Column& column : table->columns) {
      if (column.is_physical()) request.columns.push_back({column.name, column.type});
    }
    request.physical = scan.physical;
    for (const auto& metadata : scan.metadata) request.metadata.push_back({metadata.key, metadata.type});
    request.projections = scan.projections;
    request.filter = scan.filter;
    request.watermark = scan.watermark;
    request.bounded = context_.bounded;
    request.start = context_.start;
    request.hold = context_.hold;
    connector::SourcePlan source = PENSTOCK_TRY(connector::plan_source(context_.connectors, std::move(request)));
    if (source.progress) graph_.scans.push_back(source.progress);
    return add_source(node, "scan " + entry->name, source.parallelism, std::move(source.make));
  }

  Result<int> lower(const PhysicalNode& node, const plan::ScanView& scan) {
    std::shared_ptr<view::View> view = context_.find_view(scan.view);
    if (view == nullptr) return not_found("materialized view \"{}\" is not running", scan.view);
    return add_source(node, "scan " + scan.view, 1,
                      [view, columns = scan.columns,
                       bounded = context_.bounded](int /*instance*/) -> Result<std::unique_ptr<exec::Source>> {
                        return bounded ? make_view_snapshot_source(view, columns)
                                       : make_view_changes_source(view, columns);
                      });
  }

  Result<int> lower(const PhysicalNode& node, const plan::ScanSystem& scan) {
    const SystemTable* table = context_.find_system_table(scan.table);
    if (table == nullptr) return not_found("system table \"{}\" does not exist", scan.table);
    return add_source(node, "scan " + scan.table, 1,
                      [rows = table->rows, columns = scan.columns,
                       schema = node.schema](int /*instance*/) -> Result<std::unique_ptr<exec::Source>> {
                        return make_values_source(rows, columns, schema);
                      });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Values& values) {
    return add_source(
        node, "values", 1,
        [rows = values.rows, schema = node.schema](int /*instance*/) -> Result<std::unique_ptr<exec::Source>> {
          return make_values_source([rows] { return rows; }, {}, schema);
        });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Project& project) {
    return append(node, [expressions = project.expressions, context = expressions()](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_project(expressions, context));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Filter& filter) {
    return append(node, [predicate = filter.predicate, context = expressions()](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_filter(predicate, context));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::AssignWindow& assign) {
    return append(node, [window = to_exec(assign.window)](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_assign_window(window));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Aggregate& aggregate) {
    exec::AggregateOptions options{.keys = aggregate.keys,
                                   .key_types = types_of(input_schema(node), aggregate.keys),
                                   .calls = to_exec(aggregate.calls)};
    return append(node, [options = std::move(options)](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_aggregate(options));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::WindowAggregate& aggregate) {
    exec::WindowAggregateOptions options;
    options.window = to_exec(aggregate.window);
    options.time_type = input_schema(node)[static_cast<size_t>(aggregate.window.time_column)].type;
    options.keys = aggregate.keys;
    options.key_types = types_of(input_schema(node), aggregate.keys);
    options.calls = to_exec(aggregate.calls);
    for (const auto property : aggregate.properties) {
      using Property = plan::WindowAggregate::Property;
      options.properties.push_back(property == Property::kStart ? exec::WindowProperty::kStart
                                   : property == Property::kEnd ? exec::WindowProperty::kEnd
                                                                : exec::WindowProperty::kTime);
    }
    options.late_dropped = context_.late_dropped;
    return append(node, [options = std::move(options)](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_window_aggregate(options));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Sort& sort) {
    exec::SortOptions options{.keys = {}, .limit = sort.limit, .offset = sort.offset, .schema = node.schema};
    for (const plan::SortKey& key : sort.keys) {
      options.keys.push_back({.column = key.column, .descending = key.descending, .nulls_first = key.nulls_first});
    }
    return append(node, [options = std::move(options)](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_sort(options));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::Limit& limit) {
    return append(node, [limit](int /*instance*/) {
      return Result<std::unique_ptr<exec::Operator>>(exec::make_limit(limit.limit, limit.offset));
    });
  }

  Result<int> lower(const PhysicalNode& node, const plan::UnionAll& /*op*/) {
    std::vector<exec::EdgeSpec> inputs;
    for (const plan::PhysicalPtr& input : node.inputs) {
      inputs.push_back({.from = PENSTOCK_TRY(lower(*input)), .partitioning = exec::Partitioning::kSingle});
    }
    return add_fragment(node, "union", 1, std::move(inputs));
  }

  Result<int> lower(const PhysicalNode& node, const plan::Exchange& exchange) {
    const int from = PENSTOCK_TRY(lower(*node.inputs[0]));
    const bool hash = exchange.kind == plan::Exchange::Kind::kHash;
    const int parallelism = hash && !context_.bounded ? context_.parallelism : 1;
    if (parallelism == 1 && at(from).parallelism == 1) return from;  // nothing to move
    exec::EdgeSpec edge{.from = from, .partitioning = exec::Partitioning::kSingle};
    if (hash) edge = {.from = from, .partitioning = exec::Partitioning::kHash, .keys = exchange.keys};
    return add_fragment(node, hash ? "by key" : "single", parallelism, {edge});
  }

  int add_fragment(const PhysicalNode& node, std::string name, int parallelism, std::vector<exec::EdgeSpec> inputs) {
    FragmentSpec fragment;
    fragment.name = std::move(name);
    fragment.parallelism = parallelism;
    fragment.inputs = std::move(inputs);
    fragment.output_schema = node.schema;
    graph_.fragments.push_back(std::move(fragment));
    return static_cast<int>(graph_.fragments.size()) - 1;
  }

  const GraphContext& context_;
  JobGraph graph_;
};

template <class Predicate>
bool any_node(const PhysicalNode& node, const Predicate& predicate) {
  return predicate(node) ||
         std::ranges::any_of(node.inputs, [&](const plan::PhysicalPtr& input) { return any_node(*input, predicate); });
}

}  // namespace

Result<JobGraph> build_graph(const PhysicalNode& root, const GraphContext& context) {
  GraphBuilder builder(context);
  PENSTOCK_TRY(builder.lower(root));
  return builder.take();
}

bool has_state(const PhysicalNode& root) {
  return any_node(root, [](const PhysicalNode& node) {
    return std::holds_alternative<plan::Aggregate>(node.op) || std::holds_alternative<plan::WindowAggregate>(node.op);
  });
}

bool reads_view(const PhysicalNode& root) {
  return any_node(root, [](const PhysicalNode& node) { return std::holds_alternative<plan::ScanView>(node.op); });
}

}  // namespace penstock::engine
