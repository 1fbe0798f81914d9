#include "engine/stream_job.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/logging.h"
#include "base/state_memory.h"
#include "base/time.h"
#include "engine/view_source.h"

namespace penstock::engine {

namespace {

constexpr int64_t kRateSampleUs = 500'000;

class ViewSink : public exec::Operator {
 public:
  explicit ViewSink(std::shared_ptr<view::View> view) : view_(std::move(view)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    pending_.push_back(batch);
    bytes_ += batch.bytes_with_texts();
    counted_.set(bytes_);
    return {};
  }
  Result<exec::Progress> on_barrier(Epoch epoch, exec::Output& /*out*/) override {
    for (columnar::ChangeBatch& batch : pending_) view_->stage(epoch, std::move(batch));
    pending_.clear();
    bytes_ = 0;
    counted_.set(bytes_);
    return exec::Progress::kDone;
  }

 private:
  const std::shared_ptr<view::View> view_;
  std::vector<columnar::ChangeBatch> pending_;  // of the epoch that runs
  size_t bytes_ = 0;                            // of these
  StateBytes counted_;
};

std::string_view kind_name(StreamJob::Kind kind) {
  switch (kind) {
    case StreamJob::Kind::kView: return "view";
    case StreamJob::Kind::kInsert: return "insert";
    case StreamJob::Kind::kAlert: return "alert";
  }
  return "view";
}

}  // namespace

std::unique_ptr<exec::Operator> make_view_sink(std::shared_ptr<view::View> view) {
  return std::make_unique<ViewSink>(std::move(view));
}

Result<std::unique_ptr<StreamJob>> StreamJob::start(Options options, GraphContext context) {
  auto stream = std::unique_ptr<StreamJob>(new StreamJob(std::move(options)));
  StreamJob& self = *stream;
  self.late_dropped_ = &self.options_.metrics->counter("penstock_engine_late_dropped_total",
                                                       "Rows dropped because they came after their window was closed.",
                                                       self.metric_labels());
  context.late_dropped = self.late_dropped_;
  context.keep_late_rows = [&self](LateRowsOptions late) {
    self.late_rows_.push_back(std::make_shared<LateRowStore>(std::move(late)));
    return self.late_rows_.back();
  };
  if (self.options_.strict) {
    self.strict_letters_ = std::make_unique<StrictLetters>();
    context.connectors.dead_letters = self.strict_letters_.get();
  }
  Counter& beyond = self.options_.metrics->counter(
      "penstock_engine_rows_beyond_dead_letters_total",
      "Rows that could not be computed, beyond those that are dead letters.", self.metric_labels());
  const auto limit = std::make_shared<RowLetterLimit>(RowLetterLimit::Options{
      .job = self.options_.name, .rows_max = self.options_.row_dead_letters_per_s_max, .beyond = &beyond});
  context.keep_failed_rows = [job = self.options_.name, limit, letters = context.connectors.dead_letters](
                                 std::string op, const types::Schema& schema) -> std::shared_ptr<exec::FailedRows> {
    return std::make_shared<FailedRowLetters>(job, std::move(op), schema, *letters, limit);
  };
  self.too_far_ahead_ =
      &self.options_.metrics->counter("penstock_engine_too_far_ahead_total",
                                      "Rows that did not move the watermark because they were too far ahead of the "
                                      "clock.",
                                      self.metric_labels());
  context.too_far_ahead = self.too_far_ahead_;
  if (self.options_.sink != nullptr) {
    context.keeps_positions = true;
    KeptPositions kept = check_topics(self.options_.sink->committed(), [&](const std::string& name) {
      const std::optional<log::TopicInfo> topic = context.connectors.log->topic(name);
      return topic ? std::optional(topic->id) : std::nullopt;
    });
    connector::Positions committed = std::move(kept.valid);
    self.forgotten_ = std::move(kept.gone);
    if (follows_clock(*self.options_.plan)) {
      self.epoch_clock_ = std::make_shared<EpochClock>(context.now_us, committed);
      context.epoch_clock_us = [clock = self.epoch_clock_](Epoch epoch) { return clock->at(epoch); };
    }
    self.has_state_ = has_state(*self.options_.plan);
    if (!committed.empty() && self.has_state_) {
      self.hold_ = committed;
      if (reads_clock(*self.options_.plan)) {
        self.clock_held_ = std::make_shared<std::atomic<bool>>(true);
        context.processing_time_us = [held = self.clock_held_, now_us = context.now_us] {
          return held->load(std::memory_order_relaxed) ? 0 : now_us();
        };
      }
      context.hold = std::move(committed);
      self.options_.sink->set_muted(true);
    } else {
      context.start = std::move(committed);
    }
  }
  JobGraph graph = PENSTOCK_TRY(build_graph(*self.options_.plan, context));
  self.scans_ = std::move(graph.scans);
  self.view_scans_ = std::move(graph.view_scans);
  exec::JobSpec spec;
  spec.name = self.options_.name;
  spec.fragments = std::move(graph.fragments);
  spec.state = self.options_.state;
  exec::FragmentSpec& last = spec.fragments.back();
  const std::shared_ptr<exec::FailedRows> failed_rows = context.keep_failed_rows("INSERT", self.options_.plan->schema);
  exec::NotNullOptions not_null = self.options_.not_null;
  not_null.failed_rows = failed_rows;
  append_not_null(last, std::move(not_null));
  last.append(
      [view = self.options_.view, sink = self.options_.sink, parallelism = last.parallelism,
       failed_rows](int instance) -> Result<std::unique_ptr<exec::Operator>> {
        if (sink != nullptr) {
          return sink->make_operator({.number = instance, .parallelism = parallelism, .failed_rows = failed_rows});
        }
        return make_view_sink(view);
      },
      {}, "the rows of one epoch");
  self.timer_ = context.connectors.timer;
  self.now_us_ = context.now_us;
  self.interval_us_ = emit_interval_us(*self.options_.plan);
  spec.epoch_interval_us = self.interval_us_;
  spec.loads = self.options_.view != nullptr;
  spec.on_epoch = [&self](Epoch epoch) { return self.on_epoch(epoch); };
  spec.on_finished = [&self](const Status& status) { self.on_finished(status); };
  std::unique_ptr<exec::Job> job = PENSTOCK_TRY(self.options_.executor->start(std::move(spec)));
  self.options_.metrics->callback("penstock_engine_state_bytes", "What the operators of a job hold.",
                                  self.metric_labels(),
                                  [&running = *job] { return static_cast<double>(running.stats().state_bytes); });
  if (self.strict_letters_ != nullptr) self.strict_letters_->set_job(*job);
  {
    const std::lock_guard lock(self.mutex_);
    self.job_ = std::move(job);
    if (self.options_.view != nullptr && self.options_.view->loaded()) self.job_->loaded();
  }
  self.watch_clock();
  return stream;
}

StreamJob::~StreamJob() {
  stop();
  options_.metrics->remove(metric_labels());
}

// An alert may have the name of a view.
Labels StreamJob::metric_labels() const { return {{"job", name()}, {"kind", std::string(kind_name(options_.kind))}}; }

void StreamJob::stop() {
  if (job_ == nullptr) return;
  std::array<connector::Timer::Id, 2> timers{};
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    timers = {std::exchange(interval_timer_, 0), std::exchange(clock_timer_, 0)};
  }
  for (const connector::Timer::Id timer : timers) {
    if (timer != 0) timer_->cancel(timer);
  }
  job_->stop();
  static_cast<void>(job_->wait());  // how it ended is in finished_
  if (options_.sink == nullptr) return;
  if (Status closed = options_.sink->close(); !closed) {
    logging::error("insert stopped with records that were not written",
                   {{"job", name()}, {"reason", closed.error().message()}});
  }
}

