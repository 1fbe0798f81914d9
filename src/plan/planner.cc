#include "plan/planner.h"

#include <algorithm>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/close_windows.h"
#include "plan/determinism.h"
#include "plan/hints.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "plan/state_ttl.h"
#include "plan/table_changes.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// The columns of a table that an INSERT can write, by their place in the table.
std::vector<size_t> writable_columns(const catalog::Table& table) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const catalog::Column& column = table.columns[i];
    if (column.is_physical() || (column.metadata && !column.metadata->is_virtual)) columns.push_back(i);
  }
  return columns;
}

// The values of PARTITION by their place among `writable`; null for the other columns.
std::vector<ExprPtr> fixed_values(const std::vector<PartitionValue>& partition, const std::vector<size_t>& writable) {
  std::vector<ExprPtr> fixed(writable.size());
  for (const PartitionValue& one : partition) {
    fixed[static_cast<size_t>(std::ranges::find(writable, one.column) - writable.begin())] = one.value;
  }
  return fixed;
}

// For each value of the query the place of its column among `writable`.
Result<std::vector<size_t>> target_places(const sql::Insert& insert, const catalog::Table& table,
                                          const std::vector<size_t>& writable, const std::vector<ExprPtr>& fixed) {
  std::vector<size_t> places;
  std::vector<std::string> names;
  types::Schema schema;
  for (size_t column : writable) {
    names.push_back(table.columns[column].name);
    schema.push_back({table.columns[column].name, table.columns[column].type});
  }
  if (insert.default_values) return places;
  if (insert.columns.empty()) {
    for (size_t i = 0; i < writable.size(); ++i) {
      if (fixed[i] == nullptr) places.push_back(i);
    }
    return places;
  }
  for (const sql::Identifier& name : insert.columns) {
    int found = types::find_field(schema, name.text);
    if (found < 0) {
      return not_found("there is no column {} to insert into", name.text)
          .at(name.position.offset)
          .hint(did_you_mean(name.text, names));
    }
    if (fixed[static_cast<size_t>(found)] != nullptr) {
      return invalid_argument("column {} has its value from PARTITION", name.text).at(name.position.offset);
    }
    if (std::ranges::find(places, static_cast<size_t>(found)) != places.end()) {
      return invalid_argument("column {} is named twice", name.text).at(name.position.offset);
    }
    places.push_back(static_cast<size_t>(found));
  }
  return places;
}

// A column of a plan's output; where the plan computes it as a constant, the constant.
ExprPtr output_of(const LogicalNode& plan, int column) {
  const auto* project = plan.get_if<Project>();
  bool constant = project != nullptr && project->expressions[column]->is_literal();
  return constant ? project->expressions[column] : column_of(plan.schema, column);
}

// The query's columns cast and put into the table's order; what is `fixed`, or else NULL, where there is none.
Result<LogicalPtr> cast_to_target(LogicalPtr plan, const catalog::Table& table, const std::vector<size_t>& writable,
                                  const std::vector<size_t>& places, const std::vector<ExprPtr>& fixed,
                                  sql::Position position, const Binder& binder, const PlanContext& context) {
  if (plan->schema.size() != places.size()) {
    return invalid_argument("the query gives {} columns, but {} are to be inserted", plan->schema.size(), places.size())
        .at(position.offset);
  }
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  for (size_t i = 0; i < writable.size(); ++i) {
    const catalog::Column& column = table.columns[writable[i]];
    names.push_back(column.name);
    if (fixed[i] != nullptr) {
      expressions.push_back(fixed[i]);
      continue;
    }
    auto source = std::ranges::find(places, i);
    if (source == places.end()) {
      Result<ExprPtr> value = default_of(column, context);
      if (!value) return std::move(value).error().at(position.offset);
      expressions.push_back(*std::move(value));
      continue;
    }
    ExprPtr value = output_of(*plan, static_cast<int>(source - places.begin()));
    Result<ExprPtr> cast = assign(std::move(value), column.type, binder.has_unknown_parameters());
    if (!cast) return std::move(cast).error().context("column " + column.name).at(position.offset);
    expressions.push_back(*std::move(cast));
  }
  return make_project(std::move(plan), std::move(expressions), std::move(names));
}

std::vector<int> columns_of_key(const types::Schema& rows, const catalog::Table& table) {
  std::vector<int> key;
  for (int column : table.primary_key) key.push_back(types::find_field(rows, table.columns[column].name));
  return key;
}

