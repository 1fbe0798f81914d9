#include "connector/timer.h"

#include <chrono>
#include <utility>

#include "base/time.h"

namespace penstock::connector {

Timer::Timer() : Timer(monotonic_time_us) {}

Timer::Timer(Clock clock) : clock_(std::move(clock)), thread_([this] { run(); }) {}

Timer::~Timer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Timer::Id Timer::call_at(int64_t monotonic_us, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  const Id id = next_id_++;
  const bool earliest = due_.empty() || monotonic_us < due_.begin()->first.first;
  due_.emplace(std::pair{monotonic_us, id}, std::move(callback));
  times_.emplace(id, monotonic_us);
  if (earliest) changed_.notify_all();
  return id;
}

void Timer::cancel(Id id) {
  std::unique_lock lock(mutex_);
  if (const auto it = times_.find(id); it != times_.end()) {
    due_.erase({it->second, id});
    times_.erase(it);
    return;
  }
  changed_.wait(lock, [&] { return running_ != id; });
}

void Timer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const int64_t wait_us = due_.begin()->first.first - now_us();
    if (wait_us > 0) {
      changed_.wait_for(lock, std::chrono::microseconds(wait_us));
      continue;
    }
    auto node = due_.extract(due_.begin());
    running_ = node.key().second;
    times_.erase(running_);
    lock.unlock();
    node.mapped()();
    lock.lock();
    running_ = 0;
    changed_.notify_all();
  }
}

void WakeUp::at(std::optional<int64_t> monotonic_us) {
  if (monotonic_us == at_us_) return;
  cancel();
  at_us_ = monotonic_us;
  if (monotonic_us) id_ = timer_.call_at(*monotonic_us, waker_);
}

void WakeUp::cancel() {
  if (id_ != 0) timer_.cancel(std::exchange(id_, 0));
  at_us_.reset();
}

}  // namespace penstock::connector
