#include "engine/engine_impl.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "base/logging.h"
#include "base/quantity.h"
#include "base/time.h"
#include "connector/position_store.h"
#include "engine/session.h"
#include "engine/settings.h"

namespace penstock::engine {

namespace {

constexpr std::string_view kCatalogFile = "/catalog.sqlite";
constexpr int64_t kAlertCheckUs = 50'000;
constexpr int64_t kFlushPollUs = 1'000;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_metric(const catalog::Options& options) {
  const std::string* value = catalog::find_option(options, "metric");
  return value != nullptr && lower(*value) == "true";
}

// The window's start, or the first time column: what a chart has as its x axis.
std::optional<int> time_column_of(const types::Schema& schema) {
  const int window_start = types::find_field(schema, "window_start");
  if (window_start >= 0) return window_start;
  for (size_t c = 0; c < schema.size(); ++c) {
    if (schema[c].type.is_timestamp()) return static_cast<int>(c);
  }
  return std::nullopt;
}

}  // namespace

int64_t kept_state_ttl_us(const catalog::Entry& entry) {
  const std::string* ttl = catalog::find_option(entry.scan_options, kStateTtlSetting);
  return ttl == nullptr ? 0 : parse_duration_us(*ttl).value_or(0);
}

std::string group_of(const catalog::Entry& entry) { return "penstock.job." + std::to_string(entry.id); }

connector::TableDefinition definition_of(const catalog::Entry& entry) {
  const catalog::Table& table = *entry.table();
  connector::TableDefinition definition{
      .name = entry.name, .physical = table.physical_schema(), .primary_key = {}, .metadata = {}, .options = {}};
  for (const catalog::Column& column : table.columns) {
    if (!column.metadata) continue;
    definition.metadata.push_back({.column = column.name,
                                   .from = {.key = column.metadata->key, .type = column.type},
                                   .is_virtual = column.metadata->is_virtual});
  }
  for (const int column : table.primary_key) definition.primary_key.push_back(table.columns[column].name);
  definition.options = connector::OptionMap(table.options.begin(), table.options.end());
  return definition;
}

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  auto engine = std::make_unique<EngineImpl>(std::move(options));
  PENSTOCK_TRY(engine->start());
  return std::unique_ptr<Engine>(std::move(engine));
}

EngineImpl::~EngineImpl() { static_cast<void>(close()); }

Status EngineImpl::start() {
  PENSTOCK_TRY(options_.env->create_directories(options_.directory));
  PENSTOCK_TRY(find_directories());
  catalog_ = PENSTOCK_TRY(catalog::Catalog::open(options_.directory + std::string(kCatalogFile)));
  timer_ = std::make_unique<connector::Timer>();
  dead_letters_ = PENSTOCK_TRY(DeadLetters::open(*options_.log, *options_.env, *timer_, options_.metrics));
  executor_ = exec::Executor::make({.workers = options_.workers,
                                    .epoch_interval_busy_us = options_.epoch_interval_busy_us,
                                    .metrics = options_.metrics});
  add_own_system_tables();
  PENSTOCK_TRY(remove_orphaned_topics());
  for (const catalog::EntryPtr& entry : catalog_->entries()) {
    Status started = start_entry(entry);
    if (started) continue;
    // One object that cannot run any more keeps nobody else from starting.
    logging::error("not started", {{"name", entry->name}, {"reason", started.error().to_string()}});
    const std::lock_guard lock(mutex_);
    failed_starts_[entry->id] = started.error().to_string();
  }
  return {};
}

Status EngineImpl::find_directories() {
  if (options_.files_directory.empty()) return {};
  PENSTOCK_TRY(options_.env->create_directories(options_.files_directory));
  files_directory_ = PENSTOCK_TRY(options_.env->real_path(options_.files_directory));
  data_directory_ = PENSTOCK_TRY(options_.env->real_path(options_.directory));
  return {};
}

