#include "engine/show.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <variant>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "engine/cursor.h"
#include "expr/function_catalog.h"
#include "expr/like_pattern.h"
#include "plan/function.h"

namespace penstock::engine {

namespace {

using sql::ObjectKind;
using types::TypeKind;
using types::Value;

types::Schema text_columns(std::initializer_list<const char*> names) {
  types::Schema schema;
  for (const char* name : names) schema.push_back({name, TypeKind::kString});
  return schema;
}

types::Schema objects_schema(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kTable: return text_columns({"table_name", "kind"});
    case ObjectKind::kView: return text_columns({"view_name", "kind"});
    case ObjectKind::kMaterializedView: return text_columns({"materialized_view_name"});
    case ObjectKind::kAlert: return text_columns({"alert_name", "severity"});
    case ObjectKind::kJob: return text_columns({"job_name", "kind", "state", "lag", "error"});
    case ObjectKind::kFunction: return text_columns({"function", "category", "signature", "description"});
    case ObjectKind::kTopic: return text_columns({"topic", "partitions", "retention_ms"});
    case ObjectKind::kSchema: return text_columns({"schema_name"});
    case ObjectKind::kCatalog: return text_columns({"catalog_name"});
  }
  return {};
}

types::Schema columns_schema() { return text_columns({"name", "type", "null", "key", "extras", "watermark"}); }

types::Schema partitions_schema() { return text_columns({"partition_name"}); }

types::Schema describe_schema(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kFunction: return text_columns({"signature", "description", "examples"});
    case ObjectKind::kJob: return objects_schema(kind);
    case ObjectKind::kSchema:
    case ObjectKind::kCatalog: return text_columns({"info_name", "info_value"});
    default: return columns_schema();
  }
}

types::Schema current_schema(const sql::ShowCurrent& show) {
  return text_columns({show.kind == ObjectKind::kSchema ? "current_schema_name" : "current_catalog_name"});
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Leaves the rows whose first column follows the pattern, in any case, or does not.
Status choose_like(ValueRows& rows, const std::optional<sql::ShowPattern>& show) {
  if (!show) return {};
  const expr::LikePattern like = PENSTOCK_TRY(expr::LikePattern::compile(lower(show->pattern), 0));
  std::erase_if(rows, [&](const auto& row) { return like.matches(lower(row[0].as_string())) == show->negated; });
  return {};
}

// What a created function is, in SQL.
std::string body_of(const catalog::Function& function) {
  return function.expression.empty() ? function.identifier : function.expression;
}

void add_functions(ValueRows& rows) {
  for (const expr::FunctionDoc& doc : expr::function_docs()) {
    rows.push_back({Value(std::string(doc.name)), Value(std::string(expr::category_name(doc.category))),
                    Value(std::string(doc.signature)), Value(std::string(doc.description))});
  }
}

void add_created_functions(ValueRows& rows, const EngineImpl& engine, const catalog::NameScope& names) {
  for (const catalog::EntryPtr& entry : engine.catalog().entries()) {
    const catalog::Function* function = entry->function();
    if (function == nullptr || !catalog::is_visible(*entry, names)) continue;
    rows.push_back({Value(std::string(entry->plain_name())),
                    Value(std::string(entry->temporary ? "Temporary" : "User")), Value(plan::signature_of(*entry)),
                    Value(body_of(*function))});
  }
}

void add_jobs(ValueRows& rows, const EngineImpl& engine) {
  for (const JobStatus& job : engine.status().jobs) {
    rows.push_back({Value(job.name), Value(job.kind), Value(job.state), Value(std::to_string(job.lag_events)),
                    job.error.empty() ? Value() : Value(job.error)});
  }
}

void add_topics(ValueRows& rows, EngineImpl& engine) {
  for (const log::TopicInfo& topic : engine.log().topics()) {
    rows.push_back(
        {Value(topic.name), Value(std::to_string(topic.partitions)), Value(std::to_string(topic.config.retention_ms))});
  }
}

void add_entries(ValueRows& rows, ObjectKind kind, const EngineImpl& engine, const catalog::NameScope& names) {
  for (const catalog::EntryPtr& entry : engine.catalog().entries()) {
    if (!catalog::is_visible(*entry, names)) continue;
    const Value name{std::string(entry->unqualified_name())};
    const Value kind_name{(entry->temporary ? "temporary " : "") + std::string(entry->kind_name())};
    const bool here = entry->schema_name == names.schema || entry->temporary;
    const bool relation = here && entry->name_space() == catalog::NameSpace::kRelation;
    if (kind == ObjectKind::kTable && relation) rows.push_back({name, kind_name});
    if (kind == ObjectKind::kView && relation && entry->table() == nullptr) rows.push_back({name, kind_name});
    if (kind == ObjectKind::kMaterializedView && here && entry->materialized_view() != nullptr) rows.push_back({name});
    if (kind == ObjectKind::kAlert && entry->alert() != nullptr) {
      rows.push_back({name, Value(entry->alert()->severity)});
    }
  }
}

}  // namespace

