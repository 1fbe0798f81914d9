#include "exec/worker.h"

#include <pthread.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace penstock::exec {

namespace {

thread_local Worker* current_worker = nullptr;

}  // namespace

void TaskHandle::launch(Runnable& runnable, std::shared_ptr<RunnableOwner> owner) {
  PENSTOCK_CHECK(runnable_ == nullptr, "launched twice");
  runnable_ = &runnable;
  owner_ = std::move(owner);
  state_.store(kNotified, std::memory_order_release);
  worker_.load(std::memory_order_acquire)->enqueue(shared_from_this());
}

void TaskHandle::wake() {
  // Always a read-modify-write, so that it is ordered with the one that ends a turn: either that sees this
  // notification, or this sees the task idle.
  if (state_.fetch_or(kNotified, std::memory_order_acq_rel) != 0) return;
  worker_.load(std::memory_order_acquire)->enqueue(shared_from_this());
}

bool TaskHandle::run_turn(Worker& worker) {
  if (worker_.load(std::memory_order_relaxed) != &worker) worker_.store(&worker, std::memory_order_release);
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

void Worker::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), ("exec-" + std::to_string(index_)).c_str());
}

void Worker::enqueue(std::shared_ptr<TaskHandle> task) {
  bool woken = false;
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    woken = wake_up();
  }
  if (woken) {
    woken_.notify_one();
  } else if (current_worker != this) {  // what it queues itself it mostly runs itself, as soon as its turn is over
    pool_.wake_idle();
  }
}

bool Worker::wake_up() {
  if (!std::exchange(sleeping_, false)) return false;
  pool_.sleeping_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

std::shared_ptr<TaskHandle> Worker::pop() {
  std::shared_ptr<TaskHandle> task = std::move(queue_.front());
  queue_.pop_front();
  return task;
}

std::shared_ptr<TaskHandle> Worker::next() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      woken_.wait(lock, [this] { return stopping_ || !sleeping_; });
      if (stopping_) return nullptr;
      if (!queue_.empty()) {
        std::shared_ptr<TaskHandle> task = pop();
        const bool more = !queue_.empty();
        lock.unlock();
        if (more) pool_.wake_idle();
        return task;
      }
    }
    if (std::shared_ptr<TaskHandle> task = steal_or_sleep()) return task;
  }
}

std::shared_ptr<TaskHandle> Worker::next_after(std::shared_ptr<TaskHandle> task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return nullptr;
    if (queue_.empty()) return task;
    queue_.push_back(std::move(task));
    task = pop();
  }
  pool_.wake_idle();
  return task;
}

std::shared_ptr<TaskHandle> Worker::steal_or_sleep() {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || !queue_.empty()) return nullptr;
    sleeping_ = true;
    pool_.sleeping_.fetch_add(1, std::memory_order_relaxed);
  }
  // Said before looking: either this finds what another thread has queued, under the lock of that queue, or that thread
  // sees afterwards that a worker sleeps.
  std::shared_ptr<TaskHandle> task = pool_.steal(*this);
  if (task == nullptr) return task;
  bool still_slept = false;
  {
    std::lock_guard lock(mutex_);
    still_slept = wake_up();
  }
  // Who woke it meanwhile did so for another task.
  if (!still_slept) pool_.wake_idle();
  return task;
}

void Worker::run() {
  current_worker = this;
  std::shared_ptr<TaskHandle> task = next();
  while (task != nullptr) {
    if (task->run_turn(*this)) {
      task = next_after(std::move(task));
    } else {
      task.reset();
      task = next();
    }
  }
  current_worker = nullptr;
}

WorkerPool::WorkerPool(int workers) {
  // All are there before the first of them can look for the others.
  for (size_t i = 0; i < static_cast<size_t>(workers); ++i) workers_.push_back(std::make_unique<Worker>(*this, i));
  for (const std::unique_ptr<Worker>& worker : workers_) worker->start();
}

WorkerPool::~WorkerPool() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    {
      std::lock_guard lock(worker->mutex_);
      worker->stopping_ = true;
    }
    worker->woken_.notify_one();
  }
  for (const std::unique_ptr<Worker>& worker : workers_) worker->thread_.join();
}

std::shared_ptr<TaskHandle> WorkerPool::steal(const Worker& thief) {
  for (size_t i = 1; i < workers_.size(); ++i) {
    Worker& victim = *workers_[(thief.index_ + i) % workers_.size()];
    std::unique_lock lock(victim.mutex_);
    if (victim.queue_.empty()) continue;
    std::shared_ptr<TaskHandle> task = victim.pop();
    const bool more = !victim.queue_.empty();
    lock.unlock();
    if (more) wake_idle();
    return task;
  }
  return nullptr;
}

void WorkerPool::wake_idle() {
  if (sleeping_.load(std::memory_order_relaxed) == 0) return;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    {
      std::lock_guard lock(worker->mutex_);
      if (!worker->wake_up()) continue;
    }
    worker->woken_.notify_one();
    return;
  }
}

}  // namespace penstock::exec
