#include "exec/task.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace penstock::exec {

namespace {

// Small pieces of work (mostly: one batch through one operator) until the worker's other tasks have their turn.
constexpr int kStepsPerTurn = 32;
// State is charged in steps of this size.
constexpr size_t kReservedStepBytes = size_t{64} << 10;

// These counters have one writer.
void add(std::atomic<uint64_t>& counter, uint64_t n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

}  // namespace

Task::Task(JobContext& job, Parts parts)
    : job_(job),
      name_(std::move(parts.name)),
      source_(std::move(parts.source)),
      source_number_(parts.source_number),
      loads_(parts.loads),
      gate_(std::move(parts.gate)),
      chain_(std::move(parts.chain)),
      outputs_(std::move(parts.outputs)),
      inputs_(chain_.size()),
      unfinished_(chain_.size(), false),
      seen_watermarks_(chain_.size(), kMinEventTime),
      state_bytes_(chain_.size()),
      reserved_(job.state) {
  PENSTOCK_CHECK((source_ == nullptr) != (gate_ == nullptr), "a task has a source or a gate");
  for (size_t stage = 0; stage <= chain_.size(); ++stage) stage_outputs_.emplace_back(*this, stage);
  for (size_t stage = 0; stage < chain_.size(); ++stage) add_state(stage, parts.state_bytes[stage]);
  keeps_time_ = std::ranges::any_of(chain_, [](const auto& op) { return op->keeps_time(); });
  if (!PENSTOCK_CHECKED) return;
  for (std::optional<types::Schema>& schema : parts.schemas) {
    checkers_.emplace_back();
    if (schema) checkers_.back().emplace(*std::move(schema), parts.from_the_beginning);
  }
}

void Task::connect(const std::shared_ptr<TaskHandle>& handle) {
  auto waker = [handle] { handle->wake(); };
  if (source_ != nullptr) source_->set_waker(waker);
  for (const std::unique_ptr<Operator>& op : chain_) op->set_waker(waker);
}

Turn Task::run_turn() {
  for (int i = 0; i < kStepsPerTurn; ++i) {
    if (job_.stopping.load(std::memory_order_acquire)) return Turn::kDone;
    Result<Step> result = step();
    if (result && emit_error_) result = std::move(*emit_error_);
    if (!result) {
      job_.fail(std::move(result.error()).context(name_));
      return Turn::kDone;
    }
    if (const size_t refused = reserve_state(); refused > 0) {
      job_.fail(job_.state_error(refused));
      return Turn::kDone;
    }
    if (*result == Step::kBlocked) return Turn::kWaiting;
    if (*result == Step::kEnded) return Turn::kDone;
  }
  return Turn::kMore;
}

void Task::add_state(size_t stage, int64_t bytes) {
  if (bytes == 0) return;
  state_bytes_total_ += bytes;
  std::atomic<int64_t>& count = state_bytes_[stage];
  count.store(count.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

size_t Task::reserve_state() {
  if (job_.state == nullptr) return 0;
  const auto bytes = static_cast<size_t>(std::max<int64_t>(state_bytes_total_, 0));
  const size_t wanted = (bytes + kReservedStepBytes - 1) / kReservedStepBytes * kReservedStepBytes;
  if (wanted == reserved_.bytes() || reserved_.try_resize(wanted)) return 0;
  return wanted - reserved_.bytes();
}

std::vector<size_t> Task::state_bytes() const {
  std::vector<size_t> bytes;
  for (const std::atomic<int64_t>& stage : state_bytes_) {
    bytes.push_back(static_cast<size_t>(std::max<int64_t>(stage.load(std::memory_order_relaxed), 0)));
  }
  return bytes;
}

void Task::drop_state() {
  chain_.clear();
  for (std::deque<Waiting>& waiting : inputs_) waiting.clear();
  for (std::atomic<int64_t>& stage : state_bytes_) stage.store(0, std::memory_order_relaxed);
  reserved_ = {};
}

Result<Task::Step> Task::step() {
  bool flushed = true;
  for (Exchange& output : outputs_) flushed &= output.flush();
  if (!flushed) return Step::kBlocked;
  if (ended_) return Step::kEnded;
  if (!outputs_.empty() && std::ranges::none_of(outputs_, &Exchange::data_wanted)) refuse_data(chain_.size() + 1);
  for (size_t stage = inputs_.size(); stage-- > 0;) {
    if (unfinished_[stage]) return resume(stage);
    if (!inputs_[stage].empty()) return process(stage);
  }
  if (control_) return advance_control();
  return source_ != nullptr ? poll_source() : poll_gate();
}

Result<Task::Step> Task::process(size_t stage) {
  Operator& op = *chain_[stage];
  if (!op.can_accept()) return Step::kBlocked;
  Waiting input = std::move(inputs_[stage].front());
  inputs_[stage].pop_front();
  if (outputs_.empty() && stage + 1 == chain_.size()) add(rows_out_, input.batch.rows());
  const StateCount count(*this, stage);
  PENSTOCK_TRY(op.process(input.port, input.batch, stage_outputs_[stage + 1]));
  unfinished_[stage] = op.unfinished();
  if (op.done()) refuse_data(stage + 1);
  return Step::kProgress;
}

Result<Task::Step> Task::resume(size_t stage) {
  Operator& op = *chain_[stage];
  const StateCount count(*this, stage);
  PENSTOCK_TRY(op.resume(stage_outputs_[stage + 1]));
  unfinished_[stage] = op.unfinished();
  return Step::kProgress;
}

Result<Task::Step> Task::advance_control() {
  if (control_->stage == chain_.size()) {
    Message message = std::move(control_->message);
    control_.reset();
    if (behind_) control_ = Control{*std::exchange(behind_, std::nullopt)};
    return leave(message);
  }
  if (!std::exchange(control_->checked, true)) PENSTOCK_TRY(check(control_->stage, control_->message));
  if (PENSTOCK_TRY(call_operator(control_->stage)) == Progress::kDone) {
    ++control_->stage;
    control_->end_phase = 0;
    control_->checked = false;
  }
  return Step::kProgress;
}

Result<Progress> Task::call_operator(size_t stage) {
  if (stage < refused_stages_) return Progress::kDone;  // nobody takes what it would emit
  Operator& op = *chain_[stage];
  const StateCount count(*this, stage);
  if (auto* watermark = std::get_if<Watermark>(&control_->message)) return pass_watermark(stage, *watermark);
  if (const auto* barrier = std::get_if<Barrier>(&control_->message)) {
    return op.on_barrier(barrier->epoch, stage_outputs_[stage + 1]);
  }
  return call_operator_at_end(stage);
}

Result<Progress> Task::pass_watermark(size_t stage, Watermark& watermark) {
  Operator& op = *chain_[stage];
  // It may only have become idle.
  if (watermark.time > seen_watermarks_[stage]) {
    const Progress progress = PENSTOCK_TRY(op.on_watermark(watermark.time, stage_outputs_[stage + 1]));
    if (progress == Progress::kMore) return progress;
    seen_watermarks_[stage] = watermark.time;
  }
  const EventTime output = op.output_watermark(watermark.time);
  PENSTOCK_CHECK(!op.passes_watermarks() || output == watermark.time, "an operator changes watermarks unsaid");
  watermark.time = output;
  if (op.keeps_time()) watermark.idle = false;
  return Progress::kDone;
}

Result<Progress> Task::call_operator_at_end(size_t stage) {
  Operator& op = *chain_[stage];
  StageOutput& out = stage_outputs_[stage + 1];
  Progress progress = Progress::kDone;
  switch (control_->end_phase) {
    case 0:
      if (seen_watermarks_[stage] < kMaxEventTime) progress = PENSTOCK_TRY(op.on_watermark(kMaxEventTime, out));
      break;
    case 1: progress = PENSTOCK_TRY(op.on_barrier(last_epoch_ + 1, out)); break;
    default: return op.on_end(out);
  }
  if (progress == Progress::kDone) ++control_->end_phase;
  return Progress::kMore;
}

void Task::begin_control(Message message) {
  if (const auto* watermark = std::get_if<Watermark>(&message)) input_watermark_ = *watermark;
  if (keeps_time_ && std::holds_alternative<Barrier>(message)) {
    behind_ = std::move(message);
    message = input_watermark_;
  }
  control_ = Control{std::move(message)};
}

Result<Task::Step> Task::leave(const Message& message) {
  const auto* watermark = std::get_if<Watermark>(&message);
  if (watermark != nullptr && *watermark == sent_watermark_) return Step::kProgress;
  PENSTOCK_TRY(check(chain_.size(), message));
  // Before the barrier leaves: once it has, another worker may end the epoch, and ask when the next one is wanted.
  if (watermark == nullptr) note_wake();
  for (Exchange& output : outputs_) output.send_control(message);
  if (watermark != nullptr) {
    sent_watermark_ = *watermark;
    watermark_.store(watermark->time.value(), std::memory_order_relaxed);
    return Step::kProgress;
  }
  ++last_epoch_;
  if (const auto* barrier = std::get_if<Barrier>(&message)) {
    PENSTOCK_CHECK(barrier->epoch == last_epoch_, "an epoch was left out");
  } else {
    ended_ = true;
    wake_at_us_.store(kNoWake, std::memory_order_relaxed);
    watermark_.store(kMaxEventTime.value(), std::memory_order_relaxed);
  }
  if (outputs_.empty()) PENSTOCK_TRY(job_.epochs->sink_passed());
  return Step::kProgress;
}

void Task::note_wake() {
  int64_t earliest = kNoWake;
  for (const std::unique_ptr<Operator>& op : chain_) earliest = std::min(earliest, op->wake_at_us().value_or(kNoWake));
  wake_at_us_.store(earliest, std::memory_order_relaxed);
}

Result<Task::Step> Task::poll_gate() {
  std::optional<InputGate::Event> event = gate_->poll();
  if (!event) return Step::kBlocked;
  if (auto* batch = std::get_if<columnar::ChangeBatch>(&event->message)) {
    if (refused_stages_ > 0) return Step::kProgress;
    check_batch(0, *batch);
    if (chain_.empty()) {
      send(*batch);
    } else {
      inputs_[0].push_back({event->port, std::move(*batch)});
    }
  } else {
    begin_control(std::move(event->message));
  }
  return Step::kProgress;
}

Result<Task::Step> Task::poll_source() {
  if (!polled_.empty()) {
    take_polled();
    return Step::kProgress;
  }
  const Epoch requested = job_.epochs->requested();
  const bool wanted = refused_stages_ == 0 || source_->holding();
  if (requested > last_epoch_ && (!wanted || source_->at_boundary())) {
    PENSTOCK_TRY(source_->on_barrier(requested));
    job_.epochs->source_passed(source_number_);
    begin_control(job_.epochs->is_last(requested) ? Message(EndOfInput{}) : Message(Barrier{requested}));
    return Step::kProgress;
  }
  if (source_ended_) return Step::kBlocked;
  emitted_ = false;
  SourceState state = SourceState::kEnded;
  if (wanted) {
    state = PENSTOCK_TRY(source_->poll(poll_output_));
  } else {
    source_->on_refused();
    emitted_ = true;  // an epoch ends in which that is known
  }
  source_ended_ = state == SourceState::kEnded;
  // In a job of one epoch operators emit what they keep at its end, and so have to get the end of time only then.
  const bool at_end_of_time = loads_ ? is_loaded(state) : source_ended_ && !job_.epochs->one_epoch();
  if (at_end_of_time) poll_output_.watermark({kMaxEventTime});
  const bool progress = emitted_ || state == SourceState::kMore || state == SourceState::kEnded;
  job_.epochs->source_polled(source_number_, emitted_, state);
  // The barrier may have been requested by what was just said.
  return progress || job_.epochs->requested() > last_epoch_ ? Step::kProgress : Step::kBlocked;
}

void Task::PollOutput::emit(columnar::ChangeBatch batch) {
  // A source may emit an empty batch to say that it has read something which gave no rows.
  task_.emitted_ = true;
  if (!batch.empty()) task_.polled_.emplace_back(std::move(batch));
}

void Task::PollOutput::watermark(Watermark watermark) {
  watermark.time = std::max(watermark.time, task_.polled_watermark_.time);
  if (watermark == task_.polled_watermark_) return;
  task_.polled_watermark_ = watermark;
  task_.emitted_ = true;
  // With no rows in between the later one says it all.
  if (!task_.polled_.empty() && std::holds_alternative<Watermark>(task_.polled_.back())) task_.polled_.pop_back();
  task_.polled_.emplace_back(watermark);
}

void Task::take_polled() {
  Message message = std::move(polled_.front());
  polled_.pop_front();
  if (auto* batch = std::get_if<columnar::ChangeBatch>(&message)) {
    accept(0, std::move(*batch));
  } else {
    begin_control(std::move(message));
  }
}

void Task::refuse_data(size_t stages) {
  if (stages <= refused_stages_) return;
  refused_stages_ = stages;
  for (size_t stage = 0; stage < std::min(stages, inputs_.size()); ++stage) {
    inputs_[stage].clear();
    unfinished_[stage] = false;
  }
  if (gate_ != nullptr) gate_->refuse_data();
}

void Task::accept(size_t stage, columnar::ChangeBatch batch) {
  if (batch.empty() || stage < refused_stages_) return;
  check_batch(stage, batch);
  if (stage == 0) add(rows_in_, batch.rows());
  if (stage == chain_.size()) {
    send(batch);
  } else {
    inputs_[stage].push_back({0, std::move(batch)});
  }
}

Status Task::check(size_t stage, const Message& message) {
  if (checkers_.empty() || !checkers_[stage]) return {};
  return checkers_[stage]->check(message);
}

void Task::check_batch(size_t stage, const columnar::ChangeBatch& batch) {
  if (checkers_.empty()) return;
  Status status = check(stage, batch);
  if (!status && !emit_error_) emit_error_ = std::move(status.error());
}

void Task::send(const columnar::ChangeBatch& batch) {
  if (outputs_.empty() && chain_.empty()) add(rows_out_, batch.rows());
  for (Exchange& output : outputs_) output.send(batch);
}

}  // namespace penstock::exec
