#include "base/log_gate.h"

#include <utility>

namespace penstock::logging {

std::optional<int64_t> LogGate::pass(std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (now >= interval_end_) {
    interval_end_ = now + options_.interval;
    left_ = options_.lines;
  }
  if (left_ == 0) {
    ++held_back_;
    return std::nullopt;
  }
  --left_;
  return std::exchange(held_back_, 0);
}

}  // namespace penstock::logging