Status EngineImpl::close() {
  const std::lock_guard ddl_lock(ddl_mutex_);
  std::map<int64_t, std::unique_ptr<StreamJob>> jobs;
  connector::Timer::Id timer = 0;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return {};
    jobs.swap(jobs_);
    timer = alert_timer_;
  }
  if (timer != 0) timer_->cancel(timer);
  for (auto& [id, job] : jobs) job->stop();
  jobs.clear();
  return {};
}

plan::PlanContext EngineImpl::plan_context(plan::PlanMode mode) const {
  plan::PlanContext context;
  context.catalog = catalog_.get();
  context.mode = mode;
  context.eval.now_us = options_.env->wall_time_us();
  context.state_ttl_of = kept_state_ttl_us;
  context.check_table = [this](const catalog::Entry& table) {
    return connector::validate_table(graph_context(false).connectors, definition_of(table));
  };
  const std::lock_guard lock(mutex_);
  for (const auto& [name, table] : system_tables_) context.system_tables.emplace_back(name, table->schema);
  return context;
}

GraphContext EngineImpl::graph_context(bool bounded) const {
  GraphContext context;
  context.catalog = catalog_.get();
  context.connectors = {.env = options_.env,
                        .log = options_.log,
                        .timer = timer_.get(),
                        .dead_letters = dead_letters_.get(),
                        .metrics = options_.metrics,
                        .parallelism = options_.workers,
                        .default_partitions = options_.default_partitions,
                        .batch_rows_max = options_.scan_batch_rows_max,
                        .watermark_max_ahead_us = options_.watermark_max_ahead_us,
                        .kafka_addresses = options_.kafka_addresses,
                        .files_directory = files_directory_,
                        .data_directory = data_directory_};
  context.find_view = [this](const std::string& name) { return running_view(name); };
  context.find_native_table = [this](const std::string& name) { return native_table(name); };
  context.find_system_table = [this](const std::string& name) { return system_table(name); };
  context.bounded = bounded;
  context.parallelism = options_.workers;
  if (bounded) {
    context.now_us = [now_us = options_.env->wall_time_us()] { return now_us; };
  } else {
    context.now_us = [env = options_.env] { return env->wall_time_us(); };
  }
  return context;
}

GraphContext EngineImpl::job_context(const catalog::Entry& entry) const {
  GraphContext context = graph_context(false);
  context.scan_options = entry.scan_options;
  return context;
}

std::shared_ptr<view::View> EngineImpl::running_view(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (const auto it = views_.find(lower(name)); it != views_.end()) return it->second;
  const auto table = native_tables_.find(lower(name));
  return table == native_tables_.end() ? nullptr : table->second->view();
}

Result<std::shared_ptr<NativeTable>> EngineImpl::native_table(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = native_tables_.find(lower(name));
  if (it != native_tables_.end()) return it->second;
  return make_error(ErrorCode::kUnavailable, "table \"{}\" is not running", name)
      .hint("SELECT name, error FROM sys.jobs says why");
}

std::shared_ptr<const SystemTable> EngineImpl::system_table(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = system_tables_.find(lower(name));
  return it == system_tables_.end() ? nullptr : it->second;
}

// --- creation ---

Status EngineImpl::check_new_table(const catalog::Entry& entry) const {
  const catalog::Table& table = *entry.table();
  if (!table.is_native()) return connector::validate_table(graph_context(false).connectors, definition_of(entry));
  if (table.options.empty()) return {};
  return invalid_argument("a table without a connector takes no options")
      .hint("'connector' = 'kafka' makes it a table over a topic");
}

Status EngineImpl::check_table_to_fill(const catalog::Entry& entry, bool or_replace) const {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_new_table(entry));
  return catalog_->check_create(entry, or_replace);
}

