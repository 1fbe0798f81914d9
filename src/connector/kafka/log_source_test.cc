#include "connector/kafka/log_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "connector/connector_test_fixture.h"
#include "connector/kafka/log_table.h"
#include "connector/scan_transform.h"
#include "connector/watermark_alignment.h"
#include "expr/expr.h"

namespace penstock::connector {
namespace {

using exec::SourceState;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LogSourceTest : public ConnectorTest {
 protected:
  LogSourceTest() {
    options_ = {{"connector", "kafka"}, {"topic", "orders"}, {"format", "csv"}};
    EXPECT_TRUE(log_->create_topic("orders", 3, {}));
  }

  // Columns: item, and the event time in seconds, which is the watermark.
  types::Schema columns() const { return schema_of({{"item", "STRING"}, {"ts", "TIMESTAMP(3)"}}); }
  ScanRequest request_with_watermark() {
    ScanRequest r = request(columns());
    r.watermark = expr::Expr::column(1, r.physical[1].type);
    r.time_column = 1;
    return r;
  }
  static std::string event(const std::string& item, int second) {
    return fmt::format("{},1970-01-01 00:00:{:02}", item, second);
  }
  static EventTime second(int s) { return EventTime(s * 1'000'000LL); }
};

TEST_F(LogSourceTest, ABoundedReadEndsAtThePresentEnd) {
  append("orders", 0, {event("a", 1), event("b", 2)});
  append("orders", 2, {event("c", 3)});
  EXPECT_EQ(read_bounded(columns()),
            "+I a '1970-01-01 00:00:01.000' | +I b '1970-01-01 00:00:02.000' | "
            "+I c '1970-01-01 00:00:03.000'");
}

TEST_F(LogSourceTest, AFollowingReadWaitsAndIsWoken) {
  const SourcePlan following = plan(request(columns()));
  EXPECT_FALSE(following.bounded);
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.rows, 0u);
  const int before = wakes_;
  append("orders", 1, {event("a", 1)});
  EXPECT_GT(wakes_.load(), before);
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_THAT(out.take(), HasSubstr("+I a"));
  // A partition that comes later is read too.
  ASSERT_TRUE(log_->add_partitions("orders", 4));
  append("orders", 3, {event("late", 2)});
  poll_all(*source, out);
  EXPECT_THAT(out.take(), HasSubstr("+I late"));
  EXPECT_EQ(following.progress->records_read(), 2u);
  EXPECT_EQ(following.progress->lag(), 0);
}

TEST_F(LogSourceTest, ManyRecordsComeInWholeBatches) {
  std::vector<std::string> values;
  for (int i = 0; i < 10'000; ++i) values.push_back(event("item" + std::to_string(i), i % 60));
  append("orders", 0, values);
  const auto source = make_source(plan(request(columns())));
  CollectedOutput out;
  out.keep_text = false;
  out.keep_batches = true;
  poll_all(*source, out);
  ASSERT_EQ(out.rows, 10'000u);
  EXPECT_EQ(out.kept.size(), 5u);
  EXPECT_EQ(out.kept[4].column(0)->value(10'000 - 4 * 2048 - 1).as_string(), "item9999");
}

class UpsertSourceTest : public LogSourceTest {
 protected:
  UpsertSourceTest() {
    options_ = {{"connector", "upsert-kafka"}, {"topic", "orders"}, {"key.format", "csv"}, {"value.format", "json"}};
  }

  void append_keyed(const std::vector<std::pair<std::optional<std::string>, std::optional<std::string>>>& records) {
    log::RecordBatchBuilder builder;
    for (const auto& [key, value] : records) builder.add(1000, key, value);
    log::Answer<log::AppendResult> answer;
    log_->append(log::partition_of("orders", 0), builder.finish_shared(),
                 [&](log::AppendResult result) { answer.set(std::move(result)); });
    ASSERT_EQ(answer.wait().error, log::AppendError::kNone);
    wait_for_notices();
  }

  // The rows of the columns of that schema, with whether each is gone and its offset.
  std::string read(types::Schema physical) {
    ScanRequest r = request(schema_of({{"item", "STRING"}, {"lot", "BIGINT"}, {"price", "BIGINT NOT NULL"}}));
    r.primary_key = {"lot", "item"};
    r.physical = std::move(physical);
    r.metadata = {{std::string(kRowIsGone), types::DataType::parse("BOOLEAN").value()},
                  {"offset", types::DataType::parse("BIGINT").value()}};
    r.bounded = true;
    const auto source = make_source(plan(std::move(r)));
    CollectedOutput out;
    EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
    return out.text;
  }
};

TEST_F(UpsertSourceTest, KeysAndValuesGiveEventsAboutRows) {
  append_keyed({{"7,pen", R"({"price": 5})"},
                {"7,pen", std::nullopt},
                {"8,ink", std::nullopt},
                {"8,ink", R"({"price": 6, "item": "not looked at"})"},
                {"9,cap", R"({"price": 7})"}});
  const types::Schema all = schema_of({{"price", "BIGINT NOT NULL"}, {"item", "STRING"}, {"lot", "BIGINT"}});
  EXPECT_EQ(read(all),
            "+I 5 pen 7 FALSE 0 | +I NULL pen 7 TRUE 1 | +I NULL ink 8 TRUE 2 | +I 6 ink 8 FALSE 3 | "
            "+I 7 cap 9 FALSE 4");
  EXPECT_EQ(read(schema_of({{"lot", "BIGINT"}})),
            "+I 7 FALSE 0 | +I 7 TRUE 1 | +I 8 TRUE 2 | +I 8 FALSE 3 | +I 9 FALSE 4");
  EXPECT_THAT(letters_.take(), IsEmpty());
}

TEST_F(UpsertSourceTest, WhatCannotBeReadIsADeadLetterAndNoEvent) {
  append_keyed({{std::nullopt, R"({"price": 1})"},
                {"x,pen", R"({"price": 2})"},
                {"7,pen", "no JSON"},
                {"7,pen", R"({"price": 4})"},
                {"y,pen", std::nullopt},
                {"8,ink", R"({"price": null})"},
                {"8,ink", R"({"price": 6})"}});
  const types::Schema all = schema_of({{"item", "STRING"}, {"price", "BIGINT NOT NULL"}, {"lot", "BIGINT"}});
  EXPECT_EQ(read(all), "+I pen 4 7 FALSE 3 | +I ink 6 8 FALSE 6");
  EXPECT_THAT(letters_.take(),
              ElementsAre(HasSubstr("t orders/0@0 {\"price\": 1}: the record has no key"),
                          HasSubstr("t orders/0@1 {\"price\": 2}: key: field lot: cannot read 'x' as BIGINT"),
                          HasSubstr("t orders/0@2 no JSON: "),
                          HasSubstr("t orders/0@4 y,pen: key: field lot: cannot read 'y' as BIGINT"),
                          HasSubstr("t orders/0@5 {\"price\": null}: field price is null but NOT NULL")));
}

TEST_F(UpsertSourceTest, WhatItNeedsIsSaidWhenTheTableIsMade) {
  const auto error = [&](OptionMap options, std::vector<std::string> key) {
    options_ = {{"connector", "upsert-kafka"}, {"topic", "orders"}, {"key.format", "json"}, {"value.format", "json"}};
    for (auto& [name, value] : options) options_[name] = value;
    const Status status = validate_table(
        context(), {.name = "t",
                    .physical = schema_of({{"k_item", "STRING"}, {"price", "BIGINT"}, {"tags", "ARRAY<STRING>"}}),
                    .primary_key = std::move(key),
                    .metadata = {},
                    .options = options_});
    return status ? "" : status.error().to_string();
  };
  EXPECT_EQ(error({}, {"k_item"}), "");
  EXPECT_THAT(error({}, {}),
              HasSubstr("table \"t\": the connector upsert-kafka needs a primary key (hint: add PRIMARY"));
  EXPECT_THAT(error({{"key.fields-prefix", "k_"}}, {"k_item"}),
              HasSubstr("needs 'value.fields-include' = 'EXCEPT_KEY'"));
  EXPECT_EQ(error({{"key.fields-prefix", "k_"}, {"value.fields-include", "except_key"}}, {"k_item"}), "");
  EXPECT_THAT(error({{"key.fields-prefix", "k_"}, {"value.fields-include", "EXCEPT_KEY"}}, {"price"}),
              HasSubstr("column price of the primary key does not begin with 'k_'"));
  EXPECT_THAT(error({{"value.fields-include", "NONE"}}, {"k_item"}), HasSubstr("expected one of all, except_key"));
  EXPECT_THAT(error({{"value.format", "csv"}}, {"k_item"}), HasSubstr("option 'value.format': column tags is"));
  EXPECT_THAT(error({{"key.format", "csv"}}, {"tags"}), HasSubstr("option 'key.format': column tags is"));
  EXPECT_EQ(error({{"key.format", "raw"}, {"value.json.ignore-parse-errors", "true"}}, {"k_item"}), "");
  EXPECT_THAT(error({{"scan.startup.mode", "latest-offset"}}, {"k_item"}),
              HasSubstr("unknown option 'scan.startup.mode'"));
}

// A batch whose checksum is right although its records are none.
log::SharedBytes unreadable_batch(std::string_view records, int codec) {
  std::string bytes(log::batch_of({"x,1970-01-01 00:00:00"}).bytes);
  bytes.resize(log::kRecordBatchHeaderBytes);
  bytes += records;
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  bytes[22] = static_cast<char>(codec);
  put(8, static_cast<uint32_t>(bytes.size() - 12));
  put(17, crc32c(std::string_view(bytes).substr(log::kRecordBatchCrcStart)));
  return log::SharedBytes::own(std::move(bytes));
}

TEST_F(LogSourceTest, ABatchThatItsProducerMadeUnreadableIsADeadLetter) {
  constexpr int kGzip = 1;
  const auto append_bytes = [&](log::SharedBytes bytes) {
    log::Answer<log::AppendResult> answer;
    log_->append(log::partition_of("orders", 0), std::move(bytes),
                 [&](log::AppendResult result) { answer.set(std::move(result)); });
    ASSERT_EQ(answer.wait().error, log::AppendError::kNone);
    wait_for_notices();
  };
  append("orders", 0, {event("a", 1)});
  append_bytes(unreadable_batch(std::string(20, '\xff'), 0));
  append_bytes(unreadable_batch("this is no gzip stream", kGzip));
  append("orders", 0, {event("b", 2)});
  const SourcePlan following = plan(request(columns()));
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_THAT(out.take(), AllOf(HasSubstr("+I a"), HasSubstr("+I b")));
  EXPECT_EQ(following.progress->lag(), 0);
  EXPECT_THAT(letters_.take(), ElementsAre(HasSubstr("t orders/0@1 "), HasSubstr("t orders/0@2 ")));
  // The last one of a partition, too: an epoch ends that tells of it.
  const size_t before = out.batches;
  append_bytes(unreadable_batch(std::string(20, '\xff'), 0));
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_GT(out.batches, before);
  EXPECT_EQ(following.progress->lag(), 0);
  EXPECT_THAT(letters_.take(), ElementsAre(HasSubstr("t orders/0@4 ")));
}

TEST_F(LogSourceTest, StartupModes) {
  append("orders", 0, {event("a", 1)}, 1000);
  append("orders", 0, {event("b", 2)}, 2000);
  append("orders", 1, {event("c", 3)}, 3000);
  const auto read = [&](const OptionMap& more) {
    for (const auto& [key, value] : more) options_[key] = value;
    const auto source = make_source(plan(request(columns())));
    CollectedOutput out;
    poll_all(*source, out);
    append("orders", 2, {event("new", 9)}, 9000);
    poll_all(*source, out);
    EXPECT_TRUE(
        log_->delete_records(log::partition_of("orders", 2), *log_->high_watermark(log::partition_of("orders", 2))));
    for (const auto& [key, value] : more) options_.erase(key);
    std::string items;
    for (const char* item : {"a", "b", "c", "new"}) {
      if (out.text.find(std::string("+I ") + item) != std::string::npos) items += std::string(item) + " ";
    }
    return items;
  };
  EXPECT_EQ(read({}), "a b c new ");
  EXPECT_EQ(read({{"scan.startup.mode", "earliest-offset"}}), "a b c new ");
  EXPECT_EQ(read({{"scan.startup.mode", "group-offsets"}}), "a b c new ");
  EXPECT_EQ(read({{"scan.startup.mode", "latest-offset"}}), "new ");
  EXPECT_EQ(read({{"scan.startup.mode", "timestamp"}, {"scan.startup.timestamp-millis", "1500"}}), "b c new ");
  EXPECT_EQ(
      read({{"scan.startup.mode", "specific-offsets"}, {"scan.startup.specific-offsets", "partition:0,offset:1"}}),
      "b c new ");
}

TEST_F(LogSourceTest, BoundedModes) {
  append("orders", 0, {event("a", 1)}, 1000);
  append("orders", 0, {event("b", 2)}, 2000);
  append("orders", 1, {event("c", 3)}, 3000);
  const auto read = [&](const OptionMap& more) {
    for (const auto& [key, value] : more) options_[key] = value;
    const SourcePlan bounded = plan(request(columns()));
    EXPECT_TRUE(bounded.bounded);
    const auto source = make_source(bounded);
    CollectedOutput out;
    EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
    EXPECT_TRUE(bounded.progress->ended());
    EXPECT_EQ(bounded.progress->lag(), 0);
    for (const auto& [key, value] : more) options_.erase(key);
    std::string items;
    for (const char* item : {"a", "b", "c"}) {
      if (out.text.find(std::string("+I ") + item) != std::string::npos) items += item;
    }
    return items;
  };
  EXPECT_EQ(read({{"scan.bounded.mode", "latest-offset"}}), "abc");
  EXPECT_EQ(read({{"scan.bounded.mode", "timestamp"}, {"scan.bounded.timestamp-millis", "2000"}}), "a");
  EXPECT_EQ(read({{"scan.bounded.mode", "timestamp"}, {"scan.bounded.timestamp-millis", "9000"}}), "abc");
  EXPECT_EQ(
      read({{"scan.bounded.mode", "specific-offsets"}, {"scan.bounded.specific-offsets", "partition:0,offset:1"}}), "a")
      << "other partitions are not read";
  EXPECT_EQ(read({{"scan.bounded.mode", "specific-offsets"},
                  {"scan.bounded.specific-offsets", "partition:0,offset:0;partition:1,offset:1"}}),
            "c");
  options_["scan.bounded.mode"] = "timestamp";
  EXPECT_THAT(plan_source(context(), request(columns())).error().message(), HasSubstr("scan.bounded.timestamp-millis"));
}

TEST_F(LogSourceTest, APartitionThatHasEndedHoldsNobodyBack) {
  options_["scan.bounded.mode"] = "specific-offsets";
  options_["scan.bounded.specific-offsets"] = "partition:0,offset:1;partition:1,offset:2";
  const SourcePlan bounded = plan(request_with_watermark());
  const auto source = make_source(bounded);
  CollectedOutput out;
  append("orders", 0, {event("a", 1), event("beyond", 2)});
  append("orders", 1, {event("b", 20)});
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting) << "one record is still to come";
  EXPECT_EQ(out.last_watermark, (exec::Watermark{.time = second(20), .idle = false}));
  EXPECT_FALSE(bounded.progress->ended());
  append("orders", 1, {event("c", 30)});
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
  EXPECT_THAT(out.take(), testing::Not(HasSubstr("beyond")));
}

TEST_F(LogSourceTest, AHeldPartitionEndsOnlyWhereItHadEnded) {
  options_["scan.bounded.mode"] = "specific-offsets";
  options_["scan.bounded.specific-offsets"] = "partition:0,offset:1;partition:1,offset:1";
  append("orders", 0, {event("a", 1)});
  append("orders", 1, {event("b", 2)});
  ScanRequest held = request_with_watermark();
  held.hold.emplace().positions =
      Positions{{log::partition_of("orders", 0), log::Offset(1)}, {log::partition_of("orders", 1), log::Offset(1)}};
  SourcePlan again = plan(held);
  auto source = make_source(again);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting) << "what the end gives had not been written";
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  EXPECT_EQ(positions_text(again.progress->take(Epoch(1)).positions), "orders/0=1 orders/1=1");
  again.progress->release();
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
  ASSERT_TRUE(source->on_barrier(Epoch(2)));
  const Positions ended = again.progress->take(Epoch(2)).positions;
  EXPECT_EQ(positions_text(ended), "orders/0=1 end:orders/0=1 orders/1=1 end:orders/1=1");

  held.hold->positions = ended;
  source = make_source(plan(held));
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
}

TEST_F(LogSourceTest, PartitionsAreSpreadOverInstances) {
  for (int p = 0; p < 3; ++p) append("orders", p, {event("p" + std::to_string(p), p)});
  const SourcePlan spread = plan(request(columns()), 2);
  ASSERT_EQ(spread.parallelism, 2);
  CollectedOutput first;
  CollectedOutput second;
  poll_all(*make_source(spread, 0), first);
  poll_all(*make_source(spread, 1), second);
  EXPECT_THAT(first.text, testing::AllOf(HasSubstr("p0"), HasSubstr("p2"), testing::Not(HasSubstr("p1"))));
  EXPECT_THAT(second.text, testing::AllOf(HasSubstr("p1"), testing::Not(HasSubstr("p0"))));
  EXPECT_EQ(plan(request(columns()), 8).parallelism, 3);
}

TEST_F(LogSourceTest, TheWatermarkIsTheLeastOverPartitions) {
  const auto source = make_source(plan(request_with_watermark()));
  CollectedOutput out;
  append("orders", 0, {event("a", 10), event("b", 7)});
  append("orders", 1, {event("c", 20)});
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark, (exec::Watermark{.time = kMinEventTime, .idle = false})) << "partition 2 has no events";
  append("orders", 2, {event("d", 15)});
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark.time, second(10)) << "the largest of partition 0";
}

TEST_F(LogSourceTest, IdlePartitionsHoldNobodyBack) {
  options_["scan.watermark.idle-timeout"] = "10 s";
  const auto source = make_source(plan(request_with_watermark()));
  CollectedOutput out;
  append("orders", 0, {event("a", 10)});
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark.time, kMinEventTime);
  env_.advance(9'000'000);
  append("orders", 1, {event("b", 20)});
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark.time, kMinEventTime);
  env_.advance(1'000'000);  // partitions 0 and 2 have been silent for 10 s
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark, (exec::Watermark{.time = second(20), .idle = false}));
  env_.advance(9'000'000);
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark, (exec::Watermark{.time = second(20), .idle = true})) << "all are";
  append("orders", 0, {event("c", 30)});
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark, (exec::Watermark{.time = second(30), .idle = false}));
}

