// Dates and times of day as numbers, in the proleptic Gregorian calendar, and their text forms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::types {

inline constexpr int64_t kMicrosPerMilli = 1000;
inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
inline constexpr int64_t kMicrosPerHour = 60 * kMicrosPerMinute;
inline constexpr int64_t kMicrosPerDay = 24 * kMicrosPerHour;

// Division towards minus infinity; `divisor` is positive.
constexpr int64_t floor_divide(int64_t dividend, int64_t divisor) {
  int64_t quotient = dividend / divisor;
  return dividend % divisor < 0 ? quotient - 1 : quotient;
}
// The remainder of floor_divide: 0 <= r < divisor.
constexpr int64_t floor_modulo(int64_t dividend, int64_t divisor) {
  int64_t remainder = dividend % divisor;
  return remainder < 0 ? remainder + divisor : remainder;
}

struct CivilDate {
  int64_t year;
  int month;  // 1..12
  int day;    // 1..31
  constexpr bool operator==(const CivilDate&) const = default;
};

constexpr bool is_leap_year(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }
constexpr int days_in_month(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays[month - 1];
}

// Days since 1970-01-01. Eras of 400 years that begin in March: Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms".
constexpr int64_t days_from_civil(CivilDate date) {
  int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  int64_t era = floor_divide(year, 400);
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}
constexpr CivilDate civil_from_days(int64_t days) {
  days += 719468;
  int64_t era = floor_divide(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * day_of_year + 2) / 153;
  int month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {.year = year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

// `days` since 1970-01-01 moved by whole months; the day is cut to the length of the month (January 31 plus one month
// is the end of February).
int64_t add_months(int64_t days, int64_t months);

// "2026-01-02".
void append_date(std::string& out, int64_t days);
// "03:04:05", with '.' and up to `precision` digits of fraction, without trailing zeros, when `precision` is not 0.
void append_time(std::string& out, int64_t micros_of_day, int precision);

// "2026-01-02", also "2026-01" and "2026"; what follows a space or 'T' is ignored as Flink's cast does.
Result<int64_t> date_from_text(std::string_view text);
// "03:04:05[.fff]", also "03:04" and "03". Microseconds since midnight.
Result<int64_t> time_from_text(std::string_view text);

}  // namespace penstock::types
