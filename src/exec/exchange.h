// Where the rows and control messages of a task go.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "columnar/row_key.h"
#include "exec/channel.h"
#include "exec/job.h"
#include "exec/message.h"

namespace penstock::exec {

// The instance, of `parallelism` many, that owns a vnode.
constexpr size_t owner_of(columnar::Vnode vnode, size_t parallelism) {
  return vnode.value() * parallelism / columnar::kVnodes;
}

// One output edge of one task: its channels to the instances of a fragment downstream. Called only by the task.
// Data goes to the instance that the partitioning names, control to all. What a full channel does not take
// waits here, in order.
class Exchange {
 public:
  // `channels` lead to the instances 0, 1, ... of the other fragment; for kForward, only to the one of equal number.
  Exchange(Partitioning partitioning, std::vector<int> keys, std::vector<Channel*> channels);

  void send(const columnar::ChangeBatch& batch);
  // Watermark, Barrier or EndOfInput.
  void send_control(const Message& message);

  // False when no consumer wants data any more.
  bool data_wanted() const;

  // Passes on what waits; false while anything still does.
  bool flush();

 private:
  struct Target {
    Channel* channel;
    std::deque<Message> waiting;
    columnar::Selection rows;  // of the batch that is being scattered
  };

  void push(Target& target, Message message);
  void scatter(const columnar::ChangeBatch& batch);

  Partitioning partitioning_;
  std::vector<int> keys_;
  std::vector<Target> targets_;
  std::vector<uint64_t> hashes_;
};

}  // namespace penstock::exec
