// The queue of messages between two tasks.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "exec/message.h"
#include "exec/task_handle.h"

namespace penstock::exec {

// Bounded, from one producer task to one consumer task; each end is used by its task alone. A push wakes
// the consumer; a pop wakes a producer that has found the channel full.
class Channel {
 public:
  explicit Channel(size_t messages_max) : slots_(messages_max) {}

  // Names whom to wake; before either end is used. Without it nobody is woken.
  void connect(std::shared_ptr<TaskHandle> producer, std::shared_ptr<TaskHandle> consumer) {
    producer_ = std::move(producer);
    consumer_ = std::move(consumer);
  }

  // --- the producer's end ---
  // Takes the message, or leaves it and returns false when the channel is full: the producer is then woken when there
  // is room.
  bool try_push(Message& message);
  // False when the consumer drops all data; control messages are still wanted.
  bool data_wanted() const { return data_wanted_.load(std::memory_order_acquire); }

  // --- the consumer's end ---
  std::optional<Message> try_pop();
  // Says that data is not wanted any more.
  void refuse_data();

 private:
  bool has_room(size_t head) const { return head - tail_.load(std::memory_order_seq_cst) < slots_.size(); }

  std::vector<Message> slots_;
  std::shared_ptr<TaskHandle> producer_;
  std::shared_ptr<TaskHandle> consumer_;
  alignas(64) std::atomic<size_t> head_{0};  // messages ever pushed
  alignas(64) std::atomic<size_t> tail_{0};  // messages ever popped
  std::atomic<bool> producer_waits_{false};
  std::atomic<bool> data_wanted_{true};
};

}  // namespace penstock::exec
