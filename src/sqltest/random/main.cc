// sql_random_runner: runs random SQL tests from seeds, and prints a small file for each that fails. Ends with the line
// `N passed, N failed`.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/time.h"
#include "sqltest/random/run.h"
#include "sqltest/random/shrink.h"

namespace {

using namespace penstock;
using namespace penstock::sqltest;

struct Options {
  uint64_t first = 1;
  uint64_t count = 100;
  int64_t seconds = 0;
  int jobs = 2;
  int shrink_runs = 400;
  bool print = false;
};

// Prints a failure with the smallest test that fails alike.
void report(const Scenario& scenario, const RandomOutcome& outcome, const Options& options) {
  const Shrunk small = shrink(scenario, outcome, run_isolated, options.shrink_runs);
  const Scenario& smallest = small.scenario;
  std::string text = fmt::format("seed {}: {} (workers {}, batches of {})\n{}\n---- a file of tests/sql:\n{}",
                                 scenario.seed, name_of(outcome.verdict), smallest.workers, smallest.batch_rows_max,
                                 small.outcome.what, test_file_of(smallest, small.outcome));
  if (const auto queries = smallest.queries()) {
    for (const auto& [view, query] : *queries) {
      text += fmt::format("---- {} for SQLite:\n{}\n", smallest.views[view].name, query.text.sqlite);
    }
  }
  text += fmt::format("---- again: sql_random_runner --first {} --count 1\n\n", scenario.seed);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

struct Counts {
  int passed = 0;
  int failed = 0;
  int queries = 0;
  int accepted = 0;
  int comparisons = 0;
  int64_t rows = 0;
};

// Every options.jobs-th seed.
Counts run_seeds(const Options& options, int job) {
  Counts counts;
  const int64_t deadline_us = monotonic_time_us() + options.seconds * 1'000'000;
  for (uint64_t i = static_cast<uint64_t>(job); options.seconds > 0 || i < options.count;
       i += static_cast<uint64_t>(options.jobs)) {
    if (options.seconds > 0 && monotonic_time_us() > deadline_us) break;
    const Scenario scenario = Scenario::make(options.first + i);
    const RandomOutcome outcome = run_isolated(scenario);
    counts.queries += outcome.queries;
    counts.accepted += outcome.accepted;
    counts.comparisons += outcome.comparisons;
    counts.rows += outcome.rows;
    if (options.print) {
      RandomOutcome whole = outcome;
      whole.step = scenario.steps.size();
      fmt::print("{}\n", test_file_of(scenario, whole));
    }
    if (outcome.verdict == Verdict::kSame) {
      ++counts.passed;
      continue;
    }
    ++counts.failed;
    report(scenario, outcome, options);
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Runs random SQL tests; src/sqltest/README.md describes them.");
  app.add_option("--first", options.first, "The first seed (1)");
  app.add_option("--count", options.count, "How many seeds (100)");
  app.add_option("--seconds", options.seconds, "As many seeds as there is time for");
  app.add_option("--jobs", options.jobs, "Seeds at the same time (2)");
  app.add_option("--shrink", options.shrink_runs, "Runs that are spent on making a failure smaller (400)");
  app.add_flag("--print", options.print, "Print every test");
  CLI11_PARSE(app, argc, argv);
  logging::configure(logging::Level::kError, logging::Format::kLogfmt);

  std::vector<int> pipes;
  for (int job = 0; job < options.jobs; ++job) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    std::fflush(stdout);
    if (fork() == 0) {
      const Counts counts = run_seeds(options, job);
      const bool told = write(ends[1], &counts, sizeof counts) == sizeof counts;
      std::fflush(stdout);
      _exit(told ? 0 : 1);
    }
    close(ends[1]);
    pipes.push_back(ends[0]);
  }
  Counts total;
  for (const int end : pipes) {
    Counts counts;
    if (read(end, &counts, sizeof counts) != sizeof counts) ++counts.failed;
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.queries += counts.queries;
    total.accepted += counts.accepted;
    total.comparisons += counts.comparisons;
    total.rows += counts.rows;
  }
  while (wait(nullptr) > 0) {
  }
  fmt::print("{} of {} queries taken, {} comparisons of {} rows\n{} passed, {} failed\n", total.accepted, total.queries,
             total.comparisons, total.rows, total.passed, total.failed);
  return total.failed == 0 && total.passed > 0 ? 0 : 1;
}
