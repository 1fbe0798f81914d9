#include "plan/definition.h"

#include <algorithm>

#include "catalog/catalog.h"
#include "catalog/create_text.h"
#include "catalog/partition.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/column_place.h"
#include "plan/like.h"
#include "plan/literal.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using catalog::Column;
using catalog::Entry;
using catalog::partition_level;
using types::DataType;
using types::Schema;

Result<catalog::Options> bind_options(const std::vector<sql::Option>& options) {
  catalog::Options bound;
  for (const sql::Option& option : options) {
    if (catalog::find_option(bound, option.key) != nullptr) {
      return invalid_argument("option '{}' is given twice", option.key).at(option.position.offset);
    }
    bound.emplace_back(option.key, option.value);
  }
  return bound;
}

// Names a temporary object that is to be created. It hides nothing.
Status name_temporary(const sql::QualifiedName& name, const PlanContext& context, Entry& entry) {
  const uint32_t at = name.position().offset;
  const std::string& plain = name.parts.back().text;
  if (name.parts.size() > 1) {
    return invalid_argument("a temporary object is in no schema: its name has one part").at(at);
  }
  const catalog::NameScope permanent{.schema = context.names.schema, .temporary = {}};
  if (const auto hidden = context.catalog->find_relation(PENSTOCK_TRY(context.catalog->resolve(name, permanent)))) {
    return make_error(ErrorCode::kAlreadyExists, "there is a {} {}, which a temporary one would hide",
                      hidden->kind_name(), hidden->name)
        .at(at)
        .hint("give it another name");
  }
  entry.schema_name = context.names.temporary;
  entry.name = context.names.temporary + "." + plain;
  entry.temporary = true;
  return {};
}

// Gives a table or view that is to be created its full name, and says what names in it are.
Status name_entry(const sql::QualifiedName& name, bool temporary, const PlanContext& context, Entry& entry) {
  entry.names_schema = context.names.schema;
  if (temporary) return name_temporary(name, context, entry);
  const uint32_t at = name.position().offset;
  entry.name = PENSTOCK_TRY(context.catalog->resolve(name, context.names));
  if (!context.names.temporary.empty() && entry.name.starts_with(context.names.temporary + ".")) {
    return make_error(ErrorCode::kAlreadyExists, "this session has a temporary object {}, which would hide it",
                      name.parts.back().text)
        .at(at)
        .hint("give it another name, or drop the temporary one before");
  }
  if (catalog::is_system_name(entry.name)) {
    return invalid_argument("nothing can be created in the schema {}: it belongs to the program",
                            entry.name.substr(0, entry.name.find('.')))
        .at(at);
  }
  entry.schema_name = context.catalog->schema_of(entry.name);
  if (name.parts.size() == 1 && entry.schema_name != context.names.schema) {
    return not_found("there is no schema {} any more", context.names.schema)
        .at(at)
        .hint("USE another one; SHOW SCHEMAS lists them");
  }
  return {};
}

std::optional<size_t> find_column(const std::vector<Column>& columns, std::string_view name) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (sql::equal_ignoring_case(columns[i].name, name)) return i;
  }
  return std::nullopt;
}

Status check_new_column(const std::vector<Column>& columns, const sql::Identifier& name) {
  if (find_column(columns, name.text))
    return invalid_argument("there are two columns {}", name.text).at(name.position.offset);
  if (columns.size() == kColumnsMax) {
    return make_error(ErrorCode::kResourceExhausted, "a table has at most {} columns", kColumnsMax)
        .at(name.position.offset);
  }
  return {};
}

Result<int> find_column(const catalog::Table& table, const sql::Identifier& name) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return static_cast<int>(PENSTOCK_TRY(find_column_place(names, name)));
}

