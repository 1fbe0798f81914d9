// sql_test_runner: runs the SQL files under tests/sql, or those given, and ends with the line `N passed, N failed`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "sqltest/processes.h"
#include "sqltest/report.h"
#include "sqltest/way.h"

namespace {

constexpr const char* kFolder = "tests/sql";
constexpr const char* kUnsupported = "tests/sql/unsupported.txt";

std::string ways_help() {
  std::string text = "Ways:\n";
  for (const auto& info : penstock::sqltest::way_infos())
    text += fmt::format("  {:<12} {}\n", info.name, info.description);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace penstock;
  sqltest::RunOptions options;
  sqltest::ProcessOptions processes;
  // A file waits for its jobs as long as it computes.
  processes.processes = static_cast<int>(2 * std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::string> files;
  CLI::App app("Runs SQL test files, from the root of the tree; tests/sql/README.md describes them.");
  app.footer(ways_help());
  app.add_option("--way", options.ways.name, "Only this way");
  app.add_option("--seed", options.ways.seed, "Only this seed of the ways that have one");
  app.add_option("--seeds", options.ways.seeds, "How many seeds of each such way (2)");
  app.add_option("--jobs", processes.processes, "Files at the same time (two per processor)");
  app.add_option("files", files, "Files or folders (tests/sql)");
  CLI11_PARSE(app, argc, argv);

  logging::configure(logging::Level::kError, logging::Format::kLogfmt);
  options.rewrite = std::getenv("PENSTOCK_REWRITE_GOLDENS") != nullptr;
  Result<std::map<std::string, std::string>> unsupported = sqltest::read_unsupported(kUnsupported);
  if (!unsupported) {
    fmt::print("{}\n0 passed, 1 failed\n", unsupported.error().to_string());
    return 1;
  }
  options.unsupported = *std::move(unsupported);
  if (files.empty()) files = {kFolder};
  std::vector<std::string> all;
  for (const std::string& file : files) {
    if (std::filesystem::is_directory(file)) {
      std::ranges::copy(sqltest::find_test_files(file), std::back_inserter(all));
    } else {
      all.push_back(std::filesystem::path(file).lexically_normal().string());
    }
  }
  const sqltest::Counts counts = run_in_processes(all, options, processes);
  if (counts.unsupported > 0) fmt::print("{} not supported yet, as listed in {}\n", counts.unsupported, kUnsupported);
  fmt::print("{} passed, {} failed\n", counts.passed, counts.failed);
  return counts.failed == 0 && counts.passed > 0 ? 0 : 1;
}
