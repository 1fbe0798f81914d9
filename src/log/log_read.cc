// Reads: from the tail in memory when it reaches back far enough, else from segment files, outside of all locks.
#include <algorithm>
#include <utility>

#include "log/compression.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

// A segment may be removed by retention while it is being opened; the look-up is then made again.
constexpr int kLookupsMax = 5;

Error no_such_partition(const TopicPartition& name) {
  return not_found("there is no partition {} of a topic \"{}\"", name.partition.value(), name.topic);
}

// The largest timestamp of the batch's records from an offset on; of the whole batch when its records cannot be read.
int64_t max_record_timestamp(const SharedBytes& bytes, int64_t from_offset) {
  const auto batch = parse_record_batch(bytes.bytes);
  if (!batch) return kNoTimestamp;
  if (batch->base_offset >= from_offset) return batch->max_timestamp_ms;
  const auto records = uncompressed_records(*batch, bytes.owner);
  if (!records) return batch->max_timestamp_ms;
  int64_t max_ms = kNoTimestamp;
  RecordReader reader(*batch, records->bytes);
  for (Record record; reader.next(&record);) {
    if (record.offset >= from_offset) max_ms = std::max(max_ms, record.timestamp_ms);
  }
  return reader.status() ? max_ms : batch->max_timestamp_ms;
}

}  // namespace

std::shared_ptr<Partition> LogCore::find_partition(const TopicPartition& name) const {
  const auto topic = topics_.find(name.topic);
  if (topic == topics_.end()) return nullptr;
  const int32_t index = name.partition.value();
  if (index < 0 || static_cast<size_t>(index) >= topic->second.partitions.size()) return nullptr;
  return topic->second.partitions[static_cast<size_t>(index)];
}

Result<FetchResult> LogCore::fetch(const TopicPartition& from, FetchOptions options) const {
  for (int lookup = 0; lookup < kLookupsMax; ++lookup) {
    FetchResult result;
    {
      const std::lock_guard lock(mutex_);
      const std::shared_ptr<Partition> partition = find_partition(from);
      if (partition == nullptr) return no_such_partition(from);
      result.high_watermark = Offset(partition->high_watermark);
      result.log_start_offset = Offset(partition->log_start_offset);
      const int64_t offset = options.offset.value();
      if (offset < partition->log_start_offset || offset > partition->high_watermark) {
        return invalid_argument("offset {} is out of range: \"{}\" partition {} has {} to {}", offset, from.topic,
                                from.partition.value(), partition->log_start_offset, partition->high_watermark);
      }
      if (offset == partition->high_watermark) return result;
      const Tail& tail = partition->tail;
      const bool in_tail = !tail.empty() && (offset >= tail.front().base_offset || partition->segments.empty() ||
                                             offset >= partition->segments.back().next_offset);
      if (in_tail) {
        size_t bytes = 0;
        for (size_t i = tail.find(offset); i < tail.size(); ++i) {
          const size_t size = tail[i].bytes.bytes.size();
          const bool fits = bytes + size <= options.max_bytes;
          if (!fits && !(options.at_least_one && result.batches.empty())) break;
          result.batches.push_back(tail[i].bytes);
          bytes += size;
        }
        metrics_.tail_fetches.add();
        return result;
      }
    }
    auto read = PENSTOCK_TRY(fetch_from_segments(from, options, std::move(result)));
    if (read) return std::move(*read);
  }
  return make_error(ErrorCode::kUnavailable, "the segments of \"{}\" partition {} change too fast", from.topic,
                    from.partition.value());
}

Result<std::optional<FetchResult>> LogCore::fetch_from_segments(const TopicPartition& from, const FetchOptions& options,
                                                                FetchResult result) const {
  uint32_t handle = 0;
  std::string directory;
  SegmentInfo segment;
  {
    const std::lock_guard lock(mutex_);
    const std::shared_ptr<Partition> partition = find_partition(from);
    if (partition == nullptr) return no_such_partition(from);
    const auto found =
        std::ranges::upper_bound(partition->segments, options.offset.value(), {}, &SegmentInfo::next_offset);
    if (found == partition->segments.end()) return std::nullopt;
    segment = *found;
    handle = partition->handle;
    directory = partition->directory();
  }
  auto reader = segment_cache_.get(handle, directory, segment.base_offset);
  if (!reader) {
    if (reader.error().code() == ErrorCode::kNotFound) return std::nullopt;
    return std::move(reader).error();
  }
  const uint64_t position = PENSTOCK_TRY((*reader)->find_offset(segment, options.offset.value()));
  result.batches = PENSTOCK_TRY((*reader)->read(segment, position, options.max_bytes, options.at_least_one));
  metrics_.segment_fetches.add();
  return std::optional<FetchResult>(std::move(result));
}

Result<Offset> LogCore::high_watermark(const TopicPartition& of) const {
  const std::lock_guard lock(mutex_);
  const auto partition = find_partition(of);
  if (partition == nullptr) return no_such_partition(of);
  return Offset(partition->high_watermark);
}

Result<Offset> LogCore::log_start_offset(const TopicPartition& of) const {
  const std::lock_guard lock(mutex_);
  const auto partition = find_partition(of);
  if (partition == nullptr) return no_such_partition(of);
  return Offset(partition->log_start_offset);
}