TEST_F(LogSourceTest, AHeldScanTellsTheWatermarkThatItHadTold) {
  options_["scan.watermark.idle-timeout"] = "10 s";
  append("orders", 0, {event("a", 10)});
  CollectedOutput out;
  SourcePlan first = plan(request_with_watermark());
  const auto source = make_source(first);
  poll_all(*source, out);
  env_.advance(10'000'000);
  append("orders", 1, {event("b", 20)});
  poll_all(*source, out);
  ASSERT_EQ(out.last_watermark, (exec::Watermark{.time = second(20), .idle = false})) << "partition 0 is idle";
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  ScanProgress::Noted noted = first.progress->take(Epoch(1));
  EXPECT_EQ(noted.watermark, out.last_watermark);

  ScanRequest held = request_with_watermark();
  held.hold = ScanHold{.positions = noted.positions, .watermark = noted.watermark};
  SourcePlan again = plan(std::move(held));
  const auto second_source = make_source(again);
  poll_all(*second_source, out);
  EXPECT_EQ(out.last_watermark, noted.watermark) << "though partition 0 is not idle yet";
  ASSERT_TRUE(second_source->on_barrier(Epoch(1)));
  EXPECT_EQ(again.progress->take(Epoch(1)).watermark, noted.watermark);
  again.progress->release();
  append("orders", 0, {event("c", 12)});
  poll_all(*second_source, out);
  EXPECT_EQ(out.last_watermark.time, second(20)) << "it does not go back";
}

