// What a rank within a partition counts.
#pragma once

#include <cstdint>

namespace penstock::types {

enum class RankFunction : uint8_t { kRowNumber, kRank, kDenseRank };

}  // namespace penstock::types
