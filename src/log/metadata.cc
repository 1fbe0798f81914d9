#include "log/metadata.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/hash.h"
#include "log/coding.h"
#include "log/partition.h"

namespace penstock::log {
namespace {

constexpr uint64_t kCatalogMagic = 0x31474f4c54415453;     // "STATLOG1"
constexpr uint64_t kCheckpointMagic = 0x3154504b43545350;  // "PSTCKPT1"
constexpr uint32_t kVersion = 1;
constexpr size_t kPrefixBytes = 16;  // magic, version, CRC of the rest
constexpr size_t kEncodedSegmentBytes = 8 + 8 + 8 + 8 + 4 + 8 + 8;
constexpr size_t kEncodedPartitionBytes = 4 + 8 + 8 + 4 + 4;
constexpr size_t kEncodedTopicBytes = 4 + 16 + 1 + 4;

std::string start_file(uint64_t magic) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.put(magic);
  writer.put(kVersion);
  writer.put(uint32_t{0});
  return bytes;
}

void finish_file(std::string* bytes) {
  store_little(bytes->data() + 12, crc32c(std::string_view(*bytes).substr(kPrefixBytes)));
}

Result<std::string_view> open_file(std::string_view bytes, uint64_t magic) {
  ByteReader reader(bytes);
  const auto found_magic = reader.get<uint64_t>();
  const auto version = reader.get<uint32_t>();
  const auto crc = reader.get<uint32_t>();
  if (!reader.ok() || found_magic != magic) return make_error(ErrorCode::kCorruption, "it does not begin as it should");
  if (version != kVersion) return unsupported("it has version {}, this program reads {}", version, kVersion);
  const std::string_view rest = bytes.substr(kPrefixBytes);
  if (crc32c(rest) != crc) return make_error(ErrorCode::kCorruption, "it does not match its CRC");
  return rest;
}

void encode_config(const TopicConfig& config, ByteWriter* to) {
  to->put(config.retention_ms);
  to->put(config.retention_bytes);
  to->put(config.segment_bytes);
  to->put(config.max_message_bytes);
  to->put(static_cast<uint32_t>(config.entries.size()));
  for (const auto& [key, value] : config.entries) {
    to->put_string(key);
    to->put_string(value);
  }
}

TopicConfig decode_config(ByteReader* from) {
  TopicConfig config;
  config.retention_ms = from->get<int64_t>();
  config.retention_bytes = from->get<int64_t>();
  config.segment_bytes = from->get<int64_t>();
  config.max_message_bytes = from->get<int32_t>();
  const uint32_t count = from->get_count(8);
  for (uint32_t i = 0; i < count; ++i) {
    std::string key(from->get_string());
    config.entries.emplace_back(std::move(key), std::string(from->get_string()));
  }
  return config;
}

void encode_segment(const SegmentInfo& segment, ByteWriter* to) {
  to->put(segment.base_offset);
  to->put(segment.next_offset);
  to->put(segment.bytes);
  to->put(segment.max_timestamp_ms);
  to->put(segment.index_entries);
  to->put(segment.last_index_position);
  to->put(segment.created_ms);
}

SegmentInfo decode_segment(ByteReader* from) {
  SegmentInfo segment;
  segment.base_offset = from->get<int64_t>();
  segment.next_offset = from->get<int64_t>();
  segment.bytes = from->get<uint64_t>();
  segment.max_timestamp_ms = from->get<int64_t>();
  segment.index_entries = from->get<uint32_t>();
  segment.last_index_position = from->get<uint64_t>();
  segment.created_ms = from->get<int64_t>();
  return segment;
}

Error malformed() { return make_error(ErrorCode::kCorruption, "its content is malformed"); }

Status check_topics(const Catalog& catalog) {
  std::set<uint32_t> handles;
  std::set<TopicId> ids;
  for (const auto& [name, topic] : catalog.topics) {
    const auto wrong = [&name](std::string_view what) {
      return make_error(ErrorCode::kCorruption, "its topic \"{}\": {}", name, what);
    };
    // The name becomes a directory's.
    if (Status allowed = check_topic_name(name); !allowed) return wrong(allowed.error().message());
    if (Status allowed = check_topic_config(topic.info.config); !allowed) return wrong(allowed.error().message());
    if (topic.handles.empty() || topic.handles.size() > static_cast<size_t>(kPartitionsPerTopicMax)) {
      return wrong(fmt::format("it has {} partitions", topic.handles.size()));
    }
    if (!ids.insert(topic.info.id).second) return wrong("another one has the same id");
    for (const uint32_t handle : topic.handles) {
      if (handle == 0 || handle >= catalog.next_handle) return wrong(fmt::format("handle {} was never given", handle));
      if (!handles.insert(handle).second) return wrong(fmt::format("handle {} was given twice", handle));
    }
  }
  if (handles.size() > kPartitionsMax) return malformed();
  return {};
}

Status check_position(const JournalPosition& at) {
  const bool whole_page = at.offset >= kFirstCommitOffset && at.offset % kJournalPageBytes == 0;
  if (at.segment >= 1 && at.segment <= kJournalNumberMax && at.sequence >= 1 && at.sequence <= kJournalNumberMax &&
      whole_page && at.offset <= kJournalNumberMax) {
    return {};
  }
  return make_error(ErrorCode::kCorruption, "its journal position is segment {}, offset {}, commit {}", at.segment,
                    at.offset, at.sequence);
}

bool is_possible(const SegmentInfo& segment) {
  // The first entry of the index comes after the first interval, each other one an interval or more after the last.
  const bool index_fits = segment.index_entries == 0
                              ? segment.last_index_position == 0
                              : segment.last_index_position < segment.bytes &&
                                    segment.index_entries <= segment.last_index_position / kIndexIntervalBytes;
  return segment.base_offset >= 0 && segment.next_offset > segment.base_offset && segment.bytes > 0 &&
         segment.bytes <= INT64_MAX && segment.max_timestamp_ms >= kNoTimestamp && segment.created_ms >= 0 &&
         index_fits;
}

// The segments are in order, and have all records from the log start to the end.
Status check_segments(uint32_t handle, const Checkpoint::Partition& partition) {
  const auto wrong = [&] {
    return make_error(ErrorCode::kCorruption,
                      "its partition {} with offsets from {} to {} has segments that do not hold them", handle,
                      partition.log_start_offset, partition.next_offset);
  };
  if (partition.log_start_offset < 0 || partition.log_start_offset > partition.next_offset ||
      partition.next_offset > kOffsetMax) {
    return wrong();
  }
  // Records may be missing only where the log start has passed them: the disk never saw them.
  const auto may_follow = [&](int64_t end, int64_t offset) {
    return offset == end || (offset > end && offset <= partition.log_start_offset);
  };
  int64_t end = 0;
  uint64_t bytes = 0;
  for (const SegmentInfo& segment : partition.segments) {
    if (!is_possible(segment) || !may_follow(end, segment.base_offset)) return wrong();
    end = segment.next_offset;
    bytes += segment.bytes;
    if (bytes > INT64_MAX) return wrong();
  }
  return may_follow(end, partition.next_offset) ? Status() : wrong();
}

}  // namespace

