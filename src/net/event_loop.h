// Network threads: each runs one event loop, and everything of a connection happens on one of them.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/asio.h"

namespace penstock::net {

// One thread and its loop. It sleeps in the kernel while nothing happens. Shared, so that a late callback of another
// thread can hold it: posting to a stopped loop does nothing.
class EventLoop : public std::enable_shared_from_this<EventLoop> {
 public:
  using Task = std::move_only_function<void()>;

  explicit EventLoop(std::string thread_name);
  ~EventLoop();

  asio::io_context& context() { return context_; }

  // Runs `task` on the loop's thread, after what was posted before. Any thread may call; dropped once stopped. What is
  // posted while the loop is busy costs no system call.
  void post(Task task);
  // The same at or after `delay`. Cannot be cancelled: keep `task` cheap and let it look for itself.
  void run_after(std::chrono::milliseconds delay, Task task);
  // Runs `task` at or after `delay` unless the timer is destroyed before. On the loop's thread only, both.
  std::unique_ptr<asio::steady_timer> start_timer(std::chrono::milliseconds delay, Task task);
  bool on_loop_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

  // Stops the loop and joins its thread; what is posted and queued never runs. What has completed, as the reads and
  // writes of closed sockets, still does, so that it lets go of what it holds: often this loop. Not to be called on the
  // loop's own thread.
  void stop();

 private:
  void run();
  // Calls `run_handlers` until it comes back without an exception.
  void run_guarded(const std::function<void()>& run_handlers);
  void run_posted();

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  const std::string name_;
  std::mutex mutex_;
  std::vector<Task> posted_;  // while not empty, run_posted() is queued in the context
  bool stopped_ = false;
  std::thread thread_;
};

// A fixed number of loops; connections are dealt out in turn. Destroyed after everything that runs on it.
class EventLoopPool {
 public:
  // Threads are named `name`-0, `name`-1, ... At least one is started.
  EventLoopPool(const std::string& name, int threads);
  ~EventLoopPool() { stop(); }
  EventLoopPool(const EventLoopPool&) = delete;
  EventLoopPool& operator=(const EventLoopPool&) = delete;

  EventLoop& next();
  EventLoop& first() { return *loops_.front(); }
  size_t size() const { return loops_.size(); }
  void stop();

 private:
  std::vector<std::shared_ptr<EventLoop>> loops_;
  std::atomic<size_t> next_{0};
};

}  // namespace penstock::net
