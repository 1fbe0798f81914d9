// Calls of window functions, in FROM and in GROUP BY. Private to the module.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/logical.h"
#include "sql/expression.h"
#include "types/window.h"

namespace penstock::plan {

struct WindowFunction {
  std::string_view name;
  types::Window::Kind kind;
  // DATA and TIMECOL, one or two intervals, then perhaps OFFSET, which may be left out.
  std::array<std::string_view, 5> parameters;
  size_t intervals;
  bool offset;
  std::string_view example;  // of the intervals

  std::span<const std::string_view> names() const { return std::span(parameters).first(required() + (offset ? 1 : 0)); }
  size_t required() const { return 2 + intervals; }
};

// By kind.
std::span<const WindowFunction> window_functions();
// In any case; null: there is none of that name.
const WindowFunction* find_window_function(std::string_view name);

// The arguments of a call by their parameters' names; a call names all of them or none. What is left out is null.
Result<std::vector<const sql::Expression*>> match_arguments(const sql::FunctionCall& call,
                                                            std::span<const std::string_view> parameters,
                                                            size_t required);

// Checks that windows over the column come to an end: it is a time, and of an unbounded input one with a watermark.
// Windows over PROCTIME() are too.
Status check_window_time(const LogicalNode& input, int column, std::string_view name, sql::Position position);

// In whose local time windows over a time of that type are, in a session with that zone (null: UTC).
const types::TimeZone* zone_of_windows(types::DataType time, const types::TimeZone* of_session);

// The input of windows over the column: where that is PROCTIME(), its rows get the time of the clock.
LogicalPtr with_clock(LogicalPtr input, int column, const types::Window& window);

}  // namespace penstock::plan
