// What stands after FROM.
#include <algorithm>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/hints.h"
#include "plan/node.h"
#include "plan/state_ttl.h"
#include "plan/table_changes.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using sql::equal_ignoring_case;

// The same error without its position, which is one in another text.
Error without_position(const Error& error, std::string_view context) {
  return Error(error.code(), error.message()).hint(error.hint()).context(context);
}

// Whether the connector can read single fields of ROW columns.
bool reads_fields(const catalog::Table& table) {
  const std::string* connector = catalog::find_option(table.options, "connector");
  if (*connector == "nexmark") return true;
  const std::string* format = format_of(table);
  bool of_records = *connector == "kafka" || *connector == "filesystem";
  // Some columns may be in the keys of records.
  if (catalog::find_option(table.options, "value.fields-include") != nullptr) return false;
  return of_records && format != nullptr && *format == "json";
}

}  // namespace

LogicalPtr make_scan(std::shared_ptr<const ScanSource> source) {
  LogicalScan scan;
  scan.source = std::move(source);
  for (size_t i = 0; i < scan.source->schema.size(); ++i) scan.columns.push_back(static_cast<int>(i));
  scan.with_watermark = scan.source->watermark != nullptr && !scan.source->traits.bounded;
  return make_node(std::move(scan), {});
}

Result<Binder::Named> Binder::bind_tables(std::span<const sql::TableReference> tables) {
  if (tables.empty()) return Named(make_values({{}}, {}), Scope());
  Named all = PENSTOCK_TRY(bind_table(tables.front()));
  for (size_t i = 1; i < tables.size(); ++i) {
    all = PENSTOCK_TRY(bind_cross_join(std::move(all), tables[i]));
    all.first = with_join_hints(std::move(all.first), i == 1 ? &tables.front() : nullptr, tables[i]);
  }
  return all;
}

Result<Binder::Named> Binder::bind_table(const sql::TableReference& table) {
  if (const auto* join = std::get_if<sql::Join>(&table.node)) return bind_join(*join);
  if (is_lateral(table)) return bind_unnest(Named(make_values({{}}, {}), Scope()), table, false);
  LogicalPtr plan;
  std::string name;
  if (const auto* named = std::get_if<sql::NamedTable>(&table.node)) {
    if (named->as_of) {
      return unsupported("FOR SYSTEM_TIME AS OF stands only on the right of a JOIN").at(named->as_of->position.offset);
    }
    name = named->name.parts.back().text;
    plan = PENSTOCK_TRY(bind_named_table(named->name, named->hints));
  } else if (const auto* derived = std::get_if<sql::DerivedTable>(&table.node)) {
    plan = PENSTOCK_TRY(bind_query(*derived->query));
  } else if (const auto* match = std::get_if<sql::MatchRecognize>(&table.node)) {
    plan = PENSTOCK_TRY(bind_match(*match));
  } else {
    const sql::FunctionCall& call = std::get<sql::TableFunction>(table.node).call;
    plan = PENSTOCK_TRY(located(bind_table_function(call), call.name.position()));
  }
  return name_table(table, std::move(name), std::move(plan));
}

Result<Binder::Named> Binder::name_table(const sql::TableReference& table, std::string name, LogicalPtr plan) {
  if (table.alias) {
    name = table.alias->name.text;
    if (!table.alias->columns.empty()) plan = PENSTOCK_TRY(rename_columns(std::move(plan), table.alias->columns));
  }
  Scope scope(name, plan->schema);
  return Named(std::move(plan), std::move(scope));
}

Result<LogicalPtr> Binder::bind_named_table(const sql::QualifiedName& name, const std::vector<sql::Hint>& hints) {
  if (name.parts.size() == 1) {
    for (size_t table = common_tables_.size(); table-- > 0;) {
      if (!equal_ignoring_case(common_tables_[table].name, name.parts.front().text)) continue;
      PENSTOCK_TRY(refuse_hints(hints));
      PENSTOCK_TRY(note_recursive_uses(table, name.position()));
      return common_tables_[table].plan;
    }
  }
  std::string full_name = PENSTOCK_TRY(context_.catalog->resolve(name, names_));
  if (catalog::is_system_name(full_name)) {
    PENSTOCK_TRY(refuse_hints(hints));
    return bind_system_table(full_name, name.position());
  }
  catalog::EntryPtr entry = context_.catalog->find_relation(full_name);
  if (entry != nullptr) {
    LogicalPtr rows = PENSTOCK_TRY(bind_relation(PENSTOCK_TRY(apply_hints(entry, hints, context_)), name));
    const bool is_query = entry->view() != nullptr || expands(*entry);
    return with_place(rows, name.position().offset, is_query);
  }
  std::vector<std::string> known = context_.catalog->names_in(names_);
  for (const CommonTable& table : common_tables_) known.push_back(table.name);
  return not_found("there is no table or view {}", sql::print(name))
      .at(name.position().offset)
      .hint(did_you_mean(name.parts.back().text, known));
}