catalog::NameSpace name_space_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kAlert: return catalog::NameSpace::kAlert;
    case ObjectKind::kJob: return catalog::NameSpace::kJob;
    case ObjectKind::kFunction: return catalog::NameSpace::kFunction;
    case ObjectKind::kTable:
    case ObjectKind::kView:
    case ObjectKind::kMaterializedView:
    case ObjectKind::kTopic:
    case ObjectKind::kSchema:
    case ObjectKind::kCatalog: break;
  }
  return catalog::NameSpace::kRelation;
}

Result<std::string> full_name_in(catalog::NameSpace name_space, const sql::QualifiedName& name,
                                 const catalog::Catalog& catalog, const catalog::NameScope& names) {
  if (name_space == catalog::NameSpace::kRelation) return catalog.resolve(name, names);
  if (name_space == catalog::NameSpace::kFunction) return catalog.resolve_function(name, names);
  return catalog::full_name(name);
}

std::optional<types::Schema> show_schema(const sql::Statement& statement) {
  const auto& node = statement.node;
  if (const auto* show = std::get_if<sql::ShowObjects>(&node)) return objects_schema(show->kind);
  if (std::holds_alternative<sql::ShowCreate>(node)) return text_columns({"result"});
  if (const auto* current = std::get_if<sql::ShowCurrent>(&node)) return current_schema(*current);
  if (const auto* describe = std::get_if<sql::Describe>(&node)) return describe_schema(describe->kind);
  if (std::holds_alternative<sql::ShowColumns>(node)) return columns_schema();
  if (std::holds_alternative<sql::ShowPartitions>(node)) return partitions_schema();
  if (std::holds_alternative<sql::Explain>(node)) return text_columns({"plan"});
  const auto* show = std::get_if<sql::ShowSetting>(&node);
  if (show != nullptr && show->name) return types::Schema{{*show->name, TypeKind::kString}};
  const auto* set = std::get_if<sql::Set>(&node);
  if (show != nullptr || (set != nullptr && set->key.empty())) return text_columns({"name", "value", "description"});
  return std::nullopt;
}

CursorResult show_objects(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowObjects& show) {
  ValueRows rows;
  if (show.kind == ObjectKind::kFunction) {
    if (!show.user) add_functions(rows);
    add_created_functions(rows, engine, names);
  } else if (show.kind == ObjectKind::kJob) {
    add_jobs(rows, engine);
  } else if (show.kind == ObjectKind::kTopic) {
    add_topics(rows, engine);
  } else if (show.kind == ObjectKind::kSchema) {
    for (const std::string& schema : engine.catalog().schemas()) rows.push_back({Value(schema)});
  } else if (show.kind == ObjectKind::kCatalog) {
    rows.push_back({Value(std::string(catalog::kDefaultCatalog))});
  } else {
    add_entries(rows, show.kind, engine, names);
  }
  PENSTOCK_TRY(choose_like(rows, show.like));
  return make_rows_cursor(objects_schema(show.kind), std::move(rows), "SHOW");
}

CursorResult show_current(const sql::ShowCurrent& show, const catalog::NameScope& names) {
  const bool schema = show.kind == ObjectKind::kSchema;
  return make_rows_cursor(current_schema(show),
                          {{Value(schema ? names.schema : std::string(catalog::kDefaultCatalog))}}, "SHOW");
}

