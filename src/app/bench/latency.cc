// From a producer, through a filter, to a consumer of another topic, at a fixed rate that does not wait for answers.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/bench/cases.h"
#include "app/bench/client_cores.h"
#include "app/bench/server_metrics.h"
#include "app/bench/server_process.h"
#include "app/bench/sql_client.h"
#include "app/client/kafka_client.h"
#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int64_t kDefaultSeconds = 10;
constexpr int64_t kWarmUpUs = 1'000'000;           // sent and checked, but not measured
constexpr int64_t kSendIntervalUs = 100;           // at the least between two turns of the sender
constexpr int64_t kConsumeTimeoutUs = 30'000'000;  // without any record
constexpr int kFlushTimeoutMs = 30'000;
constexpr int kPartitions = 1;
const std::string kInput = "bench-latency-in";
const std::string kOutput = "bench-latency-out";

constexpr std::string_view kStatements = R"(
CREATE TABLE bench_in (id BIGINT, sent_us BIGINT, amount INT, note STRING)
WITH ('connector' = 'kafka', 'topic' = 'bench-latency-in', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE bench_out (id BIGINT, sent_us BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'bench-latency-out', 'format' = 'json');
INSERT INTO bench_out SELECT id, sent_us FROM bench_in WHERE amount >= 50)";

int amount_of(int64_t id) { return static_cast<int>(id * 37 % 100); }
bool passes(int64_t id) { return amount_of(id) >= 50; }

struct Schedule {
  int64_t start_us = 0;  // monotonic
  int64_t events = 0;
  int64_t rate = 0;

  int64_t send_time_us(int64_t id) const { return start_us + id * 1'000'000 / rate; }
};

// Sends each event as soon as its time has come, however late the server is. `late_us` gets by how much each one was
// handed to the client after its time: what of the latencies is the load generator's own.
Status send_events(KafkaProducer& producer, const Schedule& schedule, std::vector<int64_t>& late_us) {
  prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds
  late_us.reserve(static_cast<size_t>(schedule.events));
  std::array<char, 256> text{};
  for (int64_t id = 0; id < schedule.events;) {
    const int64_t now_us = monotonic_time_us();
    for (; id < schedule.events && schedule.send_time_us(id) <= now_us; ++id) {
      const auto written =
          fmt::format_to_n(text.data(), text.size(),
                           R"({{"id":{},"sent_us":{},"amount":{},"note":"about 100 bytes with this: {:032}"}})", id,
                           schedule.send_time_us(id), amount_of(id), id);
      PENSTOCK_TRY(producer.produce(kInput, {}, {text.data(), written.size}, 0));
      late_us.push_back(now_us - schedule.send_time_us(id));
    }
    producer.poll(0);
    if (id == schedule.events) break;
    const int64_t wait_us = std::max(schedule.send_time_us(id) - monotonic_time_us(), kSendIntervalUs);
    std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
  }
  PENSTOCK_TRY(producer.flush(kFlushTimeoutMs));
  if (producer.failed() > 0) return make_error(ErrorCode::kInternal, "{} events were refused", producer.failed());
  return {};
}

