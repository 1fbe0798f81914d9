// The time of a record as SQL has it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "types/type.h"

namespace penstock::connector {

// In microseconds. Producers may send any number of milliseconds: what does not fit becomes the nearest that does.
inline int64_t record_time_us(int64_t timestamp_ms) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 1000;
  return std::clamp(timestamp_ms, -kLimit, kLimit) * 1000;
}

// A time in milliseconds as the value of a metadata column: of a TIMESTAMP, or as it is, of a BIGINT.
inline int64_t record_time_as(types::DataType type, int64_t timestamp_ms) {
  return type.is_timestamp() ? record_time_us(timestamp_ms) : timestamp_ms;
}

}  // namespace penstock::connector
