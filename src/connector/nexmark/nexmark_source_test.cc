#include "connector/nexmark/nexmark_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "connector/connector_test_fixture.h"
#include "connector/nexmark/nexmark_events.h"

namespace penstock::connector {
namespace {

using columnar::ChangeBatch;
using columnar::StringCell;
using exec::SourceState;
using testing::HasSubstr;

const std::string kPerson =
    "ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, "
    "dateTime TIMESTAMP(3), extra STRING>";
const std::string kBid =
    "ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), "
    "extra STRING>";

class NexmarkTest : public ConnectorTest {
 protected:
  NexmarkTest() { options_ = {{"connector", "nexmark"}, {"events.num", "10000"}}; }

  // The columns of the fields "bid.price" and so on, in one batch per 2,048 rows.
  std::vector<ChangeBatch> read(const std::vector<std::pair<std::string, std::string>>& fields) {
    ScanRequest r = request(schema_of({{"event_type", "INT"}, {"person", kPerson}, {"bid", kBid}}));
    r.physical.clear();
    for (const auto& [name, type] : fields) {
      const size_t dot = name.find('.');
      r.physical.push_back({name.substr(0, dot), types::DataType::parse(type).value()});
      r.fields.emplace_back();
      if (dot != std::string::npos) r.fields.back().push_back(name.substr(dot + 1));
    }
    r.bounded = true;
    auto plan = plan_source(context(), std::move(r));
    EXPECT_TRUE(plan) << plan.error().to_string();
    CollectedOutput out;
    out.keep_text = false;
    out.keep_batches = true;
    EXPECT_EQ(poll_all(*make_source(*plan), out), SourceState::kEnded);
    return out.kept;
  }
  template <class T>
  std::vector<T> values(const std::string& name, const std::string& type) {
    std::vector<T> all;
    for (const ChangeBatch& batch : read({{name, type}})) {
      for (size_t row = 0; row < batch.rows(); ++row) {
        if (!batch.column(0)->is_null(row)) all.push_back(batch.column(0)->values<T>()[row]);
      }
    }
    return all;
  }
  std::string error_of(const std::vector<std::pair<std::string, std::string>>& columns, const OptionMap& more = {}) {
    OptionMap options = options_;
    for (const auto& [key, value] : more) options[key] = value;
    const Status status =
        validate_table(context(), {.name = "t", .physical = schema_of(columns), .metadata = {}, .options = options});
    return status ? "" : status.error().to_string();
  }
};

TEST_F(NexmarkTest, KindsComeInTheirProportions) {
  std::map<int64_t, int> kinds;
  for (const int64_t kind : values<int64_t>("event_type", "INT")) ++kinds[kind];
  EXPECT_EQ(kinds, (std::map<int64_t, int>{{0, 200}, {1, 600}, {2, 9200}}));
  options_["person.proportion"] = "2";
  options_["auction.proportion"] = "2";
  options_["bid.proportion"] = "1";
  kinds.clear();
  for (const int64_t kind : values<int64_t>("event_type", "INT")) ++kinds[kind];
  EXPECT_EQ(kinds, (std::map<int64_t, int>{{0, 4000}, {1, 4000}, {2, 2000}}));
}

TEST_F(NexmarkTest, FieldsAreNullInEventsOfAnotherKind) {
  for (const ChangeBatch& batch : read({{"event_type", "INT"}, {"person.id", "BIGINT"}, {"bid.price", "BIGINT"}})) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t kind = batch.column(0)->values<int64_t>()[row];
      EXPECT_EQ(batch.column(1)->is_null(row), kind != 0);
      EXPECT_EQ(batch.column(2)->is_null(row), kind != 2);
    }
  }
}

TEST_F(NexmarkTest, IdsRiseAndBidsAreForActiveAuctions) {
  const std::vector<int64_t> persons = values<int64_t>("person.id", "BIGINT");
  for (size_t i = 0; i < persons.size(); ++i) EXPECT_EQ(persons[i], 1000 + static_cast<int64_t>(i));
  const std::vector<int64_t> auctions = values<int64_t>("bid.auction", "BIGINT");
  int hot = 0;
  for (size_t bid = 0; bid < auctions.size(); ++bid) {
    const auto last = static_cast<int64_t>(bid / 46 * 3 + 2);  // the last auction of its round, from 0
    const int64_t auction = auctions[bid] - 1000;
    EXPECT_GE(auction, std::max<int64_t>(0, last - 100));
    EXPECT_LE(auction, last + 10);
    if (auction == last / 100 * 100) ++hot;
  }
  EXPECT_NEAR(hot / static_cast<double>(auctions.size()), 0.5, 0.05);
}

