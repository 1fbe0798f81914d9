// The end of a query whose rows a client pulls: a bounded queue between a task and the client's thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "exec/operator.h"

namespace penstock::exec {

// Thread-safe. Shared by the operators that fill it, one per instance of the last fragment, and the cursor that empties
// it.
class ResultQueue : public std::enable_shared_from_this<ResultQueue> {
 public:
  struct Options {
    size_t batches_max = 8;
    size_t bytes_max = 8 << 20;  // one batch is taken in any case
  };

  ResultQueue() : ResultQueue(Options{}) {}
  explicit ResultQueue(Options options) : options_(options) {}

  std::unique_ptr<Operator> make_operator();

  // Waits for the next batch; nullopt at the end, or the error with which finish() was called.
  Result<std::optional<columnar::ChangeBatch>> pop();

  // The query has ended: what is queued is still given, then `status`. Only the first call counts.
  void finish(Status status);

 private:
  friend class ResultQueueOperator;
  struct Queued {
    columnar::ChangeBatch batch;
    size_t bytes;
  };
  void push(columnar::ChangeBatch batch);
  bool has_room() const;
  bool has_room_locked() const;
  // An empty one takes the operator's off the list.
  void set_waker(const Operator* filler, std::function<void()> waker);
  void wake_fillers() const;

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Queued> batches_;
  size_t bytes_ = 0;  // of them
  std::optional<Status> finished_;
  std::map<const Operator*, std::function<void()>> wakers_;
};

}  // namespace penstock::exec
