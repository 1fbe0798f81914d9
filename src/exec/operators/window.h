// Windows as table functions.
#pragma once

#include <cstdint>
#include <memory>

#include "exec/operator.h"
#include "types/window.h"

namespace penstock::exec {

struct AssignWindowOptions {
  types::Window window;  // of any kind but kSession
  int time_column = 0;
};

// TUMBLE, HOP and CUMULATE as table functions: every column of the input, then window_start, window_end, window_time,
// once for each window that the row is in. Rows without a time, or with one out of range, are in none.
std::unique_ptr<Operator> make_assign_window(AssignWindowOptions options);

}  // namespace penstock::exec
