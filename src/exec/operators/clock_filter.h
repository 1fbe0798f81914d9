// Conditions on the clock: rows come into the result and leave it as time passes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

struct ClockFilterOptions {
  types::Schema schema;        // of the input, which is that of the output
  int from = -1;               // a column: a row is there from this time on; -1: from the beginning
  int until = -1;              // a column: and until then; -1: for ever
  bool after_from = false;     // not yet at `from` itself
  bool through_until = false;  // still at `until` itself
  // The clock when an epoch ends; of no epoch: a time that is not later.
  std::function<int64_t(Epoch)> clock_us;
};

// Emits a row when its time comes and takes it back when that is over; a row without one of its times is never there.
// Times are compared with the clock in whole milliseconds, which is looked at when an epoch ends: a row leaves with the
// first epoch behind its time, and one begins then. Takes changes. Keeps the rows whose time to come or to leave is
// ahead.
std::unique_ptr<Operator> make_clock_filter(ClockFilterOptions options);

}  // namespace penstock::exec
