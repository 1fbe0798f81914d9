// Results of windows for a table that takes only inserts.
#pragma once

#include "catalog/entry.h"
#include "plan/logical.h"

namespace penstock::plan {

// Whether rows that a table was given must never be taken back, as far as the name of its connector and format tell.
bool takes_only_inserts(const catalog::Table& table);

// The plan with its Top-N of windows given once, as their windows close (as with EMIT ON WINDOW CLOSE, but whatever
// columns come out), where its rows are never taken back then; else the plan as it is. `plan` has been optimized.
LogicalPtr close_windows(const LogicalPtr& plan);

}  // namespace penstock::plan
