#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, PrintsPrometheusText) {
  MetricsRegistry registry;
  registry.counter("penstock_log_appends_total", "Appended batches.", {{"topic", "b"}}).add(3);
  registry.counter("penstock_log_appends_total", "Another help.", {{"topic", "a"}}).add();
  registry.gauge("penstock_net_connections", "Open connections.").set(-2);
  registry.callback("penstock_memory_ratio", "Share in use.", {}, [] { return 0.25; });
  registry.callback("penstock_cpu_seconds_total", "Time used.", {}, [] { return 1.5; });
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP penstock_cpu_seconds_total Time used.\n"
            "# TYPE penstock_cpu_seconds_total counter\n"
            "penstock_cpu_seconds_total 1.5\n"
            "# HELP penstock_log_appends_total Appended batches.\n"
            "# TYPE penstock_log_appends_total counter\n"
            "penstock_log_appends_total{topic=\"a\"} 1\n"
            "penstock_log_appends_total{topic=\"b\"} 3\n"
            "# HELP penstock_memory_ratio Share in use.\n"
            "# TYPE penstock_memory_ratio gauge\n"
            "penstock_memory_ratio 0.25\n"
            "# HELP penstock_net_connections Open connections.\n"
            "# TYPE penstock_net_connections gauge\n"
            "penstock_net_connections -2\n");
}

TEST(Metrics, EscapesHelpAndLabels) {
  MetricsRegistry registry;
  registry.gauge("g", "two\nlines \"quoted\" back\\slash", {{"view", "a\"b\\c\nd"}}).set(1);
  EXPECT_EQ(registry.prometheus_text(),
            "# HELP g two\\nlines \"quoted\" back\\\\slash\n"
            "# TYPE g gauge\n"
            "g{view=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST(Metrics, PrintsNumbersThatAreNone) {
  MetricsRegistry registry;
  registry.callback("a", "", {}, [] { return NAN; });
  registry.callback("b", "", {}, [] { return -INFINITY; });
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("\na NaN\n"));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("\nb -Inf\n"));
}

TEST(Metrics, SameNameAndLabelsAreOneMetric) {
  MetricsRegistry registry;
  Counter& a = registry.counter("c", "", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&a, &registry.counter("c", "", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&a, &registry.counter("c", "", {{"x", "2"}, {"y", "1"}}));
  EXPECT_NE(&a, &registry.counter("c", ""));
}

TEST(Metrics, RemoveForgetsWhatCarriesAllLabels) {
  MetricsRegistry registry;
  Counter& kept = registry.counter("c", "", {{"topic", "b"}, {"partition", "0"}});
  registry.counter("c", "", {{"topic", "a"}, {"partition", "0"}});
  registry.gauge("only_a", "", {{"topic", "a"}});
  registry.gauge("a_by_another_name", "", {{"view", "a"}});
  registry.remove({{"topic", "a"}});
  kept.add();
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("c{partition=\"0\",topic=\"b\"} 1"));
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("a_by_another_name"));
  EXPECT_THAT(registry.prometheus_text(), Not(HasSubstr("topic=\"a\"")));
  EXPECT_THAT(registry.prometheus_text(), Not(HasSubstr("only_a")));
  registry.remove({{"topic", "b"}, {"partition", "1"}});
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("topic=\"b\""));
}

