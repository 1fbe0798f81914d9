// Reading times by a pattern.
#include <algorithm>
#include <span>
#include <utility>

#include "base/ascii.h"
#include "expr/date_pattern.h"
#include "types/calendar.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

using date_names::kDays;
using date_names::kFullNameCount;
using date_names::kMonths;
using date_names::kNarrowNameCount;
using date_names::kShortNameBytes;
using types::CivilDate;
using types::Int128;
using types::kMicrosPerDay;
using types::kMicrosPerHour;
using types::kMicrosPerMilli;
using types::kMicrosPerMinute;
using types::kMicrosPerSecond;
using types::TimeZone;

// What a text may say of a time.
enum Field : uint8_t {
  kYear,
  kYearOfEra,
  kEra,  // 0: before Christ, 1
  kQuarter,
  kMonth,
  kDay,
  kDayOfYear,
  kWeekYear,
  kWeek,
  kWeekOfMonth,
  kWeekdayInMonth,  // the how many-th of its kind in the month
  kDayOfWeek,       // 1: Sunday
  kHalf,            // 0: before noon, 1
  kHour,            // 0 to 23
  kClockHour,       // 1 to 24
  kHalfHour,        // 0 to 11
  kHalfClockHour,   // 1 to 12
  kMinute,
  kSecond,
  kFraction,  // microseconds
  kMilliOfDay,
  kMicroOfDay,
  kFieldCount,
};

struct Fields {
  std::array<int64_t, kFieldCount> values{};
  uint32_t given = 0;
  std::optional<int64_t> offset_seconds;
  std::string_view zone_name;

  bool has(Field field) const { return (given >> field & 1) != 0; }
  int64_t get(Field field, int64_t otherwise) const { return has(field) ? values[field] : otherwise; }
  void set(Field field, int64_t value) {
    values[field] = value;
    given |= uint32_t{1} << field;
  }
};

int64_t days_of(int64_t year, int64_t month, int64_t day) {
  return types::days_from_civil({.year = year, .month = static_cast<int>(month), .day = 1}) + day - 1;
}

// --- a formatter's times ---

// What says more of a day than is needed must not say something else.
bool agree(const Fields& fields, int64_t days) {
  const CivilDate date = types::civil_from_days(days);
  const auto is = [&](Field field, int64_t value) { return fields.get(field, value) == value; };
  const int64_t first_of_month = days - date.day + 1;
  return is(kYear, date.year) && is(kMonth, date.month) && is(kQuarter, (date.month + 2) / 3) &&
         is(kDayOfYear, days - days_of(date.year, 1, 1) + 1) && is(kDayOfWeek, days_from_sunday(days) + 1) &&
         is(kWeekYear, week_date_of(days).year) && is(kWeek, week_date_of(days).week) &&
         is(kWeekOfMonth, (date.day - 1 + days_from_sunday(first_of_month)) / 7 + 1) &&
         is(kWeekdayInMonth, (date.day - 1) / 7 + 1);
}

