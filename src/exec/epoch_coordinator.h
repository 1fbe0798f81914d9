// Decides when the epochs of a job begin, and notices when they end.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "base/epoch.h"
#include "base/metrics.h"
#include "base/result.h"
#include "exec/operator.h"

namespace penstock::exec {

// One per job, called by its tasks. Thread-safe.
//
// At most one barrier is on its way. The next is requested once the epoch before it is complete, something has happened
// at a source since (or the clock has woken it), and either no source has more to read at once (then it follows the
// data immediately) or the last barrier is at least `busy_interval_us` old. The first epoch comes without anything
// having happened, so that an empty result is published too; the last one when every source has ended. A job of one
// epoch has only that last one. Where there is a least time between barriers, somebody has to call check() when it has
// passed.
class EpochCoordinator {
 public:
  struct Options {
    size_t sources = 0;
    std::vector<size_t> loading_sources;  // before these have given all that was there, no epoch begins
    size_t sinks = 0;                     // tasks without outputs
    bool one_epoch = false;
    int64_t busy_interval_us = 0;
    int64_t interval_us = 0;  // the least time between two barriers, but for the last one and hurry()
    bool loads = false;       // until loaded(), it holds only while a source has more to read at once
    std::function<Status(Epoch)> on_epoch;
    // Wakes all source tasks; called without locks.
    std::function<void()> wake_sources;
    Histogram* duration_us = nullptr;  // from the request of a barrier to the end of its epoch
  };
  explicit EpochCoordinator(Options options);

  // --- by source tasks ---
  // The epoch whose barrier is to be sent now; a source that has passed it waits for a higher one.
  Epoch requested() const { return Epoch(requested_.load(std::memory_order_acquire)); }
  // True when EndOfInput is to be sent in place of the barrier of `epoch`.
  bool is_last(Epoch epoch) const { return epoch.value() == last_.load(std::memory_order_acquire); }
  // True when there is no barrier but the end.
  bool one_epoch() const { return options_.one_epoch; }
  // What the poll of a source gave: `emitted` when it was rows or a watermark.
  void source_polled(size_t source, bool emitted, SourceState state);
  // The source has sent the barrier of the requested epoch.
  void source_passed(size_t source);

  // --- by tasks without outputs ---
  // The task has passed the barrier (or end) of the requested epoch. The last one to do so calls on_epoch, and gives
  // its error.
  Status sink_passed();

  // --- by others ---
  // Requests the next barrier if it is time.
  void check();
  // The same, and the next barrier does not wait for the least time to pass.
  void hurry();
  // What was there when the job began is in an epoch: see Options::loads.
  void loaded();
  // The next barrier does not wait for anything to happen at a source.
  void wake();

  Epoch completed() const { return Epoch(completed_.load(std::memory_order_acquire)); }
  // The last epoch is complete.
  bool finished() const { return finished_.load(std::memory_order_acquire); }

 private:
  struct SourceStatus {
    bool changed = true;  // since the last barrier
    bool loading = false;
    SourceState state = SourceState::kMore;
  };

  // Requests the next epoch if it is time; true when the sources are to be woken.
  bool begin_if_due(int64_t now_us);

  const Options options_;
  std::atomic<int64_t> requested_{0};
  std::atomic<int64_t> completed_{0};
  std::atomic<int64_t> last_{0};
  std::atomic<bool> finished_{false};

  std::mutex mutex_;  // guards what follows
  std::vector<SourceStatus> sources_;
  size_t sinks_left_ = 0;  // that have not passed the requested epoch; 0 when it is complete
  int64_t requested_at_us_ = 0;
  bool hurried_ = false;
  bool loads_ = options_.loads;
  bool woken_ = false;
};

}  // namespace penstock::exec
