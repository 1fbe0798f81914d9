// Times cut to units and buckets as PostgreSQL and TimescaleDB do it: DATE_TRUNC, DATE_BIN, TIME_BUCKET, DATE_PART.
#include <algorithm>

#include "expr/binding.h"
#include "expr/temporal_units.h"
#include "types/calendar.h"
#include "types/time_zone.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

using types::floor_divide;
using types::floor_modulo;
using types::kMicrosPerDay;
using types::kMicrosPerMilli;
using types::kMicrosPerSecond;
using types::TimeZone;

const TimeZone& zone_of(const KernelCall& call) {
  return call.context().zone == nullptr ? TimeZone::utc() : *call.context().zone;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}
// The unit that the constant first argument names.
TimeUnit unit_of(const KernelCall& call) { return *time_unit_from_name(upper(call.constant_text(0))); }

// --- DATE_TRUNC ---

// The local time cut to a unit; weeks begin on Monday, where Flink's FLOOR has Sunday.
int64_t truncated_local(TimeUnit unit, int64_t local) {
  const int64_t shift = unit == TimeUnit::kWeek ? kMicrosPerDay : 0;
  return round_to_unit(unit, false, TypeKind::kTimestamp, local - shift, TimeZone::utc()) + shift;
}

// DATE_TRUNC(unit, time [, zone])
void date_trunc(KernelCall& call) {
  const TimeUnit unit = unit_of(call);
  const bool zoned = call.argument_type(1).kind() == TypeKind::kTimestampLtz;
  const TimeZone zone = call.argument_count() > 2 ? *TimeZone::load(call.constant_text(2)) : zone_of(call);
  auto times = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) {
    if (!zoned) return truncated_local(unit, times[row]);
    return zone.from_local(truncated_local(unit, zone.to_local(times[row])));
  });
}

bool bind_date_trunc(CallSignature& call) {
  if (call.argument_types.size() < 2 || call.argument_types.size() > 3) return false;
  const std::optional<std::string> name = literal_text_upper(call, 0);
  const std::optional<TimeUnit> unit = name ? time_unit_from_name(*name) : std::nullopt;
  if (!unit || !can_round_to(*unit)) return false;
  DataType& time = call.argument_types[1];
  if (time.kind() == TypeKind::kDate || time.kind() == TypeKind::kNull) time = DataType::timestamp(3);
  if (!time.is_timestamp()) return false;
  if (call.argument_types.size() == 3) {
    const Expr& zone = *call.arguments[2];
    const bool known = zone.is_literal() && !zone.value().is_null() && zone.type().kind() == TypeKind::kString &&
                       TimeZone::load(zone.value().as_string());
    if (!known || time.kind() != TypeKind::kTimestampLtz) return false;
  }
  call.result = time;
  call.kernel = date_trunc;
  return true;
}

// --- DATE_BIN, TIME_BUCKET ---

// 2000-01-03, a Monday, from which TimescaleDB counts; months from the first of that year.
constexpr int64_t kBucketOrigin = 10'959 * kMicrosPerDay;

int64_t bucket_of(int64_t width, int64_t time, int64_t origin) {
  return origin + floor_divide(time - origin, width) * width;
}

// DATE_BIN(width, time, origin); TIME_BUCKET(width, time [, origin or offset])
template <bool has_offset>
void bucket(KernelCall& call) {
  auto widths = call.argument<int64_t>(0);
  auto times = call.argument<int64_t>(1);
  const bool has_third = call.argument_count() > 2;
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (widths[row] <= 0) {
      call.fail(row, "the width of a bucket is more than nothing");
      return 0;
    }
    int64_t origin = has_third ? call.argument<int64_t>(2)[row] : kBucketOrigin;
    if (has_offset) origin = wrap_add(origin, kBucketOrigin);
    return bucket_of(widths[row], times[row], origin);
  });
}

