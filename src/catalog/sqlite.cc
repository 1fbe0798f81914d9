#include "catalog/sqlite.h"

#include <sqlite3.h>

namespace penstock::catalog {
namespace {

Error sqlite_error(sqlite3* database, std::string_view what) {
  int code = database == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database);
  std::string_view message = database == nullptr ? "out of memory" : sqlite3_errmsg(database);
  bool corrupt = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
  bool full = code == SQLITE_FULL || code == SQLITE_NOMEM;
  ErrorCode error_code =
      corrupt ? ErrorCode::kCorruption : (full ? ErrorCode::kResourceExhausted : ErrorCode::kIoError);
  return make_error(error_code, "the catalog: {}: {}", what, message);
}

}  // namespace

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

SqliteStatement& SqliteStatement::bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_, parameter, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view value) {
  sqlite3_bind_text(statement_, parameter, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> SqliteStatement::step() {
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return sqlite_error(sqlite3_db_handle(statement_), "a statement failed");
  }
}

Status SqliteStatement::run() {
  sqlite3_reset(statement_);
  PENSTOCK_TRY(step());
  sqlite3_reset(statement_);
  return {};
}

int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqliteStatement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  SqliteDatabase database(handle);
  if (code != SQLITE_OK) return sqlite_error(handle, "cannot open " + path);
  sqlite3_extended_result_codes(handle, 0);
  return database;
}

Status SqliteDatabase::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return sqlite_error(database_.get(), "a statement failed");
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return sqlite_error(database_.get(), "a statement cannot be prepared");
  return SqliteStatement(statement);
}

}  // namespace penstock::catalog
