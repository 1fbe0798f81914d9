// What time zones are called at a moment.
#pragma once

#include <cstdint>
#include <string>

#include "types/time_zone.h"

namespace penstock::types {

// "CET", "CEST"; "GMT+02:00" where the zone is an offset, and "+03" where it has no name.
std::string zone_abbreviation(const TimeZone& zone, int64_t utc_us);

}  // namespace penstock::types