void bucket_of_months(KernelCall& call) {
  auto widths = call.argument<int64_t>(0);
  auto times = call.argument<int64_t>(1);
  const bool zoned = call.argument_type(1).kind() == TypeKind::kTimestampLtz;
  const TimeZone& zone = zoned ? zone_of(call) : TimeZone::utc();
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (widths[row] <= 0) {
      call.fail(row, "the width of a bucket is more than nothing");
      return 0;
    }
    const types::CivilDate date = types::civil_from_days(floor_divide(zone.to_local(times[row]), kMicrosPerDay));
    const int64_t month = date.year * 12 + date.month - 1;
    const int64_t first = bucket_of(widths[row], month, 2000 * 12);
    const int64_t days = types::days_from_civil(
        {.year = floor_divide(first, 12), .month = static_cast<int>(floor_modulo(first, 12)) + 1, .day = 1});
    return zone.from_local(days * kMicrosPerDay);
  });
}

// A width may be a text that says an interval, as PostgreSQL's clients write it: '15 minutes'.
DataType width_type(const CallSignature& call) {
  const Expr& width = *call.arguments[0];
  if (!width.is_literal() || width.value().is_null() || width.type().kind() != TypeKind::kString) {
    return call.argument_types[0];
  }
  for (const TypeKind kind : {TypeKind::kIntervalDayTime, TypeKind::kIntervalYearMonth}) {
    if (types::from_text(width.value().as_string(), kind)) return kind;
  }
  return call.argument_types[0];
}

bool bind_date_bin(CallSignature& call) {
  if (call.argument_types.size() != 3) return false;
  call.argument_types[0] = width_type(call);
  if (call.argument_types[0].kind() != TypeKind::kIntervalDayTime) return false;
  DataType& time = call.argument_types[1];
  if (time.kind() == TypeKind::kDate) time = DataType::timestamp(3);
  DataType& origin = call.argument_types[2];
  if (!time.is_timestamp() || (!origin.is_timestamp() && origin.kind() != TypeKind::kDate)) return false;
  origin = call.result = time;
  call.kernel = bucket<false>;
  return true;
}

bool bind_time_bucket(CallSignature& call) {
  if (call.argument_types.size() < 2 || call.argument_types.size() > 3) return false;
  call.argument_types[0] = width_type(call);
  if (!call.argument_types[0].is_interval()) return false;
  DataType& time = call.argument_types[1];
  if (time.kind() == TypeKind::kDate) time = DataType::timestamp(3);
  if (!time.is_timestamp()) return false;
  call.result = time;
  if (call.argument_types[0].kind() == TypeKind::kIntervalYearMonth) {
    call.kernel = bucket_of_months;
    return call.argument_types.size() == 2;
  }
  call.kernel = bucket<false>;
  if (call.argument_types.size() == 2) return true;
  DataType& third = call.argument_types[2];
  if (third.kind() == TypeKind::kIntervalDayTime) {
    call.kernel = bucket<true>;
    return true;
  }
  if (!third.is_timestamp() && third.kind() != TypeKind::kDate) return false;
  third = time;
  return true;
}

// --- DATE_PART ---

double micros_of_minute(TypeKind kind, int64_t value, const TimeZone& zone) {
  return static_cast<double>(extract_field(TimeUnit::kSecond, kind, value, zone) * kMicrosPerSecond +
                             extract_field(TimeUnit::kMicrosecond, kind, value, zone));
}

// As PostgreSQL counts: Sunday is 0, seconds and the epoch have their fraction, milliseconds and microseconds the
// seconds.
double date_part_of(TimeUnit unit, TypeKind kind, int64_t value, const TimeZone& zone) {
  const int64_t field = extract_field(unit, kind, value, zone);
  switch (unit) {
    case TimeUnit::kDayOfWeek: return static_cast<double>(field - 1);
    case TimeUnit::kSecond: return micros_of_minute(kind, value, zone) / kMicrosPerSecond;
    case TimeUnit::kMillisecond: return micros_of_minute(kind, value, zone) / kMicrosPerMilli;
    case TimeUnit::kMicrosecond: return micros_of_minute(kind, value, zone);
    case TimeUnit::kEpoch:
      return kind == TypeKind::kDate ? static_cast<double>(field) : static_cast<double>(value) / kMicrosPerSecond;
    default: return static_cast<double>(field);
  }
}