TEST_F(LogSourceTest, OptionsThatTellOfTheMomentAreFixed) {
  append("orders", 0, {event("a", 1)}, 1000);
  append("orders", 0, {event("b", 2)}, 2000);
  append("orders", 1, {event("c", 3)}, 3000);
  const auto fixed = [&](const OptionMap& more) {
    for (const auto& [key, value] : more) options_[key] = value;
    const auto options = fix_options(context(), "t", options_);
    for (const auto& [key, value] : more) options_.erase(key);
    return options.value();
  };
  EXPECT_THAT(fixed({}), IsEmpty());
  EXPECT_THAT(fixed({{"scan.startup.mode", "earliest-offset"}}), IsEmpty());
  EXPECT_EQ(
      fixed({{"scan.startup.mode", "latest-offset"}}),
      (OptionMap{{"scan.startup.mode", "specific-offsets"},
                 {"scan.startup.specific-offsets", "partition:0,offset:2;partition:1,offset:1;partition:2,offset:0"}}));
  EXPECT_EQ(
      fixed({{"scan.startup.mode", "timestamp"}, {"scan.startup.timestamp-millis", "1500"}}),
      (OptionMap{{"scan.startup.mode", "specific-offsets"},
                 {"scan.startup.specific-offsets", "partition:0,offset:1;partition:1,offset:0;partition:2,offset:0"}}));
  EXPECT_EQ(
      fixed({{"scan.bounded.mode", "latest-offset"}}),
      (OptionMap{{"scan.bounded.mode", "specific-offsets"},
                 {"scan.bounded.specific-offsets", "partition:0,offset:2;partition:1,offset:1;partition:2,offset:0"}}));
}

