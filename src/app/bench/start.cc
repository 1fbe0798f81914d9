// What the program costs before it does anything: the time until it serves, and what it uses while nobody asks.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "app/bench/cases.h"
#include "app/bench/server_process.h"
#include "app/client/kafka_client.h"
#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int kStarts = 5;
constexpr int kFlushTimeoutMs = 20'000;
constexpr int64_t kIdleSeconds = 10;
const std::string kTopic = "bench-start";

struct StartTimes {
  int64_t ready_us = 0;
  int64_t first_produce_us = 0;
};

// A start on `data_dir`, with a topic that a first producer makes and writes one record to.
Result<StartTimes> measure_start(const BenchOptions& options, const std::string& data_dir) {
  auto server = PENSTOCK_TRY(ServerProcess::start({.data_dir = data_dir, .workers = options.workers}));
  StartTimes times{.ready_us = monotonic_time_us() - server->exec_time_us()};
  PENSTOCK_TRY(create_topic(server->kafka(), kTopic, 1));
  auto producer = PENSTOCK_TRY(KafkaProducer::make(server->kafka(), {{"acks", "all"}, {"linger.ms", "0"}}));
  PENSTOCK_TRY(producer->produce(kTopic, {}, "the first record", 0));
  PENSTOCK_TRY(producer->flush(kFlushTimeoutMs));
  times.first_produce_us = monotonic_time_us() - server->exec_time_us();
  if (producer->delivered() != 1) return make_error(ErrorCode::kInternal, "the first record was refused");
  producer.reset();
  PENSTOCK_TRY(server->stop());
  return times;
}

double median_ms(std::vector<int64_t> times_us) {
  std::ranges::sort(times_us);
  return static_cast<double>(times_us[times_us.size() / 2]) / 1000;
}

}  // namespace

Result<Measurement> run_start_case(const BenchOptions& options) {
  std::vector<int64_t> ready;
  std::vector<int64_t> first_produce;
  std::vector<int64_t> again;
  for (int i = 0; i < kStarts; ++i) {
    const std::string data_dir = options.data_dir + "/" + std::to_string(i);
    std::filesystem::create_directory(data_dir);
    const StartTimes fresh = PENSTOCK_TRY(measure_start(options, data_dir));
    ready.push_back(fresh.ready_us);
    first_produce.push_back(fresh.first_produce_us);
    again.push_back(PENSTOCK_TRY(measure_start(options, data_dir)).first_produce_us);
  }
  Measurement result{.case_name = "start", .seconds = median_ms(first_produce) / 1000};
  result.extra = {{"ready_ms", median_ms(ready)},
                  {"first_produce_ms", median_ms(first_produce)},
                  {"restart_first_produce_ms", median_ms(again)}};
  return result;
}

Result<Measurement> run_idle_case(const BenchOptions& options) {
  auto server = PENSTOCK_TRY(ServerProcess::start({.data_dir = options.data_dir, .workers = options.workers}));
  PENSTOCK_TRY(server->wait_until_idle());
  const double cpu_before = PENSTOCK_TRY(server->cpu_seconds());
  std::this_thread::sleep_for(std::chrono::seconds(kIdleSeconds));
  const double cpu_seconds = PENSTOCK_TRY(server->cpu_seconds()) - cpu_before;
  const ServerProcess::Memory memory = PENSTOCK_TRY(server->memory());
  Measurement result{.case_name = "idle", .seconds = kIdleSeconds, .peak_rss_mb = memory.peak_rss_mb};
  result.extra = {{"rss_mb", memory.rss_mb}, {"cpu_percent", 100 * cpu_seconds / static_cast<double>(kIdleSeconds)}};
  PENSTOCK_TRY(server->stop());
  return result;
}

}  // namespace penstock::app
