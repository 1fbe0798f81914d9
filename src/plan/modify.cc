#include "plan/modify.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/suggest.h"
#include "expr/aggregate.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "sql/keywords.h"
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

PlanContext bounded(PlanContext context) {
  context.mode = PlanMode::kBounded;
  return context;
}

// The table that a statement changes. A common table of its WITH may have the same name, so it is bound first.
class Target {
 public:
  static Result<Target> bind(const sql::TargetTable& table, std::string_view statement, Binder& binder,
                             const PlanContext& context) {
    Target target;
    target.entry_ = PENSTOCK_TRY(find_native_table(table.name, statement, context));
    std::tie(target.plan_, target.scope_) = PENSTOCK_TRY(binder.bind_rows(table.name));
    target.name_ = table.alias ? table.alias->text : table.name.parts.back().text;
    target.scope_ = Scope(target.name_, target.plan_->schema);
    target.physical_ = physical_columns(target.table());
    return target;
  }

  const std::string& full_name() const { return entry_->name; }
  const std::string& name() const { return name_; }
  const catalog::Table& table() const { return *entry_->table(); }
  const LogicalPtr& plan() const { return plan_; }
  const Scope& scope() const { return scope_; }
  types::Schema physical_schema() const { return table().physical_schema(); }
  // Where its physical columns are among all of its columns.
  const std::vector<size_t>& physical() const { return physical_; }

  // Its rows, and behind their columns for how many equal ones each stands: they have no identity but their values, or
  // their key.
  Result<LogicalPtr> counted_rows() const {
    const size_t columns = plan_->schema.size();
    if (!table().primary_key.empty()) {
      std::vector<ExprPtr> expressions;
      for (size_t i = 0; i < columns; ++i) expressions.push_back(column_of(plan_->schema, static_cast<int>(i)));
      const types::DataType count = types::DataType(types::TypeKind::kBigInt).with_nullable(false);
      expressions.push_back(expr::Expr::literal(types::Value(int64_t{1}), count));
      std::vector<std::string> names = column_names(*plan_);
      names.emplace_back("rows");
      return make_project(plan_, std::move(expressions), std::move(names));
    }
    Aggregate group;
    for (size_t i = 0; i < columns; ++i) group.keys.push_back(static_cast<int>(i));
    AggregateCall count;
    count.function = PENSTOCK_TRY(expr::bind_aggregate("COUNT", types::DataType(), false));
    count.argument = -1;
    group.calls.push_back(std::move(count));
    return make_node(std::move(group), {plan_});
  }

 private:
  catalog::EntryPtr entry_;
  std::string name_;  // in the statement
  LogicalPtr plan_;
  Scope scope_;
  std::vector<size_t> physical_;
};

// The rows that a statement may change. Of a joined table the columns of the other tables stand in front, and the count
// of Target::counted_rows() behind.
struct ChangedRows {
  LogicalPtr plan;
  Scope scope;
  Scope others;
  bool joined = false;

  size_t first() const { return others.size(); }  // column of the target
  size_t count() const { return scope.size(); }
};

Result<ChangedRows> bind_changed_rows(const Target& target, const std::vector<sql::TableReference>& from,
                                      const sql::Expression* where, Binder& binder) {
  ChangedRows rows{.plan = target.plan(), .scope = target.scope(), .others = {}, .joined = !from.empty()};
  if (rows.joined) {
    auto others = PENSTOCK_TRY(binder.bind_tables(from));
    rows.others = others.second;
    std::pair counted(PENSTOCK_TRY(target.counted_rows()), target.scope());
    std::tie(rows.plan, rows.scope) = PENSTOCK_TRY(
        binder.join_tables(JoinKind::kInner, std::move(others), std::move(counted), nullptr, from.front().position));
  }
  if (where != nullptr) rows.plan = PENSTOCK_TRY(binder.bind_where(std::move(rows.plan), rows.scope, *where));
  return rows;
}

// Binds SET and VALUES: in what they can look, and where their subqueries are collected.
struct RowBinder {
  const catalog::Table& table;
  types::Schema physical;
  Binder& binder;
  const PlanContext& plan_context;
  ExpressionContext context;

  RowBinder(const catalog::Table& of, Binder& with, const PlanContext& planned, ExpressionContext in)
      : table(of), physical(of.physical_schema()), binder(with), plan_context(planned), context(in) {}

