// Opening: catalog, checkpoint, a look at the segments, then the journal from the checkpoint on.
//
// Nothing is changed before all of it has been read and found whole. Then what the journal had is written to segments
// and a new checkpoint, and the journal begins anew in a segment of its own: what the disk may still forget of the old
// one (pages that a failed sync left behind) does not matter any more.
#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/log_core.h"
#include "log/replay_check.h"

namespace penstock::log {

LogCore::LogCore(io::Env& env, std::string directory, LogOptions options, Stepping stepping)
    : env_(env),
      directory_(std::move(directory)),
      options_(options),
      stepping_(stepping),
      metrics_(options.metrics),
      segment_cache_(env),
      segment_writer_(env),
      pacer_(options.commit_interval_us) {}

LogCore::~LogCore() {
  if (options_.memory != nullptr) options_.memory->release(tail_bytes_);
}

Result<std::unique_ptr<LogCore>> LogCore::open(io::Env& env, const std::string& directory, LogOptions options) {
  std::unique_ptr<LogCore> core(new LogCore(env, directory, options, Stepping::kByCaller));
  PENSTOCK_TRY(core->recover());
  return core;
}

Status LogCore::load_catalog() {
  for (const char* name : {"journal", "topics"}) {
    PENSTOCK_TRY(env_.create_directories(path(name)));
  }
  // What is seen here is relied on: it must not go away with a later crash because the process that made it died too
  // soon.
  PENSTOCK_TRY(env_.sync_directory(directory_));
  PENSTOCK_TRY(env_.sync_directory(io::parent_directory(directory_)));
  if (env_.exists(path("catalog"))) {
    auto catalog = Catalog::decode(PENSTOCK_TRY(env_.read_file(path("catalog"))));
    if (!catalog) return std::move(catalog).error().context(path("catalog"));
    catalog_ = std::move(*catalog);
    return {};
  }
  if (env_.exists(path("checkpoint")) || !PENSTOCK_TRY(list_journal_segments(env_, path("journal"))).empty()) {
    return make_error(ErrorCode::kCorruption, "{} is missing, although there is a log beside it", path("catalog"));
  }
  catalog_.journal_id = env_.random_u64();
  return env_.write_file_atomically(path("catalog"), catalog_.encode());
}

LogCore::PartitionsByHandle LogCore::partitions_by_handle() const {
  PartitionsByHandle partitions;
  for (const auto& [name, topic] : topics_) {
    for (const auto& partition : topic.partitions) partitions.emplace(partition->handle, partition);
  }
  return partitions;
}

Status LogCore::load_checkpoint(const PartitionsByHandle& partitions) {
  if (!env_.exists(path("checkpoint"))) return {};
  auto decoded = Checkpoint::decode(PENSTOCK_TRY(env_.read_file(path("checkpoint"))));
  if (!decoded) return std::move(decoded).error().context(path("checkpoint"));
  Checkpoint& checkpoint = *decoded;
  if (checkpoint.journal_id != catalog_.journal_id) {
    return make_error(ErrorCode::kCorruption, "{} and {} are of different logs", path("checkpoint"), path("catalog"));
  }
  const auto check_handle = [&](uint32_t handle) -> Status {
    if (handle >= 1 && handle < catalog_.next_handle) return {};
    return make_error(ErrorCode::kCorruption, "{} has partition handle {}, which was never given", path("checkpoint"),
                      handle);
  };
  for (auto& [handle, state] : checkpoint.partitions) {
    PENSTOCK_TRY(check_handle(handle));
    const auto found = partitions.find(handle);
    if (found == partitions.end()) continue;  // deleted since
    Partition& partition = *found->second;
    partition.log_start_offset = state.log_start_offset;
    partition.next_offset = partition.high_watermark = partition.flushed_offset = state.next_offset;
    partition.previous_flushed_offset = state.next_offset;
    partition.segments = std::move(state.segments);
    partition.producers = std::move(state.producers);
  }
  groups_ = std::move(checkpoint.groups);
  for (const uint32_t handle : groups_.partitions()) {
    PENSTOCK_TRY(check_handle(handle));
    if (!partitions.contains(handle)) groups_.erase_partition(handle);
  }
  durable_position_ = checkpointed_ = checkpoint.position;
  checkpointed_segment_ = checkpointed_.segment;
  return {};
}

Status LogCore::check_segments(const PartitionsByHandle& partitions) const {
  for (const auto& [handle, partition] : partitions) {
    for (const SegmentInfo& segment : partition->segments) {
      const std::string file = segment_path(partition->directory(), segment.base_offset);
      const auto opened = env_.open(file, io::OpenMode::kRead);
      if (!opened && opened.error().code() == ErrorCode::kNotFound) {
        return make_error(ErrorCode::kCorruption, "{} is missing", file);
      }
      if (!opened) return opened.error();
      const uint64_t size = PENSTOCK_TRY((*opened)->size());
      if (size < segment.bytes) {
        return make_error(ErrorCode::kCorruption, "{} at offset {}: the file is cut off, it had {} bytes", file, size,
                          segment.bytes);
      }
    }
  }
  return {};
}

void LogCore::replay_batch(const JournalFrame& frame, const std::shared_ptr<const void>& commit,
                           const std::shared_ptr<Partition>& partition) {
  const RecordBatchView batch = *parse_record_batch(frame.payload);
  partition->next_offset = batch.next_offset();
  if (batch.producer_id >= 0 && batch.base_sequence >= 0) {
    const ProducerBatch mine{.epoch = batch.producer_epoch,
                             .first_sequence = batch.base_sequence,
                             .last_sequence = last_sequence_of(batch.base_sequence, batch.records_count),
                             .base_offset = batch.base_offset,
                             .last_offset = batch.last_offset()};
    partition->producers.record(batch.producer_id, mine, partition->next_offset, env_.wall_time_us() / 1000);
  }
  tail_bytes_ += frame.payload.size();
  if (options_.memory != nullptr) options_.memory->force_reserve(frame.payload.size());
  publish_records(partition, {.bytes = {frame.payload, commit},
                              .base_offset = batch.base_offset,
                              .next_offset = batch.next_offset(),
                              .max_timestamp_ms = batch.max_timestamp_ms});
}

void LogCore::replay_frame(const JournalFrame& frame, const std::shared_ptr<const void>& commit,
                           const PartitionsByHandle& partitions) {
  if (frame.type == FrameType::kGroupDeletion) return groups_.erase_group(frame.payload);
  ByteReader reader(frame.payload);
  if (frame.type == FrameType::kGroupOffsets) {
    GroupOffsets offsets;
    offsets.decode(&reader);
    std::erase_if(offsets.offsets, [&](const auto& entry) { return !partitions.contains(entry.first); });
    return groups_.apply(offsets);
  }
  const auto found = partitions.find(frame.partition_handle);
  if (found == partitions.end()) return;  // deleted since
  Partition& partition = *found->second;
  if (frame.type == FrameType::kRecordBatch) return replay_batch(frame, commit, found->second);
  partition.log_start_offset = std::max(partition.log_start_offset, reader.get<int64_t>());
}

Result<JournalEnd> LogCore::replay(const PartitionsByHandle& partitions) {
  const std::string directory = path("journal");
  PartitionEnds ends;
  for (const auto& [handle, partition] : partitions) ends.emplace(handle, partition->next_offset);
  // First all of it is checked, then it is used; and checked again, since a disk may read differently twice.
  ReplayCheck first(catalog_.next_handle, ends);
  const JournalEnd end =
      PENSTOCK_TRY(read_journal(env_, directory, catalog_.journal_id, checkpointed_,
                                [&](const JournalFrame& frame, const auto&) { return first.check(frame); }));
  if (end.commits_count == 0) return end;
  ReplayCheck second(catalog_.next_handle, std::move(ends));
  return read_journal(env_, directory, catalog_.journal_id, checkpointed_,
                      [&](const JournalFrame& frame, const std::shared_ptr<const void>& commit) -> Status {
                        PENSTOCK_TRY(second.check(frame));
                        replay_frame(frame, commit, partitions);
                        if (unflushed_bytes_ < options_.tail_bytes_max / 2) return {};
                        PENSTOCK_TRY(flush_and_checkpoint(false));
                        trim_tails(true);
                        return {};
                      });
}

Status LogCore::remove_strangers(const PartitionsByHandle& partitions) {
  std::set<std::string> known;
  for (const auto& [handle, partition] : partitions) known.insert(*partition->topic_directory);
  for (const std::string& name : PENSTOCK_TRY(env_.list(path("topics")))) {
    const std::string directory = path("topics") + "/" + name;
    if (known.contains(directory)) continue;
    logging::info("removing the files of a deleted topic", {{"directory", directory}});
    PENSTOCK_TRY(env_.remove_tree(directory));
  }
  for (const auto& [handle, partition] : partitions) {
    const std::string directory = partition->directory();
    if (!env_.exists(directory)) continue;
    std::set<std::string> files;
    for (const SegmentInfo& segment : partition->segments) {
      files.insert(segment_path(directory, segment.base_offset));
      files.insert(segment_index_path(directory, segment.base_offset));
    }
    for (const std::string& name : PENSTOCK_TRY(env_.list(directory))) {
      const std::string file = fmt::format("{}/{}", directory, name);
      if (!files.contains(file)) PENSTOCK_TRY(env_.remove_file(file));
    }
  }
  return {};
}

Status LogCore::recover() {
  PENSTOCK_TRY(load_catalog());
  for (const auto& [name, topic] : catalog_.topics) install_topic(topic);
  const PartitionsByHandle partitions = partitions_by_handle();
  PENSTOCK_TRY(load_checkpoint(partitions));
  PENSTOCK_TRY(check_segments(partitions));
  const JournalEnd end = PENSTOCK_TRY(replay(partitions));

  // The sequence skips one: a torn commit with the number that comes next may still lie in an old segment.
  const JournalPosition start{end.next_segment, kFirstCommitOffset,
                              end.any_segment ? end.next_sequence + 1 : end.next_sequence};
  journal_ =
      std::make_unique<Journal>(env_, path("journal"), catalog_.journal_id, start, options_.journal_segment_bytes);
  durable_position_ = start;
  last_retention_us_ = last_flush_us_ = env_.monotonic_time_us();
  if (end.any_segment) {
    PENSTOCK_TRY(flush_and_checkpoint(true));
    logging::info("log recovered", {{"journal_commits", end.commits_count}, {"partitions", partitions.size()}});
  }
  return remove_strangers(partitions);
}

Status LogCore::close() {
  stop();
  while (commit_once()) {
  }
  {
    std::unique_lock lock(mutex_);
    if (suspension_) {
      // What the refused commit has left must not be taken for the next one.
      Error full = *stopped();
      lock.unlock();
      if (!resume()) return full;
    }
  }
  const std::lock_guard flush_lock(flush_mutex_);
  if (std::exchange(closed_, true)) return {};
  const JournalPosition position = journal_->position();
  // After this no journal segment is needed, and the next start reads none.
  if (position != checkpointed_ || position.offset != kFirstCommitOffset) {
    PENSTOCK_TRY(
        flush_and_checkpoint(true, JournalPosition{position.segment + 1, kFirstCommitOffset, position.sequence}));
  }
  return journal_->retire_all();
}

}  // namespace penstock::log
