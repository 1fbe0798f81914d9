// The Nexmark queries over generated events, each into a blackhole.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "app/bench/cases.h"
#include "app/bench/nexmark_queries.h"
#include "app/bench/server_metrics.h"
#include "app/bench/server_process.h"
#include "app/bench/sql_client.h"
#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int64_t kDefaultEvents = 10'000'000;
// What examples/nexmark/tables.sql says of the number of events.
constexpr std::string_view kEventsOption = "'events.num' = '10000000'";
constexpr auto kPollInterval = std::chrono::milliseconds(10);

// How the result of a query is checked. Always it must be what the same query gives as a batch on one worker, but:
enum class Check : uint8_t {
  kWhole,
  // Of equal rows the first to arrive counts, and several workers generate events side by side. What is measured must
  // have as many rows, and a second run, on one worker, the same.
  kRowsThenWhole,
  // The same, but how many rows there are depends on the order, too.
  kWholeOnOneWorker,
  // The clock says which windows there are. A second run, summed over the windows, must give what a query without any
  // gives.
  kSumsOverWindows,
};

Check check_of(std::string_view query) {
  constexpr std::array<std::string_view, 4> kFirstOfEqualRows{"q6", "q9", "q18", "q19"};
  if (query == "q12") return Check::kSumsOverWindows;
  if (query.starts_with("cep-")) return Check::kWholeOnOneWorker;
  return std::ranges::find(kFirstOfEqualRows, query) != kFirstOfEqualRows.end() ? Check::kRowsThenWhole : Check::kWhole;
}

// What a blackhole says is left of the rows that it took.
struct Remainder {
  double rows = 0;
  double checksum = 0;
};

// A server with the generated tables.
class NexmarkServer {
 public:
  static Result<NexmarkServer> start(const BenchOptions& options, int64_t workers, int64_t events) {
    NexmarkServer server;
    server.process_ = PENSTOCK_TRY(ServerProcess::start({.data_dir = options.data_dir, .workers = workers}));
    server.sql_ = PENSTOCK_TRY(SqlClient::make(server.process_->http()));
    std::string tables(nexmark_tables());
    const size_t at = tables.find(kEventsOption);
    if (at == std::string::npos) {
      return make_error(ErrorCode::kInternal, "the tables do not say {} any more", kEventsOption);
    }
    tables.replace(at, kEventsOption.size(), fmt::format("'events.num' = '{}'", events));
    PENSTOCK_TRY(server.sql_->run(tables));
    return server;
  }

  ServerProcess& process() { return *process_; }
  SqlClient& sql() { return *sql_; }

  // Runs the query into a blackhole of this name: as a job to its end, or as a batch. Of the job, how many bytes of
  // state it was seen with at most.
  Result<double> run_as_job(std::string_view query, std::string_view sink) {
    PENSTOCK_TRY(sql_->run("SET 'execution.runtime-mode' = 'streaming'; " + into(query, sink)));
    double most_bytes = 0;
    while (true) {
      const SqlClient::Rows rows = PENSTOCK_TRY(
          sql_->run(fmt::format("SELECT state, error, state_bytes FROM sys.jobs WHERE name = 'insert_{}'", sink)));
      if (rows.size() != 1) return make_error(ErrorCode::kInternal, "the job into {} is gone", sink);
      most_bytes = std::max(most_bytes, std::strtod(rows[0][2].c_str(), nullptr));
      if (rows[0][0] == "finished") return most_bytes;
      if (rows[0][0] != "running") return make_error(ErrorCode::kInternal, "the job {}: {}", rows[0][0], rows[0][1]);
      std::this_thread::sleep_for(kPollInterval);
    }
  }
  Status run_as_batch(std::string_view query, std::string_view sink) {
    PENSTOCK_TRY(sql_->run(into(query, sink)));
    return {};
  }

  Result<Remainder> remainder(std::string_view sink) const {
    const ServerMetrics metrics = PENSTOCK_TRY(ServerMetrics::read(process_->http()));
    return Remainder{.rows = metrics.value(fmt::format(R"(penstock_blackhole_rows{{table="{}"}})", sink)),
                     .checksum = metrics.value(fmt::format(R"(penstock_blackhole_checksum{{table="{}"}})", sink))};
  }

