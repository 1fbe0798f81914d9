// What one job writes to the log, so that a disk without room only holds it up.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connector/timer.h"
#include "log/log.h"

namespace penstock::connector {

// Writes become durable in the order of add(), each as a whole. While the log refuses them for the time being
// (kUnavailable: the disk is full), they wait and the first is tried again and again; the others follow when it is
// durable, one by one, until none waits. How much may wait is bounded. Any other refusal is final.
//
// add() by one thread at a time; everything else is thread-safe.
class OrderedWrites : public std::enable_shared_from_this<OrderedWrites> {
 public:
  struct Write {
    std::vector<std::pair<log::TopicPartition, log::SharedBytes>> records;
    std::vector<std::pair<log::TopicPartition, log::CommittedOffset>> offsets;
    // What must be there first, as a topic that is made: called before each attempt, and refuses as the log does. May
    // be empty.
    std::function<Status()> prepare;
    std::function<void(Status)> done;  // on the log's thread, the timer's, or the one that adds or gives up
  };

  // `timer` and `log` outlive it.
  OrderedWrites(log::Log& log, Timer& timer, std::string group) : log_(log), timer_(timer), group_(std::move(group)) {}

  void add(Write write);
  // Ends the waiting: what waits now is refused, and from now on every refusal is final.
  void give_up();

 private:
  struct Queued {
    Write write;
    size_t bytes = 0;   // of the records
    bool sent = false;  // the log has not answered yet
    Status refusal;     // its last answer
  };
  using QueuedPtr = std::shared_ptr<Queued>;

  void send(const QueuedPtr& queued);
  void answered(const QueuedPtr& queued, const Status& status);
  // With mutex_ held: tries the first one again, at `monotonic_us`.
  void try_again_at(int64_t monotonic_us);
  void try_again();

  log::Log& log_;
  Timer& timer_;
  const std::string group_;
  std::mutex mutex_;
  std::deque<QueuedPtr> queue_;  // what is not durable, in order
  size_t bytes_ = 0;             // of it
  bool stalled_ = false;         // only the first one is sent, by the timer
  bool given_up_ = false;
};

}  // namespace penstock::connector
