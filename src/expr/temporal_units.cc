#include "expr/temporal_units.h"

#include <array>

#include "expr/kernel.h"
#include "types/calendar.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

using types::civil_from_days;
using types::CivilDate;
using types::days_from_civil;
using types::floor_divide;
using types::floor_modulo;
using types::kMicrosPerDay;
using types::kMicrosPerHour;
using types::kMicrosPerMilli;
using types::kMicrosPerMinute;
using types::kMicrosPerSecond;
using types::TimeZone;

// More months than any time that can be held is away from 1970.
constexpr int64_t kMonthsMax = 12 * 300'000;

// 1970-01-01 was a Thursday.
int64_t iso_day_of_week(int64_t days) { return floor_modulo(days + 3, 7) + 1; }

// The Thursday of the ISO week that the day is in: its year is the week's year.
int64_t thursday_of_week(int64_t days) { return days - iso_day_of_week(days) + 4; }

int64_t first_day_of_year(int64_t year) { return days_from_civil({.year = year, .month = 1, .day = 1}); }

struct LocalTime {
  int64_t days;
  int64_t micros_of_day;
};

LocalTime local_time_of(TypeKind kind, int64_t value, const TimeZone& zone) {
  switch (kind) {
    case TypeKind::kDate: return {.days = value, .micros_of_day = 0};
    case TypeKind::kTime: return {.days = 0, .micros_of_day = value};
    case TypeKind::kTimestampLtz: value = zone.to_local(value); break;
    default: break;
  }
  return {.days = floor_divide(value, kMicrosPerDay), .micros_of_day = floor_modulo(value, kMicrosPerDay)};
}

// Back to the physical form.
int64_t physical_time(TypeKind kind, LocalTime time, const TimeZone& zone) {
  switch (kind) {
    case TypeKind::kDate: return time.days;
    case TypeKind::kTime: return floor_modulo(time.micros_of_day, kMicrosPerDay);
    default: break;
  }
  int64_t micros = wrap_add(wrap_multiply(time.days, kMicrosPerDay), time.micros_of_day);
  return kind == TypeKind::kTimestampLtz ? zone.from_local(micros) : micros;
}

int64_t micros_of_unit(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kWeek: return 7 * kMicrosPerDay;
    case TimeUnit::kDay: return kMicrosPerDay;
    case TimeUnit::kHour: return kMicrosPerHour;
    case TimeUnit::kMinute: return kMicrosPerMinute;
    case TimeUnit::kSecond: return kMicrosPerSecond;
    case TimeUnit::kMillisecond: return kMicrosPerMilli;
    default: return 1;
  }
}

// Months in a unit; 0 for those that are no multiple of months.
int64_t months_of_unit(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillennium: return 12'000;
    case TimeUnit::kCentury: return 1'200;
    case TimeUnit::kDecade: return 120;
    case TimeUnit::kYear: return 12;
    case TimeUnit::kQuarter: return 3;
    case TimeUnit::kMonth: return 1;
    default: return 0;
  }
}

int64_t extract_from_date(TimeUnit unit, int64_t days) {
  CivilDate date = civil_from_days(days);
  switch (unit) {
    case TimeUnit::kMillennium: return floor_divide(date.year - 1, 1000) + 1;
    case TimeUnit::kCentury: return floor_divide(date.year - 1, 100) + 1;
    case TimeUnit::kDecade: return floor_divide(date.year, 10);
    case TimeUnit::kYear: return date.year;
    case TimeUnit::kIsoYear: return civil_from_days(thursday_of_week(days)).year;
    case TimeUnit::kQuarter: return (date.month - 1) / 3 + 1;
    case TimeUnit::kMonth: return date.month;
    case TimeUnit::kWeek: {
      int64_t thursday = thursday_of_week(days);
      return (thursday - first_day_of_year(civil_from_days(thursday).year)) / 7 + 1;
    }
    case TimeUnit::kDay: return date.day;
    case TimeUnit::kDayOfYear: return days - first_day_of_year(date.year) + 1;
    case TimeUnit::kDayOfWeek: return iso_day_of_week(days) % 7 + 1;
    default: return iso_day_of_week(days);
  }
}

