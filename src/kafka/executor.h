// Where a request's work continues: the event loop of its connection, seen without the network library.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace penstock::kafka {

// Thread-safe. Held by shared_ptr, since the log's and the coordinator's callbacks may come late; tasks given after
// the loop stopped are dropped. Tests run one by hand, with simulated time.
class Executor {
 public:
  using Task = std::move_only_function<void()>;
  class Timer {
   public:
    virtual ~Timer() = default;
  };

  virtual ~Executor() = default;

  // Runs on the loop, in the order of the calls.
  virtual void post(Task task) = 0;
  // Runs on the loop at or after `delay`; cannot be cancelled.
  virtual void run_after(std::chrono::milliseconds delay, Task task) = 0;
  // Runs on the loop at or after `delay`, unless the timer is destroyed before. Called and destroyed on the loop.
  [[nodiscard]] virtual std::unique_ptr<Timer> start_timer(std::chrono::milliseconds delay, Task task) = 0;
  // Runs on a thread that may block.
  virtual void run_blocking(Task task) = 0;
};

}  // namespace penstock::kafka
