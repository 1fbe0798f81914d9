// Gathers what the requests of one event loop append, so that the log gets it as one.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kafka/executor.h"
#include "log/log.h"

namespace penstock::kafka {

// Shared by the connections of one loop, and used on that loop only.
//
// What is added while the loop works through the sockets that have something is handed over when it is through, with
// one append_all(): one lock, one wake-up of the log's commit thread, one commit. The answers come back the same way,
// all with one task on the loop. Nothing is waited for: on an idle server an append is handed over at once.
//
// While the log has no room, what was added waits here, in order, and the loop goes on. It is not much: a connection is
// not read when too many of its requests are not answered, nor when the budget of all requests is used up.
class AppendGatherer : public std::enable_shared_from_this<AppendGatherer> {
 public:
  using Records = std::vector<std::pair<log::TopicPartition, log::SharedBytes>>;
  // Gets the answers to what was added with it, in order; on the loop.
  using Done = std::move_only_function<void(std::span<log::AppendResult>)>;

  AppendGatherer(log::Log& log, std::shared_ptr<Executor> executor) : log_(log), executor_(std::move(executor)) {}

  void add(Records records, log::Urgency urgency, Done done);

 private:
  struct Group {
    struct Part {
      size_t count;
      Done done;
    };
    Records records;
    std::vector<Part> parts;
    log::Urgency urgency = log::Urgency::kWithOthers;  // of the most urgent part

    void answer(std::vector<log::AppendResult> results);
  };

  // What waits for room in the log. Owned by the log's callback, so that a server that stops lets go of it.
  using Waiting = std::deque<std::shared_ptr<Group>>;

  void hand_over(const std::shared_ptr<Group>& group);
  // False when the log has no room.
  bool try_append(const std::shared_ptr<Group>& group);
  void wait_for_room(const std::shared_ptr<Waiting>& waiting);

  log::Log& log_;
  const std::shared_ptr<Executor> executor_;
  // What is added to. Owned by the task that will hand it over, so that a loop that stops drops it.
  std::weak_ptr<Group> open_;
  std::weak_ptr<Waiting> waiting_;
};

}  // namespace penstock::kafka
