#include "app/bench/server_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/metrics.h"

namespace penstock::app {
namespace {

ServerMetrics parsed(const MetricsRegistry& registry) {
  auto metrics = ServerMetrics::parse(registry.prometheus_text());
  EXPECT_TRUE(metrics) << metrics.error().to_string();
  return *std::move(metrics);
}

TEST(ServerMetrics, GivesWhatWasCountedInBetween) {
  MetricsRegistry registry;
  Counter& commits = registry.counter("commits_total", "Commits");
  Counter& fetches = registry.counter("requests_total", "Requests", {{"api", "two words"}});
  Histogram& sync = registry.histogram("sync_seconds", "Syncs", {}, 1e-6);
  commits.add(5);
  const ServerMetrics before = parsed(registry);
  commits.add(2);
  fetches.add(3);
  sync.record(1'500'000);
  const ServerMetrics after = parsed(registry);
  EXPECT_EQ(after.since(before, "commits_total"), 2);
  EXPECT_EQ(after.since(before, R"(requests_total{api="two words"})"), 3);
  EXPECT_EQ(after.since(before, "sync_seconds_sum"), 1.5);
  EXPECT_EQ(after.since(before, "sync_seconds_count"), 1);
  EXPECT_EQ(after.since(before, "nothing_of_this_name"), 0);
}

TEST(ServerMetrics, RefusesWhatIsNoMetrics) {
  EXPECT_FALSE(ServerMetrics::parse("<html>"));
  EXPECT_FALSE(ServerMetrics::parse("name notanumber\n"));
}

}  // namespace
}  // namespace penstock::app
