#include "log/record_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>

#include "base/hash.h"
#include "log/coding.h"

namespace penstock::log {
namespace {

using testing::HasSubstr;

std::string two_records() {
  RecordBatchBuilder builder;
  const RecordHeader headers[] = {{"trace", "abc"}, {"empty", std::nullopt}};
  builder.add(1000, "k1", "v1");
  builder.add(990, std::nullopt, std::nullopt, headers);
  return builder.finish();
}

TEST(RecordBatch, WritesTheLayoutOfTheSpecification) {
  RecordBatchBuilder builder;
  builder.add(1000, "k", "v");
  const std::string batch = builder.finish();
  // One record: length 8 (zigzag 16), attributes, two deltas, key length 1 (2), 'k', value length 1 (2), 'v', no
  // headers.
  EXPECT_EQ(batch.substr(61), std::string("\x10\x00\x00\x00\x02k\x02v\x00", 9));
  EXPECT_EQ(load_big<int32_t>(batch.data() + 8), static_cast<int32_t>(batch.size()) - 12);
  EXPECT_EQ(batch[16], 2);
  EXPECT_EQ(load_big<uint32_t>(batch.data() + 17), crc32c(batch.substr(21)));
  EXPECT_EQ(load_big<int64_t>(batch.data() + 27), 1000);
}

TEST(RecordBatch, RoundTrip) {
  std::string bytes = two_records();
  set_base_offset(bytes.data(), 7000);
  set_partition_leader_epoch(bytes.data(), 3);
  auto batch = parse_record_batch(bytes);
  ASSERT_TRUE(batch) << batch.error().to_string();
  EXPECT_TRUE(batch->crc_matches());
  EXPECT_EQ(batch->base_offset, 7000);
  EXPECT_EQ(batch->partition_leader_epoch, 3);
  EXPECT_EQ(batch->last_offset(), 7001);
  EXPECT_EQ(batch->max_timestamp_ms, 1000);
  EXPECT_EQ(batch->codec(), CompressionCodec::kNone);

  RecordReader reader(*batch, batch->records());
  Record record;
  ASSERT_TRUE(reader.next(&record));
  EXPECT_EQ(record.offset, 7000);
  EXPECT_EQ(record.key, "k1");
  EXPECT_EQ(record.value, "v1");
  EXPECT_EQ(record.headers_count, 0);
  ASSERT_TRUE(reader.next(&record));
  EXPECT_EQ(record.offset, 7001);
  EXPECT_EQ(record.timestamp_ms, 990);
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, std::nullopt);
  HeaderReader headers(record);
  RecordHeader header;
  ASSERT_TRUE(headers.next(&header));
  EXPECT_EQ(header.key, "trace");
  EXPECT_EQ(header.value, "abc");
  ASSERT_TRUE(headers.next(&header));
  EXPECT_EQ(header.key, "empty");
  EXPECT_EQ(header.value, std::nullopt);
  EXPECT_FALSE(headers.next(&header));
  EXPECT_TRUE(headers.status());
  EXPECT_FALSE(reader.next(&record));
  EXPECT_TRUE(reader.status());
}

TEST(RecordBatch, LogAppendTimeRulesOverTheRecords) {
  std::string bytes = two_records();
  set_log_append_time(bytes.data(), bytes.size(), 123456);
  auto batch = parse_record_batch(bytes);
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->crc_matches());
  EXPECT_TRUE(batch->uses_log_append_time());
  RecordReader reader(*batch, batch->records());
  Record record;
  while (reader.next(&record)) {
    EXPECT_EQ(record.timestamp_ms, 123456);
    EXPECT_TRUE(record.log_append_time);
  }
  EXPECT_TRUE(reader.status());
}

TEST(RecordBatch, BuilderCanBeUsedAgain) {
  RecordBatchBuilder builder;
  builder.set_producer(9, 1, 40);
  builder.add(5, "a", "b");
  const std::string first = builder.finish();
  builder.add(6, "c", "d");
  const std::string second = builder.finish();
  EXPECT_EQ(parse_record_batch(first)->producer_id, 9);
  EXPECT_EQ(parse_record_batch(first)->base_sequence, 40);
  EXPECT_EQ(parse_record_batch(second)->producer_id, kNoProducerId);
  EXPECT_EQ(parse_record_batch(second)->base_timestamp_ms, 6);
}

