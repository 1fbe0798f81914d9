// ALTER TABLE: the definition of a table with other columns, which is bound again as a whole.
#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/create_text.h"
#include "plan/column_place.h"
#include "plan/definition.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "sql/statement.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using sql::equal_ignoring_case;
using Columns = std::vector<sql::ColumnDefinition>;

Result<Columns::iterator> find_column(Columns& columns, const sql::Identifier& name) {
  std::vector<std::string> names;
  for (const sql::ColumnDefinition& column : columns) names.push_back(column.name.text);
  return columns.begin() + static_cast<ptrdiff_t>(PENSTOCK_TRY(find_column_place(names, name)));
}

bool names(const std::vector<sql::Identifier>& list, const sql::Identifier& name) {
  return std::ranges::any_of(list, [&](const auto& one) { return equal_ignoring_case(one.text, name.text); });
}

Status put(sql::CreateTable& table, sql::ColumnDefinition column, const sql::ColumnPlace& place, size_t otherwise) {
  auto at = table.columns.begin() + static_cast<ptrdiff_t>(place.first ? 0 : otherwise);
  if (place.after) at = std::next(PENSTOCK_TRY(find_column(table.columns, *place.after)));
  table.columns.insert(at, std::move(column));
  return {};
}

Status add(sql::CreateTable& table, sql::AlterColumns& alter) {
  for (size_t i = 0; i < alter.places.size(); ++i) {
    PENSTOCK_TRY(put(table, std::move(alter.definition.columns[i]), alter.places[i], table.columns.size()));
  }
  const auto has_already = [](const sql::Identifier& name, std::string_view what) {
    return invalid_argument("the table has a {} already", what)
        .at(name.position.offset)
        .hint("MODIFY it, or DROP it before");
  };
  if (alter.definition.watermark) {
    if (table.watermark) return has_already(alter.definition.watermark->column, "watermark");
    table.watermark = std::move(alter.definition.watermark);
  }
  if (!alter.definition.primary_key.empty()) {
    if (!table.primary_key.empty()) return has_already(alter.definition.primary_key.front(), "primary key");
    table.primary_key = std::move(alter.definition.primary_key);
  }
  return {};
}

Status modify(sql::CreateTable& table, sql::AlterColumns& alter) {
  for (size_t i = 0; i < alter.places.size(); ++i) {
    sql::ColumnDefinition& column = alter.definition.columns[i];
    const auto old = PENSTOCK_TRY(find_column(table.columns, column.name));
    const auto where = static_cast<size_t>(old - table.columns.begin());
    table.columns.erase(old);
    PENSTOCK_TRY(put(table, std::move(column), alter.places[i], where));
  }
  const auto has_none = [](const sql::Identifier& name, std::string_view what) {
    return invalid_argument("the table has no {}", what).at(name.position.offset).hint("ADD it");
  };
  if (alter.definition.watermark) {
    if (!table.watermark) return has_none(alter.definition.watermark->column, "watermark");
    table.watermark = std::move(alter.definition.watermark);
  }
  if (!alter.definition.primary_key.empty()) {
    if (table.primary_key.empty()) return has_none(alter.definition.primary_key.front(), "primary key");
    table.primary_key = std::move(alter.definition.primary_key);
  }
  return {};
}

Status drop(sql::CreateTable& table, const sql::AlterColumns& alter) {
  const uint32_t at = alter.position.offset;
  if (alter.watermark) {
    if (!table.watermark) return invalid_argument("the table has no watermark").at(at);
    table.watermark.reset();
  }
  if (alter.primary_key) {
    if (table.primary_key.empty()) return invalid_argument("the table has no primary key").at(at);
    table.primary_key.clear();
  }
  for (const sql::Identifier& name : alter.columns) {
    const auto column = PENSTOCK_TRY(find_column(table.columns, name));
    std::string_view use;
    if (names(table.primary_key, name)) use = "the primary key";
    if (names(table.partitioned_by, name)) use = "PARTITIONED BY";
    if (table.watermark && equal_ignoring_case(table.watermark->column.text, name.text)) use = "the watermark";
    if (!use.empty()) {
      return invalid_argument("column {} is in {} of the table", name.text, use).at(name.position.offset);
    }
    table.columns.erase(column);
  }
  return {};
}

Status rename(sql::CreateTable& table, const sql::AlterColumns& alter) {
  const sql::Identifier& old = alter.columns[0];
  const sql::Identifier& renamed = alter.columns[1];
  const auto column = PENSTOCK_TRY(find_column(table.columns, old));
  const auto known = find_column(table.columns, renamed);
  if (known && *known != column) {
    return make_error(ErrorCode::kAlreadyExists, "there is a column {} already", renamed.text)
        .at(renamed.position.offset);
  }
  column->name = renamed;
  for (std::vector<sql::Identifier>* list : {&table.primary_key, &table.partitioned_by}) {
    for (sql::Identifier& name : *list) {
      if (equal_ignoring_case(name.text, old.text)) name = renamed;
    }
  }
  if (table.watermark && equal_ignoring_case(table.watermark->column.text, old.text)) table.watermark->column = renamed;
  return {};
}

