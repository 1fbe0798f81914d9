#include "alert/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "alert/receiver_test.h"

namespace penstock::alert {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class NotifierTest : public testing::Test {
 protected:
  NotifierTest() {
    options_.backoff_first_us = 1'000;
    options_.backoff_max_us = 5'000;
    options_.metrics = &metrics_;
    options_.on_settled = [this] { ++settled_; };
  }

  static Notification notification(const std::string& target, const std::string& incident,
                                   IncidentState about = IncidentState::kFiring) {
    return {.incident_id = incident,
            .about = about,
            .channel_kind = "webhook",
            .channel_target = target,
            .body = "{\"id\":\"" + incident + "\"}"};
  }
  uint64_t sent() { return metrics_.counter("penstock_alert_notifications_sent_total", "").value(); }
  uint64_t given_up() { return metrics_.counter("penstock_alert_notifications_failed_total", "").value(); }

  MetricsRegistry metrics_;
  NotifierOptions options_;
  std::atomic<int> settled_{0};
};

TEST_F(NotifierTest, PostsTheBodyWithItsKey) {
  const Receiver receiver;
  Notifier notifier(options_);
  notifier.send(notification(receiver.url("/hook?x=1"), "ab"));
  ASSERT_TRUE(eventually([&] { return settled_ == 1; }));
  const auto requests = receiver.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].path, "/hook?x=1");
  EXPECT_EQ(requests[0].body, R"({"id":"ab"})");
  EXPECT_EQ(requests[0].key, "ab-firing");
  EXPECT_THAT(requests[0].head, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(notifier.waiting(), IsEmpty());
  EXPECT_EQ(sent(), 1U);
}

TEST_F(NotifierTest, TriesAgainUnderTheSameKeyUntilItArrives) {
  const std::vector<int> answers{500, 503, Receiver::kHangUp, 429, 408, 425, 204};
  const Receiver receiver([&](const auto&, size_t number) { return answers.at(number); });
  Notifier notifier(options_);
  notifier.send(notification(receiver.url(), "ab"));
  ASSERT_TRUE(eventually([&] { return settled_ == 1; }));
  EXPECT_THAT(receiver.keys(), SizeIs(answers.size()));
  EXPECT_THAT(receiver.keys(), Each("ab-firing"));
  EXPECT_EQ(sent(), 1U);
  EXPECT_EQ(given_up(), 0U);
}

TEST_F(NotifierTest, GivesUpAfterSoManyAttempts) {
  options_.attempts_max = 4;
  const Receiver receiver([](const auto&, size_t) { return 500; });
  Notifier notifier(options_);
  notifier.send(notification(receiver.url(), "ab"));
  ASSERT_TRUE(eventually([&] { return settled_ == 1; }));
  EXPECT_THAT(receiver.keys(), SizeIs(4));
  EXPECT_EQ(given_up(), 1U);
  EXPECT_THAT(notifier.waiting(), IsEmpty());
}

TEST_F(NotifierTest, WhatIsRefusedIsGivenUpAtOnce) {
  const std::vector<int> answers{404, 301, 400};
  const Receiver receiver([&](const auto&, size_t number) { return answers.at(number); });
  Notifier notifier(options_);
  for (const char* incident : {"a", "b", "c"}) notifier.send(notification(receiver.url(), incident));
  ASSERT_TRUE(eventually([&] { return settled_ == 3; }));
  EXPECT_THAT(receiver.keys(), ElementsAre("a-firing", "b-firing", "c-firing"));
  EXPECT_EQ(given_up(), 3U);
}

TEST_F(NotifierTest, AReceiverThatComesBackGetsWhatWaits) {
  uint16_t port = 0;
  {
    port = Receiver().port();
  }
  options_.attempts_max = 1'000'000;
  Notifier notifier(options_);
  const std::string target = fmt::format("http://127.0.0.1:{}/", port);
  for (const char* incident : {"a", "b", "c"}) notifier.send(notification(target, incident));
  ASSERT_TRUE(eventually([&] {
    const auto waiting = notifier.waiting();
    return std::ranges::any_of(waiting, [](const Notification& n) { return n.attempts >= 3; });
  }));
  EXPECT_THAT(notifier.waiting(), SizeIs(3));
  const Receiver receiver([](const auto&, size_t) { return 200; }, port);
  ASSERT_TRUE(eventually([&] { return settled_ == 3; }));
  EXPECT_EQ(sent(), 3U);
}

