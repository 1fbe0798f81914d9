#include "app/demo/demo.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "app/client/kafka_client.h"
#include "app/demo/check.h"
#include "app/demo/fraud_sql.h"
#include "app/demo/transactions.h"
#include "app/server.h"
#include "app/signals.h"
#include "base/time.h"
#include "engine/engine.h"

namespace penstock::app {

namespace {

constexpr int64_t kHistoryMs = 15 * 60'000;
constexpr int64_t kHistoryPerSecond = 40;
constexpr int kTickMs = 20;
constexpr int kFlushTimeoutMs = 30'000;
constexpr int32_t kPartitions = 4;
constexpr char kTopic[] = "transactions";

// Produces through the Kafka port, as any client would, until it is stopped.
class Producer {
 public:
  Producer(std::unique_ptr<KafkaProducer> producer, int64_t rate) : producer_(std::move(producer)), rate_(rate) {}
  ~Producer() { stop(); }

  // A quarter of an hour that lies behind, so that there is something to see at once.
  Status produce_history() {
    const int64_t now_ms = wall_time_us() / 1000;
    for (int64_t at_ms = now_ms - kHistoryMs; at_ms < now_ms; at_ms += 1000 / kHistoryPerSecond) {
      PENSTOCK_TRY(produce(at_ms));
    }
    return producer_->flush(kFlushTimeoutMs);
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

  Status flush() {
    PENSTOCK_TRY(producer_->flush(kFlushTimeoutMs));
    if (producer_->failed() == 0) return {};
    return make_error(ErrorCode::kUnavailable, "{} transactions could not be produced", producer_->failed());
  }

 private:
  Status produce(int64_t at_ms) {
    const Transaction transaction = generator_.next(at_ms);
    return producer_->produce(kTopic, transaction.user_key(), transaction.to_json());
  }

  void run() {
    const int64_t start_us = monotonic_time_us();
    int64_t produced = 0;
    while (!stopping_) {
      const int64_t due = (monotonic_time_us() - start_us) * rate_ / 1'000'000;
      for (; produced < due; ++produced) {
        if (const Status status = produce(wall_time_us() / 1000); !status) {
          fmt::print(stderr, "producer: {}\n", status.error().to_string());
          return;
        }
      }
      producer_->poll(0);
      std::this_thread::sleep_for(std::chrono::milliseconds(kTickMs));
    }
  }

  const std::unique_ptr<KafkaProducer> producer_;
  const int64_t rate_;
  TransactionGenerator generator_{static_cast<uint64_t>(wall_time_us())};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

Status run_script(engine::Engine& engine, std::string_view script) {
  const auto session = engine.create_session();
  for (const engine::Session::Part& part : PENSTOCK_TRY(session->split(script))) {
    fmt::print("{};\n\n", part.text);
    const auto cursor = PENSTOCK_TRY(session->execute(part.text));
    while (PENSTOCK_TRY(cursor->next())) {
    }
  }
  return {};
}

// This program, as it can be called from the shell that it was called from.
std::string own_path() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path here = std::filesystem::current_path(error);
  const std::filesystem::path relative = self.lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? self.string() : "./" + relative.string();
}

void print_addresses(const Server& server) {
  const std::string pg = server.pg_address();
  const size_t colon = pg.rfind(':');
  fmt::print(
      "The dashboard          http://{}/\n"
      "Query the views        psql -h {} -p {} -d penstock -c 'SELECT * FROM merchant_totals ORDER BY total DESC LIMIT "
      "5'\n"
      "Watch suspicious ones  kcat -b {} -t alerts -C -o beginning\n"
      "The SQL shell          {} sql --host {} --port {}\n"
      "Stop with Ctrl-C.\n",
      server.http_address(), pg.substr(0, colon), pg.substr(colon + 1), server.kafka_address(), own_path(),
      pg.substr(0, colon), pg.substr(colon + 1));
  std::fflush(stdout);
}

// The producer is gone when it returns: a client that sees its server stop complains on standard error.
Status produce_until_stopped(const Server& server, const DemoOptions& options) {
  Producer producer(PENSTOCK_TRY(KafkaProducer::make(server.kafka_address(), {{"linger.ms", "5"}})), options.rate);
  PENSTOCK_TRY(producer.produce_history());
  producer.start();
  print_addresses(server);
  wait_for_stop_signal(options.duration_s);
  producer.stop();
  return producer.flush();
}

Status run(const DemoOptions& options) {
  const auto server = PENSTOCK_TRY(Server::start(options.config));
  PENSTOCK_TRY(create_topic(server->kafka_address(), kTopic, kPartitions));
  PENSTOCK_TRY(run_script(server->engine(), kFraudSql));
  PENSTOCK_TRY(produce_until_stopped(*server, options));
  if (options.check) fmt::print("{}\n", PENSTOCK_TRY(check_demo(server->kafka_address(), server->engine())));
  return server->stop();
}

}  // namespace

int run_demo(DemoOptions options) {
  std::string directory;
  if (options.temporary_directory) {
    directory = (std::filesystem::temp_directory_path() / "penstock-demo-XXXXXX").string();
    if (mkdtemp(directory.data()) == nullptr) {
      fmt::print(stderr, "penstock demo: cannot make a temporary directory {}\n", directory);
      return 1;
    }
    options.config.data_dir = directory;
    options.config.files_dir = directory + "/files";
  }
  const Status status = run(options);
  std::error_code ignored;
  if (!directory.empty()) std::filesystem::remove_all(directory, ignored);
  if (status) return 0;
  fmt::print(stderr, "penstock demo: {}\n", status.error().to_string());
  return 1;
}

}  // namespace penstock::app
