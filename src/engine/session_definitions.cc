// Statements of a session that define: CREATE, DROP, ALTER.
#include <algorithm>
#include <memory>
#include <utility>

#include "engine/session_impl.h"
#include "plan/definition.h"
#include "plan/function.h"
#include "plan/modify.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"

namespace penstock::engine {

template <class Node>
bool SessionImpl::exists_already(const Node& node, catalog::NameSpace name_space) const {
  const Result<std::string> name = full_name(node.name);
  return node.if_not_exists && name && engine_.catalog().find(name_space, *name) != nullptr;
}

CursorResult SessionImpl::run(const Call& call, const sql::CreateTable& create) {
  if (exists_already(create, catalog::NameSpace::kRelation)) return make_tag_cursor("CREATE TABLE");
  has_temporary_ = has_temporary_ || create.temporary;
  plan::DefinedTable table = PENSTOCK_TRY(
      plan::define_table(create, call.prepared.text, insert_context(plan::PlanMode::kStreaming, call.prepared)));
  if (create.query) return create_filled(call, create, table);
  PENSTOCK_TRY(engine_.create_table(std::move(table.entry), create.or_replace));
  return make_tag_cursor("CREATE TABLE");
}

std::string SessionImpl::filling(const sql::CreateTable& create, const plan::DefinedTable& table) {
  std::string names;
  for (const std::string& column : table.query_columns) {
    names += (names.empty() ? "" : ", ") + sql::quote_identifier(column);
  }
  return "INSERT INTO " + sql::print(create.name) + " (" + names + ") " + sql::print(*create.query);
}

Result<plan::PlannedInsert> SessionImpl::plan_filling(const Call& call, const sql::CreateTable& create,
                                                      const plan::DefinedTable& table, plan::PlanMode mode) const {
  const sql::Statement insert = PENSTOCK_TRY(sql::parse_statement(filling(create, table)));
  auto plan =
      plan::plan_insert_into(table.entry, std::get<sql::Insert>(insert.node), insert_context(mode, call.prepared));
  // Its places are none in the statement.
  if (!plan) return relocated(plan.error(), create.query->position);
  plan->made = std::make_shared<const catalog::Entry>(table.entry);
  return plan;
}

// What ends has been written before the table is there: a query that fails leaves the one that was to be replaced.
CursorResult SessionImpl::create_filled(const Call& call, const sql::CreateTable& create,
                                        const plan::DefinedTable& table) {
  const catalog::Entry& entry = table.entry;
  if (entry.table()->is_native()) return create_filled_native(call, create, table);
  const auto plan_in = [&](plan::PlanMode mode) { return plan_filling(call, create, table, mode); };
  const plan::PlannedInsert plan = PENSTOCK_TRY(plan_in(plan::PlanMode::kStreaming));
  const std::vector<std::string>& read = plan.query.dependencies;
  const bool reads_itself =
      std::ranges::any_of(read, [&](const std::string& name) { return sql::equal_ignoring_case(name, entry.name); });
  if (reads_itself) {
    return invalid_argument("table {} cannot be replaced by rows that are read from it", entry.plain_name())
        .at(create.query->position.offset);
  }
  if (PENSTOCK_TRY(ends_with_statement(*plan.query.root))) {
    PENSTOCK_TRY(engine_.check_table_to_fill(entry, create.or_replace));
    CursorPtr written = PENSTOCK_TRY(insert_to_end(plan, [&] { return plan_in(plan::PlanMode::kBounded); }));
    PENSTOCK_TRY(engine_.create_table(entry, create.or_replace));
    return written;
  }
  // What the catalog keeps of a job is an INSERT.
  PENSTOCK_TRY(engine_.create_table_with_insert(entry, create.or_replace, new_insert(plan, filling(create, table)),
                                                job_settings()));
  return make_tag_cursor("CREATE TABLE AS");
}

CursorResult SessionImpl::create_filled_native(const Call& call, const sql::CreateTable& create,
                                               const plan::DefinedTable& table) {
  PENSTOCK_TRY(engine_.check_table_to_fill(table.entry, create.or_replace));
  const plan::PlannedInsert plan = PENSTOCK_TRY(plan_filling(call, create, table, plan::PlanMode::kBounded));
  const std::vector<columnar::ChangeBatch> rows = PENSTOCK_TRY(collect(plan.query.root));
  PENSTOCK_TRY(engine_.create_table(table.entry, create.or_replace, rows));
  size_t count = 0;
  for (const columnar::ChangeBatch& batch : rows) count += batch.rows();
  return make_tag_cursor("SELECT " + std::to_string(count));
}

CursorResult SessionImpl::run(const Call& call, const sql::CreateView& create) {
  if (!exists_already(create, catalog::NameSpace::kRelation)) {
    has_temporary_ = has_temporary_ || create.temporary;
    catalog::Entry entry =
        PENSTOCK_TRY(plan::define_view(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    PENSTOCK_TRY(engine_.create_definition(std::move(entry), create.or_replace));
  }
  return make_tag_cursor("CREATE VIEW");
}

CursorResult SessionImpl::run(const Call& call, const sql::CreateMaterializedView& create) {
  if (!exists_already(create, catalog::NameSpace::kRelation)) {
    auto definition = PENSTOCK_TRY(
        plan::define_materialized_view(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    PENSTOCK_TRY(engine_.create_materialized_view(std::move(definition), job_settings()));
  }
  return make_tag_cursor("CREATE MATERIALIZED VIEW");
}

CursorResult SessionImpl::run(const Call& call, const sql::CreateFunction& create) {
  if (call.prepared.statement.parameters > 0) {
    return invalid_argument("parameters cannot be used in a definition").at(create.body.offset);
  }
  const std::string name = PENSTOCK_TRY(engine_.catalog().resolve_function(create.name, names_));
  if (!create.if_not_exists || engine_.catalog().find(catalog::NameSpace::kFunction, name) == nullptr) {
    has_temporary_ = has_temporary_ || create.temporary;
    catalog::Entry entry = PENSTOCK_TRY(
        plan::define_function(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    PENSTOCK_TRY(engine_.create_definition(std::move(entry), create.or_replace));
  }
  return make_tag_cursor("CREATE FUNCTION");
}

CursorResult SessionImpl::run(const Call& call, const sql::CreateAlert& create) {
  if (!exists_already(create, catalog::NameSpace::kAlert)) {
    auto definition = PENSTOCK_TRY(
        plan::define_alert(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    PENSTOCK_TRY(engine_.create_alert(std::move(definition), job_settings()));
  }
  return make_tag_cursor("CREATE ALERT");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Drop& drop) {
  using sql::ObjectKind;
  const std::string tag = "DROP " + std::string(sql::object_kind_name(drop.kind));
  if (drop.kind == ObjectKind::kSchema) return drop_schema(drop);
  if (drop.kind == ObjectKind::kCatalog) {
    return unsupported("there is one catalog, penstock, which stays").at(drop.name.position().offset);
  }
  if (drop.kind == ObjectKind::kTopic) {
    const std::string name = PENSTOCK_TRY(catalog::full_name(drop.name));
    if (drop.if_exists && !engine_.log().topic(name)) return make_tag_cursor(tag);
    if (log::is_reserved_name(name)) {
      return Error(ErrorCode::kPermissionDenied, "topic \"" + name + "\" is reserved for Penstock itself")
          .hint("DROP TABLE and DROP JOB remove the topics of tables and jobs")
          .at(drop.name.position().offset);
    }
    PENSTOCK_TRY(engine_.log().delete_topic(name));
    return make_tag_cursor(tag);
  }
  const catalog::NameSpace name_space = name_space_of(drop.kind);
  const std::string name = PENSTOCK_TRY(full_name_in(name_space, drop.name, engine_.catalog(), names_));
  const catalog::EntryPtr entry = engine_.catalog().find(name_space, name);
  if (entry == nullptr) {
    if (drop.if_exists) return make_tag_cursor(tag);
    Result<catalog::EntryPtr> missing = engine_.catalog().get(name_space, name);
    return Error(missing.error()).at(drop.name.position().offset);
  }
  PENSTOCK_TRY(check_kind(drop.kind, drop.name, *entry));
  PENSTOCK_TRY(check_temporary(drop, *entry));
  PENSTOCK_TRY(engine_.drop(name_space, name, drop.cascade));
  return make_tag_cursor(tag);
}

Status SessionImpl::check_kind(sql::ObjectKind kind, const sql::QualifiedName& name, const catalog::Entry& entry) {
  using sql::ObjectKind;
  const bool right = kind == ObjectKind::kTable              ? entry.table() != nullptr
                     : kind == ObjectKind::kView             ? entry.view() != nullptr
                     : kind == ObjectKind::kMaterializedView ? entry.materialized_view() != nullptr
                                                             : true;
  if (right) return {};
  return invalid_argument("\"{}\" is a {}", entry.plain_name(), entry.kind_name()).at(name.position().offset);
}

Status SessionImpl::check_temporary(const sql::Drop& drop, const catalog::Entry& entry) {
  const uint32_t at = drop.name.position().offset;
  if (drop.temporary && !entry.temporary) {
    return invalid_argument("{} {} is not temporary", entry.kind_name(), entry.name)
        .at(at)
        .hint("leave TEMPORARY out to drop it");
  }
  return {};
}

Result<catalog::EntryPtr> SessionImpl::find_to_alter(sql::ObjectKind kind, const sql::QualifiedName& name,
                                                     bool if_exists) const {
  const std::string full = PENSTOCK_TRY(full_name(name));
  Result<catalog::EntryPtr> entry = engine_.catalog().get(catalog::NameSpace::kRelation, full);
  if (!entry && if_exists) return catalog::EntryPtr();
  if (!entry) return std::move(entry).error().at(name.position().offset);
  PENSTOCK_TRY(check_kind(kind, name, **entry));
  return entry;
}

CursorResult SessionImpl::run(const Call& call, const sql::AlterRename& alter) {
  const std::string tag = "ALTER " + std::string(sql::object_kind_name(alter.kind));
  const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(alter.kind, alter.name, alter.if_exists));
  if (entry == nullptr) return make_tag_cursor(tag);
  catalog::Entry new_entry =
      PENSTOCK_TRY(plan::define_renamed(*entry, alter.new_name, context(plan::PlanMode::kBounded, call.prepared)));
  Status renamed = engine_.rename(entry, std::move(new_entry));
  if (!renamed) return located(renamed.error(), alter.new_name.position());
  return make_tag_cursor(tag);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::AlterOptions& alter) {
  const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kTable, alter.name, alter.if_exists));
  if (entry == nullptr) return make_tag_cursor("ALTER TABLE");
  catalog::Options options = entry->table()->options;
  for (const sql::Option& option : alter.set) {
    const auto known = std::ranges::find(options, option.key, &catalog::Options::value_type::first);
    if (known == options.end()) {
      options.emplace_back(option.key, option.value);
    } else {
      known->second = option.value;
    }
  }
  for (const sql::Option& option : alter.reset) {
    if (option.key == "connector") {
      return invalid_argument("the connector of a table cannot be reset").at(option.position.offset);
    }
    std::erase_if(options, [&](const auto& known) { return known.first == option.key; });
  }
  Status changed = engine_.change_options(entry, std::move(options));
  if (!changed) return located(changed.error(), alter.name.position());
  return make_tag_cursor("ALTER TABLE");
}

CursorResult SessionImpl::run(const Call& call, const sql::AlterColumns& alter) {
  const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kTable, alter.name, alter.if_exists));
  if (entry == nullptr) return make_tag_cursor("ALTER TABLE");
  catalog::Entry changed = PENSTOCK_TRY(
      plan::define_changed_table(*entry, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
  const auto rows = [&]() -> Result<std::vector<columnar::ChangeBatch>> {
    const plan::PlanContext bounded = context(plan::PlanMode::kBounded, call.prepared);
    return collect(PENSTOCK_TRY(plan::plan_changed_rows(*entry, changed, call.prepared.text, bounded)).root);
  };
  Status done = entry->table()->is_native() ? engine_.change_native_columns(entry, changed, rows)
                                            : engine_.change_columns(entry, changed);
  if (!done) return located(done.error(), alter.name.position());
  return make_tag_cursor("ALTER TABLE");
}

CursorResult SessionImpl::run(const Call& call, const sql::AlterView& alter) {
  const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kView, alter.name, false));
  catalog::Entry changed =
      PENSTOCK_TRY(plan::define_changed_view(*entry, alter, context(plan::PlanMode::kBounded, call.prepared)));
  Status done = engine_.change_view(entry, std::move(changed));
  if (!done) return located(done.error(), alter.name.position());
  return make_tag_cursor("ALTER VIEW");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::CreateSchema& create) {
  const std::string name = PENSTOCK_TRY(schema_in_catalog(create.name)).text;
  if (create.if_not_exists && engine_.catalog().find_schema(name)) return make_tag_cursor("CREATE SCHEMA");
  Status created = engine_.create_schema(name);
  if (!created) return located(created.error(), create.name.position());
  return make_tag_cursor("CREATE SCHEMA");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::AlterSchema& alter) {
  PENSTOCK_TRY(find_schema(alter.name));
  return make_tag_cursor("ALTER SCHEMA");
}

CursorResult SessionImpl::drop_schema(const sql::Drop& drop) {
  const std::string name = PENSTOCK_TRY(schema_in_catalog(drop.name)).text;
  if (drop.if_exists && !engine_.catalog().find_schema(name)) return make_tag_cursor("DROP SCHEMA");
  const std::string schema = PENSTOCK_TRY(find_schema(drop.name));
  if (schema == catalog::kDefaultSchema || schema == names_.schema) {
    return invalid_argument("schema {} cannot be dropped: it is {}", schema,
                            schema == names_.schema ? "the one in use" : "the one to begin with")
        .at(drop.name.position().offset);
  }
  Status dropped = engine_.drop_schema(schema, drop.cascade);
  if (!dropped) return located(dropped.error(), drop.name.position());
  return make_tag_cursor("DROP SCHEMA");
}

}  // namespace penstock::engine