TEST_F(LogSourceTest, PositionsAreNotedAtBarriersAndGoOnThere) {
  SourcePlan following = plan(request(columns()));
  auto source = make_source(following);
  CollectedOutput out;
  append("orders", 0, {event("a", 1), event("b", 2)});
  poll_all(*source, out);
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  append("orders", 0, {event("c", 3)});
  poll_all(*source, out);
  ASSERT_TRUE(source->on_barrier(Epoch(2)));
  const Positions at_one = following.progress->take(Epoch(1)).positions;
  EXPECT_EQ(positions_text(at_one), "orders/0=2 orders/1=0 orders/2=0");
  EXPECT_EQ(positions_text(following.progress->take(Epoch(2)).positions), "orders/0=3 orders/1=0 orders/2=0");
  EXPECT_EQ(positions_text(following.progress->ends()), "orders/0=3 orders/1=0 orders/2=0");

  ScanRequest resumed = request(columns());
  resumed.start = at_one;
  out.take();
  poll_all(*make_source(plan(std::move(resumed))), out);
  EXPECT_THAT(out.take(), testing::StartsWith("+I c"));
}

TEST_F(LogSourceTest, AHeldScanStopsUntilItIsReleased) {
  append("orders", 0, {event("a", 1), event("b", 2), event("c", 3)});
  append("orders", 1, {event("x", 1)});
  ScanRequest held = request(columns());
  held.hold.emplace().positions = Positions{{log::partition_of("orders", 0), log::Offset(2)}};
  const SourcePlan following = plan(std::move(held));
  const auto source = make_source(following);
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.take(), "+I a '1970-01-01 00:00:01.000' | +I b '1970-01-01 00:00:02.000'");
  const int before = wakes_;
  following.progress->release();
  EXPECT_GT(wakes_.load(), before);
  poll_all(*source, out);
  EXPECT_THAT(out.text, testing::AllOf(HasSubstr("+I c"), HasSubstr("+I x")));
  EXPECT_EQ(out.rows, 4u);
}