 private:
  static std::string into(std::string_view query, std::string_view sink) {
    return fmt::format("CREATE TABLE {} WITH ('connector' = 'blackhole', 'checksum' = 'true') AS {}", sink, query);
  }

  std::unique_ptr<ServerProcess> process_;
  std::unique_ptr<SqlClient> sql_;
};

void compare(std::string_view what, const Remainder& got, const Remainder& expected, bool whole,
             std::vector<std::string>& problems) {
  if (got.rows != expected.rows) {
    problems.push_back(fmt::format("{}: {:.0f} rows, and as a batch {:.0f}", what, got.rows, expected.rows));
  } else if (whole && got.checksum != expected.checksum) {
    problems.push_back(fmt::format("{}: {:.0f} rows as in a batch, but others", what, got.rows));
  }
}

Status check_sums(NexmarkServer& server, std::string_view query, const Remainder& measured,
                  std::vector<std::string>& problems) {
  PENSTOCK_TRY(server.run_as_batch("SELECT bidder, COUNT(*) AS bid_count FROM bid GROUP BY bidder", "batch"));
  const Remainder expected = PENSTOCK_TRY(server.remainder("batch"));
  if (measured.rows < expected.rows) {
    problems.push_back(fmt::format("measured: {:.0f} rows of {:.0f} bidders", measured.rows, expected.rows));
  }
  PENSTOCK_TRY(server.run_as_job(
      fmt::format("SELECT bidder, SUM(bid_count) AS bid_count FROM ({}) GROUP BY bidder", query), "job"));
  compare("sums over the windows", PENSTOCK_TRY(server.remainder("job")), expected, true, problems);
  return {};
}

Status check_result(const BenchOptions& options, std::string_view query, int64_t events, const Remainder& measured,
                    std::vector<std::string>& problems) {
  const Check check = check_of(options.case_name);
  BenchOptions beside = options;
  beside.data_dir += "/check";
  std::filesystem::create_directory(beside.data_dir);
  NexmarkServer server = PENSTOCK_TRY(NexmarkServer::start(beside, 1, events));
  if (check == Check::kSumsOverWindows) {
    PENSTOCK_TRY(check_sums(server, query, measured, problems));
    return server.process().stop();
  }
  PENSTOCK_TRY(server.run_as_batch(query, "batch"));
  const Remainder expected = PENSTOCK_TRY(server.remainder("batch"));
  if (check != Check::kWholeOnOneWorker) compare("measured", measured, expected, check == Check::kWhole, problems);
  if (check != Check::kWhole) {
    PENSTOCK_TRY(server.run_as_job(query, "job"));
    compare("on one worker", PENSTOCK_TRY(server.remainder("job")), expected, true, problems);
  }
  return server.process().stop();
}

}  // namespace

Result<Measurement> run_nexmark_query(const BenchOptions& options) {
  const int64_t events = options.events == 0 ? kDefaultEvents : options.events;
  const std::string_view query = nexmark_query(options.case_name);
  Measurement result{.bench_name = "nexmark", .case_name = options.case_name, .events = events};
  NexmarkServer server = PENSTOCK_TRY(NexmarkServer::start(options, options.workers, events));
  PENSTOCK_TRY(server.process().wait_until_idle());

  const double cpu_before = PENSTOCK_TRY(server.process().cpu_seconds());
  const int64_t start_us = monotonic_time_us();
  const double state_bytes = PENSTOCK_TRY(server.run_as_job(query, "sink"));
  result.seconds = static_cast<double>(monotonic_time_us() - start_us) / 1e6;
  result.cpu_seconds = PENSTOCK_TRY(server.process().cpu_seconds()) - cpu_before;
  result.peak_rss_mb = PENSTOCK_TRY(server.process().memory()).peak_rss_mb;
  const Remainder measured = PENSTOCK_TRY(server.remainder("sink"));
  result.extra = {{"state_mb", state_bytes / 1e6}, {"result_rows", measured.rows}};
  PENSTOCK_TRY(server.process().stop());

  PENSTOCK_TRY(check_result(options, query, events, measured, result.problems));
  return result;
}

}  // namespace penstock::app