Result<LogicalPtr> Binder::bind_system_table(const std::string& name, sql::Position position) {
  auto table = std::ranges::find_if(context_.system_tables,
                                    [&](const auto& known) { return equal_ignoring_case(known.first, name); });
  if (table == context_.system_tables.end()) {
    std::vector<std::string> known;
    for (const auto& [other, schema] : context_.system_tables) known.push_back(other);
    return not_found("there is no table {}", name).at(position.offset).hint(did_you_mean(name, known));
  }
  if (context_.mode == PlanMode::kStreaming && !context_.reads_system_tables) {
    return unsupported("{} can be read only by a SELECT: its changes are not a stream", name).at(position.offset);
  }
  auto source = std::make_shared<ScanSource>();
  source->kind = ScanSource::Kind::kSystem;
  source->name = table->first;
  source->schema = table->second;
  source->traits.bounded = true;
  return make_scan(std::move(source));
}

Result<LogicalPtr> Binder::bind_relation(const HintedTable& hinted, const sql::QualifiedName& name) {
  const catalog::EntryPtr& entry = hinted.entry;
  bool bounded = context_.mode == PlanMode::kBounded;
  add_dependency(entry->name);
  if (entry->view() != nullptr) return located(bind_view(*entry), name.position());
  if (expands(*entry)) return located(bind_expanded(*entry), name.position());
  if (entry->table() != nullptr && entry->table()->is_native()) return bind_native_table(*entry);
  if (entry->table() != nullptr) {
    std::shared_ptr<const ScanSource>& source = table_sources_[{entry->name, hinted.options}];
    if (source == nullptr) {
      Result<std::shared_ptr<const ScanSource>> made = make_table_source(*entry, hinted.options);
      if (!made) return without_position(made.error(), "table " + entry->name).at(name.position().offset);
      source = *std::move(made);
    }
    LogicalPtr scan = make_scan(source);
    if (!gives_events(*entry->table())) return scan;
    return make_node(Normalize{.keys = entry->table()->primary_key}, {std::move(scan)});
  }
  const catalog::MaterializedView& view = *entry->materialized_view();
  auto source = std::make_shared<ScanSource>();
  source->kind = ScanSource::Kind::kView;
  source->name = entry->name;
  source->schema = entry->schema();
  source->traits = {.append_only = bounded || view.append_only, .bounded = bounded, .key = view.key};
  return make_scan(std::move(source));
}

// The rows of a native table are read as those of a materialized view are; computed columns are computed on top.
Result<LogicalPtr> Binder::bind_native_table(const catalog::Entry& entry) {
  const catalog::Table& table = *entry.table();
  bool bounded = context_.mode == PlanMode::kBounded;
  auto source = std::make_shared<ScanSource>();
  source->kind = ScanSource::Kind::kView;
  source->name = entry.name;
  source->schema = table.physical_schema();
  source->traits = {.append_only = bounded, .bounded = bounded, .key = std::nullopt, .time_columns = {}};
  if (!table.primary_key.empty()) source->traits.key = table.physical_key();
  Scope scope(entry.name, source->schema);
  LogicalPtr rows = make_scan(std::move(source));
  if (rows->schema.size() == table.columns.size()) return rows;
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  size_t next_physical = 0;
  for (const catalog::Column& column : table.columns) {
    names.push_back(column.name);
    expressions.push_back(column.is_physical() ? scope.column(next_physical++)
                                               : PENSTOCK_TRY(bind_computed(entry, column, scope)));
  }
  return make_project(std::move(rows), std::move(expressions), std::move(names));
}

// In the time zone of the table.
Result<ExprPtr> Binder::bind_computed(const catalog::Entry& table, const catalog::Column& column, const Scope& scope) {
  const types::TimeZone* zone = PENSTOCK_TRY(types::TimeZone::find(table.time_zone));
  sql::Expression computed = PENSTOCK_TRY(sql::parse_expression(column.computed));
  ExprPtr bound = PENSTOCK_TRY(bind_elsewhere(
      table, [&] { return bind_expression(computed, {.scope = &scope, .place = "in a computed column"}); }));
  return expr::in_time_zone(PENSTOCK_TRY(expr::bind_cast(std::move(bound), column.type)), *zone);
}

Result<std::pair<LogicalPtr, Scope>> Binder::bind_rows(const sql::QualifiedName& name) {
  LogicalPtr plan = PENSTOCK_TRY(bind_named_table(name));
  Scope scope(name.parts.back().text, plan->schema);
  return std::pair(std::move(plan), std::move(scope));
}

