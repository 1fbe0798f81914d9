// The catalog's file: entries and settings as SQLite tables. Private to the module.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "catalog/sqlite.h"

namespace penstock::catalog {

// Every change is durable when its call returns, and happens as a whole or not at all. Used by one thread at a time.
class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  struct Content {
    std::vector<Entry> entries;  // by id
    std::vector<std::string> schemas;
    std::map<std::string, std::string> settings;
    int64_t next_id = 1;
  };
  Result<Content> load();

  // Removes the entries of `removed` and then adds those of `added`, in one transaction.
  Status change(const std::vector<int64_t>& removed, const std::vector<const Entry*>& added);
  Status add_schema(const std::string& name);
  Status remove_schema(const std::string& name);
  Status set_setting(std::string_view key, std::string_view value);
  Status remove_setting(std::string_view key);

 private:
  explicit Store(SqliteDatabase database) : database_(std::move(database)) {}

  Status execute_together(const char* statements);
  Status remove_entry(int64_t id);
  Status add_entry(const Entry& entry);
  Status add_columns(const Entry& entry);
  Status add_pairs(const char* table, int64_t id, const std::vector<std::pair<std::string, std::string>>& pairs);
  Status add_names(const char* table, int64_t id, const std::vector<std::string>& names);
  Result<std::vector<std::string>> load_names(const char* table, int64_t id);
  Result<Definition> load_definition(SqliteStatement& row);
  Result<std::vector<Column>> load_columns(int64_t id);
  Result<std::vector<int>> load_key(int64_t id);
  Result<std::vector<std::pair<std::string, std::string>>> load_pairs(const char* table, int64_t id);

  SqliteDatabase database_;
};

}  // namespace penstock::catalog
