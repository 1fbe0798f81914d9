// The clock as a time of rows: what windows over PROCTIME() are over.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "exec/operator.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

struct ProcessingTimeOptions {
  int column = 0;        // of the input: becomes the moment at which the row comes here
  types::DataType type;  // of that column
  // That the rows go into: it is woken when one ends.
  types::Window window;
  std::function<int64_t()> now_us;
};

// Gives rows the time of the clock, in whole milliseconds, and passes the clock on as the watermark: what lies behind
// works as over an event time, and no row is ever late for it. A clock that is put back stands still until it has
// come as far again. Instances share a clock, so a row in one is never behind a watermark of another.
std::unique_ptr<Operator> make_processing_time(ProcessingTimeOptions options);

}  // namespace penstock::exec