TEST_F(LogSourceTest, WhatCannotBeReadBecomesADeadLetter) {
  append("orders", 1, {event("a", 1), "nonsense", event("b", 2), "c,never"});
  const auto source = make_source(plan(request(columns())));
  CollectedOutput out;
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 2u);
  EXPECT_THAT(letters_.take(), ElementsAre("t orders/1@1 nonsense: 2 fields expected, 1 found",
                                           "t orders/1@3 c,never: field ts: cannot read 'never' as TIMESTAMP(3)"));
  options_["csv.ignore-parse-errors"] = "true";
  out.take();
  poll_all(*make_source(plan(request(columns()))), out);
  EXPECT_THAT(letters_.take(), IsEmpty());
  EXPECT_THAT(out.text, HasSubstr("+I c NULL"));
}

TEST_F(LogSourceTest, MetadataColumns) {
  log::RecordBatchBuilder builder;
  const std::vector<log::RecordHeader> headers = {{"b", "1"}, {"a", std::nullopt}, {"b", "2"}};
  builder.add(1500, "the key", event("a", 1), headers);
  builder.add(1600, std::nullopt, event("b", 2));
  log::Answer<log::AppendResult> answer;
  log_->append(log::partition_of("orders", 2), builder.finish_shared(), [&](auto result) { answer.set(result); });
  answer.wait();
  ScanRequest r = request(columns());
  r.physical.clear();
  for (const types::Field& field : connectors()[0].metadata_columns()) {
    const bool of_events = field.name.starts_with(kValueMetadata);
    if (!of_events) r.metadata.push_back({field.name, field.type});
  }
  CollectedOutput out;
  poll_all(*make_source(plan(std::move(r))), out);
  EXPECT_EQ(out.text,
            "+I orders 2 0 '1970-01-01 00:00:01.500' CreateTime '{a=NULL, b=32}' 746865206b6579 | "
            "+I orders 2 1 '1970-01-01 00:00:01.600' CreateTime {} NULL");
}

