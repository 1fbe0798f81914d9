#include "app/bench/measurement.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/check.h"

namespace penstock::app {

LatencySummary summarize(std::vector<int64_t>& latencies_us) {
  PENSTOCK_CHECK(!latencies_us.empty(), "no latencies to summarize");
  std::ranges::sort(latencies_us);
  const auto at_share = [&](double share) {
    const double rank = std::ceil(share * static_cast<double>(latencies_us.size()));
    return static_cast<double>(latencies_us[static_cast<size_t>(std::max(rank, 1.0)) - 1]) / 1000;
  };
  return {.p50_ms = at_share(0.5), .p99_ms = at_share(0.99), .p999_ms = at_share(0.999), .max_ms = at_share(1)};
}

double client_cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string to_json(const Measurement& measurement) {
  std::string line = fmt::format(R"({{"bench":"{}","case":"{}")", measurement.bench_name, measurement.case_name);
  const auto add = [&](std::string_view name, std::optional<double> value, int digits) {
    line += value && std::isfinite(*value) ? fmt::format(R"(,"{}":{:.{}f})", name, *value, digits)
                                           : fmt::format(R"(,"{}":null)", name);
  };
  const auto per_event = [&](std::optional<double> amount, double scale) -> std::optional<double> {
    if (!amount || !measurement.events || *measurement.events == 0) return std::nullopt;
    return *amount * scale / static_cast<double>(*measurement.events);
  };
  line += measurement.events ? fmt::format(R"(,"events":{})", *measurement.events) : R"(,"events":null)";
  add("seconds", measurement.seconds, 4);
  const std::optional<double> seconds_per_event = per_event(measurement.seconds, 1);
  add("events_per_s", seconds_per_event ? std::optional(1 / *seconds_per_event) : std::nullopt, 0);
  add("cpu_s_per_million", per_event(measurement.cpu_seconds, 1e6), 4);
  add("peak_rss_mb", measurement.peak_rss_mb, 1);
  const auto& latency = measurement.latency;
  add("p50_ms", latency ? std::optional(latency->p50_ms) : std::nullopt, 3);
  add("p99_ms", latency ? std::optional(latency->p99_ms) : std::nullopt, 3);
  add("p999_ms", latency ? std::optional(latency->p999_ms) : std::nullopt, 3);
  add("max_ms", latency ? std::optional(latency->max_ms) : std::nullopt, 3);
  line += fmt::format(R"(,"result_ok":{})", measurement.result_ok());
  for (const auto& [name, value] : measurement.extra) add(name, value, 4);
  return line + "}";
}

}  // namespace penstock::app
