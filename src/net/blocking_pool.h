// Threads for calls that may block, so that an event loop never does.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::net {

// Thread-safe. A caller waits for its job before it submits another, so the queue is no longer than the connections
// are many. Idle threads sleep.
class BlockingPool {
 public:
  using Job = std::move_only_function<void()>;

  // Threads are named `name`-0, `name`-1, ... At least one is started.
  BlockingPool(const std::string& name, int threads);
  // Runs what is queued to its end, then joins.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  void submit(Job job);

 private:
  void run(const std::string& thread_name);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace penstock::net
