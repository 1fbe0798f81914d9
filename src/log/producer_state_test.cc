#include "log/producer_state.h"

#include <gtest/gtest.h>

namespace penstock::log {
namespace {

using Verdict = ProducerTable::Verdict;

ProducerBatch batch(int16_t epoch, int32_t first, int32_t last, int64_t base_offset = -1) {
  return {.epoch = epoch,
          .first_sequence = first,
          .last_sequence = last,
          .base_offset = base_offset,
          .last_offset = base_offset + (last - first)};
}

TEST(ProducerTable, JudgesAsKafkaDoes) {
  ProducerTable table;
  EXPECT_EQ(table.check(1, batch(0, 50, 50)).verdict, Verdict::kAccept) << "an unknown producer may begin anywhere";
  table.record(1, batch(3, 0, 4, 100), 0, 0);
  EXPECT_EQ(table.check(1, batch(3, 5, 5)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(1, batch(3, 6, 6)).verdict, Verdict::kOutOfOrderSequence);
  EXPECT_EQ(table.check(1, batch(3, 6, 6)).expected_sequence, 5);
  EXPECT_EQ(table.check(1, batch(3, 0, 4)).verdict, Verdict::kDuplicate);
  EXPECT_EQ(table.check(1, batch(3, 0, 4)).base_offset, 100);
  EXPECT_EQ(table.check(1, batch(3, 0, 3)).verdict, Verdict::kOutOfOrderSequence) << "not the same batch";
  EXPECT_EQ(table.check(1, batch(2, 5, 5)).verdict, Verdict::kInvalidEpoch);
  EXPECT_EQ(table.check(1, batch(4, 0, 0)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(1, batch(4, 5, 5)).verdict, Verdict::kOutOfOrderSequence) << "a new epoch begins with 0";
  EXPECT_EQ(table.check(2, batch(0, 0, 0)).verdict, Verdict::kAccept);
}

TEST(ProducerTable, SequencesWrap) {
  EXPECT_EQ(last_sequence_of(INT32_MAX, 1), INT32_MAX);
  EXPECT_EQ(last_sequence_of(INT32_MAX, 2), 0);
  EXPECT_EQ(last_sequence_of(INT32_MAX - 1, 5), 2);
  ProducerTable table;
  table.record(
      1, {.epoch = 0, .first_sequence = INT32_MAX, .last_sequence = INT32_MAX, .base_offset = 0, .last_offset = 0}, 0,
      0);
  EXPECT_EQ(table.check(1, batch(0, 0, 0)).verdict, Verdict::kAccept);
}

TEST(ProducerTable, KeepsFiveDurableBatchesAndAllThatWait) {
  ProducerTable table;
  for (int i = 0; i < 20; ++i) table.record(1, batch(0, i, i, i), 10, 0);
  // Below the high watermark of 10, the last five; above, all.
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(table.check(1, batch(0, i, i)).verdict == Verdict::kDuplicate, i >= 5) << i;
  }
  std::string bytes;
  ByteWriter writer(&bytes);
  table.encode(10, &writer);
  ByteReader reader(bytes);
  ProducerTable back;
  ASSERT_TRUE(back.decode(&reader, 10));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(back.check(1, batch(0, 9, 9)).base_offset, 9);
  EXPECT_EQ(back.check(1, batch(0, 10, 10)).verdict, Verdict::kAccept) << "what was not durable is not remembered";
}

TEST(ProducerTable, GoesOnWithTheFirstBatchThatWasTakenBack) {
  ProducerTable table;
  table.record(1, batch(0, 0, 4, 0), 0, 0);
  table.record(1, batch(0, 5, 9, 5), 5, 0);
  table.record(1, batch(1, 0, 0, 10), 5, 0);  // of the next epoch
  table.record(2, batch(3, 7, 7, 11), 5, 0);  // with nothing that is durable
  table.take_back(5);
  EXPECT_EQ(table.check(1, batch(0, 0, 4)).verdict, Verdict::kDuplicate);
  EXPECT_EQ(table.check(1, batch(0, 5, 9)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(1, batch(1, 0, 0)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(2, batch(3, 8, 8)).verdict, Verdict::kOutOfOrderSequence) << "not before the one taken back";
  EXPECT_EQ(table.check(2, batch(3, 8, 8)).expected_sequence, 7);
  EXPECT_EQ(table.check(2, batch(2, 0, 0)).verdict, Verdict::kInvalidEpoch);
  EXPECT_EQ(table.check(2, batch(3, 7, 7)).verdict, Verdict::kAccept);
  std::string bytes;
  ByteWriter writer(&bytes);
  table.encode(5, &writer);
  ByteReader reader(bytes);
  ProducerTable back;
  ASSERT_TRUE(back.decode(&reader, 5));
  EXPECT_EQ(back.size(), 1U) << "a producer without batches is not written";
  table.record(2, batch(3, 7, 7, 5), 6, 0);
  EXPECT_EQ(table.check(2, batch(3, 8, 8)).verdict, Verdict::kAccept);
  table.take_back(6);
  EXPECT_EQ(table.check(2, batch(3, 7, 7)).verdict, Verdict::kDuplicate) << "it is durable";
  table.expire(6, kProducerIdleMsMax + 1);
  EXPECT_TRUE(table.empty());
}

TEST(ProducerTable, ForgetsTheIdlestAtItsLimit) {
  ProducerTable table;
  for (size_t i = 0; i < kProducersPerPartitionMax + 10; ++i) {
    table.record(static_cast<int64_t>(i), batch(0, 0, 0, static_cast<int64_t>(i)), INT64_MAX, static_cast<int64_t>(i));
  }
  EXPECT_EQ(table.size(), kProducersPerPartitionMax);
  EXPECT_EQ(table.check(9, batch(0, 0, 0)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(10, batch(0, 0, 0)).verdict, Verdict::kDuplicate);
  table.expire(INT64_MAX, kProducerIdleMsMax + 100);
  EXPECT_EQ(table.check(99, batch(0, 0, 0)).verdict, Verdict::kAccept);
  EXPECT_EQ(table.check(100, batch(0, 0, 0)).verdict, Verdict::kDuplicate);
}

}  // namespace
}  // namespace penstock::log
