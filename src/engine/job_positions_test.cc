#include "engine/job_positions.h"

#include <gtest/gtest.h>

namespace penstock::engine {
namespace {

using connector::Positions;

Positions read_of(const char* topic, int64_t offset) {
  return {{{.topic = topic, .partition = log::PartitionId(0)}, log::Offset(offset)}};
}

TEST(ScanPlace, ScansOfOneTopicAreKeptApart) {
  const ScanPlace first("orders", 0);
  const ScanPlace second("orders", 1);
  Positions job;
  first.add({.positions = read_of("orders", 7), .watermark = {}}, job);
  second.add({.positions = read_of("orders", 3), .watermark = {}}, job);
  second.add({.positions = read_of("~seen", 1), .watermark = {}}, job);
  ASSERT_EQ(job.size(), 3u);
  EXPECT_EQ(job[0].first.topic, "orders") << "an offset that Kafka's tools show";
  EXPECT_EQ(job[2].first.topic, "~1:seen") << "still not kept";
  EXPECT_EQ(first.positions(job)[0], read_of("orders", 7)[0]);
  EXPECT_EQ(second.positions(job), read_of("orders", 3));
}

connector::TableInput topics(const std::vector<std::string>& names) { return {.name = "several", .parts = names}; }

// The name of the split of topic "t" in the positions of the job.
std::string split_at(const ScanPlace& place) {
  Positions job;
  place.add({.positions = read_of("t", 1), .watermark = {}}, job);
  return job[0].first.topic;
}

TEST(ScanPlaces, ScansThatMayReadOneTopicAreKeptApart) {
  ScanPlaces places;
  EXPECT_EQ(split_at(places.next(topics({"a", "b"}))), "t");
  EXPECT_EQ(split_at(places.next(topics({"c"}))), "t") << "nobody else reads it";
  EXPECT_EQ(split_at(places.next(topics({"b"}))), "1:t");
  EXPECT_EQ(split_at(places.next(topics({"a", "c"}))), "1:t") << "a and c have been read once";
  EXPECT_EQ(split_at(places.next(topics({"b", "c"}))), "2:t");
}

TEST(ScanPlaces, APatternMayReadAnyTopic) {
  ScanPlaces places;
  const connector::TableInput pattern{.name = "pattern:.*", .parts = {}, .any_topic = true};
  EXPECT_EQ(split_at(places.next(topics({"a"}))), "t");
  EXPECT_EQ(split_at(places.next(pattern)), "1:t");
  EXPECT_EQ(split_at(places.next(topics({"b"}))), "2:t");
  EXPECT_EQ(split_at(places.next(pattern)), "3:t");
  EXPECT_EQ(split_at(places.next(topics({"a"}))), "4:t");
}

TEST(ScanPlace, TheWatermarkIsAPosition) {
  const ScanPlace place("orders", 1);
  const auto there_and_back = [&](const exec::Watermark& watermark) {
    Positions job;
    place.add({.positions = {}, .watermark = watermark}, job);
    for (const auto& [split, offset] : job) EXPECT_GE(offset.value(), 0);
    return place.hold(job).watermark;
  };
  for (const int64_t time : {-62'135'596'800'000'000, -1L, 0L, 1L, 253'402'300'799'999'999}) {
    for (const bool idle : {false, true}) {
      const exec::Watermark watermark{.time = EventTime(time), .idle = idle};
      EXPECT_EQ(there_and_back(watermark), watermark);
    }
  }
  EXPECT_EQ(there_and_back({.time = kMaxEventTime, .idle = false}).time, kMaxEventTime);
  EXPECT_EQ(there_and_back({}), exec::Watermark());
}

}  // namespace
}  // namespace penstock::engine
