// The log as its users see it, on the real machine with its threads.
#include "log/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/hash.h"
#include "log/coding.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string pattern = testing::TempDir() + "penstock-log-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    options_.journal_segment_bytes = 1 << 20;
    open();
  }
  ~LogTest() override {
    log_.reset();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    log_.reset();
    auto log = Log::open(io::posix_env(), directory_, options_);
    ASSERT_TRUE(log) << log.error().to_string();
    log_ = std::move(*log);
  }
  void close_and_open() {
    ASSERT_TRUE(log_->close());
    open();
  }
  void create(const std::string& name, int32_t partitions = 1, TopicConfig config = {}) {
    auto topic = log_->create_topic(name, partitions, std::move(config));
    ASSERT_TRUE(topic) << topic.error().to_string();
  }
  AppendResult append(const TopicPartition& to, SharedBytes records) {
    Answer<AppendResult> answer;
    log_->append(to, std::move(records), [&](AppendResult result) { answer.set(std::move(result)); });
    return answer.wait();
  }
  Status commit(const std::string& group, const TopicPartition& of, int64_t offset) {
    Answer<Status> answer;
    log_->commit_offsets(group, {{of, CommittedOffset{.offset = Offset(offset), .metadata = "m"}}},
                         [&](Status status) { answer.set(std::move(status)); });
    return answer.wait();
  }

  std::string directory_;
  LogOptions options_;
  std::unique_ptr<Log> log_;
  const TopicPartition t0_ = partition_of("t", 0);
};

TEST_F(LogTest, WhatIsAppendedIsFetched) {
  create("t", 2);
  EXPECT_EQ(append(t0_, batch_of({"a", "b"})).base_offset, Offset(0));
  EXPECT_EQ(append(t0_, batch_of({"c"})).base_offset, Offset(2));
  EXPECT_EQ(append(partition_of("t", 1), batch_of({"x"})).base_offset, Offset(0));
  EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("a", "b", "c"));
  EXPECT_THAT(read_values(*log_, t0_, 1), ElementsAre("b", "c"));
  EXPECT_THAT(read_values(*log_, partition_of("t", 1), 0), ElementsAre("x"));
  EXPECT_EQ(*log_->high_watermark(t0_), Offset(3));
}

TEST_F(LogTest, ReopeningKeepsEverything) {
  create("t", 2);
  append(t0_, batch_of({"a", "b"}));
  append(partition_of("t", 1), batch_of({"x"}));
  ASSERT_TRUE(commit("g", t0_, 2));
  const auto id = log_->allocate_producer_id();
  const TopicInfo before = *log_->topic("t");
  for (int round = 0; round < 3; ++round) {
    close_and_open();
    EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("a", "b"));
    EXPECT_THAT(read_values(*log_, partition_of("t", 1), 0), ElementsAre("x"));
    EXPECT_EQ(log_->committed_offset("g", t0_)->offset, Offset(2));
    EXPECT_EQ(log_->committed_offset("g", t0_)->metadata, "m");
    EXPECT_EQ(log_->topic("t")->id, before.id);
    EXPECT_EQ(log_->topic("t")->partitions, 2);
    EXPECT_GT(*log_->allocate_producer_id(), *id);
  }
  EXPECT_EQ(append(t0_, batch_of({"c"})).base_offset, Offset(2));
}

TEST_F(LogTest, SeveralBatchesInOneAppend) {
  create("t");
  const std::string two = std::string(batch_of({"a", "b"}).bytes) + std::string(batch_of({"c"}).bytes);
  EXPECT_EQ(append(t0_, SharedBytes{two, nullptr}).base_offset, Offset(0));
  EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("a", "b", "c"));
  auto fetched = log_->fetch(t0_, {.offset = Offset(0)});
  EXPECT_EQ(fetched->batches.size(), 2U);
}

TEST_F(LogTest, FetchLimits) {
  create("t");
  for (int i = 0; i < 10; ++i) append(t0_, batch_of({std::string(1000, 'x')}));
  for (const bool flushed : {false, true}) {
    if (flushed) close_and_open();
    EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(0), .max_bytes = 1})->batches.size(), 1U);
    EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(0), .max_bytes = 1, .at_least_one = false})->batches.size(), 0U);
    EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(0), .max_bytes = 3500})->batches.size(), 3U);
    EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(10)})->batches.size(), 0U);
    EXPECT_THAT(log_->fetch(t0_, {.offset = Offset(11)}).error().message(), HasSubstr("has 0 to 10"));
    EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(-1)}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(log_->fetch(partition_of("t", 1), {}).error().code(), ErrorCode::kNotFound);
  }
}

