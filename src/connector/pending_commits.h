// The commits of a sink that are on their way to the disk.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "base/epoch.h"
#include "base/result.h"

namespace penstock::connector {

// Thread-safe. The first failure is final.
class PendingCommits {
 public:
  // The commit of an epoch begins; the first failure of an earlier one.
  Status begin(Epoch epoch) {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    pending_.insert(epoch);
    return {};
  }

  void settle(Epoch epoch, const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!status && !failure_) failure_ = status.error();
    pending_.erase(epoch);
    if (pending_.empty()) none_.notify_all();
  }

  // Whether the commit of the epoch has settled, and all before it.
  bool settled(Epoch epoch) const {
    const std::lock_guard lock(mutex_);
    return pending_.empty() || *pending_.begin() > epoch;
  }

  // Waits until all have settled.
  Status wait() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [&] { return pending_.empty(); });
    if (failure_) return *failure_;
    return {};
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable none_;
  std::set<Epoch> pending_;
  std::optional<Error> failure_;
};

}  // namespace penstock::connector