  Result<size_t> find_column(const sql::Identifier& name) const {
    const int column = types::find_field(physical, name.text);
    if (column >= 0) return static_cast<size_t>(column);
    std::vector<std::string> names;
    for (const types::Field& field : physical) names.push_back(field.name);
    return not_found("there is no column {} that could be set", name.text)
        .at(name.position.offset)
        .hint(did_you_mean(name.text, names));
  }

  // The value as one of the column.
  Result<ExprPtr> assigned(ExprPtr value, size_t column, sql::Position position) const {
    Result<ExprPtr> fitting = assign(std::move(value), physical[column].type, binder.has_unknown_parameters());
    if (fitting) return fitting;
    return std::move(fitting).error().context("column " + physical[column].name).at(position.offset);
  }

  // An empty value is the column's DEFAULT.
  Result<ExprPtr> bind(const sql::Expression* value, size_t column, sql::Position position) const {
    if (value == nullptr) {
      Result<ExprPtr> standard = default_of(table.columns[physical_columns(table)[column]], plan_context);
      if (standard) return standard;
      return std::move(standard).error().at(position.offset);
    }
    binder.suggest_parameter_type(*value, physical[column].type);
    return assigned(PENSTOCK_TRY(binder.bind_expression(*value, context)), column, value->position);
  }

  // Replaces the values of the columns that are assigned to.
  Status apply(const std::vector<sql::Assignment>& assignments, std::vector<ExprPtr>& row) const {
    std::vector<bool> set(row.size(), false);
    for (const sql::Assignment& assignment : assignments) {
      std::vector<ExprPtr> values;
      if (assignment.columns.size() > 1) {
        values = PENSTOCK_TRY(binder.bind_row_subquery(*assignment.value, assignment.columns.size(), context));
      }
      for (size_t i = 0; i < assignment.columns.size(); ++i) {
        const sql::Identifier& name = assignment.columns[i];
        const size_t column = PENSTOCK_TRY(find_column(name));
        if (set[column]) return invalid_argument("column {} is set twice", name.text).at(name.position.offset);
        set[column] = true;
        row[column] = values.empty() ? PENSTOCK_TRY(bind(assignment.value.get(), column, name.position))
                                     : PENSTOCK_TRY(assigned(values[i], column, assignment.value->position));
      }
    }
    return {};
  }

  // The row of an INSERT: what is not named is DEFAULT.
  Result<std::vector<ExprPtr>> inserted(const sql::MergeWhen& when) const {
    std::vector<const sql::Expression*> written(physical.size(), nullptr);
    const size_t named = when.columns.empty() ? physical.size() : when.columns.size();
    if (!when.values.empty() && when.values.size() != named) {
      return invalid_argument("the row has {} values, but {} are to be inserted", when.values.size(), named)
          .at(when.position.offset);
    }
    std::vector<bool> set(physical.size(), false);
    for (size_t i = 0; i < when.values.size(); ++i) {
      const size_t column = when.columns.empty() ? i : PENSTOCK_TRY(find_column(when.columns[i]));
      if (set[column]) {
        return invalid_argument("column {} is named twice", physical[column].name).at(when.columns[i].position.offset);
      }
      set[column] = true;
      written[column] = when.values[i].get();
    }
    std::vector<ExprPtr> row;
    for (size_t i = 0; i < written.size(); ++i) row.push_back(PENSTOCK_TRY(bind(written[i], i, when.position)));
    return row;
  }
};

Result<PlannedReturning> bind_returning(const std::vector<sql::SelectItem>& items, const Scope& scope, Binder& binder) {
  PlannedReturning returning;
  if (items.empty()) return returning;
  Binder::SelectList list = PENSTOCK_TRY(binder.bind_select_list(items, {.scope = &scope, .place = "in RETURNING"}));
  for (size_t i = 0; i < list.expressions.size(); ++i) {
    returning.schema.push_back({list.names[i], list.expressions[i]->type()});
  }
  returning.expressions = std::move(list.expressions);
  returning.parameter_types = binder.parameter_types();
  return returning;
}

std::vector<ExprPtr*> pointers_to(std::vector<ExprPtr>& expressions) {
  std::vector<ExprPtr*> pointers;
  for (ExprPtr& one : expressions) pointers.push_back(&one);
  return pointers;
}

