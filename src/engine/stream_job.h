// A job that goes on until it is dropped: a materialized view, an INSERT, the query of an alert.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "connector/scan.h"
#include "connector/sink.h"
#include "connector/timer.h"
#include "engine/engine.h"
#include "engine/epoch_clock.h"
#include "engine/failed_rows.h"
#include "engine/job_graph.h"
#include "engine/late_rows.h"
#include "exec/job.h"
#include "plan/physical.h"
#include "view/view.h"

namespace penstock::engine {

// Thread-safe. Owned by the engine; ends its exec::Job when it goes.
class StreamJob {
 public:
  enum class Kind : uint8_t { kView, kInsert, kAlert };

  struct Options {
    int64_t id = 0;
    Kind kind = Kind::kView;
    std::string name;
    plan::PhysicalPtr plan;
    std::shared_ptr<view::View> view;       // of views and alerts
    std::shared_ptr<connector::Sink> sink;  // of inserts
    exec::NotNullOptions not_null;          // likewise
    MetricsRegistry* metrics = nullptr;
    exec::Executor* executor = nullptr;
    exec::StateLimit state;
    int row_dead_letters_per_s_max = 1'000;
    bool strict = false;              // ends with the first row that cannot be computed, or event that cannot be read
    std::function<void()> on_failed;  // on any thread
  };

  // Starts the job. `context` needs all but the counters, `keep_late_rows`, `start` and `hold`.
  static Result<std::unique_ptr<StreamJob>> start(Options options, GraphContext context);
  ~StreamJob();

  const Options& options() const { return options_; }
  // That of the options, until it gets another one; the dead letters of its rows keep the first.
  std::string name() const;
  void rename(std::string name);
  // What its operators dropped, from the sources up; fixed from start() on.
  const std::vector<std::shared_ptr<LateRowStore>>& late_rows() const { return late_rows_; }
  JobStatus status();

  // Places in what the job reads: the next offsets, by partition, and the epochs of views, in the order of the plan.
  struct Frontier {
    std::map<log::TopicPartition, log::Offset> offsets;
    std::vector<Epoch> view_epochs;
  };
  // Where all of it ends now.
  Frontier ends() const;
  // Whether the epochs up to the last complete one have covered everything before these places. False for a partition
  // that the job has not looked at yet.
  bool covers(const Frontier& ends) const;
  // The epoch up to which covers() goes.
  Epoch covered_epoch() const;
  // Whether all that the job will ever read has been read, so that it is about to finish.
  bool at_end() const;
  bool finished() const;
  bool reads(const view::View& view) const;
  bool failed() const;
  Epoch epoch() const { return job_ ? job_->stats().epoch : Epoch(); }

  // Lets an epoch begin although the interval of EMIT EVERY has not passed.
  void hurry();

  // Ends the job and waits. Idempotent.
  void stop();

 private:
  explicit StreamJob(Options options) : options_(std::move(options)), name_(options_.name) {}
  Labels metric_labels() const;
  Status on_epoch(Epoch epoch);
  void on_finished(Status status);
  // All that there is of what the scan reads counts as covered. With mutex_ held.
  void cover(const JobScan& scan);
  // Says of the view when it is loaded: as soon as the views are that it reads, and what was there then has been read.
  void note_loaded();
  void sample_rate(JobStatus& status, int64_t now_us);
  // EMIT EVERY: has the next epoch begin when the interval has passed. With mutex_ held.
  void watch_interval();
  void interval_passed();
  // Has an epoch begin when an operator wants one by the clock. Not on the timer's thread.
  void watch_clock();
  // With mutex_ held.
  void set_clock_timer();
  void clock_passed(int64_t at_us);

  const Options options_;
  Counter* late_dropped_ = nullptr;
  Counter* too_far_ahead_ = nullptr;
  std::vector<std::shared_ptr<LateRowStore>> late_rows_;
  std::unique_ptr<StrictLetters> strict_letters_;  // outlives the job
  std::vector<JobScan> scans_;
  std::vector<std::shared_ptr<ViewProgress>> view_scans_;
  int64_t interval_us_ = 0;  // of EMIT EVERY; 0: none
  connector::Timer* timer_ = nullptr;
  std::function<int64_t()> now_us_;
  // Of an insert: whether it builds its state again after a restart.
  bool has_state_ = false;
  // What it had committed of topics that are gone, until it commits again.
  connector::Positions forgotten_;
  // It does: it writes nothing until it has come here.
  std::optional<connector::Positions> hold_;
  // Until then what it reads again is before all other times by the clock of windows; null: there are no such windows.
  std::shared_ptr<std::atomic<bool>> clock_held_;
  std::atomic<bool> closes_replayed_ = false;  // an epoch is to come for them alone
  // Of an insert with conditions on the clock: it stands while the job comes to where it was.
  std::shared_ptr<EpochClock> epoch_clock_;

  // Of a view that is not loaded, what it is to cover.
  std::optional<Frontier> to_load_;

  mutable std::mutex mutex_;
  std::string name_;
  std::map<log::TopicPartition, log::Offset> covered_;
  Epoch covered_epoch_;
  std::optional<Status> finished_;
  int64_t sampled_at_us_ = 0;
  uint64_t sampled_events_ = 0;
  double events_per_s_ = 0;
  int64_t epoch_at_us_ = 0;  // when the last one was complete
  connector::Timer::Id interval_timer_ = 0;
  int64_t wake_at_us_ = exec::kNoWake;  // when an operator wants an epoch, by the clock
  connector::Timer::Id clock_timer_ = 0;
  int64_t clock_timer_at_us_ = exec::kNoWake;
  bool stopping_ = false;

  std::unique_ptr<exec::Job> job_;  // last: it ends before what it uses goes
};

// Hands the rows of a job to its view.
std::unique_ptr<exec::Operator> make_view_sink(std::shared_ptr<view::View> view);

}  // namespace penstock::engine
