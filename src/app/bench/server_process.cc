#include "app/bench/server_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int64_t kReadyTimeoutUs = 30'000'000;
constexpr int64_t kStopTimeoutUs = 20'000'000;
constexpr int64_t kIdleTimeoutUs = 60'000'000;
constexpr auto kIdleInterval = std::chrono::milliseconds(500);
constexpr double kIdleCpuShare = 0.03;
constexpr size_t kReadyLineMax = 1024;
constexpr size_t kLogTailMax = 2000;

Error system_error(std::string_view what) {
  return make_error(ErrorCode::kIoError, "{}: {}", what, std::generic_category().message(errno));
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string log_tail(const std::string& path) {
  const std::string log = read_file(path);
  return log.size() > kLogTailMax ? "..." + log.substr(log.size() - kLogTailMax) : log;
}

// Never returns. Between fork and exec only what is safe while other threads' locks are held.
[[noreturn]] void become_server(char* const* arguments, int output, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv("/proc/self/exe", arguments);
  _exit(127);
}

// The text after `key` up to the next blank, as in "kafka=127.0.0.1:9092".
std::optional<std::string> field_of(std::string_view line, std::string_view key) {
  const size_t start = line.find(key);
  if (start == std::string_view::npos) return std::nullopt;
  const std::string_view rest = line.substr(start + key.size());
  return std::string(rest.substr(0, rest.find_first_of(" \n")));
}

Result<int64_t> number_at(std::string_view text, std::string_view what) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    return make_error(ErrorCode::kIoError, "cannot read the server's {}", what);
  }
  return value;
}

}  // namespace

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const Options& options) {
  auto server = std::unique_ptr<ServerProcess>(new ServerProcess());
  server->log_file_ = options.data_dir + "/server.log";
  std::vector<std::string> words{"penstock",
                                 "serve",
                                 "--data-dir=" + options.data_dir + "/data",
                                 "--kafka=127.0.0.1:0",
                                 "--pg=127.0.0.1:0",
                                 "--http=127.0.0.1:0"};
  if (options.workers > 0) words.push_back("--workers=" + std::to_string(options.workers));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return system_error("pipe");
  server->output_ = pipe_ends[0];
  const int log = open(server->log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const pid_t parent = getpid();
  server->exec_time_us_ = monotonic_time_us();
  const pid_t pid = log < 0 ? -1 : fork();
  if (pid == 0) become_server(arguments.data(), pipe_ends[1], log, parent);
  const Error failure = system_error("start the server");
  close(pipe_ends[1]);
  if (log >= 0) close(log);
  if (pid < 0) return failure;
  server->pid_ = pid;
  PENSTOCK_TRY(server->wait_until_ready(server->output_));
  return server;
}

Status ServerProcess::wait_until_ready(int output) {
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const int64_t left_ms = (exec_time_us_ + kReadyTimeoutUs - monotonic_time_us()) / 1000;
    pollfd waiting{.fd = output, .events = POLLIN, .revents = 0};
    const int ready = left_ms <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 512> bytes{};
    const ssize_t n = ready > 0 ? read(output, bytes.data(), bytes.size()) : 0;
    if (n <= 0 || line.size() > kReadyLineMax) {
      return make_error(ErrorCode::kUnavailable, "the server did not become ready; its log ends:\n{}",
                        log_tail(log_file_));
    }
    line.append(bytes.data(), static_cast<size_t>(n));
  }
  const auto kafka = field_of(line, "kafka=");
  const auto http = field_of(line, "http=");
  if (!line.starts_with("penstock ready") || !kafka || !http) {
    return make_error(ErrorCode::kUnavailable, "the server should say that it is ready, not: {}", line);
  }
  kafka_ = *kafka;
  http_ = *http;
  return {};
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (output_ >= 0) close(output_);
}

Result<double> ServerProcess::cpu_seconds() const {
  // proc(5): the name, field 2, is in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const std::string stat = read_file(fmt::format("/proc/{}/stat", pid_));
  size_t at = stat.rfind(')');
  for (int field = 2; field < 14 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  if (at == std::string::npos) {
    return make_error(ErrorCode::kUnavailable, "the server is gone; its log ends:\n{}", log_tail(log_file_));
  }
  const std::string_view times = std::string_view(stat).substr(at + 1);
  const int64_t user_ticks = PENSTOCK_TRY(number_at(times, "CPU time"));
  const int64_t system_ticks =
      PENSTOCK_TRY(number_at(times.substr(std::min(times.find(' '), times.size())), "CPU time"));
  return static_cast<double>(user_ticks + system_ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

Result<ServerProcess::Memory> ServerProcess::memory() const {
  const std::string status = read_file(fmt::format("/proc/{}/status", pid_));
  const auto megabytes = [&](std::string_view name) -> Result<double> {
    const size_t at = status.find(name);
    if (at == std::string::npos) return make_error(ErrorCode::kUnavailable, "the server is gone");
    return static_cast<double>(PENSTOCK_TRY(number_at(std::string_view(status).substr(at + name.size()), "memory"))) /
           1024;
  };
  return Memory{.rss_mb = PENSTOCK_TRY(megabytes("VmRSS:")), .peak_rss_mb = PENSTOCK_TRY(megabytes("VmHWM:"))};
}

Status ServerProcess::wait_until_idle() const {
  const int64_t deadline_us = monotonic_time_us() + kIdleTimeoutUs;
  double before = PENSTOCK_TRY(cpu_seconds());
  while (monotonic_time_us() < deadline_us) {
    std::this_thread::sleep_for(kIdleInterval);
    const double now = PENSTOCK_TRY(cpu_seconds());
    if (now - before <= kIdleCpuShare * std::chrono::duration<double>(kIdleInterval).count()) return {};
    before = now;
  }
  return make_error(ErrorCode::kTimeout, "the server stays busy without anything to do");
}

Status ServerProcess::stop() {
  kill(pid_, SIGTERM);
  const int64_t deadline_us = monotonic_time_us() + kStopTimeoutUs;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (monotonic_time_us() > deadline_us) return make_error(ErrorCode::kTimeout, "the server does not stop");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return make_error(ErrorCode::kInternal, "the server ended with status {:#x}; its log ends:\n{}", status,
                    log_tail(log_file_));
}

}  // namespace penstock::app
