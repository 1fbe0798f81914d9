// The clock of an INSERT with conditions on it.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "base/epoch.h"
#include "connector/scan.h"

namespace penstock::engine {

// Tells all tasks of a job one time in each epoch, which is kept with the positions of the epoch: what was there by the
// clock when these were committed is there again when a restart has come to them. Thread-safe.
class EpochClock {
 public:
  // `committed`: what the job has committed, where it was restarted. Until release() the clock stands where it was
  // then.
  EpochClock(std::function<int64_t()> now_us, const connector::Positions& committed);

  // When the epoch ends; it does not go back. Of no epoch: when the job began.
  int64_t at(Epoch epoch);
  // Whether it stands.
  bool held() const;
  void release();
  // Adds the time of the epoch to its positions.
  void add_to(connector::Positions& positions, Epoch epoch);

 private:
  const std::function<int64_t()> now_us_;
  mutable std::mutex mutex_;
  bool held_ = false;
  int64_t begin_us_ = 0;
  Epoch epoch_;     // the last one that was asked for
  int64_t us_ = 0;  // when it ends
};

}  // namespace penstock::engine
