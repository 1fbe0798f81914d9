// GROUP BY without windows: running aggregates whose net change leaves at every barrier.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/accumulators.h"
#include "exec/operators/state_ttl.h"
#include "types/type.h"

namespace penstock::exec {

struct AggregateOptions {
  std::vector<int> keys;  // columns of the input; none: exactly one group, which is there from the start
  std::vector<types::DataType> key_types;
  std::vector<AggregateCall> calls;
  // Of groups, but for the one that there is without keys. A group that is forgotten is not taken back, and begins
  // anew; what is deleted later of its rows is ignored.
  StateTtl ttl = {};
};

// Emits the keys, then one column per call: +I for a group that is new since the last barrier, -U and +U for one whose
// result has changed, -D for one whose last row has gone. Takes retractions when all calls do.
std::unique_ptr<Operator> make_aggregate(AggregateOptions options);

}  // namespace penstock::exec
