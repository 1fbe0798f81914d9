// The time of a record as SQL has it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace penstock::connector {

// In microseconds. Producers may send any number of milliseconds: what does not fit becomes the nearest that does.
inline int64_t record_time_us(int64_t timestamp_ms) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 1000;
  return std::clamp(timestamp_ms, -kLimit, kLimit) * 1000;
}

}  // namespace penstock::connector
