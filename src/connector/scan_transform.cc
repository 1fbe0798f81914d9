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

PartitionWatermarks::PartitionWatermarks(size_t partitions, int64_t idle_timeout_us, int64_t now_us)
    : idle_timeout_us_(idle_timeout_us) {
  for (size_t i = 0; i < partitions; ++i) add_partition(now_us);
}

void PartitionWatermarks::add_partition(int64_t now_us) { partitions_.push_back({.last_event_us = now_us}); }

void PartitionWatermarks::advance(size_t partition, EventTime watermark, int64_t now_us) {
  Partition& p = partitions_[partition];
  p.watermark = std::max(p.watermark, watermark);
  p.last_event_us = now_us;
  p.idle = false;
}

void PartitionWatermarks::check_idle(int64_t now_us) {
  if (idle_timeout_us_ <= 0) return;
  for (Partition& p : partitions_) p.idle = p.idle || now_us - p.last_event_us >= idle_timeout_us_;
}

std::optional<int64_t> PartitionWatermarks::next_idle_at_us() const {
  std::optional<int64_t> next;
  if (idle_timeout_us_ <= 0) return next;
  for (const Partition& p : partitions_) {
    const int64_t at = p.last_event_us + idle_timeout_us_;
    if (!p.idle && (!next || at < *next)) next = at;
  }
  return next;
}

exec::Watermark PartitionWatermarks::current() const {
  // A source without partitions, or with only idle ones, holds nobody back; what the idle ones had reached stays.
  exec::Watermark watermark{.time = kMaxEventTime, .idle = true};
  EventTime reached = kMinEventTime;
  for (const Partition& p : partitions_) {
    reached = std::max(reached, p.watermark);
    if (p.idle) continue;
    watermark.idle = false;
    watermark.time = std::min(watermark.time, p.watermark);
  }
  if (watermark.idle) watermark.time = reached;
  return watermark;
}

}  // namespace penstock::connector
