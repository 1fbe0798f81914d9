#include "connector/ordered_writes.h"

#include <algorithm>

#include "base/time.h"

namespace penstock::connector {

namespace {

// The log looks for room at intervals of its own and refuses at no cost meanwhile.
constexpr int64_t kTryAgainUs = 200'000;
// So much may wait; above it writes are refused after all.
constexpr size_t kWaitingMax = 100'000;
constexpr size_t kWaitingBytesMax = 64 << 20;

}  // namespace

void OrderedWrites::add(Write write) {
  const auto queued = std::make_shared<Queued>(Queued{.write = std::move(write), .refusal = {}});
  for (const auto& [to, records] : queued->write.records) queued->bytes += records.bytes.size();
  {
    const std::lock_guard lock(mutex_);
    queued->sent = !stalled_;
    const bool fits = queue_.size() < kWaitingMax && bytes_ + queued->bytes <= kWaitingBytesMax;
    if (queued->sent || fits) {
      queue_.push_back(queued);
      bytes_ += queued->bytes;
      if (stalled_) return;
    }
  }
  if (queued->sent) return send(queued);
  queued->write.done(make_error(ErrorCode::kResourceExhausted,
                                "{} writes or {} bytes wait for the disk to have room, and that is the most",
                                kWaitingMax, kWaitingBytesMax));
}

// Copies, since the log takes over what it is given also when it refuses it; the records' bytes are shared.
void OrderedWrites::send(const QueuedPtr& queued) {
  if (queued->write.prepare) {
    if (const Status prepared = queued->write.prepare(); !prepared) return answered(queued, prepared);
  }
  auto records = queued->write.records;
  auto offsets = queued->write.offsets;
  log_.append_together(std::move(records), group_, std::move(offsets),
                       [self = shared_from_this(), queued](const Status& status) { self->answered(queued, status); });
}

// The log refuses everything that waits for a commit together, and takes nothing new until all of it has been told: so
// no write is taken after an earlier one was refused.
void OrderedWrites::answered(const QueuedPtr& queued, const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    queued->sent = false;
    const bool first = !queue_.empty() && queue_.front() == queued;
    if (!status && status.error().code() == ErrorCode::kUnavailable && !given_up_) {
      queued->refusal = status;
      stalled_ = true;
      if (first) try_again_at(monotonic_time_us() + kTryAgainUs);
      return;
    }
    if (std::erase(queue_, queued) > 0) bytes_ -= queued->bytes;
    if (queue_.empty()) stalled_ = false;
    if (stalled_ && first && !queue_.front()->sent) try_again_at(monotonic_time_us());
  }
  queued->write.done(status);
}

// On the timer's thread, since the log's must not append.
void OrderedWrites::try_again_at(int64_t monotonic_us) {
  timer_.call_at(monotonic_us, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->try_again();
  });
}

void OrderedWrites::try_again() {
  QueuedPtr queued;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty() || queue_.front()->sent) return;
    queued = queue_.front();
    queued->sent = true;
  }
  send(queued);
}

void OrderedWrites::give_up() {
  std::vector<QueuedPtr> refused;
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    std::erase_if(queue_, [&](const QueuedPtr& queued) {
      if (queued->sent) return false;
      bytes_ -= queued->bytes;
      refused.push_back(queued);
      return true;
    });
  }
  for (const QueuedPtr& queued : refused) {
    // One that was never sent waited behind one that was refused.
    Status refusal =
        queued->refusal ? Status(Error(ErrorCode::kUnavailable, "the log takes no writes")) : queued->refusal;
    queued->write.done(std::move(refusal));
  }
}

}  // namespace penstock::connector
