// What a partition remembers of idempotent producers: enough to know a repeated batch and a missing one, as Kafka does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "log/coding.h"

namespace penstock::log {

// The durable batches remembered of each producer: as many as a client may have under way (Kafka's limit).
inline constexpr size_t kProducerBatchesKept = 5;
// Producers remembered for one partition; beyond it the one that was idle longest is forgotten.
inline constexpr size_t kProducersPerPartitionMax = 4096;
// A producer idle for this long is forgotten (Kafka's producer.id.expiration.ms).
inline constexpr int64_t kProducerIdleMsMax = 24LL * 3600 * 1000;

// The producer's side of one batch, and where the batch went.
struct ProducerBatch {
  int16_t epoch = -1;
  int32_t first_sequence = -1;
  int32_t last_sequence = -1;
  int64_t base_offset = -1;
  int64_t last_offset = -1;
};

// The last sequence of a batch of `records_count` that starts at `first`: after the largest number comes 0.
int32_t last_sequence_of(int32_t first, int32_t records_count);

// Guarded by the log's mutex. Batches are recorded when their offsets are assigned, before they are durable; durable
// ones lie below the high watermark, which the callers give.
class ProducerTable {
 public:
  enum class Verdict : uint8_t { kAccept, kDuplicate, kOutOfOrderSequence, kInvalidEpoch };
  struct Answer {
    Verdict verdict = Verdict::kAccept;
    int64_t base_offset = -1;  // of the original, for kDuplicate
    int64_t last_offset = -1;
    int32_t expected_sequence = -1;  // for kOutOfOrderSequence
    int16_t current_epoch = -1;
  };

  // Judges a batch (its offsets do not matter).
  Answer check(int64_t producer_id, const ProducerBatch& batch) const;
  // Remembers an accepted batch.
  void record(int64_t producer_id, const ProducerBatch& batch, int64_t high_watermark, int64_t now_ms);
  // Takes back the batches that are not durable: each producer goes on with the first of them.
  void take_back(int64_t high_watermark);
  // Forgets producers that were idle too long.
  void expire(int64_t high_watermark, int64_t now_ms);

  bool empty() const { return producers_.empty(); }
  size_t size() const { return producers_.size(); }

  // Writes the part of it that is durable; reads it back, false when the bytes are malformed or tell of batches that
  // cannot be below `high_watermark`.
  void encode(int64_t high_watermark, ByteWriter* to) const;
  bool decode(ByteReader* from, int64_t high_watermark);

 private:
  struct Producer {
    std::vector<ProducerBatch> batches;  // oldest first; empty only when all of them were taken back
    int64_t last_used_ms = 0;
    // Of the batch that is expected next.
    int16_t epoch = -1;
    int32_t next_sequence = 0;

    bool waits_for_disk(int64_t high_watermark) const {
      return !batches.empty() && batches.back().last_offset >= high_watermark;
    }
    void add(const ProducerBatch& batch);
  };
  void forget_the_idlest(int64_t high_watermark);

  std::map<int64_t, Producer> producers_;
};

}  // namespace penstock::log
