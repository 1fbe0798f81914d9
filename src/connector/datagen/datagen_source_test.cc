#include "connector/datagen/datagen_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "connector/connector_test_fixture.h"
#include "connector/datagen/rate_limit.h"
#include "connector/datagen/row_numbers.h"
#include "expr/expr.h"

namespace penstock::connector {
namespace {

using columnar::ChangeBatch;
using exec::SourceState;
using testing::HasSubstr;

class DatagenTest : public ConnectorTest {
 protected:
  DatagenTest() {
    options_ = {{"connector", "datagen"}};
    used_timer_ = &env_timer_;
  }

  // All rows of a bounded read.
  std::vector<ChangeBatch> read(types::Schema columns) {
    ScanRequest bounded = request(std::move(columns));
    bounded.bounded = true;
    CollectedOutput out;
    out.keep_text = false;
    out.keep_batches = true;
    EXPECT_EQ(poll_all(*make_source(plan(std::move(bounded))), out), SourceState::kEnded);
    return out.kept;
  }
  template <class T>
  std::vector<T> values(const std::string& type, OptionMap options) {
    for (auto& [key, value] : options) options_[key] = value;
    std::vector<T> all;
    for (const ChangeBatch& batch : read(schema_of({{"x", type}}))) {
      const auto column = batch.column(0)->values<T>();
      all.insert(all.end(), column.begin(), column.end());
    }
    for (auto& [key, value] : options) options_.erase(key);
    return all;
  }
  std::string error_of(const std::string& type, const OptionMap& more) {
    OptionMap options = options_;
    for (auto& [key, value] : more) options[key] = value;
    const Status status = validate_table(
        context(), {.name = "t", .physical = schema_of({{"x", type}}), .metadata = {}, .options = options});
    return status ? "" : status.error().to_string();
  }
};

TEST_F(DatagenTest, SequencesEndTheTable) {
  options_["fields.n.kind"] = "sequence";
  options_["fields.n.start"] = "-1";
  options_["fields.n.end"] = "2";
  options_["fields.d.kind"] = "sequence";
  options_["fields.d.start"] = "10";
  options_["fields.d.end"] = "100";
  options_["fields.s.kind"] = "sequence";
  options_["fields.s.start"] = "7";
  options_["fields.s.end"] = "100";
  EXPECT_EQ(read_bounded(schema_of({{"n", "BIGINT"}, {"d", "DECIMAL(10, 2)"}, {"s", "STRING"}})),
            "+I -1 10.00 7 | +I 0 11.00 8 | +I 1 12.00 9 | +I 2 13.00 10");
  options_["number-of-rows"] = "2";
  EXPECT_EQ(read_bounded(schema_of({{"n", "TINYINT"}, {"d", "DOUBLE"}, {"s", "STRING"}})),
            "+I -1 10.0 7 | +I 0 11.0 8");
  EXPECT_TRUE(*is_bounded("t", options_));
  EXPECT_FALSE(*is_bounded("t", {{"connector", "datagen"}}));
  EXPECT_TRUE(*is_bounded("t", {{"connector", "datagen"}, {"number-of-rows", "5"}}));
}

TEST_F(DatagenTest, RandomNumbersFillTheirRange) {
  const auto numbers =
      values<int64_t>("INT", {{"number-of-rows", "10000"}, {"fields.x.min", "-3"}, {"fields.x.max", "6"}});
  ASSERT_EQ(numbers.size(), 10'000u);
  std::map<int64_t, int> counts;
  for (const int64_t n : numbers) ++counts[n];
  EXPECT_EQ(counts.size(), 10u);
  EXPECT_EQ(counts.begin()->first, -3);
  EXPECT_EQ(counts.rbegin()->first, 6);
  for (const auto& [n, count] : counts) EXPECT_NEAR(count, 1000, 200) << n;

  const auto all = values<int64_t>("BIGINT", {{"number-of-rows", "1000"}});
  EXPECT_GT(std::ranges::count_if(all, [](int64_t n) { return n < 0; }), 400);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), 1000u);
  const auto tiny = values<int64_t>("TINYINT", {{"number-of-rows", "5000"}});
  EXPECT_EQ(*std::ranges::min_element(tiny), -128);
  EXPECT_EQ(*std::ranges::max_element(tiny), 127);

