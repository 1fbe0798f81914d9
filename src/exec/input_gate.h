// Brings the channels of a task's inputs together.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/epoch.h"
#include "base/time.h"
#include "exec/channel.h"
#include "exec/message.h"

namespace penstock::exec {

// Aligns barriers and merges watermarks of several input ports, each with one channel per upstream instance.
//
// Owned and called by one Task. A channel that has delivered a barrier is parked until every
// channel has, so rows after the barrier stay out of the epoch. The merged watermark is the least over the channels
// that are neither idle nor at the end of time, and never goes back; when all have reached the end of time so has it.
// When all are idle it is what the furthest of them had reached, so that it does not matter in which order they became
// so, as in Flink; of several ports, the least of these.
// A port that is loaded is read alone until all of its channels have reached the end of time.
//
// Channels whose watermarks are those of the same source are read in step: one that has come to a watermark waits until
// the others have, too. So a row meets the watermark that its source had told before it, also where the ways of a
// source's rows meet again (a self join, a union of two filters), and which rows are late does not depend on which way
// is quicker. Nobody waits for ever: what one way has passed on was sent along the others, too, and a barrier, which
// comes at the same place in all, ends the wait. They are idle when all of them are: while one is not, the others have
// yet to bring what was told before that.
class InputGate {
 public:
  // A channel, and the number that it shares with the channels in step with it: such numbers are counted from 0.
  struct Input {
    Channel* channel = nullptr;
    size_t step = 0;
  };
  struct Event {
    int port = kAllPorts;
    Message message;
  };
  // The port of control messages: they concern the whole task.
  static constexpr int kAllPorts = -1;

  explicit InputGate(const std::vector<std::vector<Input>>& ports, std::optional<int> loaded_port = {});

  // Returns the next event, or nullopt when every channel that is not parked is empty. After EndOfInput there is
  // nothing more.
  std::optional<Event> poll();
  // Tells the producers that data is not wanted any more; some may still come.
  void refuse_data();

 private:
  // The channels with one number.
  struct Step {
    EventTime least = kMinEventTime;  // watermark of those that are neither parked nor ended
    bool idle = false;                // all that have not ended are
  };
  struct State {
    Channel* channel = nullptr;
    int port = 0;
    size_t step = 0;
    EventTime watermark = kMinEventTime;
    bool idle = false;
    bool parked = false;
    bool ended = false;
  };

  bool may_read(const State& input) const;
  std::optional<Event> take(State& input, Message message);
  // A channel of the step has come to a watermark, a barrier or its end, or goes on behind a barrier.
  void note_step(size_t step);
  // A channel has reached the end of time.
  void note_loaded();
  // The barrier, once every channel has delivered it or ended.
  std::optional<Event> aligned_barrier();
  EventTime reached_by_idle() const;
  // The merged watermark, where it differs from the last one given.
  std::optional<Event> merged_watermark();

  std::vector<State> inputs_;
  std::vector<Step> steps_;
  std::optional<int> loading_port_;  // until it is loaded
  size_t next_ = 0;                  // where polling goes on, so that no channel starves
  std::optional<Epoch> barrier_;
  Watermark watermark_;
  bool watermark_due_ = false;  // a channel ended while a barrier came first
};

}  // namespace penstock::exec
