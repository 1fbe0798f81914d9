#include "types/calendar.h"

#include <algorithm>

#include "types/text_scanner.h"
#include "types/value.h"

namespace penstock::types {

namespace {

// Years that microseconds since 1970 can hold, with room at both ends.
constexpr int64_t kYearMax = 294'246;
constexpr int64_t kYearMin = -290'307;
// What is finer than microseconds is not held.
constexpr int kFractionDigits = 6;

void append_digits(std::string& out, int64_t value, int width) {
  char digits[20];
  int at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
    --width;
  } while (value != 0 || width > 0);
  out.append(digits + at, sizeof digits - at);
}

void append_clock(std::string& out, int64_t seconds) {
  append_digits(out, seconds / 3600, 2);
  out += ':';
  append_digits(out, seconds / 60 % 60, 2);
  out += ':';
  append_digits(out, seconds % 60, 2);
}

// "yyyy[-MM[-dd]]". Months and days may have one digit.
bool scan_date(TextScanner& in, CivilDate& date) {
  bool negative = in.accept('-');
  date = {.year = 0, .month = 1, .day = 1};
  if (!in.number(1, 6, date.year)) return false;
  if (negative) date.year = -date.year;
  int64_t month = 1;
  int64_t day = 1;
  if (in.accept('-')) {
    if (!in.number(1, 2, month)) return false;
    if (in.accept('-') && !in.number(1, 2, day)) return false;
  }
  if (date.year < kYearMin || date.year > kYearMax || month < 1 || month > 12) return false;
  date.month = static_cast<int>(month);
  date.day = static_cast<int>(day);
  return day >= 1 && day <= days_in_month(date.year, date.month);
}

// "HH[:mm[:ss[.fffffffff]]]"; digits after the sixth are dropped.
bool scan_time(TextScanner& in, int64_t& micros) {
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction = 0;
  if (!in.number(1, 2, hour)) return false;
  if (in.accept(':')) {
    if (!in.number(1, 2, minute)) return false;
    if (in.accept(':')) {
      if (!in.number(1, 2, second)) return false;
      if (in.accept('.') && !in.fraction(9, fraction)) return false;
    }
  }
  micros = hour * kMicrosPerHour + minute * kMicrosPerMinute + second * kMicrosPerSecond + fraction;
  return hour < 24 && minute < 60 && second < 60;
}

// "Z", "+01", "+01:00", "+0100".
bool scan_offset(TextScanner& in, int64_t& offset_us) {
  offset_us = 0;
  if (in.accept('Z') || in.accept('z')) return true;
  bool negative = in.peek() == '-';
  if (!in.accept('+') && !in.accept('-')) return false;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!in.number(2, 2, hours)) return false;
  if (in.accept(':') || !in.at_end()) {
    if (!in.number(2, 2, minutes)) return false;
  }
  if (hours > 18 || minutes > 59) return false;
  offset_us = hours * kMicrosPerHour + minutes * kMicrosPerMinute;
  if (negative) offset_us = -offset_us;
  return true;
}

// Two digits at `text`, or a number above 99.
unsigned two_digits(const char* text) {
  unsigned high = static_cast<unsigned char>(text[0]) - unsigned{'0'};
  unsigned low = static_cast<unsigned char>(text[1]) - unsigned{'0'};
  return high > 9 || low > 9 ? 100 : high * 10 + low;
}

// "yyyy-MM-dd HH:mm:ss[.fff]" (or with 'T') with every digit in its place, as machines write it; false for any other
// form, which the scanner then looks at.
bool fixed_timestamp(std::string_view text, int64_t& micros) {
  constexpr size_t kSecondsEnd = 19;
  constexpr size_t kFractionEnd = kSecondsEnd + 1 + kFractionDigits;
  const char* t = text.data();
  if (text.size() < kSecondsEnd || text.size() > kFractionEnd || text.size() == kSecondsEnd + 1) return false;
  if (t[4] != '-' || t[7] != '-' || (t[10] != ' ' && t[10] != 'T') || t[13] != ':' || t[16] != ':') return false;
  unsigned century = two_digits(t);
  unsigned year = two_digits(t + 2);
  unsigned month = two_digits(t + 5);
  unsigned day = two_digits(t + 8);
  unsigned hour = two_digits(t + 11);
  unsigned minute = two_digits(t + 14);
  unsigned second = two_digits(t + 17);
  if (century > 99 || year > 99 || month - 1 > 11 || hour > 23 || minute > 59 || second > 59) return false;
  CivilDate date{.year = century * 100 + year, .month = static_cast<int>(month), .day = static_cast<int>(day)};
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) return false;
  int64_t fraction = 0;
  if (text.size() > kSecondsEnd) {
    if (t[kSecondsEnd] != '.') return false;
    int64_t unit = 100'000;
    for (size_t i = kSecondsEnd + 1; i < text.size(); ++i, unit /= 10) {
      unsigned digit = static_cast<unsigned char>(t[i]) - unsigned{'0'};
      if (digit > 9) return false;
      fraction += digit * unit;
    }
  }
  int64_t seconds = hour * 3600 + minute * 60 + second;
  micros = days_from_civil(date) * kMicrosPerDay + seconds * kMicrosPerSecond + fraction;
  return true;
}

}  // namespace