Status StreamJob::on_epoch(Epoch epoch) {
  if (strict_letters_ != nullptr) PENSTOCK_TRY(strict_letters_->status());
  connector::Positions positions;
  for (const JobScan& scan : scans_) {
    connector::ScanProgress::Noted noted = scan.progress->take(epoch);
    if (!has_state_) noted.watermark = {};  // nobody has to come to it again
    scan.place.add(std::move(noted), positions);
  }
  if (epoch_clock_ != nullptr) epoch_clock_->add_to(positions, epoch);
  for (const JobScan& scan : scans_) add_topics(scan.progress->topics(), positions);
  if (options_.view != nullptr) PENSTOCK_TRY(options_.view->publish(epoch));
  if (options_.sink != nullptr) {
    if (hold_) {
      // What was written before the restart has been read again up to its very end; from here on it is new.
      const bool reached = std::ranges::all_of(*hold_, [&](const auto& held) {
        return std::ranges::any_of(positions,
                                   [&](const auto& p) { return p.first == held.first && p.second >= held.second; });
      });
      if (!reached) {
        hurry();  // what is read again was emitted in its time
        return {};
      }
      // The windows of what was read again close before anything is written.
      if (clock_held_ != nullptr && clock_held_->exchange(false, std::memory_order_relaxed)) {
        closes_replayed_ = true;
        hurry();
        watch_clock();
        return {};
      }
      closes_replayed_ = false;
      hold_.reset();
      if (epoch_clock_ != nullptr) epoch_clock_->release();
      options_.sink->set_muted(false);
      for (const JobScan& scan : scans_) scan.progress->release();
    }
    connector::Positions committed = std::exchange(forgotten_, {});
    committed.insert(committed.end(), positions.begin(), positions.end());
    PENSTOCK_TRY(options_.sink->commit(epoch, committed));
  }
  for (const auto& scan : view_scans_) scan->complete(epoch);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, offset] : positions) covered_[partition] = offset;
    for (const JobScan& scan : scans_) {
      if (scan.progress->refused()) cover(scan);
    }
    covered_epoch_ = epoch;
    epoch_at_us_ = monotonic_time_us();
    watch_interval();
  }
  note_loaded();
  watch_clock();
  return {};
}

