// Watermark alignment: of the sources of a group none is read far ahead of the others, so that what joins and windows
// behind them keep stays small while a backlog is read.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"

namespace penstock::connector {

// The instances of the scans of one job that have one group's name. Each tells how far it is in what it has to read,
// and reads nothing that is further than its drift ahead of the least of all.
//
// One that has nothing to read now holds nobody: it is as far as it can be. Thread-safe.
class AlignmentGroup {
 public:
  // Adds instances before any of them is polled, which hold the others until they have told how far they are. Gives the
  // number of the first.
  size_t add(size_t instances);
  // Called from any thread when waiting may be over.
  void set_waker(size_t member, std::function<void()> waker);

  // The least watermark of what the member has to read now; kMaxEventTime: nothing.
  void tell(size_t member, EventTime watermark);
  EventTime least() const { return EventTime(least_.load(std::memory_order_acquire)); }
  // The member waits until the least is another one than it has `seen`. False when it is already.
  bool wait(size_t member, EventTime seen);

 private:
  struct Member {
    EventTime watermark = kMinEventTime;
    bool waiting = false;
    std::function<void()> waker;
  };

  mutable std::mutex mutex_;
  std::vector<Member> members_;
  std::atomic<int64_t> least_{kMinEventTime.value()};
};

// The groups of one job, by name. Used by one thread.
class AlignmentGroups {
 public:
  std::shared_ptr<AlignmentGroup> group(const std::string& name);

 private:
  std::map<std::string, std::shared_ptr<AlignmentGroup>> groups_;
};

// The last watermark up to which a split is read that may be `drift_us` ahead.
EventTime alignment_limit(EventTime least, int64_t drift_us);

}  // namespace penstock::connector
