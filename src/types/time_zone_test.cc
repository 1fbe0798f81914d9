#include "types/time_zone.h"

#include <gtest/gtest.h>

#include <random>

#include "types/calendar.h"
#include "types/value.h"

namespace penstock::types {
namespace {

int64_t at(const char* text) { return timestamp_from_text(text, false).value(); }

TEST(TimeZoneTest, ClocksThatChange) {
  TimeZone berlin = TimeZone::load("Europe/Berlin").value();
  EXPECT_EQ(berlin.to_local(at("2026-03-29 00:59:59")), at("2026-03-29 01:59:59"));
  EXPECT_EQ(berlin.to_local(at("2026-03-29 01:00:00")), at("2026-03-29 03:00:00"));
  EXPECT_EQ(berlin.from_local(at("2026-03-29 02:30:00")), at("2026-03-29 01:30:00"));  // skipped
  EXPECT_EQ(berlin.from_local(at("2026-10-25 02:30:00")), at("2026-10-25 00:30:00"));  // twice: the first
  TimeZone fixed = TimeZone::load("-05:30").value();
  EXPECT_EQ(fixed.to_local(at("2026-01-01 00:00:00")), at("2025-12-31 18:30:00"));
  EXPECT_TRUE(TimeZone::load("UTC")->is_utc());
  EXPECT_FALSE(TimeZone::load("").has_value());
  EXPECT_FALSE(TimeZone::load("+99").has_value());
  EXPECT_FALSE(TimeZone::load("../../etc/passwd").has_value());
}

TEST(TimeZoneTest, WhatOfLocalTimesHasPassed) {
  TimeZone berlin = TimeZone::load("Europe/Berlin").value();
  // Clocks are put back at 01:00 in UTC.
  EXPECT_EQ(berlin.least_local_from(at("2026-10-24 23:59:59")), at("2026-10-25 01:59:59"));
  EXPECT_EQ(berlin.least_local_from(at("2026-10-25 00:00:00")), at("2026-10-25 02:00:00"));
  EXPECT_EQ(berlin.least_local_from(at("2026-10-25 00:59:59.999999")), at("2026-10-25 02:00:00"));
  EXPECT_EQ(berlin.least_local_from(at("2026-10-25 01:00:00")), at("2026-10-25 02:00:00"));
  EXPECT_EQ(berlin.least_local_from(at("2026-10-25 01:30:00.5")), at("2026-10-25 02:30:00.5"));
  EXPECT_EQ(berlin.past_local(at("2026-10-25 02:00:00")), at("2026-10-25 00:00:00"));
  EXPECT_EQ(berlin.past_local(at("2026-10-25 02:00:00.000001")), at("2026-10-25 01:00:00.000001"));
  EXPECT_EQ(berlin.past_local(at("2026-10-25 02:30:00")), at("2026-10-25 01:30:00"));
  EXPECT_EQ(berlin.past_local(at("2026-10-25 03:00:00")), at("2026-10-25 02:00:00"));
  // And forward at 01:00, too.
  EXPECT_EQ(berlin.past_local(at("2026-03-29 02:00:00")), at("2026-03-29 01:00:00"));
  EXPECT_EQ(berlin.past_local(at("2026-03-29 02:30:00")), at("2026-03-29 01:00:00"));
  EXPECT_EQ(berlin.past_local(at("2026-03-29 03:00:00")), at("2026-03-29 01:00:00"));
  EXPECT_EQ(berlin.past_local(at("2026-03-29 03:30:00")), at("2026-03-29 01:30:00"));
}

// Against clocks that are looked at every quarter of an hour of some years, among them of zones that have done more
// than put their clocks an hour back and forth.
TEST(TimeZoneTest, WhatHasPassedIsThatOfAllLaterMoments) {
  constexpr int64_t kStep = 15 * kMicrosPerMinute;
  for (const char* name : {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                           "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia", "+02:00", "UTC"}) {
    TimeZone zone = TimeZone::load(name).value();
    LocalClock clock(zone);
    for (const char* year :
         {"2011-12-01 00:00:00", "2018-10-01 00:00:00", "2026-01-01 00:00:00", "2500-03-01 00:00:00"}) {
      const int64_t begin = at(year);
      int64_t least = INT64_MAX;
      for (int64_t time = begin + 400 * kMicrosPerDay; time >= begin; time -= kStep) {
        const int64_t local = zone.to_local(time);
        ASSERT_EQ(clock.to_local(time), local) << name << " " << time;
        least = std::min(least, local);
        ASSERT_EQ(zone.least_local_from(time), least) << name << " " << time;
        // Each moment is the first that shows what it does, or clocks are yet to be put back.
        ASSERT_LE(zone.past_local(least), time) << name << " " << time;
        ASSERT_GT(zone.past_local(local + 1), time) << name << " " << time;
        ASSERT_GE(zone.least_local_from(zone.past_local(local)), local) << name << " " << time;
        ASSERT_LT(zone.least_local_from(zone.past_local(local) - 1), local) << name << " " << time;
      }
    }
  }
}

TEST(TimeZoneTest, ALocalClockShowsWhatItsZoneDoes) {
  std::mt19937_64 random(7);
  for (const char* name : {"Europe/Berlin", "Australia/Lord_Howe", "UTC"}) {
    TimeZone zone = TimeZone::load(name).value();
    LocalClock clock(zone);
    for (int i = 0; i < 20'000; ++i) {
      const int64_t time = static_cast<int64_t>(random()) >> (1 + i % 20);
      ASSERT_EQ(clock.to_local(time), zone.to_local(time)) << name << " " << time;
    }
  }
}

}  // namespace
}  // namespace penstock::types
