// Operator: computes on batches. Source: makes them.
//
// Both belong to one Task and are called by one thread at a time, so they need no locks. The Task aligns barriers and
// merges watermarks before an operator sees them, and forwards them after it: an operator can only emit data, and say
// by how much its rows may be behind the watermarks that it has seen.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/epoch.h"
#include "base/result.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "exec/message.h"

namespace penstock::exec {

// A time of the clock that does not come.
inline constexpr int64_t kNoWake = INT64_MAX;

// Where an operator's rows go. Never blocks: what does not fit downstream waits in the task, which then asks the
// operator for nothing more until it has gone.
class Output {
 public:
  virtual ~Output() = default;
  virtual void emit(columnar::ChangeBatch batch) = 0;
};

// Whether a control call has emitted all that it has to. With kMore it is called again, with the same arguments, when
// there is room downstream: a window of ten million rows leaves in pieces.
enum class Progress : uint8_t { kDone, kMore };

// What it keeps from one call to the next is in containers of base/state_memory.h, so that it counts against the limits
// of its job.
class Operator {
 public:
  virtual ~Operator() = default;

  // Takes a batch of at most kBatchRowsMax rows that came in by `port`.
  virtual Status process(int port, const columnar::ChangeBatch& batch, Output& out) = 0;

  // True while the answer to the last batch has left only in part: a row of a join may have a million partners. Then
  // nothing is called but resume(), whenever there is room downstream, until it is false.
  virtual bool unfinished() const { return false; }
  virtual Status resume(Output& /*out*/) { return {}; }

  // The minimum watermark of all ports has risen to `watermark`.
  virtual Result<Progress> on_watermark(EventTime /*watermark*/, Output& /*out*/) { return Progress::kDone; }

  // The watermark of the rows that it emits after on_watermark(`watermark`) is done: earlier, where it holds rows back
  // longer than that, as an interval join does. Must not fall when `watermark` rises, and kMaxEventTime stays that.
  virtual EventTime output_watermark(EventTime watermark) const { return watermark; }
  // Whether that is always the watermark that came in, and idle when that was.
  virtual bool passes_watermarks() const { return true; }
  // True where that watermark is a clock's: it is asked for before each barrier too, and the output is never idle.
  virtual bool keeps_time() const { return false; }

  // When, by the clock, it will have something to do at a barrier although nothing has come: an epoch begins then.
  // Asked for after each barrier; microseconds since 1970.
  virtual std::optional<int64_t> wake_at_us() const { return std::nullopt; }

  // The epoch is complete on all ports: an operator with state emits the net change since the last barrier.
  virtual Result<Progress> on_barrier(Epoch /*epoch*/, Output& /*out*/) { return Progress::kDone; }

  // All ports have ended; comes after on_watermark(kMaxEventTime) and a last on_barrier().
  virtual Result<Progress> on_end(Output& /*out*/) { return Progress::kDone; }

  // True once it will neither look at another row nor emit one, as a LIMIT that has given its rows. What still comes in
  // is dropped, and sources whose rows nobody else wants end early.
  virtual bool done() const { return false; }

  // False while an outside reader or writer (a result cursor, a sink) cannot take more: the task then waits until the
  // waker is called. The waker may be called from any thread, and more often than needed.
  virtual bool can_accept() const { return true; }
  virtual void set_waker(std::function<void()> /*waker*/) {}
};

// Where a source's rows and watermarks go. Emitting a batch without rows says that something was read which gave none:
// a barrier follows it too.
class SourceOutput : public Output {
 public:
  // It comes behind the batches that were emitted before it, and before those that follow. `watermark` may repeat or go
  // back; the task forwards only what advances.
  virtual void watermark(Watermark watermark) = 0;
};

enum class SourceState : uint8_t {
  kMore,     // poll again: there is more to read now
  kWaiting,  // nothing now; the waker will be called
  kPaused,   // the same, but there is more that was there from the beginning, as when a rate holds it back
  kEnded,    // a bounded source has given everything
};

// Whether the source has given all that was there when it began.
constexpr bool is_loaded(SourceState state) { return state == SourceState::kWaiting || state == SourceState::kEnded; }

class Source {
 public:
  virtual ~Source() = default;

  // Reads a bounded amount (a few batches) and emits it.
  virtual Result<SourceState> poll(SourceOutput& out) = 0;

  // Called once before the first poll. The waker may be called from any thread.
  virtual void set_waker(std::function<void()> waker) = 0;

  // False while what it has given belongs together with what comes next: then it has more to read now, and no barrier
  // is sent in between, unless nobody takes its rows any more.
  virtual bool at_boundary() const { return true; }

  // Nobody takes its rows any more: it is polled no longer.
  virtual void on_refused() {}
  // It has to come to where it was before a restart, and is polled until then though nobody takes its rows.
  virtual bool holding() const { return false; }

  // A barrier is about to be sent after all that was polled so far: the source notes its positions for `epoch`.
  virtual Status on_barrier(Epoch /*epoch*/) { return {}; }
};

}  // namespace penstock::exec
