#include "exec/operators/processing_time.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "types/calendar.h"
#include "types/value.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;

// A clock in whole milliseconds that never goes back.
class Clock {
 public:
  explicit Clock(std::function<int64_t()> now_us) : now_us_(std::move(now_us)) {}

  int64_t read() {
    const int64_t now = now_us_();
    last_us_ = std::max(last_us_, now - types::floor_modulo(now, types::kMicrosPerMilli));
    return last_us_;
  }
  int64_t last_us() const { return last_us_; }

 private:
  std::function<int64_t()> now_us_;
  int64_t last_us_ = kMinEventTime.value() + types::kLastMomentUs;
};

// When the windows of rows end that have come. Sessions end a gap after their last row, each at a time of its own: of
// rows that come close to each other only the last one is noted.
class PendingEnds {
 public:
  explicit PendingEnds(types::Window window) : window_(window) {}

  void add(int64_t time_us) {
    if (window_.kind != types::Window::Kind::kSession) {
      last_end_ = std::max(last_end_, window_.last_end(window_.slice_of(time_us)));
      return;
    }
    const int64_t grain = std::max(types::kMicrosPerMilli, window_.size_us / kNotedPerGap);
    if (!times_.empty() && times_.back() / grain == time_us / grain) {
      times_.back() = time_us;
    } else {
      times_.push_back(time_us);
    }
  }

  // The next end after `time_us`; nullopt: there are no rows whose windows end later.
  std::optional<int64_t> after(int64_t time_us) const {
    if (window_.kind == types::Window::Kind::kSession) {
      if (times_.empty()) return std::nullopt;
      return times_.front() + window_.size_us;
    }
    if (last_end_ <= time_us) return std::nullopt;
    const types::WindowEnds ends = window_.ends();
    return time_us - types::floor_modulo(time_us - ends.offset_us, ends.step_us) + ends.step_us;
  }

  // Windows that end at `time_us` or before are closed.
  void forget(int64_t time_us) {
    while (!times_.empty() && times_.front() + window_.size_us <= time_us) times_.pop_front();
  }

 private:
  static constexpr int64_t kNotedPerGap = 1000;

  const types::Window window_;
  int64_t last_end_ = kMinEventTime.value();
  std::deque<int64_t, StateAllocator<int64_t>> times_;  // of rows in sessions
};

class ProcessingTime : public Operator {
 public:
  explicit ProcessingTime(ProcessingTimeOptions options)
      : options_(std::move(options)), clock_(options_.now_us), ends_(options_.window) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    if (!batch.append_only())
      return make_error(ErrorCode::kInternal, "the clock cannot tell when a row was taken back");
    const int64_t now = clock_.read();
    ends_.add(now);
    std::vector<columnar::ColumnPtr> columns = batch.columns();
    columns[static_cast<size_t>(options_.column)] = Column::constant(options_.type, types::Value(now), batch.rows());
    out.emit(batch.with_columns(std::move(columns)));
    return {};
  }

  bool keeps_time() const override { return true; }

  EventTime output_watermark(EventTime watermark) const override {
    return watermark == kMaxEventTime ? watermark : EventTime(clock_.read() - types::kLastMomentUs);
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& /*out*/) override {
    ends_.forget(clock_.last_us());
    return Progress::kDone;
  }

  std::optional<int64_t> wake_at_us() const override { return ends_.after(clock_.last_us()); }

 private:
  const ProcessingTimeOptions options_;
  mutable Clock clock_;  // reading it moves it on
  PendingEnds ends_;
};

}  // namespace

std::unique_ptr<Operator> make_processing_time(ProcessingTimeOptions options) {
  return std::make_unique<ProcessingTime>(std::move(options));
}

}  // namespace penstock::exec