Result<int64_t> LogCore::size_bytes(const TopicPartition& of) const {
  const std::lock_guard lock(mutex_);
  const auto partition = find_partition(of);
  if (partition == nullptr) return no_such_partition(of);
  int64_t bytes = partition->segments_bytes();
  for (size_t i = partition->tail.find(partition->flushed_offset); i < partition->tail.size(); ++i) {
    bytes += static_cast<int64_t>(partition->tail[i].bytes.bytes.size());
  }
  return bytes;
}

Result<std::optional<OffsetAndTimestamp>> LogCore::find_record_by_time(const SharedBytes& bytes, int64_t from_offset,
                                                                       int64_t timestamp_ms) const {
  const RecordBatchView batch = PENSTOCK_TRY(parse_record_batch(bytes.bytes));
  const auto records = uncompressed_records(batch, bytes.owner);
  bool readable = records.has_value();
  if (readable) {
    RecordReader reader(batch, records->bytes);
    for (Record record; reader.next(&record);) {
      if (record.offset >= from_offset && record.timestamp_ms >= timestamp_ms) {
        return std::optional(OffsetAndTimestamp{Offset(record.offset), record.timestamp_ms});
      }
    }
    readable = reader.status().has_value();
  }
  if (readable) return std::nullopt;
  // Producers may store what nobody can decompress: the batch is then as exact as the answer gets.
  return std::optional(OffsetAndTimestamp{Offset(std::max(batch.base_offset, from_offset)), batch.max_timestamp_ms});
}

Result<std::optional<OffsetAndTimestamp>> LogCore::offset_for_time(const TopicPartition& in,
                                                                   int64_t timestamp_ms) const {
  // Goes on from one candidate batch to the next: a batch's largest timestamp may be of a record below the start.
  std::optional<int64_t> from;
  while (true) {
    uint32_t handle = 0;
    std::string directory;
    std::vector<SegmentInfo> segments;
    SharedBytes candidate;
    {
      const std::lock_guard lock(mutex_);
      const auto partition = find_partition(in);
      if (partition == nullptr) return no_such_partition(in);
      from = std::max(from.value_or(0), partition->log_start_offset);
      handle = partition->handle;
      directory = partition->directory();
      for (const SegmentInfo& segment : partition->segments) {
        if (segment.next_offset > *from && segment.max_timestamp_ms >= timestamp_ms) segments.push_back(segment);
      }
      const Tail& tail = partition->tail;
      for (size_t i = tail.find(std::max(*from, partition->flushed_offset)); i < tail.size(); ++i) {
        if (tail[i].max_timestamp_ms < timestamp_ms) continue;
        candidate = tail[i].bytes;
        break;
      }
    }
    for (const SegmentInfo& segment : segments) {
      auto reader = segment_cache_.get(handle, directory, segment.base_offset);
      if (!reader && reader.error().code() == ErrorCode::kNotFound) continue;  // retention took it just now
      if (!reader) return std::move(reader).error();
      const uint64_t start = PENSTOCK_TRY((*reader)->find_offset(segment, *from));
      const uint64_t position = PENSTOCK_TRY((*reader)->find_timestamp(segment, start, timestamp_ms));
      auto batches = PENSTOCK_TRY((*reader)->read(segment, position, 0, true));
      if (batches.empty()) continue;
      candidate = std::move(batches.front());
      break;
    }
    if (candidate.bytes.empty()) return std::nullopt;
    auto found = PENSTOCK_TRY(find_record_by_time(candidate, *from, timestamp_ms));
    if (found) return found;
    from = PENSTOCK_TRY(parse_record_batch(candidate.bytes)).next_offset();
  }
}

Result<std::optional<OffsetAndTimestamp>> LogCore::offset_of_max_timestamp(const TopicPartition& in) const {
  const int64_t log_start = PENSTOCK_TRY(log_start_offset(in)).value();
  const FetchResult first =
      PENSTOCK_TRY(fetch(in, {.offset = Offset(log_start), .max_bytes = 0, .at_least_one = true}));
  if (first.batches.empty()) return std::nullopt;
  // The largest timestamp of the first batch may be of a record below the start: its records are looked at, and headers
  // from the second batch on.
  int64_t max_ms = max_record_timestamp(first.batches.front(), log_start);
  const int64_t second = PENSTOCK_TRY(parse_record_batch(first.batches.front().bytes)).next_offset();
  uint32_t handle = 0;
  std::string directory;
  std::optional<SegmentInfo> cut;
  {
    const std::lock_guard lock(mutex_);
    const auto partition = find_partition(in);
    if (partition == nullptr) return no_such_partition(in);
    handle = partition->handle;
    directory = partition->directory();
    for (const SegmentInfo& segment : partition->segments) {
      if (segment.next_offset <= second) continue;
      if (segment.base_offset < second) {
        cut = segment;
      } else {
        max_ms = std::max(max_ms, segment.max_timestamp_ms);
      }
    }
    const Tail& tail = partition->tail;
    for (size_t i = tail.find(std::max(second, partition->flushed_offset)); i < tail.size(); ++i) {
      max_ms = std::max(max_ms, tail[i].max_timestamp_ms);
    }
  }
  if (cut) {
    const auto reader = PENSTOCK_TRY(segment_cache_.get(handle, directory, cut->base_offset));
    const uint64_t position = PENSTOCK_TRY(reader->find_offset(*cut, second));
    max_ms = std::max(max_ms, PENSTOCK_TRY(reader->max_timestamp_from(*cut, position)));
  }
  return offset_for_time(in, max_ms);
}

}  // namespace penstock::log