bool Binder::expands(const catalog::Entry& entry) const {
  return context_.expands_materialized_views && entry.materialized_view() != nullptr;
}

// With what the view's job keeps of the session that made it.
Result<LogicalPtr> Binder::bind_expanded(const catalog::Entry& view) {
  LogicalPtr plan = PENSTOCK_TRY(bind_view(view));
  const int64_t ttl_us = context_.state_ttl_of ? context_.state_ttl_of(view) : context_.state_ttl_us;
  return ttl_us == context_.state_ttl_us ? plan : with_default_ttl(plan, ttl_us);
}

// A view stands for its query, which knows nothing of the names around it.
Result<LogicalPtr> Binder::bind_view(const catalog::Entry& view) {
  const bool materialized = view.materialized_view() != nullptr;
  Result<sql::Query> query = sql::parse_query(materialized ? view.materialized_view()->query : view.view()->query);
  if (!query) return without_position(query.error(), "view " + view.name);
  // How often the view itself shows what has changed.
  if (materialized && query->emit && query->emit->kind == sql::EmitKind::kEvery) query->emit.reset();
  const types::TimeZone* zone = PENSTOCK_TRY(types::TimeZone::find(view.time_zone));
  const std::vector<catalog::Column>& columns = view.columns();
  Result<LogicalPtr> plan = bind_elsewhere(view, [&] { return bind_query(*query); });
  if (plan) plan = plan_in_zone(*plan, zone);
  if (!plan) return without_position(plan.error(), "view " + view.name);
  if (columns.size() != (*plan)->schema.size()) {
    return invalid_argument("view {} has {} columns, but its query now gives {}", view.name, columns.size(),
                            (*plan)->schema.size())
        .hint("create the view again");
  }
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < columns.size(); ++i) {
    expressions.push_back(column_of((*plan)->schema, static_cast<int>(i)));
    names.push_back(columns[i].name);
  }
  return make_project(*std::move(plan), std::move(expressions), std::move(names));
}

Result<std::shared_ptr<const ScanSource>> Binder::make_table_source(const catalog::Entry& entry,
                                                                    const catalog::Options& hinted) {
  const catalog::Table& table = *entry.table();
  bool bounded = context_.mode == PlanMode::kBounded;
  auto source = std::make_shared<ScanSource>();
  source->name = entry.name;
  source->options = hinted;
  source->schema = entry.schema();
  source->reads_fields = reads_fields(table);
  // A key is a promise that a stream of records does not keep by itself.
  source->traits = {.append_only = true, .bounded = bounded};
  types::Schema base;
  for (const catalog::Column& column : table.columns) {
    if (!column.computed.empty()) continue;
    std::optional<std::string> key;
    if (column.metadata) key = column.metadata->key;
    base.push_back({column.name, column.type});
    source->base.push_back({base.back(), std::move(key)});
  }
  if (gives_events(table)) {
    base.push_back({std::string(kRowIsGone), types::DataType(types::TypeKind::kBoolean).with_nullable(false)});
    source->base.push_back({base.back(), base.back().name});
    source->schema.push_back(base.back());
  }
  Scope base_scope(entry.name, base);
  size_t next_base = 0;
  for (const catalog::Column& column : table.columns) {
    if (column.computed.empty()) {
      source->columns.push_back(base_scope.column(next_base++));
      continue;
    }
    source->columns.push_back(PENSTOCK_TRY(bind_computed(entry, column, base_scope)));
  }
  if (gives_events(table)) source->columns.push_back(base_scope.column(next_base));
  for (size_t i = 0; i < source->columns.size(); ++i) {
    if (is_processing_time(*source->columns[i])) source->traits.processing_times.push_back(static_cast<int>(i));
  }
  source->primary_key = table.primary_key;
  if (table.watermark) source->watermark_column = table.watermark->column;
  if (table.watermark) {
    Scope scope(entry.name, source->schema);
    sql::Expression watermark = PENSTOCK_TRY(sql::parse_expression(table.watermark->expression));
    source->watermark = PENSTOCK_TRY(bind_expression(watermark, {.scope = &scope, .place = "in WATERMARK"}));
    source->watermark = expr::in_time_zone(source->watermark, *PENSTOCK_TRY(types::TimeZone::find(entry.time_zone)));
    if (!bounded) source->traits.time_columns = {table.watermark->column};
  }
  return std::shared_ptr<const ScanSource>(std::move(source));
}

void Binder::add_dependency(const std::string& name) {
  // What a view reads is the view's affair: it cannot be dropped while the view is there.
  if (view_depth_ > 0 || std::ranges::find(dependencies_, name) != dependencies_.end()) return;
  dependencies_.push_back(name);
}

}  // namespace penstock::plan