TEST_F(LogSourceTest, TheTimestampMayBeThatOfTheLog) {
  log::TopicConfig config;
  config.entries = {{"message.timestamp.type", "LogAppendTime"}};
  ASSERT_TRUE(log_->set_topic_config("orders", config));
  append("orders", 0, {event("a", 1)}, 1500);
  ScanRequest r = request(columns());
  r.physical.clear();
  r.metadata = {{"timestamp", types::DataType::parse("TIMESTAMP_LTZ(3)").value()},
                {"timestamp-type", types::TypeKind::kString}};
  CollectedOutput out;
  poll_all(*make_source(plan(std::move(r))), out);
  EXPECT_EQ(out.text, "+I '2023-11-14 22:13:20.000' LogAppendTime") << "the clock of the simulated machine";
}

TEST_F(LogSourceTest, TombstonesGiveNoRowButMoveOn) {
  log::RecordBatchBuilder builder;
  builder.add(1, "k", std::nullopt);
  log::Answer<log::AppendResult> answer;
  log_->append(log::partition_of("orders", 0), builder.finish_shared(), [&](auto result) { answer.set(result); });
  answer.wait();
  const SourcePlan following = plan(request(columns()));
  const auto source = make_source(following);
  CollectedOutput out;
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 0u);
  ASSERT_TRUE(source->on_barrier(Epoch(1)));
  EXPECT_THAT(positions_text(following.progress->take(Epoch(1)).positions), HasSubstr("orders/0=1"));
}

