// How large expressions may be. They are walked recursively, as trees, and what queries over queries and created
// functions add up to could be larger than anything that the parser takes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "expr/expr.h"

namespace penstock::plan {

inline constexpr uint32_t kExpressionLevelsMax = 1'000;
// Of what created functions make, which may use an argument twice.
inline constexpr uint32_t kExpressionPartsMax = 100'000;

inline uint32_t levels_of(const expr::Expr& expression) {
  uint32_t levels = 0;
  for (const expr::ExprPtr& child : expression.children()) levels = std::max(levels, levels_of(*child));
  return levels + 1;
}

// Whether it has at most so many levels, and parts, from which its own are taken.
inline bool fits(const expr::Expr& expression, uint32_t levels, uint32_t& parts) {
  if (levels == 0 || parts == 0) return false;
  --parts;
  return std::ranges::all_of(expression.children(),
                             [&](const expr::ExprPtr& child) { return fits(*child, levels - 1, parts); });
}

}  // namespace penstock::plan
