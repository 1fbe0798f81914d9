// What flows between tasks: data, and control in band with it.
#pragma once

#include <variant>

#include "base/epoch.h"
#include "base/time.h"
#include "columnar/change_batch.h"

namespace penstock::exec {

// No row with an event time at or below `time` is to be expected after it. An idle input does not hold back the
// minimum over several inputs until it sends a watermark that is not idle.
struct Watermark {
  EventTime time = kMinEventTime;
  bool idle = false;
  bool operator==(const Watermark&) const = default;
};

// Everything before it belongs to `epoch`; everything after it to the next one.
struct Barrier {
  Epoch epoch;
  bool operator==(const Barrier&) const = default;
};

// Nothing comes after it. Stands for a watermark at the end of time and closes the last epoch.
struct EndOfInput {
  bool operator==(const EndOfInput&) const = default;
};

using Message = std::variant<columnar::ChangeBatch, Watermark, Barrier, EndOfInput>;

}  // namespace penstock::exec
