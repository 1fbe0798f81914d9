// What is in the catalog becomes jobs: the making of views, alerts and INSERTs, and their start.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "engine/engine_impl.h"
#include "engine/settings.h"
#include "plan/changes.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "types/time_zone.h"

namespace penstock::engine {

namespace {

// Why a query that takes rows back cannot be written to a table, where it does that, and what to write instead.
Error takes_only_inserts(const std::string& table, const plan::PhysicalNode& query) {
  const std::optional<plan::ChangeCause> cause = plan::cause_of_changes(query);
  std::string hint = cause->remedy.empty() ? "write" : cause->remedy + "; or write";
  hint += " to a table that takes changes, such as one with the connector upsert-kafka or the format debezium-json";
  Error error = unsupported("table \"{}\" takes only inserts, but {}", table, cause->what).hint(std::move(hint));
  return cause->written_at ? std::move(error).at(*cause->written_at) : error;
}

void append(catalog::Options& options, const catalog::Options& more) {
  options.insert(options.end(), more.begin(), more.end());
}

// What reads a view takes its columns from the catalog, where they are as they were when it was made.
Status check_columns(const catalog::Entry& view, const types::Schema& planned) {
  const types::Schema kept = view.schema();
  for (size_t i = 0; i < std::min(kept.size(), planned.size()); ++i) {
    if (kept[i].type.same_type(planned[i].type)) continue;
    return invalid_argument("column {} of {} is {}, but was {} in the version that made it", kept[i].name,
                            view.plain_name(), planned[i].type.to_string(), kept[i].type.to_string())
        .hint("drop the view and create it again");
  }
  return {};
}

bool is_strict(const catalog::Entry& entry) {
  const std::string* row_errors = catalog::find_option(entry.scan_options, kRowErrorsSetting);
  return row_errors != nullptr && *row_errors == kRowErrorsFail;
}

}  // namespace

Result<catalog::Options> EngineImpl::kept_options(const plan::PlannedQuery& plan,
                                                  const catalog::Options& settings) const {
  catalog::Options defaults;
  const std::string* idle_timeout = catalog::find_option(settings, kIdleTimeoutSetting);
  if (idle_timeout != nullptr) defaults.emplace_back("scan.watermark.idle-timeout", *idle_timeout);
  catalog::Options fixed = PENSTOCK_TRY(fix_scan_options(*plan.root, graph_context(false), defaults));
  append(fixed, settings);
  if (plan.state_ttl_us > 0) fixed.emplace_back(kStateTtlSetting, fmt::format("{} us", plan.state_ttl_us));
  return fixed;
}

Status EngineImpl::create_materialized_view(plan::PlannedDefinition definition, const catalog::Options& settings) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  definition.entry.scan_options = PENSTOCK_TRY(kept_options(definition.plan, settings));
  const catalog::EntryPtr entry = PENSTOCK_TRY(catalog_->create(std::move(definition.entry)));
  return start_or_forget(entry, [&] { return start_job(entry, StreamJob::Kind::kView, definition.plan); });
}

Status EngineImpl::create_alert(plan::PlannedDefinition definition, const catalog::Options& settings) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  definition.entry.scan_options = PENSTOCK_TRY(kept_options(definition.plan, settings));
  const catalog::EntryPtr entry = PENSTOCK_TRY(catalog_->create(std::move(definition.entry)));
  return start_or_forget(entry, [&] { return start_job(entry, StreamJob::Kind::kAlert, definition.plan); });
}

// A temporary object that a job uses, which then ends with it; null: there is none.
catalog::EntryPtr EngineImpl::temporary_part(const catalog::Entry& job, const catalog::EntryPtr& target) const {
  std::vector<catalog::EntryPtr> used = {target};
  for (const std::string& name : job.dependencies) used.push_back(catalog_->find_relation(name));
  for (const std::string& name : job.functions) used.push_back(catalog_->find(catalog::NameSpace::kFunction, name));
  const auto temporary = std::ranges::find_if(used, [](const auto& entry) { return entry && entry->temporary; });
  return temporary == used.end() ? nullptr : *temporary;
}

