// How times fall into windows: the arithmetic of TUMBLE, HOP and CUMULATE, and the description of all kinds.
#pragma once

#include <cstdint>

#include "types/calendar.h"

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

// The moments at which windows end: offset, offset + step, ... and before. A step of 0 stands for every moment.
struct WindowEnds {
  int64_t step_us = 0;
  int64_t offset_us = 0;

  // Whether a row at `time_us` can be late under a watermark: whether the last moment of a window that it is in, or of
  // a session that it might have joined, has passed.
  bool may_be_late(int64_t time_us, int64_t watermark_us) const {
    if (!in_window_range(time_us)) return false;  // it is in no window anyhow
    const int64_t end = step_us == 0 ? time_us : time_us - floor_modulo(time_us - offset_us, step_us) + step_us;
    return end - kLastMomentUs <= watermark_us;
  }
  bool operator==(const WindowEnds&) const = default;
};

struct Window {
  enum class Kind : uint8_t { kTumble, kHop, kCumulate, kSession };

  Kind kind = Kind::kTumble;
  int64_t size_us = 0;    // of a window; kCumulate: of the largest one; kSession: the gap
  int64_t step_us = 0;    // between the ends of windows; kTumble: the size; kSession: unused
  int64_t offset_us = 0;  // 0 <= offset: where windows begin; kSession: unused

  static Window tumble(int64_t size_us, int64_t offset_us = 0) {
    return {Kind::kTumble, size_us, size_us, floor_modulo(offset_us, size_us)};
  }
  static Window hop(int64_t size_us, int64_t slide_us, int64_t offset_us = 0) {
    return {Kind::kHop, size_us, slide_us, floor_modulo(offset_us, slide_us)};
  }
  // `size_us` is a multiple of `step_us`.
  static Window cumulate(int64_t size_us, int64_t step_us, int64_t offset_us = 0) {
    return {Kind::kCumulate, size_us, step_us, floor_modulo(offset_us, size_us)};
  }
  static Window session(int64_t gap_us) { return {Kind::kSession, gap_us, 0, 0}; }

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
    return {step_us, kind == Kind::kHop ? floor_modulo(offset_us + size_us, step_us) : offset_us};
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
