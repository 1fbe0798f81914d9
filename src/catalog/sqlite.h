// SQLite behind Result and RAII. Private to the module.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace penstock::catalog {

class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  SqliteStatement(SqliteStatement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  ~SqliteStatement();

  // Parameters count from 1, columns from 0.
  SqliteStatement& bind(int parameter, int64_t value);
  SqliteStatement& bind(int parameter, std::string_view value);
  // True when there is a row, false at the end.
  Result<bool> step();
  // Runs a statement without rows, once more after the first time.
  Status run();

  int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

// One connection; used by one thread at a time.
class SqliteDatabase {
 public:
  static Result<SqliteDatabase> open(const std::string& path);

  Status execute(const char* sql);
  Result<SqliteStatement> prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit SqliteDatabase(sqlite3* database) : database_(database) {}

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace penstock::catalog