  const auto fractions =
      values<double>("DOUBLE", {{"number-of-rows", "10000"}, {"fields.x.min", "2.5"}, {"fields.x.max", "3.5"}});
  double sum = 0;
  for (const double x : fractions) {
    EXPECT_TRUE(x >= 2.5 && x <= 3.5);
    sum += x;
  }
  EXPECT_NEAR(sum / 10'000, 3, 0.02);
  for (const double x : values<double>("FLOAT", {{"number-of-rows", "100"}})) {
    EXPECT_TRUE(std::isfinite(x));
    EXPECT_EQ(static_cast<double>(static_cast<float>(x)), x);
  }
  const auto decimals = values<types::Int128>(
      "DECIMAL(4, 2)", {{"number-of-rows", "5000"}, {"fields.x.min", "1.5"}, {"fields.x.max", "2.25"}});
  EXPECT_EQ(*std::ranges::min_element(decimals), 150);
  EXPECT_EQ(*std::ranges::max_element(decimals), 225);
  const auto wide = values<types::Int128>("DECIMAL(38, 0)", {{"number-of-rows", "1000"}});
  EXPECT_GT(std::ranges::count_if(wide, [](types::Int128 n) { return n > static_cast<types::Int128>(1e37); }), 300);
}

TEST_F(DatagenTest, Texts) {
  options_["number-of-rows"] = "100";
  options_["fields.x.length"] = "37";
  const types::Schema text = schema_of({{"x", "STRING"}});
  std::set<std::string> distinct;
  for (const ChangeBatch& batch : read(text)) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      const std::string value = batch.column(0)->value(row).as_string();
      EXPECT_EQ(value.size(), 37u);
      EXPECT_EQ(value.find_first_not_of("0123456789abcdef"), value.npos);
      distinct.insert(value);
    }
  }
  EXPECT_EQ(distinct.size(), 100u);
  options_["fields.x.var-len"] = "true";
  std::set<size_t> lengths;
  for (const ChangeBatch& batch : read(text)) {
    for (size_t row = 0; row < batch.rows(); ++row) lengths.insert(batch.column(0)->value(row).as_string().size());
  }
  EXPECT_GE(*lengths.begin(), 1u);
  EXPECT_LE(*lengths.rbegin(), 37u);
  EXPECT_GT(lengths.size(), 20u);
  options_.erase("fields.x.var-len");
  options_["fields.x.length"] = "0";
  EXPECT_EQ(read(schema_of({{"x", "BYTES"}}))[0].column(0)->value(0).as_string(), "");
}

