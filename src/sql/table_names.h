// Where a statement names tables and views.
#pragma once

#include <functional>
#include <optional>

#include "sql/statement.h"

namespace penstock::sql {

struct TableUse {
  QualifiedName* name;
  // What the table is called in the query; null where it cannot be called anything: TABLE arguments, INSERT INTO.
  std::optional<TableAlias>* alias;
};

// Calls `visit` for each, in any order. Names of common table expressions are none. Of the statements that the catalog
// keeps: queries, INSERT, and CREATE of what has a query.
void for_each_table(Statement& statement, const std::function<void(const TableUse&)>& visit);
void for_each_table(Query& query, const std::function<void(const TableUse&)>& visit);

// The same, only to look at.
void for_each_table_name(const Query& query, const std::function<void(const QualifiedName&)>& visit);

}  // namespace penstock::sql
