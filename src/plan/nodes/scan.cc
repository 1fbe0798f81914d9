// Scans of tables, materialized views and system tables.
#include <fmt/format.h>

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

// What the expressions use of the source's base columns: of a column that can be read in parts, the fields.
std::vector<FieldPath> used_fields(const ScanSource& source, const std::vector<ExprPtr>& expressions) {
  std::vector<FieldPath> used;
  auto note = [&](const FieldPath& path, const ExprPtr& expression) {
    FieldPath read = path;
    if (!source.reads_fields || source.base[path.column].metadata_key) read.fields.clear();
    used.push_back(std::move(read));
    return expression;
  };
  for (const ExprPtr& expression : expressions) replace_fields(expression, note);
  // What is inside of another field that is read is read with that.
  auto is_within = [](const FieldPath& inner, const FieldPath& outer) {
    return inner.column == outer.column && inner.fields.size() >= outer.fields.size() &&
           std::ranges::equal(outer.fields, std::span(inner.fields).first(outer.fields.size()));
  };
  std::vector<FieldPath> read;
  for (const FieldPath& path : used) {
    bool covered = std::ranges::any_of(read, [&](const FieldPath& other) { return is_within(path, other); });
    if (covered) continue;
    std::erase_if(read, [&](const FieldPath& other) { return is_within(other, path); });
    read.push_back(path);
  }
  std::ranges::sort(read);
  return read;
}

std::vector<std::string> field_names(types::DataType row, const std::vector<size_t>& fields) {
  std::vector<std::string> names;
  for (size_t field : fields) {
    names.push_back(row.parts()[field].name);
    row = row.part(field);
  }
  return names;
}

// Whether one of these columns is this one of the source; -1: none.
bool gives(const LogicalScan& scan, int wanted, const Columns& columns) {
  for (size_t i = 0; wanted >= 0 && i < scan.columns.size(); ++i) {
    if (columns[i] && scan.columns[i] == wanted) return true;
  }
  return false;
}

// Whether one of them is a watermark when the row came.
bool gives_watermark(const LogicalScan& scan, const Columns& columns) {
  return gives(scan, scan.source->current_watermark_column, columns) ||
         gives(scan, scan.source->split_watermark_column, columns);
}

