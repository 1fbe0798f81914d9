#include "engine/job_positions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

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

// --- topics that are deleted, and made anew ---

std::vector<std::string> splits(const Positions& positions) {
  std::vector<std::string> names;
  for (const auto& [split, offset] : positions) names.push_back(split.topic);
  std::ranges::sort(names);
  return names;
}

TEST(JobPositions, WhatIsOfADeletedTopicGoes) {
  const ScanPlace first("orders", 0);
  const ScanPlace second("orders;returns", 1);
  const exec::Watermark noon{.time = EventTime(12), .idle = false};
  const std::map<std::string, log::TopicId> topics = {{"orders", {1, 2}}, {"returns", {3, 4}}};
  Positions job;
  first.add({.positions = read_of("orders", 7), .watermark = noon}, job);
  second.add({.positions = read_of("end:orders", 1), .watermark = noon}, job);
  second.add({.positions = read_of("returns", 3), .watermark = {}}, job);
  add_topics(topics, job);
  const auto find_in = [](const std::map<std::string, log::TopicId>& topics) {
    return [&topics](const std::string& name) {
      const auto found = topics.find(name);
      return found == topics.end() ? std::nullopt : std::optional(found->second);
    };
  };
  const KeptPositions all = check_topics(job, find_in(topics));
  EXPECT_EQ(splits(all.valid), (std::vector<std::string>{"1:end:orders", "1:returns", "1:watermark:orders;returns",
                                                         "orders", "watermark:orders"}));
  EXPECT_TRUE(all.gone.empty());
  const std::map<std::string, log::TopicId> others = {{"orders", {1, 99}}, {"returns", {3, 4}}};
  const KeptPositions without_orders = check_topics(job, find_in(others));
  EXPECT_EQ(splits(without_orders.valid), (std::vector<std::string>{"1:returns", "orders"}))
      << "what the log has of orders is of the new one";
  EXPECT_EQ(splits(without_orders.gone), (std::vector<std::string>{"1:end:orders", "1:watermark:orders;returns",
                                                                   "topic:orders", "watermark:orders"}));
  EXPECT_EQ(without_orders.gone.front().second, log::Offset(-1));
  const std::map<std::string, log::TopicId> one = {{"orders", {1, 2}}};
  EXPECT_EQ(splits(check_topics(job, find_in(one)).gone),
            (std::vector<std::string>{"1:returns", "1:watermark:orders;returns", "topic:returns"}));
}

// Offsets of the group go with their topic, so that most jobs keep nothing else.
TEST(JobPositions, OffsetsOfTheGroupNeedNoTopics) {
  Positions job = read_of("orders", 7);
  add_topics({{"orders", {1, 2}}}, job);
  EXPECT_EQ(job, read_of("orders", 7));
}

}  // namespace
}  // namespace penstock::engine
