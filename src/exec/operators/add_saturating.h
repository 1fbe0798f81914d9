// Sums of times and distances.
#pragma once

#include <cstdint>
#include <limits>

namespace penstock::exec {

// The sum, or the end of the range that it is beyond.
inline int64_t add_saturating(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

}  // namespace penstock::exec
