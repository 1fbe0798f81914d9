// What the catalog knows of an object: plain data, immutable once it is in the catalog.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "types/type.h"

namespace penstock::catalog {

// A column that is read from the connector's metadata.
struct MetadataColumn {
  std::string key;          // as the connector calls it: "offset"
  bool is_virtual = false;  // only read, never written
  bool operator==(const MetadataColumn&) const = default;
};

// Physical, unless it is computed or from metadata.
struct Column {
  std::string name;
  types::DataType type;
  std::string computed;  // the SQL of a computed column's expression; else empty
  std::optional<MetadataColumn> metadata;
  std::string default_value;  // the SQL of what an INSERT that does not name the column writes; empty: NULL
  std::string comment;

  bool is_physical() const { return computed.empty() && !metadata; }
  bool operator==(const Column&) const = default;
};

struct Watermark {
  int column = 0;
  std::string expression;  // SQL over the table's columns
  bool operator==(const Watermark&) const = default;
};

// Option keys are as written and compare exactly; each is there once.
using Options = std::vector<std::pair<std::string, std::string>>;
// The value of an option, or null.
const std::string* find_option(const Options& options, std::string_view key);

// Without a 'connector' option it is a native table.
struct Table {
  std::vector<Column> columns;
  std::optional<Watermark> watermark;
  std::vector<int> primary_key;
  Options options;

  bool is_native() const { return find_option(options, "connector") == nullptr; }
  // The columns that are stored, in order; and the primary key as places among these.
  types::Schema physical_schema() const;
  std::vector<int> physical_key() const;
  bool operator==(const Table&) const = default;
};

struct View {
  std::vector<Column> columns;
  std::string query;  // SQL
  bool operator==(const View&) const = default;
};

struct MaterializedView {
  std::vector<Column> columns;
  std::string query;
  Options options;
  // What its plan knows of its rows: whether none is ever taken back, and the columns whose values are unique (none:
  // there is at most one row; nullopt: unknown).
  bool append_only = false;
  std::optional<std::vector<int>> key;
  bool operator==(const MaterializedView&) const = default;
};

struct AlertChannel {
  std::string kind;    // "log", "webhook"
  std::string target;  // the URL; may be empty
  bool operator==(const AlertChannel&) const = default;
};

struct Alert {
  std::string query;
  std::string severity;  // as written; may be empty
  std::vector<AlertChannel> channels;
  Options options;
  bool operator==(const Alert&) const = default;
};

// A running INSERT.
struct Job {
  std::string target;  // the table that it writes
  std::string query;
  bool operator==(const Job&) const = default;
};

// A scalar function: an expression over its parameters, or another name of a function of the program.
struct Function {
  std::vector<Column> parameters;          // physical columns; the types say which casts are implicit
  bool any_arguments = false;              // no parameters are declared: what `identifier` takes
  std::optional<types::DataType> returns;  // nullopt: what the expression gives
  std::string expression;                  // SQL; empty: `identifier` is called
  std::string identifier;
  bool operator==(const Function&) const = default;
};

using Definition = std::variant<Table, View, MaterializedView, Alert, Job, Function>;

// Objects of one name space have different names: tables and views of both kinds share one.
enum class NameSpace : uint8_t { kRelation, kAlert, kJob, kFunction };

struct Entry {
  int64_t id = 0;    // given by the catalog, never used again
  std::string name;  // as written when it was created; found in any case
  std::string sql;   // the statement that created it
  std::string comment;
  int64_t created_at_us = 0;
  std::string schema_name = "public";     // that the name begins with, unless it is this one
  std::string names_schema = "public";    // the one that names without a schema in its texts are in
  std::string time_zone = "UTC";          // of the session that created it: its expressions compute in it for ever
  bool temporary = false;                 // of one session, whose temporary schema the name begins with; in memory only
  std::vector<std::string> dependencies;  // relations that it reads or writes
  std::vector<std::string> functions;     // created ones that its expressions call
  // Of what runs: options of the tables that it scans, as the engine fixed them when it was made, behind the numbers of
  // the scans; and the settings of its session that it keeps.
  Options scan_options;
  Definition definition;

  NameSpace name_space() const;
  // "table", "view", "materialized view", "alert", "job", "function".
  std::string_view kind_name() const;
  // The name as messages have it: that of a temporary object without the schema.
  std::string_view plain_name() const { return temporary ? unqualified_name() : std::string_view(name); }
  // The name without the schema.
  std::string_view unqualified_name() const;
  // The columns of a table or view, the parameters of a function; empty for others.
  const std::vector<Column>& columns() const;
  types::Schema schema() const;

  const Table* table() const { return std::get_if<Table>(&definition); }
  const View* view() const { return std::get_if<View>(&definition); }
  const MaterializedView* materialized_view() const { return std::get_if<MaterializedView>(&definition); }
  const Alert* alert() const { return std::get_if<Alert>(&definition); }
  const Job* job() const { return std::get_if<Job>(&definition); }
  const Function* function() const { return std::get_if<Function>(&definition); }

  bool operator==(const Entry&) const = default;
};
using EntryPtr = std::shared_ptr<const Entry>;

}  // namespace penstock::catalog
