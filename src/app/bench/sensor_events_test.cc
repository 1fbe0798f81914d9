#include "app/bench/sensor_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

namespace penstock::app {
namespace {

TEST(SensorEvents, TextOfAnEvent) {
  SensorEventGenerator generator(10);
  const SensorEvent event{
      .sensor = 7, .time_ms = 3'723'045, .temperature_hundredths = -105, .humidity_hundredths = 4200};
  EXPECT_EQ(generator.to_json(event),
            R"({"sensor_id":"sensor-00007","temperature":-1.05,"humidity":42,"ts":"2026-01-02T01:02:03.045"})");
}

TEST(SensorEvents, ATenthIsOutOfOrderByLessThanTheWatermarkDelay) {
  SensorEventGenerator generator(10'000);
  constexpr int64_t kEvents = 1'000'000;
  int64_t latest_ms = 0;
  int64_t late = 0;
  for (int64_t i = 0; i < kEvents; ++i) {
    const SensorEvent event = generator.next();
    ASSERT_GE(event.sensor, 0);
    ASSERT_LT(event.sensor, 10'000);
    if (event.time_ms < latest_ms) ++late;
    ASSERT_LE(latest_ms - event.time_ms, 2000);
    latest_ms = std::max(latest_ms, event.time_ms);
  }
  EXPECT_GT(late, kEvents * 9 / 100);
  EXPECT_LT(late, kEvents * 11 / 100);
  EXPECT_EQ(latest_ms, kEvents / 100 - 1);
}

TEST(SensorEvents, WindowsAddUpAllEvents) {
  SensorEventGenerator generator(50);
  SensorWindows windows(50);
  std::map<std::pair<int64_t, int32_t>, int64_t> counts;
  for (int64_t i = 0; i < 2'500'000; ++i) {
    const SensorEvent event = generator.next();
    windows.add(event);
    ++counts[{event.time_ms / kSensorWindowMs, event.sensor}];
  }
  EXPECT_EQ(windows.windows(), 3);
  EXPECT_EQ(windows.rows(), static_cast<int64_t>(counts.size()));
  for (const auto& [key, count] : counts) {
    EXPECT_EQ(windows.totals(key.first)[static_cast<size_t>(key.second)].count, count);
  }
}

}  // namespace
}  // namespace penstock::app
