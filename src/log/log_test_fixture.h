// What the tests of the log share: batches, and answers waited for.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "log/log.h"
#include "log/record_batch.h"

namespace penstock::log {

inline TopicPartition partition_of(std::string topic, int32_t partition) {
  return {std::move(topic), PartitionId(partition)};
}

// One batch of records with these values, at this time each.
inline SharedBytes batch_of(const std::vector<std::string>& values, int64_t timestamp_ms = 1000) {
  RecordBatchBuilder builder;
  for (const std::string& value : values) builder.add(timestamp_ms, std::nullopt, value);
  return builder.finish_shared();
}

inline SharedBytes producer_batch(int64_t producer_id, int16_t epoch, int32_t sequence, int records = 1) {
  RecordBatchBuilder builder;
  for (int i = 0; i < records; ++i) builder.add(1000, std::nullopt, std::to_string(sequence + i));
  builder.set_producer(producer_id, epoch, sequence);
  return builder.finish_shared();
}

// A value that another thread gives.
template <class T>
class Answer {
 public:
  void set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    given_.notify_all();
  }
  T wait() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return value_.has_value(); });
    return std::move(*value_);
  }
  bool given() {
    const std::lock_guard lock(mutex_);
    return value_.has_value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

// All record values from `offset` to the high watermark; checks that offsets have no gap.
inline std::vector<std::string> read_values(const Log& log, const TopicPartition& from, int64_t offset,
                                            size_t max_bytes = 1 << 20) {
  std::vector<std::string> values;
  while (true) {
    auto fetched = log.fetch(from, {.offset = Offset(offset), .max_bytes = max_bytes, .at_least_one = true});
    EXPECT_TRUE(fetched) << fetched.error().to_string();
    if (!fetched || fetched->batches.empty()) return values;
    for (const SharedBytes& bytes : fetched->batches) {
      auto batch = parse_record_batch(bytes.bytes);
      EXPECT_TRUE(batch && batch->crc_matches());
      EXPECT_EQ(batch->bytes.size(), bytes.bytes.size());
      RecordReader reader(*batch, batch->records());
      for (Record record; reader.next(&record);) {
        if (record.offset < offset) continue;
        EXPECT_EQ(record.offset, offset);
        values.emplace_back(*record.value);
        ++offset;
      }
      EXPECT_TRUE(reader.status());
    }
  }
}

}  // namespace penstock::log