TEST(RecordBatch, EveryTruncationIsRefused) {
  const std::string bytes = two_records();
  for (size_t size = 0; size < bytes.size(); ++size) {
    auto batch = parse_record_batch(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(batch) << size;
    EXPECT_EQ(batch.error().code(), ErrorCode::kCorruption);
  }
}

TEST(RecordBatch, RefusesHeadersThatCannotBe) {
  const auto with = [](size_t at, auto value) {
    std::string bytes = two_records();
    store_big(bytes.data() + at, value);
    return parse_record_batch(bytes);
  };
  EXPECT_THAT(with(16, int8_t{1}).error().message(), HasSubstr("magic 1"));
  EXPECT_FALSE(with(8, int32_t{-1}));
  EXPECT_FALSE(with(8, int32_t{48}));
  EXPECT_FALSE(with(8, INT32_MAX));
  EXPECT_FALSE(with(23, int32_t{-1}));
  EXPECT_FALSE(with(57, int32_t{-1}));
  EXPECT_FALSE(with(0, int64_t{-1}));
  EXPECT_FALSE(with(0, INT64_MAX));
}

TEST(RecordBatch, EveryFlippedBitIsSeenByTheCrc) {
  const std::string good = two_records();
  for (size_t bit = kRecordBatchCrcStart * 8; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    auto batch = parse_record_batch(bytes);
    EXPECT_TRUE(!batch || !batch->crc_matches()) << bit;
  }
}

TEST(RecordBatch, ReaderSurvivesEveryFlippedByteAndSaysWhereItStopped) {
  const std::string good = two_records();
  for (size_t at = kRecordBatchHeaderBytes; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(value);
      auto batch = parse_record_batch(bytes);
      ASSERT_TRUE(batch);
      RecordReader reader(*batch, batch->records());
      Record record;
      int records = 0;
      while (reader.next(&record)) {
        ++records;
        HeaderReader headers(record);
        for (RecordHeader header; headers.next(&header);) {
        }
      }
      ASSERT_LE(records, 2);
      if (records < 2) {
        EXPECT_THAT(reader.status().error().message(), HasSubstr("malformed"));
      }
    }
  }
}

TEST(RecordBatch, FewerRecordsThanSaidIsMalformed) {
  std::string bytes = two_records();
  store_big(bytes.data() + 57, int32_t{3});
  auto batch = parse_record_batch(bytes);
  RecordReader reader(*batch, batch->records());
  Record record;
  while (reader.next(&record)) {
  }
  EXPECT_FALSE(reader.status());
}

TEST(RecordBatch, TimestampsAtTheEndsOfTheRange) {
  constexpr int64_t kTimes[] = {INT64_MAX, INT64_MIN, 0, INT64_MAX, -1, INT64_MIN, INT64_MIN + 1, INT64_MAX - 1};
  for (size_t first = 0; first < std::size(kTimes); ++first) {
    RecordBatchBuilder builder;
    for (size_t i = first; i < std::size(kTimes); ++i) builder.add(kTimes[i], std::nullopt, "v");
    const std::string bytes = builder.finish();
    const auto batch = parse_record_batch(bytes);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->base_timestamp_ms, kTimes[first]);
    EXPECT_EQ(batch->max_timestamp_ms, *std::max_element(kTimes + first, std::end(kTimes)));
    RecordReader reader(*batch, batch->records());
    Record record;
    for (size_t i = first; i < std::size(kTimes); ++i) {
      ASSERT_TRUE(reader.next(&record)) << reader.status().error().to_string();
      EXPECT_EQ(record.timestamp_ms, kTimes[i]);
    }
    EXPECT_FALSE(reader.next(&record));
    EXPECT_TRUE(reader.status());
  }
}

TEST(RecordBatch, OffsetsThatAreNotTheBatchsAreMalformed) {
  // Records of one byte each for length, attributes, timestamp delta, offset delta, null key, null value, no headers.
  const auto read_with_deltas = [](std::initializer_list<char> zigzag_deltas) {
    RecordBatchBuilder builder;
    for (size_t i = 0; i < zigzag_deltas.size(); ++i) builder.add(0, std::nullopt, std::nullopt);
    std::string bytes = builder.finish();
    size_t at = kRecordBatchHeaderBytes + 3;
    for (const char delta : zigzag_deltas) {
      bytes[at] = delta;
      at += 7;
    }
    const auto batch = parse_record_batch(bytes);
    RecordReader reader(*batch, batch->records());
    for (Record record; reader.next(&record);) {
      EXPECT_GE(record.offset, batch->base_offset);
      EXPECT_LE(record.offset, batch->last_offset());
    }
    return reader.status();
  };
  EXPECT_TRUE(read_with_deltas({0, 2, 4}));
  EXPECT_FALSE(read_with_deltas({0, 2, 6})) << "beyond the batch";
  EXPECT_FALSE(read_with_deltas({1, 2, 4})) << "-1";
  EXPECT_FALSE(read_with_deltas({0, 0, 4})) << "twice the same";
  EXPECT_THAT(read_with_deltas({2, 0, 4}).error().message(), HasSubstr("the offset is out of order"));
}

TEST(Varint, RoundTripsAndKnowsItsSize) {
  std::mt19937_64 random(1);
  std::vector<int64_t> values = {0, -1, 1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
  for (int i = 0; i < 10'000; ++i) values.push_back(static_cast<int64_t>(random() >> (random() % 64)));
  for (const int64_t value : values) {
    std::string bytes;
    append_varint(&bytes, value);
    EXPECT_EQ(bytes.size(), varint_size(value)) << value;
    std::string_view rest = bytes;
    int64_t back = 0;
    ASSERT_TRUE(take_varint(&rest, &back));
    EXPECT_EQ(back, value);
    EXPECT_TRUE(rest.empty());
  }
}

}  // namespace
}  // namespace penstock::log
