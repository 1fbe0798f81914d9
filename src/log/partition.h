// One partition in memory: its offsets, its tail of recent batches, its segments and its producers.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "log/log.h"
#include "log/producer_state.h"
#include "log/segment.h"
#include "log/subscription.h"

namespace penstock::log {

// No partition goes on beyond it, so that offsets can be added to.
inline constexpr int64_t kOffsetMax = int64_t{1} << 62;

// Batches that are durable in the journal, kept in memory until they are in segments and a little longer. Empty tails
// of many partitions cost nothing.
class Tail {
 public:
  struct Batch {
    SharedBytes bytes;
    int64_t base_offset = 0;
    int64_t next_offset = 0;
    int64_t max_timestamp_ms = kNoTimestamp;
  };

  bool empty() const { return batches_ == nullptr; }
  const Batch& front() const { return batches_->front(); }
  void push(Batch batch);
  // Moves the batches that end at or below `offset` to `out`; returns their bytes.
  size_t drop_below(int64_t offset, std::vector<Batch>* out);
  // The index of the first batch that ends after `offset`, size() when there is none.
  size_t find(int64_t offset) const;
  size_t size() const { return batches_ == nullptr ? 0 : batches_->size(); }
  const Batch& operator[](size_t i) const { return (*batches_)[i]; }

 private:
  std::unique_ptr<std::deque<Batch>> batches_;  // none instead of an empty one
};

// What append() must know of a topic without looking further. Replaced as a whole when the settings change.
struct TopicSettings {
  explicit TopicSettings(const TopicConfig& config);

  TopicConfig config;
  bool log_append_time = false;  // message.timestamp.type
};

// Guarded by LogCore::mutex_, but `segments`, which changes only with LogCore::flush_mutex_ held as well.
// Always: log_start_offset <= high_watermark <= next_offset; flushed_offset <= high_watermark; the tail has all batches
// from flushed_offset on, and possibly some before.
struct Partition {
  Partition(uint32_t handle, std::shared_ptr<const TopicSettings> settings,
            std::shared_ptr<const std::string> topic_directory, int32_t index)
      : handle(handle), settings(std::move(settings)), topic_directory(std::move(topic_directory)), index(index) {}

  // Where its segments are.
  std::string directory() const { return fmt::format("{}/{}", *topic_directory, index); }
  int64_t segments_bytes() const;

  const uint32_t handle;  // in the journal; never used again
  std::shared_ptr<const TopicSettings> settings;
  const std::shared_ptr<const std::string> topic_directory;
  const int32_t index;

  int64_t log_start_offset = 0;
  int64_t next_offset = 0;     // of the next append
  int64_t high_watermark = 0;  // below it all is durable
  int64_t flushed_offset = 0;  // below it all is in segments, which a checkpoint syncs
  int64_t previous_flushed_offset = 0;
  Tail tail;
  std::vector<SegmentInfo> segments;  // ascending, each but the last one full
  ProducerTable producers;
  SubscriberList subscribers;
  bool deleted = false;
  bool dirty = false;     // in the list of those with something to flush
  bool cached = false;    // in the list of those with flushed batches in the tail
  bool advanced = false;  // in the list of those to notify of this commit
};

}  // namespace penstock::log
