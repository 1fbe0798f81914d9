#include "types/window.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace penstock::types {
namespace {

bool holds(TimeSpan span, int64_t time) { return span.start <= time && time < span.end; }

// All windows that hold `time`, from the definitions alone.
std::vector<TimeSpan> naive_windows(const Window& window, int64_t time) {
  std::vector<TimeSpan> found;
  for (int64_t end = time + 1; end <= time + window.size_us; ++end) {
    if (window.kind == Window::Kind::kCumulate) {
      if (floor_modulo(end - window.offset_us, window.step_us) != 0) continue;
      int64_t start = end - 1;
      while (floor_modulo(start - window.offset_us, window.size_us) != 0) --start;
      if (start <= time) found.push_back({start, end});
    } else if (floor_modulo(end - window.size_us - window.offset_us, window.step_us) == 0) {
      found.push_back({end - window.size_us, end});
    }
  }
  return found;
}

std::vector<TimeSpan> windows(const Window& window, int64_t time) {
  std::vector<TimeSpan> found;
  const TimeSpan slice = window.slice_of(time);
  for (int64_t end = window.first_end(slice); end <= window.last_end(slice); end += window.step_us) {
    found.push_back(window.window_of(end));
  }
  return found;
}

void check(const Window& window, int64_t time) {
  const std::vector<TimeSpan> expected = naive_windows(window, time);
  EXPECT_EQ(windows(window, time), expected)
      << "kind " << static_cast<int>(window.kind) << " size " << window.size_us << " step " << window.step_us
      << " offset " << window.offset_us << " time " << time;
  const TimeSpan slice = window.slice_of(time);
  EXPECT_TRUE(holds(slice, time));
  for (int64_t other = slice.start; other < slice.end; ++other) {
    EXPECT_EQ(naive_windows(window, other), expected) << other << " and " << time << " are in one slice";
  }
}

TEST(WindowTest, SlicesAndWindowsAreThoseOfTheDefinition) {
  std::mt19937_64 random(7);
  const auto between = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  for (int i = 0; i < 300; ++i) {
    const int64_t size = between(1, 30);
    const int64_t offset = between(-50, 50);
    const int64_t time = between(-100, 100);
    check(Window::tumble(size, offset), time);
    check(Window::hop(size, between(1, 40), offset), time);  // also further than it is long
    const int64_t step = between(1, 6);
    check(Window::cumulate(step * between(1, 6), step, offset), time);
  }
}

// A row may be late from the moment on at which its first window closes.
TEST(WindowTest, ARowMayBeLateOnceItsFirstWindowHasEnded) {
  std::mt19937_64 random(3);
  const auto millis = [&](uint64_t max) { return static_cast<int64_t>(1 + random() % max) * kMicrosPerMilli; };
  for (int i = 0; i < 2000; ++i) {
    const int64_t step = millis(9);
    const Window window = i % 3 == 0   ? Window::tumble(step, millis(30))
                          : i % 3 == 1 ? Window::hop(millis(30), step, -millis(30))
                                       : Window::cumulate(step * 4, step, millis(30));
    const int64_t time = static_cast<int64_t>(random() % 100'000) - 50'000;
    const TimeSpan slice = window.slice_of(time);
    if (window.first_end(slice) > window.last_end(slice)) continue;
    const int64_t last_moment = window.first_end(slice) - kLastMomentUs;
    EXPECT_TRUE(window.ends().may_be_late(time, last_moment)) << i;
    EXPECT_FALSE(window.ends().may_be_late(time, last_moment - 1)) << i;
  }
  // A session may have ended at the row's own time.
  EXPECT_TRUE(WindowEnds().may_be_late(10'000, 9'000));
  EXPECT_FALSE(WindowEnds().may_be_late(10'000, 8'999));
  EXPECT_FALSE(WindowEnds().may_be_late(kWindowTimeMaxUs + 1, INT64_MAX));
}

// In the weeks when clocks change: rows are late when the windows that their local times are in have closed, and a
// window closes at the first watermark behind which no local time is in it.
TEST(WindowTest, WindowsOfLocalTimeCloseWhenNoClockCanShowThemAgain) {
  std::mt19937_64 random(5);
  for (const char* name : {"Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"}) {
    const TimeZone zone = *TimeZone::load(name);
    for (int i = 0; i < 20'000; ++i) {
      const int64_t size = (1 + static_cast<int64_t>(random() % 96)) * 5 * kMicrosPerMinute;
      Window window = i % 3 == 0 ? Window::hop(size, 5 * kMicrosPerMinute) : Window::tumble(size);
      window.zone = &zone;
      // 29 March and 25 October 2026; 4 April and 3 October 2026.
      constexpr int64_t kChanges[] = {1'774'746'000, 1'792'890'000, 1'775'314'800, 1'790'954'400};
      const int64_t change = kChanges[random() % 4] * kMicrosPerSecond;
      const auto some_time = [&] {
        return change + (static_cast<int64_t>(random() % 1440) - 720) * kMicrosPerMinute +
               static_cast<int64_t>(random() % 3 - 1) * kMicrosPerMilli;
      };
      const int64_t time = some_time();
      const int64_t watermark = some_time();
      const int64_t end = window.first_end(window.slice_of(zone.to_local(time)));
      const bool closed = end - kLastMomentUs <= local_watermark(&zone, watermark);
      ASSERT_EQ(window.ends().may_be_late(time, watermark), closed) << name << " " << i;
      ASSERT_EQ(closing_watermark(&zone, end) <= watermark, closed) << name << " " << i;
      if (time >= watermark + kLastMomentUs) ASSERT_FALSE(closed) << name << " " << i;
      for (int later = 0; closed && later < 20; ++later) {
        const int64_t next = watermark + kLastMomentUs + static_cast<int64_t>(random() % (180 * kMicrosPerMinute));
        ASSERT_GE(zone.to_local(next), end) << name << " " << i;
      }
      // A batch whose first row is in time has no late ones.
      if (closed) ASSERT_TRUE(window.ends().may_make_late(time - static_cast<int64_t>(random() % size), watermark));
    }
  }
}

TEST(WindowTest, AStepHasTwoSlicesWhereItDoesNotDivideTheSize) {
  const Window window = Window::hop(10, 3);
  EXPECT_EQ(window.slice_of(0), (TimeSpan{0, 1}));
  EXPECT_EQ(window.slice_of(1), (TimeSpan{1, 3}));
  EXPECT_EQ(window.slice_of(2), (TimeSpan{1, 3}));
  EXPECT_EQ(Window::hop(10, 5).slice_of(7), (TimeSpan{5, 10}));
}

TEST(WindowTest, TheEndsOfTheRangeDoNotOverflow) {
  for (const int64_t time : {-kWindowTimeMaxUs, kWindowTimeMaxUs}) {
    for (const Window& window :
         {Window::tumble(kWindowTimeMaxUs, 1), Window::hop(kWindowTimeMaxUs, 999'999'937, -kWindowTimeMaxUs),
          Window::cumulate(kWindowTimeMaxUs, kWindowTimeMaxUs / 4, kWindowTimeMaxUs)}) {
      const TimeSpan slice = window.slice_of(time);
      EXPECT_TRUE(holds(slice, time));
      EXPECT_TRUE(holds(window.window_of(window.first_end(slice)), time));
      EXPECT_TRUE(holds(window.window_of(window.last_end(slice)), time));
    }
  }
}

}  // namespace
}  // namespace penstock::types
