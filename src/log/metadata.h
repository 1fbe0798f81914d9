// The two small files beside the journal and the segments: the catalog of topics, and the checkpoint that says what is
// in the segments and where the journal goes on from there. Both are replaced as a whole. Layout:
// docs/formats/log-metadata.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/group_offsets.h"
#include "log/journal.h"
#include "log/log.h"
#include "log/producer_state.h"
#include "log/segment.h"

namespace penstock::log {

inline constexpr int32_t kPartitionsPerTopicMax = 10'000;
inline constexpr size_t kPartitionsMax = 100'000;
inline constexpr size_t kTopicNameBytesMax = 249;
inline constexpr int64_t kTopicSegmentBytesMin = 1 << 10;
// No catalog gives more: what is beyond could overflow.
inline constexpr int64_t kProducerIdMax = INT64_MAX / 2;

// kInvalidArgument when a topic cannot have this name, or these settings.
Status check_topic_name(const std::string& name);
Status check_topic_config(const TopicConfig& config);

// Changed and written before a change takes effect.
struct Catalog {
  struct Topic {
    TopicInfo info;
    std::vector<uint32_t> handles;  // of its partitions, in order
  };

  uint64_t journal_id = 0;  // random: bytes from elsewhere never pass for a commit of this journal
  uint32_t next_handle = 1;
  int64_t next_producer_id = 0;  // all below may have been given
  std::map<std::string, Topic, std::less<>> topics;

  std::string encode() const;
  // kCorruption also when the bytes match their checksum, but say what the log never writes.
  static Result<Catalog> decode(std::string_view bytes);
};

// The whole state at one position of the journal, apart from the catalog: replaying the journal from there gives the
// state at its end.
struct Checkpoint {
  struct Partition {
    int64_t log_start_offset = 0;
    int64_t next_offset = 0;  // all below is in the segments
    std::vector<SegmentInfo> segments;
    ProducerTable producers;
  };

  uint64_t journal_id = 0;
  JournalPosition position;
  std::map<uint32_t, Partition> partitions;  // by handle
  GroupOffsetsTable groups;

  // As Catalog::decode().
  static Result<Checkpoint> decode(std::string_view bytes);
};

// Writes a checkpoint piece by piece, so that a large state is not copied first.
class CheckpointEncoder {
 public:
  CheckpointEncoder(uint64_t journal_id, const JournalPosition& position, uint32_t partitions_count);

  // Exactly partitions_count times. `producers` is what ProducerTable::encode() wrote.
  void add_partition(uint32_t handle, int64_t log_start_offset, int64_t next_offset,
                     const std::vector<SegmentInfo>& segments, std::string_view producers);
  // `groups` is what GroupOffsetsTable::encode() wrote. Completes the file's bytes.
  std::string finish(std::string_view groups);

 private:
  std::string bytes_;
};

}  // namespace penstock::log
