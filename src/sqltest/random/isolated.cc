// A scenario in a process of its own.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "sqltest/files.h"
#include "sqltest/random/run.h"

namespace penstock::sqltest {

namespace {

// Of a scenario, which takes a fraction of a second; the machine may be busy.
constexpr unsigned kSecondsMax = 60;
constexpr size_t kLastBytesMax = 6000;

void write_outcome(FILE* file, const RandomOutcome& outcome) {
  fmt::print(file, "{} {} {} {} {} {} {} {} {}\n", static_cast<int>(outcome.verdict), outcome.view, outcome.step,
             outcome.queries, outcome.accepted, outcome.comparisons, outcome.rows, outcome.expected.size(),
             outcome.what.size());
  for (const std::string& line : outcome.expected) fmt::print(file, "{}\n", line);
  fmt::print(file, "{}", outcome.what);
}

bool read_outcome(const std::string& text, RandomOutcome& outcome) {
  int verdict = 0;
  size_t expected = 0;
  size_t what = 0;
  if (std::sscanf(text.c_str(), "%d %zu %zu %d %d %d %d %zu %zu", &verdict, &outcome.view, &outcome.step,
                  &outcome.queries, &outcome.accepted, &outcome.comparisons, &outcome.rows, &expected, &what) != 9) {
    return false;
  }
  outcome.verdict = static_cast<Verdict>(verdict);
  size_t at = text.find('\n') + 1;
  for (size_t i = 0; i < expected; ++i) {
    const size_t end = text.find('\n', at);
    outcome.expected.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  outcome.what = text.substr(at, what);
  return true;
}

}  // namespace

RandomOutcome run_isolated(const Scenario& scenario) {
  FILE* result = std::tmpfile();
  FILE* said = std::tmpfile();
  PENSTOCK_CHECK(result != nullptr && said != nullptr, "cannot make a temporary file");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(said), STDERR_FILENO);
    alarm(kSecondsMax);
    write_outcome(result, run_scenario(scenario));
    std::fflush(result);
    std::exit(0);  // with the leak check of the sanitizer
  }
  int status = 0;
  waitpid(child, &status, 0);
  RandomOutcome outcome;
  const bool told = read_outcome(read_all(result), outcome);
  std::string last = read_all(said);
  std::fclose(result);
  std::fclose(said);
  if (told && WIFEXITED(status) && WEXITSTATUS(status) == 0) return outcome;
  last = last.substr(last.size() - std::min(last.size(), kLastBytesMax));
  outcome.step = scenario.steps.size();
  outcome.verdict = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? Verdict::kHung : Verdict::kCrashed;
  outcome.what = last;
  return outcome;
}

}  // namespace penstock::sqltest
