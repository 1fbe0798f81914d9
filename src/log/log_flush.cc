// Flushing the tails to partition segments, and the checkpoint that lets the journal go.
#include <algorithm>
#include <utility>

#include "log/log_core.h"

namespace penstock::log {

std::vector<LogCore::FlushJob> LogCore::take_flush_jobs() {
  std::vector<FlushJob> jobs;
  for (const auto& partition : dirty_) {
    if (partition->deleted) continue;
    FlushJob job{.partition = partition, .flushed_offset = partition->high_watermark, .segments = partition->segments};
    // Batches stay in the tail, unmoved, until this flush forgets them: only flushing and trimming do, one at a time.
    for (size_t i = partition->tail.find(partition->flushed_offset); i < partition->tail.size(); ++i) {
      const Tail::Batch& batch = partition->tail[i];
      job.bytes += batch.bytes.bytes.size();
      // What delete_records() took away in the meantime need not be written any more.
      if (batch.next_offset <= partition->log_start_offset) continue;
      job.batches.push_back({batch.bytes.bytes, batch.base_offset, batch.next_offset, batch.max_timestamp_ms});
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

LogCore::CheckpointState LogCore::take_checkpoint_state() const {
  CheckpointState state{.position = durable_position_};
  state.partitions.reserve(names_by_handle_.size());
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic.partitions) {
      std::string producers;
      ByteWriter writer(&producers);
      partition->producers.encode(partition->high_watermark, &writer);
      state.partitions.push_back(
          {partition, partition->log_start_offset, partition->high_watermark, std::move(producers)});
    }
  }
  ByteWriter writer(&state.groups);
  groups_.encode(&writer);
  return state;
}

bool LogCore::segment_is_full(const SegmentInfo& segment, const TopicConfig& config, size_t more_bytes) const {
  if (segment.bytes + more_bytes > static_cast<uint64_t>(config.segment_bytes)) return true;
  // Short retention wants young segments, or it could never remove anything of a slow topic.
  constexpr int64_t kSegmentsPerRetention = 4;
  int64_t age_ms_max = kSegmentAgeMsMax;
  if (config.retention_ms >= 0) age_ms_max = std::min(age_ms_max, config.retention_ms / kSegmentsPerRetention);
  return env_.wall_time_us() / 1000 - segment.created_ms > age_ms_max;
}

Status LogCore::write_segments(FlushJob& job) {
  std::shared_ptr<const TopicSettings> settings;
  {
    const std::lock_guard lock(mutex_);
    settings = job.partition->settings;
  }
  const std::string directory = job.partition->directory();
  std::span<const StoredBatch> rest = job.batches;
  while (!rest.empty()) {
    if (job.segments.empty() || job.segments.back().next_offset != rest.front().base_offset ||
        segment_is_full(job.segments.back(), settings->config, rest.front().bytes.size())) {
      job.segments.push_back({.created_ms = env_.wall_time_us() / 1000});
    }
    SegmentInfo& segment = job.segments.back();
    size_t count = 0;
    for (uint64_t bytes = segment.bytes; count < rest.size(); ++count) {
      bytes += rest[count].bytes.size();
      if (count > 0 && bytes > static_cast<uint64_t>(settings->config.segment_bytes)) break;
    }
    PENSTOCK_TRY(segment_writer_.append(directory, rest.first(count), &segment));
    rest = rest.subspan(count);
  }
  return {};
}

void LogCore::finish_flush(std::vector<FlushJob>& jobs) {
  const std::lock_guard lock(mutex_);
  for (FlushJob& job : jobs) {
    Partition& partition = *job.partition;
    partition.segments = std::move(job.segments);
    partition.flushed_offset = job.flushed_offset;
    unflushed_bytes_ -= job.bytes;
    metrics_.flushed_bytes.add(job.bytes);
    if (!partition.cached && !partition.tail.empty()) {
      partition.cached = true;
      cached_.push_back(job.partition);
    }
  }
  std::erase_if(dirty_, [](const std::shared_ptr<Partition>& partition) {
    partition->dirty = !partition->deleted && partition->high_watermark > partition->flushed_offset;
    return !partition->dirty;
  });
  last_flush_us_ = dirty_since_us_ = env_.monotonic_time_us();
}

Status LogCore::write_checkpoint(const CheckpointState& state) {
  CheckpointEncoder encoder(journal_->id(), state.position, static_cast<uint32_t>(state.partitions.size()));
  for (const auto& entry : state.partitions) {
    encoder.add_partition(entry.partition->handle, entry.log_start_offset, entry.next_offset, entry.partition->segments,
                          entry.producers);
  }
  PENSTOCK_TRY(env_.write_file_atomically(path("checkpoint"), encoder.finish(state.groups)));
  metrics_.checkpoints.add();
  checkpointed_ = state.position;
  const std::lock_guard lock(mutex_);
  checkpointed_segment_ = state.position.segment;
  changed_since_checkpoint_ = durable_position_.sequence != state.position.sequence;
  return {};
}

Status LogCore::flush_and_checkpoint(bool checkpoint, std::optional<JournalPosition> final_position) {
  const int64_t started_us = env_.monotonic_time_us();
  std::vector<FlushJob> jobs;
  CheckpointState state;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return make_error(ErrorCode::kIoError, "{}", *failure_);
    jobs = take_flush_jobs();
    // A journal segment that is full can go once there is a checkpoint behind it.
    checkpoint = checkpoint || durable_position_.segment > checkpointed_segment_;
    if (checkpoint) state = take_checkpoint_state();
    if (final_position) state.position = *final_position;
  }
  const auto write = [&]() -> Status {
    for (FlushJob& job : jobs) PENSTOCK_TRY(write_segments(job));
    finish_flush(jobs);
    if (!checkpoint) return {};
    // What it names must be there.
    PENSTOCK_TRY(segment_writer_.sync());
    PENSTOCK_TRY(write_checkpoint(state));
    return journal_->recycle(state.position.segment);
  };
  if (Status written = write(); !written) {
    stop_taking(written.error());
    return written;
  }
  if (!jobs.empty()) {
    metrics_.flushes.add();
    metrics_.flush_us.record(static_cast<uint64_t>(env_.monotonic_time_us() - started_us));
  }
  return {};
}

Status LogCore::flush() {
  const std::lock_guard flush_lock(flush_mutex_);
  PENSTOCK_TRY(flush_and_checkpoint(false));
  bool pressed = false;
  {
    const std::lock_guard lock(mutex_);
    pressed = waiting_for_room_ > 0;
  }
  trim_tails(pressed);
  return {};
}

Status LogCore::checkpoint() {
  const std::lock_guard flush_lock(flush_mutex_);
  return flush_and_checkpoint(true);
}

}  // namespace penstock::log
