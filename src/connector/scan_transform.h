// What a scan does with the columns that a connector read: computed columns, the watermark, the filter.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "columnar/change_batch.h"
#include "connector/scan.h"

namespace penstock::connector {

// Owned by one source; not thread-safe.
class ScanTransform {
 public:
  explicit ScanTransform(const ScanRequest& request)
      : projections_(request.projections), filter_(request.filter), watermark_(request.watermark) {}

  struct Result {
    columnar::ChangeBatch batch;
    // The largest value of the watermark expression in the batch, before the filter.
    std::optional<EventTime> watermark;
  };
  // `on_error` is told of rows (of `read`) whose expressions fail; they are left out.
  using ErrorCallback = std::function<void(size_t row, std::string_view error)>;
  Result apply(columnar::ChangeBatch read, int64_t now_us, const ErrorCallback& on_error) const;

  bool has_watermark() const { return watermark_ != nullptr; }

 private:
  std::vector<ExprPtr> projections_;
  ExprPtr filter_;
  ExprPtr watermark_;
};

// The watermark of one source over its splits (partitions, files): the least of those that are not idle.
//
// A split that has given nothing for the idle timeout does not hold the others back; with a timeout of 0 (the default,
// as in Flink) a split without events does.
class SplitWatermarks {
 public:
  explicit SplitWatermarks(int64_t idle_timeout_us) : idle_timeout_us_(idle_timeout_us) {}

  // Gives its number: 0, 1, ...
  size_t add(int64_t now_us);
  void advance(size_t split, EventTime watermark, int64_t now_us);
  // The split gives nothing more: it is at the end of time.
  void end(size_t split);
  // Marks what has become idle at `now_us`.
  void check_idle(int64_t now_us);
  // When check_idle() may next change something; nullopt when it cannot.
  std::optional<int64_t> next_idle_at_us() const;

  exec::Watermark current() const;

 private:
  struct Split {
    EventTime watermark = kMinEventTime;
    int64_t last_event_us = 0;
    bool idle = false;
    bool ended = false;
  };
  std::vector<Split> splits_;
  int64_t idle_timeout_us_;
};

}  // namespace penstock::connector
