// How times fall into windows: the arithmetic of TUMBLE, HOP and CUMULATE, and the description of all kinds.
//
// Windows over a TIMESTAMP_LTZ are windows of the local time in a zone: a day there has 23 hours where clocks go
// forward, and an hour that clocks show twice is one window. Their rows and watermarks are moments; all that is said
// below of windows is in local times.
#pragma once

#include <algorithm>
#include <cstdint>

#include "types/calendar.h"
#include "types/time_zone.h"
#include "types/type.h"

namespace penstock::types {

// A window, or a part of one: [start, end), in microseconds.
struct TimeSpan {
  int64_t start = 0;
  int64_t end = 0;
  bool operator==(const TimeSpan&) const = default;
};

// SQL times count milliseconds in Flink: the last moment of a window is a millisecond before its end.
inline constexpr int64_t kLastMomentUs = kMicrosPerMilli;

// Times further from 1970 than this (more than 36,000 years) are in no window, and no window is longer, so that the
// sums below cannot overflow.
inline constexpr int64_t kWindowTimeMaxUs = int64_t{1} << 60;
constexpr bool in_window_range(int64_t time_us) { return time_us >= -kWindowTimeMaxUs && time_us <= kWindowTimeMaxUs; }

// How far a watermark has come in local times: rows behind it have later ones. A null zone is that of times which are
// local already.
inline int64_t local_watermark(const TimeZone* zone, int64_t watermark_us) {
  if (zone == nullptr || zone->is_utc() || !in_window_range(watermark_us)) return watermark_us;
  return zone->least_local_from(watermark_us + kLastMomentUs) - kLastMomentUs;
}
// The watermark that closes a window with that end: its window_time.
inline int64_t closing_watermark(const TimeZone* zone, int64_t end_us) {
  return (zone == nullptr ? end_us : zone->past_local(end_us)) - kLastMomentUs;
}

// The type of window_start and window_end of windows over such a time; window_time has that of the time.
constexpr DataType window_bound_type(DataType time) {
  return DataType::timestamp(time.precision()).with_nullable(time.nullable());
}
// And back.
constexpr DataType window_time_type(DataType bound, const TimeZone* zone) {
  return zone == nullptr ? bound : DataType::timestamp_ltz(bound.precision()).with_nullable(bound.nullable());
}

// The moments at which windows end: offset, offset + step, ... and before. A step of 0 stands for every moment.
struct WindowEnds {
  int64_t step_us = 0;
  int64_t offset_us = 0;
  const TimeZone* zone = nullptr;  // as in Window

  // Whether a row at `time_us` can be late under a watermark: whether the last moment of a window that it is in, or of
  // a session that it might have joined, has passed.
  bool may_be_late(int64_t time_us, int64_t watermark_us) const {
    if (!in_window_range(time_us)) return false;  // it is in no window anyhow
    if (zone == nullptr || zone->is_utc()) return has_ended(time_us, watermark_us);
    if (step_us == 0 && time_us - kLastMomentUs <= watermark_us) return true;
    // What comes behind the watermark is in windows that are open.
    if (step_us != 0 && time_us - kLastMomentUs >= watermark_us) return false;
    return has_ended(zone->to_local(time_us), local_watermark(zone, watermark_us));
  }
  // Whether one of some rows can be, the first of which is at `least_us`.
  bool may_make_late(int64_t least_us, int64_t watermark_us) const {
    const int64_t least = std::max(least_us, -kWindowTimeMaxUs);
    // Later moments may have earlier local times.
    if (zone != nullptr && !zone->is_utc() && least - kLastMomentUs <= watermark_us) return true;
    return may_be_late(least, watermark_us);
  }
  bool operator==(const WindowEnds&) const = default;

 private:
  bool has_ended(int64_t time_us, int64_t watermark_us) const {
    const int64_t end = step_us == 0 ? time_us : time_us - floor_modulo(time_us - offset_us, step_us) + step_us;
    return end - kLastMomentUs <= watermark_us;
  }
};

struct Window {
  enum class Kind : uint8_t { kTumble, kHop, kCumulate, kSession };

  Kind kind = Kind::kTumble;
  int64_t size_us = 0;    // of a window; kCumulate: of the largest one; kSession: the gap
  int64_t step_us = 0;    // between the ends of windows; kTumble: the size; kSession: unused
  int64_t offset_us = 0;  // 0 <= offset: where windows begin; kSession: unused
  // Of windows over a TIMESTAMP_LTZ: in whose local time they are; null: over a TIMESTAMP. It lives as long as the
  // process.
  const TimeZone* zone = nullptr;

  static Window tumble(int64_t size_us, int64_t offset_us = 0) {
    return {Kind::kTumble, size_us, size_us, floor_modulo(offset_us, size_us), nullptr};
  }
  static Window hop(int64_t size_us, int64_t slide_us, int64_t offset_us = 0) {
    return {Kind::kHop, size_us, slide_us, floor_modulo(offset_us, slide_us), nullptr};
  }
  // `size_us` is a multiple of `step_us`.
  static Window cumulate(int64_t size_us, int64_t step_us, int64_t offset_us = 0) {
    return {Kind::kCumulate, size_us, step_us, floor_modulo(offset_us, size_us), nullptr};
  }
  static Window session(int64_t gap_us) { return {Kind::kSession, gap_us, 0, 0, nullptr}; }

  bool operator==(const Window&) const = default;

  // --- of every kind but kSession ---

  // A slice is a stretch of time whose moments are all in the same windows. Windows that overlap begin and end at two
  // places of each step, so a step has at most two slices, one where it divides the size.
  TimeSpan slice_of(int64_t time_us) const {
    const int64_t step_start = time_us - floor_modulo(time_us - offset_us, step_us);
    const int64_t cut = kind == Kind::kHop ? step_start + size_us % step_us : step_start;
    if (cut == step_start) return {step_start, step_start + step_us};
    return time_us < cut ? TimeSpan{step_start, cut} : TimeSpan{cut, step_start + step_us};
  }

  // The ends of the windows that a slice is in: first_end, first_end + step_us, ..., last_end. None when last_end is
  // less: windows that hop further than they are long leave gaps.
  int64_t first_end(TimeSpan slice) const {
    if (kind != Kind::kHop) return slice.end;
    return slice.end + floor_modulo(offset_us + size_us - slice.end, step_us);
  }
  int64_t last_end(TimeSpan slice) const {
    if (kind == Kind::kCumulate) return period_start(slice.start) + size_us;
    const int64_t limit = slice.start + size_us;
    return limit - floor_modulo(limit - offset_us - size_us, step_us);
  }
  WindowEnds ends() const {
    return {step_us, kind == Kind::kHop ? floor_modulo(offset_us + size_us, step_us) : offset_us, zone};
  }
  // The window that ends at `end`.
  TimeSpan window_of(int64_t end) const {
    return {kind == Kind::kCumulate ? period_start(end - 1) : end - size_us, end};
  }

 private:
  // Cumulating windows begin together, once in their largest size.
  int64_t period_start(int64_t time_us) const { return time_us - floor_modulo(time_us - offset_us, size_us); }
};

}  // namespace penstock::types
