#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "exec/channel.h"
#include "exec/epoch_coordinator.h"
#include "exec/job.h"
#include "exec/task.h"
#include "exec/worker.h"

namespace penstock::exec {

namespace {

Error bad_spec(const JobSpec& spec, const FragmentSpec& fragment, std::string_view what) {
  return make_error(ErrorCode::kInternal, "job {}, fragment {}: {}", spec.name, fragment.name, what);
}

// A fragment that does not fit the others would deadlock or crash later.
Status validate(const JobSpec& spec) {
  if (spec.fragments.empty()) return make_error(ErrorCode::kInternal, "job {} has no fragments", spec.name);
  for (size_t i = 0; i < spec.fragments.size(); ++i) {
    const FragmentSpec& fragment = spec.fragments[i];
    if (fragment.parallelism < 1 || fragment.parallelism > columnar::kVnodes) {
      return bad_spec(spec, fragment, fmt::format("parallelism {}", fragment.parallelism));
    }
    if ((fragment.source != nullptr) == !fragment.inputs.empty()) {
      return bad_spec(spec, fragment, "exactly one of a source and inputs is needed");
    }
    for (const EdgeSpec& edge : fragment.inputs) {
      if (edge.from < 0 || static_cast<size_t>(edge.from) >= i) {
        return bad_spec(spec, fragment, "an edge does not come from an earlier fragment");
      }
      const FragmentSpec& from = spec.fragments[static_cast<size_t>(edge.from)];
      if (edge.partitioning == Partitioning::kForward && from.parallelism != fragment.parallelism) {
        return bad_spec(spec, fragment, "a forward edge joins fragments of different parallelism");
      }
      for (int key : edge.keys) {
        if (key < 0 || static_cast<size_t>(key) >= from.output_schema.size()) {
          return bad_spec(spec, fragment, fmt::format("key column {} does not exist", key));
        }
      }
    }
  }
  return {};
}

// Which watermarks a stream has: those that an instance of a fragment gives.
struct WatermarkOrigin {
  size_t fragment = 0;
  size_t instance = 0;
  auto operator<=>(const WatermarkOrigin&) const = default;
};

// What the tasks of a job need while any of them runs; its handle may be gone earlier only after the last turn.
class JobState : public RunnableOwner {
 public:
  explicit JobState(JobSpec spec) : spec_(std::move(spec)) {
    context_.fail = [this](Error error) { fail(std::move(error)); };
    if (spec_.state.budget == nullptr) return;
    state_.emplace(spec_.state.name, spec_.state.bytes_max, spec_.state.budget);
    context_.state = &*state_;
    context_.state_error = [this](size_t bytes) { return state_error(bytes); };
  }

  // Makes sources, operators, channels and tasks. Nothing runs before launch().
  Status build(const ExecutorOptions& options, WorkerPool& workers, size_t first_worker);
  void launch(const std::shared_ptr<JobState>& self);

  void stop();
  void fail(Error error);
  void on_done() override;
  Status wait();
  bool finished() const { return finished_.load(std::memory_order_acquire); }
  JobStats stats() const;
  int64_t wake_at_us() const;
  EpochCoordinator& epochs() { return *epochs_; }
  // Destroys sources and operators, once finished.
  void clear();

 private:
  using Grid = std::vector<std::vector<std::unique_ptr<Channel>>>;  // [producer instance][consumer instance]

  Result<Task::Parts> make_parts(size_t fragment_index, size_t instance);
  std::unique_ptr<InputGate> make_gate(size_t fragment_index, size_t instance);
  // Of what an instance with this chain gives.
  WatermarkOrigin origin_of_output(size_t fragment_index, size_t instance,
                                   const std::vector<std::unique_ptr<Operator>>& chain) const;
  void connect_channels(size_t fragment_index, const ExecutorOptions& options);
  void make_coordinator(const ExecutorOptions& options);
  Error state_error(size_t refused_bytes) const;

