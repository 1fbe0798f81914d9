// One thread that calls back at given times, for sources that must wake without new data (idle partitions, rates,
// followed files). It sleeps without a wake-up while nothing is due.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace penstock::connector {

// Thread-safe.
class Timer {
 public:
  Timer();
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  using Id = uint64_t;
  // Calls `callback` once on the timer's thread at `monotonic_us` or soon after; it must be short.
  Id call_at(int64_t monotonic_us, std::function<void()> callback);
  // Afterwards the callback is not running and will not run. Must not be called from a callback.
  void cancel(Id id);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int64_t, Id>, std::function<void()>> due_;
  std::map<Id, int64_t> times_;
  Id next_id_ = 1;
  Id running_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace penstock::connector