Status EngineImpl::create_table(catalog::Entry entry, bool or_replace, const std::vector<columnar::ChangeBatch>& rows) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_new_table(entry));
  PENSTOCK_TRY(catalog_->check_create(entry, or_replace));
  std::shared_ptr<NativeTable> table;
  entry.id = catalog_->next_id();
  if (entry.table()->is_native()) table = PENSTOCK_TRY(make_native_table(entry, rows));
  const catalog::EntryPtr replaced = catalog_->find_relation(entry.name);
  // That the catalog names the table is the moment of the change: what a crash leaves of its topic before it, or of
  // that of the old one behind it, is removed at the next start.
  const auto created = or_replace ? catalog_->create_or_replace(std::move(entry)) : catalog_->create(std::move(entry));
  if (!created) {
    if (table != nullptr) remove_topic(table->topic(), table->view()->options().name);
    return created.error();
  }
  take_place((*created)->name, std::move(table), replaced);
  tell_catalog_changed();
  return {};
}

Result<std::shared_ptr<NativeTable>> EngineImpl::make_native_table(const catalog::Entry& entry,
                                                                   const std::vector<columnar::ChangeBatch>& rows) {
  // One that could not be made may have left its topic, and its id.
  const std::string topic = NativeTable::topic_of(entry, *options_.log);
  if (options_.log->topic(topic)) PENSTOCK_TRY(options_.log->delete_topic(topic));
  const auto fill = [&]() -> Result<std::shared_ptr<NativeTable>> {
    std::shared_ptr<NativeTable> table =
        PENSTOCK_TRY(NativeTable::open(entry, *options_.log, *options_.env, options_.memory));
    if (rows.empty()) return table;
    const auto lock = table->lock_for_writing();
    PENSTOCK_TRY(table->change({}, rows));
    return table;
  };
  Result<std::shared_ptr<NativeTable>> filled = fill();
  if (!filled && options_.log->topic(topic)) remove_topic(topic, entry.name);
  return filled;
}

void EngineImpl::take_place(const std::string& name, std::shared_ptr<NativeTable> table,
                            const catalog::EntryPtr& replaced) {
  std::shared_ptr<NativeTable> old;
  {
    const std::lock_guard lock(mutex_);
    if (auto node = native_tables_.extract(lower(name))) old = std::move(node.mapped());
    if (table != nullptr) native_tables_[lower(name)] = std::move(table);
    if (replaced != nullptr) failed_starts_.erase(replaced->id);
  }
  if (old != nullptr) old->view()->drop();
  if (replaced != nullptr && replaced->table()->is_native()) {
    remove_topic(NativeTable::topic_of(*replaced, *options_.log), replaced->name);
  }
}

Status EngineImpl::start_native_table(const catalog::EntryPtr& entry) {
  std::shared_ptr<NativeTable> table =
      PENSTOCK_TRY(NativeTable::open(*entry, *options_.log, *options_.env, options_.memory));
  const std::lock_guard lock(mutex_);
  native_tables_[lower(entry->name)] = std::move(table);
  return {};
}

Status EngineImpl::remove_orphaned_topics() {
  std::set<std::string> used;
  for (const catalog::EntryPtr& entry : catalog_->entries()) {
    if (entry->table() != nullptr && entry->table()->is_native()) {
      used.insert(NativeTable::topic_of(*entry, *options_.log));
    }
  }
  for (const log::TopicInfo& topic : options_.log->topics()) {
    const bool of_table = NativeTable::entry_of_topic(topic.name).has_value();
    if (of_table && !used.contains(topic.name)) PENSTOCK_TRY(options_.log->delete_topic(topic.name));
  }
  return {};
}

void EngineImpl::remove_topic(const std::string& topic, const std::string& table) {
  const Status removed = options_.log->delete_topic(topic);
  if (removed) return;
  logging::warning("a topic that no table needs any more is still there",
                   {{"table", table}, {"topic", topic}, {"reason", removed.error().to_string()}});
}

Status EngineImpl::create_definition(catalog::Entry entry, bool or_replace) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(or_replace ? catalog_->create_or_replace(std::move(entry)) : catalog_->create(std::move(entry)));
  tell_catalog_changed();
  return {};
}