// PARTITIONED BY, of the statement or of the table that it is LIKE.
Status define_partitions(const sql::CreateTable& statement, catalog::Table& table) {
  const bool taken =
      std::ranges::any_of(table.columns, [](const Column& one) { return partition_level(one).has_value(); });
  const std::string* connector = catalog::find_option(table.options, "connector");
  const bool has_directories = connector != nullptr && *connector == "filesystem";
  if (statement.partitioned_by.empty()) {
    if (!taken || has_directories) return {};
    return invalid_argument("the source table is PARTITIONED BY columns, which only the connector filesystem knows")
        .at(statement.like->source.position().offset)
        .hint("say EXCLUDING PARTITIONS");
  }
  const uint32_t at = statement.partitioned_by.front().position.offset;
  if (taken) {
    return invalid_argument("the source table is PARTITIONED BY columns already")
        .at(at)
        .hint("say EXCLUDING PARTITIONS");
  }
  if (!has_directories) {
    Error error = connector == nullptr
                      ? invalid_argument("a table without a connector is not PARTITIONED BY columns")
                      : invalid_argument("tables of the connector {} are not PARTITIONED BY columns", *connector);
    return std::move(error).at(at).hint("those of the connector filesystem are: a directory has the files of a value");
  }
  for (const sql::Identifier& name : statement.partitioned_by) {
    Column& column = table.columns[static_cast<size_t>(PENSTOCK_TRY(find_column(table, name)))];
    if (partition_level(column)) {
      return invalid_argument("column {} is in PARTITIONED BY twice", name.text).at(name.position.offset);
    }
    if (!column.is_physical()) {
      return invalid_argument("column {} is not stored, and cannot be in PARTITIONED BY", name.text)
          .at(name.position.offset);
    }
    if (column.name.starts_with('_') || column.name.starts_with('.')) {
      return unsupported("column {} cannot be in PARTITIONED BY: directories of such names are passed over", name.text)
          .at(name.position.offset)
          .hint("give it another name");
    }
    const auto level = static_cast<size_t>(&name - statement.partitioned_by.data());
    column.metadata = catalog::partition_metadata(level, column.name);
  }
  const bool has_others = std::ranges::any_of(table.columns, [](const Column& one) { return one.is_physical(); });
  if (has_others) return {};
  return invalid_argument("a column must be left that is not in PARTITIONED BY: the files would have none").at(at);
}

Error metadata_needs_connector(sql::Position position) {
  return invalid_argument("METADATA columns need a connector: a table without WITH has none").at(position.offset);
}

// The columns that are written with a type; computed ones get theirs later.
Result<Column> define_column(const sql::ColumnDefinition& definition, bool has_connector, const PlanContext& context,
                             std::vector<std::string>& functions) {
  Column column{
      .name = definition.name.text, .type = {}, .computed = {}, .metadata = {}, .default_value = {}, .comment = {}};
  column.comment = definition.comment.value_or("");
  if (definition.computed) {
    column.computed = sql::print(*definition.computed);
    return column;
  }
  column.type = PENSTOCK_TRY(bind_type(*definition.type));
  if (definition.default_value) {
    column.default_value = sql::print(*definition.default_value);
    Result<expr::ExprPtr> value = default_of(column, context, &functions);
    if (!value) {
      return std::move(value).error().context("column " + column.name).at(definition.default_value->position.offset);
    }
  }
  if (definition.metadata) {
    if (!has_connector) {
      return metadata_needs_connector(definition.name.position);
    }
    if (definition.metadata->key && definition.metadata->key->starts_with(catalog::kPartitionKey)) {
      return invalid_argument("the metadata '{}' are the values of directories", *definition.metadata->key)
          .at(definition.name.position.offset)
          .hint("declare the column plainly, and name it in PARTITIONED BY");
    }
    column.metadata = catalog::MetadataColumn{definition.metadata->key.value_or(definition.name.text),
                                              definition.metadata->is_virtual};
  }
  return column;
}

void add_functions(const Binder& binder, std::vector<std::string>& functions) {
  functions.insert(functions.end(), binder.functions().begin(), binder.functions().end());
}

