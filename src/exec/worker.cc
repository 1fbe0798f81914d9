#include "exec/worker.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace penstock::exec {

namespace {

// Turns after which a busy worker looks at what other threads have queued.
constexpr uint64_t kTurnsPerCollect = 8;

thread_local Worker* current_worker = nullptr;

}  // namespace

void TaskHandle::launch(Runnable& runnable, std::shared_ptr<RunnableOwner> owner) {
  PENSTOCK_CHECK(runnable_ == nullptr, "launched twice");
  runnable_ = &runnable;
  owner_ = std::move(owner);
  state_.store(kNotified, std::memory_order_release);
  worker_.enqueue(shared_from_this());
}

void TaskHandle::wake() {
  // Always a read-modify-write, so that it is ordered with the one that ends a turn: either that sees this
  // notification, or this sees the task idle.
  if (state_.fetch_or(kNotified, std::memory_order_acq_rel) == 0) worker_.enqueue(shared_from_this());
}

bool TaskHandle::run_turn() {
  state_.exchange(kRunning, std::memory_order_acq_rel);
  switch (runnable_->run_turn()) {
    case Turn::kMore: state_.store(kNotified, std::memory_order_release); return true;
    case Turn::kWaiting: {
      uint32_t expected = kRunning;
      if (state_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) return false;
      state_.store(kNotified, std::memory_order_release);
      return true;
    }
    case Turn::kDone: {
      state_.store(kInert, std::memory_order_release);
      std::shared_ptr<RunnableOwner> owner = std::move(owner_);
      owner->on_done();
      return false;
    }
  }
  return false;
}

Worker::Worker(int index) : thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), ("exec-" + std::to_string(index)).c_str());
}

Worker::~Worker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void Worker::enqueue(std::shared_ptr<TaskHandle> task) {
  if (current_worker == this) {
    queue_.push_back(std::move(task));
    return;
  }
  bool was_empty = false;
  {
    std::lock_guard lock(mutex_);
    was_empty = inbox_.empty();
    inbox_.push_back(std::move(task));
  }
  if (was_empty) woken_.notify_one();
}

bool Worker::collect() {
  std::unique_lock lock(mutex_);
  if (queue_.empty()) woken_.wait(lock, [this] { return stopping_ || !inbox_.empty(); });
  for (std::shared_ptr<TaskHandle>& task : inbox_) queue_.push_back(std::move(task));
  inbox_.clear();
  return !stopping_;
}

void Worker::run() {
  current_worker = this;
  uint64_t turns = 0;
  while ((!queue_.empty() && turns % kTurnsPerCollect != 0) || collect()) {
    if (queue_.empty()) continue;
    std::shared_ptr<TaskHandle> task = std::move(queue_.front());
    queue_.pop_front();
    ++turns;
    if (task->run_turn()) queue_.push_back(std::move(task));
  }
  current_worker = nullptr;
}

}  // namespace penstock::exec
