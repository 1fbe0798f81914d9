// How long operators keep state: table.exec.state.ttl, and the hint STATE_TTL. Private to the module.
#pragma once

#include <cstdint>
#include <optional>

#include "plan/logical.h"
#include "plan/physical.h"

namespace penstock::plan {

// The plan, whose operators keep what nothing updates no longer than that (0: for ever), where a hint does not say
// otherwise. What a window, or the end of the input, bounds is kept as long as that says.
PhysicalPtr with_state_ttl(const PhysicalPtr& plan, int64_t ttl_us);

// What a hint says of an aggregation, or of the inputs of a join.
//
// Puts it to the uppermost aggregation or join of the plan, below projections and conditions; null where there is none.
LogicalPtr with_aggregate_ttl(const LogicalPtr& plan, int64_t ttl_us);
LogicalPtr with_join_ttl(const LogicalPtr& plan, StateTtl left_us, StateTtl right_us);

// The plan, whose operators keep what nothing updates for that long (0: for ever) where nothing has been said of it
// yet.
LogicalPtr with_default_ttl(const LogicalPtr& plan, int64_t ttl_us);

}  // namespace penstock::plan
