// Epochs cut the stream of a job: a view shows the changes of an epoch at once or not at all.
#pragma once

#include <cstdint>

#include "base/strong_id.h"

namespace penstock {

// Counts from 1 within a job or view; 0 is "nothing published yet".
using Epoch = StrongId<struct EpochTag, int64_t>;

}  // namespace penstock