void date_part(KernelCall& call) {
  const TimeUnit unit = unit_of(call);
  const TypeKind kind = call.argument_type(1).kind();
  const TimeZone& zone = zone_of(call);
  auto times = call.argument<int64_t>(1);
  map_valid<double>(call, [&](size_t row) { return date_part_of(unit, kind, times[row], zone); });
}

bool bind_date_part(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  const std::optional<std::string> name = literal_text_upper(call, 0);
  const std::optional<TimeUnit> unit = name ? time_unit_from_name(*name) : std::nullopt;
  DataType& time = call.argument_types[1];
  if (time.kind() == TypeKind::kNull) time = DataType::timestamp(3);
  const bool of_day = unit && *unit >= TimeUnit::kHour && *unit != TimeUnit::kEpoch;
  const bool fits = time.is_timestamp() || time.kind() == TypeKind::kDate || (time.kind() == TypeKind::kTime && of_day);
  if (!unit || !fits || *unit == TimeUnit::kNanosecond) return false;
  call.result = TypeKind::kDouble;
  call.kernel = date_part;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kTemporal;

constexpr ScalarFunction kFunctions[] = {
    {"DATE_TRUNC", kCategory, "DATE_TRUNC('unit', time [, 'zone'])",
     "The time cut to a unit, 'millisecond' to 'millennium'; weeks begin on Monday. A TIMESTAMP_LTZ is cut as a clock "
     "in "
     "the session's time zone, or in the one given, shows it.",
     "DATE_TRUNC('hour', TIMESTAMP '2026-05-17 13:14:15') => 2026-05-17 13:00:00\n"
     "DATE_TRUNC('week', DATE '2026-05-17') => 2026-05-11 00:00:00.000",
     bind_date_trunc},
    {"DATE_BIN", kCategory, "DATE_BIN(width, time, origin)",
     "The beginning of the bucket that the time is in, of buckets of that width, an interval or a text that says one, "
     "counted from the origin.",
     "DATE_BIN(INTERVAL '15' MINUTE, TIMESTAMP '2026-01-01 10:40:00', TIMESTAMP '2026-01-01 00:05:00') => 2026-01-01 "
     "10:35:00\n"
     "DATE_BIN('15 minutes', TIMESTAMP '2026-01-01 10:40:00', DATE '2026-01-01') => 2026-01-01 10:30:00",
     bind_date_bin},
    {"TIME_BUCKET", kCategory, "TIME_BUCKET(width, time [, origin or offset])",
     "The same, as TimescaleDB counts it: from Monday 2000-01-03, an origin, or an offset to that; widths of months "
     "from "
     "2000-01-01.",
     "TIME_BUCKET(INTERVAL '5' MINUTE, TIMESTAMP '2026-01-01 10:42:00') => 2026-01-01 10:40:00\n"
     "TIME_BUCKET(INTERVAL '3' MONTH, TIMESTAMP '2026-05-17 00:00:00') => 2026-04-01 00:00:00\n"
     "TIME_BUCKET('1 hour', TIMESTAMP '2026-01-01 10:42:00') => 2026-01-01 10:00:00",
     bind_time_bucket},
    {"DATE_PART", kCategory, "DATE_PART('unit', time)",
     "A field of a time as PostgreSQL counts it, as DOUBLE: Sunday is 0, seconds have their fraction, milliseconds and "
     "microseconds the seconds.",
     "DATE_PART('dow', DATE '2026-01-04') => 0.0\nDATE_PART('second', TIMESTAMP '2026-01-01 00:00:01.5') => 1.5\n"
     "DATE_PART('milliseconds', TIMESTAMP '2026-01-01 00:00:01.5') => 1500.0",
     bind_date_part},
};

}  // namespace

std::span<const ScalarFunction> time_bucket_functions() { return kFunctions; }

}  // namespace penstock::expr
