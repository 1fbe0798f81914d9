// Drops columns that nobody needs, from the top down to the scans.
#include <algorithm>
#include <numeric>

#include "expr/expr.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using Columns = std::vector<bool>;

// A plan with fewer columns, and where the old ones are in it (-1: gone). Every column that was asked for is there;
// others may be.
struct Pruned {
  LogicalPtr plan;
  std::vector<int> mapping;
};

Pruned prune(const LogicalPtr& node, const Columns& needed);

std::vector<int> identity(size_t columns) {
  std::vector<int> mapping(columns);
  std::iota(mapping.begin(), mapping.end(), 0);
  return mapping;
}

void need(Columns& needed, const ExprPtr& expression) {
  if (expression == nullptr) return;
  std::vector<size_t> columns;
  expr::collect_columns(*expression, columns);
  for (size_t column : columns) needed[column] = true;
}

void remap(std::vector<int>& columns, const std::vector<int>& mapping) {
  for (int& column : columns) column = mapping[column];
}

Pruned prune_scan(const LogicalNode& node, const LogicalScan& scan, Columns needed) {
  need(needed, scan.filter);
  LogicalScan pruned;
  pruned.source = scan.source;
  // The watermark is made only where the column that it is about is used.
  auto watermark_column = std::ranges::find(scan.columns, scan.source->watermark_column);
  bool needs_time = scan.with_watermark && watermark_column != scan.columns.end() &&
                    needed[static_cast<size_t>(watermark_column - scan.columns.begin())];
  if (needs_time) {
    Columns of_source(scan.source->schema.size(), false);
    need(of_source, scan.source->watermark);
    for (size_t i = 0; i < scan.columns.size(); ++i) needed[i] = needed[i] || of_source[scan.columns[i]];
  }
  pruned.with_watermark = needs_time;
  std::vector<int> mapping(scan.columns.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < scan.columns.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(pruned.columns.size());
    pruned.columns.push_back(scan.columns[i]);
    names.push_back(node.schema[i].name);
  }
  if (scan.filter != nullptr) pruned.filter = expr::remap_columns(scan.filter, mapping);
  return {make_node(std::move(pruned), {}, std::move(names)), std::move(mapping)};
}

Pruned prune_values(const LogicalNode& node, const Values& values, const Columns& needed) {
  std::vector<int> mapping(needed.size(), -1);
  types::Schema schema;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(schema.size());
    schema.push_back(node.schema[i]);
  }
  std::vector<std::vector<types::Value>> rows(values.rows.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t i = 0; i < needed.size(); ++i) {
      if (needed[i]) rows[r].push_back(values.rows[r][i]);
    }
  }
  return {make_values(std::move(rows), std::move(schema)), std::move(mapping)};
}

Pruned prune_project(const LogicalNode& node, const Project& project, const Columns& needed) {
  Columns below(node.input().schema.size(), false);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (needed[i]) need(below, project.expressions[i]);
  }
  Pruned input = prune(node.inputs.front(), below);
  std::vector<int> mapping(needed.size(), -1);
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(expressions.size());
    expressions.push_back(expr::remap_columns(project.expressions[i], input.mapping));
    names.push_back(node.schema[i].name);
  }
  return {make_project(std::move(input.plan), std::move(expressions), std::move(names)), std::move(mapping)};
}