  const JobSpec spec_;
  std::optional<MemoryBudget> state_;  // what the operators may hold
  JobContext context_;
  std::unique_ptr<EpochCoordinator> epochs_;
  std::vector<std::vector<std::shared_ptr<TaskHandle>>> handles_;  // [fragment][instance]
  std::vector<std::vector<Grid>> channels_;                        // [fragment][input port]
  std::vector<std::vector<WatermarkOrigin>> origins_;              // [fragment][instance], of those made so far
  std::vector<bool> goes_on_;  // of each fragment, whether rows of a source come to it that goes on
  std::vector<std::unique_ptr<Task>> tasks_;
  std::vector<size_t> task_fragments_;     // as tasks_
  std::vector<TaskHandle*> task_handles_;  // likewise
  std::vector<std::shared_ptr<TaskHandle>> source_handles_;
  std::vector<size_t> loading_sources_;
  std::atomic<size_t> running_{0};
  std::atomic<bool> finished_{false};

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  std::optional<Error> error_;
  std::optional<Status> status_;
};

void JobState::connect_channels(size_t fragment_index, const ExecutorOptions& options) {
  const FragmentSpec& fragment = spec_.fragments[fragment_index];
  std::vector<Grid> ports;
  for (const EdgeSpec& edge : fragment.inputs) {
    const auto from = static_cast<size_t>(edge.from);
    Grid grid(handles_[from].size());
    for (size_t producer = 0; producer < grid.size(); ++producer) {
      grid[producer].resize(handles_[fragment_index].size());
      for (size_t consumer = 0; consumer < grid[producer].size(); ++consumer) {
        if (edge.partitioning == Partitioning::kForward && producer != consumer) continue;
        auto channel = std::make_unique<Channel>(static_cast<size_t>(options.channel_messages_max));
        channel->connect(handles_[from][producer], handles_[fragment_index][consumer]);
        grid[producer][consumer] = std::move(channel);
      }
    }
    ports.push_back(std::move(grid));
  }
  channels_.push_back(std::move(ports));
}

WatermarkOrigin JobState::origin_of_output(size_t fragment_index, size_t instance,
                                           const std::vector<std::unique_ptr<Operator>>& chain) const {
  const FragmentSpec& fragment = spec_.fragments[fragment_index];
  const WatermarkOrigin own{.fragment = fragment_index, .instance = instance};
  if (fragment.loaded_input || !std::ranges::all_of(chain, [](const auto& op) { return op->passes_watermarks(); })) {
    return own;
  }
  // What is made of the watermarks of several instances depends on the order in which they come, so it is one of its
  // own.
  std::optional<WatermarkOrigin> common;
  for (const EdgeSpec& edge : fragment.inputs) {
    const std::vector<WatermarkOrigin>& all = origins_[static_cast<size_t>(edge.from)];
    const bool forward = edge.partitioning == Partitioning::kForward;
    for (const WatermarkOrigin& origin : forward ? std::span(all).subspan(instance, 1) : std::span(all)) {
      if (common.value_or(origin) != origin) return own;
      common = origin;
    }
  }
  return common.value_or(own);
}

std::unique_ptr<InputGate> JobState::make_gate(size_t fragment_index, size_t instance) {
  const FragmentSpec& fragment = spec_.fragments[fragment_index];
  std::map<WatermarkOrigin, size_t> steps;
  std::vector<std::vector<InputGate::Input>> ports;
  for (size_t i = 0; i < fragment.inputs.size(); ++i) {
    std::vector<InputGate::Input>& port = ports.emplace_back();
    const Grid& grid = channels_[fragment_index][i];
    const std::vector<WatermarkOrigin>& origins = origins_[static_cast<size_t>(fragment.inputs[i].from)];
    for (size_t producer = 0; producer < grid.size(); ++producer) {
      Channel* const channel = grid[producer][instance].get();
      if (channel == nullptr) continue;
      const size_t step = steps.try_emplace(origins[producer], steps.size()).first->second;
      port.push_back({.channel = channel, .step = step});
    }
  }
  return std::make_unique<InputGate>(ports, fragment.loaded_input);
}

Result<Task::Parts> JobState::make_parts(size_t fragment_index, size_t instance) {
  const FragmentSpec& fragment = spec_.fragments[fragment_index];
  Task::Parts parts;
  parts.name = fragment.name;
  parts.schemas = fragment.chain_inputs;
  parts.schemas.resize(fragment.chain.size());
  parts.schemas.emplace_back(fragment.output_schema);
  parts.from_the_beginning = !goes_on_[fragment_index];
  if (fragment.source) {
    parts.source = PENSTOCK_TRY(fragment.source(static_cast<int>(instance)));
    parts.source_number = source_handles_.size();
    parts.loads = fragment.loads;
    if (fragment.loads) loading_sources_.push_back(parts.source_number);
    source_handles_.push_back(handles_[fragment_index][instance]);
  } else {
    parts.gate = make_gate(fragment_index, instance);
  }
  for (const auto& make : fragment.chain) {
    const StateMeter meter;
    parts.chain.push_back(PENSTOCK_TRY(make(static_cast<int>(instance))));
    parts.state_bytes.push_back(meter.bytes());
  }
  origins_[fragment_index].push_back(origin_of_output(fragment_index, instance, parts.chain));
  for (size_t consumer = fragment_index + 1; consumer < spec_.fragments.size(); ++consumer) {
    const std::vector<EdgeSpec>& inputs = spec_.fragments[consumer].inputs;
    for (size_t port = 0; port < inputs.size(); ++port) {
      if (static_cast<size_t>(inputs[port].from) != fragment_index) continue;
      std::vector<Channel*> targets;
      for (const std::unique_ptr<Channel>& channel : channels_[consumer][port][instance]) {
        if (channel != nullptr) targets.push_back(channel.get());
      }
      parts.outputs.emplace_back(inputs[port].partitioning, inputs[port].keys, std::move(targets));
    }
  }
  return parts;
}

void JobState::make_coordinator(const ExecutorOptions& options) {
  EpochCoordinator::Options epochs;
  epochs.sources = source_handles_.size();
  epochs.sinks = static_cast<size_t>(std::ranges::count_if(tasks_, [](auto& task) { return !task->has_outputs(); }));
  epochs.one_epoch = spec_.one_epoch;
  epochs.loading_sources = loading_sources_;
  epochs.busy_interval_us = options.epoch_interval_busy_us;
  epochs.interval_us = spec_.epoch_interval_us;
  epochs.loads = spec_.loads;
  epochs.on_epoch = spec_.on_epoch;
  epochs.wake_sources = [this] {
    for (const std::shared_ptr<TaskHandle>& handle : source_handles_) handle->wake();
  };
  if (options.metrics != nullptr) {
    epochs.duration_us = &options.metrics->histogram("penstock_exec_epoch_duration_seconds",
                                                     "From a barrier's request to the end of its epoch", {}, 1e-6);
  }
  epochs_ = std::make_unique<EpochCoordinator>(std::move(epochs));
  context_.epochs = epochs_.get();
}

Status JobState::build(const ExecutorOptions& options, WorkerPool& workers, size_t first_worker) {
  PENSTOCK_TRY(validate(spec_));
  for (const FragmentSpec& fragment : spec_.fragments) {
    goes_on_.push_back(fragment.goes_on || std::ranges::any_of(fragment.inputs, [&](const EdgeSpec& edge) {
                         return goes_on_[static_cast<size_t>(edge.from)];
                       }));
    std::vector<std::shared_ptr<TaskHandle>>& handles = handles_.emplace_back();
    for (int instance = 0; instance < fragment.parallelism; ++instance) {
      const size_t worker = (first_worker + static_cast<size_t>(instance)) % workers.size();
      handles.push_back(std::make_shared<TaskHandle>(workers.worker(worker)));
    }
  }
  for (size_t i = 0; i < spec_.fragments.size(); ++i) connect_channels(i, options);
  origins_.resize(spec_.fragments.size());
  for (size_t i = 0; i < spec_.fragments.size(); ++i) {
    for (size_t instance = 0; instance < handles_[i].size(); ++instance) {
      tasks_.push_back(std::make_unique<Task>(context_, PENSTOCK_TRY(make_parts(i, instance))));
      task_fragments_.push_back(i);
      task_handles_.push_back(handles_[i][instance].get());
      tasks_.back()->connect(handles_[i][instance]);
    }
  }
  make_coordinator(options);
  return {};
}

void JobState::launch(const std::shared_ptr<JobState>& self) {
  running_.store(tasks_.size(), std::memory_order_relaxed);
  for (size_t i = 0; i < tasks_.size(); ++i) task_handles_[i]->launch(*tasks_[i], self);
}

void JobState::stop() {
  context_.stopping.store(true, std::memory_order_release);
  for (const auto& handles : handles_) {
    for (const std::shared_ptr<TaskHandle>& handle : handles) handle->wake();
  }
}

void JobState::fail(Error error) {
  {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  stop();
}

Error JobState::state_error(size_t refused_bytes) const {
  std::map<std::pair<size_t, size_t>, size_t> held;  // by fragment and place in its chain
  size_t total = 0;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const std::vector<size_t> stages = tasks_[i]->state_bytes();
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      held[{task_fragments_[i], stage}] += stages[stage];
      total += stages[stage];
    }
  }
  const auto largest = std::ranges::max_element(held, {}, [](const auto& one) { return one.second; });
  const auto [fragment, stage] = largest->first;
  const std::vector<std::string>& names = spec_.fragments[fragment].chain_names;
  const bool named = stage < names.size() && !names[stage].empty();
  const std::string& name = named ? names[stage] : spec_.fragments[fragment].name;
  const MemoryBudget& limit = state_->refusing(refused_bytes);
  return make_error(ErrorCode::kOutOfMemory,
                    "the limit {} of {} bytes is reached: job {} holds {} bytes of state, {} of them in {}",
                    limit.name(), limit.limit_bytes(), spec_.name, total, largest->second, name)
      .hint(fmt::format("bound the state by a window, a condition on the time, fewer keys or a LIMIT, or raise {}",
                        limit.name()));
}

void JobState::on_done() {
  if (running_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  bool failed = false;
  Status status;
  {
    std::lock_guard lock(mutex_);
    failed = error_.has_value();
    if (error_) {
      status = *error_;
    } else if (!epochs_->finished()) {
      status = make_error(ErrorCode::kCancelled, "job {} was stopped", spec_.name);
    }
  }
  // A job that has failed stays, but what it holds is for the others.
  if (failed) {
    for (const std::unique_ptr<Task>& task : tasks_) task->drop_state();
  }
  if (spec_.on_finished) spec_.on_finished(status);
  std::lock_guard lock(mutex_);
  status_ = std::move(status);
  finished_.store(true, std::memory_order_release);
  ended_.notify_all();
}

Status JobState::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return status_.has_value(); });
  return *status_;
}