// The entry of a job, whose name none of `others` has.
Result<catalog::Entry> EngineImpl::insert_entry(const NewInsert& insert, const std::vector<catalog::Entry>& others,
                                                const catalog::Options& settings) const {
  const plan::PlannedInsert& plan = insert.plan;
  if (reads_system_table(*plan.query.root)) {
    return unsupported("an INSERT that goes on cannot read what the program keeps: its changes are not a stream")
        .hint("SELECT it, or INSERT what it is now into a table without a connector");
  }
  const auto taken = [&](const std::string& name) {
    return catalog_->find(catalog::NameSpace::kJob, name) != nullptr ||
           std::ranges::any_of(
               others, [&](const catalog::Entry& other) { return sql::to_lower(other.name) == sql::to_lower(name); });
  };
  catalog::Entry entry;
  const catalog::EntryPtr target = PENSTOCK_TRY(target_of(plan));
  const std::string base = fmt::format("insert_{}", target->plain_name());
  entry.name = base;
  for (int n = 2; taken(entry.name); ++n) entry.name = base + "_" + std::to_string(n);
  entry.sql = insert.sql;
  entry.names_schema = insert.names_schema;
  entry.time_zone = insert.time_zone;
  entry.dependencies = plan.query.dependencies;
  entry.functions = plan.query.functions;
  if (std::ranges::find(entry.dependencies, plan.target) == entry.dependencies.end()) {
    entry.dependencies.push_back(plan.target);
  }
  if (const catalog::EntryPtr temporary = temporary_part(entry, target)) {
    entry.temporary = true;
    entry.schema_name = temporary->schema_name;
  }
  entry.definition = catalog::Job{.target = plan.target, .query = entry.sql};
  entry.scan_options = PENSTOCK_TRY(kept_options(plan.query, settings));
  return entry;
}

Status EngineImpl::create_inserts(const std::vector<NewInsert>& inserts, const catalog::Options& settings) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  std::vector<catalog::Entry> entries;
  for (const NewInsert& insert : inserts) {
    entries.push_back(PENSTOCK_TRY(insert_entry(insert, entries, settings)));
  }
  const std::vector<catalog::EntryPtr> created = PENSTOCK_TRY(catalog_->create_all(std::move(entries)));
  for (size_t i = 0; i < created.size(); ++i) {
    Status started = start_insert(created[i], inserts[i].plan);
    if (started) continue;
    for (const catalog::EntryPtr& entry : created) {
      static_cast<void>(catalog_->drop(catalog::NameSpace::kJob, entry->name, false));
    }
    for (size_t running = 0; running < i; ++running) stop_entry(created[running]);
    return started;
  }
  tell_catalog_changed();
  return {};
}

Status EngineImpl::create_table_with_insert(catalog::Entry table, bool or_replace, const NewInsert& insert,
                                            const catalog::Options& settings) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_new_table(table));
  std::vector<catalog::Entry> entries;
  entries.push_back(std::move(table));
  entries.push_back(PENSTOCK_TRY(insert_entry(insert, {}, settings)));
  const catalog::EntryPtr replaced = catalog_->find_relation(entries.front().name);
  const std::vector<catalog::EntryPtr> created = PENSTOCK_TRY(catalog_->create_all(std::move(entries), or_replace));
  if (Status started = start_insert(created.back(), insert.plan); !started) {
    std::vector<catalog::EntryPtr> before;
    if (replaced != nullptr) before.push_back(replaced);
    if (Status undone = catalog_->undo_create(created, before); !undone) {
      logging::warning("a table that could not be filled stays in the catalog",
                       {{"table", created.front()->name}, {"reason", undone.error().message()}});
    }
    return started;
  }
  take_place(created.front()->name, nullptr, replaced);
  tell_catalog_changed();
  return {};
}

