#include "engine/job_graph.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <variant>

#include "catalog/catalog.h"
#include "connector/connector.h"
#include "engine/graph_builder.h"
#include "plan/planner.h"

namespace penstock::engine {

using plan::PhysicalNode;

Result<JobGraph> GraphBuilder::build(const PhysicalNode& root) {
  readers_ = plan::count_readers(root);
  uses_ = uses_of_rows(root);
  PENSTOCK_TRY(lower(root));
  return std::move(graph_);
}

Result<int> GraphBuilder::lower(const PhysicalNode& node) {
  if (const auto known = shared_.find(&node); known != shared_.end()) return known->second;
  const int fragment = PENSTOCK_TRY(std::visit([&](const auto& op) { return lower(node, op); }, node.op));
  if (readers_[&node] > 1) shared_.emplace(&node, fragment);
  return fragment;
}

int GraphBuilder::add_source(const PhysicalNode& node, std::string name, int parallelism, SourceFactory source) {
  const int fragment = add_fragment(node, std::move(name), parallelism, {});
  at(fragment).source = std::move(source);
  return fragment;
}

int GraphBuilder::add_fragment(const PhysicalNode& node, std::string name, int parallelism,
                               std::vector<exec::EdgeSpec> inputs) {
  exec::FragmentSpec fragment;
  fragment.name = std::move(name);
  fragment.parallelism = parallelism;
  fragment.inputs = std::move(inputs);
  fragment.output_schema = node.schema;
  graph_.fragments.push_back(std::move(fragment));
  return static_cast<int>(graph_.fragments.size()) - 1;
}

Result<int> GraphBuilder::append(const PhysicalNode& node, OperatorFactory factory) {
  return append_to(PENSTOCK_TRY(lower(*node.inputs[0])), node, std::move(factory));
}

int GraphBuilder::append_to(int fragment, const PhysicalNode& node, OperatorFactory factory) {
  if (std::ranges::any_of(shared_, [&](const auto& shared) { return shared.second == fragment; })) {
    types::Schema input = at(fragment).output_schema;
    fragment = add_fragment(node, plan::operator_name(node), at(fragment).parallelism,
                            {{.from = fragment, .partitioning = exec::Partitioning::kForward}});
    at(fragment).output_schema = std::move(input);
  }
  at(fragment).append(std::move(factory), node.schema, plan::operator_name(node));
  return fragment;
}

exec::LateOutput GraphBuilder::late_output(std::string name, const types::Schema& schema, int time_column,
                                           const types::TimeZone* zone, bool only_window_end) const {
  exec::LateOutput late{.dropped = context_.late_dropped, .rows = nullptr};
  if (context_.keep_late_rows == nullptr) return late;
  late.rows = context_.keep_late_rows({.name = std::move(name),
                                       .schema = schema,
                                       .time_type = types::window_time_type(schema[time_column].type, zone),
                                       .only_window_end = only_window_end});
  return late;
}

exec::ExpressionContext GraphBuilder::expressions(const PhysicalNode& node, const types::Schema& schema) const {
  exec::ExpressionContext context{.now_us = context_.now_us};
  if (context_.keep_failed_rows) context.failed_rows = context_.keep_failed_rows(plan::operator_name(node), schema);
  return context;
}

namespace {

template <class Predicate>
bool any_node(const PhysicalNode& root, const Predicate& predicate) {
  return std::ranges::any_of(plan::nodes_of(root), [&](const PhysicalNode* node) { return predicate(*node); });
}

template <class Op>
bool has_node(const PhysicalNode& root) {
  return any_node(root, [](const PhysicalNode& node) { return std::holds_alternative<Op>(node.op); });
}

// Whether the operator keeps something of its rows over a barrier. One that is not named here counts as one that does.
bool keeps_rows(const PhysicalNode& node) {
  const auto* assign = std::get_if<plan::AssignWindow>(&node.op);
  if (assign != nullptr) return assign->window.kind == types::Window::Kind::kSession;
  const auto* emit = std::get_if<plan::Emit>(&node.op);
  if (emit != nullptr) return emit->kind != plan::Emit::Kind::kEvery;
  const auto is = [&]<class... Ops>() { return (std::holds_alternative<Ops>(node.op) || ...); };
  return !is.template operator()<plan::ScanTable, plan::ScanView, plan::ScanSystem, plan::Values, plan::Project,
                                 plan::Filter, plan::ProcessingTime, plan::UnionAll, plan::Exchange>();
}

}  // namespace

connector::OptionMap scan_options(const catalog::Table& table, const plan::ScanTable& scan) {
  connector::OptionMap options(table.options.begin(), table.options.end());
  for (const auto& [key, value] : scan.options) options[key] = value;
  return options;
}

Result<JobGraph> build_graph(const PhysicalNode& root, const GraphContext& context) {
  return GraphBuilder(context).build(root);
}

void append_not_null(exec::FragmentSpec& fragment, exec::NotNullOptions options) {
  if (options.columns.empty()) return;
  fragment.append(
      [options = std::move(options)](int /*instance*/) -> Result<std::unique_ptr<exec::Operator>> {
        return exec::make_not_null(options);
      },
      fragment.output_schema, "not null");
}

// Their numbers are those that a GraphBuilder gives them, since it comes to them in this order.
Result<catalog::Options> fix_scan_options(const PhysicalNode& root, const GraphContext& context,
                                          const catalog::Options& defaults) {
  catalog::Options fixed;
  int scans = 0;
  for (const PhysicalNode* node : plan::nodes_of(root)) {
    const auto* scan = std::get_if<plan::ScanTable>(&node->op);
    if (scan == nullptr) continue;
    const std::string prefix = std::to_string(scans++) + ".";
    const catalog::EntryPtr entry = PENSTOCK_TRY(context.catalog->get(catalog::NameSpace::kRelation, scan->table));
    if (entry->table() == nullptr) continue;
    const connector::OptionMap options = scan_options(*entry->table(), *scan);
    for (const auto& [key, value] : PENSTOCK_TRY(connector::fix_options(context.connectors, entry->name, options))) {
      fixed.emplace_back(prefix + key, value);
    }
    for (const auto& [key, value] : defaults) {
      const bool takes = PENSTOCK_TRY(connector::takes_option(entry->name, options, key));
      if (takes && !options.contains(key)) fixed.emplace_back(prefix + key, value);
    }
  }
  return fixed;
}

bool has_state(const PhysicalNode& root) { return any_node(root, keeps_rows); }

RowUses uses_of_rows(const PhysicalNode& root) {
  RowUses uses;
  uses.in_result.insert(&root);
  // All readers of a node come before it.
  for (const PhysicalNode* node : plan::nodes_of(root) | std::views::reverse) {
    const bool keeps = keeps_rows(*node);
    const auto* join = std::get_if<plan::Join>(&node->op);
    const bool looks_up = join != nullptr && join->as_of && !join->as_of->versions;
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const PhysicalNode* input = node->inputs[i].get();
      const bool passes = !keeps || (looks_up && i == 0);
      if (!passes || uses.kept.contains(node)) uses.kept.insert(input);
      const bool table = looks_up && i == 1;
      if (!table && uses.in_result.contains(node)) uses.in_result.insert(input);
    }
  }
  return uses;
}

