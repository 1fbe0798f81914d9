// A job: fragments of operator chains joined by exchanges, run as tasks by the workers of an Executor.
//
//   source fragment (parallelism P)  --hash(keys)-->  aggregate fragment (P)  --single-->  sink fragment (1)
//
// Barriers start at the sources when the epoch before has drained and something has happened since, and the job's
// epoch is complete when every task without outputs has passed it. The first comes at once, also when nothing has
// happened, so that an empty result is published. A source that has ended stands at the end of time and still passes
// barriers on; when all have, EndOfInput closes the last epoch everywhere.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/epoch.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/time.h"
#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

enum class Partitioning : uint8_t {
  kForward,    // instance i to instance i; equal parallelism
  kHash,       // by the vnode of the hash of `keys`
  kSingle,     // everything to instance 0
  kBroadcast,  // everything to every instance
};

struct EdgeSpec {
  int from = 0;  // index of an earlier fragment
  Partitioning partitioning = Partitioning::kForward;
  std::vector<int> keys;  // column numbers, for kHash
};

struct FragmentSpec {
  std::string name;  // for people: "scan transactions", "aggregate"
  int parallelism = 1;
  // Either a source factory, or inputs; the input edges are the ports of the chain's first operator, in order.
  std::function<Result<std::unique_ptr<Source>>(int instance)> source;
  std::vector<EdgeSpec> inputs;
  // The input that is loaded: the others are read only when its sources have given all that was there. Then its
  // watermark is at the end of time.
  std::optional<int> loaded_input;
  // Of a source that such an input comes from: no barrier is sent before it has given all that was there.
  bool loads = false;
  // Of a source that goes on where it was before a restart: it may take rows back that it gave then.
  bool goes_on = false;
  // The operators that run one after the other in the same task; may be empty after a source.
  using OperatorFactory = std::function<Result<std::unique_ptr<Operator>>(int instance)>;
  std::vector<OperatorFactory> chain;
  std::vector<std::string> chain_names;  // for people: "Aggregate"; where there is none, that of the fragment stands
  // What the last operator (or the source) emits, and what comes to each of them in the chain, where that is known and
  // comes by one port: checked builds hold what really does against it.
  types::Schema output_schema;
  std::vector<std::optional<types::Schema>> chain_inputs;

  // Puts an operator behind the others.
  void append(OperatorFactory op, types::Schema output, std::string op_name = {}) {
    chain_inputs.resize(chain.size());
    chain_inputs.emplace_back(std::exchange(output_schema, std::move(output)));
    chain.push_back(std::move(op));
    chain_names.resize(chain.size());
    chain_names.back() = std::move(op_name);
  }
};

// What the state of a job's operators may take. A job that goes over it fails, alone, with kOutOfMemory.
struct StateLimit {
  MemoryBudget* budget = nullptr;  // of all jobs together, which outlives the job; null: no limit
  size_t bytes_max = SIZE_MAX;     // of this one
  std::string name;                // of the setting that says so
};

struct JobSpec {
  std::string name;
  std::vector<FragmentSpec> fragments;  // every edge leads from an earlier to a later one
  StateLimit state;
  // No barrier but the last, when all sources have ended: what a query over bounded input wants, since then no operator
  // emits what it would have to take back.
  bool one_epoch = false;
  // The least time from one epoch to the next; somebody then calls Job::check_epoch() when it has passed.
  int64_t epoch_interval_us = 0;
  // Until Job::loaded() it holds only while there is more to read at once: what was there when the job began comes as
  // soon as it has been read.
  bool loads = false;
  // Called on a worker thread after every task has passed the epoch's barrier, in order, before the next barrier is
  // sent.
  std::function<Status(Epoch)> on_epoch;
  // Called once, on a worker thread, when no task runs any more: success when every source has ended, kCancelled after
  // stop(), or the first error of an operator. It must not destroy the Job.
  std::function<void(Status)> on_finished;
};

// Thread-safe to read while the job runs.
struct JobStats {
  uint64_t rows_in = 0;                 // emitted by sources
  uint64_t rows_out = 0;                // taken by the last operators
  EventTime watermark = kMinEventTime;  // the least over all tasks without outputs
  Epoch epoch;                          // the last complete one
  size_t state_bytes = 0;               // what the operators hold (base/state_memory.h); 0 once the job has failed
};

// A running job. Destroying it stops it and waits; sources and operators are destroyed on that thread. Thread-safe.
class Job {
 public:
  virtual ~Job() = default;
  // Asks all tasks to end without waiting for more input. Idempotent; does not wait.
  virtual void stop() = 0;
  // Ends all tasks with this error, unless there is one already. Does not wait.
  virtual void fail(Error error) = 0;
  // Begins the next epoch if it is time; hurry_epoch() does not wait for JobSpec::epoch_interval_us to pass.
  virtual void check_epoch() = 0;
  virtual void hurry_epoch() = 0;
  // See JobSpec::loads.
  virtual void loaded() = 0;
  // When, by the clock, an operator has something to do although nothing comes (Operator::wake_at_us()): somebody then
  // calls wake_epoch(). kNoWake: none. As of the last complete epoch.
  virtual int64_t wake_at_us() const = 0;
  // Begins the next epoch, as soon as it is time, although nothing has come.
  virtual void wake_epoch() = 0;
  // Waits for the end and gives on_finished's status.
  virtual Status wait() = 0;
  virtual bool finished() const = 0;
  virtual JobStats stats() const = 0;
};

struct ExecutorOptions {
  int workers = 1;
  // Messages that a channel between two tasks holds before it pushes back.
  int channel_messages_max = 16;
  // Under load the next barrier waits until this much time has passed since the last one, so that epochs stay large;
  // with nothing waiting it is sent at once.
  int64_t epoch_interval_busy_us = 50'000;
  MetricsRegistry* metrics = nullptr;
};

// Owns the worker threads. Outlives its jobs. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  static std::unique_ptr<Executor> make(ExecutorOptions options);
  virtual Result<std::unique_ptr<Job>> start(JobSpec spec) = 0;
  virtual int workers() const = 0;
};

}  // namespace penstock::exec
