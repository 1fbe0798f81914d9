#include "net/event_loop.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <exception>

#include "base/logging.h"

namespace penstock::net {

EventLoop::EventLoop(std::string thread_name)
    : work_(asio::make_work_guard(context_)), name_(std::move(thread_name)), thread_([this] { run(); }) {}

EventLoop::~EventLoop() { stop(); }

void EventLoop::run() {
  constexpr size_t kThreadNameMax = 15;  // the kernel's limit
  pthread_setname_np(pthread_self(), name_.substr(0, kThreadNameMax).c_str());
  run_guarded([this] { context_.run(); });
}

void EventLoop::run_guarded(const std::function<void()>& run_handlers) {
  for (;;) {
    try {
      return run_handlers();
    } catch (const std::exception& e) {
      // A handler let a library's exception through (as std::bad_alloc); the other connections go on.
      logging::error("event loop caught an exception", {{"loop", name_}, {"what", e.what()}});
    }
  }
}

void EventLoop::post(Task task) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) asio::post(context_, [this] { run_posted(); });
}

void EventLoop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void EventLoop::run_after(std::chrono::milliseconds delay, Task task) {
  post([this, delay, task = std::move(task)]() mutable {
    auto timer = std::make_unique<asio::steady_timer>(context_, delay);
    auto& waiting = *timer;
    waiting.async_wait([timer = std::move(timer), task = std::move(task)](boost::system::error_code error) mutable {
      if (!error) task();
    });
  });
}

std::unique_ptr<asio::steady_timer> EventLoop::start_timer(std::chrono::milliseconds delay, Task task) {
  auto timer = std::make_unique<asio::steady_timer>(context_, delay);
  timer->async_wait([task = std::move(task)](boost::system::error_code error) mutable {
    if (!error) task();
  });
  return timer;
}

void EventLoop::stop() {
  std::vector<Task> dropped;  // they may hold the last reference to what stands on this loop
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(posted_);
  }
  context_.stop();
  if (!thread_.joinable()) return;
  thread_.join();
  context_.restart();
  run_guarded([this] { context_.poll(); });
}

EventLoopPool::EventLoopPool(const std::string& name, int threads) {
  for (int i = 0; i < std::max(threads, 1); ++i) {
    loops_.push_back(std::make_shared<EventLoop>(fmt::format("{}-{}", name, i)));
  }
}

EventLoop& EventLoopPool::next() { return *loops_[next_.fetch_add(1, std::memory_order_relaxed) % loops_.size()]; }

void EventLoopPool::stop() {
  for (const auto& loop : loops_) loop->stop();
}

}  // namespace penstock::net
