// How large expressions may be. They are walked recursively, as trees, and what queries over queries, created functions
// and operands that are needed several times add up to could be larger than anything that the parser takes.
#pragma once

#include <cstdint>

namespace penstock::plan {

inline constexpr uint32_t kExpressionLevelsMax = 1'000;
// What is written in one statement has about as many parts at most, unless it needs operands several times, as
// `x BETWEEN a AND b` does: nested in each other, these double at each level.
inline constexpr uint32_t kExpressionPartsMax = 1'000'000;
// Of what created functions make, which may use an argument twice.
inline constexpr uint32_t kFunctionPartsMax = 100'000;

}  // namespace penstock::plan
