#include "base/time.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Time, FormatsIso8601) {
  EXPECT_EQ(format_iso8601_ms(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_iso8601_ms(1'767'323'045'678'999), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(format_iso8601_ms(951'782'399'999'999), "2000-02-28T23:59:59.999Z");
  EXPECT_EQ(format_iso8601_ms(951'782'400'000'000), "2000-02-29T00:00:00.000Z");
  // Before 1970 it still rounds down.
  EXPECT_EQ(format_iso8601_ms(-1), "1969-12-31T23:59:59.999Z");
}

TEST(Time, TheMonotonicClockNeverGoesBack) {
  int64_t last = monotonic_time_us();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = monotonic_time_us();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Time, TheWallClockIsInMicroseconds) {
  EXPECT_GT(wall_time_us(), int64_t{1'600'000'000} * 1'000'000);
  EXPECT_LT(wall_time_us(), int64_t{16'000'000'000} * 1'000'000);
}

TEST(Time, EventTimeHasTwoEnds) {
  EXPECT_LT(kMinEventTime, EventTime(0));
  EXPECT_LT(EventTime(0), kMaxEventTime);
}

}  // namespace
}  // namespace penstock