int64_t extract_from_micros(TimeUnit unit, int64_t micros) {
  switch (unit) {
    case TimeUnit::kHour: return micros / kMicrosPerHour;
    case TimeUnit::kMinute: return micros / kMicrosPerMinute % 60;
    case TimeUnit::kSecond: return micros / kMicrosPerSecond % 60;
    // Those within the second, as Flink counts them.
    case TimeUnit::kMillisecond: return micros % kMicrosPerSecond / kMicrosPerMilli;
    case TimeUnit::kNanosecond: return micros % kMicrosPerSecond * 1000;
    default: return micros % kMicrosPerSecond;
  }
}

int64_t extract_from_interval(TimeUnit unit, TypeKind kind, int64_t value) {
  if (kind == TypeKind::kIntervalYearMonth) return unit == TimeUnit::kYear ? value / 12 : value % 12;
  if (unit == TimeUnit::kDay) return value / kMicrosPerDay;
  return extract_from_micros(unit, value % kMicrosPerDay);
}

int64_t month_index(CivilDate date) { return date.year * 12 + date.month - 1; }

// The first day of the span of `months` months that the day is in.
int64_t floor_days_to_months(int64_t days, int64_t months, int64_t spans_later) {
  CivilDate date = civil_from_days(days);
  // Centuries and millennia begin with the year 1; Flink's decades and years with the year 0.
  int64_t origin = months >= 1200 ? 12 : 0;
  int64_t first = (floor_divide(month_index(date) - origin, months) + spans_later) * months + origin;
  return days_from_civil(
      {.year = floor_divide(first, 12), .month = static_cast<int>(floor_modulo(first, 12)) + 1, .day = 1});
}

LocalTime floor_local(TimeUnit unit, LocalTime time, int64_t spans_later) {
  if (int64_t months = months_of_unit(unit); months != 0) {
    return {.days = floor_days_to_months(time.days, months, spans_later), .micros_of_day = 0};
  }
  if (unit == TimeUnit::kWeek) {
    int64_t sunday = time.days - iso_day_of_week(time.days) % 7;
    return {.days = sunday + 7 * spans_later, .micros_of_day = 0};
  }
  int64_t span = micros_of_unit(unit);
  return {.days = time.days, .micros_of_day = (time.micros_of_day / span + spans_later) * span};
}

}  // namespace

std::optional<TimeUnit> time_unit_from_name(std::string_view name) {
  static constexpr std::pair<std::string_view, TimeUnit> kNames[] = {{"MILLENNIUM", TimeUnit::kMillennium},
                                                                     {"CENTURY", TimeUnit::kCentury},
                                                                     {"DECADE", TimeUnit::kDecade},
                                                                     {"YEAR", TimeUnit::kYear},
                                                                     {"ISOYEAR", TimeUnit::kIsoYear},
                                                                     {"QUARTER", TimeUnit::kQuarter},
                                                                     {"MONTH", TimeUnit::kMonth},
                                                                     {"WEEK", TimeUnit::kWeek},
                                                                     {"DAY", TimeUnit::kDay},
                                                                     {"DOY", TimeUnit::kDayOfYear},
                                                                     {"DOW", TimeUnit::kDayOfWeek},
                                                                     {"ISODOW", TimeUnit::kIsoDayOfWeek},
                                                                     {"HOUR", TimeUnit::kHour},
                                                                     {"MINUTE", TimeUnit::kMinute},
                                                                     {"SECOND", TimeUnit::kSecond},
                                                                     {"MILLISECOND", TimeUnit::kMillisecond},
                                                                     {"MICROSECOND", TimeUnit::kMicrosecond},
                                                                     {"NANOSECOND", TimeUnit::kNanosecond},
                                                                     {"EPOCH", TimeUnit::kEpoch},
                                                                     {"SQL_TSI_YEAR", TimeUnit::kYear},
                                                                     {"SQL_TSI_QUARTER", TimeUnit::kQuarter},
                                                                     {"SQL_TSI_MONTH", TimeUnit::kMonth},
                                                                     {"SQL_TSI_WEEK", TimeUnit::kWeek},
                                                                     {"SQL_TSI_DAY", TimeUnit::kDay},
                                                                     {"SQL_TSI_HOUR", TimeUnit::kHour},
                                                                     {"SQL_TSI_MINUTE", TimeUnit::kMinute},
                                                                     {"SQL_TSI_SECOND", TimeUnit::kSecond}};
  std::string_view singular = name.ends_with('S') ? name.substr(0, name.size() - 1) : name;
  for (auto [known, unit] : kNames) {
    if (known == name || known == singular) return unit;
  }
  return std::nullopt;
}

