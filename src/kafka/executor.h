// Where a request's work continues: the event loop of its connection, seen without the network library.
#pragma once

#include <chrono>
#include <functional>

namespace penstock::kafka {

// Thread-safe. Held by shared_ptr, since the log's and the coordinator's callbacks may come late; tasks given after
// the loop stopped are dropped. Tests run one by hand, with simulated time.
class Executor {
 public:
  using Task = std::move_only_function<void()>;

  virtual ~Executor() = default;

  // Runs on the loop, in the order of the calls.
  virtual void post(Task task) = 0;
  // Runs on the loop at or after `delay`; cannot be cancelled.
  virtual void run_after(std::chrono::milliseconds delay, Task task) = 0;
  // Runs on a thread that may block.
  virtual void run_blocking(Task task) = 0;
};

}  // namespace penstock::kafka
