// One thread that calls back at given times, for sources that must wake without new data (idle partitions, rates,
// followed files). It sleeps without a wake-up while nothing is due.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace penstock::connector {

// Thread-safe.
class Timer {
 public:
  // The clock that it goes by: who asks to be woken has to look at that one, too.
  using Clock = std::function<int64_t()>;

  Timer();
  explicit Timer(Clock clock);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  int64_t now_us() const { return clock_(); }

  using Id = uint64_t;
  // Calls `callback` once on the timer's thread at `monotonic_us` or soon after; it must be short.
  Id call_at(int64_t monotonic_us, std::function<void()> callback);
  // Afterwards the callback is not running and will not run. Must not be called from a callback.
  void cancel(Id id);

 private:
  void run();

  const Clock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int64_t, Id>, std::function<void()>> due_;
  std::map<Id, int64_t> times_;
  Id next_id_ = 1;
  Id running_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// Wakes a source at the earliest time that it asked for. Used on the source's thread; cancelled when it goes.
class WakeUp {
 public:
  explicit WakeUp(Timer& timer) : timer_(timer) {}
  ~WakeUp() { cancel(); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void set_waker(std::function<void()> waker) { waker_ = std::move(waker); }
  // In place of any other time before; nullopt for none.
  void at(std::optional<int64_t> monotonic_us);

 private:
  void cancel();

  Timer& timer_;
  std::function<void()> waker_;
  Timer::Id id_ = 0;
  std::optional<int64_t> at_us_;
};

}  // namespace penstock::connector