// The calls that are needed, over the pruned input; `mapping` gets their places behind the keys.
std::vector<AggregateCall> prune_calls(const std::vector<AggregateCall>& calls, size_t keys, const Columns& needed,
                                       Columns& below, std::vector<int>& mapping) {
  std::vector<AggregateCall> kept;
  for (size_t i = 0; i < calls.size(); ++i) {
    if (!needed[keys + i]) continue;
    mapping[keys + i] = static_cast<int>(keys + kept.size());
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

Pruned prune_aggregate(const LogicalNode& node, const Aggregate& aggregate, const Columns& needed) {
  size_t keys = aggregate.keys.size();
  Columns below(node.input().schema.size(), false);
  for (int key : aggregate.keys) below[key] = true;
  std::vector<int> mapping = identity(needed.size());
  std::fill(mapping.begin() + static_cast<ptrdiff_t>(keys), mapping.end(), -1);
  Aggregate pruned = aggregate;
  pruned.calls = prune_calls(aggregate.calls, keys, needed, below, mapping);
  Pruned input = prune(node.inputs.front(), below);
  remap(pruned.keys, input.mapping);
  remap_calls(pruned.calls, input.mapping);
  return {make_node(pruned, {std::move(input.plan)}), std::move(mapping)};
}

Pruned prune_window_aggregate(const LogicalNode& node, const WindowAggregate& window, const Columns& needed) {
  size_t keys = window.keys.size();
  Columns below(node.input().schema.size(), false);
  for (int key : window.keys) below[key] = true;
  below[window.window.time_column] = true;
  std::vector<int> mapping = identity(needed.size());
  std::fill(mapping.begin() + static_cast<ptrdiff_t>(keys), mapping.end(), -1);
  WindowAggregate pruned = window;
  pruned.calls = prune_calls(window.calls, keys, needed, below, mapping);
  pruned.properties.clear();
  for (size_t i = 0; i < window.properties.size(); ++i) {
    size_t column = keys + window.calls.size() + i;
    if (!needed[column]) continue;
    mapping[column] = static_cast<int>(keys + pruned.calls.size() + pruned.properties.size());
    pruned.properties.push_back(window.properties[i]);
  }
  Pruned input = prune(node.inputs.front(), below);
  remap(pruned.keys, input.mapping);
  remap_calls(pruned.calls, input.mapping);
  pruned.window.time_column = input.mapping[window.window.time_column];
  return {make_node(pruned, {std::move(input.plan)}), std::move(mapping)};
}

Pruned prune_assign_window(const LogicalNode& node, const AssignWindow& assign, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Columns below(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns));
  below[assign.window.time_column] = true;
  Pruned input = prune(node.inputs.front(), below);
  AssignWindow pruned = assign;
  pruned.window.time_column = input.mapping[assign.window.time_column];
  std::vector<int> mapping = input.mapping;
  size_t kept = input.plan->schema.size();
  for (size_t i = columns; i < needed.size(); ++i) mapping.push_back(static_cast<int>(kept + i - columns));
  return {make_node(pruned, {std::move(input.plan)}), std::move(mapping)};
}

Pruned prune_union(const LogicalNode& node, const Columns& needed) {
  std::vector<int> kept;
  std::vector<int> mapping(needed.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(kept.size());
    kept.push_back(static_cast<int>(i));
    names.push_back(node.schema[i].name);
  }
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : node.inputs) {
    Pruned pruned = prune(input, needed);
    std::vector<int> columns = kept;
    remap(columns, pruned.mapping);
    inputs.push_back(make_selection(std::move(pruned.plan), columns));
  }
  return {make_node(UnionAll{}, std::move(inputs), std::move(names)), std::move(mapping)};
}

Pruned prune_sort(const LogicalNode& node, const Sort& sort, Columns needed) {
  for (const SortKey& key : sort.keys) needed[key.column] = true;
  Pruned input = prune(node.inputs.front(), needed);
  Sort pruned = sort;
  for (SortKey& key : pruned.keys) key.column = input.mapping[key.column];
  return {make_node(std::move(pruned), {std::move(input.plan)}), std::move(input.mapping)};
}

Pruned prune(const LogicalPtr& node, const Columns& needed) {
  if (const auto* scan = node->get_if<LogicalScan>()) return prune_scan(*node, *scan, needed);
  if (const auto* values = node->get_if<Values>()) return prune_values(*node, *values, needed);
  if (const auto* project = node->get_if<Project>()) return prune_project(*node, *project, needed);
  if (const auto* aggregate = node->get_if<Aggregate>()) return prune_aggregate(*node, *aggregate, needed);
  if (const auto* window = node->get_if<WindowAggregate>()) return prune_window_aggregate(*node, *window, needed);
  if (const auto* assign = node->get_if<AssignWindow>()) return prune_assign_window(*node, *assign, needed);
  if (node->get_if<UnionAll>() != nullptr) return prune_union(*node, needed);
  if (const auto* sort = node->get_if<Sort>()) return prune_sort(*node, *sort, needed);
  Columns below = needed;
  const auto* filter = node->get_if<Filter>();
  if (filter != nullptr) need(below, filter->predicate);
  Pruned input = prune(node->inputs.front(), below);
  LogicalOperator op = filter == nullptr ? node->op : Filter{expr::remap_columns(filter->predicate, input.mapping)};
  return {make_node(std::move(op), {std::move(input.plan)}), std::move(input.mapping)};
}

}  // namespace

LogicalPtr prune_columns(const LogicalPtr& plan, const RuleContext&) {
  Pruned pruned = prune(plan, Columns(plan->schema.size(), true));
  return make_selection(std::move(pruned.plan), pruned.mapping);
}

}  // namespace penstock::plan