// A computed column that was taken from another table, over the columns of the new one.
Status bind_taken_column(const sql::LikeClause& like, const Scope& scope, const PlanContext& context, Column& column,
                         std::vector<std::string>& functions) {
  Binder binder(context);
  const sql::Expression expression = PENSTOCK_TRY(sql::parse_expression(column.computed));
  Result<expr::ExprPtr> bound = binder.bind_expression(expression, {.scope = &scope, .place = "in a computed column"});
  if (!bound) {
    return Error(bound.error().code(), bound.error().message())
        .context("column " + column.name + " of " + sql::print(like.source))
        .at(like.source.position().offset)
        .hint("say EXCLUDING GENERATED, or include what it needs");
  }
  column.type = (*bound)->type();
  add_functions(binder, functions);
  return {};
}

Status bind_computed_columns(const sql::CreateTable& statement, const PlanContext& context, catalog::Table& table,
                             std::vector<std::string>& functions) {
  Schema base;
  for (const Column& column : table.columns) {
    if (column.computed.empty()) base.push_back({column.name, column.type});
  }
  Scope scope(statement.name.parts.back().text, base);
  for (Column& column : table.columns) {
    if (column.computed.empty()) continue;
    const auto written = std::ranges::find_if(statement.columns, [&](const sql::ColumnDefinition& one) {
      return sql::equal_ignoring_case(one.name.text, column.name);
    });
    if (written == statement.columns.end()) {
      PENSTOCK_TRY(bind_taken_column(*statement.like, scope, context, column, functions));
      continue;
    }
    Binder binder(context);
    expr::ExprPtr bound =
        PENSTOCK_TRY(binder.bind_expression(*written->computed, {.scope = &scope, .place = "in a computed column"}));
    column.type = bound->type();
    add_functions(binder, functions);
    if (bound->type().kind() == types::TypeKind::kNull) {
      return invalid_argument("column {} has no type", column.name)
          .at(written->computed->position.offset)
          .hint("write CAST(NULL AS ...)");
    }
  }
  return {};
}

Status define_primary_key(const sql::CreateTable& statement, catalog::Table& table) {
  std::vector<sql::Identifier> key = statement.primary_key;
  for (const sql::ColumnDefinition& column : statement.columns) {
    if (!column.primary_key) continue;
    if (!key.empty()) {
      return invalid_argument("a table has at most one primary key")
          .at(column.name.position.offset)
          .hint("write PRIMARY KEY (a, b) NOT ENFORCED for a key of several columns");
    }
    key.push_back(column.name);
  }
  if (!key.empty() && !table.primary_key.empty()) {
    return invalid_argument("the source table has a primary key already")
        .at(key.front().position.offset)
        .hint("say EXCLUDING CONSTRAINTS");
  }
  for (const sql::Identifier& name : key) {
    int index = PENSTOCK_TRY(find_column(table, name));
    Column& column = table.columns[index];
    if (!column.computed.empty()) {
      return invalid_argument("column {} is computed and cannot be in the primary key", name.text)
          .at(name.position.offset);
    }
    if (std::ranges::find(table.primary_key, index) != table.primary_key.end()) {
      return invalid_argument("column {} is in the primary key twice", name.text).at(name.position.offset);
    }
    column.type = column.type.with_nullable(false);
    table.primary_key.push_back(index);
  }
  return {};
}

