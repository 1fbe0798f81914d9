#include "sqltest/random/sqlite_oracle.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "sqltest/random/sqlite_functions.h"
#include "types/value.h"

namespace penstock::sqltest {

namespace {

constexpr int64_t kMicrosecondsPerMs = 1000;
// Of one query: some seconds.
constexpr int kInstructionsMax = 100'000'000;

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

Error error_of(sqlite3* database, const std::string& sql) {
  return make_error(ErrorCode::kInternal, "sqlite: {}: {}", sqlite3_errmsg(database), sql);
}

Result<types::Value> value_of(sqlite3_stmt* row, int column, types::DataType type) {
  const int found = sqlite3_column_type(row, column);
  if (found == SQLITE_NULL) return types::Value();
  const auto fits = [&]() -> bool {
    switch (type.physical()) {
      case types::Physical::kDouble: return found == SQLITE_FLOAT || found == SQLITE_INTEGER;
      case types::Physical::kString: return found == SQLITE_TEXT;
      default: return found == SQLITE_INTEGER;
    }
  };
  if (!fits()) {
    return make_error(ErrorCode::kInternal, "sqlite: column {} is {}, which is no {}", column,
                      reinterpret_cast<const char*>(sqlite3_column_text(row, column)), type.to_string());
  }
  const int64_t integer = sqlite3_column_int64(row, column);
  switch (type.physical()) {
    case types::Physical::kBool: return types::Value(integer != 0);
    case types::Physical::kDouble: return types::Value(sqlite3_column_double(row, column));
    case types::Physical::kInt128: return types::Value(types::Int128{integer});
    case types::Physical::kString:
      return types::Value(std::string(reinterpret_cast<const char*>(sqlite3_column_text(row, column)),
                                      static_cast<size_t>(sqlite3_column_bytes(row, column))));
    case types::Physical::kInt64: break;
  }
  return types::Value(type.kind() == types::TypeKind::kTimestamp ? integer * kMicrosecondsPerMs : integer);
}

// Of a nested type as text.
std::string brackets_of(types::DataType type) {
  switch (type.kind()) {
    case types::TypeKind::kRow: return "()";
    case types::TypeKind::kArray: return "[]";
    case types::TypeKind::kMap: return "{}";
    default: return "";
  }
}

}  // namespace

void SqliteOracle::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

Result<SqliteOracle> SqliteOracle::open() {
  sqlite3* database = nullptr;
  const int opened = sqlite3_open(":memory:", &database);
  SqliteOracle oracle(database);
  if (opened != SQLITE_OK) return error_of(database, "open");
  PENSTOCK_TRY(oracle.run("PRAGMA case_sensitive_like = ON"));
  if (!add_functions(database)) return error_of(database, "functions");
  return oracle;
}

Status SqliteOracle::run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error_of(database_.get(), sql);
}

Result<Lines> SqliteOracle::rows(const std::string& sql, const types::Schema& schema) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &prepared, nullptr) != SQLITE_OK) {
    return error_of(database_.get(), sql);
  }
  const Prepared statement(prepared);
  sqlite3_progress_handler(database_.get(), kInstructionsMax, [](void* /*context*/) { return 1; }, nullptr);
  Lines lines;
  for (int status = 0; (status = sqlite3_step(prepared)) != SQLITE_DONE;) {
    if (status == SQLITE_INTERRUPT) return make_error(ErrorCode::kResourceExhausted, "it takes SQLite too long");
    if (status != SQLITE_ROW) return error_of(database_.get(), sql);
    std::string line;
    for (size_t c = 0; c < schema.size(); ++c) {
      if (c > 0) line += kBetweenFields;
      const auto value = PENSTOCK_TRY(value_of(prepared, static_cast<int>(c), schema[c].type));
      if (const std::string brackets = brackets_of(schema[c].type); !brackets.empty() && !value.is_null()) {
        line += nested_text(value.as_string(), brackets[0], brackets[1]);
      } else {
        append_readable(line, value, schema[c].type);
      }
    }
    lines.push_back(std::move(line));
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace penstock::sqltest
