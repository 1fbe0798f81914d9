// Times made of their parts, moved between time zones, and compared as periods.
#include <cmath>

#include "expr/binding.h"
#include "expr/cast.h"
#include "types/calendar.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

using types::kMicrosPerDay;
using types::kMicrosPerSecond;
using types::TimeZone;

std::optional<int64_t> days_of(int64_t year, int64_t month, int64_t day) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return std::nullopt;
  if (day > types::days_in_month(year, static_cast<int>(month))) return std::nullopt;
  return types::days_from_civil({.year = year, .month = static_cast<int>(month), .day = static_cast<int>(day)});
}

void make_date(KernelCall& call) {
  auto years = call.argument<int64_t>(0);
  auto months = call.argument<int64_t>(1);
  auto days = call.argument<int64_t>(2);
  map_valid<int64_t>(call, [&](size_t row) {
    const std::optional<int64_t> made = days_of(years[row], months[row], days[row]);
    if (!made) call.fail(row, fmt::format("there is no date {}-{}-{}", years[row], months[row], days[row]));
    return made.value_or(0);
  });
}

void make_timestamp(KernelCall& call) {
  auto hours = call.argument<int64_t>(3);
  auto minutes = call.argument<int64_t>(4);
  auto seconds = call.argument<double>(5);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const auto part = [&](size_t i) { return call.argument<int64_t>(i)[row]; };
    const std::optional<int64_t> days = days_of(part(0), part(1), part(2));
    const bool in_day = hours[row] >= 0 && hours[row] < 24 && minutes[row] >= 0 && minutes[row] < 60 &&
                        seconds[row] >= 0 && seconds[row] < 60;
    if (!days || !in_day) {
      call.fail(row, "there is no such time");
      return 0;
    }
    return *days * kMicrosPerDay + (hours[row] * 60 + minutes[row]) * 60 * kMicrosPerSecond +
           std::llround(seconds[row] * kMicrosPerSecond);
  });
}

bool bind_make_timestamp(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kInteger, Takes::kInteger, Takes::kInteger,
                                     Takes::kInteger, Takes::kInteger, Takes::kDouble};
  if (!accept_arguments(call, kTakes, 6)) return false;
  call.result = DataType::timestamp(6);
  call.kernel = make_timestamp;
  return true;
}

// Seconds since 1970, with a fraction.
void from_epoch(KernelCall& call) {
  auto seconds = call.argument<double>(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    constexpr double kSecondsMax = 9e12;
    if (std::abs(seconds[row]) < kSecondsMax) return std::llround(seconds[row] * kMicrosPerSecond);
    call.fail(row, "the time is out of range");
    return 0;
  });
}

bool bind_from_epoch(CallSignature& call) {
  if (call.argument_types.size() != 1 || !call.argument_types[0].is_numeric()) return false;
  call.argument_types[0] = TypeKind::kDouble;
  call.result = DataType::timestamp_ltz(6);
  call.kernel = from_epoch;
  return true;
}

// TIMEZONE(zone, time): what a clock there shows at a moment, or the moment at which it shows a time.
void at_time_zone(KernelCall& call) {
  auto names = call.argument<StringCell>(0);
  auto times = call.argument<int64_t>(1);
  const bool to_local = call.argument_type(1).kind() == TypeKind::kTimestampLtz;
  std::optional<Result<TimeZone>> zone;
  std::string name;
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (!zone || names[row].view() != name) {
      name = names[row].view();
      zone = TimeZone::load(name);
    }
    if (!*zone) {
      call.fail(row, zone->error().message());
      return 0;
    }
    return to_local ? (*zone)->to_local(times[row]) : (*zone)->from_local(times[row]);
  });
}

bool bind_at_time_zone(CallSignature& call) {
  if (call.argument_types.size() != 2 || !accept_argument(Takes::kText, call.argument_types[0])) return false;
  call.argument_types[0] = TypeKind::kString;
  DataType& time = call.argument_types[1];
  if (time.kind() == TypeKind::kDate || time.kind() == TypeKind::kNull) time = DataType::timestamp(3);
  if (!time.is_timestamp()) return false;
  const bool to_local = time.kind() == TypeKind::kTimestampLtz;
  call.result = to_local ? DataType::timestamp(time.precision()) : DataType::timestamp_ltz(time.precision());
  call.kernel = at_time_zone;
  return true;
}

