// Sends notifications in the background: JSON by HTTP POST, tried again with growing pauses until it arrives.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "alert/incident.h"
#include "base/metrics.h"

namespace penstock::alert {

struct NotifierOptions {
  int attempts_max = 12;               // of one notification, which is then given up
  int64_t backoff_first_us = 500'000;  // doubles with each attempt
  int64_t backoff_max_us = 300'000'000;
  int64_t request_timeout_ms = 10'000;
  size_t waiting_max = 10'000;  // above it the oldest one of the longest queue is given up, and counted
  MetricsRegistry* metrics = nullptr;
  std::function<void()> on_settled;  // after a notification arrived or was given up, on the notifier's thread
};

// Thread-safe. One thread sends.
//
// A receiver that does not answer is left alone for a while that grows, whatever waits for it: so it costs the others
// at most the time limit of one request each time. That an incident is resolved is told after that it fires.
class Notifier {
 public:
  explicit Notifier(NotifierOptions options);
  ~Notifier();

  void send(Notification notification);
  // What has neither arrived nor been given up, by receiver, oldest first.
  std::vector<Notification> waiting() const;
  // Ends a request that is on its way and sends nothing more; what waits is in waiting(). Idempotent.
  void stop();

 private:
  struct Item {
    Notification notification;
    int64_t due_us;
  };
  // What waits for one receiver.
  struct Queue {
    std::list<Item> items;
    std::unordered_set<std::string> firing;  // incidents of which it waits to be told that they fire
    int failures = 0;                        // since it took something
    int64_t not_before_us = 0;
  };
  struct Next {
    Queue* queue = nullptr;
    std::list<Item>::iterator item;
    int64_t due_us = 0;
  };
  enum class Outcome : uint8_t { kArrived, kRefused, kFailed };
  struct Attempt {
    Outcome outcome = Outcome::kFailed;
    std::string problem;
  };

  void run();
  Next next_with_mutex_held();
  void drop_oldest_with_mutex_held();
  // Takes note of an attempt; true when the item has gone.
  bool settle_with_mutex_held(const Next& tried, const Attempt& attempt);
  void forget_with_mutex_held(Queue& queue, std::list<Item>::iterator item);
  int64_t backoff_us(int attempts) const;
  Attempt post(const Notification& notification);

  const NotifierOptions options_;
  Counter* sent_ = nullptr;
  Counter* failed_ = nullptr;
  Gauge* waiting_gauge_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Queue> queues_;  // by target
  size_t waiting_ = 0;
  std::list<Item>::iterator sending_;  // while is_sending_: it is not given up meanwhile
  bool is_sending_ = false;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<void, void (*)(void*)> curl_;  // keeps connections open; the sending thread's
  std::thread thread_;
};

}  // namespace penstock::alert