CursorResult show_create(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowCreate& show) {
  if (show.kind == ObjectKind::kSchema || show.kind == ObjectKind::kCatalog || show.kind == ObjectKind::kTopic) {
    return unsupported("there is no SHOW CREATE {}", sql::object_kind_name(show.kind)).at(show.name.position().offset);
  }
  const catalog::NameSpace name_space = name_space_of(show.kind);
  const std::string name = PENSTOCK_TRY(full_name_in(name_space, show.name, engine.catalog(), names));
  Result<catalog::EntryPtr> entry = engine.catalog().get(name_space, name);
  if (!entry) return std::move(entry).error().at(show.name.position().offset);
  return make_rows_cursor(text_columns({"result"}), {{Value((*entry)->sql)}}, "SHOW");
}

namespace {

// Every overload of a function.
CursorResult describe_function(const EngineImpl& engine, const catalog::NameScope& names, const sql::Identifier& name) {
  ValueRows rows;
  const std::string full = PENSTOCK_TRY(engine.catalog().resolve_function({.parts = {name}}, names));
  if (const catalog::EntryPtr created = engine.catalog().find(catalog::NameSpace::kFunction, full)) {
    rows.push_back({Value(plan::signature_of(*created)), Value(body_of(*created->function())), Value()});
  }
  std::vector<std::string> known;
  const auto same = [](char a, char b) { return std::toupper(static_cast<unsigned char>(a)) == b; };
  for (const expr::FunctionDoc& doc : expr::function_docs()) {
    known.emplace_back(doc.name);
    if (!std::ranges::equal(name.text, doc.name, same)) continue;
    rows.push_back({Value(std::string(doc.signature)), Value(std::string(doc.description)),
                    doc.examples.empty() ? Value() : Value(std::string(doc.examples))});
  }
  if (rows.empty()) {
    return not_found("there is no function {}", name.text)
        .at(name.position.offset)
        .hint(did_you_mean(name.text, known));
  }
  return make_rows_cursor(text_columns({"signature", "description", "examples"}), std::move(rows), "DESCRIBE");
}

// One row for each column of a table or view.
Result<ValueRows> rows_of_columns(const EngineImpl& engine, const catalog::NameScope& names,
                                  const sql::QualifiedName& of) {
  const std::string name = PENSTOCK_TRY(engine.catalog().resolve(of, names));
  ValueRows rows;
  for (const auto& [system_name, columns] : engine.plan_context(plan::PlanMode::kBounded).system_tables) {
    if (system_name != name) continue;
    for (const types::Field& field : columns) {
      rows.push_back({Value(field.name), Value(field.type.with_nullable(true).to_string()), Value(std::string("true")),
                      Value(), Value(), Value()});
    }
    return rows;
  }
  Result<catalog::EntryPtr> found = engine.catalog().get(catalog::NameSpace::kRelation, name);
  if (!found) return std::move(found).error().at(of.position().offset);
  const catalog::Entry& entry = **found;
  std::vector<int> key;
  if (entry.table() != nullptr) key = entry.table()->primary_key;
  if (entry.materialized_view() != nullptr && entry.materialized_view()->key) key = *entry.materialized_view()->key;
  for (size_t c = 0; c < entry.columns().size(); ++c) {
    const catalog::Column& column = entry.columns()[c];
    const bool is_key = std::ranges::find(key, static_cast<int>(c)) != key.end();
    std::string extras;
    if (!column.computed.empty()) extras = "AS " + column.computed;
    if (catalog::partition_level(column)) {
      extras = "PARTITIONED BY";
    } else if (column.metadata) {
      extras = "METADATA FROM '" + column.metadata->key + "'";
    }
    const bool rowtime =
        entry.table() != nullptr && entry.table()->watermark && entry.table()->watermark->column == static_cast<int>(c);
    rows.push_back({Value(column.name), Value(column.type.with_nullable(true).to_string()),
                    Value(std::string(column.type.nullable() ? "true" : "false")),
                    is_key ? Value(std::string("PRIMARY KEY")) : Value(), extras.empty() ? Value() : Value(extras),
                    rowtime ? Value(entry.table()->watermark->expression) : Value()});
  }
  return rows;
}

CursorResult describe_job(const EngineImpl& engine, const sql::QualifiedName& of) {
  const std::string name = PENSTOCK_TRY(catalog::full_name(of));
  ValueRows rows;
  add_jobs(rows, engine);
  std::vector<std::string> known;
  for (const auto& row : rows) known.push_back(row[0].as_string());
  std::erase_if(rows, [&](const auto& row) { return row[0].as_string() != name; });
  if (rows.empty()) {
    return not_found("there is no job {}", name).at(of.position().offset).hint(did_you_mean(name, known));
  }
  return make_rows_cursor(objects_schema(ObjectKind::kJob), std::move(rows), "DESCRIBE");
}

}  // namespace

