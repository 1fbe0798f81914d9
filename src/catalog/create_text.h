// The statements that make what is in the catalog.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/entry.h"
#include "sql/expression.h"

namespace penstock::catalog {

// The name of a table or view as statements write it whose names are of a schema.
sql::QualifiedName written_name(const Entry& entry, std::string_view names_schema);

// CREATE TABLE of an entry that is a table, as sql::print() writes it: for tables whose statement is not as a user
// wrote it any more. kCorruption when an expression of the entry is no SQL.
Result<std::string> create_table_text(const Entry& entry);

}  // namespace penstock::catalog
