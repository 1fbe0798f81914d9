// Units of time: fields, rounding and counting.
//
// Times are in the physical form of their kind: days for DATE, microseconds of the day for TIME, microseconds since
// 1970 for timestamps. Those of TIMESTAMP_LTZ are looked at in a zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "types/type.h"

namespace penstock::types {
class TimeZone;
}

namespace penstock::expr {

// Those from kHour on are parts of a day.
enum class TimeUnit : uint8_t {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kIsoYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kDayOfYear,
  kDayOfWeek,
  kIsoDayOfWeek,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
  kEpoch,
};

// By its name in upper case, also in the plural; nothing for what is no unit.
std::optional<TimeUnit> time_unit_from_name(std::string_view name);
// Units of which something can be counted or added, and those that times are rounded to.
bool can_add(TimeUnit unit);
bool can_round_to(TimeUnit unit);
// Those that are a number of months.
bool is_of_months(TimeUnit unit);

int64_t extract_field(TimeUnit unit, types::TypeKind kind, int64_t value, const types::TimeZone& zone);
int64_t round_to_unit(TimeUnit unit, bool up, types::TypeKind kind, int64_t value, const types::TimeZone& zone);

// Nothing when the result is out of the range of times.
std::optional<int64_t> moved_by_months(types::TypeKind kind, int64_t value, int64_t months,
                                       const types::TimeZone& zone);
std::optional<int64_t> moved_by_units(TimeUnit unit, int64_t count, types::TypeKind kind, int64_t value,
                                      const types::TimeZone& zone);

// Whole units from one local time to another, both in microseconds; negative when `to` is earlier.
int64_t units_between(TimeUnit unit, int64_t from, int64_t to);

}  // namespace penstock::expr