CursorResult describe_object(EngineImpl& engine, const catalog::NameScope& names, const sql::Describe& describe) {
  const types::Schema schema = describe_schema(describe.kind);
  switch (describe.kind) {
    case ObjectKind::kFunction: return describe_function(engine, names, describe.name.parts.front());
    case ObjectKind::kJob: return describe_job(engine, describe.name);
    case ObjectKind::kSchema:
    case ObjectKind::kCatalog: {
      const bool is_catalog = describe.kind == ObjectKind::kCatalog;
      const std::string name = is_catalog ? std::string(catalog::kDefaultCatalog)
                                          : engine.catalog().find_schema(describe.name.parts.back().text).value_or("");
      return make_rows_cursor(schema, {{Value(std::string("name")), Value(name)}}, "DESCRIBE");
    }
    default: return make_rows_cursor(schema, PENSTOCK_TRY(rows_of_columns(engine, names, describe.name)), "DESCRIBE");
  }
}

CursorResult show_columns(EngineImpl& engine, const catalog::NameScope& names, const sql::ShowColumns& show) {
  ValueRows rows = PENSTOCK_TRY(rows_of_columns(engine, names, show.name));
  PENSTOCK_TRY(choose_like(rows, show.like));
  return make_rows_cursor(columns_schema(), std::move(rows), "SHOW");
}

CursorResult show_partitions(EngineImpl& engine, const plan::PlanContext& context, const sql::ShowPartitions& show) {
  const uint32_t at = show.table.position().offset;
  const std::string name = PENSTOCK_TRY(engine.catalog().resolve(show.table, context.names));
  const Result<catalog::EntryPtr> found = engine.catalog().get(catalog::NameSpace::kRelation, name);
  if (!found) return Error(found.error()).at(at);
  const catalog::Entry& entry = **found;
  const bool partitioned = std::ranges::any_of(
      entry.columns(), [](const catalog::Column& column) { return catalog::partition_level(column).has_value(); });
  if (!partitioned) return invalid_argument("{} is not PARTITIONED BY columns", entry.plain_name()).at(at);
  const auto wanted = PENSTOCK_TRY(plan::bind_partition(show.partition, entry, context));
  ValueRows rows;
  for (const connector::Partition& partition : PENSTOCK_TRY(engine.partitions(entry))) {
    const bool matches = std::ranges::all_of(wanted, [&](const plan::PartitionValue& one) {
      return partition.values[*catalog::partition_level(entry.columns()[one.column])] == one.value->value();
    });
    if (matches) rows.push_back({Value(partition.name)});
  }
  return make_rows_cursor(partitions_schema(), std::move(rows), "SHOW");
}

CursorResult show_settings(const SessionSettings& settings) {
  ValueRows rows;
  for (const SessionSettings::Row& row : settings.all()) {
    rows.push_back({Value(row.name), Value(row.value), Value(row.description)});
  }
  return make_rows_cursor(text_columns({"name", "value", "description"}), std::move(rows), "SHOW");
}

CursorResult show_setting(const SessionSettings& settings, const std::string& name) {
  const std::optional<std::string> value = settings.get(name);
  if (!value) return not_found("unknown setting \"{}\"", name).hint("SHOW ALL lists the settings");
  return make_rows_cursor({{name, TypeKind::kString}}, {{Value(*value)}}, "SHOW");
}

CursorResult explain_rows(const std::string& text) {
  ValueRows rows;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    rows.push_back({Value(std::string(rest.substr(0, end)))});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return make_rows_cursor(text_columns({"plan"}), std::move(rows), "EXPLAIN");
}

}  // namespace penstock::engine