void StreamJob::cover(const JobScan& scan) {
  connector::Positions all;
  scan.place.add({.positions = scan.progress->ends(), .watermark = {}}, all);
  for (const auto& [partition, offset] : all) covered_[partition] = log::Offset(std::numeric_limits<int64_t>::max());
}

void StreamJob::note_loaded() {
  if (options_.view == nullptr || options_.view->loaded()) return;
  const bool inputs = std::ranges::all_of(view_scans_, [](const auto& scan) { return scan->view().loaded(); });
  if (!to_load_ && inputs) to_load_ = ends();
  if (!to_load_ || !covers(*to_load_)) return;
  options_.view->set_loaded();
  const std::lock_guard lock(mutex_);
  if (job_ != nullptr) job_->loaded();  // else start() says it
}

void StreamJob::watch_clock() {
  connector::Timer::Id replaced = 0;
  {
    const std::lock_guard lock(mutex_);
    // start() calls this when the job is there.
    if (job_ == nullptr) return;
    const bool stands = epoch_clock_ != nullptr && epoch_clock_->held();
    wake_at_us_ = closes_replayed_ ? now_us_() : stands ? exec::kNoWake : job_->wake_at_us();
    // One that comes too early looks again.
    if (clock_timer_ != 0 && clock_timer_at_us_ <= wake_at_us_) return;
    replaced = std::exchange(clock_timer_, 0);
    set_clock_timer();
  }
  if (replaced != 0) timer_->cancel(replaced);
}

void StreamJob::set_clock_timer() {
  if (wake_at_us_ == exec::kNoWake || stopping_) return;
  constexpr int64_t kLeastUs = 1'000;
  clock_timer_at_us_ = wake_at_us_;
  const int64_t wait_us = std::max(wake_at_us_ - now_us_(), kLeastUs);
  clock_timer_ = timer_->call_at(monotonic_time_us() + wait_us, [this, at_us = wake_at_us_] { clock_passed(at_us); });
}

void StreamJob::clock_passed(int64_t at_us) {
  const std::lock_guard lock(mutex_);
  if (at_us != clock_timer_at_us_) return;  // another one has taken its place
  clock_timer_ = 0;
  clock_timer_at_us_ = exec::kNoWake;
  // The wall clock may have been put back, or what was waited for may have come about.
  if (stopping_ || wake_at_us_ > now_us_()) return set_clock_timer();
  job_->wake_epoch();
}

void StreamJob::watch_interval() {
  if (interval_us_ == 0 || interval_timer_ != 0 || stopping_) return;
  interval_timer_ = timer_->call_at(epoch_at_us_ + interval_us_, [this] { interval_passed(); });
}

void StreamJob::interval_passed() {
  const std::lock_guard lock(mutex_);
  interval_timer_ = 0;
  if (stopping_) return;
  // Another epoch may have come meanwhile, and the job is not there before start() has ended.
  if (job_ == nullptr) epoch_at_us_ = monotonic_time_us();
  if (monotonic_time_us() < epoch_at_us_ + interval_us_) return watch_interval();
  job_->check_epoch();
}

void StreamJob::hurry() {
  const std::lock_guard lock(mutex_);
  if (interval_us_ > 0 && job_ != nullptr) job_->hurry_epoch();
}