Status define_watermark(const sql::CreateTable& statement, const PlanContext& context, catalog::Table& table,
                        std::vector<std::string>& functions) {
  const auto no_connector = [](sql::Position position) {
    return unsupported("a table without a connector has no watermark: its rows change, they do not pass by")
        .at(position.offset);
  };
  if (!statement.watermark) {
    if (!table.watermark || !table.is_native()) return {};
    return Error(no_connector(statement.like->source.position())).hint("say EXCLUDING WATERMARKS");
  }
  const sql::Identifier& name = statement.watermark->column;
  if (table.watermark &&
      LikeStrategies(*statement.like).of(sql::LikeFeature::kWatermarks) != sql::LikeStrategy::kOverwriting) {
    return invalid_argument("the source table has a watermark already")
        .at(name.position.offset)
        .hint("say OVERWRITING WATERMARKS, or EXCLUDING WATERMARKS");
  }
  int column = PENSTOCK_TRY(find_column(table, name));
  DataType type = table.columns[column].type;
  if (!type.is_timestamp()) {
    return invalid_argument("a watermark is for a TIMESTAMP or TIMESTAMP_LTZ column, but {} is {}", name.text,
                            type.with_nullable(true).to_string())
        .at(name.position.offset)
        .hint("add a computed column such as `event_time AS TO_TIMESTAMP_LTZ(millis, 3)`");
  }
  Schema schema;
  for (const Column& one : table.columns) schema.push_back({one.name, one.type});
  Scope scope(statement.name.parts.back().text, schema);
  const sql::Expression& expression = *statement.watermark->expression;
  const auto* call = expression.get_if<sql::FunctionCall>();
  if (call != nullptr && call->name.parts.size() == 1 &&
      sql::equal_ignoring_case(call->name.parts.front().text, "SOURCE_WATERMARK")) {
    const std::string* connector = catalog::find_option(table.options, "connector");
    return unsupported("SOURCE_WATERMARK() needs a connector with watermarks of its own, which {} has not",
                       connector == nullptr ? "a table without one" : *connector)
        .at(expression.position.offset)
        .hint("write what it follows from, such as " + sql::quote_identifier(name.text) + " - INTERVAL '5' SECOND");
  }
  Binder binder(context);
  expr::ExprPtr bound = PENSTOCK_TRY(binder.bind_expression(expression, {.scope = &scope, .place = "in WATERMARK"}));
  add_functions(binder, functions);
  if (bound->type().kind() != type.kind()) {
    return invalid_argument("the watermark of {} must be {}, but this is {}", name.text,
                            type.with_nullable(true).to_string(), bound->type().with_nullable(true).to_string())
        .at(expression.position.offset);
  }
  if (table.is_native()) return no_connector(name.position);
  table.watermark = catalog::Watermark{column, sql::print(expression)};
  return {};
}

// A name of a query's column that other columns have not. As in Flink, one that comes again gets a number: id, id0,
// id1.
std::string unique_name(const std::vector<Column>& others, const std::string& name) {
  std::string unique = name;
  for (size_t number = 0; find_column(others, unique); ++number) unique = name + std::to_string(number);
  return unique;
}

// The columns of a query's result as those of a view, under `names` where there are any.
Result<std::vector<Column>> query_columns(const Schema& schema, const std::vector<sql::Identifier>& names,
                                          sql::Position position) {
  if (!names.empty() && names.size() != schema.size()) {
    return invalid_argument("{} names for {} columns", names.size(), schema.size()).at(names.front().position.offset);
  }
  std::vector<Column> columns;
  for (size_t i = 0; i < schema.size(); ++i) {
    const sql::Identifier name =
        names.empty() ? sql::Identifier{unique_name(columns, schema[i].name), position} : names[i];
    PENSTOCK_TRY(check_new_column(columns, name));
    columns.push_back({.name = name.text,
                       .type = schema[i].type,
                       .computed = {},
                       .metadata = {},
                       .default_value = {},
                       .comment = {}});
  }
  return columns;
}

// CREATE TABLE ... AS: the columns of the query come behind those of the statement. One that is in both stands where
// the query has it, and is what the statement says.
Status add_query_columns(const sql::CreateTable& statement, std::vector<Column> of_query, catalog::Table& table) {
  for (Column& column : of_query) {
    if (column.type.kind() == types::TypeKind::kNull) {
      return invalid_argument("column {} has no type", column.name)
          .at(statement.query->position.offset)
          .hint("write CAST(NULL AS ...)");
    }
    const auto written = std::ranges::find_if(statement.columns, [&](const sql::ColumnDefinition& one) {
      return sql::equal_ignoring_case(one.name.text, column.name);
    });
    if (written != statement.columns.end()) {
      const auto defined = table.columns.begin() + static_cast<ptrdiff_t>(*find_column(table.columns, column.name));
      if (!defined->computed.empty() || (defined->metadata && defined->metadata->is_virtual)) {
        return invalid_argument("the query gives a column {}, which cannot be written here", column.name)
            .at(written->name.position.offset)
            .hint("give one of both another name");
      }
      column = std::move(*defined);
      table.columns.erase(defined);
    }
    table.columns.push_back(std::move(column));
  }
  if (table.columns.size() <= kColumnsMax) return {};
  return make_error(ErrorCode::kResourceExhausted, "a table has at most {} columns", kColumnsMax)
      .at(statement.query->position.offset);
}