TEST(Metrics, RelabelKeepsTheMetric) {
  MetricsRegistry registry;
  Counter& moved = registry.counter("c", "", {{"job", "a"}, {"kind", "view"}, {"place", "1"}});
  registry.counter("c", "", {{"job", "a"}, {"kind", "alert"}, {"place", "1"}}).add(5);
  registry.callback("d", "", {{"kind", "view"}, {"job", "a"}}, [] { return 7; });
  registry.relabel({{"kind", "view"}, {"job", "a"}}, {{"kind", "view"}, {"job", "b"}});
  moved.add(3);
  const std::string text = registry.prometheus_text();
  EXPECT_THAT(text, HasSubstr("c{job=\"b\",kind=\"view\",place=\"1\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("c{job=\"a\",kind=\"alert\",place=\"1\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("d{job=\"b\",kind=\"view\"} 7\n"));
  EXPECT_EQ(&moved, &registry.counter("c", "", {{"job", "b"}, {"kind", "view"}, {"place", "1"}}));
  registry.remove({{"job", "b"}});
  EXPECT_THAT(registry.prometheus_text(), Not(HasSubstr("job=\"b\"")));
}

TEST(Metrics, RelabelLeavesWhatWouldBeAnother) {
  MetricsRegistry registry;
  registry.counter("c", "", {{"job", "a"}}).add(1);
  registry.counter("c", "", {{"job", "b"}}).add(2);
  registry.relabel({{"job", "a"}}, {{"job", "b"}});
  EXPECT_THAT(registry.prometheus_text(), HasSubstr("c{job=\"a\"} 1\nc{job=\"b\"} 2\n"));
}

TEST(MetricsDeathTest, RefusesMisuse) {
  MetricsRegistry registry;
  registry.counter("c", "");
  EXPECT_DEATH(registry.gauge("c", ""), "two kinds");
  EXPECT_DEATH(registry.gauge("with space", ""), "no Prometheus name");
  EXPECT_DEATH(registry.gauge("g", "", {{"9", ""}}), "no Prometheus name");
  EXPECT_DEATH(registry.remove({}), "no label");
}

TEST(Metrics, ThreadsCountEverything) {
  MetricsRegistry registry;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&registry, t] {
        for (int i = 0; i < 1000; ++i) {
          registry.counter("c_total", "").add();
          registry.histogram("h", "").record(static_cast<uint64_t>(i));
          registry.gauge("g", "", {{"t", std::to_string(t)}}).add(1);
          if (i % 100 == 0) registry.prometheus_text();
        }
      });
    }
  }
  EXPECT_EQ(registry.counter("c_total", "").value(), 4000U);
  EXPECT_EQ(registry.histogram("h", "").count(), 4000U);
  EXPECT_EQ(registry.gauge("g", "", {{"t", "3"}}).value(), 1000);
}

TEST(Histogram, PrintsBucketsSumAndCount) {
  MetricsRegistry registry;
  Histogram& h = registry.histogram("latency_seconds", "Latency.", {{"api", "fetch"}}, 1e-6);
  for (const uint64_t us : {0, 1, 2, 3, 1'000'000}) h.record(us);
  h.record(uint64_t{1} << 50);
  const std::string text = registry.prometheus_text();
  EXPECT_THAT(text, HasSubstr("# TYPE latency_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"1e-06\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"2e-06\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"4e-06\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"0.524288\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"1.048576\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_bucket{api=\"fetch\",le=\"+Inf\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_count{api=\"fetch\"} 6\n"));
  EXPECT_THAT(text, HasSubstr("latency_seconds_sum{api=\"fetch\"} "));
}

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.quantile(0.99), 0U);
}

TEST(Histogram, SmallValuesAreExact) {
  for (uint64_t v = 1; v <= 16; ++v) {
    Histogram h;
    h.record(v);
    EXPECT_EQ(h.quantile(0), v);
    EXPECT_EQ(h.quantile(1), v);
  }
}

TEST(Histogram, ErrorIsAtMostASixteenth) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> values;
  for (int power = 0; power < 40; ++power) {
    for (const int64_t near : {-1, 0, 1}) {
      values.push_back(static_cast<uint64_t>(std::max<int64_t>((int64_t{1} << power) + near, 1)));
    }
    for (int i = 0; i < 50; ++i) values.push_back((random() >> (63 - power)) + 1);
  }
  for (const uint64_t v : values) {
    Histogram h;
    h.record(v);
    const uint64_t bound = h.quantile(0.5);
    EXPECT_GE(bound, v);
    EXPECT_LE(bound - v, v / 16) << v;
  }
}

TEST(Histogram, QuantilesFollowASortedVector) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(6, 2);
  Histogram h;
  std::vector<uint64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<uint64_t>(latency(random)) + 1);
    h.record(values.back());
  }
  std::ranges::sort(values);
  for (const double q : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const uint64_t exact = values[static_cast<size_t>(std::ceil(q * 10'000)) - 1];
    EXPECT_GE(h.quantile(q), exact) << q;
    EXPECT_LE(h.quantile(q), exact + exact / 16) << q;
  }
}

TEST(Histogram, PowersOfTwoCountWhatIsAtMostThatMuch) {
  std::mt19937_64 random(3);
  Histogram h;
  std::vector<uint64_t> values;
  for (int i = 0; i < 2000; ++i) values.push_back(random() >> (24 + random() % 40));
  for (int power = 0; power <= 40; ++power) values.push_back(uint64_t{1} << power);
  for (const uint64_t v : values) h.record(v);
  const auto counts = h.cumulative_by_power_of_two();
  for (size_t power = 0; power < counts.size(); ++power) {
    const auto expected = std::ranges::count_if(values, [&](uint64_t v) { return v <= uint64_t{1} << power; });
    EXPECT_EQ(counts[power], static_cast<uint64_t>(expected)) << power;
  }
}

}  // namespace
}  // namespace penstock
