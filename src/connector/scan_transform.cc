#include "connector/scan_transform.h"

#include <algorithm>
#include <utility>

#include "expr/evaluate.h"
#include "expr/expr.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnPtr;
using columnar::Selection;

std::optional<EventTime> largest_time(const Column& column) {
  std::optional<int64_t> largest;
  const auto values = column.values<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!column.is_null(i) && (!largest || values[i] > *largest)) largest = values[i];
  }
  if (!largest) return std::nullopt;
  return EventTime(*largest);
}

// The rows that no error names; reports each bad row once.
Selection good_rows(size_t rows, expr::RowErrors errors, const ScanTransform::ErrorCallback& on_error) {
  std::ranges::sort(errors, {}, &expr::RowError::row);
  Selection good;
  good.reserve(rows);
  size_t next = 0;
  for (size_t row = 0; row < rows; ++row) {
    if (next < errors.size() && errors[next].row == row) {
      on_error(row, errors[next].message);
      while (next < errors.size() && errors[next].row == row) ++next;
    } else {
      good.push_back(static_cast<uint16_t>(row));
    }
  }
  return good;
}

}  // namespace

ScanTransform::Result ScanTransform::apply(ChangeBatch read, int64_t now_us, const ErrorCallback& on_error) const {
  const expr::EvalContext context{.now_us = now_us, .zone = nullptr};
  expr::RowErrors errors;
  ChangeBatch batch = read;
  if (!projections_.empty()) {
    std::vector<ColumnPtr> columns;
    columns.reserve(projections_.size());
    for (const ExprPtr& projection : projections_) {
      columns.push_back(expr::evaluate(*projection, read, context, errors));
    }
    batch = read.with_columns(std::move(columns));
  }
  std::optional<EventTime> watermark;
  if (watermark_ != nullptr) {
    const ColumnPtr column = expr::evaluate(*watermark_, batch, context, errors);
    watermark = largest_time(*column);
  }
  Selection selected;
  const bool filtered = filter_ != nullptr;
  if (filtered) selected = expr::select(*filter_, batch, context, errors);
  if (!errors.empty()) {
    Selection good = good_rows(batch.rows(), std::move(errors), on_error);
    if (filtered) {
      Selection both;
      std::ranges::set_intersection(good, selected, std::back_inserter(both));
      good = std::move(both);
    }
    return {.batch = batch.take(good), .watermark = watermark};
  }
  if (filtered && selected.size() < batch.rows()) batch = batch.take(selected);
  return {.batch = std::move(batch), .watermark = watermark};
}

size_t SplitWatermarks::add(int64_t now_us) {
  splits_.push_back({.last_event_us = now_us});
  return splits_.size() - 1;
}

void SplitWatermarks::advance(size_t split, EventTime watermark, int64_t now_us) {
  Split& s = splits_[split];
  s.watermark = std::max(s.watermark, watermark);
  s.last_event_us = now_us;
  s.idle = false;
}

void SplitWatermarks::end(size_t split) { splits_[split].ended = true; }

void SplitWatermarks::check_idle(int64_t now_us) {
  if (idle_timeout_us_ <= 0) return;
  for (Split& s : splits_) s.idle = s.idle || now_us - s.last_event_us >= idle_timeout_us_;
}

std::optional<int64_t> SplitWatermarks::next_idle_at_us() const {
  std::optional<int64_t> next;
  if (idle_timeout_us_ <= 0) return next;
  for (const Split& s : splits_) {
    const int64_t at = s.last_event_us + idle_timeout_us_;
    if (!s.idle && !s.ended && (!next || at < *next)) next = at;
  }
  return next;
}

exec::Watermark SplitWatermarks::current() const {
  // A source without splits, or with only idle ones, holds nobody back; what the idle ones had reached stays.
  exec::Watermark watermark{.time = kMaxEventTime, .idle = true};
  EventTime reached = kMinEventTime;
  for (const Split& s : splits_) {
    if (s.ended) continue;
    reached = std::max(reached, s.watermark);
    if (s.idle) continue;
    watermark.idle = false;
    watermark.time = std::min(watermark.time, s.watermark);
  }
  if (watermark.idle) watermark.time = reached;
  return watermark;
}

}  // namespace penstock::connector