// The rows of a query for a table that is told what has become of them: all forms of a row come from one task.
PhysicalPtr events_of(PhysicalPtr rows, const catalog::Table& table) {
  if (rows->traits.append_only) return rows;
  std::vector<int> key = columns_of_key(rows->schema, table);
  if (key.empty()) key = identity(rows->schema.size());
  return exchange_by(std::move(rows), key);
}

// The rows of a query for a table in which one takes the place of the last one with its primary key: all of a key come
// from one task. Where the query may have several rows of a key at once, the one that came last counts, as long as it
// is there.
PhysicalPtr upserts_of(PhysicalPtr rows, const catalog::Table& table) {
  const std::vector<int> key = columns_of_key(rows->schema, table);
  const std::optional<std::vector<int>>& unique = rows->traits.key;
  const bool one_of_each =
      unique && std::ranges::all_of(*unique, [&](int column) { return std::ranges::find(key, column) != key.end(); });
  PhysicalPtr by_key = exchange_by(std::move(rows), key);
  if (by_key->traits.append_only || one_of_each) return by_key;
  Rank last{.partition_by = key, .order_by = {}, .last = 1, .with_rank = false, .input_append_only = false};
  last.last_first = true;
  PhysicalNode node{std::move(last), {by_key}, by_key->schema, by_key->traits};
  node.traits.key = key;
  node.traits.time_columns.clear();
  node.traits.window.reset();
  node.traits.closing_window.reset();
  return std::make_shared<const PhysicalNode>(std::move(node));
}

}  // namespace

LogicalPtr plan_in_zone(const LogicalPtr& plan, const types::TimeZone* zone) {
  const types::TimeZone& known = zone == nullptr ? types::TimeZone::utc() : *zone;
  return map_expressions(plan, [&](const ExprPtr& expression) { return expr::in_time_zone(expression, known); });
}

namespace {

// What is told to whoever reads the result.
enum class Takes : uint8_t { kChanges, kOnlyInserts };

Result<PlannedQuery> finish_plan_for(Takes reader, LogicalPtr plan, const Binder& binder, const PlanContext& context) {
  std::vector<std::string> names = column_names(*plan);
  if (is_correlated(*plan)) return make_error(ErrorCode::kInternal, "a column of an outer query is left in the plan");
  PlannedQuery planned;
  planned.bound = plan;
  plan = plan_in_zone(plan, context.eval.zone);
  RuleContext rule_context{.eval = context.eval, .mode = context.mode, .cancelled = context.cancelled};
  plan = PENSTOCK_TRY(optimize(std::move(plan), rule_context, context.disabled_rules));
  if (reader == Takes::kOnlyInserts) plan = close_windows(plan);
  const int64_t ttl_us = context.mode == PlanMode::kStreaming ? context.state_ttl_us : 0;
  PhysicalNode root = *with_state_ttl(PENSTOCK_TRY(make_physical(plan)), ttl_us);
  if (context.mode == PlanMode::kStreaming) PENSTOCK_TRY(check_determinism(root));
  for (size_t i = 0; i < names.size(); ++i) root.schema[i].name = std::move(names[i]);
  planned.root = std::make_shared<const PhysicalNode>(std::move(root));
  planned.parameter_types = binder.parameter_types();
  planned.dependencies = binder.dependencies();
  planned.functions = binder.functions();
  planned.state_ttl_us = ttl_us;
  return planned;
}

}  // namespace

Result<PlannedQuery> finish_plan(LogicalPtr plan, const Binder& binder, const PlanContext& context) {
  return finish_plan_for(Takes::kChanges, std::move(plan), binder, context);
}

Result<catalog::EntryPtr> find_target(const sql::QualifiedName& name, const PlanContext& context) {
  std::string full_name = PENSTOCK_TRY(context.catalog->resolve(name, context.names));
  Result<catalog::EntryPtr> entry = context.catalog->get(catalog::NameSpace::kRelation, full_name);
  if (!entry) return std::move(entry).error().at(name.position().offset);
  if ((*entry)->table() == nullptr) {
    return invalid_argument("{} is a {}: only tables can be written to", (*entry)->name, (*entry)->kind_name())
        .at(name.position().offset);
  }
  return entry;
}

Result<ExprPtr> default_of(const catalog::Column& column, const PlanContext& context,
                           std::vector<std::string>* functions) {
  if (!column.default_value.empty()) {
    sql::Expression parsed = PENSTOCK_TRY(sql::parse_expression(column.default_value));
    Binder binder(context);
    ExprPtr value = PENSTOCK_TRY(binder.bind_expression(parsed, {.place = "in DEFAULT"}));
    if (functions != nullptr) functions->insert(functions->end(), binder.functions().begin(), binder.functions().end());
    return assign(std::move(value), column.type);
  }
  if (!column.type.nullable()) return invalid_argument("column {} is NOT NULL and needs a value", column.name);
  return expr::Expr::literal({}, column.type);
}

