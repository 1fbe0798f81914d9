// What a case of `penstock bench` has found, and the JSON line that says so.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::app {

struct LatencySummary {
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double max_ms = 0;
};

// Of exact percentiles: the smallest value that is not below the given share of all. `latencies_us` is not empty and is
// reordered.
LatencySummary summarize(std::vector<int64_t>& latencies_us);

struct Measurement {
  std::string bench_name = "penstock";
  std::string case_name;
  std::optional<int64_t> events;
  std::optional<double> seconds;
  std::optional<double> cpu_seconds;  // of the server alone
  std::optional<double> peak_rss_mb;  // of the server alone
  std::optional<LatencySummary> latency;
  std::vector<std::pair<std::string, double>> extra;  // further fields, in this order
  std::vector<std::string> problems;                  // why the result is wrong; empty: it is right

  bool result_ok() const { return problems.empty(); }
};

// User and system time of this process, the load generator, since its start.
double client_cpu_seconds();

// One line without its end; a field without a meaning is null.
std::string to_json(const Measurement& measurement);

}  // namespace penstock::app
