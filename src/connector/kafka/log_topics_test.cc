#include "connector/kafka/log_topics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

using exec::SourceState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class SeveralTopicsTest : public ConnectorTest {
 protected:
  SeveralTopicsTest() {
    options_ = {{"connector", "kafka"}, {"topic", "orders;returns"}, {"format", "csv"}};
    EXPECT_TRUE(log_->create_topic("orders", 3, {}));
    EXPECT_TRUE(log_->create_topic("returns", 1, {}));
    append("orders", 0, {event("a", 1)}, 1000);
    append("returns", 0, {event("b", 2)}, 2000);
  }
  types::Schema columns() const { return schema_of({{"item", "STRING"}, {"ts", "TIMESTAMP(3)"}}); }
  static std::string event(const std::string& item, int second) {
    return fmt::format("{},1970-01-01 00:00:{:02}", item, second);
  }
  void read_pattern(const std::string& pattern) {
    options_.erase("topic");
    options_["topic-pattern"] = pattern;
  }
  std::string error_of(const OptionMap& options) {
    const Status status =
        validate_table(context(), {.name = "t", .physical = columns(), .metadata = {}, .options = options});
    return status ? "" : status.error().to_string();
  }
};

TEST_F(SeveralTopicsTest, AreReadAndKeepPositionsOfTheirOwn) {
  SourcePlan following = plan(request(columns()));
  const auto source = make_source(following);
  CollectedOutput out;
  poll_all(*source, out);
  EXPECT_THAT(out.take(), AllOf(HasSubstr("+I a"), HasSubstr("+I b")));
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  const Positions noted = following.progress->take(Epoch(1)).positions;
  EXPECT_EQ(positions_text(noted), "orders/0=1 orders/1=0 orders/2=0 returns/0=1");
  EXPECT_EQ(positions_text(following.progress->ends()), "orders/0=1 orders/1=0 orders/2=0 returns/0=1");

  append("returns", 0, {event("c", 3)});
  EXPECT_EQ(following.progress->lag(), 1);
  ScanRequest resumed = request(columns());
  resumed.start = noted;
  poll_all(*make_source(plan(std::move(resumed))), out);
  EXPECT_EQ(out.take(), "+I c '1970-01-01 00:00:03.000'");
}

TEST_F(SeveralTopicsTest, EachPartitionIsReadByOneInstance) {
  for (int p = 1; p < 3; ++p) append("orders", p, {event("p" + std::to_string(p), p)});
  const SourcePlan spread = plan(request(columns()), 8);
  ASSERT_EQ(spread.parallelism, 4);
  std::map<std::string, int> readers;
  for (int instance = 0; instance < 4; ++instance) {
    CollectedOutput out;
    poll_all(*make_source(spread, instance), out);
    for (const char* item : {"a", "b", "p1", "p2"}) {
      if (out.text.find(std::string("+I ") + item) != std::string::npos) ++readers[item];
    }
  }
  EXPECT_THAT(readers, ElementsAre(testing::Pair("a", 1), testing::Pair("b", 1), testing::Pair("p1", 1),
                                   testing::Pair("p2", 1)));
}

TEST_F(SeveralTopicsTest, OffsetsSayOfWhichTopicTheyAre) {
  append("orders", 0, {event("c", 3)}, 3000);
  options_["scan.startup.mode"] = "latest-offset";
  options_["scan.bounded.mode"] = "latest-offset";
  const std::string ends =
      "topic:orders,partition:0,offset:2;topic:orders,partition:1,offset:0;topic:orders,partition:2,offset:0;"
      "topic:returns,partition:0,offset:1";
  EXPECT_EQ(*fix_options(context(), "t", options_), (OptionMap{{"scan.startup.mode", "specific-offsets"},
                                                               {"scan.startup.specific-offsets", ends},
                                                               {"scan.bounded.mode", "specific-offsets"},
                                                               {"scan.bounded.specific-offsets", ends}}));
  options_["scan.startup.mode"] = "specific-offsets";
  options_["scan.startup.specific-offsets"] = "topic:orders,partition:0,offset:1";
  options_["scan.bounded.mode"] = "specific-offsets";
  options_["scan.bounded.specific-offsets"] = ends;
  CollectedOutput out;
  EXPECT_EQ(poll_all(*make_source(plan(request(columns()))), out), SourceState::kEnded);
  EXPECT_THAT(out.text, AllOf(HasSubstr("+I b"), HasSubstr("+I c"), testing::Not(HasSubstr("+I a"))));

  options_["scan.startup.specific-offsets"] = "partition:0,offset:1";
  EXPECT_THAT(error_of(options_), HasSubstr("'partition:0,offset:1' needs 'topic:NAME,' in front"));
}

TEST_F(SeveralTopicsTest, APatternFindsTopicsThatAreMadeLater) {
  ASSERT_TRUE(log_->create_topic("reorders", 1, {}));
  append("reorders", 0, {event("other", 1)});
  read_pattern("(re|b)t.*|orders");
  const SourcePlan following = plan(request(columns()), 3);
  EXPECT_EQ(following.parallelism, 3);
  std::vector<std::unique_ptr<exec::Source>> sources;
  CollectedOutput out;
  const auto poll = [&] {
    for (const auto& source : sources) poll_all(*source, out);
  };
  for (int i = 0; i < 3; ++i) sources.push_back(make_source(following, i));
  poll();
  EXPECT_THAT(out.take(), AllOf(HasSubstr("+I a"), HasSubstr("+I b"), testing::Not(HasSubstr("other"))))
      << "the whole name matches";
  const int before = wakes_;
  ASSERT_TRUE(log_->create_topic("bt2", 2, {}));
  EXPECT_GT(wakes_.load(), before);
  append("bt2", 1, {event("new", 4)});
  poll();
  EXPECT_EQ(out.take(), "+I new '1970-01-01 00:00:04.000'");
  for (const auto& source : sources) ASSERT_TRUE(source->on_barrier(Epoch(1)));
  EXPECT_EQ(positions_text(following.progress->ends()), "bt2/0=0 bt2/1=1 orders/0=1 orders/1=0 orders/2=0 returns/0=1");
}

TEST_F(SeveralTopicsTest, APatternMayMatchNothingYet) {
  read_pattern("nothing.*");
  EXPECT_EQ(error_of(options_), "");
  EXPECT_EQ(read_bounded(columns()), "");
  options_["scan.startup.mode"] = "latest-offset";
  const OptionMap fixed = *fix_options(context(), "t", options_);
  for (const auto& [key, value] : fixed) options_[key] = value;
  EXPECT_EQ(error_of(options_), "");
}

TEST_F(SeveralTopicsTest, OptionsAreChecked) {
  options_["topic-pattern"] = "o.*";
  EXPECT_THAT(error_of(options_), HasSubstr("'topic' and 'topic-pattern' exclude each other"));
  read_pattern("(");
  EXPECT_THAT(error_of(options_), HasSubstr("option 'topic-pattern'"));
  options_.erase("topic-pattern");
  options_["topic"] = ";";
  EXPECT_THAT(error_of(options_), HasSubstr("names no topic"));
  options_["topic"] = "orders;fresh";
  EXPECT_EQ(error_of(options_), "");
  EXPECT_TRUE(log_->topic("fresh"));
  SinkRequest sink;
  sink.table = "t";
  sink.options = options_;
  sink.schema = columns();
  EXPECT_THAT(make_sink(context(), std::move(sink)).error().to_string(), HasSubstr("it has several topics"));
}

}  // namespace
}  // namespace penstock::connector
