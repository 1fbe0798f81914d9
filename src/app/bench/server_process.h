// A `penstock serve` of the benchmark's own, as a child process on free ports, so that CPU time and memory are the
// server's alone.
//
// Owned by one case and used by one thread. The child outlives neither this object nor this process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace penstock::app {

class ServerProcess {
 public:
  struct Options {
    std::string data_dir;  // exists; server.log is written beside the data
    int64_t workers = 0;   // 0: the server's default
  };

  // Returns once the server has said that it is ready.
  static Result<std::unique_ptr<ServerProcess>> start(const Options& options);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& kafka() const { return kafka_; }  // HOST:PORT
  const std::string& http() const { return http_; }
  int64_t exec_time_us() const { return exec_time_us_; }  // monotonic time just before it was started

  // User and system time since its start.
  Result<double> cpu_seconds() const;
  struct Memory {
    double rss_mb = 0;
    double peak_rss_mb = 0;
  };
  Result<Memory> memory() const;

  // Waits until it has used next to no CPU for half a second, so that work left over is not counted with what follows.
  Status wait_until_idle() const;

  // Asks it to stop and waits; an error when it does not in time or its exit status is not 0.
  Status stop();

 private:
  ServerProcess() = default;
  Status wait_until_ready(int output);

  pid_t pid_ = -1;
  int output_ = -1;  // its standard output
  std::string log_file_;
  std::string kafka_;
  std::string http_;
  int64_t exec_time_us_ = 0;
};

}  // namespace penstock::app
