// Windows as table functions.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

struct AssignWindowOptions {
  types::Window window;  // of any kind but kSession
  int time_column = 0;
};

// TUMBLE, HOP and CUMULATE as table functions: every column of the input, then window_start, window_end, window_time,
// once for each window that the row is in. Rows without a time, or with one out of range, are in none.
std::unique_ptr<Operator> make_assign_window(AssignWindowOptions options);

struct SessionWindowOptions {
  types::Window window;
  int time_column = 0;
  std::vector<int> keys;  // each combination of their values has sessions of its own; none: all rows together
  std::vector<types::DataType> key_types;
  std::vector<types::DataType> column_types;  // of the input
  // Gets rows that came after their session was closed, and rows that are in none; both are dropped.
  LateOutput late;
};

// SESSION as a table function: every column of the input, then window_start, window_end, window_time. A row leaves when
// its session closes, for until then the session may grow. Takes only inserts.
std::unique_ptr<Operator> make_session_window(SessionWindowOptions options);

// The same over rows that may be taken back; only inserts leave. What is taken back of a closed session is late.
std::unique_ptr<Operator> make_changing_session_window(SessionWindowOptions options);

}  // namespace penstock::exec
