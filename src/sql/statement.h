// The syntax tree of statements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sql/box.h"
#include "sql/expression.h"
#include "sql/query.h"

namespace penstock::sql {

struct Statement;

// METADATA [FROM 'key'] [VIRTUAL]
struct MetadataClause {
  std::optional<std::string> key;
  bool is_virtual = false;
  bool operator==(const MetadataClause&) const = default;
};

// A physical column (type), a computed one (computed) or one from the connector's metadata (type and metadata).
struct ColumnDefinition {
  Identifier name;
  Box<TypeName> type;
  Box<Expression> computed;
  std::optional<MetadataClause> metadata;
  bool primary_key = false;
  Box<Expression> default_value;  // may be empty
  std::optional<std::string> comment;
  bool operator==(const ColumnDefinition&) const = default;
};

struct WatermarkDefinition {
  Identifier column;
  Box<Expression> expression;
  bool operator==(const WatermarkDefinition&) const = default;
};

// What becomes of a part of the source table in LIKE: taken, left out, or taken unless the new table has its own.
enum class LikeStrategy : uint8_t { kIncluding, kExcluding, kOverwriting };
enum class LikeFeature : uint8_t { kAll, kConstraints, kGenerated, kMetadata, kOptions, kPartitions, kWatermarks };
// "INCLUDING", ...; "ALL", ...
std::string_view like_strategy_name(LikeStrategy strategy);
std::string_view like_feature_name(LikeFeature feature);

struct LikeOption {
  LikeStrategy strategy = LikeStrategy::kIncluding;
  LikeFeature feature = LikeFeature::kAll;
  Position position;
  bool operator==(const LikeOption&) const = default;
};

// LIKE source [(INCLUDING ... EXCLUDING ...)]
struct LikeClause {
  QualifiedName source;
  std::vector<LikeOption> options;
  bool operator==(const LikeClause&) const = default;
};

struct CreateTable {
  bool or_replace = false;
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<ColumnDefinition> columns;
  std::optional<WatermarkDefinition> watermark;
  std::vector<Identifier> primary_key;  // of the table constraint; a column's own is in its definition
  std::vector<Identifier> partitioned_by;
  std::optional<std::string> comment;
  std::vector<Option> options;
  std::optional<LikeClause> like;
  Box<Query> query;                      // CREATE TABLE ... AS query; may be empty
  std::vector<Identifier> column_order;  // of its columns, where names alone are listed: no columns are defined then
  bool operator==(const CreateTable&) const = default;
};

struct CreateView {
  bool or_replace = false;
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<Identifier> columns;
  std::optional<std::string> comment;
  Box<Query> query;
  bool operator==(const CreateView&) const = default;
};

struct CreateMaterializedView {
  bool if_not_exists = false;
  QualifiedName name;
  std::vector<Identifier> columns;
  std::optional<std::string> comment;
  std::vector<Option> options;
  Box<Query> query;
  bool operator==(const CreateMaterializedView&) const = default;
};

// log, or webhook 'http://...'
struct AlertChannel {
  Identifier name;
  std::optional<std::string> argument;
  bool operator==(const AlertChannel&) const = default;
};

struct CreateAlert {
  bool if_not_exists = false;
  QualifiedName name;
  std::optional<std::string> severity;
  std::vector<AlertChannel> channels;
  std::vector<Option> options;
  Box<Query> query;
  bool operator==(const CreateAlert&) const = default;
};

struct FunctionParameter {
  Identifier name;
  TypeName type;
  bool operator==(const FunctionParameter&) const = default;
};

// CREATE FUNCTION name(a BIGINT, ...) RETURNS BIGINT AS a + 1, or AS 'IDENTIFIER' of a function of the program.
struct CreateFunction {
  bool or_replace = false;
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName name;
  // nullopt: no list is written.
  std::optional<std::vector<FunctionParameter>> parameters;
  Box<TypeName> returns;  // may be empty
  // One of both.
  Box<Expression> expression;
  std::optional<std::string> identifier;
  Position body;
  bool operator==(const CreateFunction&) const = default;
};

// column = value, or (column, ...) = (query) with a column of the query for each. An empty value is DEFAULT.
struct Assignment {
  std::vector<Identifier> columns;
  Box<Expression> value;
  bool operator==(const Assignment&) const = default;
};

// ON CONFLICT [(columns) | ON CONSTRAINT name] DO NOTHING, or DO UPDATE SET ... [WHERE ...]; the row that was to be
// inserted is called EXCLUDED there.
struct OnConflict {
  std::vector<Identifier> columns;  // may be empty
  std::optional<Identifier> constraint;
  std::vector<Assignment> assignments;  // empty: DO NOTHING
  Box<Expression> where;                // may be empty
  Position position;
  bool operator==(const OnConflict&) const = default;
};

// What UPDATE, DELETE, MERGE and INSERT change: [ONLY] name [[AS] alias].
struct TargetTable {
  QualifiedName name;
  std::optional<Identifier> alias;
  bool operator==(const TargetTable&) const = default;
};

// WITH [RECURSIVE] in front of a statement that is no query.
struct WithClause {
  std::vector<CommonTableExpression> tables;
  bool recursive = false;
  bool operator==(const WithClause&) const = default;
};

// WITH in front of it is the query's. DEFAULT VALUES is a query of one row without columns.
struct Insert {
  bool overwrite = false;  // INSERT OVERWRITE: what was there goes
  QualifiedName table;
  std::vector<Hint> hints;
  std::optional<Identifier> alias;
  std::vector<Assignment> partition;  // PARTITION (column = value, ...): columns that the query does not give
  std::vector<Identifier> columns;    // empty: all, in the table's order
  bool default_values = false;
  Box<Query> query;
  std::optional<OnConflict> on_conflict;
  std::vector<SelectItem> returning;
  bool operator==(const Insert&) const = default;
};

// EXECUTE STATEMENT SET BEGIN insert; ... END: what starts together, or not at all.
struct StatementSet {
  struct Part {
    Insert insert;
    Position position;
    bool operator==(const Part&) const = default;
  };
  std::vector<Part> parts;
  bool operator==(const StatementSet&) const = default;
};

struct Update {
  WithClause with;
  TargetTable table;
  std::vector<Assignment> assignments;
  std::vector<TableReference> from;
  Box<Expression> where;
  std::vector<SelectItem> returning;
  bool operator==(const Update&) const = default;
};

struct Delete {
  WithClause with;
  TargetTable table;
  std::vector<TableReference> from;  // USING
  Box<Expression> where;
  std::vector<SelectItem> returning;
  bool operator==(const Delete&) const = default;
};

// WHEN [NOT] MATCHED [AND condition] THEN ...
struct MergeWhen {
  enum class Action : uint8_t { kUpdate, kDelete, kInsert, kNothing };