TEST_F(LogSourceTest, RecordsThatAreRemovedBeforeTheyAreReadAreSkipped) {
  append("orders", 0, {event("a", 1)});
  append("orders", 0, {event("b", 2)});
  append("orders", 0, {event("c", 3)});
  const SourcePlan following = plan(request(columns()));
  const auto source = make_source(following);
  ASSERT_TRUE(log_->delete_records(log::partition_of("orders", 0), log::Offset(2)));
  CollectedOutput out;
  poll_all(*source, out);
  EXPECT_EQ(out.text, "+I c '1970-01-01 00:00:03.000'");
  EXPECT_EQ(following.progress->lag(), 0);
}

TEST_F(LogSourceTest, OptionsAreChecked) {
  const auto error_of = [&](OptionMap changes) {
    OptionMap options = options_;
    for (auto& [key, value] : changes) options[key] = value;
    const Status status =
        validate_table(context(), {.name = "t", .physical = columns(), .metadata = {}, .options = options});
    return status ? "" : status.error().to_string();
  };
  EXPECT_EQ(error_of({}), "");
  EXPECT_THAT(error_of({{"topik", "x"}}), HasSubstr("unknown option 'topik' (hint: did you mean \"topic\"?)"));
  EXPECT_THAT(error_of({{"format", "jason"}}), HasSubstr("there is no format 'jason'"));
  EXPECT_THAT(error_of({{"csv.field-delimeter", ";"}}), HasSubstr("csv.field-delimiter"));
  EXPECT_THAT(error_of({{"scan.startup.mode", "yesterday"}}), HasSubstr("expected one of"));
  EXPECT_THAT(error_of({{"scan.startup.mode", "timestamp"}}), HasSubstr("'scan.startup.timestamp-millis' is required"));
  EXPECT_THAT(error_of({{"scan.startup.mode", "specific-offsets"}, {"scan.startup.specific-offsets", "partition:x"}}),
              HasSubstr("expected 'partition:0,offset:42;...'"));
  EXPECT_THAT(error_of({{"key.fields", "itm"}}), HasSubstr("no physical column \"itm\""));
  EXPECT_THAT(
      error_of({{"properties.bootstrap.servers", "elsewhere:9092"}}),
      HasSubstr("'properties.bootstrap.servers' = 'elsewhere:9092': tables are over topics of this server (hint"));
  EXPECT_THAT(error_of({{"sink.partitioner", "org.example.Mine"}}), HasSubstr("default, fixed, round-robin"));
  EXPECT_EQ(error_of({{"topic", "fresh"}}), "");
  EXPECT_EQ(log_->topic("fresh")->partitions, 2) << "made with the default number of partitions";
  options_["topic"] = "missing";
  EXPECT_FALSE(plan_source(context(), request(columns())));
}

TEST_F(LogSourceTest, TheDeletionOfATopicIsAnError) {
  append("orders", 0, {event("a", 1)});
  const auto source = make_source(plan(request(columns())));
  CollectedOutput out;
  poll_all(*source, out);
  ASSERT_TRUE(log_->delete_topic("orders"));
  const auto state = source->poll(out);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message(), HasSubstr("was deleted"));
}

// Its offsets are others: to go on at the old ones would leave records out.
TEST_F(LogSourceTest, ATopicThatWasMadeAnewIsAnotherOne) {
  append("orders", 0, {event("a", 1)});
  const auto source = make_source(plan(request(columns())));
  CollectedOutput out;
  poll_all(*source, out);
  ASSERT_TRUE(log_->delete_topic("orders"));
  ASSERT_TRUE(log_->create_topic("orders", 3, {}));
  append("orders", 0, {event("b", 1), event("c", 2)});
  const auto state = source->poll(out);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message(), HasSubstr("was deleted"));
}

// --- alignment ---

