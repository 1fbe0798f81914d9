// Tumbling windows: [start, start + size), aligned to an offset.
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "exec/operator.h"

namespace penstock::exec {

struct TumblingWindow {
  int time_column = 0;
  int64_t size_us = 0;
  int64_t offset_us = 0;

  int64_t start_of(int64_t time_us) const {
    const int64_t since = time_us - offset_us;
    int64_t into = since % size_us;
    if (into < 0) into += size_us;  // before 1970 too, windows begin at or before their events
    return time_us - into;
  }
};

// SQL times count milliseconds in Flink: the last moment of a window is a millisecond before its end.
inline constexpr int64_t kLastMomentUs = 1000;

// TUMBLE as a table function: every column of the input, then window_start, window_end, window_time. Rows whose time is
// NULL are in no window and left out.
std::unique_ptr<Operator> make_assign_window(TumblingWindow window);

}  // namespace penstock::exec