Status check_topic_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (name.empty() || name.size() > kTopicNameBytesMax || name == "." || name == ".." ||
      !std::ranges::all_of(name, allowed)) {
    return invalid_argument("\"{}\" is no valid topic name", name)
        .hint(fmt::format("use 1 to {} of the characters a-z A-Z 0-9 . _ -", kTopicNameBytesMax));
  }
  return {};
}

Status check_topic_config(const TopicConfig& config) {
  if (config.retention_ms < -1) return invalid_argument("retention.ms is {}, the least is -1", config.retention_ms);
  if (config.retention_bytes < -1) {
    return invalid_argument("retention.bytes is {}, the least is -1", config.retention_bytes);
  }
  if (config.segment_bytes < kTopicSegmentBytesMin) {
    return invalid_argument("segment.bytes is {}, the least is {}", config.segment_bytes, kTopicSegmentBytesMin);
  }
  if (config.max_message_bytes < 0) {
    return invalid_argument("max.message.bytes is {}, the least is 0", config.max_message_bytes);
  }
  return {};
}

std::string Catalog::encode() const {
  std::string bytes = start_file(kCatalogMagic);
  ByteWriter writer(&bytes);
  writer.put(journal_id);
  writer.put(next_handle);
  writer.put(next_producer_id);
  writer.put(static_cast<uint32_t>(topics.size()));
  for (const auto& [name, topic] : topics) {
    writer.put_string(name);
    writer.put(topic.info.id.high);
    writer.put(topic.info.id.low);
    writer.put(static_cast<uint8_t>(topic.info.internal));
    encode_config(topic.info.config, &writer);
    writer.put(static_cast<uint32_t>(topic.handles.size()));
    for (const uint32_t handle : topic.handles) writer.put(handle);
  }
  finish_file(&bytes);
  return bytes;
}

