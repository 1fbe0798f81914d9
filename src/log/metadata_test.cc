#include "log/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::log {
namespace {

using testing::HasSubstr;

Catalog some_catalog() {
  Catalog catalog;
  catalog.journal_id = 1234567890123;
  catalog.next_handle = 9;
  catalog.next_producer_id = 3000;
  for (const char* name : {"orders", "__internal"}) {
    const auto number = static_cast<uint32_t>(catalog.topics.size());
    Catalog::Topic topic;
    topic.info = {.name = name, .id = {7, number}, .partitions = 2, .config = {}, .internal = name[0] == '_'};
    topic.info.config.retention_ms = 55;
    topic.info.config.entries = {{"retention.ms", "55"}, {"cleanup.policy", "delete"}};
    topic.handles = {4 + 2 * number, 5 + 2 * number};
    catalog.topics.emplace(name, topic);
  }
  return catalog;
}

std::string some_checkpoint() {
  ProducerTable producers;
  producers.record(70, {.epoch = 2, .first_sequence = 5, .last_sequence = 6, .base_offset = 10, .last_offset = 11}, 100,
                   1);
  std::string encoded_producers;
  ByteWriter producers_writer(&encoded_producers);
  producers.encode(100, &producers_writer);

  GroupOffsetsTable groups;
  CommittedOffset offset{.offset = Offset(42), .leader_epoch = 3};
  offset.metadata = "note";
  groups.apply({.group = "g", .offsets = {{4, offset}}});
  std::string encoded_groups;
  ByteWriter groups_writer(&encoded_groups);
  groups.encode(&groups_writer);

  CheckpointEncoder encoder(99, {3, 8192, 17}, 2);
  encoder.add_partition(4, 10, 100,
                        {{.base_offset = 5,
                          .next_offset = 100,
                          .bytes = 1 << 20,
                          .max_timestamp_ms = 77,
                          .index_entries = 8,
                          .last_index_position = 1 << 19,
                          .created_ms = 6}},
                        encoded_producers);
  encoder.add_partition(5, 0, 0, {}, std::string(4, '\0'));
  return encoder.finish(encoded_groups);
}

TEST(Catalog, RoundTrip) {
  const Catalog catalog = some_catalog();
  const auto back = Catalog::decode(catalog.encode());
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(back->encode(), catalog.encode());
  EXPECT_EQ(back->topics.at("orders").handles, (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(back->topics.at("orders").info.config.entries[1].second, "delete");
  EXPECT_TRUE(back->topics.at("__internal").info.internal);
}

TEST(Checkpoint, RoundTrip) {
  const auto back = Checkpoint::decode(some_checkpoint());
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(back->journal_id, 99U);
  EXPECT_EQ(back->position, (JournalPosition{3, 8192, 17}));
  const auto& partition = back->partitions.at(4);
  EXPECT_EQ(partition.log_start_offset, 10);
  EXPECT_EQ(partition.next_offset, 100);
  ASSERT_EQ(partition.segments.size(), 1U);
  EXPECT_EQ(partition.segments[0].bytes, 1U << 20);
  EXPECT_EQ(partition.segments[0].created_ms, 6);
  const ProducerBatch same{.epoch = 2, .first_sequence = 5, .last_sequence = 6};
  EXPECT_EQ(partition.producers.check(70, same).base_offset, 10);
  EXPECT_TRUE(back->partitions.at(5).segments.empty());
  EXPECT_EQ(back->groups.find("g", 4)->metadata, "note");
}

TEST(LogMetadata, EveryFlippedBitAndTruncationIsRefused) {
  const std::string catalog = some_catalog().encode();
  const std::string checkpoint = some_checkpoint();
  for (size_t bit = 0; bit < catalog.size() * 8; ++bit) {
    std::string bytes = catalog;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(Catalog::decode(bytes)) << bit;
  }
  for (size_t bit = 0; bit < checkpoint.size() * 8; ++bit) {
    std::string bytes = checkpoint;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(Checkpoint::decode(bytes)) << bit;
  }
  for (size_t size = 0; size < catalog.size(); ++size) EXPECT_FALSE(Catalog::decode(catalog.substr(0, size)));
  for (size_t size = 0; size < checkpoint.size(); ++size) EXPECT_FALSE(Checkpoint::decode(checkpoint.substr(0, size)));
}

TEST(LogMetadata, ANewerVersionIsNamedAsSuch) {
  std::string bytes = some_catalog().encode();
  bytes[8] = 2;
  const auto refused = Catalog::decode(bytes);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message(), HasSubstr("version 2"));
}

}  // namespace
}  // namespace penstock::log