bool can_add(TimeUnit unit) {
  return months_of_unit(unit) != 0 || unit == TimeUnit::kWeek || unit == TimeUnit::kDay ||
         (unit >= TimeUnit::kHour && unit <= TimeUnit::kMicrosecond);
}

bool is_of_months(TimeUnit unit) { return months_of_unit(unit) != 0; }

bool can_round_to(TimeUnit unit) { return can_add(unit) && unit != TimeUnit::kMicrosecond; }

int64_t extract_field(TimeUnit unit, TypeKind kind, int64_t value, const TimeZone& zone) {
  if (kind == TypeKind::kIntervalDayTime || kind == TypeKind::kIntervalYearMonth) {
    return extract_from_interval(unit, kind, value);
  }
  if (unit == TimeUnit::kEpoch) {  // of the moment, whatever the zone
    return kind == TypeKind::kDate ? value * (kMicrosPerDay / kMicrosPerSecond) : floor_divide(value, kMicrosPerSecond);
  }
  LocalTime time = local_time_of(kind, value, zone);
  return unit >= TimeUnit::kHour ? extract_from_micros(unit, time.micros_of_day) : extract_from_date(unit, time.days);
}

int64_t round_to_unit(TimeUnit unit, bool up, TypeKind kind, int64_t value, const TimeZone& zone) {
  LocalTime time = local_time_of(kind, value, zone);
  LocalTime floor = floor_local(unit, time, 0);
  bool exact = floor.days == time.days && floor.micros_of_day == time.micros_of_day;
  return physical_time(kind, up && !exact ? floor_local(unit, time, 1) : floor, zone);
}

std::optional<int64_t> moved_by_months(TypeKind kind, int64_t value, int64_t months, const TimeZone& zone) {
  if (months > kMonthsMax || months < -kMonthsMax) return std::nullopt;
  LocalTime time = local_time_of(kind, value, zone);
  time.days = types::add_months(time.days, months);
  int64_t year = civil_from_days(time.days).year;
  if (year < -290'000 || year > 294'000) return std::nullopt;
  return physical_time(kind, time, zone);
}

std::optional<int64_t> moved_by_units(TimeUnit unit, int64_t count, TypeKind kind, int64_t value,
                                      const TimeZone& zone) {
  if (int64_t months = months_of_unit(unit); months != 0) {
    if (count > kMonthsMax || count < -kMonthsMax) return std::nullopt;
    return moved_by_months(kind, value, count * months, zone);
  }
  // DATE counts days; its finer units have become timestamps before.
  int64_t unit_size = kind == TypeKind::kDate ? micros_of_unit(unit) / kMicrosPerDay : micros_of_unit(unit);
  if (kind == TypeKind::kTime) {  // it stays within its day
    const auto within_day = static_cast<int64_t>(static_cast<__int128>(count) * unit_size % kMicrosPerDay);
    return floor_modulo(value + within_day, kMicrosPerDay);
  }
  int64_t distance = 0;
  int64_t moved = 0;
  if (__builtin_mul_overflow(count, unit_size, &distance) || __builtin_add_overflow(value, distance, &moved)) {
    return std::nullopt;
  }
  constexpr int64_t kDaysMax = 106'000'000;
  if (kind == TypeKind::kDate && (moved > kDaysMax || moved < -kDaysMax)) return std::nullopt;
  return moved;
}

int64_t units_between(TimeUnit unit, int64_t from, int64_t to) {
  int64_t months = months_of_unit(unit);
  if (months == 0) return wrap_subtract(to, from) / micros_of_unit(unit);
  auto index_of = [](int64_t micros) { return month_index(civil_from_days(floor_divide(micros, kMicrosPerDay))); };
  int64_t between = index_of(to) - index_of(from);
  // A month is whole when `from` moved by it is not beyond `to`.
  int64_t from_days = floor_divide(from, kMicrosPerDay);
  int64_t of_day = floor_modulo(from, kMicrosPerDay);
  int64_t reached = wrap_add(wrap_multiply(types::add_months(from_days, between), kMicrosPerDay), of_day);
  if (between > 0 && reached > to) --between;
  if (between < 0 && reached < to) ++between;
  return between / months;
}

}  // namespace penstock::expr