Result<Catalog> Catalog::decode(std::string_view bytes) {
  ByteReader reader(PENSTOCK_TRY(open_file(bytes, kCatalogMagic)));
  Catalog catalog;
  catalog.journal_id = reader.get<uint64_t>();
  catalog.next_handle = reader.get<uint32_t>();
  catalog.next_producer_id = reader.get<int64_t>();
  if (catalog.next_handle == 0 || catalog.next_producer_id < 0 || catalog.next_producer_id > kProducerIdMax) {
    return malformed();
  }
  const uint32_t topics_count = reader.get_count(kEncodedTopicBytes);
  for (uint32_t i = 0; i < topics_count && reader.ok(); ++i) {
    Topic topic;
    topic.info.name = reader.get_string();
    topic.info.id.high = reader.get<uint64_t>();
    topic.info.id.low = reader.get<uint64_t>();
    topic.info.internal = reader.get<uint8_t>() != 0;
    topic.info.config = decode_config(&reader);
    const uint32_t handles_count = reader.get_count(4);
    for (uint32_t j = 0; j < handles_count; ++j) topic.handles.push_back(reader.get<uint32_t>());
    topic.info.partitions = static_cast<int32_t>(topic.handles.size());
    std::string name = topic.info.name;
    if (!catalog.topics.emplace(std::move(name), std::move(topic)).second) return malformed();
  }
  if (!reader.done()) return malformed();
  PENSTOCK_TRY(check_topics(catalog));
  return catalog;
}

CheckpointEncoder::CheckpointEncoder(uint64_t journal_id, const JournalPosition& position, uint32_t partitions_count)
    : bytes_(start_file(kCheckpointMagic)) {
  ByteWriter writer(&bytes_);
  writer.put(journal_id);
  writer.put(position.segment);
  writer.put(position.offset);
  writer.put(position.sequence);
  writer.put(partitions_count);
}

void CheckpointEncoder::add_partition(uint32_t handle, int64_t log_start_offset, int64_t next_offset,
                                      const std::vector<SegmentInfo>& segments, std::string_view producers) {
  ByteWriter writer(&bytes_);
  writer.put(handle);
  writer.put(log_start_offset);
  writer.put(next_offset);
  writer.put(static_cast<uint32_t>(segments.size()));
  for (const SegmentInfo& segment : segments) encode_segment(segment, &writer);
  bytes_ += producers;
}

std::string CheckpointEncoder::finish(std::string_view groups) {
  bytes_ += groups;
  finish_file(&bytes_);
  return std::move(bytes_);
}

Result<Checkpoint> Checkpoint::decode(std::string_view bytes) {
  ByteReader reader(PENSTOCK_TRY(open_file(bytes, kCheckpointMagic)));
  Checkpoint checkpoint;
  checkpoint.journal_id = reader.get<uint64_t>();
  checkpoint.position.segment = reader.get<uint64_t>();
  checkpoint.position.offset = reader.get<uint64_t>();
  checkpoint.position.sequence = reader.get<uint64_t>();
  const uint32_t partitions_count = reader.get_count(kEncodedPartitionBytes);
  for (uint32_t i = 0; i < partitions_count && reader.ok(); ++i) {
    const auto handle = reader.get<uint32_t>();
    const auto [at, fresh] = checkpoint.partitions.try_emplace(handle);
    Partition& partition = at->second;
    if (!fresh) return malformed();
    partition.log_start_offset = reader.get<int64_t>();
    partition.next_offset = reader.get<int64_t>();
    const uint32_t segments_count = reader.get_count(kEncodedSegmentBytes);
    for (uint32_t j = 0; j < segments_count; ++j) partition.segments.push_back(decode_segment(&reader));
    if (!partition.producers.decode(&reader, partition.next_offset)) return malformed();
    PENSTOCK_TRY(check_segments(handle, partition));
  }
  if (!checkpoint.groups.decode(&reader) || !reader.done()) return malformed();
  PENSTOCK_TRY(check_position(checkpoint.position));
  return checkpoint;
}

}  // namespace penstock::log