int64_t add_months(int64_t days, int64_t months) {
  CivilDate date = civil_from_days(days);
  int64_t month_index = date.year * 12 + (date.month - 1) + months;
  CivilDate moved{.year = floor_divide(month_index, 12),
                  .month = static_cast<int>(floor_modulo(month_index, 12)) + 1,
                  .day = date.day};
  moved.day = std::min(moved.day, days_in_month(moved.year, moved.month));
  return days_from_civil(moved);
}

void append_date(std::string& out, int64_t days) {
  CivilDate date = civil_from_days(days);
  if (date.year < 0) out += '-';
  append_digits(out, date.year < 0 ? -date.year : date.year, 4);
  out += '-';
  append_digits(out, date.month, 2);
  out += '-';
  append_digits(out, date.day, 2);
}

void append_time(std::string& out, int64_t micros_of_day, int precision) {
  append_clock(out, micros_of_day / kMicrosPerSecond);
  if (precision == 0) return;
  out += '.';
  int64_t fraction = micros_of_day % kMicrosPerSecond;
  for (int64_t unit = 100'000; precision > 0 && unit > 0; unit /= 10, --precision) {
    out += static_cast<char>('0' + fraction / unit);
    fraction %= unit;
    if (fraction == 0) break;
  }
}

void append_timestamp(std::string& out, int64_t microseconds, int precision) {
  int64_t days = floor_divide(microseconds, kMicrosPerDay);
  int64_t of_day = floor_modulo(microseconds, kMicrosPerDay);
  append_date(out, days);
  out += ' ';
  append_clock(out, of_day / kMicrosPerSecond);
  if (precision == 0) return;
  out += '.';
  std::string digits;
  append_digits(digits, of_day % kMicrosPerSecond, kFractionDigits);
  out.append(digits, 0, static_cast<size_t>(std::min(precision, kFractionDigits)));
  if (precision > kFractionDigits) out.append(static_cast<size_t>(precision - kFractionDigits), '0');
}

Result<int64_t> date_from_text(std::string_view text) {
  TextScanner in(text);
  CivilDate date{};
  if (!scan_date(in, date) || (!in.at_end() && in.peek() != ' ' && in.peek() != 'T')) {
    return invalid_argument("cannot read '{}' as DATE", excerpt(text));
  }
  return days_from_civil(date);
}

Result<int64_t> time_from_text(std::string_view text) {
  TextScanner in(text);
  int64_t micros = 0;
  if (!scan_time(in, micros) || !in.at_end()) return invalid_argument("cannot read '{}' as TIME", excerpt(text));
  return micros;
}

Result<int64_t> timestamp_from_text(std::string_view text, bool zone_allowed) {
  int64_t micros = 0;
  if (fixed_timestamp(zone_allowed && text.ends_with('Z') ? text.substr(0, text.size() - 1) : text, micros)) {
    return micros;
  }
  TextScanner in(text);
  CivilDate date{};
  int64_t of_day = 0;
  int64_t offset_us = 0;
  bool negative = !text.empty() && text[0] == '-';
  size_t dashes =
      static_cast<size_t>(std::count(text.begin(), text.begin() + std::min<ptrdiff_t>(text.size(), 11), '-'));
  bool ok = dashes >= (negative ? 3U : 2U) && scan_date(in, date);
  if (ok && !in.at_end()) {
    ok = (in.accept(' ') || in.accept('T')) && scan_time(in, of_day);
    if (ok && zone_allowed && !in.at_end()) {
      in.accept(' ');
      ok = scan_offset(in, offset_us);
    }
  }
  if (!ok || !in.at_end()) {
    return invalid_argument("cannot read '{}' as a timestamp (expected 'yyyy-MM-dd HH:mm:ss[.fff]'{})", excerpt(text),
                            zone_allowed ? ", with an optional 'Z' or offset" : "");
  }
  return days_from_civil(date) * kMicrosPerDay + of_day - offset_us;
}

}  // namespace penstock::types