// The day, as java.time resolves it: a 31st of a shorter month is its last day. A date that is not known as a whole is
// made of the parts that are, the others are those of 1970-01-01.
std::optional<int64_t> resolved_day(Fields& fields) {
  constexpr int64_t kYearMax = 999'999'999;
  if (fields.has(kYearOfEra)) {
    const int64_t year = fields.values[kYearOfEra];
    if (year < 1) return std::nullopt;
    const int64_t proleptic = fields.get(kEra, 1) == 1 ? year : 1 - year;
    if (fields.get(kYear, proleptic) != proleptic) return std::nullopt;
    fields.set(kYear, proleptic);
  }
  const int64_t year = fields.get(kYear, 1970);
  const int64_t month = fields.get(kMonth, 1);
  const int64_t day = fields.get(kDay, 1);
  if (year < -kYearMax || year > kYearMax || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
  const int length = types::days_in_month(year, static_cast<int>(month));
  std::optional<int64_t> days;
  if (fields.has(kYear) && fields.has(kMonth) && fields.has(kDay)) {
    days = days_of(year, month, std::min<int64_t>(day, length));
  } else if (fields.has(kYear) && fields.has(kDayOfYear)) {
    const int64_t of_year = fields.values[kDayOfYear];
    if (of_year < 1 || of_year > (types::is_leap_year(year) ? 366 : 365)) return std::nullopt;
    days = days_of(year, 1, of_year);
  } else if (fields.has(kWeekYear) && fields.has(kWeek) && fields.has(kDayOfWeek)) {
    constexpr int64_t kWeeksMax = 53;
    const int64_t week_year = fields.values[kWeekYear];
    if (week_year < -kYearMax || week_year > kYearMax) return std::nullopt;
    if (fields.values[kWeek] < 1 || fields.values[kWeek] > kWeeksMax) return std::nullopt;
    return first_week_of(week_year) + (fields.values[kWeek] - 1) * 7 + fields.values[kDayOfWeek] - 1;
  } else if (fields.has(kYear) && fields.has(kMonth) && fields.has(kWeekOfMonth) && fields.has(kDayOfWeek)) {
    const int64_t first = days_of(year, month, 1);
    days = first - days_from_sunday(first) + (fields.values[kWeekOfMonth] - 1) * 7 + fields.values[kDayOfWeek] - 1;
  }
  if (days) return agree(fields, *days) ? days : std::nullopt;
  if (day > length) return std::nullopt;
  return days_of(year, month, day);
}

// The time of day in microseconds; 24:00 is the next day.
std::optional<int64_t> resolved_time(const Fields& fields) {
  if (fields.has(kMicroOfDay) || fields.has(kMilliOfDay)) {
    const int64_t micros = fields.has(kMicroOfDay) ? fields.values[kMicroOfDay] : fields.values[kMilliOfDay];
    if (micros < 0 || micros >= kMicrosPerDay) return std::nullopt;
    return micros;
  }
  int64_t hour = fields.get(kHour, 0);
  if (fields.has(kClockHour)) {
    hour = fields.values[kClockHour];
    if (hour > 24) return std::nullopt;
    hour %= 24;
  }
  if (fields.has(kHalfClockHour) || fields.has(kHalfHour)) {
    const int64_t half_hour = fields.get(kHalfClockHour, fields.values[kHalfHour]);
    if (half_hour > (fields.has(kHalfClockHour) ? 12 : 11)) return std::nullopt;
    // Without AM or PM the hour is not known.
    if (fields.has(kHalf)) hour = half_hour % 12 + fields.values[kHalf] * 12;
  }
  const int64_t minute = fields.get(kMinute, 0);
  const int64_t second = fields.get(kSecond, 0);
  const int64_t fraction = fields.get(kFraction, 0);
  if (hour == 24 && minute == 0 && second == 0 && fraction == 0) return kMicrosPerDay;
  if (hour > 23 || minute > 59 || second > 59 || fraction >= kMicrosPerSecond) return std::nullopt;
  return hour * kMicrosPerHour + minute * kMicrosPerMinute + second * kMicrosPerSecond + fraction;
}

// --- a simple format's times ---

// What is too much for a month, day or hour is carried over. The numbers have at most kCarriedDigitsMax digits.
constexpr int kCarriedDigitsMax = 9;

int64_t carried_day(const Fields& fields) {
  int64_t year = fields.get(kYearOfEra, 1970);
  if (fields.get(kEra, 1) == 0) year = 1 - year;
  const int64_t weekday = fields.get(kDayOfWeek, 1);
  if (fields.has(kWeekYear)) {
    return first_week_of(fields.values[kWeekYear]) + (fields.get(kWeek, 1) - 1) * 7 + weekday - 1;
  }
  const int64_t months = fields.get(kMonth, 1) - 1;
  year += types::floor_divide(months, 12);
  const int64_t first = days_of(year, types::floor_modulo(months, 12) + 1, 1);
  if (fields.has(kDay)) return first + fields.values[kDay] - 1;
  if (fields.has(kWeekOfMonth)) {
    return first - days_from_sunday(first) + (fields.values[kWeekOfMonth] - 1) * 7 + weekday - 1;
  }
  if (fields.has(kWeekdayInMonth)) {
    const int64_t ahead = types::floor_modulo(weekday - 1 - days_from_sunday(first), 7);
    return first + ahead + (fields.values[kWeekdayInMonth] - 1) * 7;
  }
  if (fields.has(kDayOfYear)) return days_of(year, 1, fields.values[kDayOfYear]);
  if (fields.has(kWeek)) return first_week_of(year) + (fields.values[kWeek] - 1) * 7 + weekday - 1;
  return first;
}

std::optional<int64_t> carried_time(const Fields& fields) {
  int64_t hour = fields.get(kHour, 0);
  if (fields.has(kClockHour)) hour = fields.values[kClockHour] == 24 ? 0 : fields.values[kClockHour];
  if (fields.has(kHalfClockHour) || fields.has(kHalfHour)) {
    hour = fields.get(kHalfHour, 0);
    if (fields.has(kHalfClockHour)) hour = fields.values[kHalfClockHour] == 12 ? 0 : fields.values[kHalfClockHour];
    hour += fields.get(kHalf, 0) * 12;
  }
  const Int128 local = Int128{carried_day(fields)} * kMicrosPerDay + Int128{hour} * kMicrosPerHour +
                       Int128{fields.get(kMinute, 0)} * kMicrosPerMinute +
                       Int128{fields.get(kSecond, 0)} * kMicrosPerSecond + fields.get(kFraction, 0);
  // So that there is room for a zone's offset.
  constexpr int64_t kFarthest = INT64_MAX - kMicrosPerDay;
  if (local > kFarthest || local < -kFarthest) return std::nullopt;
  return static_cast<int64_t>(local);
}

}  // namespace

