// When a commit of what can wait may begin.
#pragma once

#include <algorithm>
#include <cstdint>

namespace penstock::log {

// Commits of a log that was idle begin at once, a few of them one after the other; from then on one begins per
// interval, so that a stream of small appends shares commits in place of making thousands of them a second. Guarded by
// the log's mutex.
class CommitPacer {
 public:
  explicit CommitPacer(int64_t interval_us) : interval_us_(interval_us) {}

  int64_t next_at_us() const { return full_at_us_ - (kBurst - 1) * interval_us_; }
  // Every commit counts, also those that could not wait; but however many they were, the next one that can wait does so
  // for an interval at most.
  void began(int64_t now_us) {
    full_at_us_ = std::min(std::max(full_at_us_, now_us) + interval_us_, now_us + kBurst * interval_us_);
  }

 private:
  // So many: an event that goes through a job or two makes a commit at each step.
  static constexpr int64_t kBurst = 4;

  const int64_t interval_us_;
  // When the interval of the last commit ends, had each of them taken one.
  int64_t full_at_us_ = INT64_MIN / 2;
};

}  // namespace penstock::log
