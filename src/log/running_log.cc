// The log with its two threads.
#include <thread>
#include <utility>

#include "log/log_core.h"

namespace penstock::log {
namespace {

class RunningLog final : public LogCore {
 public:
  RunningLog(io::Env& env, const std::string& directory, LogOptions options)
      : LogCore(env, directory, options, Stepping::kByThreads) {}

  ~RunningLog() override {
    // Whoever wants to know whether it worked has called close().
    [[maybe_unused]] const Status closed = RunningLog::close();
  }

  Status start() {
    PENSTOCK_TRY(recover());
    commit_thread_ = std::thread([this] {
      while (wait_for_appends()) commit_once();
    });
    maintenance_thread_ = std::thread([this] {
      while (wait_for_maintenance()) maintain_once();
    });
    started_ = true;
    return {};
  }

  Status close() override {
    const std::lock_guard lock(close_mutex_);
    if (!started_) return {};
    stop();
    if (commit_thread_.joinable()) commit_thread_.join();
    if (maintenance_thread_.joinable()) maintenance_thread_.join();
    return LogCore::close();
  }

 private:
  std::mutex close_mutex_;
  bool started_ = false;
  std::thread commit_thread_;       // runs every callback of appends and advances
  std::thread maintenance_thread_;  // prepares the journal, flushes, enforces retention
};

}  // namespace

Result<std::unique_ptr<Log>> Log::open(io::Env& env, const std::string& directory, LogOptions options) {
  auto log = std::make_unique<RunningLog>(env, directory, options);
  PENSTOCK_TRY(log->start());
  return log;
}

}  // namespace penstock::log
