// The threads that run tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "exec/task_handle.h"

namespace penstock::exec {

class WorkerPool;

// A thread that runs the tasks in its queue in turns, in the order in which they were woken. When it has none it takes
// one that waits for another worker, which then stays with it; when there is none, it sleeps. Owned by a WorkerPool.
class Worker {
 public:
  Worker(WorkerPool& pool, size_t index) : pool_(pool), index_(index) {}

  // Thread-safe. Called by TaskHandle when the task has no turn due.
  void enqueue(std::shared_ptr<TaskHandle> task);

 private:
  friend class WorkerPool;

  void start();
  void run();
  // The task whose turn it is; waits for one. Null when the worker is to end.
  std::shared_ptr<TaskHandle> next();
  // The same after a turn of `task`, which wants another one.
  std::shared_ptr<TaskHandle> next_after(std::shared_ptr<TaskHandle> task);
  // The first of the queue, under the lock.
  std::shared_ptr<TaskHandle> pop();
  // Takes a task from another worker, if this one still has nothing to do after it has said so.
  std::shared_ptr<TaskHandle> steal_or_sleep();
  // Ends the sleep, if it sleeps; under the lock.
  bool wake_up();

  WorkerPool& pool_;
  const size_t index_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<std::shared_ptr<TaskHandle>> queue_;  // guarded by mutex_
  bool sleeping_ = false;                          // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  std::thread thread_;
};

// Outlives the turns of all tasks.
class WorkerPool {
 public:
  explicit WorkerPool(int workers);
  // Stops the threads; what is still queued is dropped.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t size() const { return workers_.size(); }
  Worker& worker(size_t index) { return *workers_[index]; }

 private:
  friend class Worker;

  // The first task that waits for another worker than `thief`, of the next one around that has any; null when none has.
  std::shared_ptr<TaskHandle> steal(const Worker& thief);
  // Wakes a worker that sleeps, if any does: something waits in a queue.
  void wake_idle();

  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<int> sleeping_{0};  // workers
};

}  // namespace penstock::exec
