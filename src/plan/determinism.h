// What has another value each time that it is computed, such as NOW() and RAND(), over rows that are taken back.
#pragma once

#include "base/result.h"
#include "plan/physical.h"

namespace penstock::plan {

// Refuses a plan that goes on and computes such an expression for rows that may be taken back: a row that goes would
// be computed anew, with another value than it came with, and so would not be found. Conditions on the clock and
// windows over PROCTIME(), which have operators of their own, are none.
Status check_determinism(const PhysicalNode& root);

}  // namespace penstock::plan
