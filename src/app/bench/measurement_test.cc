#include "app/bench/measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace penstock::app {
namespace {

TEST(Measurement, PercentilesAreValuesThatWereMeasured) {
  std::vector<int64_t> latencies_us(1000);
  std::iota(latencies_us.begin(), latencies_us.end(), 1);
  std::ranges::shuffle(latencies_us, std::mt19937(1));
  const LatencySummary summary = summarize(latencies_us);
  EXPECT_EQ(summary.p50_ms, 0.5);
  EXPECT_EQ(summary.p99_ms, 0.99);
  EXPECT_EQ(summary.p999_ms, 0.999);
  EXPECT_EQ(summary.max_ms, 1.0);
}

TEST(Measurement, OneLatencyIsAllPercentiles) {
  std::vector<int64_t> latencies_us{2500};
  const LatencySummary summary = summarize(latencies_us);
  EXPECT_EQ(summary.p50_ms, 2.5);
  EXPECT_EQ(summary.p999_ms, 2.5);
  EXPECT_EQ(summary.max_ms, 2.5);
}

TEST(Measurement, ALineHasAllFieldsInOrder) {
  const Measurement measurement{.case_name = "ingest",
                                .events = 2'000'000,
                                .seconds = 4,
                                .cpu_seconds = 1,
                                .peak_rss_mb = 50.25,
                                .extra = {{"consume_events_per_s", 1.5}}};
  EXPECT_EQ(to_json(measurement),
            R"({"bench":"penstock","case":"ingest","events":2000000,"seconds":4.0000,"events_per_s":500000,)"
            R"("cpu_s_per_million":0.5000,"peak_rss_mb":50.2,"p50_ms":null,"p99_ms":null,"p999_ms":null,)"
            R"("max_ms":null,"result_ok":true,"consume_events_per_s":1.5000})");
}

TEST(Measurement, WhatHasNoMeaningIsNull) {
  const Measurement measurement{.case_name = "start", .problems = {"something"}};
  EXPECT_EQ(to_json(measurement),
            R"({"bench":"penstock","case":"start","events":null,"seconds":null,"events_per_s":null,)"
            R"("cpu_s_per_million":null,"peak_rss_mb":null,"p50_ms":null,"p99_ms":null,"p999_ms":null,)"
            R"("max_ms":null,"result_ok":false})");
}

}  // namespace
}  // namespace penstock::app
