// The commits of a sink that are on their way to the disk.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/result.h"

namespace penstock::connector {

// Thread-safe. The first failure is final.
class PendingCommits {
 public:
  // A commit begins; the first failure of an earlier one.
  Status begin() {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    ++pending_;
    return {};
  }

  void settle(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!status && !failure_) failure_ = status.error();
    if (--pending_ == 0) none_.notify_all();
  }

  // Waits until all have settled.
  Status wait() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [&] { return pending_ == 0; });
    if (failure_) return *failure_;
    return {};
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  int pending_ = 0;
  std::optional<Error> failure_;
};

}  // namespace penstock::connector
