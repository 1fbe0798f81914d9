// GROUP BY over tumbling windows: a window's groups leave once the watermark has passed its end.
#pragma once

#include <memory>
#include <vector>

#include "base/metrics.h"
#include "exec/operator.h"
#include "exec/operators/accumulators.h"
#include "exec/operators/window.h"
#include "types/type.h"

namespace penstock::exec {

enum class WindowProperty : uint8_t { kStart, kEnd, kTime };

struct WindowAggregateOptions {
  TumblingWindow window;
  types::DataType time_type;  // of the time column, and of the properties
  std::vector<int> keys;
  std::vector<types::DataType> key_types;
  std::vector<AggregateCall> calls;
  std::vector<WindowProperty> properties;
  // Counts rows that came after their window was closed, and rows without a time; both are dropped. May be null.
  Counter* late_dropped = nullptr;
};

// Emits the keys, one column per call, then the properties; only inserts. Takes only inserts.
//
// Each open window has a table of its own, which is dropped whole: there is no timer per group.
std::unique_ptr<Operator> make_window_aggregate(WindowAggregateOptions options);

}  // namespace penstock::exec
