#include "exec/operators/processing_time.h"

#include <algorithm>
#include <functional>
#include <map>
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

  void add(int64_t now_us) {
    const int64_t time_us = window_.zone == nullptr ? now_us : window_.zone->to_local(now_us);
    if (window_.kind != types::Window::Kind::kSession) {
      last_end_ = std::max(last_end_, window_.last_end(window_.slice_of(time_us)));
      return;
    }
    const int64_t grain = std::max(types::kMicrosPerMilli, window_.size_us / kNotedPerGap);
    int64_t& noted = times_.try_emplace(types::floor_divide(time_us, grain), time_us).first->second;
    noted = std::max(noted, time_us);
  }

  // The moment after that one at which the next window ends; nullopt: there are no rows whose windows end later.
  std::optional<int64_t> after(int64_t now_us) const {
    const std::optional<int64_t> end = end_after(passed(now_us));
    if (!end) return std::nullopt;
    return types::closing_watermark(window_.zone, *end) + types::kLastMomentUs;
  }

  // Windows that end at that moment or before are closed.
  void forget(int64_t now_us) {
    const int64_t passed_us = passed(now_us);
    while (!times_.empty() && times_.begin()->second + window_.size_us <= passed_us) times_.erase(times_.begin());
  }

 private:
  using Times = std::map<int64_t, int64_t, std::less<>, StateAllocator<std::pair<const int64_t, int64_t>>>;

  static constexpr int64_t kNotedPerGap = 1000;

  // The last end of windows that are closed at a moment.
  int64_t passed(int64_t now_us) const {
    return types::local_watermark(window_.zone, now_us - types::kLastMomentUs) + types::kLastMomentUs;
  }
  std::optional<int64_t> end_after(int64_t passed_us) const {
    if (window_.kind == types::Window::Kind::kSession) {
      if (times_.empty()) return std::nullopt;
      return times_.begin()->second + window_.size_us;
    }
    if (last_end_ <= passed_us) return std::nullopt;
    const types::WindowEnds ends = window_.ends();
    return passed_us - types::floor_modulo(passed_us - ends.offset_us, ends.step_us) + ends.step_us;
  }

  const types::Window window_;
  int64_t last_end_ = kMinEventTime.value();
  Times times_;  // of rows in sessions, by grains of time
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
  bool passes_watermarks() const override { return false; }

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