Status EngineImpl::start_or_forget(const catalog::EntryPtr& entry, const std::function<Status()>& start) {
  Status started = start();
  if (!started) {
    static_cast<void>(catalog_->drop(entry->name_space(), entry->name, false));
    return started;
  }
  tell_catalog_changed();
  return {};
}

Status EngineImpl::drop(catalog::NameSpace name_space, const std::string& name, bool cascade) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  const std::vector<catalog::EntryPtr> dropped = PENSTOCK_TRY(catalog_->drop(name_space, name, cascade));
  for (const catalog::EntryPtr& entry : dropped) stop_entry(entry);
  tell_catalog_changed();
  return {};
}

Status EngineImpl::create_schema(const std::string& name) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  return catalog_->create_schema(name);
}

Status EngineImpl::drop_schema(const std::string& name, bool cascade) {
  std::vector<catalog::EntryPtr> inside = catalog_->entries();
  std::erase_if(inside, [&](const catalog::EntryPtr& entry) { return lower(entry->schema_name) != lower(name); });
  if (!inside.empty() && !cascade) {
    return invalid_argument("schema {} is not empty: {} {} is in it{}", name, inside.front()->kind_name(),
                            inside.front()->unqualified_name(),
                            inside.size() == 1 ? "" : fmt::format(", and {} more", inside.size() - 1))
        .hint("drop what is in it first, or use DROP SCHEMA ... CASCADE");
  }
  for (const catalog::EntryPtr& entry : inside) {
    if (catalog_->find(entry->name_space(), entry->name) == nullptr) continue;  // gone with what it depended on
    PENSTOCK_TRY(drop(entry->name_space(), entry->name, true));
  }
  const std::lock_guard ddl_lock(ddl_mutex_);
  return catalog_->drop_schema(name);
}

void EngineImpl::end_names(const catalog::NameScope& names) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  for (const catalog::EntryPtr& entry : catalog_->entries()) {
    if (!entry->temporary || !catalog::is_visible(*entry, names)) continue;
    const auto dropped = catalog_->drop(entry->name_space(), entry->name, true);
    if (!dropped) continue;  // gone with another
    for (const catalog::EntryPtr& gone : *dropped) stop_entry(gone);
  }
  tell_catalog_changed();
}

void EngineImpl::stop_entry(const catalog::EntryPtr& entry) {
  std::unique_ptr<StreamJob> job;
  std::shared_ptr<view::View> view;
  bool alert = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto node = jobs_.extract(entry->id)) job = std::move(node.mapped());
    if (entry->materialized_view() != nullptr || entry->job() != nullptr) remove_late_rows(entry->name);
    if (entry->materialized_view() != nullptr) {
      if (auto node = views_.extract(lower(entry->name))) view = std::move(node.mapped());
    }
    if (entry->table() != nullptr) {
      if (auto node = native_tables_.extract(lower(entry->name))) view = node.mapped()->view();
    }
    alert = alerts_.erase(entry->id) > 0;
    failed_starts_.erase(entry->id);
    if (alert && alert_listener_ != nullptr) alert_listener_->on_dropped(entry->name);
  }
  if (job != nullptr) job->stop();
  if (view != nullptr) view->drop();
  if (entry->table() != nullptr && entry->table()->is_native()) {
    remove_topic(NativeTable::topic_of(*entry, *options_.log), entry->name);
  }
  if (entry->job() == nullptr) return;
  if (Status forgotten = connector::PositionStore::forget(*options_.log, group_of(*entry)); !forgotten) {
    logging::warning("the positions of a dropped job are still there",
                     {{"job", entry->name}, {"reason", forgotten.error().to_string()}});
  }
}

// --- catching up ---

bool EngineImpl::caught_up(const StreamJob& job) const {
  if (job.epoch() == Epoch() || !job.covers(job.ends())) return false;
  return std::ranges::all_of(jobs_, [&](const auto& other) {
    const auto& view = other.second->options().view;
    return view == nullptr || !job.reads(*view) || caught_up(*other.second);
  });
}

