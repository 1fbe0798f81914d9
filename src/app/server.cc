#include "app/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "alert/alert_manager.h"
#include "app/open_files.h"
#include "app/version.h"
#include "base/logging.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/time.h"
#include "engine/engine.h"
#include "http/server.h"
#include "io/env.h"
#include "kafka/server.h"
#include "log/log.h"
#include "pgwire/server.h"

namespace penstock::app {

namespace {

using std::chrono::milliseconds;

// The id that Kafka clients know this data directory by; made once.
Result<std::string> cluster_id(io::Env& env, const std::string& directory) {
  const std::string path = directory + "/cluster_id";
  if (env.exists(path)) return env.read_file(path);
  std::string id = fmt::format("penstock-{:016x}", env.random_u64());
  PENSTOCK_TRY(env.write_file_atomically(path, id));
  return id;
}

}  // namespace

// In the order in which they are made; they go the other way round.
struct Server::Parts {
  explicit Parts(const Config& c) : config(c), memory("memory_limit", c.memory_limit) {}

  Status start();
  void watch_open_files();
  Status start_protocols();

  const Config config;
  io::Env& env = io::posix_env();
  const int64_t open_files_max = raise_open_files_limit();
  const int client_descriptors_max = descriptors_for_clients(open_files_max, config.open_files_reserve);
  std::unique_ptr<io::FileLock> lock;
  MemoryBudget memory;
  MetricsRegistry metrics;
  std::unique_ptr<log::Log> log;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<alert::AlertManager> alerts;
  std::unique_ptr<kafka::KafkaServer> kafka;
  std::unique_ptr<pgwire::PgServer> pg;
  std::unique_ptr<http::HttpServer> http;
  std::atomic<bool> stopping{false};
};

Status Server::Parts::start() {
  watch_open_files();
  metrics.gauge("penstock_memory_limit_bytes", "What memory_limit is").set(static_cast<int64_t>(config.memory_limit));
  metrics.callback("penstock_memory_bytes", "What is taken of memory_limit", {},
                   [this] { return static_cast<double>(memory.used_bytes()); });
  const std::string& directory = config.data_dir;
  PENSTOCK_TRY(env.create_directories(directory));
  PENSTOCK_TRY(env.sync_directory(io::parent_directory(directory)));  // the log makes durable what is below it
  Result<std::unique_ptr<io::FileLock>> locked = env.lock(directory + "/lock");
  if (!locked) {
    return Error(ErrorCode::kUnavailable, "the data directory " + directory + " is in use: " + locked.error().message())
        .hint("stop the other server, or give another --data-dir");
  }
  lock = *std::move(locked);
  log::LogOptions log_options;
  log_options.commit_interval_us = config.journal.commit_interval_us;
  log_options.journal_segment_bytes = config.journal.segment_bytes;
  log_options.tail_bytes_max = config.journal.tail_bytes_max;
  log_options.flush_interval_ms = config.journal.flush_interval_ms;
  log_options.retention_check_interval_ms = config.retention.check_interval_ms;
  log_options.memory = &memory;
  log_options.metrics = &metrics;
  log = PENSTOCK_TRY(log::Log::open(env, directory + "/log", log_options));

  engine::EngineOptions engine_options;
  engine_options.env = &env;
  engine_options.log = log.get();
  engine_options.directory = directory;
  engine_options.files_directory = config.files_dir;
  engine_options.default_partitions = static_cast<int32_t>(config.kafka.default_partitions);
  engine_options.kafka_addresses = {net::to_string(config.kafka.listen)};
  if (config.kafka.advertise != config.kafka.listen) {
    engine_options.kafka_addresses.push_back(net::to_string(config.kafka.advertise));
  }
  engine_options.workers = static_cast<int>(config.workers);
  engine_options.memory = &memory;
  engine_options.state_bytes_max = config.sql.state_bytes_max;
  engine_options.job_state_bytes_max = config.sql.job_state_bytes_max;
  engine_options.row_dead_letters_per_s_max = static_cast<int>(config.sql.row_dead_letters_per_s_max);
  engine_options.metrics = &metrics;
  engine = PENSTOCK_TRY(engine::Engine::open(std::move(engine_options)));

  alert::AlertManagerOptions alert_options;
  alert_options.env = &env;
  alert_options.directory = directory;
  alert_options.metrics = &metrics;
  alerts = PENSTOCK_TRY(alert::AlertManager::open(std::move(alert_options)));
  engine->add_system_table(alerts->system_table());
  engine->set_alert_listener(alerts.get());
  return start_protocols();
}

void Server::Parts::watch_open_files() {
  metrics.gauge("process_max_fds", "Files and sockets that the process may have open").set(open_files_max);
  metrics.callback("process_open_fds", "Files and sockets that are open", {},
                   [] { return static_cast<double>(open_files()); });
  if (client_descriptors_max == open_files_max - config.open_files_reserve) return;
  logging::warning("the limit of open files is too small for the reserve, clients get half of it; raise it (ulimit -n)",
                   {{"open_files_max", open_files_max}, {"open_files_reserve", config.open_files_reserve}});
}

Status Server::Parts::start_protocols() {
  kafka::KafkaServerOptions kafka_options;
  kafka_options.listen = net::to_string(config.kafka.listen);
  if (config.kafka.advertise.port != 0) {
    kafka_options.advertise_host = config.kafka.advertise.host;
    kafka_options.advertise_port = config.kafka.advertise.port;
  }
  kafka_options.cluster_id = PENSTOCK_TRY(cluster_id(env, config.data_dir));
  kafka_options.auto_create_topics = config.kafka.auto_create_topics;
  kafka_options.default_partitions = static_cast<int32_t>(config.kafka.default_partitions);
  kafka_options.connections_max = static_cast<int>(config.kafka.connections_max);
  kafka_options.request_bytes_max = config.kafka.request_bytes_max;
  kafka_options.descriptors_max = client_descriptors_max;
  kafka_options.frame_timeout = milliseconds(config.kafka.read_timeout_ms);
  kafka_options.write_timeout = milliseconds(config.kafka.write_timeout_ms);
  kafka_options.requests_bytes_max = config.kafka.requests_bytes_max;
  kafka_options.responses_bytes_max = config.kafka.responses_bytes_max;
  kafka_options.memory = &memory;
  kafka_options.metrics = &metrics;
  kafka = PENSTOCK_TRY(kafka::KafkaServer::start(*log, std::move(kafka_options)));

  pgwire::PgServerOptions pg_options;
  pg_options.listen = config.pg.listen;
  pg_options.connections_max = static_cast<int>(config.pg.connections_max);
  pg_options.descriptors_max = client_descriptors_max;
  pg_options.version = std::string(kVersion);
  pg_options.messages_bytes_max = config.pg.messages_bytes_max;
  pg_options.message_timeout = milliseconds(config.pg.read_timeout_ms);
  pg_options.write_timeout = milliseconds(config.pg.write_timeout_ms);
  pg_options.memory = &memory;
  pg_options.metrics = &metrics;
  pg = PENSTOCK_TRY(pgwire::PgServer::start(*engine, std::move(pg_options)));

  http::HttpServerOptions http_options;
  http_options.listen = net::to_string(config.http.listen);
  http_options.allowed_hosts = config.http.allowed_hosts;
  http_options.connections_max = static_cast<int>(config.http.connections_max);
  http_options.descriptors_max = client_descriptors_max;
  http_options.statements_max = static_cast<int>(config.http.statements_max);
  http_options.subscription_rows_max = static_cast<size_t>(config.http.subscription_rows_max);
  http_options.write_timeout = milliseconds(config.http.write_timeout_ms);
  http_options.subscription_bytes_max = config.http.subscription_bytes_max;
  http_options.api.engine = engine.get();
  http_options.api.alerts = alerts.get();
  http_options.api.metrics = &metrics;
  http_options.api.memory = &memory;
  http_options.api.version = kVersion;
  http_options.api.sql_rows_max = config.sql.rows_max;
  Counter& records_in = metrics.counter("penstock_kafka_records_in_total", "");
  Counter& records_out = metrics.counter("penstock_kafka_records_out_total", "");
  http_options.api.io_counters = [&records_in, &records_out] {
    return http::IoCounters{.events_in = records_in.value(), .events_out = records_out.value()};
  };
  http_options.api.ready = [this]() -> Status {
    if (stopping) return make_error(ErrorCode::kUnavailable, "stopping");
    std::string reason;
    if (!log->accepts_writes(&reason))
      return make_error(ErrorCode::kUnavailable, "the log takes no writes: {}", reason);
    return {};
  };
  http = PENSTOCK_TRY(http::HttpServer::start(std::move(http_options)));
  return {};
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { static_cast<void>(stop()); }

Result<std::unique_ptr<Server>> Server::start(const Config& config) {
  auto parts = std::make_unique<Parts>(config);
  PENSTOCK_TRY(parts->start());
  logging::info("serving", {{"version", kVersion},
                            {"data_dir", config.data_dir},
                            {"kafka", parts->kafka->address()},
                            {"pg", parts->pg->address()},
                            {"http", parts->http->address()}});
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

std::string Server::kafka_address() const { return parts_->kafka->address(); }
std::string Server::pg_address() const { return parts_->pg->address(); }
std::string Server::http_address() const { return parts_->http->address(); }

engine::Engine& Server::engine() { return *parts_->engine; }

Status Server::stop() {
  if (parts_->stopping.exchange(true)) return {};
  const int64_t deadline_us = monotonic_time_us() + parts_->config.shutdown_timeout_ms * 1000;
  const auto left = [&] { return milliseconds(std::max<int64_t>(0, (deadline_us - monotonic_time_us()) / 1000)); };
  {
    // All at once, so that the clients of one do not take the time of the others'.
    const std::jthread pg([&] { parts_->pg->shutdown(left()); });
    const std::jthread kafka([&] { parts_->kafka->shutdown(left()); });
    parts_->http->shutdown(left());
  }
  parts_->http.reset();
  parts_->pg.reset();
  parts_->alerts->close();
  Status engine_closed = parts_->engine->close();
  parts_->kafka.reset();
  Status log_closed = parts_->log->close();
  logging::info("stopped", {{"data_dir", parts_->config.data_dir}});
  if (!engine_closed) return engine_closed;
  return log_closed;
}

}  // namespace penstock::app
