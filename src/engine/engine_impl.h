// The engine: what is in the catalog, running.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "columnar/change_batch.h"
#include "connector/connector.h"
#include "connector/timer.h"
#include "engine/dead_letters.h"
#include "engine/engine.h"
#include "engine/job_graph.h"
#include "engine/native_table.h"
#include "engine/stream_job.h"
#include "exec/job.h"
#include "plan/definition.h"
#include "plan/planner.h"

namespace penstock::engine {

// What the connector of a table is asked about.
connector::TableDefinition definition_of(const catalog::Entry& table);
// table.exec.state.ttl of the session that made the entry; 0: nothing is forgotten.
int64_t kept_state_ttl_us(const catalog::Entry& entry);
// Where the positions of an INSERT are committed. What an old one committed is not for a new one of the same name: it
// is named by the id, which is never used again.
std::string group_of(const catalog::Entry& entry);

// Thread-safe. Statements that change the catalog go one at a time (ddl_mutex_); readers take mutex_ for a moment.
class EngineImpl : public Engine {
 public:
  explicit EngineImpl(EngineOptions options)
      : options_(std::move(options)), state_("sql.state_bytes_max", options_.state_bytes_max, options_.memory) {}
  ~EngineImpl() override;

  Status start();

  // --- Engine ---
  std::unique_ptr<Session> create_session() override;
  std::vector<ViewInfo> views() const override;
  std::optional<ViewInfo> find_view(std::string_view name) const override;
  void on_catalog_changed(std::function<void()> callback) override;
  EngineStatus status() const override;
  void set_alert_listener(AlertListener* listener) override;
  void add_system_table(SystemTable table) override;
  Status close() override;

  // --- for sessions ---
  log::Log& log() { return *options_.log; }
  io::Env& env() { return *options_.env; }
  const catalog::Catalog& catalog() const { return *catalog_; }
  exec::Executor& executor() { return *executor_; }
  plan::PlanContext plan_context(plan::PlanMode mode) const;
  GraphContext graph_context(bool bounded) const;
  // What the state of one job may take.
  exec::StateLimit state_limit() {
    return {.budget = &state_, .bytes_max = options_.job_state_bytes_max, .name = "sql.job_state_bytes_max"};
  }
  // Of the job of an entry.
  GraphContext job_context(const catalog::Entry& entry) const;

  // An INSERT that goes on: a job of its own.
  struct NewInsert {
    plan::PlannedInsert plan;
    std::string sql;
    std::string names_schema;
    std::string time_zone;
  };

  // `rows`: those that a native table has from the beginning. Also after a crash it is there with all of them, or not.
  Status create_table(catalog::Entry entry, bool or_replace, const std::vector<columnar::ChangeBatch>& rows = {});
  // A table over a connector and the INSERT that fills it and goes on; both, or neither.
  Status create_table_with_insert(catalog::Entry table, bool or_replace, const NewInsert& insert,
                                  const catalog::Options& settings);
  // Fails where such a table could not be created now.
  Status check_table_to_fill(const catalog::Entry& entry, bool or_replace) const;
  // A view or function: it runs nothing.
  Status create_definition(catalog::Entry entry, bool or_replace);
  // `settings`: those of the session that the job keeps.
  Status create_materialized_view(plan::PlannedDefinition definition, const catalog::Options& settings);
  Status create_alert(plan::PlannedDefinition definition, const catalog::Options& settings);
  // All of them are started, or none.
  Status create_inserts(const std::vector<NewInsert>& inserts, const catalog::Options& settings);
  Status drop(catalog::NameSpace name_space, const std::string& name, bool cascade);
  // What a new session's names stand for; and the end of one: its temporary objects are dropped.
  catalog::NameScope begin_names() {
    return {.schema = std::string(catalog::kDefaultSchema),
            .temporary = std::string(catalog::kTemporarySchemaPrefix) + std::to_string(++sessions_begun_)};
  }
  void end_names(const catalog::NameScope& names);
  // alter.cc. What depends on a table or view follows it to its new name; nothing changes where that is not possible.
  Status rename(const catalog::EntryPtr& entry, catalog::Entry renamed);
  Status create_schema(const std::string& name);
  // With `cascade`, and all that is in it.
  Status drop_schema(const std::string& name, bool cascade);
  // All options of a table over a connector. Refused while something runs that uses it.
  Status change_options(const catalog::EntryPtr& entry, catalog::Options options);
  // A table over a connector with other columns, as `changed`. Refused while something runs that uses it.
  Status change_columns(const catalog::EntryPtr& old, catalog::Entry changed);
  // A native table with other columns, as `changed`, and the rows that `read_rows` gives. Refused while something runs
  // that uses it.
  using ReadRows = std::function<Result<std::vector<columnar::ChangeBatch>>()>;
  Status change_native_columns(const catalog::EntryPtr& old, catalog::Entry changed, const ReadRows& read_rows);
  // A view with another query, as `changed`. Refused while something runs that uses it.
  Status change_view(const catalog::EntryPtr& old, catalog::Entry changed);
  // The running native table; an error when it could not be started.
  Result<std::shared_ptr<NativeTable>> native_table(const std::string& name) const;
  // Waits until every running job has covered what is in the log now. False when `cancelled` became true.
  Result<bool> flush(const std::atomic<bool>& cancelled);
  // A sink for the rows of an INSERT; `group` is where its positions are committed, empty when it is never resumed.
  Result<std::shared_ptr<connector::Sink>> make_sink(const plan::PlannedInsert& insert, std::string group) const;
  // The NOT NULL columns of the target. `drops`: what becomes of rows that have a NULL there.
  Result<exec::NotNullOptions> not_null_columns(const plan::PlannedInsert& insert, bool drops) const;
  // Fails where the target cannot take the rows of the INSERT.
  Status check_sink(const plan::PlannedInsert& insert) const;
  // Of a table with PARTITIONED BY.
  Result<std::vector<connector::Partition>> partitions(const catalog::Entry& table) const;