// Tells the listener of alerts whose queries have caught up, and looks again while there are others.
void EngineImpl::watch_alerts() {
  const std::lock_guard lock(mutex_);
  alert_timer_ = 0;
  if (closed_) return;
  bool waiting = false;
  for (auto& [id, alert] : alerts_) {
    const auto job = jobs_.find(id);
    if (alert.told || job == jobs_.end() || job->second->failed()) continue;
    if (alert_listener_ != nullptr && caught_up(*job->second)) {
      alert.told = true;
      alert_listener_->on_created(alert.rule);
    } else {
      waiting = true;
    }
  }
  if (waiting) watch_alerts_later();
}

// With mutex_ held.
void EngineImpl::watch_alerts_later() {
  if (alert_timer_ != 0) return;
  alert_timer_ = timer_->call_at(monotonic_time_us() + kAlertCheckUs, [this] { watch_alerts(); });
}

void EngineImpl::set_alert_listener(AlertListener* listener) {
  const std::lock_guard lock(mutex_);
  alert_listener_ = listener;
}

bool EngineImpl::flushed(const StreamJob& job, const StreamJob::Frontier& ends, std::optional<Epoch>& covering) {
  // Of no rows, too, an aggregation without keys has one: that comes with the first epoch.
  const bool begun = job.covered_epoch() != Epoch() || job.finished();
  // What has finished early, as behind a LIMIT, leaves the rest unread.
  if (!covering && begun && (job.finished() || job.covers(ends))) covering = job.covered_epoch();
  if (!covering) return false;
  const auto& sink = job.options().sink;
  return (sink == nullptr || sink->durable(*covering)) && (!job.at_end() || job.finished());
}

Result<bool> EngineImpl::flush(const std::atomic<bool>& cancelled) {
  std::vector<int64_t> ids;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, job] : jobs_) ids.push_back(id);
  }
  // In the order of their creation, which is one in which every view comes after those that it reads.
  for (const int64_t id : ids) {
    std::optional<StreamJob::Frontier> ends;
    std::optional<Epoch> covering;
    for (bool reached = false; !reached;) {
      if (cancelled) return false;
      {
        const std::lock_guard lock(mutex_);
        if (closed_) return make_error(ErrorCode::kUnavailable, "the engine is stopping");
        const auto job = jobs_.find(id);
        if (job == jobs_.end() || job->second->failed()) break;
        if (!ends) ends = job->second->ends();
        reached = flushed(*job->second, *ends, covering);
        if (!reached) job->second->hurry();
      }
      if (!reached) std::this_thread::sleep_for(std::chrono::microseconds(kFlushPollUs));
    }
  }
  return true;
}

// --- what others see ---

std::unique_ptr<Session> EngineImpl::create_session() { return make_session(*this); }

std::vector<ViewInfo> EngineImpl::views() const {
  std::vector<ViewInfo> infos;
  for (const catalog::EntryPtr& entry : catalog_->entries()) {
    const catalog::MaterializedView* definition = entry->materialized_view();
    if (definition == nullptr) continue;
    ViewInfo info;
    info.view = running_view(entry->name);
    if (info.view == nullptr) continue;
    info.name = entry->name;
    info.sql = entry->sql;
    info.schema = info.view->options().schema;
    info.key = info.view->options().key;
    info.time_column = time_column_of(info.schema);
    info.metric = is_metric(definition->options);
    infos.push_back(std::move(info));
  }
  return infos;
}

std::optional<ViewInfo> EngineImpl::find_view(std::string_view name) const {
  const std::string wanted = lower(name);
  for (ViewInfo& info : views()) {
    if (lower(info.name) == wanted) return std::move(info);
  }
  return std::nullopt;
}

void EngineImpl::on_catalog_changed(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  catalog_callbacks_.push_back(std::move(callback));
}

void EngineImpl::tell_catalog_changed() {
  std::vector<std::function<void()>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    callbacks = catalog_callbacks_;
  }
  for (const auto& callback : callbacks) callback();
}