// Finishes the plan of an UPDATE or DELETE: `columns` of `rows.plan`, and what RETURNING needs.
Result<PlannedChange> finish_change(const Target& target, const ChangedRows& rows, std::vector<ExprPtr> columns,
                                    const std::vector<sql::SelectItem>& returning, Binder& binder,
                                    const PlanContext& context) {
  PlannedChange change{.target = target.full_name(),
                       .columns = target.physical_schema(),
                       .query = {},
                       .returning = {},
                       .joined = rows.joined};
  const Scope returned(Scope(target.name(), target.physical_schema()), rows.others);
  change.returning = PENSTOCK_TRY(bind_returning(returning, returned, binder));
  for (size_t i = 0; !returning.empty() && i < rows.others.size(); ++i) columns.push_back(rows.scope.column(i));
  if (rows.joined) columns.push_back(column_of(rows.plan->schema, static_cast<int>(rows.count())));
  std::vector<std::string> names(columns.size(), "column");
  LogicalPtr plan = make_project(rows.plan, std::move(columns), std::move(names));
  change.query = PENSTOCK_TRY(finish_plan(std::move(plan), binder, context));
  return change;
}

}  // namespace

Result<PlannedChange> plan_update(const sql::Update& update, const PlanContext& context) {
  const PlanContext plan_context = bounded(context);
  Binder binder(plan_context);
  const Target target = PENSTOCK_TRY(Target::bind(update.table, "UPDATE", binder, context));
  PENSTOCK_TRY(binder.bind_with(update.with.tables, update.with.recursive));
  ChangedRows rows = PENSTOCK_TRY(bind_changed_rows(target, update.from, update.where.get(), binder));
  std::vector<ExprPtr> old_row;
  for (size_t column : target.physical()) old_row.push_back(rows.scope.column(rows.first() + column));
  std::vector<FoundSubquery> subqueries;
  const RowBinder values(target.table(), binder, plan_context,
                         {.scope = &rows.scope, .subqueries = &subqueries, .place = "in SET"});
  std::vector<ExprPtr> new_row = old_row;
  PENSTOCK_TRY(values.apply(update.assignments, new_row));
  rows.plan = PENSTOCK_TRY(Binder::add_subqueries(std::move(rows.plan), subqueries, pointers_to(new_row)));
  old_row.insert(old_row.end(), new_row.begin(), new_row.end());
  return finish_change(target, rows, std::move(old_row), update.returning, binder, plan_context);
}

Result<PlannedChange> plan_delete(const sql::Delete& statement, const PlanContext& context) {
  const PlanContext plan_context = bounded(context);
  Binder binder(plan_context);
  const Target target = PENSTOCK_TRY(Target::bind(statement.table, "DELETE", binder, context));
  PENSTOCK_TRY(binder.bind_with(statement.with.tables, statement.with.recursive));
  const ChangedRows rows = PENSTOCK_TRY(bind_changed_rows(target, statement.from, statement.where.get(), binder));
  std::vector<ExprPtr> old_row;
  for (size_t column : target.physical()) old_row.push_back(rows.scope.column(rows.first() + column));
  return finish_change(target, rows, std::move(old_row), statement.returning, binder, plan_context);
}

namespace {

ExprPtr boolean(bool value) {
  return expr::Expr::literal(types::Value(value), types::DataType(types::TypeKind::kBoolean).with_nullable(false));
}

// Plans the WHEN clauses of a MERGE over the rows of its source, joined with those of the table.
class MergePlanner {
 public:
  MergePlanner(const sql::Merge& merge, const Target& target, Binder& binder, const PlanContext& context)
      : merge_(merge), target_(target), binder_(binder), context_(context) {}