// The integer after `"name":` in a flat JSON object.
std::optional<int64_t> integer_field(std::string_view json, std::string_view quoted_name) {
  size_t at = json.find(quoted_name);
  if (at == std::string_view::npos) return std::nullopt;
  at = json.find_first_not_of(" :", at + quoted_name.size());
  if (at == std::string_view::npos) return std::nullopt;
  int64_t value = 0;
  if (std::from_chars(json.data() + at, json.data() + json.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

// What has arrived: every event that passes the filter once, nothing else.
class Arrivals {
 public:
  explicit Arrivals(const Schedule& schedule) : schedule_(schedule), seen_(static_cast<size_t>(schedule.events)) {
    for (int64_t id = 0; id < schedule.events; ++id) missing_ += passes(id) ? 1 : 0;
    latencies_us_.reserve(static_cast<size_t>(missing_));
  }

  void take(std::string_view json) {
    const int64_t now_us = monotonic_time_us();
    const auto id = integer_field(json, "\"id\"");
    const auto sent_us = integer_field(json, "\"sent_us\"");
    if (!id || !sent_us || *id < 0 || *id >= schedule_.events || !passes(*id) || seen_[static_cast<size_t>(*id)] ||
        *sent_us != schedule_.send_time_us(*id)) {
      ++wrong_;
      return;
    }
    seen_[static_cast<size_t>(*id)] = true;
    --missing_;
    if (*sent_us >= schedule_.start_us + kWarmUpUs) latencies_us_.push_back(now_us - *sent_us);
  }

  int64_t missing() const { return missing_; }
  int64_t wrong() const { return wrong_; }
  std::vector<int64_t>& latencies_us() { return latencies_us_; }

 private:
  const Schedule schedule_;
  std::vector<bool> seen_;
  std::vector<int64_t> latencies_us_;
  int64_t missing_ = 0;
  int64_t wrong_ = 0;
};

Status receive_events(KafkaConsumer& consumer, Arrivals& arrivals) {
  int64_t progress_us = monotonic_time_us();
  while (arrivals.missing() > 0 && monotonic_time_us() - progress_us < kConsumeTimeoutUs) {
    const size_t n =
        PENSTOCK_TRY(consumer.consume(100, [&](const ConsumedRecord& record) { arrivals.take(record.value); }));
    if (n > 0) progress_us = monotonic_time_us();
  }
  // What comes after all is there should not have come.
  PENSTOCK_TRY(consumer.consume(500, [&](const ConsumedRecord& record) { arrivals.take(record.value); }));
  return {};
}

// How the server has batched the events, and how long its disk and its produce requests took.
void add_server_rates(const ServerMetrics& before, const ServerMetrics& after, Measurement& result) {
  const auto per_second = [&](const std::string& name) { return after.since(before, name) / *result.seconds; };
  const auto mean_ms = [&](const std::string& name, const std::string& labels) {
    const double count = after.since(before, name + "_count" + labels);
    return count == 0 ? 0 : 1000 * after.since(before, name + "_sum" + labels) / count;
  };
  const std::string produce = R"({api="Produce"})";
  const std::string fetch = R"({api="Fetch"})";
  result.extra.emplace_back("produce_requests_per_s", per_second("penstock_kafka_requests_total" + produce));
  result.extra.emplace_back("produce_mean_ms", mean_ms("penstock_kafka_request_seconds", produce));
  result.extra.emplace_back("fetch_requests_per_s", per_second("penstock_kafka_requests_total" + fetch));
  result.extra.emplace_back("epochs_per_s", per_second("penstock_exec_epoch_duration_seconds_count"));
  result.extra.emplace_back("epoch_mean_ms", mean_ms("penstock_exec_epoch_duration_seconds", ""));
  result.extra.emplace_back("commits_per_s", per_second("penstock_log_commits_total"));
  result.extra.emplace_back("sync_mean_ms", mean_ms("penstock_log_journal_sync_seconds", ""));
}

}  // namespace

Result<Measurement> run_latency_case(const BenchOptions& options) {
  const int64_t events = options.events == 0 ? options.rate * kDefaultSeconds : options.events;
  auto server = PENSTOCK_TRY(ServerProcess::start({.data_dir = options.data_dir, .workers = options.workers}));
  PENSTOCK_TRY(create_topic(server->kafka(), kInput, kPartitions));
  PENSTOCK_TRY(create_topic(server->kafka(), kOutput, kPartitions));
  auto sql = PENSTOCK_TRY(SqlClient::make(server->http()));
  PENSTOCK_TRY(sql->run(kStatements));

  const ClientCores client_cores;
  auto producer = PENSTOCK_TRY(KafkaProducer::make(
      server->kafka(),
      {{"acks", "all"}, {"linger.ms", "0"}, {"socket.nagle.disable", "true"}, {"delivery.report.only.error", "true"}}));
  auto consumer = PENSTOCK_TRY(
      KafkaConsumer::make(server->kafka(), kOutput, {{"fetch.min.bytes", "1"}, {"socket.nagle.disable", "true"}}));
  PENSTOCK_TRY(server->wait_until_idle());

  Measurement result{.case_name = "latency", .events = events};
  const ServerMetrics metrics_before = PENSTOCK_TRY(ServerMetrics::read(server->http()));
  const double client_cpu_before = client_cpu_seconds();
  const double cpu_before = PENSTOCK_TRY(server->cpu_seconds());
  const Schedule schedule{.start_us = monotonic_time_us(), .events = events, .rate = options.rate};
  Arrivals arrivals(schedule);
  Status sent;
  std::vector<int64_t> late_us;
  std::thread sender([&] { sent = send_events(*producer, schedule, late_us); });
  const Status received = receive_events(*consumer, arrivals);
  const int64_t end_us = monotonic_time_us();
  sender.join();
  PENSTOCK_TRY(std::move(sent));
  if (!received) return received.error();
  producer.reset();
  consumer.reset();

  result.seconds = static_cast<double>(end_us - schedule.start_us) / 1e6;
  result.cpu_seconds = PENSTOCK_TRY(server->cpu_seconds()) - cpu_before;
  const double client_cpu = client_cpu_seconds() - client_cpu_before;
  result.peak_rss_mb = PENSTOCK_TRY(server->memory()).peak_rss_mb;
  if (!arrivals.latencies_us().empty()) result.latency = summarize(arrivals.latencies_us());
  if (arrivals.missing() > 0) result.problems.push_back(fmt::format("{} events did not arrive", arrivals.missing()));
  if (arrivals.wrong() > 0)
    result.problems.push_back(fmt::format("{} events should not have arrived", arrivals.wrong()));
  result.extra = {{"rate", static_cast<double>(options.rate)},
                  {"measured_events", static_cast<double>(arrivals.latencies_us().size())},
                  {"sender_late_p99_ms", summarize(late_us).p99_ms},
                  {"client_cpu_s_per_million", client_cpu * 1e6 / static_cast<double>(events)}};
  const ServerMetrics metrics_after = PENSTOCK_TRY(ServerMetrics::read(server->http()));
  add_server_rates(metrics_before, metrics_after, result);
  PENSTOCK_TRY(server->stop());
  return result;
}

}  // namespace penstock::app
