#include "log/producer_state.h"

#include <algorithm>

namespace penstock::log {
namespace {

constexpr size_t kEncodedBatchBytes = 2 + 4 + 4 + 8 + 8;
constexpr size_t kEncodedProducerBytes = 8 + 8 + 4;

bool is_possible(const ProducerBatch& batch) {
  if (batch.epoch < 0 || batch.first_sequence < 0 || batch.base_offset < 0 || batch.last_offset < batch.base_offset ||
      batch.last_offset - batch.base_offset >= INT32_MAX) {
    return false;
  }
  const auto records_count = static_cast<int32_t>(batch.last_offset - batch.base_offset + 1);
  return batch.last_sequence == last_sequence_of(batch.first_sequence, records_count);
}

}  // namespace

int32_t last_sequence_of(int32_t first, int32_t records_count) {
  const int64_t last = int64_t{first} + std::max(records_count, 1) - 1;
  return static_cast<int32_t>(last > INT32_MAX ? last - INT32_MAX - 1 : last);
}

ProducerTable::Answer ProducerTable::check(int64_t producer_id, const ProducerBatch& batch) const {
  const auto found = producers_.find(producer_id);
  // Whoever is not known may begin anywhere: its earlier batches may have been forgotten.
  if (found == producers_.end()) return {};
  const Producer& producer = found->second;
  Answer answer{.current_epoch = producer.epoch};
  if (batch.epoch < producer.epoch) {
    answer.verdict = Verdict::kInvalidEpoch;
    return answer;
  }
  if (batch.epoch > producer.epoch) {
    answer.expected_sequence = 0;
    answer.verdict = batch.first_sequence == 0 ? Verdict::kAccept : Verdict::kOutOfOrderSequence;
    return answer;
  }
  for (const ProducerBatch& seen : producer.batches) {
    if (seen.epoch == batch.epoch && seen.first_sequence == batch.first_sequence &&
        seen.last_sequence == batch.last_sequence) {
      answer.verdict = Verdict::kDuplicate;
      answer.base_offset = seen.base_offset;
      answer.last_offset = seen.last_offset;
      return answer;
    }
  }
  answer.expected_sequence = producer.next_sequence;
  if (batch.first_sequence != answer.expected_sequence) answer.verdict = Verdict::kOutOfOrderSequence;
  return answer;
}

void ProducerTable::Producer::add(const ProducerBatch& batch) {
  batches.push_back(batch);
  epoch = batch.epoch;
  next_sequence = batch.last_sequence == INT32_MAX ? 0 : batch.last_sequence + 1;
}

void ProducerTable::record(int64_t producer_id, const ProducerBatch& batch, int64_t high_watermark, int64_t now_ms) {
  if (producers_.size() >= kProducersPerPartitionMax && !producers_.contains(producer_id)) {
    forget_the_idlest(high_watermark);
  }
  Producer& producer = producers_[producer_id];
  producer.last_used_ms = now_ms;
  producer.add(batch);
  // Those that wait for the disk do not push out durable ones: a crash may take them back.
  const auto durable = std::ranges::count_if(
      producer.batches, [&](const ProducerBatch& seen) { return seen.last_offset < high_watermark; });
  const auto surplus = durable - std::min<ptrdiff_t>(durable, kProducerBatchesKept);
  producer.batches.erase(producer.batches.begin(), producer.batches.begin() + surplus);
}

void ProducerTable::take_back(int64_t high_watermark) {
  for (auto& [id, producer] : producers_) {
    // Offsets only grow: the durable ones come first.
    const auto first =
        std::ranges::find_if(producer.batches, [&](const auto& batch) { return batch.last_offset >= high_watermark; });
    if (first == producer.batches.end()) continue;
    producer.epoch = first->epoch;
    producer.next_sequence = first->first_sequence;
    producer.batches.erase(first, producer.batches.end());
  }
}

void ProducerTable::forget_the_idlest(int64_t high_watermark) {
  auto idlest = producers_.end();
  for (auto at = producers_.begin(); at != producers_.end(); ++at) {
    if (at->second.waits_for_disk(high_watermark)) continue;
    if (idlest == producers_.end() || at->second.last_used_ms < idlest->second.last_used_ms) idlest = at;
  }
  if (idlest != producers_.end()) producers_.erase(idlest);
}

void ProducerTable::expire(int64_t high_watermark, int64_t now_ms) {
  std::erase_if(producers_, [&](const auto& entry) {
    const Producer& producer = entry.second;
    return !producer.waits_for_disk(high_watermark) && now_ms - producer.last_used_ms > kProducerIdleMsMax;
  });
}

void ProducerTable::encode(int64_t high_watermark, ByteWriter* to) const {
  const auto durable_count = [&](const Producer& producer) {
    return static_cast<uint32_t>(std::ranges::count_if(
        producer.batches, [&](const ProducerBatch& batch) { return batch.last_offset < high_watermark; }));
  };
  uint32_t count = 0;
  for (const auto& [id, producer] : producers_) count += durable_count(producer) > 0 ? 1 : 0;
  to->put(count);
  for (const auto& [id, producer] : producers_) {
    const uint32_t durable = durable_count(producer);
    if (durable == 0) continue;
    to->put(id);
    to->put(producer.last_used_ms);
    to->put(durable);
    // Offsets only grow: the durable ones come first.
    for (uint32_t i = 0; i < durable; ++i) {
      const ProducerBatch& batch = producer.batches[i];
      to->put(batch.epoch);
      to->put(batch.first_sequence);
      to->put(batch.last_sequence);
      to->put(batch.base_offset);
      to->put(batch.last_offset);
    }
  }
}

bool ProducerTable::decode(ByteReader* from, int64_t high_watermark) {
  producers_.clear();
  const uint32_t count = from->get_count(kEncodedProducerBytes);
  for (uint32_t i = 0; i < count; ++i) {
    const auto id = from->get<int64_t>();
    const auto [at, fresh] = producers_.try_emplace(id);
    Producer& producer = at->second;
    producer.last_used_ms = from->get<int64_t>();
    if (!from->ok() || !fresh || id < 0 || producer.last_used_ms < 0) return false;
    int64_t end = 0;
    const uint32_t batches = from->get_count(kEncodedBatchBytes);
    for (uint32_t j = 0; j < batches; ++j) {
      ProducerBatch batch;
      batch.epoch = from->get<int16_t>();
      batch.first_sequence = from->get<int32_t>();
      batch.last_sequence = from->get<int32_t>();
      batch.base_offset = from->get<int64_t>();
      batch.last_offset = from->get<int64_t>();
      if (!from->ok() || !is_possible(batch) || batch.base_offset < end) return false;
      end = batch.last_offset + 1;
      producer.add(batch);
    }
    if (producer.batches.empty() || end > high_watermark) return false;
  }
  return from->ok();
}

}  // namespace penstock::log
