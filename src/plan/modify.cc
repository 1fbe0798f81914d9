#include "plan/modify.h"

#include <algorithm>

#include "base/suggest.h"
#include "plan/binder.h"
#include "sql/statement.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// Where each physical column is among all columns of the table.
std::vector<size_t> physical_columns(const catalog::Table& table) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].is_physical()) columns.push_back(i);
  }
  return columns;
}

// The native table that a statement changes.
Result<catalog::EntryPtr> find_native_table(const sql::QualifiedName& name, std::string_view statement,
                                            const PlanContext& context) {
  catalog::EntryPtr entry = PENSTOCK_TRY(find_target(name, context));
  if (!entry->table()->is_native()) {
    return unsupported("{} needs a table without a connector: what {} reads only grows", statement, entry->name)
        .at(name.position().offset);
  }
  return entry;
}

// The value that a SET gives a physical column of the table.
struct BoundAssignment {
  size_t column = 0;  // among the physical ones
  ExprPtr value;
};

Result<BoundAssignment> bind_assignment(const sql::Assignment& assignment, const types::Schema& physical,
                                        Binder& binder, const Scope& scope) {
  int column = types::find_field(physical, assignment.column.text);
  if (column < 0) {
    std::vector<std::string> names;
    for (const types::Field& field : physical) names.push_back(field.name);
    return not_found("there is no column {} that could be set", assignment.column.text)
        .at(assignment.column.position.offset)
        .hint(did_you_mean(assignment.column.text, names));
  }
  ExprPtr value = PENSTOCK_TRY(binder.bind_expression(*assignment.value, {.scope = &scope, .place = "in SET"}));
  Result<ExprPtr> assigned = assign(std::move(value), physical[column].type, binder.has_unknown_parameters());
  if (!assigned) {
    return std::move(assigned)
        .error()
        .context("column " + assignment.column.text)
        .at(assignment.value->position.offset);
  }
  return BoundAssignment{static_cast<size_t>(column), *std::move(assigned)};
}

// Replaces the values of the columns that are assigned to.
Status apply_assignments(const std::vector<sql::Assignment>& assignments, const types::Schema& physical, Binder& binder,
                         const Scope& scope, std::vector<ExprPtr>& row) {
  std::vector<bool> set(row.size(), false);
  for (const sql::Assignment& assignment : assignments) {
    BoundAssignment bound = PENSTOCK_TRY(bind_assignment(assignment, physical, binder, scope));
    if (set[bound.column]) {
      return invalid_argument("column {} is set twice", assignment.column.text).at(assignment.column.position.offset);
    }
    set[bound.column] = true;
    row[bound.column] = std::move(bound.value);
  }
  return {};
}

PlanContext bounded(PlanContext context) {
  context.mode = PlanMode::kBounded;
  return context;
}

}  // namespace

Result<PlannedChange> plan_update(const sql::Update& update, const PlanContext& context) {
  catalog::EntryPtr entry = PENSTOCK_TRY(find_native_table(update.table, "UPDATE", context));
  const catalog::Table& table = *entry->table();
  PlanContext plan_context = bounded(context);
  Binder binder(plan_context);
  auto [plan, scope] = PENSTOCK_TRY(binder.bind_rows(update.table));
  if (update.where) plan = PENSTOCK_TRY(binder.bind_where(std::move(plan), scope, *update.where));
  std::vector<ExprPtr> old_row;
  std::vector<std::string> names;
  for (size_t column : physical_columns(table)) {
    old_row.push_back(scope.column(column));
    names.push_back(table.columns[column].name);
  }
  std::vector<ExprPtr> expressions = old_row;
  PENSTOCK_TRY(apply_assignments(update.assignments, table.physical_schema(), binder, scope, expressions));
  expressions.insert(expressions.begin(), old_row.begin(), old_row.end());
  names.insert(names.end(), names.begin(), names.begin() + static_cast<ptrdiff_t>(old_row.size()));
  plan = make_project(std::move(plan), std::move(expressions), std::move(names));
  return PlannedChange{entry->name, PENSTOCK_TRY(finish_plan(std::move(plan), binder, plan_context))};
}

Result<PlannedChange> plan_delete(const sql::Delete& statement, const PlanContext& context) {
  catalog::EntryPtr entry = PENSTOCK_TRY(find_native_table(statement.table, "DELETE", context));
  PlanContext plan_context = bounded(context);
  Binder binder(plan_context);
  auto [plan, scope] = PENSTOCK_TRY(binder.bind_rows(statement.table));
  if (statement.where) plan = PENSTOCK_TRY(binder.bind_where(std::move(plan), scope, *statement.where));
  std::vector<int> columns;
  for (size_t column : physical_columns(*entry->table())) columns.push_back(static_cast<int>(column));
  plan = make_selection(std::move(plan), columns);
  return PlannedChange{entry->name, PENSTOCK_TRY(finish_plan(std::move(plan), binder, plan_context))};
}

Result<std::vector<ExprPtr>> plan_on_conflict(const sql::OnConflict& conflict, const catalog::Entry& entry,
                                              const PlanContext& context) {
  const catalog::Table& table = *entry.table();
  if (table.primary_key.empty()) {
    return invalid_argument("ON CONFLICT needs a table with a primary key, and {} has none", entry.name)
        .at(conflict.position.offset);
  }
  for (const sql::Identifier& name : conflict.columns) {
    int column = types::find_field(entry.schema(), name.text);
    bool in_key = conflict.columns.size() == table.primary_key.size() &&
                  std::ranges::find(table.primary_key, column) != table.primary_key.end();
    if (in_key) continue;
    return invalid_argument("ON CONFLICT can name only the primary key's columns, all of them")
        .at(name.position.offset);
  }
  if (conflict.assignments.empty()) return std::vector<ExprPtr>();
  types::Schema physical = table.physical_schema();
  Scope scope(entry.name, physical);
  scope.append("EXCLUDED", physical);
  std::vector<ExprPtr> row;
  for (size_t i = 0; i < physical.size(); ++i) row.push_back(scope.column(i));
  Binder binder(context);
  PENSTOCK_TRY(apply_assignments(conflict.assignments, physical, binder, scope, row));
  return row;
}

Result<PlannedReturning> plan_returning(const std::vector<sql::SelectItem>& items, const catalog::Entry& entry,
                                        const PlanContext& context) {
  PlannedReturning returning;
  if (items.empty()) return returning;
  Scope scope(entry.name, entry.table()->physical_schema());
  Binder binder(context);
  Binder::SelectList list = PENSTOCK_TRY(binder.bind_select_list(items, {.scope = &scope, .place = "in RETURNING"}));
  for (size_t i = 0; i < list.expressions.size(); ++i) {
    returning.schema.push_back({list.names[i], list.expressions[i]->type()});
  }
  returning.expressions = std::move(list.expressions);
  return returning;
}

}  // namespace penstock::plan
