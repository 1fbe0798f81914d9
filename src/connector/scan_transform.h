// What a scan does with the columns that a connector read: computed columns, the watermark, the filter.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "columnar/change_batch.h"
#include "connector/scan.h"
#include "expr/common_parts.h"
#include "expr/evaluate.h"

namespace penstock::connector {

// Owned by one source; not thread-safe.
class ScanTransform {
 public:
  explicit ScanTransform(const ScanRequest& request)
      : projections_(expr::share_common_parts(request.projections)),
        filter_(request.filter == nullptr ? nullptr : expr::share_common_parts(request.filter)),
        filtered_again_(request.filtered_again),
        watermark_(request.watermark),
        time_column_(static_cast<size_t>(request.time_column)),
        window_ends_(request.window_ends),
        max_ahead_us_(request.max_ahead_us),
        too_far_ahead_(request.too_far_ahead),
        tells_watermark_(request.tells_watermark),
        every_row_(!metadata_columns(request, kCurrentWatermarkKey).empty() ||
                   !metadata_columns(request, kSplitWatermarkKey).empty()) {}

  // The columns of the output that are this metadata. Those of a watermark are NULL until SplitWatermarks has seen the
  // rows.
  static std::vector<size_t> metadata_columns(const ScanRequest& request, std::string_view key);

  struct Result {
    columnar::ChangeBatch batch;
    // The largest value of the watermark expression over all rows, also those that the filter leaves out, but not those
    // that are in error or too far ahead of the clock.
    std::optional<EventTime> watermark;
    // The least event time, over the same rows.
    std::optional<int64_t> least_time = {};
    // For each row of the batch the largest value over the rows read before it; empty where that can make none late
    // and nobody asks for the watermark of each row.
    std::vector<EventTime> watermark_before = {};
  };
  // `on_error` is told of rows (of `read`) whose expressions fail; they are left out.
  using ErrorCallback = std::function<void(size_t row, std::string_view error)>;
  Result apply(columnar::ChangeBatch read, int64_t now_us, const ErrorCallback& on_error) const;

  bool tells_watermark() const { return watermark_ != nullptr && tells_watermark_; }

 private:
  void find_watermarks(const columnar::ChangeBatch& batch, const columnar::Column& watermarks,
                       const expr::RowErrors& errors, int64_t now_us, Result& result) const;

  std::vector<ExprPtr> projections_;
  ExprPtr filter_;
  bool filtered_again_;
  ExprPtr watermark_;
  size_t time_column_;
  types::WindowEnds window_ends_;
  int64_t max_ahead_us_;
  Counter* too_far_ahead_;
  bool tells_watermark_;
  bool every_row_;  // the watermark of each is asked for
};

// The watermark of one source over its splits (partitions, files): the least of those that are not idle.
//
// A split that has given nothing for the idle timeout does not hold the others back; with a timeout of 0 (the default,
// as in Flink) a split without events does.
class SplitWatermarks {
 public:
  SplitWatermarks(const ScanRequest& request, int64_t idle_timeout_us)
      : time_column_(static_cast<size_t>(request.time_column)),
        window_ends_(request.window_ends),
        tells_watermark_(request.tells_watermark),
        current_watermark_columns_(ScanTransform::metadata_columns(request, kCurrentWatermarkKey)),
        split_watermark_columns_(ScanTransform::metadata_columns(request, kSplitWatermarkKey)),
        idle_timeout_us_(idle_timeout_us) {}

  // Gives its number: 0, 1, ..., or that of a split that was released.
  size_t add(int64_t now_us);
  void advance(size_t split, EventTime watermark, int64_t now_us);
  EventTime of(size_t split) const { return splits_[split].watermark; }
  bool idle(size_t split) const { return splits_[split].idle; }
  // The split gives nothing more: it is at the end of time.
  void end(size_t split);
  // The same, and its number may be given to another one.
  void release(size_t split);
  // Emits rows of a split and advances its watermark. Which rows are late is decided row by row, whatever the batches:
  // where the watermark could make a row late, it is emitted in between.
  void emit(size_t split, ScanTransform::Result rows, int64_t now_us, exec::SourceOutput& out);
  // Emits the watermark.
  void tell(exec::SourceOutput& out);
  // Marks what has become idle at `now_us`.
  void check_idle(int64_t now_us);
  // Goes back to what had been told at the same place before a restart: at least to its time, and idle if it was.
  void restore(const exec::Watermark& told);
  // The source ends, which tells the end of time.
  void finish() { emitted_ = kMaxEventTime; }
  // What has been told so far.
  exec::Watermark told() const { return {.time = emitted_, .idle = told_idle_}; }
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
  // Tells each row the watermark when it came, where that is read: `others` is that of the other splits.
  void fill_watermarks(EventTime own, EventTime others, ScanTransform::Result& rows) const;
  // The least watermark of the splits that are not idle, but for one.
  EventTime least_without(size_t split) const;

  std::vector<Split> splits_;
  std::vector<size_t> released_;
  size_t time_column_;
  types::WindowEnds window_ends_;
  bool tells_watermark_;
  std::vector<size_t> current_watermark_columns_;
  std::vector<size_t> split_watermark_columns_;
  int64_t idle_timeout_us_;
  EventTime emitted_ = kMinEventTime;
  bool told_idle_ = false;
  EventTime least_ = kMinEventTime;  // restored: the watermark is not before it
};

}  // namespace penstock::connector
