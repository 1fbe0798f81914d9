#include "exec/channel.h"

namespace penstock::exec {

bool Channel::try_push(Message& message) {
  const size_t head = head_.load(std::memory_order_relaxed);
  if (!has_room(head)) {
    // Said before looking again: either the consumer sees this flag after its pop, or we see the room that it made.
    producer_waits_.store(true, std::memory_order_seq_cst);
    if (!has_room(head)) return false;
    producer_waits_.store(false, std::memory_order_relaxed);
  }
  slots_[head % slots_.size()] = std::move(message);
  head_.store(head + 1, std::memory_order_release);
  if (consumer_ != nullptr) consumer_->wake();
  return true;
}

std::optional<Message> Channel::try_pop() {
  const size_t tail = tail_.load(std::memory_order_relaxed);
  if (head_.load(std::memory_order_acquire) == tail) return std::nullopt;
  std::optional<Message> message = std::exchange(slots_[tail % slots_.size()], Message());
  tail_.store(tail + 1, std::memory_order_seq_cst);
  if (producer_waits_.load(std::memory_order_seq_cst)) {
    producer_waits_.store(false, std::memory_order_relaxed);
    if (producer_ != nullptr) producer_->wake();
  }
  return message;
}

void Channel::refuse_data() {
  data_wanted_.store(false, std::memory_order_release);
  if (producer_ != nullptr) producer_->wake();
}

}  // namespace penstock::exec
