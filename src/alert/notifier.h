// Sends notifications in the background: JSON by HTTP POST, tried again with growing pauses until it arrives.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "alert/incident.h"
#include "base/metrics.h"

namespace penstock::alert {

struct NotifierOptions {
  int attempts_max = 12;
  int64_t backoff_first_us = 500'000;  // doubles with each attempt
  int64_t backoff_max_us = 300'000'000;
  int64_t request_timeout_ms = 10'000;
  size_t waiting_max = 10'000;  // above it the oldest waiting notification is given up, and counted
  MetricsRegistry* metrics = nullptr;
  std::function<void()> on_settled;  // after a notification arrived or was given up, on the notifier's thread
};

// Thread-safe. One thread sends: a receiver that hangs delays others by at most the request's time limit.
class Notifier {
 public:
  explicit Notifier(NotifierOptions options);
  ~Notifier();  // stops at once; what waits is in waiting() before

  void send(Notification notification);
  std::vector<Notification> waiting() const;

 private:
  struct Item {
    Notification notification;
    int64_t due_us;
  };
  void run();
  // Empty when it arrived, else why not; `*final` when trying again is useless.
  std::string post(const Notification& notification, bool* final) const;

  const NotifierOptions options_;
  Counter* sent_ = nullptr;
  Counter* failed_ = nullptr;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Item> items_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace penstock::alert
