// Sources: tables, views, system tables, and rows that are written in the query.
#include <algorithm>
#include <utility>

#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "connector/change_log.h"
#include "connector/connector.h"
#include "engine/graph_builder.h"
#include "engine/native_table.h"
#include "engine/values_source.h"
#include "engine/view_source.h"
#include "plan/table_changes.h"

namespace penstock::engine {

using plan::PhysicalNode;

static_assert(plan::kRowIsGone == connector::kRowIsGone);
static_assert(catalog::kPartitionKey == connector::kPartitionKey);

namespace {

// Whether the table has the columns that a plan reads: it may have been altered since that was made.
bool has_columns(const catalog::Table& table, const types::Schema& wanted) {
  return std::ranges::all_of(wanted, [&](const types::Field& field) {
    const auto found = std::ranges::find(table.columns, field.name, &catalog::Column::name);
    return found != table.columns.end() && found->type.same_type(field.type);
  });
}

// The same of a view or native table, whose columns are read by their places.
bool has_columns(const types::Schema& schema, const plan::ScanView& scan, const types::Schema& wanted) {
  for (size_t i = 0; i < scan.columns.size(); ++i) {
    const auto place = static_cast<size_t>(scan.columns[i]);
    if (place >= schema.size() || schema[place].name != scan.names[i]) return false;
    if (!schema[place].type.same_type(wanted[i].type)) return false;
  }
  return true;
}

}  // namespace

GraphBuilder::Places GraphBuilder::places(const PhysicalNode& scan, const ScanPlace& place) const {
  if (!context_.hold) return {.start = place.positions(context_.start), .hold = std::nullopt};
  connector::ScanHold hold = place.hold(*context_.hold);
  // Of rows that nothing keeps, those before the place are not needed again.
  connector::Positions start = uses_.kept.contains(&scan) ? connector::Positions() : hold.positions;
  return {.start = std::move(start), .hold = std::move(hold)};
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::ScanTable& scan) {
  const catalog::EntryPtr entry = PENSTOCK_TRY(context_.catalog->get(catalog::NameSpace::kRelation, scan.table));
  const catalog::Table* table = entry->table();
  if (table == nullptr) return invalid_argument("\"{}\" is not a table", scan.table);
  if (scan.fields.empty() && !has_columns(*table, scan.physical)) {
    return changed_meanwhile(entry->plain_name());
  }
  connector::OptionMap options = scan_options(*table, scan);
  const ScanPlace place = places_.next(connector::input_of(entry->name, options));
  const std::string prefix = std::to_string(scans_++) + ".";
  for (const auto& [key, value] : context_.scan_options) {
    if (key.starts_with(prefix)) options[key.substr(prefix.size())] = value;
  }
  connector::ScanRequest request;
  request.table = entry->name;
  request.options = &options;
  request.columns = table->physical_schema();
  for (const int column : table->primary_key) request.primary_key.push_back(table->columns[column].name);
  request.physical = scan.physical;
  request.fields = scan.fields;
  for (const auto& metadata : scan.metadata) request.metadata.push_back({metadata.key, metadata.type});
  request.projections = scan.projections;
  request.filter = scan.filter;
  request.filtered_again = scan.filtered_again;
  request.watermark = scan.watermark;
  request.time_column = scan.time_column;
  request.tells_watermark = scan.tells_watermark;
  request.window_ends = scan.window_ends;
  request.too_far_ahead = context_.too_far_ahead;
  request.alignment = alignment_;
  request.bounded = context_.bounded;
  Places from = places(node, place);
  request.start = std::move(from.start);
  request.hold = std::move(from.hold);
  connector::SourcePlan source = PENSTOCK_TRY(connector::plan_source(context_.connectors, std::move(request)));
  if (source.progress) graph_.scans.push_back({.place = place, .progress = source.progress});
  return add_source(node, "scan " + entry->name, source.parallelism, std::move(source.make));
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::ScanView& scan) {
  if (context_.keeps_positions) return lower_change_scan(node, scan);
  std::shared_ptr<view::View> view = context_.find_view(scan.view);
  if (view == nullptr) return not_found("materialized view \"{}\" is not running", scan.view);
  if (!has_columns(view->options().schema, scan, node.schema)) return changed_meanwhile(scan.view);
  std::string name = "scan " + scan.view;
  if (context_.bounded) {
    return add_source(node, std::move(name), 1, [view, columns = scan.columns](int /*instance*/) {
      return Result<std::unique_ptr<exec::Source>>(make_view_snapshot_source(view, columns));
    });
  }
  auto progress = std::make_shared<ViewProgress>(view);
  graph_.view_scans.push_back(progress);
  return add_source(node, std::move(name), 1, [view, columns = scan.columns, progress](int /*instance*/) {
    return Result<std::unique_ptr<exec::Source>>(make_view_changes_source(view, columns, progress));
  });
}

// In what keeps positions materialized views stand for their queries, so that this is a native table.
Result<int> GraphBuilder::lower_change_scan(const PhysicalNode& node, const plan::ScanView& scan) {
  const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(context_.find_native_table(scan.view));
  if (!has_columns(table->schema(), scan, node.schema)) return changed_meanwhile(scan.view);
  const ScanPlace place = places_.next({.name = table->topic(), .parts = {table->topic()}});
  auto [start, hold] = places(node, place);
  // What is only looked up is there as it is now, and not as it was before a restart.
  if (!uses_.in_result.contains(&node)) hold.reset();
  const bool goes_on = !start.empty();
  connector::SourcePlan source =
      connector::plan_change_source(context_.connectors, {.topic = table->topic(),
                                                          .schema = table->schema(),
                                                          .columns = {scan.columns.begin(), scan.columns.end()},
                                                          .start = std::move(start),
                                                          .hold = std::move(hold)});
  graph_.scans.push_back({.place = place, .progress = source.progress});
  const int fragment = add_source(node, "scan " + scan.view, source.parallelism, std::move(source.make));
  at(fragment).goes_on = goes_on;
  return fragment;
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::ScanSystem& scan) {
  const std::shared_ptr<const SystemTable> table = context_.find_system_table(scan.table);
  if (table == nullptr) return not_found("system table \"{}\" does not exist", scan.table);
  return add_source(node, "scan " + scan.table, 1,
                    [rows = table->rows, columns = scan.columns, schema = node.schema](int /*instance*/)
                        -> Result<std::unique_ptr<exec::Source>> { return make_values_source(rows, columns, schema); });
}

Result<int> GraphBuilder::lower(const PhysicalNode& node, const plan::Values& values) {
  return add_source(
      node, "values", 1,
      [rows = values.rows, schema = node.schema](int /*instance*/) -> Result<std::unique_ptr<exec::Source>> {
        return make_values_source([rows] { return rows; }, {}, schema);
      });
}

}  // namespace penstock::engine