JobStats JobState::stats() const {
  JobStats stats;
  EventTime watermark = kMaxEventTime;
  for (const std::unique_ptr<Task>& task : tasks_) {
    stats.rows_in += task->rows_in();
    stats.rows_out += task->rows_out();
    for (const size_t bytes : task->state_bytes()) stats.state_bytes += bytes;
    if (!task->has_outputs()) watermark = std::min(watermark, task->watermark());
  }
  stats.watermark = watermark;
  stats.epoch = epochs_->completed();
  return stats;
}

int64_t JobState::wake_at_us() const {
  int64_t earliest = kNoWake;
  for (const std::unique_ptr<Task>& task : tasks_) earliest = std::min(earliest, task->wake_at_us());
  return earliest;
}

void JobState::clear() {
  tasks_.clear();
  channels_.clear();
}

class JobHandle : public Job {
 public:
  explicit JobHandle(std::shared_ptr<JobState> state) : state_(std::move(state)) {}
  ~JobHandle() override {
    state_->stop();
    (void)state_->wait();
    state_->clear();
  }
  void stop() override { state_->stop(); }
  void fail(Error error) override { state_->fail(std::move(error)); }
  Status wait() override { return state_->wait(); }
  bool finished() const override { return state_->finished(); }
  JobStats stats() const override { return state_->stats(); }
  void check_epoch() override { state_->epochs().check(); }
  void hurry_epoch() override { state_->epochs().hurry(); }
  void loaded() override { state_->epochs().loaded(); }
  int64_t wake_at_us() const override { return state_->wake_at_us(); }
  void wake_epoch() override { state_->epochs().wake(); }

 private:
  std::shared_ptr<JobState> state_;
};

class ThreadedExecutor : public Executor {
 public:
  explicit ThreadedExecutor(ExecutorOptions options) : options_(options), workers_(options.workers) {
    PENSTOCK_CHECK(options_.workers > 0 && options_.channel_messages_max > 0, "an executor needs workers and room");
  }

  Result<std::unique_ptr<Job>> start(JobSpec spec) override {
    auto state = std::make_shared<JobState>(std::move(spec));
    const size_t first_worker = next_worker_.fetch_add(1, std::memory_order_relaxed) % workers_.size();
    PENSTOCK_TRY(state->build(options_, workers_, first_worker));
    auto job = std::make_unique<JobHandle>(state);
    state->launch(state);
    return job;
  }

  int workers() const override { return options_.workers; }

 private:
  const ExecutorOptions options_;
  WorkerPool workers_;
  // Where instance 0 of the next job begins, so that small jobs spread over the workers.
  std::atomic<size_t> next_worker_{0};
};

}  // namespace

std::unique_ptr<Executor> Executor::make(ExecutorOptions options) {
  return std::make_unique<ThreadedExecutor>(options);
}

}  // namespace penstock::exec
