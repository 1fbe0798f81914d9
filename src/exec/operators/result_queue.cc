#include "exec/operators/result_queue.h"

#include <utility>

namespace penstock::exec {

class ResultQueueOperator : public Operator {
 public:
  explicit ResultQueueOperator(std::shared_ptr<ResultQueue> queue) : queue_(std::move(queue)) {}
  ~ResultQueueOperator() override { queue_->set_waker(this, {}); }

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& /*out*/) override {
    queue_->push(batch);
    return {};
  }
  bool can_accept() const override { return queue_->has_room(); }
  void set_waker(std::function<void()> waker) override { queue_->set_waker(this, std::move(waker)); }

 private:
  const std::shared_ptr<ResultQueue> queue_;
};

std::unique_ptr<Operator> ResultQueue::make_operator() {
  return std::make_unique<ResultQueueOperator>(shared_from_this());
}

void ResultQueue::push(columnar::ChangeBatch batch) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  batches_.push_back(std::move(batch));
  changed_.notify_all();
}

bool ResultQueue::has_room() const {
  const std::lock_guard lock(mutex_);
  return batches_.size() < batches_max_ || finished_;
}

void ResultQueue::set_waker(const Operator* filler, std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  if (waker) {
    wakers_[filler] = std::move(waker);
  } else {
    wakers_.erase(filler);
  }
}

void ResultQueue::wake_fillers() const {
  for (const auto& [filler, waker] : wakers_) waker();
}

Result<std::optional<columnar::ChangeBatch>> ResultQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !batches_.empty() || finished_; });
  if (batches_.empty()) {
    if (!*finished_) return finished_->error();
    return std::nullopt;
  }
  columnar::ChangeBatch batch = std::move(batches_.front());
  batches_.pop_front();
  // Under the lock, so that no operator can go while it is woken.
  if (batches_.size() + 1 == batches_max_) wake_fillers();
  return batch;
}

void ResultQueue::finish(Status status) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  if (!status) batches_.clear();
  finished_ = std::move(status);
  changed_.notify_all();
  wake_fillers();
}

}  // namespace penstock::exec
