// Row patterns for tests, by their parts.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "types/row_pattern.h"

namespace penstock::types {

inline RowPattern variable(int number) {
  RowPattern pattern;
  pattern.variable = number;
  return pattern;
}

inline RowPattern repetition(RowPattern part, uint32_t min, std::optional<uint32_t> max, bool greedy = true) {
  RowPattern pattern;
  pattern.kind = RowPattern::Kind::kRepetition;
  pattern.parts.push_back(std::move(part));
  pattern.min = min;
  pattern.max = max;
  pattern.greedy = greedy;
  return pattern;
}

inline RowPattern group(RowPattern::Kind kind, std::vector<RowPattern> parts) {
  RowPattern pattern;
  pattern.kind = kind;
  pattern.parts = std::move(parts);
  return pattern;
}

}  // namespace penstock::types