// --- intervals and numbers ---

template <bool divides>
void scale_interval(KernelCall& call) {
  auto intervals = call.argument<int64_t>(0);
  auto factors = call.argument<double>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (divides && factors[row] == 0) {
      call.fail(row, "division by zero");
      return 0;
    }
    const auto size = static_cast<double>(intervals[row]);
    const double scaled = divides ? size / factors[row] : size * factors[row];
    if (std::abs(scaled) < 9.2e18) return std::llround(scaled);
    call.fail(row, "the interval is out of range");
    return 0;
  });
}

template <bool divides>
bool bind_scale(CallSignature& call) {
  if (call.argument_types.size() != 2 || !call.argument_types[0].is_interval()) return false;
  if (!call.argument_types[1].is_numeric()) return false;
  call.argument_types[1] = TypeKind::kDouble;
  call.result = call.argument_types[0];
  call.kernel = scale_interval<divides>;
  return true;
}

template <int sign>
void move_days(KernelCall& call) {
  auto dates = call.argument<int64_t>(0);
  auto counts = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    constexpr int64_t kDaysMax = 100'000'000;
    if (std::abs(static_cast<double>(counts[row])) < kDaysMax) return dates[row] + sign * counts[row];
    call.fail(row, "the time is moved out of range");
    return 0;
  });
}

template <int sign>
bool bind_move_days(CallSignature& call) {
  if (call.argument_types.size() != 2 || call.argument_types[0].kind() != TypeKind::kDate) return false;
  if (!call.argument_types[1].is_integer()) return false;
  call.result = TypeKind::kDate;
  call.kernel = move_days<sign>;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kTemporal;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"TIMEZONE", kCategory, "time AT TIME ZONE zone",
     "Of a TIMESTAMP_LTZ, the TIMESTAMP that a clock in the zone shows then; of a TIMESTAMP, the moment, a "
     "TIMESTAMP_LTZ, at which it shows that. Also written TIMEZONE(zone, time).",
     "TIMESTAMP_LTZ '2026-07-01 10:00:00Z' AT TIME ZONE 'Europe/Berlin' => 2026-07-01 12:00:00\n"
     "TIMESTAMP '2026-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin' => 2026-07-01 10:00:00",
     bind_at_time_zone},
    {"TO_TIMESTAMP", kCategory, "TO_TIMESTAMP(seconds)",
     "A TIMESTAMP_LTZ(6) from seconds since 1970, as PostgreSQL has it.",
     "TO_TIMESTAMP(1.5) => 1970-01-01 00:00:01.500000", bind_from_epoch},
    {"MAKE_DATE", kCategory, "MAKE_DATE(year, month, day)", "The DATE of these.",
     "MAKE_DATE(2026, 2, 28) => 2026-02-28", bind_fixed<make_date, TypeKind::kDate, kInteger, kInteger, kInteger>},
    {"MAKE_TIMESTAMP", kCategory, "MAKE_TIMESTAMP(year, month, day, hour, minute, seconds)",
     "The TIMESTAMP(6) of these.", "MAKE_TIMESTAMP(2026, 2, 28, 1, 2, 3.5) => 2026-02-28 01:02:03.500000",
     bind_make_timestamp},
    {"*", kCategory, "interval * number", "The interval so many times.", "INTERVAL '1' HOUR * 1.5 => +0 01:30:00.000",
     bind_scale<false>},
    {"/", kCategory, "interval / number", "The interval divided.", "INTERVAL '1' HOUR / 4 => +0 00:15:00.000",
     bind_scale<true>},
    {"+", kCategory, "date + days", "The date so many days later.", "DATE '2026-01-31' + 1 => 2026-02-01",
     bind_move_days<1>},
    {"-", kCategory, "date - days", "The date so many days before.", "DATE '2026-02-01' - 1 => 2026-01-31",
     bind_move_days<-1>},
};

}  // namespace

std::span<const ScalarFunction> temporal_construction_functions() { return kFunctions; }

}  // namespace penstock::expr
