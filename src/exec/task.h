// A task: one instance of a fragment, driven by one worker at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/epoch.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/state_memory.h"
#include "base/time.h"
#include "exec/edge_checker.h"
#include "exec/epoch_coordinator.h"
#include "exec/exchange.h"
#include "exec/input_gate.h"
#include "exec/message.h"
#include "exec/operator.h"
#include "exec/task_handle.h"
#include "types/type.h"

namespace penstock::exec {

// What the tasks of a job share. Outlives them.
struct JobContext {
  EpochCoordinator* epochs = nullptr;
  std::atomic<bool> stopping{false};
  // Called with the first error of a task, which then ends; stops the others.
  std::function<void(Error)> fail;
  // What the state of all tasks may take; null: anything.
  MemoryBudget* state = nullptr;
  // Why so many more bytes were refused.
  std::function<Error(size_t bytes)> state_error;
};

// Takes messages from a source or a gate, and passes them through the operators of its chain to its output edges.
//
// Called by one worker at a time, but for the counters. A loop calls the operators in turn, the last one that has
// something waiting first, so operators never call each other and at most the outputs of one call wait anywhere. A
// control message reaches an operator when everything before it has been processed.
class Task : public Runnable {
 public:
  struct Parts {
    std::string name;
    // Either a source, by its number among the sources of the job, or a gate.
    std::unique_ptr<Source> source;
    size_t source_number = 0;
    bool loads = false;  // see FragmentSpec
    std::unique_ptr<InputGate> gate;
    std::vector<std::unique_ptr<Operator>> chain;
    std::vector<int64_t> state_bytes;  // of each, as it was made
    std::vector<Exchange> outputs;
    // Of the input of each operator, and last of the output; what has none is not checked.
    std::vector<std::optional<types::Schema>> schemas;
    bool from_the_beginning = true;  // see EdgeChecker
  };

  Task(JobContext& job, Parts parts);

  // Hands the waker to the source and operators. Before the first turn.
  void connect(const std::shared_ptr<TaskHandle>& handle);

  Turn run_turn() override;

  // Destroys the operators. After the last turn.
  void drop_state();

  bool has_outputs() const { return !outputs_.empty(); }
  // Thread-safe.
  uint64_t rows_in() const { return rows_in_.load(std::memory_order_relaxed); }
  uint64_t rows_out() const { return rows_out_.load(std::memory_order_relaxed); }
  EventTime watermark() const { return EventTime(watermark_.load(std::memory_order_relaxed)); }
  // When an operator of the chain wants an epoch to begin, by the clock; kNoWake: none does. See
  // Operator::wake_at_us().
  int64_t wake_at_us() const { return wake_at_us_.load(std::memory_order_relaxed); }
  // What the operators of the chain hold (base/state_memory.h), one after the other.
  std::vector<size_t> state_bytes() const;

 private:
  enum class Step : uint8_t { kProgress, kBlocked, kEnded };

  // Adds what a call of an operator makes of its state to the count of its stage.
  class StateCount {
   public:
    StateCount(Task& task, size_t stage) : task_(task), stage_(stage) {}
    ~StateCount() { task_.add_state(stage_, meter_.bytes()); }
    StateCount(const StateCount&) = delete;
    StateCount& operator=(const StateCount&) = delete;

   private:
    Task& task_;
    const size_t stage_;
    const StateMeter meter_;
  };

  // Collects what an operator emits, as input of stage `stage`.
  class StageOutput : public Output {
   public:
    StageOutput(Task& task, size_t stage) : task_(task), stage_(stage) {}
    void emit(columnar::ChangeBatch batch) override { task_.accept(stage_, std::move(batch)); }

   private:
    Task& task_;
    size_t stage_;
  };

  // Collects what a source emits in a poll.
  class PollOutput : public SourceOutput {
   public:
    explicit PollOutput(Task& task) : task_(task) {}
    void emit(columnar::ChangeBatch batch) override;
    void watermark(Watermark watermark) override;

