#include "catalog/store.h"

#include <algorithm>

namespace penstock::catalog {
namespace {

constexpr int64_t kFormatVersion = 5;

// Format 2: a new file is made in it and then taken further like an old one. What an entry has beside its columns,
// options, channels and dependencies; texts are empty where they do not apply.
constexpr const char* kTables = R"(
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sql TEXT NOT NULL,
    comment TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    query TEXT NOT NULL,
    watermark_column INTEGER NOT NULL,
    watermark TEXT NOT NULL,
    severity TEXT NOT NULL,
    target TEXT NOT NULL,
    append_only INTEGER NOT NULL,
    has_key INTEGER NOT NULL
  );
  CREATE TABLE columns (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    computed TEXT NOT NULL,
    is_metadata INTEGER NOT NULL,
    metadata_key TEXT NOT NULL,
    metadata_virtual INTEGER NOT NULL,
    comment TEXT NOT NULL,
    default_value TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (entry_id, position)
  );
  CREATE TABLE primary_keys (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    column INTEGER NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  CREATE TABLE options (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  CREATE TABLE channels (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  CREATE TABLE dependencies (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  PRAGMA user_version = 2;
)";

// From format 1: columns had no defaults.
constexpr const char* kFromFormat1 =
    "ALTER TABLE columns ADD COLUMN default_value TEXT NOT NULL DEFAULT ''; PRAGMA user_version = 2";
// From format 2: entries had no time zone, and jobs no options of their own.
constexpr const char* kFromFormat2 = R"(
  ALTER TABLE entries ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
  CREATE TABLE scan_options (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  PRAGMA user_version = 3;
)";
// From format 3: there were no functions. A function's expression is its query, its identifier the target.
constexpr const char* kFromFormat3 = R"(
  ALTER TABLE entries ADD COLUMN returns TEXT NOT NULL DEFAULT '';
  ALTER TABLE entries ADD COLUMN any_arguments INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE functions (
    entry_id INTEGER NOT NULL REFERENCES entries(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (entry_id, position)
  );
  PRAGMA user_version = 4;
)";
// From format 4: there was one schema.
constexpr const char* kFromFormat4 = R"(
  ALTER TABLE entries ADD COLUMN schema TEXT NOT NULL DEFAULT 'public';
  ALTER TABLE entries ADD COLUMN names_schema TEXT NOT NULL DEFAULT 'public';
  CREATE TABLE schemas (name TEXT PRIMARY KEY);
  PRAGMA user_version = 5;
)";

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path) {
  SqliteDatabase database = PENSTOCK_TRY(SqliteDatabase::open(path));
  std::unique_ptr<Store> store(new Store(std::move(database)));
  // FULL with a write-ahead log: a commit is on the disk when it returns.
  PENSTOCK_TRY(
      store->database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  int64_t version = 0;
  {
    SqliteStatement statement = PENSTOCK_TRY(store->database_.prepare("PRAGMA user_version"));
    if (PENSTOCK_TRY(statement.step())) version = statement.integer(0);
  }
  if (version == 0) PENSTOCK_TRY(store->execute_together(kTables));
  if (version == 1) PENSTOCK_TRY(store->execute_together(kFromFormat1));
  if (version <= 2) PENSTOCK_TRY(store->execute_together(kFromFormat2));
  if (version <= 3) PENSTOCK_TRY(store->execute_together(kFromFormat3));
  if (version <= 4) PENSTOCK_TRY(store->execute_together(kFromFormat4));
  if (version > kFormatVersion) {
    return make_error(ErrorCode::kCorruption,
                      "{} was written by a later version of this program (format {}, this is {})", path, version,
                      kFormatVersion);
  }
  return store;
}

Status Store::execute_together(const char* statements) {
  PENSTOCK_TRY(database_.execute("BEGIN IMMEDIATE"));
  Status done = database_.execute(statements);
  if (!done) {
    (void)database_.execute("ROLLBACK");
    return done;
  }
  return database_.execute("COMMIT");
}

Result<Store::Content> Store::load() {
  Content content;
  SqliteStatement rows = PENSTOCK_TRY(database_.prepare(
      "SELECT id, kind, name, sql, comment, created_at_us, query, watermark_column, watermark, severity, target, "
      "append_only, has_key, time_zone, returns, any_arguments, schema, names_schema "
      "FROM entries ORDER BY id"));
  while (PENSTOCK_TRY(rows.step())) {
    Entry entry;
    entry.id = rows.integer(0);
    entry.name = rows.text(2);
    entry.sql = rows.text(3);
    entry.comment = rows.text(4);
    entry.created_at_us = rows.integer(5);
    entry.time_zone = rows.text(13);
    entry.schema_name = rows.text(16);
    entry.names_schema = rows.text(17);
    entry.definition = PENSTOCK_TRY(load_definition(rows));
    entry.dependencies = PENSTOCK_TRY(load_names("dependencies", entry.id));
    entry.functions = PENSTOCK_TRY(load_names("functions", entry.id));
    entry.scan_options = PENSTOCK_TRY(load_pairs("scan_options", entry.id));
    content.entries.push_back(std::move(entry));
  }
  SqliteStatement schemas = PENSTOCK_TRY(database_.prepare("SELECT name FROM schemas ORDER BY name"));
  while (PENSTOCK_TRY(schemas.step())) content.schemas.push_back(schemas.text(0));
  SqliteStatement settings = PENSTOCK_TRY(database_.prepare("SELECT key, value FROM settings"));
  while (PENSTOCK_TRY(settings.step())) content.settings[settings.text(0)] = settings.text(1);
  SqliteStatement sequence = PENSTOCK_TRY(database_.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'entries'"));
  if (PENSTOCK_TRY(sequence.step())) content.next_id = sequence.integer(0) + 1;
  return content;
}

Result<Definition> Store::load_definition(SqliteStatement& row) {
  int64_t id = row.integer(0);
  std::string kind = row.text(1);
  std::vector<Column> columns = PENSTOCK_TRY(load_columns(id));
  Options options = PENSTOCK_TRY(load_pairs("options", id));
  if (kind == "table") {
    Table table{.columns = std::move(columns), .options = std::move(options)};
    if (!row.text(8).empty()) table.watermark = Watermark{static_cast<int>(row.integer(7)), row.text(8)};
    table.primary_key = PENSTOCK_TRY(load_key(id));
    return Definition(std::move(table));
  }
  std::string query = row.text(6);
  if (kind == "view") return Definition(View{std::move(columns), std::move(query)});
  if (kind == "materialized view") {
    MaterializedView view{std::move(columns), std::move(query), std::move(options), row.integer(11) != 0, std::nullopt};
    if (row.integer(12) != 0) view.key = PENSTOCK_TRY(load_key(id));
    return Definition(std::move(view));
  }
  if (kind == "function") {
    Function function{.parameters = std::move(columns),
                      .any_arguments = row.integer(15) != 0,
                      .returns = {},
                      .expression = std::move(query),
                      .identifier = row.text(10)};
    if (!row.text(14).empty()) function.returns = PENSTOCK_TRY(types::DataType::parse(row.text(14)));
    return Definition(std::move(function));
  }
  if (kind == "job") return Definition(Job{row.text(10), std::move(query)});
  if (kind == "alert") {
    Alert alert{.query = std::move(query), .severity = row.text(9), .options = std::move(options)};
    for (auto& [channel, target] : PENSTOCK_TRY(load_pairs("channels", id))) {
      alert.channels.push_back({std::move(channel), std::move(target)});
    }
    return Definition(std::move(alert));
  }
  return make_error(ErrorCode::kCorruption, "the catalog: entry {} is of an unknown kind '{}'", id, kind);
}

Result<std::vector<std::string>> Store::load_names(const char* table, int64_t id) {
  std::vector<std::string> names;
  SqliteStatement rows =
      PENSTOCK_TRY(database_.prepare(fmt::format("SELECT name FROM {} WHERE entry_id = ? ORDER BY position", table)));
  rows.bind(1, id);
  while (PENSTOCK_TRY(rows.step())) names.push_back(rows.text(0));
  return names;
}

Result<std::vector<int>> Store::load_key(int64_t id) {
  std::vector<int> key;
  SqliteStatement rows =
      PENSTOCK_TRY(database_.prepare("SELECT column FROM primary_keys WHERE entry_id = ? ORDER BY position"));
  rows.bind(1, id);
  while (PENSTOCK_TRY(rows.step())) key.push_back(static_cast<int>(rows.integer(0)));
  return key;
}

Result<std::vector<Column>> Store::load_columns(int64_t id) {
  std::vector<Column> columns;
  SqliteStatement rows = PENSTOCK_TRY(database_.prepare(
      "SELECT name, type, computed, is_metadata, metadata_key, metadata_virtual, comment, default_value FROM columns "
      "WHERE entry_id = ? ORDER BY position"));
  rows.bind(1, id);
  while (PENSTOCK_TRY(rows.step())) {
    Column column{
        .name = rows.text(0), .computed = rows.text(2), .default_value = rows.text(7), .comment = rows.text(6)};
    Result<types::DataType> type = types::DataType::parse(rows.text(1));
    if (!type) return std::move(type).error().context("the catalog: column " + column.name);
    column.type = *type;
    if (rows.integer(3) != 0) column.metadata = MetadataColumn{rows.text(4), rows.integer(5) != 0};
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<std::vector<std::pair<std::string, std::string>>> Store::load_pairs(const char* table, int64_t id) {
  std::vector<std::pair<std::string, std::string>> pairs;
  SqliteStatement rows = PENSTOCK_TRY(
      database_.prepare(fmt::format("SELECT key, value FROM {} WHERE entry_id = ? ORDER BY position", table)));
  rows.bind(1, id);
  while (PENSTOCK_TRY(rows.step())) pairs.emplace_back(rows.text(0), rows.text(1));
  return pairs;
}

Status Store::change(const std::vector<int64_t>& removed, const std::vector<const Entry*>& added) {
  PENSTOCK_TRY(database_.execute("BEGIN IMMEDIATE"));
  auto apply = [&]() -> Status {
    for (int64_t id : removed) PENSTOCK_TRY(remove_entry(id));
    for (const Entry* entry : added) PENSTOCK_TRY(add_entry(*entry));
    return database_.execute("COMMIT");
  };
  Status applied = apply();
  if (!applied) (void)database_.execute("ROLLBACK");
  return applied;
}

Status Store::remove_entry(int64_t id) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare("DELETE FROM entries WHERE id = ?"));
  return statement.bind(1, id).run();
}

Status Store::add_entry(const Entry& entry) {
  SqliteStatement statement = PENSTOCK_TRY(
      database_.prepare("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  statement.bind(1, entry.id).bind(2, entry.kind_name()).bind(3, entry.name).bind(4, entry.sql);
  statement.bind(5, entry.comment).bind(6, entry.created_at_us).bind(14, entry.time_zone);
  statement.bind(17, entry.schema_name).bind(18, entry.names_schema);
  for (int i : {7, 9, 10, 11, 15}) statement.bind(i, "");
  for (int i : {8, 12, 13, 16}) statement.bind(i, int64_t{0});
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<std::pair<std::string, std::string>> channels;
  if (const Table* table = entry.table()) {
    if (table->watermark) statement.bind(8, int64_t{table->watermark->column}).bind(9, table->watermark->expression);
    options = table->options;
  } else if (const View* view = entry.view()) {
    statement.bind(7, view->query);
  } else if (const MaterializedView* materialized = entry.materialized_view()) {
    statement.bind(7, materialized->query).bind(12, int64_t{materialized->append_only});
    statement.bind(13, int64_t{materialized->key.has_value()});
    options = materialized->options;
  } else if (const Alert* alert = entry.alert()) {
    statement.bind(7, alert->query).bind(10, alert->severity);
    options = alert->options;
    for (const AlertChannel& channel : alert->channels) channels.emplace_back(channel.kind, channel.target);
  } else if (const Job* job = entry.job()) {
    statement.bind(7, job->query).bind(11, job->target);
  } else if (const Function* function = entry.function()) {
    statement.bind(7, function->expression).bind(11, function->identifier);
    statement.bind(15, function->returns ? function->returns->to_string() : "");
    statement.bind(16, int64_t{function->any_arguments});
  }
  PENSTOCK_TRY(statement.run());
  PENSTOCK_TRY(add_columns(entry));
  PENSTOCK_TRY(add_pairs("options", entry.id, options));
  PENSTOCK_TRY(add_pairs("channels", entry.id, channels));
  PENSTOCK_TRY(add_pairs("scan_options", entry.id, entry.scan_options));
  PENSTOCK_TRY(add_names("dependencies", entry.id, entry.dependencies));
  return add_names("functions", entry.id, entry.functions);
}

Status Store::add_names(const char* table, int64_t id, const std::vector<std::string>& names) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare(fmt::format("INSERT INTO {} VALUES (?, ?, ?)", table)));
  for (size_t i = 0; i < names.size(); ++i) {
    PENSTOCK_TRY(statement.bind(1, id).bind(2, static_cast<int64_t>(i)).bind(3, names[i]).run());
  }
  return {};
}

Status Store::add_columns(const Entry& entry) {
  SqliteStatement statement =
      PENSTOCK_TRY(database_.prepare("INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  int64_t position = 0;
  for (const Column& column : entry.columns()) {
    MetadataColumn metadata = column.metadata.value_or(MetadataColumn{});
    statement.bind(1, entry.id).bind(2, position++).bind(3, column.name).bind(4, column.type.to_string());
    statement.bind(5, column.computed).bind(6, int64_t{column.metadata.has_value()}).bind(7, metadata.key);
    statement.bind(8, int64_t{metadata.is_virtual}).bind(9, column.comment);
    statement.bind(10, column.default_value);
    PENSTOCK_TRY(statement.run());
  }
  std::vector<int> key;
  if (entry.table() != nullptr) key = entry.table()->primary_key;
  if (entry.materialized_view() != nullptr) key = entry.materialized_view()->key.value_or(std::vector<int>());
  SqliteStatement keys = PENSTOCK_TRY(database_.prepare("INSERT INTO primary_keys VALUES (?, ?, ?)"));
  for (size_t i = 0; i < key.size(); ++i) {
    PENSTOCK_TRY(keys.bind(1, entry.id).bind(2, static_cast<int64_t>(i)).bind(3, int64_t{key[i]}).run());
  }
  return {};
}

Status Store::add_pairs(const char* table, int64_t id, const std::vector<std::pair<std::string, std::string>>& pairs) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare(fmt::format("INSERT INTO {} VALUES (?, ?, ?, ?)", table)));
  for (size_t i = 0; i < pairs.size(); ++i) {
    statement.bind(1, id).bind(2, static_cast<int64_t>(i)).bind(3, pairs[i].first).bind(4, pairs[i].second);
    PENSTOCK_TRY(statement.run());
  }
  return {};
}

Status Store::add_schema(const std::string& name) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare("INSERT INTO schemas VALUES (?)"));
  return statement.bind(1, name).run();
}

Status Store::remove_schema(const std::string& name) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare("DELETE FROM schemas WHERE name = ?"));
  return statement.bind(1, name).run();
}

Status Store::set_setting(std::string_view key, std::string_view value) {
  SqliteStatement statement = PENSTOCK_TRY(
      database_.prepare("INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"));
  return statement.bind(1, key).bind(2, value).run();
}

Status Store::remove_setting(std::string_view key) {
  SqliteStatement statement = PENSTOCK_TRY(database_.prepare("DELETE FROM settings WHERE key = ?"));
  return statement.bind(1, key).run();
}

}  // namespace penstock::catalog
