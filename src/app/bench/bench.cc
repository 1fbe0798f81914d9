#include "app/bench/bench.h"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "app/bench/cases.h"
#include "app/bench/nexmark_queries.h"

namespace penstock::app {
namespace {

constexpr int64_t kEventsMax = 1'000'000'000;
constexpr int64_t kRateMax = 10'000'000;
constexpr uint64_t kTmpfsMagic = 0x01021994;

struct Case {
  std::string_view name;
  Result<Measurement> (*run)(const BenchOptions& options);
};

struct Suite {
  std::string_view name;
  std::vector<Case> cases;
};

std::vector<Suite> suites() {
  std::vector<Suite> suites{{.name = "penstock",
                             .cases = {{"start", &run_start_case},
                                       {"idle", &run_idle_case},
                                       {"ingest", &run_ingest_case},
                                       {"windows", &run_windows_case},
                                       {"latency", &run_latency_case}}},
                            {.name = "nexmark", .cases = {}}};
  for (const std::string_view query : nexmark_query_names()) suites.back().cases.push_back({query, &run_nexmark_query});
  return suites;
}

std::vector<std::string_view> split_at_commas(std::string_view list) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t comma = list.find(',');
    parts.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

// The cases that are asked for, in the order of the suite.
Result<std::vector<Case>> chosen_cases(const BenchOptions& options) {
  if (options.events < 0 || options.events > kEventsMax) return invalid_argument("--events: up to {}", kEventsMax);
  if (options.rate < 1 || options.rate > kRateMax) return invalid_argument("--rate: 1 to {} per second", kRateMax);
  const std::vector<Suite> all = suites();
  const auto suite = std::ranges::find(all, options.suite, &Suite::name);
  if (suite == all.end()) return invalid_argument("there is penstock bench [nexmark], but no \"{}\"", options.suite);
  if (options.case_name == "all") return suite->cases;
  const std::vector<std::string_view> wanted = split_at_commas(options.case_name);
  std::string names;
  for (const Case& one : suite->cases) names += fmt::format("{}, ", one.name);
  for (const std::string_view name : wanted) {
    if (std::ranges::find(suite->cases, name, &Case::name) != suite->cases.end()) continue;
    return invalid_argument("--case: there is {}all, but no \"{}\"", names, name);
  }
  std::vector<Case> chosen = suite->cases;
  std::erase_if(chosen, [&](const Case& one) { return std::ranges::find(wanted, one.name) == wanted.end(); });
  return chosen;
}

// A folder for one case, removed with all that is in it.
class CaseDirectory {
 public:
  // Below `parent`; where that is empty, below $TMPDIR or /var/tmp, which unlike /tmp is on a disk everywhere.
  static Result<CaseDirectory> make(const std::string& parent) {
    const char* temporary = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string base = !parent.empty() ? parent : temporary != nullptr ? temporary : "/var/tmp";
    std::error_code error;
    std::filesystem::create_directories(base, error);
    std::string path = base + "/penstock-bench-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return make_error(ErrorCode::kIoError, "cannot make a directory in {}", base);
    return CaseDirectory(std::move(path));
  }
  CaseDirectory(CaseDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  CaseDirectory& operator=(CaseDirectory&&) = delete;
  ~CaseDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  bool in_memory() const {
    struct statfs info{};
    return statfs(path_.c_str(), &info) == 0 && static_cast<uint64_t>(info.f_type) == kTmpfsMagic;
  }

 private:
  explicit CaseDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<Measurement> run_case(const Case& one, const BenchOptions& options) {
  const CaseDirectory directory = PENSTOCK_TRY(CaseDirectory::make(options.data_dir));
  if (directory.in_memory()) {
    fmt::print(stderr, "warning: {} is in memory, so nothing is synced to a disk: --data-dir\n", directory.path());
  }
  if (!options.json_only) fmt::print(stderr, "running {} in {}\n", one.name, directory.path());
  BenchOptions here = options;
  here.case_name = one.name;
  here.data_dir = directory.path();
  return one.run(here);
}

}  // namespace

int run_bench(const BenchOptions& options) {
  const Result<std::vector<Case>> cases = chosen_cases(options);
  if (!cases) {
    fmt::print(stderr, "penstock bench: {}\n", cases.error().to_string());
    return 2;
  }
  bool ok = true;
  for (const Case& one : *cases) {
    const Result<Measurement> measurement = run_case(one, options);
    if (!measurement) {
      fmt::print(stderr, "penstock bench: {}: {}\n", one.name, measurement.error().to_string());
      ok = false;
      continue;
    }
    fmt::print("{}\n", to_json(*measurement));
    std::fflush(stdout);
    for (const std::string& problem : measurement->problems) {
      fmt::print(stderr, "penstock bench: {}: wrong result: {}\n", one.name, problem);
    }
    ok = ok && measurement->result_ok();
  }
  return ok ? 0 : 1;
}

}  // namespace penstock::app