EngineStatus EngineImpl::status() const {
  EngineStatus status;
  const int64_t now_us = options_.env->wall_time_us();
  status.dead_letters_total = dead_letters_->total();
  const std::lock_guard lock(mutex_);
  for (const auto& [id, job] : jobs_) {
    JobStatus one = job->status();
    status.late_dropped_total += one.late_dropped_total;
    status.lag_events += one.lag_events;
    if (one.watermark && one.state == "running") {
      const int64_t delay_ms = (now_us - one.watermark->value()) / 1000;
      status.watermark_delay_ms = std::max(status.watermark_delay_ms.value_or(INT64_MIN), delay_ms);
    }
    if (job->options().view != nullptr) status.view_changes_total += job->options().view->changes_total();
    status.jobs.push_back(std::move(one));
  }
  for (const auto& [id, reason] : failed_starts_) {
    for (const catalog::EntryPtr& entry : catalog_->entries()) {
      if (entry->id != id) continue;
      status.jobs.push_back({.id = id,
                             .name = entry->name,
                             .kind = entry->table() != nullptr   ? "table"
                                     : entry->job() != nullptr   ? "insert"
                                     : entry->alert() != nullptr ? "alert"
                                                                 : "view",
                             .state = "failed",
                             .error = reason,
                             .watermark = {}});
    }
  }
  return status;
}

void EngineImpl::add_system_table(SystemTable table) {
  const std::string name = table.schema_name + "." + table.name;
  const std::lock_guard lock(mutex_);
  system_tables_[name] = std::make_shared<const SystemTable>(std::move(table));
}

void EngineImpl::add_late_rows(const StreamJob& job) {
  const std::vector<std::shared_ptr<LateRowStore>>& stores = job.late_rows();
  for (size_t i = 0; i < stores.size(); ++i) {
    const std::string name = plan::late_rows_prefix(job.name()) + std::to_string(i + 1);
    SystemTable table{.schema_name = "", .name = name, .schema = stores[i]->schema(), .rows = {}};
    table.rows = [store = stores[i]] { return store->rows(); };
    system_tables_[name] = std::make_shared<const SystemTable>(std::move(table));
  }
}

void EngineImpl::remove_late_rows(const std::string& job) {
  const std::string prefix = plan::late_rows_prefix(job);
  std::erase_if(system_tables_, [&](const auto& table) { return plan::is_late_rows_of(prefix, table.first); });
}

void EngineImpl::add_own_system_tables() {
  add_system_table(dead_letters_->system_table());
  using types::TypeKind;
  using types::Value;
  SystemTable jobs;
  jobs.schema_name = "sys";
  jobs.name = "jobs";
  jobs.schema = {
      {"id", TypeKind::kBigInt},           {"name", TypeKind::kString},          {"kind", TypeKind::kString},
      {"state", TypeKind::kString},        {"error", TypeKind::kString},         {"events_in", TypeKind::kBigInt},
      {"rows_out", TypeKind::kBigInt},     {"lag", TypeKind::kBigInt},           {"watermark", TypeKind::kTimestamp},
      {"late_dropped", TypeKind::kBigInt}, {"too_far_ahead", TypeKind::kBigInt}, {"state_bytes", TypeKind::kBigInt}};
  jobs.rows = [this] {
    std::vector<std::vector<Value>> rows;
    for (const JobStatus& job : status().jobs) {
      rows.push_back(
          {Value(job.id), Value(job.name), Value(job.kind), Value(job.state),
           job.error.empty() ? Value() : Value(job.error), Value(static_cast<int64_t>(job.events_in_total)),
           Value(static_cast<int64_t>(job.rows_out_total)), Value(job.lag_events),
           job.watermark ? Value(job.watermark->value()) : Value(), Value(static_cast<int64_t>(job.late_dropped_total)),
           Value(static_cast<int64_t>(job.too_far_ahead_total)), Value(static_cast<int64_t>(job.state_bytes))});
    }
    return rows;
  };
  add_system_table(std::move(jobs));
}

}  // namespace penstock::engine