// --- running ---

Status EngineImpl::start_entry(const catalog::EntryPtr& entry) {
  if (entry->table() != nullptr && entry->table()->is_native()) return start_native_table(entry);
  if (entry->table() != nullptr || entry->view() != nullptr || entry->function() != nullptr) return {};
  const sql::Statement statement = PENSTOCK_TRY(sql::parse_statement(entry->sql));
  plan::PlanContext context = plan_context(plan::PlanMode::kStreaming);
  context.names.schema = entry->names_schema;
  context.eval.zone = PENSTOCK_TRY(types::TimeZone::find(entry->time_zone));
  context.state_ttl_us = kept_state_ttl_us(*entry);
  if (const auto* create = std::get_if<sql::CreateMaterializedView>(&statement.node)) {
    const auto definition = PENSTOCK_TRY(plan::define_materialized_view(*create, entry->sql, context));
    PENSTOCK_TRY(check_columns(*entry, definition.entry.schema()));
    return start_job(entry, StreamJob::Kind::kView, definition.plan);
  }
  if (const auto* create = std::get_if<sql::CreateAlert>(&statement.node)) {
    const auto definition = PENSTOCK_TRY(plan::define_alert(*create, entry->sql, context));
    return start_job(entry, StreamJob::Kind::kAlert, definition.plan);
  }
  if (const auto* insert = std::get_if<sql::Insert>(&statement.node)) {
    return start_insert(entry, PENSTOCK_TRY(plan::plan_insert(*insert, context)));
  }
  return make_error(ErrorCode::kCorruption, "the catalog's statement of \"{}\" cannot be run: {}", entry->name,
                    entry->sql);
}

// What all jobs have; views, alerts and INSERTs add where their rows go.
StreamJob::Options EngineImpl::job_options(const catalog::Entry& entry, StreamJob::Kind kind,
                                           const plan::PlannedQuery& query) {
  StreamJob::Options job;
  job.id = entry.id;
  job.kind = kind;
  job.name = entry.name;
  job.plan = query.root;
  job.metrics = options_.metrics;
  job.executor = executor_.get();
  job.state = state_limit();
  job.row_dead_letters_per_s_max = options_.row_dead_letters_per_s_max;
  job.strict = is_strict(entry);
  job.on_failed = [this] { tell_catalog_changed(); };
  return job;
}

Status EngineImpl::start_job(const catalog::EntryPtr& entry, StreamJob::Kind kind, const plan::PlannedQuery& query) {
  const plan::PhysicalNode& root = *query.root;
  view::ViewOptions view_options{.name = entry->name, .schema = root.schema, .key = {}, .memory = options_.memory};
  if (root.traits.key) view_options.key = *root.traits.key;
  view_options.replaces = forgets_state(root);
  view_options.loads = true;
  const auto view = view::View::make(std::move(view_options));
  StreamJob::Options job = job_options(*entry, kind, query);
  job.view = view;
  auto started = PENSTOCK_TRY(StreamJob::start(std::move(job), job_context(*entry)));
  const std::lock_guard lock(mutex_);
  if (kind == StreamJob::Kind::kView) add_late_rows(*started);
  jobs_[entry->id] = std::move(started);
  if (kind == StreamJob::Kind::kView) {
    views_[sql::to_lower(entry->name)] = view;
    return {};
  }
  RunningAlert& alert = alerts_[entry->id];
  alert.rule.name = entry->name;
  alert.rule.severity = entry->alert()->severity.empty() ? "MEDIUM" : entry->alert()->severity;
  for (const catalog::AlertChannel& channel : entry->alert()->channels) {
    alert.rule.channels.push_back({.kind = channel.kind, .target = channel.target});
  }
  alert.rule.sql = entry->sql;
  alert.rule.view = view;
  alert.rule.key = root.traits.key;
  watch_alerts_later();
  return {};
}