// One reading of a text. Cheap to copy, which is how an optional section is tried.
class PatternReader {
 public:
  PatternReader(const DatePattern& pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  // Reads the parts from `at` until `end`.
  bool read(size_t at, size_t end) {
    for (; at < end; ++at) {
      const DatePattern::Part& part = pattern_.parts_[at];
      if (part.letter == '[') {
        PatternReader section = *this;
        if (section.read(at + 1, part.end)) {
          text_ = section.text_;
          fields_ = section.fields_;
        }
        at = part.end;
      } else if (part.letter == 0) {
        if (!text_.starts_with(part.text)) return false;
        text_.remove_prefix(part.text.size());
      } else if (!read_field(part)) {
        return false;
      }
    }
    return true;
  }

  bool at_end() const { return text_.empty(); }

  std::optional<DatePattern::Time> time() {
    DatePattern::Time time;
    if (is_formatter()) {
      const std::optional<int64_t> days = resolved_day(fields_);
      const std::optional<int64_t> of_day = resolved_time(fields_);
      constexpr int64_t kDaysMax = INT64_MAX / kMicrosPerDay - 2;
      if (!days || !of_day || *days > kDaysMax || *days < -kDaysMax) return std::nullopt;
      time.local_us = *days * kMicrosPerDay + *of_day;
    } else {
      const std::optional<int64_t> local = carried_time(fields_);
      if (!local) return std::nullopt;
      time.local_us = *local;
    }
    if (fields_.offset_seconds) {
      time.utc_us = time.local_us - *fields_.offset_seconds * kMicrosPerSecond;
    } else if (!fields_.zone_name.empty()) {
      Result<const TimeZone*> zone = TimeZone::find(fields_.zone_name);
      if (zone) time.utc_us = (*zone)->from_local(time.local_us);
    }
    return time;
  }

 private:
  bool is_formatter() const { return pattern_.rules_ == PatternRules::kFormatter; }

  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  // A formatter takes the same field twice where it says the same.
  bool set(Field field, int64_t value) {
    if (is_formatter() && fields_.get(field, value) != value) return false;
    fields_.set(field, value);
    return true;
  }

  size_t count_digits(size_t most) const {
    size_t digits = 0;
    while (digits < most && digits < text_.size() && is_digit(text_[digits])) ++digits;
    return digits;
  }

  // Reads the digits of a number; `sign` says whether '-' may stand before them, and '+' before more digits than
  // letters.
  bool read_number(const DatePattern::Part& part, bool sign, int64_t& value) {
    bool negative = false;
    auto least = static_cast<size_t>(part.digits_min);
    auto most = static_cast<size_t>(part.digits_max + part.digits_behind);
    if (sign && text_.starts_with('-')) {
      negative = true;
      take('-');
    } else if (sign && part.count >= kFullNameCount && text_.starts_with('+')) {
      take('+');
      least = static_cast<size_t>(part.count) + 1;
      most = DatePattern::kDigitsMax;
    }
    size_t digits = count_digits(most);
    if (part.digits_behind > 0) {
      const auto behind = static_cast<size_t>(part.digits_behind);
      digits = std::max(least, digits - std::min(digits, behind));
      if (digits > count_digits(digits)) return false;
    }
    if (digits < least || digits == 0) return false;
    value = 0;
    for (char c : text_.substr(0, digits)) {
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value)) return false;
    }
    if (!is_formatter() && digits > kCarriedDigitsMax) return false;
    if (negative) value = -value;
    text_.remove_prefix(digits);
    return true;
  }

  bool read_number_of(const DatePattern::Part& part, Field field) {
    int64_t value = 0;
    return read_number(part, false, value) && set(field, value);
  }

  bool read_year(const DatePattern::Part& part, Field field) {
    const size_t before = text_.size();
    int64_t value = 0;
    if (!read_number(part, is_formatter() && part.count != 2, value)) return false;
    if (is_formatter()) return set(field, part.count == 2 ? value + 2000 : value);
    if (part.count <= 2 && before - text_.size() == 2) {
      // The year of these two digits in the hundred years from the first one on.
      const int64_t first = pattern_.first_two_digit_year_;
      value += first - types::floor_modulo(first, 100);
      if (value < first) value += 100;
    }
    return set(field, value);
  }

  bool take_name(std::string_view name) {
    const std::string_view start = text_.substr(0, name.size());
    if (is_formatter() ? start != name : !equal_ignoring_case(start, name)) return false;
    text_.remove_prefix(name.size());
    return true;
  }

  // A formatter takes the form that its letters give, a simple format the whole name or its first letters.
  bool read_name(std::span<const std::string_view> names, int count, size_t& index) {
    for (index = 0; index < names.size(); ++index) {
      const std::string_view name = names[index];
      const bool narrow = is_formatter() && count == kNarrowNameCount;
      if (narrow && take_name(name.substr(0, 1))) return true;
      if (narrow) continue;
      if ((!is_formatter() || count == kFullNameCount) && take_name(name)) return true;
      if ((!is_formatter() || count < kFullNameCount) && take_name(name.substr(0, kShortNameBytes))) return true;
    }
    return false;
  }

  bool read_day_name(int count) {
    size_t index = 0;
    return read_name(kDays, count, index) && set(kDayOfWeek, static_cast<int64_t>(index + 1) % 7 + 1);
  }

  bool read_half() {
    const bool afternoon = take_name("PM");
    return (afternoon || take_name("AM")) && set(kHalf, afternoon ? 1 : 0);
  }

  bool read_era(int count) {
    constexpr std::array<std::string_view, 2> kShort = {"BC", "AD"};
    constexpr std::array<std::string_view, 2> kLong = {"Before Christ", "Anno Domini"};
    constexpr std::array<std::string_view, 2> kNarrow = {"B", "A"};
    const bool formatter = is_formatter();
    const auto& names = formatter && count == kFullNameCount     ? kLong
                        : formatter && count == kNarrowNameCount ? kNarrow
                                                                 : kShort;
    for (size_t i = 0; i < names.size(); ++i) {
      if (take_name(names[i])) return set(kEra, static_cast<int64_t>(i));
    }
    return false;
  }

  bool read_quarter(const DatePattern::Part& part) {
    if (part.count <= 2) return read_number_of(part, kQuarter);
    if (part.count == 3 && !take('Q')) return false;
    if (text_.empty() || text_[0] < '1' || text_[0] > '4') return false;
    const int64_t quarter = text_[0] - '0';
    constexpr std::array<std::string_view, 4> kNames = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    if (part.count == kFullNameCount) {
      if (!take_name(kNames[static_cast<size_t>(quarter - 1)])) return false;
    } else {
      text_.remove_prefix(1);
    }
    return set(kQuarter, quarter);
  }

  // A formatter reads the digits of a fraction, a simple format a number of milliseconds.
  bool read_fraction(const DatePattern::Part& part) {
    int64_t value = 0;
    if (!read_number(part, false, value)) return false;
    if (!is_formatter()) return set(kFraction, value * kMicrosPerMilli);
    for (int digits = part.count; digits < 6; ++digits) value *= 10;
    for (int digits = 6; digits < part.count; ++digits) value /= 10;
    return set(kFraction, value);
  }

  // A number that is a multiple, or a fraction, of microseconds.
  bool read_micros(const DatePattern::Part& part, Field field, int64_t factor, int64_t divisor) {
    int64_t value = 0;
    return read_number(part, false, value) && !__builtin_mul_overflow(value, factor, &value) &&
           set(field, value / divisor);
  }

  bool take_two_digits(int64_t& value) {
    if (count_digits(2) < 2) return false;
    value = (text_[0] - '0') * 10 + (text_[1] - '0');
    text_.remove_prefix(2);
    return true;
  }

  // "+01", "+0130", "+01:30:15": minutes from `parts` = 2 on, or where they are there. What is none is not taken.
  bool read_offset(bool colon, int parts) {
    const std::string_view before = text_;
    if (take_offset(colon, parts)) return true;
    text_ = before;
    return false;
  }
  bool take_offset(bool colon, int parts) {
    const bool negative = text_.starts_with('-');
    if (!negative && !text_.starts_with('+')) return false;
    text_.remove_prefix(1);
    std::array<int64_t, 3> values{};
    if (!take_two_digits(values[0])) return false;
    for (size_t i = 1; i < values.size(); ++i) {
      const std::string_view before = text_;
      if ((!colon || take(':')) && take_two_digits(values[i])) continue;
      text_ = before;
      if (static_cast<int>(i) < parts) return false;
      break;
    }
    if (values[1] > 59 || values[2] > 59) return false;
    return set_offset(values[0] * 3600 + values[1] * 60 + values[2], negative);
  }

  // "GMT", "GMT+1", "GMT+01:30".
  bool read_localized_offset() {
    if (!take_name("GMT") && !take_name("UTC")) return false;
    fields_.offset_seconds = 0;
    if (!text_.starts_with('+') && !text_.starts_with('-')) return true;
    const bool negative = text_[0] == '-';
    text_.remove_prefix(1);
    const size_t digits = count_digits(2);
    if (digits == 0) return false;
    int64_t seconds = 0;
    for (char c : text_.substr(0, digits)) seconds = seconds * 10 + (c - '0');
    text_.remove_prefix(digits);
    seconds *= 3600;
    int64_t minutes = 0;
    const std::string_view before = text_;
    take(':');
    if (take_two_digits(minutes)) {
      if (minutes > 59) return false;
      seconds += minutes * 60;
    } else {
      text_ = before;
    }
    return set_offset(seconds, negative);
  }

  // A formatter takes 18 hours at most, a simple format what is less than a day.
  bool set_offset(int64_t seconds, bool negative) {
    if (seconds > (is_formatter() ? 18 * 3600 : 24 * 3600 - 1)) return false;
    fields_.offset_seconds = negative ? -seconds : seconds;
    return true;
  }

  // All that may be a name of a zone.
  bool read_zone_name() {
    if (text_.starts_with("GMT") || text_.starts_with("UTC")) return read_localized_offset();
    size_t size = 0;
    const auto is_part = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '/' || c == '_' || c == '-';
    };
    constexpr size_t kNameBytesMax = 64;
    while (size < text_.size() && size < kNameBytesMax && is_part(text_[size])) ++size;
    const std::string_view name = summer_name(text_.substr(0, size));
    if (!TimeZone::find(name)) return false;
    fields_.zone_name = name;
    text_.remove_prefix(size);
    return true;
  }

  // Where clocks are put forward zones have other names: those of their summer.
  static std::string_view summer_name(std::string_view name) {
    static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
        {"PDT", "America/Los_Angeles"}, {"MDT", "America/Denver"}, {"CDT", "America/Chicago"},
        {"EDT", "America/New_York"},    {"CEST", "Europe/Berlin"}, {"EEST", "Europe/Athens"},
        {"WEST", "Europe/Lisbon"},
    };
    const auto* found = std::ranges::find(kNames, name, &std::pair<std::string_view, std::string_view>::first);
    return found == std::end(kNames) ? name : found->second;
  }

  bool read_zone(const DatePattern::Part& part) {
    const int count = part.count;
    if (!is_formatter() && part.letter != 'X') {
      return read_offset(false, 2) || read_zone_name();
    }
    const bool zero = part.letter == 'X' || (part.letter == 'Z' && count == 5);
    if (zero && take('Z')) {
      fields_.offset_seconds = 0;
      return true;
    }
    switch (part.letter) {
      case 'X':
      case 'x': return read_offset(count == 3 || count == 5, count == 1 ? 1 : 2);
      case 'Z': return count == 4 ? read_localized_offset() : read_offset(count == 5, 2);
      case 'O': return read_localized_offset();
      default: return read_offset(true, 1) || read_zone_name();
    }
  }

  bool read_field(const DatePattern::Part& part) {
    size_t index = 0;
    if (!is_formatter()) {
      // A count that ends the number counts the spaces before it, too.
      text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
    }
    switch (part.letter) {
      case 'G': return read_era(part.count);
      case 'u': return is_formatter() ? read_year(part, kYear) : read_iso_day(part);
      case 'y': return read_year(part, kYearOfEra);
      case 'Y': return read_year(part, kWeekYear);
      case 'Q':
      case 'q': return read_quarter(part);
      case 'M':
      case 'L':
        if (part.count <= 2) return read_number_of(part, kMonth);
        return read_name(kMonths, part.count, index) && set(kMonth, static_cast<int64_t>(index + 1));
      case 'w': return read_number_of(part, kWeek);
      case 'W': return read_number_of(part, kWeekOfMonth);
      case 'D': return read_number_of(part, kDayOfYear);
      case 'd': return read_number_of(part, kDay);
      case 'F': return read_number_of(part, kWeekdayInMonth);
      case 'E': return read_day_name(part.count);
      case 'e':
      case 'c': return part.count <= 2 ? read_number_of(part, kDayOfWeek) : read_day_name(part.count);
      case 'a': return read_half();
      case 'H': return read_number_of(part, kHour);
      case 'k': return read_number_of(part, kClockHour);
      case 'K': return read_number_of(part, kHalfHour);
      case 'h': return read_number_of(part, kHalfClockHour);
      case 'm': return read_number_of(part, kMinute);
      case 's': return read_number_of(part, kSecond);
      case 'S': return read_fraction(part);
      case 'A': return read_micros(part, kMilliOfDay, kMicrosPerMilli, 1);
      case 'n': return read_micros(part, kFraction, 1, 1000);
      case 'N': return read_micros(part, kMicroOfDay, 1, 1000);
      default: return read_zone(part);
    }
  }

  // 1 for Monday.
  bool read_iso_day(const DatePattern::Part& part) {
    int64_t day = 0;
    return read_number(part, false, day) && set(kDayOfWeek, day % 7 + 1);
  }

  const DatePattern& pattern_;
  std::string_view text_;
  Fields fields_;
};

std::optional<DatePattern::Time> DatePattern::parse(std::string_view text) const {
  PatternReader reader(*this, text);
  if (!reader.read(0, parts_.size())) return std::nullopt;
  if (rules_ == PatternRules::kFormatter && !reader.at_end()) return std::nullopt;
  return reader.time();
}

}  // namespace penstock::expr
