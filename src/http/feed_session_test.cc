#include "http/feed_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/http_fixture_test.h"

namespace penstock::http {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class FeedSessionTest : public testing::Test {
 protected:
  FeedSessionTest() : api_({.engine = &engine_, .version = "1"}) { engine_.add_view("words"); }

  FeedSession& session() {
    if (!session_) session_.emplace(api_, options_, [this] { ++woken_; });
    return *session_;
  }
  void subscribe(int id, const std::string& view = "words") {
    session().receive(fmt::format(R"({{"type":"subscribe","id":{},"view":"{}"}})", id, view));
  }
  void subscribe_channel(int id, const std::string& channel) {
    session().receive(fmt::format(R"({{"type":"subscribe","id":{},"channel":"{}"}})", id, channel));
  }
  std::string next() { return session().next_message().value_or("nothing"); }

  EngineWithViews engine_;
  Api api_;
  FeedSessionOptions options_;
  int woken_ = 0;
  std::optional<FeedSession> session_;
};

TEST_F(FeedSessionTest, ASnapshotThenChangesThenTheDrop) {
  engine_.change("words", "+ a 1");
  subscribe(7);
  EXPECT_GT(woken_, 0);
  EXPECT_EQ(next(), R"({"type":"snapshot","id":7,"epoch":1,"columns":[{"name":"word","type":"STRING"},)"
                    R"({"name":"n","type":"BIGINT"}],"key":["word"],"first":true,"last":true,"rows":[["a",1]]})");
  EXPECT_EQ(next(), "nothing");
  const int before = woken_;
  engine_.change("words", "- a 1 | + a 2");
  EXPECT_GT(woken_, before);
  EXPECT_EQ(next(), R"({"type":"changes","id":7,"epoch":2,"rows":[[-1,"a",1],[1,"a",2]]})");
  engine_.view("words").drop();
  EXPECT_EQ(next(), R"({"type":"dropped","id":7})");
  EXPECT_EQ(next(), "nothing");
  subscribe(7);
  EXPECT_EQ(next(), R"({"type":"dropped","id":7})") << "the number is free again";
}

TEST_F(FeedSessionTest, ASlowClientGetsFewerAndLargerChanges) {
  subscribe(1);
  EXPECT_THAT(next(), HasSubstr(R"("type":"snapshot")"));
  engine_.change("words", "+ a 0");
  for (int n = 1; n <= 50; ++n) engine_.change("words", fmt::format("- a {} | + a {}", n - 1, n));
  EXPECT_EQ(next(), R"({"type":"changes","id":1,"epoch":51,"rows":[[1,"a",50]]})");
  EXPECT_EQ(next(), "nothing");
}

TEST_F(FeedSessionTest, AboveTheRowsThatMayWaitASnapshotComesInTheirPlace) {
  options_.subscription_rows_max = 10;
  subscribe(1);
  next();
  engine_.change("words", rows_text(20, 1));
  EXPECT_THAT(next(), AllOf(HasSubstr(R"("type":"snapshot")"), HasSubstr(R"("epoch":1)"), HasSubstr("row19")));
  engine_.change("words", "+ z 1");
  EXPECT_THAT(next(), HasSubstr(R"("type":"changes")"));
}

TEST_F(FeedSessionTest, AboveTheMemoryOfAllSlowClientsASnapshotComesInTheirPlace) {
  MemoryBudget memory("test", 5'000);
  options_.memory = &memory;
  subscribe(1);
  next();
  engine_.change("words", "+ a 0");
  for (int n = 1; n <= 100; ++n) {
    engine_.change("words", fmt::format("- a {} | + a {}", n - 1, n));
    ASSERT_LE(memory.used_bytes(), 5'000U);
  }
  EXPECT_THAT(next(), AllOf(HasSubstr(R"("type":"snapshot")"), HasSubstr(R"("epoch":101)"), HasSubstr(R"(["a",100])")));
  session_.reset();
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST_F(FeedSessionTest, ALargeSnapshotComesInParts) {
  options_.rows_per_message = 1000;
  for (int n = 0; n < 3; ++n) {
    std::string rows;
    for (int i = 0; i < 2000; ++i) rows += fmt::format("{}+ part{}-{} 1", i == 0 ? "" : " | ", n, i);
    engine_.change("words", rows);
  }
  subscribe(1);
  EXPECT_THAT(next(), HasSubstr(R"("first":true,"last":false)"));
  int parts = 1;
  std::string message;
  do {
    message = next();
    ++parts;
    ASSERT_THAT(message, HasSubstr(R"("first":false)"));
  } while (!message.contains(R"("last":true)"));
  EXPECT_GE(parts, 3);
  EXPECT_EQ(next(), "nothing");
}

TEST_F(FeedSessionTest, SubscriptionsTakeTurns) {
  engine_.add_view("others");
  subscribe(1, "words");
  subscribe(2, "others");
  next();
  next();
  for (int n = 0; n < 3; ++n) {
    engine_.change("words", fmt::format("+ a{} 1", n));
    engine_.change("others", fmt::format("+ b{} 1", n));
    const std::string both = next() + next();
    EXPECT_THAT(both, AllOf(HasSubstr(R"("id":1)"), HasSubstr(R"("id":2)")));
  }
  session().receive(R"({"type":"unsubscribe","id":1})");
  engine_.change("words", "+ c 1");
  engine_.change("others", "+ c 1");
  EXPECT_THAT(next(), HasSubstr(R"("id":2)"));
  EXPECT_EQ(next(), "nothing");
}

TEST_F(FeedSessionTest, ChannelsTellWhatHasChangedOnce) {
  subscribe_channel(1, "views");
  EXPECT_THAT(next(), AllOf(StartsWith(R"({"type":"views","id":1,"views":[{"name":"words")")));
  EXPECT_EQ(next(), "nothing");
  EXPECT_FALSE(session().wants_ticks());
  session().views_changed();
  session().views_changed();
  EXPECT_THAT(next(), HasSubstr(R"("type":"views")"));
  EXPECT_EQ(next(), "nothing") << "changes between two messages are one";
  subscribe_channel(2, "status");
  EXPECT_TRUE(session().wants_ticks());
  EXPECT_THAT(next(), HasSubstr(R"("type":"status","id":2)"));
  EXPECT_EQ(next(), "nothing");
  session().tick();
  EXPECT_THAT(next(), HasSubstr(R"("type":"status","id":2)"));
}

TEST_F(FeedSessionTest, WhatIsWrongIsAnsweredAndNothingElseHappens) {
  for (const char* bad : {"", "{", "[]", "null", "7", R"({"type":"subscribe"})", R"({"type":1,"id":1})",
                          R"({"type":"nothing","id":1})", R"({"type":"subscribe","id":"1","view":"words"})",
                          R"({"type":"subscribe","id":1})", R"({"type":"subscribe","id":1,"view":"nothing"})",
                          R"({"type":"subscribe","id":1,"channel":"nothing"})", "\xff\xfe"}) {
    session().receive(bad);
    EXPECT_THAT(next(), StartsWith(R"({"type":"error",)")) << bad;
    EXPECT_EQ(next(), "nothing") << bad;
  }
  session().receive(R"({"type":"unsubscribe","id":99})");
  EXPECT_EQ(next(), "nothing");
  subscribe(1);
  next();
  subscribe(1);
  EXPECT_THAT(next(), AllOf(HasSubstr(R"("id":1)"), HasSubstr("exists already")));
}

TEST_F(FeedSessionTest, SubscriptionsAreBounded) {
  options_.subscriptions_max = 3;
  for (int id = 0; id < 4; ++id) subscribe(id);
  EXPECT_THAT(next(), AllOf(HasSubstr("resource_exhausted"), HasSubstr(R"("id":3)")));
  session().receive(R"({"type":"unsubscribe","id":0})");
  subscribe(4);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(next(), HasSubstr(R"("type":"snapshot")"));
}

TEST_F(FeedSessionTest, AClientThatReadsNoAnswersIsNotToBeHeard) {
  options_.answers_bytes_max = 1000;
  int heard = 0;
  for (; session().can_receive(); ++heard) {
    ASSERT_LT(heard, 1000);
    session().receive("nonsense");
  }
  int answers = 0;
  while (session().next_message()) ++answers;
  EXPECT_EQ(answers, heard);
  EXPECT_TRUE(session().can_receive());
}

}  // namespace
}  // namespace penstock::http
