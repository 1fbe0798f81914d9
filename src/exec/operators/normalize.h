// From events about rows, as a compacted topic or a database's log has them, to a changelog: each event says that a row
// is there now, or that it is gone.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/state_ttl.h"
#include "types/type.h"

namespace penstock::exec {

struct NormalizeOptions {
  types::Schema schema;   // of the output; the input has a BOOLEAN behind its columns: the row is gone
  std::vector<int> keys;  // rows with equal keys are forms of one row; empty: rows have no key
  bool at_end = false;    // emits nothing before the barrier, or the end of time: the input is bounded
  StateTtl ttl = {};      // of keys
};

// With a key: an event takes the place of the last row with its key. It comes out as an insert or an update, or as a
// delete, which has the last row's values whatever the event's are; a delete of a key that is not there is nothing.
// State: the last row of each key.
//
// Without one: equal rows are counted; a delete of a row that is not there is nothing.
//
// The events of a key count in the order in which they come. What leaves after a batch is its net change: between two
// watermarks, so that rows are not later than they were.
std::unique_ptr<Operator> make_normalize(NormalizeOptions options);

}  // namespace penstock::exec