// The table's columns, and fields of them, that the scan needs of the connector, and its expressions over just these.
ScanTable make_scan_table(const LogicalScan& scan) {
  const ScanSource& source = *scan.source;
  ScanTable physical;
  physical.table = source.name;
  physical.options = source.options;
  physical.written_at = scan.written_at;
  for (int column : scan.columns) physical.projections.push_back(source.columns[column]);
  for (const FieldPath& path : scan.fields) {
    physical.projections.push_back(access_field(source.columns[path.column], path.fields));
  }
  std::vector<FieldPath> read;  // in the order of the physical columns, then the metadata
  std::vector<FieldPath> used = used_fields(source, physical.projections);
  for (bool metadata : {false, true}) {
    for (const FieldPath& path : used) {
      const ScanSource::BaseColumn& base = source.base[path.column];
      if (base.metadata_key.has_value() != metadata) continue;
      read.push_back(path);
      if (metadata) {
        physical.metadata.push_back({*base.metadata_key, base.field.type});
        continue;
      }
      ExprPtr column = expr::Expr::column(static_cast<size_t>(path.column), base.field.type, base.field.name);
      physical.physical.push_back({base.field.name, access_field(std::move(column), path.fields)->type()});
      physical.fields.push_back(field_names(base.field.type, path.fields));
    }
  }
  auto place = [&](const FieldPath& path, const ExprPtr& use) -> ExprPtr {
    auto at = std::ranges::find(read, path);
    if (at == read.end()) return nullptr;
    return expr::Expr::column(static_cast<size_t>(at - read.begin()), use->type(), use->to_string());
  };
  bool in_order = physical.projections.size() == read.size();
  for (size_t i = 0; i < physical.projections.size(); ++i) {
    ExprPtr& expression = physical.projections[i];
    expression = replace_fields(expression, place);
    in_order = in_order && expression->kind() == expr::Expr::Kind::kColumn && expression->column_index() == i;
  }
  if (in_order) physical.projections.clear();
  physical.filter = scan.filter;
  physical.filtered_again = scan.filtered_again;
  physical.tells_watermark = scan.with_watermark;
  if (scan.with_watermark || gives(scan, source.split_watermark_column, Columns(scan.columns.size(), true))) {
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
  for (const FieldPath& path : op.fields) {
    ExprPtr field = access_field(column_of(op.source->schema, path.column), path.fields);
    derived.add(field->to_string(), field->type());
  }
  derived.traits = map_traits(op.source->traits, invert(op.columns, op.source->schema.size()));
  if (!op.with_watermark) derived.traits.time_columns.clear();
  return derived;
}

Pruned prune(const LogicalScan& op, const LogicalNode& node, const Columns& needed) {
  Columns kept = needed;
  need(kept, op.filter);
  LogicalScan pruned;
  pruned.source = op.source;
  pruned.written_at = op.written_at;
  // The watermark is made only where the column that it is about is used.
  auto watermark_column = std::ranges::find(op.columns, op.source->watermark_column);
  const bool reads_watermark = gives_watermark(op, kept);
  if (reads_watermark) kept[static_cast<size_t>(watermark_column - op.columns.begin())] = true;
  bool needs_time = (op.with_watermark || reads_watermark) && watermark_column != op.columns.end() &&
                    kept[static_cast<size_t>(watermark_column - op.columns.begin())];
  if (needs_time) {
    Columns of_source(op.source->schema.size(), false);
    need(of_source, op.source->watermark);
    for (size_t i = 0; i < op.columns.size(); ++i) kept[i] = kept[i] || of_source[op.columns[i]];
  }
  pruned.with_watermark = op.with_watermark && needs_time;
  pruned.window_ends = op.window_ends;
  std::vector<int> mapping(kept.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    mapping[i] = static_cast<int>(names.size());
    names.push_back(node.schema[i].name);
    if (i < op.columns.size()) {
      pruned.columns.push_back(op.columns[i]);
    } else {
      pruned.fields.push_back(op.fields[i - op.columns.size()]);
    }
  }
  if (op.filter != nullptr) pruned.filter = expr::remap_columns(op.filter, mapping);
  return {make_node(std::move(pruned), {}, std::move(names)), std::move(mapping)};
}

LogicalPtr push_filter(const LogicalScan& op, const LogicalPtr& node, Conjuncts conjuncts) {
  if (op.source->kind != ScanSource::Kind::kTable || conjuncts.empty()) return with_filter(node, std::move(conjuncts));
  // A row gets the watermark behind the filter.
  Conjuncts above;
  Conjuncts inside;
  for (ExprPtr& one : conjuncts) {
    Columns used(node->schema.size(), false);
    need(used, one);
    (gives_watermark(op, used) ? above : inside).push_back(std::move(one));
  }
  if (inside.empty()) return with_filter(node, std::move(above));
  LogicalScan filtered = op;
  if (op.filter != nullptr) inside.insert(inside.begin(), op.filter);
  filtered.filter = expr::join_conjunction(std::move(inside));
  return with_filter(make_node(std::move(filtered), {}, column_names(*node)), std::move(above));
}

Result<PhysicalPtr> convert(const LogicalScan& op, const LogicalNode& node, PhysicalInputs /*inputs*/) {
  switch (op.source->kind) {
    case ScanSource::Kind::kTable: return make_physical_node(make_scan_table(op), {}, node);
    case ScanSource::Kind::kView: {
      ScanView scan{op.source->name, op.columns, op.written_at};
      for (const int column : op.columns) scan.names.push_back(op.source->schema[column].name);
      return make_physical_node(std::move(scan), {}, node);
    }
    case ScanSource::Kind::kSystem: return make_physical_node(ScanSystem{op.source->name, op.columns}, {}, node);
  }
  return make_error(ErrorCode::kInternal, "a scan of an unknown kind");
}

Description describe(const ScanTable& op, const PhysicalNode& node) {
  Description out{.kind = "ScanTable", .details = {}};
  out.add("table", op.table);
  std::vector<std::string> reads;
  for (size_t i = 0; i < op.physical.size(); ++i) {
    reads.push_back(op.physical[i].name);
    for (const std::string& field : op.fields[i]) reads.back() += "." + field;
  }
  out.add("reads", list_text(reads));
  std::vector<std::string> metadata;
  for (const ScanTable::Metadata& column : op.metadata) metadata.push_back(column.key);
  if (!metadata.empty()) out.add("metadata", list_text(metadata));
  if (!op.projections.empty()) out.add("columns", expression_list(op.projections, node.schema));
  if (op.filter != nullptr) out.add("filter", op.filter->to_string());
  if (op.watermark != nullptr) out.add("watermark", op.watermark->to_string());
  std::vector<std::string> options;
  for (const auto& [key, value] : op.options) options.push_back(fmt::format("{} = {}", key, value));
  if (!options.empty()) out.add("options", list_text(options));
  return out;
}

Description describe(const ScanView& op, const PhysicalNode& node) {
  return {.kind = "ScanView", .details = {{"view", op.view}, {"reads", name_list(node.schema)}}};
}

Description describe(const ScanSystem& op, const PhysicalNode& node) {
  return {.kind = "ScanSystem", .details = {{"table", op.table}, {"reads", name_list(node.schema)}}};
}

}  // namespace penstock::plan
