#include "sqltest/processes.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string_view>
#include <thread>
#include <utility>

#include "base/time.h"
#include "sqltest/files.h"

namespace penstock::sqltest {

namespace {

constexpr std::string_view kCountsMark = "@counts ";
constexpr std::string_view kWayMark = "@ ";
// What a crashed process said last.
constexpr size_t kLastLinesMax = 60;

struct Child {
  pid_t pid = -1;
  std::string file;
  FILE* output = nullptr;
  int64_t deadline_us = 0;
  bool timed_out = false;
};

[[noreturn]] void run_child(const std::string& file, const RunOptions& options, FILE* output) {
  dup2(fileno(output), STDOUT_FILENO);
  dup2(fileno(output), STDERR_FILENO);
  const Counts counts = run_all_ways(file, options);
  std::printf("%s%d %d %d\n", kCountsMark.data(), counts.passed, counts.failed, counts.unsupported);
  std::fflush(stdout);
  std::exit(0);  // with the leak check of the sanitizer
}

Child start(const std::string& file, const RunOptions& options, int64_t timeout_ms) {
  Child child{.file = file, .output = std::tmpfile(), .deadline_us = monotonic_time_us() + timeout_ms * 1000};
  std::fflush(stdout);
  child.pid = fork();
  if (child.pid == 0) run_child(file, options, child.output);
  return child;
}

// Prints what the child had to say, and adds up.
Counts finish(const Child& child, int status) {
  Counts counts;
  bool counted = false;
  std::string way = "the start";
  Lines said;
  for (const std::string& line : split_lines(read_all(child.output))) {
    if (line.starts_with(kCountsMark)) {
      counted = std::sscanf(line.c_str() + kCountsMark.size(), "%d %d %d", &counts.passed, &counts.failed,
                            &counts.unsupported) == 3;
    } else if (line.starts_with(kWayMark)) {
      way = line.substr(kWayMark.size());
    } else {
      said.push_back(line);
    }
  }
  const bool good = counted && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (good && counts.failed == 0) return counts;
  if (!good) {
    ++counts.failed;
    const std::string how = child.timed_out       ? "took too long"
                            : WIFSIGNALED(status) ? fmt::format("was ended by signal {}", WTERMSIG(status))
                                                  : fmt::format("ended with {}", WEXITSTATUS(status));
    const size_t first = said.size() - std::min(said.size(), kLastLinesMax);
    said.erase(said.begin(), said.begin() + static_cast<ptrdiff_t>(first));
    std::printf("%s: %s in %s\n", child.file.c_str(), how.c_str(), way.c_str());
  }
  for (const std::string& line : said) std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  return counts;
}

}  // namespace

Counts run_in_processes(const std::vector<std::string>& files, const RunOptions& options,
                        const ProcessOptions& process_options) {
  Counts total;
  std::deque<std::string> waiting(files.begin(), files.end());
  std::vector<Child> running;
  while (!waiting.empty() || !running.empty()) {
    while (!waiting.empty() && running.size() < static_cast<size_t>(process_options.processes)) {
      running.push_back(start(waiting.front(), options, process_options.timeout_ms));
      waiting.pop_front();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::erase_if(running, [&](Child& child) {
      if (!child.timed_out && monotonic_time_us() > child.deadline_us) {
        child.timed_out = true;
        kill(child.pid, SIGKILL);
      }
      int status = 0;
      if (waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
      const Counts counts = finish(child, status);
      std::fclose(child.output);
      total.passed += counts.passed;
      total.failed += counts.failed;
      total.unsupported += counts.unsupported;
      return true;
    });
  }
  return total;
}

}  // namespace penstock::sqltest
