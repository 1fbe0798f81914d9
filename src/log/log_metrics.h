// The log's metrics, made once.
#pragma once

#include <memory>

#include "base/metrics.h"

namespace penstock::log {

struct LogMetrics {
  // Into `registry`, or into one of its own when there is none.
  explicit LogMetrics(MetricsRegistry* registry);

  const std::unique_ptr<MetricsRegistry> own_registry;
  MetricsRegistry& used;
  Counter& appended_records;
  Counter& appended_bytes;
  Counter& refused_appends;
  Counter& duplicate_batches;
  Counter& commits;
  Counter& committed_bytes;
  Counter& back_pressure_waits;
  Counter& flushes;
  Counter& flushed_bytes;
  Counter& checkpoints;
  Counter& retention_bytes;
  Counter& tail_fetches;
  Counter& segment_fetches;
  Histogram& sync_us;
  Histogram& flush_us;
  Gauge& tail_bytes;
  Gauge& partitions;
  Gauge& disk_full;
  Counter& disk_full_times;
};

}  // namespace penstock::log