TEST_F(NexmarkTest, PricesAndSizesAreSpreadAsTheyShould) {
  const std::vector<int64_t> prices = values<int64_t>("bid.price", "BIGINT");
  int low = 0;
  for (const int64_t price : prices) {
    EXPECT_GE(price, 100);
    EXPECT_LE(price, 100'000'000);
    if (price < 100'000) ++low;  // half of the powers
  }
  EXPECT_NEAR(low / static_cast<double>(prices.size()), 0.5, 0.05);
  double bytes = 0;
  size_t bids = 0;
  for (const ChangeBatch& batch : read({{"bid.extra", "STRING"}})) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (batch.column(0)->is_null(row)) continue;
      bytes += batch.column(0)->values<StringCell>()[row].size();
      ++bids;
    }
  }
  EXPECT_NEAR(bytes / static_cast<double>(bids), 68, 1);  // and 32 of the numbers
}

TEST_F(NexmarkTest, TimesGoOnEvenly) {
  options_["first-event.rate"] = "4000";
  options_["base-time"] = "2026-01-01 00:00:00";
  const std::vector<int64_t> times = values<int64_t>("bid.dateTime", "TIMESTAMP(3)");
  const int64_t begin_us = 1'767'225'600'000'000;
  EXPECT_EQ(times.front(), begin_us + 1000);  // event 4, a quarter of a millisecond each
  EXPECT_EQ(times.back(), begin_us + 9999 / 4 * 1000);
}

TEST_F(NexmarkTest, AWholeEventHasItsFields) {
  const auto fields = read({{"bid.price", "BIGINT"}, {"bid.url", "STRING"}});
  const auto whole = read({{"bid", kBid}});
  ASSERT_EQ(fields.size(), whole.size());
  const types::Value first = whole[0].column(0)->value(0);
  EXPECT_TRUE(first.is_null());
  const std::string text = types::to_text(whole[0].column(0)->value(4), whole[0].column(0)->type());
  EXPECT_THAT(text, HasSubstr(std::to_string(fields[0].column(0)->values<int64_t>()[4])));
  EXPECT_THAT(text, HasSubstr(std::string(fields[0].column(1)->values<StringCell>()[4].view())));
}

TEST_F(NexmarkTest, TheSameSeedGivesTheSameEvents) {
  const std::vector<int64_t> once = values<int64_t>("bid.price", "BIGINT");
  EXPECT_EQ(values<int64_t>("bid.price", "BIGINT"), once);
  options_["seed"] = "7";
  EXPECT_NE(values<int64_t>("bid.price", "BIGINT"), once);
}

TEST_F(NexmarkTest, WhatIsWrongIsTold) {
  EXPECT_EQ(error_of({{"event_type", "INT"}, {"bid", kBid}}), "");
  EXPECT_THAT(error_of({{"bids", kBid}}), HasSubstr("no column \"bids\""));
  EXPECT_THAT(error_of({{"bid", "ROW<prize BIGINT>"}}), HasSubstr("did you mean \"price\"?"));
  EXPECT_THAT(error_of({{"bid", "ROW<price STRING>"}}), HasSubstr("bid.price: it is BIGINT"));
  EXPECT_THAT(error_of({{"bid", "STRING"}}), HasSubstr("it is ROW"));
  EXPECT_THAT(error_of({{"event_type", "STRING"}}), HasSubstr("it is INT"));
  EXPECT_THAT(error_of({{"bid", kBid}}, {{"base-time", "now"}}), HasSubstr("a time such as"));
  EXPECT_THAT(error_of({{"bid", kBid}}, {{"events.number", "1"}}), HasSubstr("events.num"));
  EXPECT_FALSE(*is_bounded("t", {{"connector", "nexmark"}}));
  EXPECT_TRUE(*is_bounded("t", options_));
}

}  // namespace
}  // namespace penstock::connector