// The columns of a query in the order in which the statement lists their names.
Status order_columns(const sql::CreateTable& statement, catalog::Table& table) {
  if (statement.column_order.empty()) return {};
  std::vector<Column> ordered;
  for (const sql::Identifier& name : statement.column_order) {
    const int place = PENSTOCK_TRY(find_column(table, name));
    PENSTOCK_TRY(check_new_column(ordered, name));
    ordered.push_back(table.columns[static_cast<size_t>(place)]);
  }
  for (const Column& column : table.columns) {
    if (find_column(ordered, column.name)) continue;
    return invalid_argument("the list of names lacks the column {} of the query", column.name)
        .at(statement.column_order.front().position.offset)
        .hint("list all columns of the query, or say which ones it selects");
  }
  table.columns = std::move(ordered);
  return {};
}

PlanContext with_mode(PlanContext context, PlanMode mode) {
  context.mode = mode;
  return context;
}

// A view and an alert have the whole result at any time.
Status refuse_complete(const sql::Query& query) {
  if (!query.emit || query.emit->kind != sql::EmitKind::kComplete) return {};
  return unsupported("EMIT COMPLETE writes the whole result again and again, which only a table can take")
      .at(query.emit->position.offset)
      .hint("use it in INSERT INTO ... SELECT; a materialized view always shows its whole result");
}

Status refuse_parameters(const PlannedQuery& plan, sql::Position position) {
  if (plan.parameter_types.empty()) return {};
  return invalid_argument("parameters cannot be used in a definition").at(position.offset);
}

std::string time_zone_name(const PlanContext& context) {
  return context.eval.zone == nullptr ? "UTC" : context.eval.zone->name();
}

// Names the columns of a plan's result.
void rename_root(PlannedQuery& plan, const std::vector<Column>& columns) {
  PhysicalNode root = *plan.root;
  for (size_t i = 0; i < columns.size(); ++i) root.schema[i].name = columns[i].name;
  plan.root = std::make_shared<const PhysicalNode>(std::move(root));
}

}  // namespace

Result<DefinedTable> define_table(const sql::CreateTable& statement, std::string sql, const PlanContext& context) {
  DefinedTable defined;
  Entry& entry = defined.entry;
  PENSTOCK_TRY(name_entry(statement.name, statement.temporary, context, entry));
  entry.sql = std::move(sql);
  entry.time_zone = time_zone_name(context);
  entry.comment = statement.comment.value_or("");
  catalog::Table table;
  if (statement.like) table = PENSTOCK_TRY(take_from_source(*statement.like, context));
  const size_t taken = table.columns.size();
  PENSTOCK_TRY(put_options(table.options, PENSTOCK_TRY(bind_options(statement.options)), statement));
  bool has_connector = catalog::find_option(table.options, "connector") != nullptr;
  if (!has_connector &&
      std::ranges::any_of(table.columns, [](const Column& one) { return one.metadata.has_value(); })) {
    return Error(metadata_needs_connector(statement.like->source.position()))
        .hint("say EXCLUDING METADATA, or give the table a connector");
  }
  for (const sql::ColumnDefinition& column : statement.columns) {
    const std::optional<size_t> old = find_column(table.columns, column.name.text);
    if (old && *old < taken) {
      PENSTOCK_TRY(overwrite(table.columns[*old],
                             PENSTOCK_TRY(define_column(column, has_connector, context, entry.functions)),
                             *statement.like, column.name.position));
      continue;
    }
    PENSTOCK_TRY(check_new_column(table.columns, column.name));
    table.columns.push_back(PENSTOCK_TRY(define_column(column, has_connector, context, entry.functions)));
  }
  if (statement.query) {
    // A native table is filled at once.
    const PlanMode mode = has_connector ? context.mode : PlanMode::kBounded;
    PlannedQuery plan = PENSTOCK_TRY(plan_query(*statement.query, with_mode(context, mode)));
    PENSTOCK_TRY(refuse_parameters(plan, statement.query->position));
    std::vector<Column> columns = PENSTOCK_TRY(query_columns(plan.root->schema, {}, statement.query->position));
    for (const Column& column : columns) defined.query_columns.push_back(column.name);
    PENSTOCK_TRY(add_query_columns(statement, std::move(columns), table));
    PENSTOCK_TRY(order_columns(statement, table));
  }
  PENSTOCK_TRY(define_partitions(statement, table));
  PENSTOCK_TRY(bind_computed_columns(statement, context, table, entry.functions));
  PENSTOCK_TRY(define_primary_key(statement, table));
  PENSTOCK_TRY(define_watermark(statement, context, table, entry.functions));
  entry.definition = std::move(table);
  // What made it reads something else, which may go or change.
  if (statement.like || statement.query) entry.sql = PENSTOCK_TRY(catalog::create_table_text(entry));
  return defined;
}