Status apply(sql::CreateTable& table, sql::AlterColumns& alter) {
  switch (alter.change) {
    case sql::ColumnChange::kAdd: return add(table, alter);
    case sql::ColumnChange::kModify: return modify(table, alter);
    case sql::ColumnChange::kDrop: return drop(table, alter);
    case sql::ColumnChange::kRename: return rename(table, alter);
  }
  return {};
}

// What a column of the changed table is in the rows that are there, as SQL over the old table.
Result<std::string> value_of(const catalog::Column& column, const catalog::Entry& old, const sql::AlterColumns& alter) {
  const std::string type = column.type.with_nullable(true).to_string();
  const bool renamed =
      alter.change == sql::ColumnChange::kRename && equal_ignoring_case(alter.columns[1].text, column.name);
  const std::string& old_name = renamed ? alter.columns[0].text : column.name;
  const std::vector<catalog::Column>& columns = old.table()->columns;
  const auto known = std::ranges::find_if(
      columns, [&](const catalog::Column& one) { return equal_ignoring_case(one.name, old_name); });
  std::string value = column.default_value.empty() ? "NULL" : column.default_value;
  if (known != columns.end()) {
    value = sql::quote_identifier(known->name);
    if (known->type.same_type(column.type)) return value;
  } else if (column.default_value.empty() && !column.type.nullable()) {
    return invalid_argument("column {} is NOT NULL, and the rows that are there have no value for it", column.name)
        .at(alter.position.offset)
        .hint("give it a DEFAULT");
  }
  return "CAST(" + value + " AS " + type + ")";
}

}  // namespace

Result<catalog::Entry> define_changed_table(const catalog::Entry& old, std::string_view statement,
                                            PlanContext context) {
  sql::Statement changing = PENSTOCK_TRY(sql::parse_statement(statement));
  auto& alter = std::get<sql::AlterColumns>(changing.node);
  // What stands in the old definition has a place behind the statement, which is none in it.
  const std::string text = std::string(statement.size(), ' ') + PENSTOCK_TRY(catalog::create_table_text(old));
  sql::Statement definition = PENSTOCK_TRY(sql::parse_statement(text));
  auto& table = std::get<sql::CreateTable>(definition.node);
  PENSTOCK_TRY(apply(table, alter));
  context.names.schema = old.names_schema;
  context.eval.zone = PENSTOCK_TRY(types::TimeZone::find(old.time_zone));
  const Result<DefinedTable> defined = define_table(table, "", context);
  if (!defined) {
    const std::optional<uint32_t> at = defined.error().position();
    if (at && *at < statement.size()) return defined.error();
    return Error(defined.error().code(), defined.error().message())
        .context("what uses it in table " + std::string(old.plain_name()))
        .at(alter.position.offset)
        .hint("change that first");
  }
  catalog::Entry changed = defined->entry;
  changed.id = old.id;
  changed.name = old.name;
  changed.created_at_us = old.created_at_us;
  changed.schema_name = old.schema_name;
  changed.names_schema = old.names_schema;
  changed.temporary = old.temporary;
  changed.scan_options = old.scan_options;
  changed.sql = PENSTOCK_TRY(catalog::create_table_text(changed));
  return changed;
}

Result<PlannedQuery> plan_changed_rows(const catalog::Entry& old, const catalog::Entry& changed,
                                       std::string_view statement, PlanContext context) {
  const sql::Statement changing = PENSTOCK_TRY(sql::parse_statement(statement));
  const auto& alter = std::get<sql::AlterColumns>(changing.node);
  std::string values;
  for (const catalog::Column& column : changed.table()->columns) {
    if (column.is_physical()) values += (values.empty() ? "" : ", ") + PENSTOCK_TRY(value_of(column, old, alter));
  }
  const std::string query = "SELECT " + values + " FROM " + sql::print(catalog::written_name(old, old.names_schema));
  context.names.schema = old.names_schema;
  context.eval.zone = PENSTOCK_TRY(types::TimeZone::find(old.time_zone));
  Result<PlannedQuery> plan = plan_query(PENSTOCK_TRY(sql::parse_query(query)), context);
  // Its places are none in the statement.
  if (!plan) return Error(plan.error().code(), plan.error().message()).at(alter.position.offset);
  return plan;
}

}  // namespace penstock::plan
