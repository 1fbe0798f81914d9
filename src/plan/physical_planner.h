// From the logical plan to the physical one: scans get what their connector must deliver, aggregations the kernels that
// their input needs, and exchanges bring rows together that belong together. Private to the module.
#pragma once

#include "base/result.h"
#include "plan/logical.h"
#include "plan/physical.h"

namespace penstock::plan {

Result<PhysicalPtr> make_physical(const LogicalPtr& plan);

}  // namespace penstock::plan