  bool matched = true;
  Box<Expression> condition;  // may be empty
  Action action = Action::kNothing;
  std::vector<Assignment> assignments;  // of kUpdate
  std::vector<Identifier> columns;      // of kInsert; empty: all, in the table's order
  std::vector<Box<Expression>> values;  // of kInsert, an empty one is DEFAULT; none at all: DEFAULT VALUES
  Position position;
  bool operator==(const MergeWhen&) const = default;
};

struct Merge {
  WithClause with;
  TargetTable table;
  TableReference source;
  Box<Expression> on;
  std::vector<MergeWhen> whens;
  bool operator==(const Merge&) const = default;
};

enum class ObjectKind : uint8_t {
  kTable,
  kView,
  kMaterializedView,
  kAlert,
  kJob,
  kFunction,
  kTopic,
  kSchema,
  kCatalog
};
// "TABLE", "MATERIALIZED VIEW", ...
std::string_view object_kind_name(ObjectKind kind);

struct Drop {
  ObjectKind kind = ObjectKind::kTable;
  bool if_exists = false;
  bool temporary = false;  // only a temporary one is meant
  QualifiedName name;
  bool cascade = false;
  bool operator==(const Drop&) const = default;
};

// ALTER TABLE name RENAME TO new_name, and the same of views.
struct AlterRename {
  ObjectKind kind = ObjectKind::kTable;
  bool if_exists = false;
  QualifiedName name;
  QualifiedName new_name;
  bool operator==(const AlterRename&) const = default;
};

// ALTER TABLE name SET ('key' = 'value', ...), or RESET ('key', ...): one of both lists is empty.
struct AlterOptions {
  bool if_exists = false;
  QualifiedName name;
  std::vector<Option> set;
  std::vector<Option> reset;  // keys alone
  bool operator==(const AlterOptions&) const = default;
};

enum class ColumnChange : uint8_t { kAdd, kModify, kDrop, kRename };

// FIRST or AFTER column; neither: at the end, or where the column is.
struct ColumnPlace {
  bool first = false;
  std::optional<Identifier> after;
  bool operator==(const ColumnPlace&) const = default;
};

// ALTER TABLE name ADD or MODIFY (column, ...); DROP (name, ...), WATERMARK or PRIMARY KEY; RENAME column TO name.
struct AlterColumns {
  bool if_exists = false;
  QualifiedName name;
  ColumnChange change = ColumnChange::kAdd;
  CreateTable definition;           // of kAdd and kModify: columns, watermark and primary key
  std::vector<ColumnPlace> places;  // of its columns
  std::vector<Identifier> columns;  // of kDrop; of kRename the old name and the new one
  bool watermark = false;           // of kDrop
  bool primary_key = false;         // likewise
  Position position;                // of what is changed
  bool operator==(const AlterColumns&) const = default;
};

// ALTER VIEW name AS query.
struct AlterView {
  QualifiedName name;
  Box<Query> query;
  bool operator==(const AlterView&) const = default;
};

// [NOT] LIKE 'pattern'. ILIKE says the same: names are found in any case.
struct ShowPattern {
  std::string pattern;
  bool negated = false;
  bool operator==(const ShowPattern&) const = default;
};

// SHOW TABLES and its like.
struct ShowObjects {
  ObjectKind kind = ObjectKind::kTable;
  std::optional<QualifiedName> from;  // of what is in schemas: another one than the session's; of these: the catalog
  bool user = false;                  // of functions: only those that were created
  std::optional<ShowPattern> like;
  bool operator==(const ShowObjects&) const = default;
};

// SHOW COLUMNS FROM a table or view.
struct ShowColumns {
  QualifiedName name;
  std::optional<ShowPattern> like;
  bool operator==(const ShowColumns&) const = default;
};

// SHOW PARTITIONS table [PARTITION (column = value, ...)].
struct ShowPartitions {
  QualifiedName table;
  std::vector<Assignment> partition;
  bool operator==(const ShowPartitions&) const = default;
};

// SHOW CREATE TABLE name and its like.
struct ShowCreate {
  ObjectKind kind = ObjectKind::kTable;
  QualifiedName name;
  bool operator==(const ShowCreate&) const = default;
};

// SHOW name; without a name SHOW ALL.
struct ShowSetting {
  std::optional<std::string> name;
  bool operator==(const ShowSetting&) const = default;
};

// DESCRIBE a table or view, a function (whose name may be an operator), a schema or the catalog.
struct Describe {
  bool extended = false;
  ObjectKind kind = ObjectKind::kTable;  // of views too
  QualifiedName name;
  bool operator==(const Describe&) const = default;
};

// SET key = value. Without a key: list all. Lists of values are joined by ", ".
struct Set {
  std::string key;
  std::string value;
  bool operator==(const Set&) const = default;
};

// RESET key; without a key RESET ALL.
struct Reset {
  std::optional<std::string> key;
  bool operator==(const Reset&) const = default;
};

struct Explain {
  bool analyze = false;
  bool json = false;
  Box<Statement> statement;
  bool operator==(const Explain&) const = default;
};

// SHOW CURRENT SCHEMA, or CATALOG.
struct ShowCurrent {
  ObjectKind kind = ObjectKind::kSchema;
  bool operator==(const ShowCurrent&) const = default;
};

// CREATE SCHEMA, also called DATABASE.
struct CreateSchema {
  bool if_not_exists = false;
  QualifiedName name;
  std::optional<std::string> comment;
  std::vector<Option> options;
  bool operator==(const CreateSchema&) const = default;
};

// ALTER SCHEMA name SET ('key' = 'value', ...).
struct AlterSchema {
  QualifiedName name;
  std::vector<Option> options;
  bool operator==(const AlterSchema&) const = default;
};

// Waits until everything that was written before it is visible in the views.
struct Flush {
  bool operator==(const Flush&) const = default;
};

struct Subscribe {
  QualifiedName name;
  bool operator==(const Subscribe&) const = default;
};

// BEGIN, COMMIT, ROLLBACK, DEALLOCATE, DISCARD and others that clients send around their statements.
struct SessionCommand {
  std::string command;    // the first word, upper case
  std::string arguments;  // the rest as written
  bool operator==(const SessionCommand&) const = default;
};

// USE schema, or USE CATALOG catalog.
struct Use {
  bool catalog = false;
  QualifiedName name;
  bool operator==(const Use&) const = default;
};

struct Statement {
  using Node =
      std::variant<Query, Insert, StatementSet, Update, Delete, Merge, CreateTable, CreateView, CreateMaterializedView,
                   CreateAlert, CreateFunction, Drop, AlterRename, AlterOptions, AlterColumns, AlterView, ShowObjects,
                   ShowColumns, ShowPartitions, ShowCreate, ShowSetting, Describe, Set, Reset, Explain, Flush,
                   Subscribe, SessionCommand, Use, ShowCurrent, CreateSchema, AlterSchema>;
  Node node;
  Position position;
  // The number of parameters: the highest $n, or the count of `?`.
  uint32_t parameters = 0;
  bool operator==(const Statement&) const = default;
};

}  // namespace penstock::sql