TEST_F(NotifierTest, ASilentReceiverDoesNotHoldUpOthers) {
  options_.request_timeout_ms = 20;
  options_.attempts_max = 1'000'000;
  const Receiver silent([](const auto&, size_t) { return Receiver::kSilence; });
  const Receiver receiver;
  Notifier notifier(options_);
  for (int i = 0; i < 20; ++i) notifier.send(notification(silent.url(), fmt::format("silent{}", i)));
  for (int i = 0; i < 20; ++i) notifier.send(notification(receiver.url(), fmt::format("{}", i)));
  ASSERT_TRUE(eventually([&] { return sent() == 20; }));
  EXPECT_THAT(notifier.waiting(), SizeIs(20)) << "those of the silent one";
  EXPECT_EQ(given_up(), 0U);
}

TEST_F(NotifierTest, AReceiverThatFailsIsLeftAloneWhateverWaits) {
  options_.backoff_first_us = 3'600'000'000;
  options_.backoff_max_us = 3'600'000'000;
  const Receiver failing([](const auto&, size_t) { return 500; });
  const Receiver receiver;
  Notifier notifier(options_);
  for (int i = 0; i < 5; ++i) notifier.send(notification(failing.url(), fmt::format("{}", i)));
  ASSERT_TRUE(eventually([&] { return failing.keys().size() == 1; }));
  for (int i = 0; i < 5; ++i) notifier.send(notification(receiver.url(), fmt::format("{}", i)));
  ASSERT_TRUE(eventually([&] { return sent() == 5; }));
  EXPECT_THAT(failing.keys(), SizeIs(1));
}

TEST_F(NotifierTest, OneThatIsAlwaysRefusedDoesNotHoldUpTheRestOfItsReceiver) {
  options_.attempts_max = 1'000'000;
  const Receiver receiver([](const auto& request, size_t) { return request.key == "bad-firing" ? 500 : 200; });
  Notifier notifier(options_);
  notifier.send(notification(receiver.url(), "bad"));
  for (int i = 0; i < 20; ++i) notifier.send(notification(receiver.url(), fmt::format("{}", i)));
  ASSERT_TRUE(eventually([&] { return sent() == 20; }));
  EXPECT_THAT(notifier.waiting(), SizeIs(1));
}

TEST_F(NotifierTest, TheEndIsToldAfterTheBeginning) {
  const Receiver receiver([](const auto&, size_t number) { return number < 5 ? 500 : 200; });
  Notifier notifier(options_);
  notifier.send(notification(receiver.url(), "a", IncidentState::kFiring));
  notifier.send(notification(receiver.url(), "a", IncidentState::kResolved));
  ASSERT_TRUE(eventually([&] { return settled_ == 2; }));
  const std::vector<std::string> keys = receiver.keys();
  ASSERT_THAT(keys, SizeIs(7));
  EXPECT_EQ(keys.back(), "a-resolved");
  EXPECT_THAT(std::vector(keys.begin(), keys.end() - 1), Each("a-firing"));
}

TEST_F(NotifierTest, TooManyThatWaitAreGivenUpOldestFirstOfTheLongestQueue) {
  options_.waiting_max = 10;
  options_.backoff_first_us = 3'600'000'000;
  options_.backoff_max_us = 3'600'000'000;
  const Receiver failing([](const auto&, size_t) { return 500; });
  const Receiver other([](const auto&, size_t) { return 500; });
  Notifier notifier(options_);
  notifier.send(notification(other.url(), "other"));
  for (int i = 0; i < 30; ++i) notifier.send(notification(failing.url(), fmt::format("{}", i)));
  std::vector<std::string> waiting;
  for (const Notification& n : notifier.waiting()) waiting.push_back(n.incident_id);
  EXPECT_THAT(waiting, SizeIs(10));
  EXPECT_THAT(waiting, Contains("other"));
  EXPECT_THAT(waiting, Contains("29"));
  EXPECT_THAT(waiting, Not(Contains("5")));
  EXPECT_EQ(given_up(), 21U);
}

TEST_F(NotifierTest, AStopEndsARequestAndKeepsWhatWaits) {
  options_.request_timeout_ms = 3'600'000;
  const Receiver silent([](const auto&, size_t) { return Receiver::kSilence; });
  Notifier notifier(options_);
  notifier.send(notification(silent.url(), "a"));
  notifier.send(notification(silent.url(), "b"));
  ASSERT_TRUE(eventually([&] { return silent.keys().size() == 1; }));
  notifier.stop();
  EXPECT_THAT(notifier.waiting(), SizeIs(2));
  EXPECT_EQ(settled_, 0);
}

TEST_F(NotifierTest, ATargetThatIsNoAddressIsGivenUpInTheEnd) {
  options_.attempts_max = 2;
  Notifier notifier(options_);
  for (const char* target : {"", "no url", "ftp://127.0.0.1/", "file:///etc/passwd", "http://no.such.host.invalid/"}) {
    notifier.send(notification(target, target));
  }
  ASSERT_TRUE(eventually([&] { return settled_ == 5; }));
  EXPECT_EQ(given_up(), 5U);
}

}  // namespace
}  // namespace penstock::alert
