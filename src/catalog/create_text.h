// The statements that make what is in the catalog.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/entry.h"

namespace penstock::catalog {

// CREATE TABLE of an entry that is a table, as sql::print() writes it: for tables whose statement is not as a user
// wrote it any more. kCorruption when an expression of the entry is no SQL.
Result<std::string> create_table_text(const Entry& entry);

}  // namespace penstock::catalog