Result<Entry> define_renamed(const Entry& old, const sql::QualifiedName& name, PlanContext context) {
  Entry entry = old;
  if (!old.temporary) context.names.schema = old.schema_name;
  PENSTOCK_TRY(name_entry(name, old.temporary, context, entry));
  entry.names_schema = old.names_schema;
  return entry;
}

namespace {

// What follows from the query of a view.
Status define_view_query(const sql::Query& query, const std::vector<sql::Identifier>& columns,
                         const PlanContext& context, Entry& entry) {
  PlannedQuery plan = PENSTOCK_TRY(plan_query(query, with_mode(context, PlanMode::kBounded)));
  PENSTOCK_TRY(refuse_parameters(plan, query.position));
  catalog::View view;
  view.columns = PENSTOCK_TRY(query_columns(plan.root->schema, columns, query.position));
  view.query = sql::print(query);
  entry.time_zone = time_zone_name(context);
  entry.dependencies = std::move(plan.dependencies);
  entry.functions = std::move(plan.functions);
  entry.definition = std::move(view);
  return {};
}

}  // namespace

Result<Entry> define_view(const sql::CreateView& statement, std::string sql, const PlanContext& context) {
  Entry entry;
  PENSTOCK_TRY(name_entry(statement.name, statement.temporary, context, entry));
  entry.sql = std::move(sql);
  entry.comment = statement.comment.value_or("");
  PENSTOCK_TRY(define_view_query(*statement.query, statement.columns, context, entry));
  return entry;
}

Result<Entry> define_changed_view(const Entry& old, const sql::AlterView& statement, const PlanContext& context) {
  Entry entry = old;
  PENSTOCK_TRY(define_view_query(*statement.query, {}, context, entry));
  entry.names_schema = context.names.schema;
  entry.sql = old.temporary ? "CREATE TEMPORARY VIEW " : "CREATE VIEW ";
  entry.sql += sql::print(catalog::written_name(entry, entry.names_schema));
  if (!entry.comment.empty()) entry.sql += " COMMENT " + sql::quote_string(entry.comment);
  entry.sql += " AS " + entry.view()->query;
  return entry;
}

namespace {

// Whether a key that has been forgotten may come again with another first row. It takes the place of the old one where
// rows are kept by that key.
bool forgets_keys(const PhysicalNode& root) {
  return std::ranges::any_of(nodes_of(root), [](const PhysicalNode* node) {
    const auto* rank = std::get_if<Rank>(&node->op);
    return rank != nullptr && rank->ttl_us.value_or(0) > 0;
  });
}

}  // namespace