   private:
    Task& task_;
  };

  // A control message on its way through the chain.
  struct Control {
    Message message;
    size_t stage = 0;  // of the operator that it has come to
    int end_phase = 0;
    bool checked = false;  // at this stage
  };

  // Drops the input of the first `stages` stages from now on, and tells upstream.
  void refuse_data(size_t stages);
  // Does the next small piece of work.
  Result<Step> step();
  Result<Step> process(size_t stage);
  Result<Step> resume(size_t stage);
  Result<Step> advance_control();
  Result<Progress> call_operator(size_t stage);
  // Gives the operator the watermark, which becomes that of its output.
  Result<Progress> pass_watermark(size_t stage, Watermark& watermark);
  // The three calls that EndOfInput stands for, one after the other.
  Result<Progress> call_operator_at_end(size_t stage);
  // A control message has come from a source or the gate.
  void begin_control(Message message);
  // The control message has passed the chain.
  Result<Step> leave(const Message& message);
  // Asks the operators when they want to be woken.
  void note_wake();
  Result<Step> poll_gate();
  Result<Step> poll_source();
  // Passes on the next message of what the source has emitted.
  void take_polled();
  // Takes a batch as input of a stage; that after the last operator are the outputs.
  void accept(size_t stage, columnar::ChangeBatch batch);
  void send(const columnar::ChangeBatch& batch);
  // In checked builds: whether what becomes the input of a stage keeps the rules of a stream.
  Status check(size_t stage, const Message& message);
  // The same for a batch; the task ends with what is wrong.
  void check_batch(size_t stage, const columnar::ChangeBatch& batch);
  void add_state(size_t stage, int64_t bytes);
  // Charges the state to the budget of the job; gives how many more bytes were refused.
  size_t reserve_state();

  JobContext& job_;
  const std::string name_;
  const std::unique_ptr<Source> source_;
  const size_t source_number_;
  const bool loads_;
  const std::unique_ptr<InputGate> gate_;
  std::vector<std::unique_ptr<Operator>> chain_;
  std::vector<Exchange> outputs_;
  std::vector<std::optional<EdgeChecker>> checkers_;  // by stage, as schemas in Parts; empty but in checked builds

  std::vector<StageOutput> stage_outputs_;  // [i]: what becomes the input of stage i
  PollOutput poll_output_{*this};
  struct Waiting {
    int port;
    columnar::ChangeBatch batch;
  };
  std::vector<std::deque<Waiting>> inputs_;  // by stage
  std::optional<Control> control_;
  std::optional<Message> behind_;           // the barrier that comes behind the watermark in control_
  std::deque<Message> polled_;              // batches and watermarks of the last poll, in order
  Watermark polled_watermark_;              // the last of all
  std::optional<Error> emit_error_;         // found by a checker
  size_t refused_stages_ = 0;               // stages that take no more data
  std::vector<bool> unfinished_;            // by stage: its operator has more to emit for its last batch
  std::vector<EventTime> seen_watermarks_;  // by stage: the last that its operator was given
  bool keeps_time_ = false;                 // an operator of the chain does
  Watermark input_watermark_;               // the last that came in
  Watermark sent_watermark_;
  Epoch last_epoch_;
  bool source_ended_ = false;
  bool ended_ = false;
  bool emitted_ = false;  // by the poll of the source that is running: a batch, or a new watermark
  std::atomic<uint64_t> rows_in_{0};
  std::atomic<uint64_t> rows_out_{0};
  std::atomic<int64_t> watermark_{kMinEventTime.value()};
  std::atomic<int64_t> wake_at_us_{kNoWake};
  std::vector<std::atomic<int64_t>> state_bytes_;  // by stage
  int64_t state_bytes_total_ = 0;
  MemoryReservation reserved_;
};

}  // namespace penstock::exec