TEST_F(LogTest, RefusesWhatIsNoGoodBatch) {
  TopicConfig config;
  config.max_message_bytes = 2000;
  create("t", 1, config);
  const auto error_of = [&](std::string bytes) { return append(t0_, SharedBytes::own(std::move(bytes))).error; };
  const std::string good(batch_of({"a"}).bytes);
  EXPECT_EQ(error_of(""), AppendError::kCorruptMessage);
  EXPECT_EQ(error_of(good.substr(0, 40)), AppendError::kCorruptMessage);
  EXPECT_EQ(error_of(good + "x"), AppendError::kCorruptMessage);
  std::string flipped = good;
  flipped.back() ^= 1;
  EXPECT_EQ(error_of(flipped), AppendError::kCorruptMessage);
  EXPECT_EQ(error_of(std::string(batch_of({std::string(2000, 'x')}).bytes)), AppendError::kMessageTooLarge);
  std::string many = good;  // records that its bytes cannot hold: each would take an offset
  store_big(many.data() + 23, INT32_MAX - 1);
  store_big(many.data() + 57, INT32_MAX);
  store_big(many.data() + 17, crc32c(std::string_view(many).substr(kRecordBatchCrcStart)));
  EXPECT_EQ(error_of(many), AppendError::kCorruptMessage);
  EXPECT_EQ(append(partition_of("u", 0), batch_of({"a"})).error, AppendError::kUnknownTopicOrPartition);
  EXPECT_EQ(append(partition_of("t", -1), batch_of({"a"})).error, AppendError::kUnknownTopicOrPartition);
  EXPECT_EQ(*log_->high_watermark(t0_), Offset(0));
}

TEST_F(LogTest, IdempotentProducers) {
  create("t");
  EXPECT_EQ(append(t0_, producer_batch(7, 0, 0, 3)).base_offset, Offset(0));
  EXPECT_EQ(append(t0_, producer_batch(7, 0, 3)).base_offset, Offset(3));
  EXPECT_EQ(append(t0_, producer_batch(7, 0, 0, 3)).base_offset, Offset(0));
  EXPECT_EQ(append(t0_, producer_batch(7, 0, 5)).error, AppendError::kOutOfOrderSequence);
  EXPECT_EQ(append(t0_, producer_batch(7, 1, 4)).error, AppendError::kOutOfOrderSequence);
  EXPECT_EQ(append(t0_, producer_batch(7, 1, 0)).base_offset, Offset(4));
  EXPECT_EQ(append(t0_, producer_batch(7, 0, 4)).error, AppendError::kInvalidProducerEpoch);
  for (int round = 0; round < 2; ++round) {
    close_and_open();
    EXPECT_EQ(append(t0_, producer_batch(7, 1, 0)).base_offset, Offset(4));
    EXPECT_EQ(append(t0_, producer_batch(7, 1, 2)).error, AppendError::kOutOfOrderSequence);
    EXPECT_EQ(append(t0_, producer_batch(7, 0, 4)).error, AppendError::kInvalidProducerEpoch);
  }
  EXPECT_EQ(*log_->high_watermark(t0_), Offset(5));
}

