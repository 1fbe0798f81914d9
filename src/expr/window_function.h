// The table of window functions: those that only exist with OVER. Aggregate functions are window functions too.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace penstock::expr {

enum class WindowFunctionKind : uint8_t {
  kRowNumber,
  kRank,
  kDenseRank,
  kPercentRank,
  kCumeDist,
  kNtile,
  kLag,
  kLead,
  kFirstValue,
  kLastValue,
  kNthValue,
};

// An entry of the table. Static and constant.
struct WindowFunction {
  WindowFunctionKind kind;
  std::string_view name;
  std::string_view signature;
  std::string_view description;
  std::string_view examples;
  int arguments_min = 0;
  int arguments_max = 0;
  bool needs_order = true;
  bool framed = false;       // looks at the rows of its frame; the others at the whole partition
  bool takes_nulls = false;  // takes IGNORE NULLS and RESPECT NULLS
};

// Finds a window function by its name in upper case; nullptr when there is none.
const WindowFunction* find_window_function(std::string_view name);
std::span<const WindowFunction> window_functions();

}  // namespace penstock::expr
