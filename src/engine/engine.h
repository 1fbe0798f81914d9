// The engine: SQL statements become tables, views and jobs. Sessions are how every client reaches it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "io/env.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::log {
class Log;
}
namespace penstock::view {
class View;
}

namespace penstock::engine {

// A parsed and bound statement, ready to be executed many times. Immutable.
class PreparedStatement {
 public:
  virtual ~PreparedStatement() = default;
  virtual const std::string& sql() const = 0;
  // The types of $1, $2, ...: as given to prepare(), else inferred from the query.
  virtual const std::vector<types::DataType>& parameter_types() const = 0;
  // The columns of the result; nullopt for statements without rows (an empty statement too).
  virtual const std::optional<types::Schema>& result_schema() const = 0;
};

// The rows of an executed statement, pulled by one thread.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual const std::optional<types::Schema>& schema() const = 0;
  // Blocks until there are rows; nullopt at the end. kCancelled after Session::cancel().
  virtual Result<std::optional<columnar::ChangeBatch>> next() = 0;
  // PostgreSQL's command tag, once next() has ended: "SELECT 3", "CREATE TABLE", "INSERT 0 1".
  virtual std::string tag() const = 0;
};

// One client's conversation: settings, and one statement at a time. Calls block; network threads hand them to a pool.
// Not thread-safe, but for cancel().
class Session {
 public:
  virtual ~Session() = default;

  // Splits a script into statements; the text of each, and its byte offset in `sql` for error positions.
  struct Part {
    std::string text;
    uint32_t offset = 0;
  };
  virtual Result<std::vector<Part>> split(std::string_view sql) = 0;

  // Parses and binds one statement. Unknown parameter types are inferred where `parameter_types` is short or kNull.
  virtual Result<std::shared_ptr<const PreparedStatement>> prepare(
      std::string_view sql, std::span<const types::DataType> parameter_types) = 0;
  // Runs it. `parameters` have the prepared types.
  virtual Result<std::unique_ptr<Cursor>> execute(std::shared_ptr<const PreparedStatement> statement,
                                                  std::vector<types::Value> parameters) = 0;
  // prepare() and execute() of a statement without parameters.
  virtual Result<std::unique_ptr<Cursor>> execute(std::string_view sql) = 0;

  // Stops the statement that runs now, from any thread; without one it does nothing.
  virtual void cancel() = 0;

  // Session settings, names in any case ("timezone", "application_name", "client_encoding" and the SET ones).
  virtual std::optional<std::string> setting(std::string_view name) const = 0;
  virtual Status set(std::string_view name, std::string_view value) = 0;
};

struct JobStatus {
  int64_t id = 0;
  std::string name;
  std::string kind;   // "view", "insert", "alert"
  std::string state;  // "running", "finished", "failed", "stopped"
  std::string error;  // why it failed
  uint64_t events_in_total = 0;
  double events_in_per_s = 0;
  uint64_t rows_out_total = 0;
  int64_t lag_events = 0;
  std::optional<EventTime> watermark;
  uint64_t late_dropped_total = 0;
  uint64_t too_far_ahead_total = 0;  // rows that did not move the watermark
  size_t state_bytes = 0;            // what its operators hold
};

struct ViewInfo {
  std::string name;
  std::string sql;  // as it was created
  types::Schema schema;
  std::vector<int> key;
  std::optional<int> time_column;  // the natural x axis: the window's start, or the row time
  bool metric = false;             // WITH ('metric' = 'true')
  std::shared_ptr<view::View> view;
};

struct EngineStatus {
  uint64_t view_changes_total = 0;
  uint64_t dead_letters_total = 0;
  uint64_t late_dropped_total = 0;
  int64_t lag_events = 0;
  std::optional<int64_t> watermark_delay_ms;  // wall clock minus the slowest running job's watermark
  std::vector<JobStatus> jobs;
};

// An alert's definition, as CREATE ALERT gave it, and the changing rows that fire it.
struct AlertRule {
  std::string name;
  std::string severity;  // "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"
  struct Channel {
    std::string kind;    // "log", "webhook"
    std::string target;  // the URL
  };
  std::vector<Channel> channels;
  std::string sql;
  std::shared_ptr<view::View> view;  // one row per firing instance
  // The columns that say which instance a row is: none for a query of at most one row, so that its row may change and
  // still be the same incident. nullopt when rows have no key and each row stands for itself.
  std::optional<std::vector<int>> key;
};

// Told of alert rules as they come and go; implemented by the alert module above the engine. A rule is told of when its
// query has caught up with the log, so that history, read again after a restart, fires nothing.
class AlertListener {
 public:
  virtual ~AlertListener() = default;
  virtual void on_created(const AlertRule& rule) = 0;
  virtual void on_dropped(const std::string& name) = 0;
};

// A table whose rows the program computes when it is read, such as sys.alerts.
struct SystemTable {
  std::string schema_name;  // "sys"
  std::string name;
  types::Schema schema;
  std::function<std::vector<std::vector<types::Value>>()> rows;
};

struct EngineOptions {
  io::Env* env = nullptr;
  log::Log* log = nullptr;
  std::string directory;           // for the catalog; locked by the caller
  std::string files_directory;     // where tables may read and write files; empty: nowhere
  int32_t default_partitions = 1;  // of topics that CREATE TABLE makes
  // Where Kafka's clients connect, as tables may say it: "127.0.0.1:9092", "*:9092" for every interface.
  std::vector<std::string> kafka_addresses;
  int workers = 1;
  // How far ahead of the clock a row may move the watermark of a table that does not say it; 0: there is no bound.
  int64_t watermark_max_ahead_us = int64_t{86'400} * 1'000'000;
  // Tests make these small, so that batches and epochs end at many places.
  size_t scan_batch_rows_max = columnar::kBatchRowsMax;
  int64_t epoch_interval_busy_us = 50'000;
  MemoryBudget* memory = nullptr;
  // Of the state of all jobs and queries, and of each (sql.state_bytes_max, sql.job_state_bytes_max).
  size_t state_bytes_max = SIZE_MAX;
  size_t job_state_bytes_max = SIZE_MAX;
  // Rows of one job that an expression failed for and that become dead letters (sql.row_dead_letters_per_s_max).
  int row_dead_letters_per_s_max = 1'000;
  MetricsRegistry* metrics = nullptr;
};

// Thread-safe. Closing or destroying it stops all jobs in a bounded time.
class Engine {
 public:
  virtual ~Engine() = default;

  // Opens the catalog and restarts every job in it.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options);

  virtual std::unique_ptr<Session> create_session() = 0;

  virtual std::vector<ViewInfo> views() const = 0;
  // In any case of letters.
  virtual std::optional<ViewInfo> find_view(std::string_view name) const = 0;
  // Calls back (from any thread) after a view, job or alert was created, dropped or failed. For the life of the engine.
  virtual void on_catalog_changed(std::function<void()> callback) = 0;

  virtual EngineStatus status() const = 0;

  // Calls on_created for every rule there is, then for changes. At most one listener; call before serving.
  virtual void set_alert_listener(AlertListener* listener) = 0;
  virtual void add_system_table(SystemTable table) = 0;

  virtual Status close() = 0;
};

}  // namespace penstock::engine