Result<PlannedQuery> plan_query(const sql::Query& query, const PlanContext& context) {
  Binder binder(context);
  LogicalPtr plan = PENSTOCK_TRY(binder.bind_query(query));
  return finish_plan(std::move(plan), binder, context);
}

Result<std::vector<PartitionValue>> bind_partition(const std::vector<sql::Assignment>& partition,
                                                   const catalog::Entry& table, const PlanContext& context) {
  const std::vector<catalog::Column>& columns = table.columns();
  std::vector<PartitionValue> bound;
  Binder binder(context);
  for (const auto& [names, written] : partition) {
    const sql::Identifier& name = names.front();
    const auto column = std::ranges::find_if(columns, [&](const catalog::Column& one) {
      return catalog::partition_level(one) && sql::equal_ignoring_case(one.name, name.text);
    });
    if (column == columns.end()) {
      return invalid_argument("{} is not PARTITIONED BY a column {}", table.plain_name(), name.text)
          .at(name.position.offset);
    }
    const auto place = static_cast<size_t>(column - columns.begin());
    if (std::ranges::find(bound, place, &PartitionValue::column) != bound.end()) {
      return invalid_argument("column {} is in PARTITION twice", name.text).at(name.position.offset);
    }
    ExprPtr value = PENSTOCK_TRY(binder.bind_expression(*written, {.place = "in PARTITION"}));
    Result<ExprPtr> cast =
        value->is_null_literal() ? assign(value, column->type) : expr::bind_cast(value, column->type);
    if (!cast) return std::move(cast).error().context("column " + name.text).at(written->position.offset);
    value = expr::fold_constants(*cast, context.eval);
    if (!value->is_literal()) {
      return invalid_argument("PARTITION needs a constant of type {} for {}",
                              column->type.with_nullable(true).to_string(), name.text)
          .at(written->position.offset)
          .hint("leave the column out of PARTITION, and let the query give it");
    }
    bound.push_back({place, std::move(value)});
  }
  return bound;
}

Result<PlannedInsert> plan_insert(const sql::Insert& insert, const PlanContext& context) {
  HintedTable hinted =
      PENSTOCK_TRY(apply_hints(PENSTOCK_TRY(find_target(insert.table, context)), insert.hints, context));
  PlannedInsert planned = PENSTOCK_TRY(plan_insert_into(*hinted.entry, insert, context));
  planned.options = std::move(hinted.options);
  return planned;
}

Result<PlannedInsert> plan_insert_into(const catalog::Entry& target, const sql::Insert& insert,
                                       const PlanContext& of_session) {
  const catalog::Table& table = *target.table();
  PlanContext context = of_session;
  context.expands_materialized_views = !table.is_native();
  const std::vector<size_t> writable = writable_columns(table);
  Binder binder(context);
  std::vector<PartitionValue> partition = PENSTOCK_TRY(bind_partition(insert.partition, target, context));
  const std::vector<ExprPtr> fixed = fixed_values(partition, writable);
  const std::vector<size_t> places = PENSTOCK_TRY(target_places(insert, table, writable, fixed));
  std::vector<types::DataType> types;
  for (size_t place : places) types.push_back(table.columns[writable[place]].type);
  LogicalPtr plan = make_values({{}}, {});
  if (!insert.default_values) {
    binder.expect_values(*insert.query, std::move(types),
                         [&](size_t place) { return default_of(table.columns[writable[places[place]]], context); });
    plan = PENSTOCK_TRY(binder.bind_query(*insert.query));
  }
  plan = PENSTOCK_TRY(
      cast_to_target(std::move(plan), table, writable, places, fixed, insert.query->position, binder, context));
  const Takes reader = takes_only_inserts(table) ? Takes::kOnlyInserts : Takes::kChanges;
  PlannedQuery query = PENSTOCK_TRY(finish_plan_for(reader, std::move(plan), binder, context));
  if (takes_upserts(table)) query.root = with_state_ttl(upserts_of(std::move(query.root), table), query.state_ttl_us);
  if (takes_events(table)) query.root = events_of(std::move(query.root), table);
  return PlannedInsert{.target = target.name,
                       .made = nullptr,
                       .options = {},
                       .query = std::move(query),
                       .overwrite = insert.overwrite,
                       .partition = std::move(partition)};
}

}  // namespace penstock::plan
