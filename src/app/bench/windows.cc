// Ten-second windows over JSON events that are in the log already: how fast a view catches up.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/bench/cases.h"
#include "app/bench/sensor_events.h"
#include "app/bench/server_process.h"
#include "app/bench/sql_client.h"
#include "app/client/kafka_client.h"
#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int64_t kDefaultEvents = 4'000'000;
constexpr int32_t kSensors = 10'000;
constexpr int kPartitions = 4;
constexpr int kFlushTimeoutMs = 120'000;
constexpr int64_t kNoProgressUs = 60'000'000;
constexpr auto kPollInterval = std::chrono::milliseconds(10);
constexpr double kRelativeTolerance = 1e-9;
constexpr size_t kProblemsMax = 5;
const std::string kTopic = "bench-sensors";

constexpr std::string_view kCreateTable = R"(
CREATE TABLE sensors (
  sensor_id   STRING,
  temperature DOUBLE,
  humidity    DOUBLE,
  ts          TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'kafka', 'topic' = 'bench-sensors', 'format' = 'json',
        'json.timestamp-format.standard' = 'ISO-8601', 'scan.startup.mode' = 'earliest-offset'))";

constexpr std::string_view kCreateView = R"(
CREATE MATERIALIZED VIEW sensor_windows AS
SELECT sensor_id, window_start, AVG(temperature) AS temperature, AVG(humidity) AS humidity, COUNT(*) AS events
FROM TABLE(TUMBLE(TABLE sensors, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY sensor_id, window_start, window_end)";

// Fills the topic and returns what the view must hold. At the end of each partition stands one event an hour later,
// which closes all windows before it; its own window stays open.
Result<SensorWindows> preload(const std::string& kafka, int64_t events) {
  auto producer = PENSTOCK_TRY(KafkaProducer::make(kafka, {{"linger.ms", "20"},
                                                           {"enable.idempotence", "true"},
                                                           {"queue.buffering.max.messages", "1000000"},
                                                           {"delivery.report.only.error", "true"}}));
  SensorEventGenerator generator(kSensors);
  SensorWindows expected(kSensors);
  int64_t last_ms = 0;
  for (int64_t i = 0; i < events; ++i) {
    const SensorEvent event = generator.next();
    PENSTOCK_TRY(producer->produce(kTopic, {}, generator.to_json(event), event.sensor % kPartitions));
    expected.add(event);
    last_ms = std::max(last_ms, event.time_ms);
  }
  for (int partition = 0; partition < kPartitions; ++partition) {
    const SensorEvent closing{.sensor = partition, .time_ms = last_ms + 3'600'000};
    PENSTOCK_TRY(producer->produce(kTopic, {}, generator.to_json(closing), partition));
  }
  PENSTOCK_TRY(producer->flush(kFlushTimeoutMs));
  if (producer->failed() > 0) return make_error(ErrorCode::kInternal, "{} events were refused", producer->failed());
  return expected;
}

template <class T>
Result<T> number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return make_error(ErrorCode::kInternal, "\"{}\" in a result is no number", text);
  }
  return value;
}

// Waits until the view has all its rows; the problem, when it stops growing before.
Status wait_for_rows(SqlClient& sql, int64_t expected) {
  int64_t rows = 0;
  int64_t progress_us = monotonic_time_us();
  while (true) {
    const SqlClient::Rows answer = PENSTOCK_TRY(sql.run("SELECT COUNT(*) FROM sensor_windows"));
    if (answer.size() != 1 || answer[0].size() != 1) return make_error(ErrorCode::kInternal, "COUNT(*) is not one row");
    const int64_t now = PENSTOCK_TRY(number<int64_t>(answer[0][0]));
    if (now >= expected) return {};
    if (now != rows) progress_us = monotonic_time_us();
    rows = now;
    if (monotonic_time_us() - progress_us > kNoProgressUs) {
      return make_error(ErrorCode::kTimeout, "the view stays at {} rows of {}", rows, expected);
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

bool near(double value, double expected) {
  return std::abs(value - expected) <= kRelativeTolerance * std::max(1.0, std::abs(expected));
}

Status compare_window(SqlClient& sql, const SensorWindows& expected, int64_t window,
                      std::vector<std::string>& problems) {
  const std::string start = sensor_time_text(window * kSensorWindowMs, ' ');
  const std::vector<SensorWindows::Totals>& totals = expected.totals(window);
  const SqlClient::Rows rows =
      PENSTOCK_TRY(sql.run(fmt::format("SELECT sensor_id, temperature, humidity, events FROM sensor_windows "
                                       "WHERE window_start = TIMESTAMP '{}' ORDER BY sensor_id",
                                       start)));
  size_t at = 0;
  for (int32_t sensor = 0; sensor < kSensors; ++sensor) {
    const SensorWindows::Totals& total = totals[static_cast<size_t>(sensor)];
    if (total.count == 0) continue;
    const auto count = static_cast<double>(total.count);
    const bool same = at < rows.size() && rows[at].size() == 4 && rows[at][0] == sensor_name(sensor) &&
                      near(PENSTOCK_TRY(number<double>(rows[at][1])), total.temperature / count) &&
                      near(PENSTOCK_TRY(number<double>(rows[at][2])), total.humidity / count) &&
                      PENSTOCK_TRY(number<int64_t>(rows[at][3])) == total.count;
    if (!same) {
      problems.push_back(
          fmt::format("window {}: row {} is not {} with {} events", start, at, sensor_name(sensor), total.count));
      return {};
    }
    ++at;
  }
  if (at != rows.size()) problems.push_back(fmt::format("window {}: {} rows instead of {}", start, rows.size(), at));
  return {};
}

}  // namespace

Result<Measurement> run_windows_case(const BenchOptions& options) {
  const int64_t events = options.events == 0 ? kDefaultEvents : options.events;
  auto server = PENSTOCK_TRY(ServerProcess::start({.data_dir = options.data_dir, .workers = options.workers}));
  PENSTOCK_TRY(create_topic(server->kafka(), kTopic, kPartitions));
  const SensorWindows expected = PENSTOCK_TRY(preload(server->kafka(), events));
  auto sql = PENSTOCK_TRY(SqlClient::make(server->http()));
  PENSTOCK_TRY(sql->run(kCreateTable));
  PENSTOCK_TRY(server->wait_until_idle());

  Measurement result{.case_name = "windows", .events = events};
  const double cpu_before = PENSTOCK_TRY(server->cpu_seconds());
  const int64_t start_us = monotonic_time_us();
  PENSTOCK_TRY(sql->run(kCreateView));
  PENSTOCK_TRY(wait_for_rows(*sql, expected.rows()));
  result.seconds = static_cast<double>(monotonic_time_us() - start_us) / 1e6;
  result.cpu_seconds = PENSTOCK_TRY(server->cpu_seconds()) - cpu_before;
  result.peak_rss_mb = PENSTOCK_TRY(server->memory()).peak_rss_mb;

  for (int64_t window = 0; window < expected.windows() && result.problems.size() < kProblemsMax; ++window) {
    PENSTOCK_TRY(compare_window(*sql, expected, window, result.problems));
  }
  const SqlClient::Rows all = PENSTOCK_TRY(sql->run("SELECT COUNT(*) FROM sensor_windows"));
  if (PENSTOCK_TRY(number<int64_t>(all.at(0).at(0))) != expected.rows()) {
    result.problems.push_back(fmt::format("the view has {} rows instead of {}", all[0][0], expected.rows()));
  }
  result.extra = {{"result_rows", static_cast<double>(expected.rows())}};
  PENSTOCK_TRY(server->stop());
  return result;
}

}  // namespace penstock::app