Status EngineImpl::start_insert(const catalog::EntryPtr& entry, const plan::PlannedInsert& insert) {
  StreamJob::Options job = job_options(*entry, StreamJob::Kind::kInsert, insert.query);
  // What ends with its session is never resumed.
  job.sink = PENSTOCK_TRY(make_sink(insert, entry->temporary ? "" : group_of(*entry)));
  const bool drops = catalog::find_option(entry->scan_options, kNotNullSetting) != nullptr;
  job.not_null = PENSTOCK_TRY(not_null_columns(insert, drops));
  auto started = PENSTOCK_TRY(StreamJob::start(std::move(job), job_context(*entry)));
  const std::lock_guard lock(mutex_);
  add_late_rows(*started);
  jobs_[entry->id] = std::move(started);
  return {};
}

Result<catalog::EntryPtr> EngineImpl::target_of(const plan::PlannedInsert& insert) const {
  if (insert.made != nullptr) return insert.made;
  return catalog_->get(catalog::NameSpace::kRelation, insert.target);
}

Result<connector::SinkRequest> EngineImpl::sink_request(const plan::PlannedInsert& insert) const {
  const catalog::EntryPtr entry = PENSTOCK_TRY(target_of(insert));
  if (entry->table() == nullptr) return invalid_argument("\"{}\" is no table that can be written to", insert.target);
  connector::TableDefinition table = definition_of(*entry);
  connector::SinkRequest request;
  request.table = table.name;
  request.options = std::move(table.options);
  for (const auto& [key, value] : insert.options) request.options[key] = value;
  request.primary_key = std::move(table.primary_key);
  request.schema = insert.query.root->schema;
  request.append_only = insert.query.root->traits.append_only;
  if (!request.append_only && !PENSTOCK_TRY(connector::takes_changes(request.table, request.options))) {
    return takes_only_inserts(request.table, *insert.query.root);
  }
  request.overwrite = insert.overwrite;
  if (request.overwrite && !PENSTOCK_TRY(connector::overwrites(request.table, request.options))) {
    return unsupported("INSERT OVERWRITE needs a table of files, or one without a connector: what {} has stays",
                       request.table);
  }
  for (const auto& [column, value] : insert.partition) {
    const int place = types::find_field(request.schema, entry->columns()[column].name);
    request.partition.push_back({.column = static_cast<size_t>(place), .value = value->value()});
  }
  for (const connector::TableDefinition::Metadata& metadata : table.metadata) {
    const int column = types::find_field(request.schema, metadata.column);
    if (!metadata.is_virtual && column >= 0) {
      request.metadata.push_back({.column = static_cast<size_t>(column), .key = metadata.from.key});
    }
  }
  return request;
}

Result<exec::NotNullOptions> EngineImpl::not_null_columns(const plan::PlannedInsert& insert, bool drops) const {
  const catalog::EntryPtr entry = PENSTOCK_TRY(target_of(insert));
  exec::NotNullOptions options{.table = entry->name, .columns = {}, .drops = drops};
  for (const catalog::Column& column : entry->columns()) {
    const int place = types::find_field(insert.query.root->schema, column.name);
    if (column.type.nullable() || place < 0) continue;
    options.columns.push_back({.place = static_cast<size_t>(place), .name = column.name});
  }
  return options;
}

Status EngineImpl::check_sink(const plan::PlannedInsert& insert) const {
  PENSTOCK_TRY(sink_request(insert));
  return {};
}

Result<std::vector<connector::Partition>> EngineImpl::partitions(const catalog::Entry& table) const {
  return connector::list_partitions(graph_context(false).connectors, definition_of(table));
}

Result<std::shared_ptr<connector::Sink>> EngineImpl::make_sink(const plan::PlannedInsert& insert,
                                                               std::string group) const {
  connector::SinkRequest request = PENSTOCK_TRY(sink_request(insert));
  request.group = std::move(group);
  return connector::make_sink(graph_context(false).connectors, std::move(request));
}

}  // namespace penstock::engine
