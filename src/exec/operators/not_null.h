// NOT NULL of the columns of a table that rows are written to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "exec/failed_rows.h"
#include "exec/operator.h"

namespace penstock::exec {

struct NotNullOptions {
  struct Column {
    size_t place;  // in the rows
    std::string name;
  };
  std::string table;
  std::vector<Column> columns;
  bool drops = false;  // rows with a NULL in one of them; else they cannot be written
  // Takes these; null: such a row is an error.
  std::shared_ptr<FailedRows> failed_rows = nullptr;
};

// Lets the other rows pass.
std::unique_ptr<Operator> make_not_null(NotNullOptions options);

}  // namespace penstock::exec