Result<bool> has_end(const PhysicalNode& root, const catalog::Catalog& catalog, bool tables_end) {
  for (const PhysicalNode* node : plan::nodes_of(root)) {
    if (!node->inputs.empty()) continue;
    if (std::holds_alternative<plan::RecursionScan>(node->op)) continue;  // it ends with the recursive query
    bool ends = node->traits.bounded || (tables_end && std::holds_alternative<plan::ScanView>(node->op));
    if (const auto* scan = std::get_if<plan::ScanTable>(&node->op)) {
      const catalog::EntryPtr entry = PENSTOCK_TRY(catalog.get(catalog::NameSpace::kRelation, scan->table));
      ends = entry->table() != nullptr &&
             PENSTOCK_TRY(connector::is_bounded(entry->name, scan_options(*entry->table(), *scan)));
    }
    if (!ends) return false;
  }
  return true;
}

int64_t emit_interval_us(const PhysicalNode& root) {
  for (const PhysicalNode* node : plan::nodes_of(root)) {
    if (const auto* emit = std::get_if<plan::Emit>(&node->op)) return emit->interval_us;
  }
  return 0;
}

bool forgets_state(const PhysicalNode& root) {
  return any_node(root, [](const PhysicalNode& node) { return plan::state_ttl(node).has_value(); });
}

bool reads_view(const PhysicalNode& root) { return has_node<plan::ScanView>(root); }
bool reads_system_table(const PhysicalNode& root) { return has_node<plan::ScanSystem>(root); }
bool reads_clock(const PhysicalNode& root) { return has_node<plan::ProcessingTime>(root); }
bool follows_clock(const PhysicalNode& root) { return has_node<plan::ClockFilter>(root); }

}  // namespace penstock::engine
