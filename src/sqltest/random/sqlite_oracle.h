// SQLite in memory: what a query must give.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "sqltest/rows.h"
#include "types/type.h"

struct sqlite3;

namespace penstock::sqltest {

// Used by one thread.
class SqliteOracle {
 public:
  static Result<SqliteOracle> open();

  Status run(const std::string& sql);
  // The rows as text, sorted, as lines_of the engine's rows with these types; what dialects.h says of types is undone.
  Result<Lines> rows(const std::string& sql, const types::Schema& schema);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteOracle(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace penstock::sqltest