Result<PlannedDefinition> define_materialized_view(const sql::CreateMaterializedView& statement, std::string sql,
                                                   const PlanContext& context) {
  PlannedDefinition defined;
  PENSTOCK_TRY(name_entry(statement.name, false, context, defined.entry));
  defined.entry.sql = std::move(sql);
  defined.entry.time_zone = time_zone_name(context);
  defined.entry.comment = statement.comment.value_or("");
  PENSTOCK_TRY(refuse_complete(*statement.query));
  defined.plan = PENSTOCK_TRY(plan_query(*statement.query, with_mode(context, PlanMode::kStreaming)));
  PENSTOCK_TRY(refuse_parameters(defined.plan, statement.query->position));
  catalog::MaterializedView view;
  const PhysicalNode& root = *defined.plan.root;
  view.columns = PENSTOCK_TRY(query_columns(root.schema, statement.columns, statement.query->position));
  view.query = sql::print(*statement.query);
  view.options = PENSTOCK_TRY(bind_options(statement.options));
  view.append_only = root.traits.append_only && !(root.traits.key && forgets_keys(root));
  view.key = root.traits.key;
  rename_root(defined.plan, view.columns);
  defined.entry.dependencies = defined.plan.dependencies;
  defined.entry.functions = defined.plan.functions;
  defined.entry.definition = std::move(view);
  return defined;
}

namespace {

// The severity in upper case; "" where none is given.
Result<std::string> bind_severity(const sql::CreateAlert& statement) {
  constexpr std::string_view kSeverities[] = {"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"};
  if (!statement.severity) return std::string();
  std::string severity = sql::to_upper(*statement.severity);
  if (std::ranges::find(kSeverities, severity) != std::end(kSeverities)) return severity;
  return invalid_argument("alert \"{}\": there is no severity '{}'", statement.name.parts.front().text,
                          *statement.severity)
      .at(statement.name.position().offset)
      .hint("it is INFO, LOW, MEDIUM, HIGH or CRITICAL");
}

Result<catalog::AlertChannel> bind_channel(const sql::AlertChannel& channel) {
  catalog::AlertChannel bound{sql::to_lower(channel.name.text), channel.argument.value_or("")};
  const uint32_t at = channel.name.position.offset;
  if (bound.kind == "log") {
    if (channel.argument) return invalid_argument("the channel log takes no address").at(at);
    return bound;
  }
  if (bound.kind != "webhook") {
    return invalid_argument("there is no channel {}", channel.name.text)
        .at(at)
        .hint("the channels are log and webhook");
  }
  if (bound.target.starts_with("http://") || bound.target.starts_with("https://")) return bound;
  return invalid_argument("the channel webhook needs an address that begins with http:// or https://")
      .at(at)
      .hint("webhook 'https://example.com/hook'");
}

}  // namespace

Result<PlannedDefinition> define_alert(const sql::CreateAlert& statement, std::string sql, const PlanContext& context) {
  PlannedDefinition defined;
  if (statement.name.parts.size() > 1) {
    return invalid_argument("alerts are in no schema: their names have one part").at(statement.name.position().offset);
  }
  defined.entry.name = statement.name.parts.front().text;
  defined.entry.names_schema = context.names.schema;
  defined.entry.sql = std::move(sql);
  defined.entry.time_zone = time_zone_name(context);
  PENSTOCK_TRY(refuse_complete(*statement.query));
  defined.plan = PENSTOCK_TRY(plan_query(*statement.query, with_mode(context, PlanMode::kStreaming)));
  PENSTOCK_TRY(refuse_parameters(defined.plan, statement.query->position));
  catalog::Alert alert;
  alert.query = sql::print(*statement.query);
  alert.severity = PENSTOCK_TRY(bind_severity(statement));
  for (const sql::AlertChannel& channel : statement.channels) {
    alert.channels.push_back(PENSTOCK_TRY(bind_channel(channel)));
  }
  if (!statement.options.empty()) {
    return invalid_argument("an alert has no options").at(statement.options.front().position.offset);
  }
  defined.entry.dependencies = defined.plan.dependencies;
  defined.entry.functions = defined.plan.functions;
  defined.entry.definition = std::move(alert);
  return defined;
}

}  // namespace penstock::plan
