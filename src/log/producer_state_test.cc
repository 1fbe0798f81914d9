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
