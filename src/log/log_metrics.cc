#include "log/log_metrics.h"

namespace penstock::log {
namespace {

constexpr double kMicroseconds = 1e-6;

}  // namespace

LogMetrics::LogMetrics(MetricsRegistry* registry)
    : own_registry(registry == nullptr ? std::make_unique<MetricsRegistry>() : nullptr),
      used(registry == nullptr ? *own_registry : *registry),
      appended_records(used.counter("penstock_log_appended_records_total", "Records appended and durable")),
      appended_bytes(used.counter("penstock_log_appended_bytes_total", "Bytes of record batches appended and durable")),
      refused_appends(used.counter("penstock_log_refused_appends_total", "Appends answered with an error")),
      duplicate_batches(used.counter("penstock_log_duplicate_batches_total",
                                     "Batches of idempotent producers that were there already")),
      commits(used.counter("penstock_log_commits_total", "Group commits to the journal")),
      committed_bytes(used.counter("penstock_log_committed_bytes_total", "Bytes written to the journal")),
      back_pressure_waits(
          used.counter("penstock_log_back_pressure_waits_total", "Appends that waited for room in memory")),
      flushes(used.counter("penstock_log_flushes_total", "Flushes of records to partition segments")),
      flushed_bytes(used.counter("penstock_log_flushed_bytes_total", "Bytes written to partition segments")),
      checkpoints(used.counter("penstock_log_checkpoints_total", "Checkpoints of the log's state")),
      retention_bytes(used.counter("penstock_log_retention_removed_bytes_total", "Bytes removed by retention")),
      tail_fetches(used.counter("penstock_log_fetches_total", "Fetches that gave records", {{"from", "memory"}})),
      segment_fetches(used.counter("penstock_log_fetches_total", "Fetches that gave records", {{"from", "segment"}})),
      sync_us(used.histogram("penstock_log_journal_sync_seconds", "Time of one fdatasync of the journal", {},
                             kMicroseconds)),
      flush_us(
          used.histogram("penstock_log_flush_seconds", "Time of one flush to partition segments", {}, kMicroseconds)),
      tail_bytes(used.gauge("penstock_log_tail_bytes", "Bytes of record batches kept in memory")),
      partitions(used.gauge("penstock_log_partitions", "Partitions of all topics")),
      disk_full(used.gauge("penstock_log_disk_full", "1 while appends are refused for want of room on the disk")),
      disk_full_times(used.counter("penstock_log_disk_full_total", "Times that the disk was full")) {}

}  // namespace penstock::log
