// Scans of tables, materialized views and system tables.
#include <algorithm>

#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// The positions that input columns have in the output of a node which passes some on; -1 for those that it drops.
std::vector<int> invert(const std::vector<int>& columns, size_t input_columns) {
  std::vector<int> mapping(input_columns, -1);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= 0 && mapping[columns[i]] < 0) mapping[columns[i]] = static_cast<int>(i);
  }
  return mapping;
}

// The table's columns that the scan needs of the connector, and its expressions over just these.
ScanTable make_scan_table(const LogicalScan& scan) {
  const ScanSource& source = *scan.source;
  ScanTable physical;
  physical.table = source.name;
  std::vector<size_t> used;
  for (int column : scan.columns) expr::collect_columns(*source.columns[column], used);
  std::vector<bool> needed(source.base.size(), false);
  for (size_t column : used) needed[column] = true;
  std::vector<int> mapping(source.base.size(), -1);
  int next = 0;
  for (bool metadata : {false, true}) {
    for (size_t i = 0; i < source.base.size(); ++i) {
      const ScanSource::BaseColumn& base = source.base[i];
      if (!needed[i] || base.metadata_key.has_value() != metadata) continue;
      mapping[i] = next++;
      if (metadata) {
        physical.metadata.push_back({*base.metadata_key, base.field.type});
      } else {
        physical.physical.push_back(base.field);
      }
    }
  }
  bool in_order = static_cast<int>(scan.columns.size()) == next;
  for (int column : scan.columns) {
    ExprPtr expression = expr::remap_columns(source.columns[column], mapping);
    bool plain = expression->kind() == expr::Expr::Kind::kColumn;
    in_order = in_order && plain && expression->column_index() == physical.projections.size();
    physical.projections.push_back(std::move(expression));
  }
  if (in_order) physical.projections.clear();
  physical.filter = scan.filter;
  if (scan.with_watermark) {
    std::vector<int> output(source.schema.size(), -1);
    for (size_t i = 0; i < scan.columns.size(); ++i) output[scan.columns[i]] = static_cast<int>(i);
    physical.watermark = expr::remap_columns(source.watermark, output);
    physical.time_column = output[source.watermark_column];
    physical.window_ends = scan.window_ends;
  }
  return physical;
}

}  // namespace

Derived derive(const LogicalScan& op, const LogicalInputs& /*inputs*/) {
  Derived derived;
  for (int column : op.columns) derived.schema.push_back(op.source->schema[column]);
  derived.traits = map_traits(op.source->traits, invert(op.columns, op.source->schema.size()));
  if (!op.with_watermark) derived.traits.time_columns.clear();
  return derived;
}

Pruned prune(const LogicalScan& op, const LogicalNode& node, const Columns& needed) {
  Columns kept = needed;
  need(kept, op.filter);
  LogicalScan pruned;
  pruned.source = op.source;
  // The watermark is made only where the column that it is about is used.
  auto watermark_column = std::ranges::find(op.columns, op.source->watermark_column);
  bool needs_time = op.with_watermark && watermark_column != op.columns.end() &&
                    kept[static_cast<size_t>(watermark_column - op.columns.begin())];
  if (needs_time) {
    Columns of_source(op.source->schema.size(), false);
    need(of_source, op.source->watermark);
    for (size_t i = 0; i < op.columns.size(); ++i) kept[i] = kept[i] || of_source[op.columns[i]];
  }
  pruned.with_watermark = needs_time;
  pruned.window_ends = op.window_ends;
  std::vector<int> mapping(op.columns.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < op.columns.size(); ++i) {
    if (!kept[i]) continue;
    mapping[i] = static_cast<int>(pruned.columns.size());
    pruned.columns.push_back(op.columns[i]);
    names.push_back(node.schema[i].name);
  }
  if (op.filter != nullptr) pruned.filter = expr::remap_columns(op.filter, mapping);
  return {make_node(std::move(pruned), {}, std::move(names)), std::move(mapping)};
}

LogicalPtr push_filter(const LogicalScan& op, const LogicalPtr& node, Conjuncts conjuncts) {
  if (op.source->kind != ScanSource::Kind::kTable || conjuncts.empty()) return with_filter(node, std::move(conjuncts));
  LogicalScan filtered = op;
  if (op.filter != nullptr) conjuncts.insert(conjuncts.begin(), op.filter);
  filtered.filter = expr::join_conjunction(std::move(conjuncts));
  return make_node(std::move(filtered), {}, column_names(*node));
}

Result<PhysicalPtr> convert(const LogicalScan& op, const LogicalNode& node, PhysicalInputs /*inputs*/) {
  switch (op.source->kind) {
    case ScanSource::Kind::kTable: return make_physical_node(make_scan_table(op), {}, node);
    case ScanSource::Kind::kView: return make_physical_node(ScanView{op.source->name, op.columns}, {}, node);
    case ScanSource::Kind::kSystem: return make_physical_node(ScanSystem{op.source->name, op.columns}, {}, node);
  }
  return make_error(ErrorCode::kInternal, "a scan of an unknown kind");
}

Description describe(const ScanTable& op, const PhysicalNode& node) {
  Description out{.kind = "ScanTable", .details = {}};
  out.add("table", op.table);
  out.add("reads", name_list(op.physical));
  std::vector<std::string> metadata;
  for (const ScanTable::Metadata& column : op.metadata) metadata.push_back(column.key);
  if (!metadata.empty()) out.add("metadata", list_text(metadata));
  if (!op.projections.empty()) out.add("columns", expression_list(op.projections, node.schema));
  if (op.filter != nullptr) out.add("filter", op.filter->to_string());
  if (op.watermark != nullptr) out.add("watermark", op.watermark->to_string());
  return out;
}

Description describe(const ScanView& op, const PhysicalNode& node) {
  return {.kind = "ScanView", .details = {{"view", op.view}, {"reads", name_list(node.schema)}}};
}

Description describe(const ScanSystem& op, const PhysicalNode& node) {
  return {.kind = "ScanSystem", .details = {{"table", op.table}, {"reads", name_list(node.schema)}}};
}

}  // namespace penstock::plan