TEST_F(LogTest, OneOfManyAppendsIsRefusedByItself) {
  MetricsRegistry metrics;
  options_.metrics = &metrics;
  open();
  create("t", 2);
  std::string flipped(batch_of({"flipped"}).bytes);
  flipped.back() ^= 1;
  std::vector<std::pair<TopicPartition, SharedBytes>> records;
  records.emplace_back(t0_, batch_of({"a", "b"}));
  records.emplace_back(t0_, SharedBytes::own(std::move(flipped)));
  records.emplace_back(partition_of("u", 0), batch_of({"nowhere"}));
  records.emplace_back(partition_of("t", 1), batch_of({"other"}));
  records.emplace_back(t0_, producer_batch(7, 0, 0, 2));
  records.emplace_back(t0_, producer_batch(7, 0, 5));  // a gap
  records.emplace_back(t0_, producer_batch(7, 0, 0, 2));
  records.emplace_back(t0_, batch_of({"c"}));
  Answer<std::vector<AppendResult>> answer;
  log_->append_all(std::move(records), Urgency::kWithOthers,
                   [&](std::vector<AppendResult> results) { answer.set(std::move(results)); });
  const std::vector<AppendResult> results = answer.wait();
  using Got = std::pair<AppendError, int64_t>;
  std::vector<Got> got;
  for (const AppendResult& result : results) got.emplace_back(result.error, result.base_offset.value());
  EXPECT_THAT(got, ElementsAre(Got(AppendError::kNone, 0), Got(AppendError::kCorruptMessage, -1),
                               Got(AppendError::kUnknownTopicOrPartition, -1), Got(AppendError::kNone, 0),
                               Got(AppendError::kNone, 2), Got(AppendError::kOutOfOrderSequence, -1),
                               Got(AppendError::kNone, 2), Got(AppendError::kNone, 4)));
  EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("a", "b", "0", "1", "c"));
  EXPECT_THAT(read_values(*log_, partition_of("t", 1), 0), ElementsAre("other"));
  EXPECT_EQ(metrics.counter("penstock_log_commits_total", "").value(), 1U);
  EXPECT_EQ(metrics.counter("penstock_log_refused_appends_total", "").value(), 3U);
  EXPECT_EQ(metrics.counter("penstock_log_duplicate_batches_total", "").value(), 1U);
  log_.reset();
  options_.metrics = nullptr;
}

TEST_F(LogTest, ManyAppendsAreAnsweredAtOnceWhenNoneIsTaken) {
  size_t answered = 0;
  log_->append_all({}, Urgency::kAtOnce,
                   [&](const std::vector<AppendResult>& results) { answered += results.empty() ? 1U : 0U; });
  std::vector<std::pair<TopicPartition, SharedBytes>> records;
  for (int i = 0; i < 2; ++i) records.emplace_back(partition_of("u", i), batch_of({"nowhere"}));
  log_->append_all(std::move(records), Urgency::kWithOthers,
                   [&](const std::vector<AppendResult>& results) { answered += results.size(); });
  EXPECT_EQ(answered, 3U);
}

