// GROUP BY over windows: a window's groups leave once the watermark has passed its end.
#pragma once

#include <memory>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "exec/operators/accumulators.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

enum class WindowProperty : uint8_t { kStart, kEnd, kTime };

inline int64_t value_of(WindowProperty property, types::TimeSpan window, const types::TimeZone* zone) {
  if (property == WindowProperty::kStart) return window.start;
  return property == WindowProperty::kEnd ? window.end : types::closing_watermark(zone, window.end);
}
inline types::DataType type_of(WindowProperty property, types::DataType time) {
  return property == WindowProperty::kTime ? time : types::window_bound_type(time);
}

struct WindowAggregateOptions {
  types::Window window;
  int time_column = 0;
  types::DataType time_type;  // of the time column
  std::vector<int> keys;
  std::vector<types::DataType> key_types;
  std::vector<AggregateCall> calls;
  std::vector<WindowProperty> properties;
  // Gets rows that came after all their windows were closed, and rows that are in none; both are dropped.
  LateOutput late;
};

// Emits the keys, one column per call, then the properties; only inserts. Takes retractions when all calls do; a group
// whose rows have all been taken back does not leave.
std::unique_ptr<Operator> make_window_aggregate(WindowAggregateOptions options);

// The same over sessions: the keys are those that have sessions of their own. Takes only inserts.
std::unique_ptr<Operator> make_session_aggregate(WindowAggregateOptions options);

// The same over rows that may be taken back, which all calls must be able to do. What is taken back of a closed session
// is late.
std::unique_ptr<Operator> make_changing_session_aggregate(WindowAggregateOptions options);

}  // namespace penstock::exec
