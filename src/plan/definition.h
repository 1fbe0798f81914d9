// From CREATE statements to catalog entries: resolves types, binds and checks expressions, finds dependencies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "plan/planner.h"

namespace penstock::sql {
struct QualifiedName;
struct CreateTable;
struct CreateView;
struct AlterView;
struct CreateMaterializedView;
struct CreateAlert;
}  // namespace penstock::sql

namespace penstock::plan {

struct DefinedTable {
  catalog::Entry entry;
  // Of CREATE TABLE ... AS: the columns that the query gives, in its order. The caller inserts its rows into them.
  std::vector<std::string> query_columns;
};

// `sql` is the statement's text, kept as it is. The entry is not in the catalog yet; whether its name is taken is the
// catalog's matter.
Result<DefinedTable> define_table(const sql::CreateTable& statement, std::string sql, const PlanContext& context);
// A table or view under another name, in the schema where it is unless the name says another; its texts are as before.
Result<catalog::Entry> define_renamed(const catalog::Entry& old, const sql::QualifiedName& name, PlanContext context);
Result<catalog::Entry> define_view(const sql::CreateView& statement, std::string sql, const PlanContext& context);
// A table with other columns, watermark or primary key, as the statement, an ALTER TABLE of columns, says.
Result<catalog::Entry> define_changed_table(const catalog::Entry& old, std::string_view statement, PlanContext context);
// The rows of a native table as it will have them then: its columns in their new order, cast to their new types; new
// ones are what DEFAULT says, or NULL.
Result<PlannedQuery> plan_changed_rows(const catalog::Entry& old, const catalog::Entry& changed,
                                       std::string_view statement, PlanContext context);
// A view with another query, and the columns of that.
Result<catalog::Entry> define_changed_view(const catalog::Entry& old, const sql::AlterView& statement,
                                           const PlanContext& context);

// An entry and the streaming plan of its query, whose root has the entry's columns.
struct PlannedDefinition {
  catalog::Entry entry;
  PlannedQuery plan;
};
Result<PlannedDefinition> define_materialized_view(const sql::CreateMaterializedView& statement, std::string sql,
                                                   const PlanContext& context);
Result<PlannedDefinition> define_alert(const sql::CreateAlert& statement, std::string sql, const PlanContext& context);

}  // namespace penstock::plan
