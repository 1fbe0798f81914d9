// A thread that runs tasks.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "exec/task_handle.h"

namespace penstock::exec {

// Runs the tasks that are pinned to it in turns, in the order in which they were woken; sleeps when none is. Owned by
// the Executor.
class Worker {
 public:
  explicit Worker(int index);
  // Stops the thread; what is still queued is dropped.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Thread-safe. Called by TaskHandle when the task has no turn due.
  void enqueue(std::shared_ptr<TaskHandle> task);

 private:
  void run();
  // Moves what other threads have queued into `queue_`, after waiting when there is nothing else to do; false when the
  // worker is to end.
  bool collect();

  std::deque<std::shared_ptr<TaskHandle>> queue_;  // touched only by the thread
  std::mutex mutex_;
  std::condition_variable woken_;
  std::vector<std::shared_ptr<TaskHandle>> inbox_;  // guarded by mutex_
  bool stopping_ = false;                           // guarded by mutex_
  std::thread thread_;
};

}  // namespace penstock::exec
