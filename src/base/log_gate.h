// Keeps what clients can make happen as often as they like from filling the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace penstock::logging {

// Lets so many lines through an interval, and counts those that it holds back. Thread-safe.
class LogGate {
 public:
  struct Options {
    int lines = 1;  // in one interval
    std::chrono::milliseconds interval{10'000};
  };

  LogGate() : LogGate(Options{}) {}
  explicit LogGate(Options options) : options_(options) {}

  // Whether to log now: how many lines have been held back since the last one, or nullopt to be silent.
  std::optional<int64_t> pass(std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

 private:
  const Options options_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point interval_end_;
  int left_ = 0;  // until then
  int64_t held_back_ = 0;
};

}  // namespace penstock::logging