void StreamJob::on_finished(Status status) {
  // However the job came to its end, this is why.
  if (strict_letters_ != nullptr) {
    if (Status met = strict_letters_->status(); !met) status = std::move(met);
  }
  const bool failed = !status && status.error().code() != ErrorCode::kCancelled;
  if (status && options_.view != nullptr) options_.view->end();
  if (options_.view != nullptr) options_.view->set_loaded();  // as far as it will ever be
  {
    const std::lock_guard lock(mutex_);
    finished_ = status;
  }
  if (!failed) return;
  logging::error("job failed", {{"job", name()}, {"reason", status.error().to_string()}});
  if (options_.on_failed) options_.on_failed();
}

StreamJob::Frontier StreamJob::ends() const {
  Frontier ends;
  for (const JobScan& scan : scans_) {
    if (scan.progress->refused()) continue;
    connector::Positions positions;
    scan.place.add({.positions = scan.progress->ends(), .watermark = {}}, positions);
    ends.offsets.insert(positions.begin(), positions.end());
  }
  for (const auto& scan : view_scans_) ends.view_epochs.push_back(scan->view().changed_epoch());
  return ends;
}

bool StreamJob::covers(const Frontier& ends) const {
  for (size_t i = 0; i < view_scans_.size(); ++i) {
    if (view_scans_[i]->covered() < ends.view_epochs[i]) return false;
  }
  const std::lock_guard lock(mutex_);
  return std::ranges::all_of(ends.offsets, [&](const auto& end) {
    const auto it = covered_.find(end.first);
    return it != covered_.end() && it->second >= end.second;
  });
}

Epoch StreamJob::covered_epoch() const {
  const std::lock_guard lock(mutex_);
  return covered_epoch_;
}

bool StreamJob::at_end() const {
  return std::ranges::all_of(scans_,
                             [](const JobScan& scan) { return scan.progress->ended() || scan.progress->refused(); }) &&
         std::ranges::all_of(view_scans_, [](const auto& scan) { return scan->view().ended(); });
}

bool StreamJob::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_.has_value();
}

bool StreamJob::reads(const view::View& view) const {
  return std::ranges::any_of(view_scans_, [&](const auto& scan) { return &scan->view() == &view; });
}

bool StreamJob::failed() const {
  const std::lock_guard lock(mutex_);
  return finished_ && !*finished_ && finished_->error().code() != ErrorCode::kCancelled;
}

void StreamJob::sample_rate(JobStatus& status, int64_t now_us) {
  const std::lock_guard lock(mutex_);
  const int64_t passed_us = now_us - sampled_at_us_;
  if (passed_us >= kRateSampleUs) {
    const auto events = static_cast<double>(status.events_in_total - sampled_events_);
    events_per_s_ = sampled_at_us_ == 0 ? 0 : events * 1e6 / static_cast<double>(passed_us);
    sampled_at_us_ = now_us;
    sampled_events_ = status.events_in_total;
  }
  status.events_in_per_s = events_per_s_;
  status.state = !finished_ ? "running" : *finished_ ? "finished" : "stopped";
  if (finished_ && !*finished_ && finished_->error().code() != ErrorCode::kCancelled) {
    status.state = "failed";
    status.error = finished_->error().to_string();
  }
}

std::string StreamJob::name() const {
  const std::lock_guard lock(mutex_);
  return name_;
}

void StreamJob::rename(std::string name) {
  const Labels old_labels = metric_labels();
  {
    const std::lock_guard lock(mutex_);
    name_ = std::move(name);
  }
  options_.metrics->relabel(old_labels, metric_labels());
}

JobStatus StreamJob::status() {
  const exec::JobStats stats = job_->stats();
  JobStatus status;
  status.id = options_.id;
  status.name = name();
  status.kind = kind_name(options_.kind);
  for (const JobScan& scan : scans_) {
    status.events_in_total += scan.progress->records_read();
    if (!scan.progress->refused()) status.lag_events += scan.progress->lag();
  }
  if (scans_.empty()) status.events_in_total = stats.rows_in;
  status.rows_out_total = options_.sink != nullptr ? options_.sink->rows_written() : stats.rows_out;
  if (stats.watermark != kMinEventTime && stats.watermark != kMaxEventTime) status.watermark = stats.watermark;
  status.late_dropped_total = late_dropped_->value();
  status.too_far_ahead_total = too_far_ahead_->value();
  status.state_bytes = stats.state_bytes;
  sample_rate(status, monotonic_time_us());
  return status;
}

}  // namespace penstock::engine