  Result<LogicalPtr> plan() {
    auto source = PENSTOCK_TRY(binder_.bind_tables(std::span(&merge_.source, 1)));
    const Scope source_scope = source.second;
    std::pair counted(PENSTOCK_TRY(target_.counted_rows()), target_.scope());
    auto [plan, scope] = PENSTOCK_TRY(binder_.join_tables(JoinKind::kLeft, std::move(source), std::move(counted),
                                                          merge_.on.get(), merge_.source.position));
    const size_t count = scope.size();
    for (size_t column : target_.physical()) old_row_.push_back(scope.column(source_scope.size() + column));
    for (const sql::MergeWhen& when : merge_.whens) {
      const Scope& known = when.matched ? scope : source_scope;
      PENSTOCK_TRY(bind(when, {.scope = &known, .subqueries = &subqueries_, .place = "in WHEN"}));
    }
    std::vector<ExprPtr*> pointers = pointers_to(conditions_);
    for (std::vector<ExprPtr>& row : new_rows_) {
      for (ExprPtr& value : row) pointers.push_back(&value);
    }
    plan = PENSTOCK_TRY(Binder::add_subqueries(std::move(plan), std::move(subqueries_), pointers));
    return choose(std::move(plan), count);
  }

 private:
  Status bind(const sql::MergeWhen& when, const ExpressionContext& context) {
    conditions_.push_back(when.condition ? PENSTOCK_TRY(binder_.bind_condition(*when.condition, context))
                                         : boolean(true));
    const RowBinder values(target_.table(), binder_, context_, context);
    std::vector<ExprPtr> row = old_row_;
    if (when.action == sql::MergeWhen::Action::kUpdate) PENSTOCK_TRY(values.apply(when.assignments, row));
    if (when.action == sql::MergeWhen::Action::kInsert) row = PENSTOCK_TRY(values.inserted(when));
    new_rows_.push_back(std::move(row));
    return {};
  }

  // Finds the first clause that fits for each row, and leaves out rows for which none has something to do.
  Result<LogicalPtr> choose(LogicalPtr plan, size_t count) const {
    const size_t width = plan->schema.size();
    const ExprPtr matched =
        PENSTOCK_TRY(expr::bind_call("IS NOT NULL", {column_of(plan->schema, static_cast<int>(count))}));
    const ExprPtr not_matched = PENSTOCK_TRY(expr::bind_call("NOT", {matched}));
    std::vector<ExprPtr> clauses;
    for (size_t i = 0; i < conditions_.size(); ++i) {
      const sql::MergeWhen& when = merge_.whens[i];
      clauses.push_back(PENSTOCK_TRY(expr::bind_call("AND", {when.matched ? matched : not_matched, conditions_[i]})));
      clauses.push_back(when.action == sql::MergeWhen::Action::kNothing ? number(0) : number(i + 1));
    }
    clauses.push_back(number(0));
    std::vector<ExprPtr> columns;
    for (size_t i = 0; i < width; ++i) columns.push_back(column_of(plan->schema, static_cast<int>(i)));
    columns.push_back(PENSTOCK_TRY(expr::bind_case(std::move(clauses))));
    std::vector<std::string> names = column_names(*plan);
    names.emplace_back("clause");
    plan = make_project(std::move(plan), std::move(columns), std::move(names));
    const ExprPtr clause = column_of(plan->schema, static_cast<int>(width));
    plan = with_filter(std::move(plan), {PENSTOCK_TRY(expr::bind_call("<>", {clause, number(0)}))});
    return project(plan, clause, count);
  }

  // Whether the old row goes and the new one comes, both rows, and the count.
  Result<LogicalPtr> project(const LogicalPtr& plan, const ExprPtr& clause, size_t count) const {
    const auto by_clause = [&](const auto& value_of, const ExprPtr& otherwise) -> Result<ExprPtr> {
      std::vector<ExprPtr> choice;
      for (size_t i = 0; i < new_rows_.size(); ++i) {
        if (merge_.whens[i].action == sql::MergeWhen::Action::kNothing) continue;
        choice.push_back(PENSTOCK_TRY(expr::bind_call("=", {clause, number(i + 1)})));
        choice.push_back(value_of(i));
      }
      if (choice.empty()) return otherwise;
      choice.push_back(otherwise);
      return expr::bind_case(std::move(choice));
    };
    const auto is = [&](sql::MergeWhen::Action action) {
      return [this, action](size_t i) { return boolean(merge_.whens[i].action != action); };
    };
    std::vector<ExprPtr> columns;
    columns.push_back(PENSTOCK_TRY(by_clause(is(sql::MergeWhen::Action::kInsert), boolean(false))));
    columns.push_back(PENSTOCK_TRY(by_clause(is(sql::MergeWhen::Action::kDelete), boolean(false))));
    columns.insert(columns.end(), old_row_.begin(), old_row_.end());
    const types::Schema physical = target_.physical_schema();
    for (size_t i = 0; i < physical.size(); ++i) {
      const ExprPtr null = expr::Expr::literal({}, physical[i].type.with_nullable(true));
      columns.push_back(PENSTOCK_TRY(by_clause([&](size_t row) { return new_rows_[row][i]; }, null)));
    }
    columns.push_back(column_of(plan->schema, static_cast<int>(count)));
    std::vector<std::string> names(columns.size(), "column");
    return make_project(plan, std::move(columns), std::move(names));
  }