TEST_F(LogTest, MoreThanThereIsRoomForIsAppendedAllTheSame) {
  options_.tail_bytes_max = 256 << 10;
  options_.flush_interval_ms = 60'000;
  open();
  create("t");
  std::vector<std::pair<TopicPartition, SharedBytes>> records;
  for (int i = 0; i < 100; ++i) records.emplace_back(t0_, batch_of({std::string(10'000, 'x')}));
  Answer<std::vector<AppendResult>> answer;
  log_->append_all(std::move(records), Urgency::kWithOthers,
                   [&](std::vector<AppendResult> results) { answer.set(std::move(results)); });
  for (int64_t offset = 0; const AppendResult& result : answer.wait()) {
    EXPECT_EQ(result.error, AppendError::kNone);
    EXPECT_EQ(result.base_offset, Offset(offset++));
  }
}

TEST_F(LogTest, WhoMustNotWaitIsToldWhenThereIsRoom) {
  options_.tail_bytes_max = 256 << 10;
  options_.flush_interval_ms = 3'600'000;
  options_.commit_interval_us = 3'600'000'000;
  open();
  create("t");
  for (int i = 0; i < 4; ++i) append(t0_, batch_of({"after these, commits gather"}));
  Answer<std::vector<AppendResult>> first;
  Answer<std::vector<AppendResult>> second;
  const auto try_append = [&](std::vector<std::pair<TopicPartition, SharedBytes>>& records, auto& answer) {
    AppendAllCallback done = [&](std::vector<AppendResult> results) { answer.set(std::move(results)); };
    const bool taken = log_->try_append_all(records, Urgency::kWithOthers, done);
    EXPECT_EQ(done == nullptr, taken);
    return taken;
  };
  std::vector<std::pair<TopicPartition, SharedBytes>> records;
  records.emplace_back(t0_, batch_of({std::string(200'000, 'x')}));
  ASSERT_TRUE(try_append(records, first));
  records.clear();
  records.emplace_back(t0_, batch_of({std::string(200'000, 'y')}));
  // The first one waits for others, so that its memory is taken.
  ASSERT_FALSE(try_append(records, second));
  ASSERT_EQ(records.size(), 1U);
  Answer<bool> room;
  log_->on_room(200'000, [&] { room.set(true); });
  EXPECT_TRUE(room.wait());
  EXPECT_EQ(first.wait().front().base_offset, Offset(4));
  ASSERT_TRUE(try_append(records, second));
  Answer<bool> closing;
  log_->on_room(200'000, [&] { closing.set(true); });
  EXPECT_TRUE(closing.wait());
  EXPECT_EQ(second.wait().front().base_offset, Offset(5));
}

// The clock says nothing here: with an interval that never ends, only what is urgent or large begins a commit.
TEST_F(LogTest, WhatIsWantedWithOthersWaitsForThem) {
  constexpr int64_t kBurst = 4;
  MetricsRegistry metrics;
  options_.metrics = &metrics;
  options_.commit_interval_us = 3'600'000'000;
  open();
  create("t");
  const auto commits = [&] { return static_cast<int64_t>(metrics.counter("penstock_log_commits_total", "").value()); };
  const auto append_with_others = [&](const std::string& value) {
    auto answer = std::make_shared<Answer<std::vector<AppendResult>>>();
    std::vector<std::pair<TopicPartition, SharedBytes>> records;
    records.emplace_back(t0_, batch_of({value}));
    log_->append_all(std::move(records), Urgency::kWithOthers,
                     [answer](std::vector<AppendResult> results) { answer->set(std::move(results)); });
    return answer;
  };
  for (int i = 0; i < kBurst; ++i) append_with_others("at once")->wait();
  EXPECT_EQ(commits(), kBurst);
  std::vector<std::shared_ptr<Answer<std::vector<AppendResult>>>> waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(append_with_others("later"));
  EXPECT_FALSE(waiting.front()->given());
  EXPECT_EQ(append(t0_, batch_of({"urgent"})).base_offset, Offset(kBurst + 10));
  for (const auto& answer : waiting) answer->wait();
  EXPECT_EQ(commits(), kBurst + 1);

  waiting.assign(1, append_with_others("small"));
  append_with_others(std::string(300 << 10, 'x'))->wait();  // is worth a commit
  waiting.front()->wait();
  waiting.assign(1, append_with_others("last"));
  ASSERT_TRUE(log_->close());
  EXPECT_EQ(waiting.front()->wait().front().error, AppendError::kNone);
  log_.reset();
  options_ = {};
}

TEST_F(LogTest, TopicsChange) {
  std::atomic<int> changes = 0;
  auto subscription = log_->on_topics_changed([&] { ++changes; });
  create("t");
  EXPECT_EQ(log_->create_topic("t", 1, {}).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(log_->create_topic("a/b", 1, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log_->create_topic("..", 1, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log_->create_topic(std::string(250, 'a'), 1, {}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(log_->create_topic("u", 0, {}).error().code(), ErrorCode::kInvalidArgument);
  create(std::string(249, 'a'));
  ASSERT_TRUE(log_->add_partitions("t", 3));
  EXPECT_FALSE(log_->add_partitions("t", 3));
  EXPECT_EQ(append(partition_of("t", 2), batch_of({"a"})).base_offset, Offset(0));
  EXPECT_EQ(changes, 3);
  ASSERT_TRUE(log_->delete_topic("t"));
  EXPECT_EQ(changes, 4);
  EXPECT_EQ(log_->delete_topic("t").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(append(t0_, batch_of({"a"})).error, AppendError::kUnknownTopicOrPartition);
  close_and_open();
  EXPECT_EQ(log_->topics().size(), 1U);
  EXPECT_EQ(append(partition_of(std::string(249, 'a'), 0), batch_of({"long"})).base_offset, Offset(0));
  close_and_open();
  EXPECT_THAT(read_values(*log_, partition_of(std::string(249, 'a'), 0), 0), ElementsAre("long"));
}

TEST_F(LogTest, ATopicMadeAnewKnowsNothingOfTheOldOne) {
  create("t");
  append(t0_, batch_of({"old"}));
  ASSERT_TRUE(commit("g", t0_, 1));
  close_and_open();
  append(t0_, batch_of({"old too"}));
  ASSERT_TRUE(log_->delete_topic("t"));
  create("t");
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(*log_->high_watermark(t0_), Offset(round));
    EXPECT_EQ(log_->committed_offset("g", t0_), std::nullopt);
    append(t0_, batch_of({"new"}));
    close_and_open();
  }
  EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("new", "new"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_ + "/topics"), {}), 1);
}

TEST_F(LogTest, AdvancesAreToldUntilTheSubscriptionGoes) {
  create("t");
  Answer<Offset> first;
  std::atomic<int> calls = 0;
  auto subscription = log_->on_advance(t0_, [&] {
    if (++calls == 1) first.set(*log_->high_watermark(t0_));
  });
  append(t0_, batch_of({"a"}));
  EXPECT_EQ(first.wait(), Offset(1));
  subscription.reset();
  const int before = calls;
  append(t0_, batch_of({"b"}));
  append(t0_, batch_of({"c"}));
  EXPECT_EQ(calls, before);
  Answer<bool> gone;
  auto of_deletion = log_->on_advance(t0_, [&] { gone.set(true); });
  ASSERT_TRUE(log_->delete_topic("t"));
  EXPECT_TRUE(gone.wait());
  EXPECT_NE(log_->on_advance(partition_of("none", 0), [] {}), nullptr);
}

TEST_F(LogTest, ManyThreadsAppend) {
  create("t", 3);
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::atomic<int> acknowledged = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        log_->append(partition_of("t", i % 3), batch_of({std::to_string(t) + ":" + std::to_string(i)}),
                     [&](AppendResult result) { acknowledged += result.error == AppendError::kNone ? 1 : 0; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  close_and_open();
  EXPECT_EQ(acknowledged, kThreads * kEach);
  size_t records = 0;
  for (int p = 0; p < 3; ++p) {
    std::vector<int> next(kThreads, p);
    for (const std::string& value : read_values(*log_, partition_of("t", p), 0)) {
      const int t = std::stoi(value);
      const int i = std::stoi(value.substr(value.find(':') + 1));
      EXPECT_EQ(i, next[t]) << "one thread's records stay in order";
      next[t] = i + 3;
      ++records;
    }
  }
  EXPECT_EQ(records, size_t{kThreads * kEach});
}

TEST_F(LogTest, BackPressureHoldsAppendsUntilTheTailIsFlushed) {
  options_.tail_bytes_max = 256 << 10;
  options_.flush_interval_ms = 60'000;
  open();
  create("t", 2);
  std::atomic<int> acknowledged = 0;
  for (int i = 0; i < 300; ++i) {
    log_->append(partition_of("t", i % 2), batch_of({std::string(10'000, static_cast<char>('a' + i % 26))}),
                 [&](AppendResult result) { acknowledged += result.error == AppendError::kNone ? 1 : 0; });
  }
  ASSERT_TRUE(log_->close());
  EXPECT_EQ(acknowledged, 300);
  open();
  EXPECT_EQ(read_values(*log_, t0_, 0).size(), 150U);
}

TEST_F(LogTest, MemoryIsAccountedAndGivenBack) {
  MemoryBudget budget("log", 1 << 30);
  options_.memory = &budget;
  open();
  create("t");
  append(t0_, batch_of({std::string(10'000, 'x')}));
  EXPECT_GE(budget.used_bytes(), 10'000U);
  log_.reset();
  EXPECT_EQ(budget.used_bytes(), 0U);
  options_.memory = nullptr;
}

TEST_F(LogTest, TimesAreFound) {
  create("t");
  for (int i = 0; i < 100; ++i) append(t0_, batch_of({"v"}, 1000 + i * 10));
  RecordBatchBuilder builder;
  for (const int64_t at : {5000, 9000, 7000}) builder.add(at, std::nullopt, "v");
  append(t0_, builder.finish_shared());
  for (const bool flushed : {false, true}) {
    if (flushed) close_and_open();
    const auto at = [&](int64_t ms) { return log_->offset_for_time(t0_, ms).value(); };
    EXPECT_EQ(at(0)->offset, Offset(0));
    EXPECT_EQ(at(1001)->offset, Offset(1));
    EXPECT_EQ(at(1001)->timestamp_ms, 1010);
    EXPECT_EQ(at(5001)->offset, Offset(101));
    EXPECT_EQ(at(9001), std::nullopt);
    EXPECT_EQ(log_->offset_of_max_timestamp(t0_).value()->offset, Offset(101));
    EXPECT_EQ(log_->offset_of_max_timestamp(t0_).value()->timestamp_ms, 9000);
  }
  EXPECT_EQ(*log_->delete_records(t0_, Offset(102)), Offset(102));
  EXPECT_EQ(log_->offset_of_max_timestamp(t0_).value()->offset, Offset(102));
  EXPECT_EQ(log_->offset_for_time(t0_, 8000).value(), std::nullopt);
}

TEST_F(LogTest, DeletedRecordsStayDeleted) {
  create("t");
  for (const char* value : {"a", "b", "c", "d"}) append(t0_, batch_of({value}));
  EXPECT_EQ(log_->delete_records(t0_, Offset(5)).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(*log_->delete_records(t0_, Offset(2)), Offset(2));
  EXPECT_EQ(*log_->delete_records(t0_, Offset(1)), Offset(2));
  EXPECT_EQ(log_->fetch(t0_, {.offset = Offset(1)}).error().code(), ErrorCode::kInvalidArgument);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(read_values(*log_, t0_, 2), ElementsAre("c", "d"));
    EXPECT_EQ(*log_->log_start_offset(t0_), Offset(2));
    close_and_open();
  }
  EXPECT_EQ(*log_->delete_records(t0_, Offset(4)), Offset(4));
  close_and_open();
  EXPECT_THAT(read_values(*log_, t0_, 4), ElementsAre());
  EXPECT_EQ(append(t0_, batch_of({"e"})).base_offset, Offset(4));
  EXPECT_THAT(read_values(*log_, t0_, 4), ElementsAre("e"));
}

TEST_F(LogTest, LogAppendTime) {
  TopicConfig config;
  config.entries = {{"message.timestamp.type", "LogAppendTime"}};
  create("t", 1, config);
  const AppendResult result = append(t0_, batch_of({"a"}, 5));
  EXPECT_GT(result.log_append_time_ms, 1'600'000'000'000);
  close_and_open();
  EXPECT_EQ(log_->offset_for_time(t0_, 6).value()->timestamp_ms, result.log_append_time_ms);
}

TEST_F(LogTest, GroupOffsets) {
  create("t", 2);
  ASSERT_TRUE(commit("g", t0_, 5));
  ASSERT_TRUE(commit("g", partition_of("t", 1), 6));
  ASSERT_TRUE(commit("g", t0_, 7));
  ASSERT_TRUE(commit("h", t0_, 1));
  EXPECT_FALSE(commit("g", partition_of("u", 0), 1));
  close_and_open();
  EXPECT_EQ(log_->committed_offsets("g").size(), 2U);
  EXPECT_EQ(log_->committed_offset("g", t0_)->offset, Offset(7));
  EXPECT_THAT(log_->groups_with_offsets(), ElementsAre("g", "h"));
  ASSERT_TRUE(log_->delete_group_offsets("g"));
  EXPECT_EQ(log_->delete_group_offsets("g").error().code(), ErrorCode::kNotFound);
  close_and_open();
  EXPECT_THAT(log_->groups_with_offsets(), ElementsAre("h"));
}

TEST_F(LogTest, RecordsAndOffsetsTogether) {
  create("t", 2);
  Answer<Status> done;
  log_->append_together({{t0_, batch_of({"a"})}, {partition_of("t", 1), batch_of({"b"})}}, "job",
                        {{t0_, CommittedOffset{.offset = Offset(9)}}}, [&](Status status) { done.set(status); });
  ASSERT_TRUE(done.wait());
  Answer<Status> refused;
  log_->append_together({{t0_, batch_of({"c"})}, {partition_of("none", 1), batch_of({"d"})}}, "job",
                        {{t0_, CommittedOffset{.offset = Offset(10)}}}, [&](Status status) { refused.set(status); });
  EXPECT_FALSE(refused.wait());
  close_and_open();
  EXPECT_THAT(read_values(*log_, t0_, 0), ElementsAre("a"));
  EXPECT_THAT(read_values(*log_, partition_of("t", 1), 0), ElementsAre("b"));
  EXPECT_EQ(log_->committed_offset("job", t0_)->offset, Offset(9));
}

TEST_F(LogTest, AClosedLogRefuses) {
  create("t");
  ASSERT_TRUE(log_->close());
  EXPECT_EQ(append(t0_, batch_of({"a"})).error, AppendError::kShuttingDown);
  EXPECT_FALSE(log_->create_topic("u", 1, {}));
  EXPECT_TRUE(log_->close());
}

}  // namespace
}  // namespace penstock::log
