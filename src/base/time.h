// Points in time. All are microseconds; wall time counts from 1970-01-01T00:00:00Z.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/strong_id.h"

namespace penstock {

// A SQL event time or watermark, microseconds since the epoch.
using EventTime = StrongId<struct EventTimeTag, int64_t>;
// No watermark yet; and the watermark after the end of a bounded input.
inline constexpr EventTime kMinEventTime{std::numeric_limits<int64_t>::min()};
inline constexpr EventTime kMaxEventTime{std::numeric_limits<int64_t>::max()};

// The wall clock, and a clock that never goes back; both in microseconds. Code that has an Env asks that one instead.
int64_t wall_time_us();
int64_t monotonic_time_us();

// "2026-01-02T03:04:05.678Z" (UTC, milliseconds).
std::string format_iso8601_ms(int64_t wall_us);

}  // namespace penstock