TEST_F(DatagenTest, TimesAreRecent) {
  const int64_t now_us = env_.wall_time_us();
  const OptionMap rows{{"number-of-rows", "1000"}};
  for (const int64_t t : values<int64_t>("TIMESTAMP(6)", rows)) EXPECT_EQ(t, now_us);
  for (const int64_t t : values<int64_t>("TIMESTAMP_LTZ(3)", rows)) EXPECT_EQ(t, now_us / 1000 * 1000);
  for (const int64_t t : values<int64_t>("DATE", rows)) EXPECT_EQ(t, now_us / 86'400'000'000);
  for (const int64_t t : values<int64_t>("TIME(0)", rows))
    EXPECT_EQ(t, now_us % 86'400'000'000 / 1'000'000 * 1'000'000);
  const auto past = values<int64_t>("TIMESTAMP(3)", {{"number-of-rows", "1000"}, {"fields.x.max-past", "10 s"}});
  EXPECT_GE(*std::ranges::min_element(past), now_us - 10'001'000);
  EXPECT_LE(*std::ranges::max_element(past), now_us);
  EXPECT_LT(*std::ranges::min_element(past), now_us - 9'000'000);
}

TEST_F(DatagenTest, EveryTypeIsGeneratedWithNulls) {
  options_["number-of-rows"] = "3000";
  for (const char* type :
       {"BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(20, 4)", "STRING", "BYTES",
        "DATE", "TIME(3)", "TIMESTAMP(3)", "TIMESTAMP_LTZ(6)", "INTERVAL DAY TO SECOND", "INTERVAL YEAR TO MONTH"}) {
    options_["fields.x.null-rate"] = "0.25";
    int nulls = 0;
    for (const ChangeBatch& batch : read(schema_of({{"x", type}}))) {
      for (size_t row = 0; row < batch.rows(); ++row) {
        nulls += batch.column(0)->is_null(row) ? 1 : 0;
        if (!batch.column(0)->is_null(row))
          EXPECT_NE(types::to_text(batch.column(0)->value(row), batch.column(0)->type()), "");
      }
    }
    EXPECT_NEAR(nulls, 750, 120) << type;
  }
}

TEST_F(DatagenTest, TheSameSeedGivesTheSameRows) {
  const types::Schema columns = schema_of({{"a", "BIGINT"}, {"b", "BIGINT"}, {"s", "STRING"}});
  options_["number-of-rows"] = "20";
  const std::string by_name = read_bounded(columns);
  EXPECT_EQ(read_bounded(columns), by_name);
  options_["seed"] = "1";
  const std::string one = read_bounded(columns);
  EXPECT_NE(one, by_name);
  options_["seed"] = "2";
  EXPECT_NE(read_bounded(columns), one);
  const auto batch = read(columns)[0];
  EXPECT_NE(batch.column(0)->value(0), batch.column(1)->value(0)) << "columns are independent";
}

TEST_F(DatagenTest, InstancesShareTheRows) {
  options_["rows-per-second"] = "1000000000000000000";
  options_["fields.n.kind"] = "sequence";
  options_["fields.n.start"] = "0";
  options_["fields.n.end"] = "99999";
  const types::Schema columns = schema_of({{"n", "BIGINT"}});
  for (const int parallelism : {1, 2, 3, 16, 40}) {
    const SourcePlan shared = plan(request(columns), parallelism);
    EXPECT_EQ(shared.parallelism, std::min(parallelism, kGeneratedSplits));
    EXPECT_TRUE(shared.bounded);
    std::set<int64_t> seen;
    for (int instance = 0; instance < shared.parallelism; ++instance) {
      CollectedOutput out;
      out.keep_text = false;
      out.keep_batches = true;
      const auto source = make_source(shared, instance);
      while (poll_all(*source, out) != SourceState::kEnded) env_.advance(1000);
      int64_t last = -1;
      for (const ChangeBatch& batch : out.kept) {
        for (const int64_t n : batch.column(0)->values<int64_t>()) {
          EXPECT_GT(n, last) << "in order";
          last = n;
          EXPECT_TRUE(seen.insert(n).second);
        }
      }
    }
    EXPECT_EQ(seen.size(), 100'000u);
  }
}

TEST_F(DatagenTest, ItGoesOnWhereItWasOnAnyNumberOfInstances) {
  options_["rows-per-second"] = "1000000000000000000";
  options_["number-of-rows"] = "50000";
  const types::Schema columns = schema_of({{"a", "BIGINT"}});
  const auto rows_of = [&](const SourcePlan& p, std::multiset<int64_t>& into, int polls) {
    Positions positions;
    for (int instance = 0; instance < p.parallelism; ++instance) {
      CollectedOutput out;
      out.keep_text = false;
      out.keep_batches = true;
      const auto source = make_source(p, instance);
      for (int i = 0; i < polls; ++i) {
        if (*source->poll(out) == SourceState::kEnded) break;
        env_.advance(1000);
      }
      EXPECT_TRUE(source->on_barrier(Epoch(1)));
      for (const ChangeBatch& batch : out.kept) {
        for (const int64_t n : batch.column(0)->values<int64_t>()) into.insert(n);
      }
    }
    return p.progress->take(Epoch(1)).positions;
  };
  std::multiset<int64_t> whole;
  rows_of(plan(request(columns)), whole, 1000);
  ASSERT_EQ(whole.size(), 50'000u);

  std::multiset<int64_t> pieces;
  const Positions after_first = rows_of(plan(request(columns), 3), pieces, 2);
  ASSERT_LT(pieces.size(), 50'000u);
  ASSERT_GT(pieces.size(), 0u);
  ScanRequest rest = request(columns);
  rest.start = after_first;
  const SourcePlan second = plan(std::move(rest), 2);
  Positions at_end = rows_of(second, pieces, 1000);
  EXPECT_EQ(pieces, whole);
  Positions ends = second.progress->ends();
  std::ranges::sort(at_end);
  std::ranges::sort(ends);
  EXPECT_EQ(at_end, ends);
}

TEST_F(DatagenTest, AHeldScanGivesWhatCameBeforeAtOnce) {
  options_["rows-per-second"] = "1";
  ScanRequest held = request(schema_of({{"a", "BIGINT"}}));
  held.hold.emplace().positions = Positions{{log::partition_of("datagen:t", 0), log::Offset(2048)},
                                            {log::partition_of("datagen:t", 1), log::Offset(100)}};
  const SourcePlan p = plan(std::move(held));
  const auto source = make_source(p);
  CollectedOutput out;
  out.keep_text = false;
  EXPECT_EQ(poll_all(*source, out), SourceState::kWaiting);
  EXPECT_EQ(out.rows, 2148u);
  const int before = wakes_;
  p.progress->release();
  EXPECT_GT(wakes_.load(), before);
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 2149u) << "the limit holds from here on";
}

TEST_F(DatagenTest, ASelectOfAnEndlessTableGetsWhatComesInASecond) {
  options_["rows-per-second"] = "5000";
  size_t rows = 0;
  for (const ChangeBatch& batch : read(schema_of({{"x", "INT"}}))) rows += batch.rows();
  EXPECT_EQ(rows, 5000u);
}

TEST_F(DatagenTest, RowsThatHaveAnEndAreNotAllThereBeforeIt) {
  options_["rows-per-second"] = "1";
  CollectedOutput out;
  EXPECT_EQ(poll_all(*make_source(plan(request(schema_of({{"x", "INT"}})))), out), SourceState::kWaiting);
  options_["number-of-rows"] = "2";
  const auto source = make_source(plan(request(schema_of({{"x", "INT"}}))));
  EXPECT_EQ(poll_all(*source, out), SourceState::kPaused);
  env_.advance(1'000'000);
  EXPECT_EQ(poll_all(*source, out), SourceState::kEnded);
}

TEST_F(DatagenTest, RowsComeAtTheirRate) {
  options_["rows-per-second"] = "100";
  const auto source = make_source(plan(request(schema_of({{"x", "INT"}}))));
  CollectedOutput out;
  out.keep_text = false;
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 1u);
  env_.advance(100'000);
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 11u);
  env_.advance(3600'000'000);
  poll_all(*source, out);
  EXPECT_EQ(out.rows, 111u) << "a long silence is not made up for";
}

TEST_F(DatagenTest, TheWatermarkFollows) {
  options_["fields.ts.max-past"] = "0";
  ScanRequest r = request(schema_of({{"ts", "TIMESTAMP(3)"}}));
  r.watermark = expr::Expr::column(0, r.physical[0].type);
  const auto source = make_source(plan(std::move(r)));
  CollectedOutput out;
  poll_all(*source, out);
  EXPECT_EQ(out.last_watermark.time, EventTime(env_.wall_time_us() / 1000 * 1000));
}

TEST_F(DatagenTest, OnlyWantedColumnsAreGenerated) {
  options_["number-of-rows"] = "2";
  options_["fields.n.kind"] = "sequence";
  options_["fields.n.start"] = "5";
  options_["fields.n.end"] = "9";
  ScanRequest r = request(schema_of({{"x", "STRING"}, {"n", "INT"}}));
  r.physical = {r.columns[1]};
  CollectedOutput out;
  poll_all(*make_source(plan(std::move(r))), out);
  EXPECT_EQ(out.text, "+I 5");
}

TEST_F(DatagenTest, OptionsAreChecked) {
  EXPECT_EQ(error_of("INT", {}), "");
  EXPECT_THAT(error_of("INT", {{"rows-per-second", "0"}}), HasSubstr("a whole number from 1"));
  EXPECT_THAT(error_of("INT", {{"fields.y.min", "0"}}), HasSubstr("unknown option 'fields.y.min'"));
  EXPECT_THAT(error_of("INT", {{"fields.x.kind", "chaos"}}), HasSubstr("one of random, sequence"));
  EXPECT_THAT(error_of("INT", {{"fields.x.min", "5"}, {"fields.x.max", "4"}}), HasSubstr("is greater than"));
  EXPECT_THAT(error_of("TINYINT", {{"fields.x.max", "128"}}), HasSubstr("a value of type TINYINT"));
  EXPECT_THAT(error_of("DECIMAL(4, 2)", {{"fields.x.max", "100"}}), HasSubstr("DECIMAL(4, 2)"));
  EXPECT_THAT(error_of("DOUBLE", {{"fields.x.max", "NaN"}}), HasSubstr("not finite"));
  EXPECT_THAT(error_of("STRING", {{"fields.x.min", "a"}}), HasSubstr("unknown option"));
  EXPECT_THAT(error_of("STRING", {{"fields.x.length", "-1"}}), HasSubstr("a whole number from 0"));
  EXPECT_THAT(error_of("INT", {{"fields.x.null-rate", "1.5"}}), HasSubstr("a number from 0 to 1"));
  EXPECT_THAT(error_of("INT NOT NULL", {{"fields.x.null-rate", "0.5"}}), HasSubstr("NOT NULL"));
  EXPECT_THAT(error_of("INT", {{"fields.x.kind", "sequence"}}), HasSubstr("'fields.x.start' is required"));
  EXPECT_THAT(error_of("DATE", {{"fields.x.kind", "sequence"}}), HasSubstr("cannot be a sequence"));
  const OptionMap range{{"fields.x.kind", "sequence"}, {"fields.x.start", "0"}, {"fields.x.end", "200"}};
  EXPECT_THAT(error_of("TINYINT", range), HasSubstr("from -128 to 127"));
  EXPECT_THAT(error_of("DECIMAL(4, 2)", range), HasSubstr("from -99 to 99"));
  EXPECT_EQ(error_of("DECIMAL(5, 2)", range), "");
  EXPECT_EQ(error_of("BIGINT", {{"fields.x.kind", "sequence"},
                                {"fields.x.start", "-9223372036854775808"},
                                {"fields.x.end", "9223372036854775807"}}),
            "");
  EXPECT_THAT(error_of("INTERVAL DAY TO SECOND", {{"fields.x.max", "9223372036854775807"}}), HasSubstr("too large"));
}

TEST(SplitRowsTest, SplitsShareAllRowNumbers) {
  for (const int64_t rows_max : {0LL, 1LL, 2047LL, 2048LL, 2049LL, 16 * 2048LL, 16 * 2048LL + 5, 100'000LL}) {
    int64_t total = 0;
    for (int split = 0; split < kGeneratedSplits; ++split) {
      SplitRows rows(split, rows_max);
      while (rows.run() > 0) {
        EXPECT_LE(rows.next_row() + rows.run(), rows_max);
        rows.move_to(rows.position() + rows.run());
      }
      EXPECT_TRUE(rows.at_end());
      EXPECT_EQ(rows.position(), rows.size());
      total += rows.position();
    }
    EXPECT_EQ(total, rows_max);
  }
  SplitRows far(15, INT64_MAX);
  far.move_to(INT64_MAX - 1);
  EXPECT_EQ(far.run(), 0);
}

}  // namespace
}  // namespace penstock::connector