 private:
  struct RunningAlert {
    AlertRule rule;
    bool told = false;  // of, to the listener
  };

  // Makes the directory for files, and finds where it really is.
  Status find_directories();
  Status check_new_table(const catalog::Entry& entry) const;
  // With these rows, and not in the catalog yet, which gives it its id next.
  Result<std::shared_ptr<NativeTable>> make_native_table(const catalog::Entry& entry,
                                                         const std::vector<columnar::ChangeBatch>& rows);
  // A table of this name, a native one where `table` is not null, is in the catalog in the place of `replaced`, if that
  // is not null: so it is here.
  void take_place(const std::string& name, std::shared_ptr<NativeTable> table, const catalog::EntryPtr& replaced);
  Status start_entry(const catalog::EntryPtr& entry);
  Status start_native_table(const catalog::EntryPtr& entry);
  // Removes the topics of native tables that are no more, or are in another topic: a crash came between the two steps
  // of their end. Nobody else can have made a topic of such a name (log::is_reserved_name()).
  Status remove_orphaned_topics();
  // Of a native table; what cannot be done is only told.
  void remove_topic(const std::string& topic, const std::string& table);
  StreamJob::Options job_options(const catalog::Entry& entry, StreamJob::Kind kind, const plan::PlannedQuery& query);
  Status start_job(const catalog::EntryPtr& entry, StreamJob::Kind kind, const plan::PlannedQuery& query);
  Status start_insert(const catalog::EntryPtr& entry, const plan::PlannedInsert& insert);
  Result<types::Schema> plan_entry(const catalog::Entry& entry, const catalog::Catalog& catalog) const;
  Status check_user(const catalog::Entry& user, const catalog::Catalog& after) const;
  Status check_unchanged(const catalog::EntryPtr& entry) const;
  Status change_entries(const std::vector<catalog::Entry>& changed, const std::vector<catalog::EntryPtr>& users);
  void rename_running(const catalog::Entry& entry, const std::string& name);
  Result<catalog::EntryPtr> target_of(const plan::PlannedInsert& insert) const;
  Result<connector::SinkRequest> sink_request(const plan::PlannedInsert& insert) const;
  catalog::EntryPtr temporary_part(const catalog::Entry& job, const catalog::EntryPtr& target) const;
  Result<catalog::Entry> insert_entry(const NewInsert& insert, const std::vector<catalog::Entry>& others,
                                      const catalog::Options& settings) const;
  // What the catalog keeps of the moment and the session that made a plan; `settings` are of the session.
  Result<catalog::Options> kept_options(const plan::PlannedQuery& plan, const catalog::Options& settings) const;
  // Finishes a creation: starts what the entry describes, or takes the entry back.
  Status start_or_forget(const catalog::EntryPtr& entry, const std::function<Status()>& start);
  void stop_entry(const catalog::EntryPtr& entry);
  // The rows of a materialized view or native table.
  std::shared_ptr<view::View> running_view(const std::string& name) const;
  std::shared_ptr<const SystemTable> system_table(const std::string& name) const;
  // Offers the late rows of a job as system tables; or takes back those of a name.
  void add_late_rows(const StreamJob& job);
  void remove_late_rows(const std::string& job);
  void tell_catalog_changed();
  void watch_alerts();
  void watch_alerts_later();
  bool caught_up(const StreamJob& job) const;
  // Whether the job has covered these ends, and what it wrote of it is durable; of a job that comes to its end with
  // them, whether it is finished. `covering` is kept between the calls of one flush: the epoch that covered them.
  static bool flushed(const StreamJob& job, const StreamJob::Frontier& ends, std::optional<Epoch>& covering);
  void add_own_system_tables();

  const EngineOptions options_;
  MemoryBudget state_;  // of all jobs and queries
  std::string files_directory_;
  std::string data_directory_;
  std::unique_ptr<catalog::Catalog> catalog_;
  std::unique_ptr<connector::Timer> timer_;
  std::unique_ptr<DeadLetters> dead_letters_;
  std::unique_ptr<exec::Executor> executor_;

  std::atomic<int64_t> sessions_begun_{0};
  mutable std::mutex ddl_mutex_;
  mutable std::mutex mutex_;                                           // guards what follows
  std::map<int64_t, std::unique_ptr<StreamJob>> jobs_;                 // by entry id
  std::map<int64_t, std::string> failed_starts_;                       // why an entry of the catalog does not run
  std::map<std::string, std::shared_ptr<view::View>> views_;           // by lower-case name
  std::map<std::string, std::shared_ptr<NativeTable>> native_tables_;  // by lower-case name
  std::map<int64_t, RunningAlert> alerts_;                             // by entry id
  std::map<std::string, std::shared_ptr<const SystemTable>> system_tables_;
  std::vector<std::function<void()>> catalog_callbacks_;
  AlertListener* alert_listener_ = nullptr;
  connector::Timer::Id alert_timer_ = 0;
  bool closed_ = false;
};

}  // namespace penstock::engine