class AlignedSourcesTest : public LogSourceTest {
 protected:
  AlignedSourcesTest() {
    options_["scan.watermark.alignment.group"] = "g";
    options_["scan.watermark.alignment.max-drift"] = "10 s";
    EXPECT_TRUE(log_->create_topic("payments", 1, {}));
  }
  SourcePlan plan_of(const std::string& topic) {
    options_["topic"] = topic;
    ScanRequest r = request_with_watermark();
    r.alignment = groups_;
    ConnectorContext c = context(1);
    c.batch_rows_max = 1;
    auto made = plan_source(c, std::move(r));
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
  }
  void append_seconds(const std::string& topic, int32_t partition, std::vector<int> seconds) {
    std::vector<std::string> values;
    for (const int s : seconds) values.push_back(event("x", s));
    append(topic, partition, values);
  }
  // How many rows come until the source waits.
  size_t rows_of(exec::Source& source) {
    CollectedOutput out;
    EXPECT_EQ(poll_all(source, out), SourceState::kWaiting);
    return out.rows;
  }

  std::shared_ptr<AlignmentGroups> groups_ = std::make_shared<AlignmentGroups>();
};

TEST_F(AlignedSourcesTest, AFastSourceWaitsForASlowOne) {
  append_seconds("orders", 0, {0, 5, 10, 11, 12, 20, 21, 30});
  append_seconds("payments", 0, {0, 1, 2, 9, 10});
  const auto fast = make_source(plan_of("orders"));
  const auto slow = make_source(plan_of("payments"));
  EXPECT_EQ(rows_of(*fast), 1U) << "nobody knows yet how far the other is";
  EXPECT_EQ(rows_of(*fast), 0U);
  const int before = wakes_;
  EXPECT_EQ(rows_of(*slow), 5U) << "it is the one that the other waits for";
  EXPECT_GT(wakes_.load(), before) << "it has read everything, and holds nobody any more";
  EXPECT_EQ(rows_of(*fast), 7U);
}

TEST_F(AlignedSourcesTest, TheDriftBoundsHowFarASourceIsAhead) {
  append_seconds("orders", 0, {0, 5, 10, 11, 12, 20, 21, 30});
  std::vector<int> slow_seconds(8, 1);  // a poll reads eight batches
  slow_seconds.insert(slow_seconds.end(), 8, 4);
  slow_seconds.insert(slow_seconds.end(), 8, 11);
  append_seconds("payments", 0, slow_seconds);
  const auto fast = make_source(plan_of("orders"));
  const auto slow = make_source(plan_of("payments"));
  CollectedOutput out;
  EXPECT_EQ(rows_of(*fast), 1U);
  ASSERT_EQ(slow->poll(out).value(), SourceState::kMore);
  EXPECT_EQ(rows_of(*fast), 4U) << "up to the first one that is ahead of 11";
  ASSERT_EQ(slow->poll(out).value(), SourceState::kMore);
  EXPECT_EQ(rows_of(*fast), 1U) << "12 is within 14, and 20 is ahead of it";
  EXPECT_EQ(rows_of(*fast), 0U);
  ASSERT_EQ(slow->poll(out).value(), SourceState::kMore);
  EXPECT_EQ(rows_of(*fast), 2U) << "20 and 21 are within 21";
}

TEST_F(AlignedSourcesTest, PartitionsOfOneTableAreAligned) {
  append_seconds("orders", 0, {0, 30, 31, 32});
  append_seconds("orders", 1, {0, 1, 2, 3});
  const auto source = make_source(plan_of("orders"));
  CollectedOutput out;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.rows, 8U) << "each gets its turn in the end";
}

TEST_F(AlignedSourcesTest, ASourceThatWaitsIsNotIdle) {
  options_["scan.watermark.idle-timeout"] = "10 s";
  append_seconds("orders", 0, {0, 30});
  append_seconds("payments", 0, {5});
  const auto slow = make_source(plan_of("payments"));
  const auto fast = make_source(plan_of("orders"));
  CollectedOutput out;
  EXPECT_EQ(poll_all(*fast, out), SourceState::kWaiting);
  env_.advance(60'000'000);
  EXPECT_EQ(poll_all(*fast, out), SourceState::kWaiting);
  EXPECT_FALSE(out.last_watermark.idle);
}

TEST_F(AlignedSourcesTest, AGroupNeedsADrift) {
  options_.erase("scan.watermark.alignment.max-drift");
  const auto made = plan_source(context(1), request_with_watermark());
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("stand together"));
}

}  // namespace
}  // namespace penstock::connector