  static ExprPtr number(size_t value) {
    const types::DataType type = types::DataType(types::TypeKind::kInt).with_nullable(false);
    return expr::Expr::literal(types::Value(static_cast<int64_t>(value)), type);
  }

  const sql::Merge& merge_;
  const Target& target_;
  Binder& binder_;
  const PlanContext& context_;
  std::vector<FoundSubquery> subqueries_;
  std::vector<ExprPtr> old_row_;
  // One for each WHEN.
  std::vector<ExprPtr> conditions_;
  std::vector<std::vector<ExprPtr>> new_rows_;
};

}  // namespace

Result<PlannedChange> plan_merge(const sql::Merge& merge, const PlanContext& context) {
  const PlanContext plan_context = bounded(context);
  Binder binder(plan_context);
  const Target target = PENSTOCK_TRY(Target::bind(merge.table, "MERGE", binder, context));
  PENSTOCK_TRY(binder.bind_with(merge.with.tables, merge.with.recursive));
  LogicalPtr plan = PENSTOCK_TRY(MergePlanner(merge, target, binder, plan_context).plan());
  PlannedChange change{
      .target = target.full_name(), .columns = target.physical_schema(), .query = {}, .returning = {}, .joined = true};
  change.query = PENSTOCK_TRY(finish_plan(std::move(plan), binder, plan_context));
  return change;
}

namespace {

// What ON CONFLICT names must be the primary key: its columns, or its constraint by PostgreSQL's name for it.
Status check_conflict_target(const sql::OnConflict& conflict, const catalog::Entry& entry) {
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
  const std::string key_name = entry.name.substr(entry.name.rfind('.') + 1) + "_pkey";
  if (conflict.constraint && !sql::equal_ignoring_case(conflict.constraint->text, key_name)) {
    return not_found("there is no constraint {}", conflict.constraint->text)
        .at(conflict.constraint->position.offset)
        .hint("the primary key is " + key_name);
  }
  return {};
}

std::string name_of_target(const sql::Insert& insert) {
  return insert.alias ? insert.alias->text : insert.table.parts.back().text;
}

}  // namespace

Result<PlannedConflict> plan_on_conflict(const sql::Insert& insert, const catalog::Entry& entry,
                                         const PlanContext& context) {
  const sql::OnConflict& conflict = *insert.on_conflict;
  PENSTOCK_TRY(check_conflict_target(conflict, entry));
  PlannedConflict planned{.new_row = {}, .where = nullptr, .parameter_types = context.parameter_types};
  if (conflict.assignments.empty()) return planned;
  const types::Schema physical = entry.table()->physical_schema();
  Scope scope(name_of_target(insert), physical);
  scope.append("EXCLUDED", physical);
  for (size_t i = 0; i < physical.size(); ++i) planned.new_row.push_back(scope.column(i));
  Binder binder(context);
  const RowBinder values(*entry.table(), binder, context, {.scope = &scope, .place = "in SET"});
  PENSTOCK_TRY(values.apply(conflict.assignments, planned.new_row));
  if (conflict.where) {
    planned.where = PENSTOCK_TRY(binder.bind_condition(*conflict.where, {.scope = &scope, .place = "in WHERE"}));
  }
  planned.parameter_types = binder.parameter_types();
  return planned;
}

Result<PlannedReturning> plan_returning(const sql::Insert& insert, const catalog::Entry& entry,
                                        const PlanContext& context) {
  Binder binder(context);
  return bind_returning(insert.returning, Scope(name_of_target(insert), entry.table()->physical_schema()), binder);
}

}  // namespace penstock::plan
