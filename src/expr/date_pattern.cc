#include "expr/date_pattern.h"

#include <algorithm>
#include <array>

#include "types/calendar.h"

namespace penstock::expr {

namespace {

using types::CivilDate;
using types::floor_divide;
using types::floor_modulo;
using types::kMicrosPerDay;
using types::kMicrosPerSecond;

constexpr std::string_view kLetters = "yuMdDEHhmsSa";
constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
// So long names are written and read in full; shorter ones by their first three letters.
constexpr int kFullNameCount = 4;
constexpr size_t kShortNameBytes = 3;

void append_number(std::string& out, int64_t value, int digits) {
  char text[24];
  size_t at = sizeof text;
  uint64_t rest = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  for (; rest != 0 || digits > 0; rest /= 10, --digits) text[--at] = static_cast<char>('0' + rest % 10);
  if (value < 0) text[--at] = '-';
  out.append(text + at, sizeof text - at);
}

// Reads between `low` and `high` digits.
bool read_digits(std::string_view& text, int low, int high, int64_t& value) {
  int digits = 0;
  value = 0;
  while (digits < high && !text.empty() && text[0] >= '0' && text[0] <= '9') {
    value = value * 10 + (text[0] - '0');
    text.remove_prefix(1);
    ++digits;
  }
  return digits >= low;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

template <size_t n>
bool read_name(std::string_view& text, const std::array<std::string_view, n>& names, int count, int64_t& index) {
  for (size_t i = 0; i < n; ++i) {
    std::string_view name = count >= kFullNameCount ? names[i] : names[i].substr(0, kShortNameBytes);
    if (same_ignoring_case(text.substr(0, name.size()), name)) {
      text.remove_prefix(name.size());
      index = static_cast<int64_t>(i);
      return true;
    }
  }
  return false;
}

// The fields that a text gives.
struct Fields {
  int64_t year = 1970;
  int64_t month = 1;
  int64_t day = 1;
  int64_t day_of_year = 0;  // 0: not given
  int64_t hour = 0;
  int64_t half_day_hour = -1;  // -1: not given
  int64_t minute = 0;
  int64_t second = 0;
  int64_t micros = 0;
  bool afternoon = false;
};

bool read_fraction(std::string_view& text, int count, int64_t& micros) {
  int64_t value = 0;
  if (!read_digits(text, count, count, value)) return false;
  for (int digits = count; digits < 6; ++digits) value *= 10;
  for (int digits = 6; digits < count; ++digits) value /= 10;
  micros = value;
  return true;
}

bool read_field(char letter, int count, std::string_view& text, Fields& fields) {
  int low = count;
  int high = std::max(count, 2);
  int64_t index = 0;
  switch (letter) {
    case 'y':
    case 'u': {
      if (!read_digits(text, low, std::max(count, count == 2 ? 2 : 4), fields.year)) return false;
      if (count == 2) fields.year += 2000;
      return true;
    }
    case 'M':
      if (count <= 2) return read_digits(text, low, high, fields.month);
      if (!read_name(text, kMonths, count, index)) return false;
      fields.month = index + 1;
      return true;
    case 'd': return read_digits(text, low, high, fields.day);
    case 'D': return read_digits(text, low, 3, fields.day_of_year) && fields.day_of_year > 0;
    case 'E': return read_name(text, kDays, count, index);
    case 'H': return read_digits(text, low, high, fields.hour);
    case 'h': return read_digits(text, low, high, fields.half_day_hour);
    case 'm': return read_digits(text, low, high, fields.minute);
    case 's': return read_digits(text, low, high, fields.second);
    case 'S': return read_fraction(text, count, fields.micros);
    default: {
      bool afternoon = same_ignoring_case(text.substr(0, 2), "PM");
      if (!afternoon && !same_ignoring_case(text.substr(0, 2), "AM")) return false;
      fields.afternoon = afternoon;
      text.remove_prefix(2);
      return true;
    }
  }
}

std::optional<int64_t> micros_of(Fields fields) {
  if (fields.half_day_hour >= 0) {
    if (fields.half_day_hour < 1 || fields.half_day_hour > 12) return std::nullopt;
    fields.hour = fields.half_day_hour % 12 + (fields.afternoon ? 12 : 0);
  }
  if (fields.month < 1 || fields.month > 12 || fields.hour > 23 || fields.minute > 59 || fields.second > 59) {
    return std::nullopt;
  }
  CivilDate date{.year = fields.year, .month = static_cast<int>(fields.month), .day = static_cast<int>(fields.day)};
  int64_t days = 0;
  if (fields.day_of_year > 0) {
    if (fields.day_of_year > (types::is_leap_year(date.year) ? 366 : 365)) return std::nullopt;
    days = types::days_from_civil({.year = date.year, .month = 1, .day = 1}) + fields.day_of_year - 1;
  } else {
    if (date.day < 1 || date.day > types::days_in_month(date.year, date.month)) return std::nullopt;
    days = types::days_from_civil(date);
  }
  return days * kMicrosPerDay + (fields.hour * 3600 + fields.minute * 60 + fields.second) * kMicrosPerSecond +
         fields.micros;
}

}  // namespace

Result<DatePattern> DatePattern::compile(std::string_view pattern) {
  constexpr size_t kFractionDigitsMax = 9;
  constexpr size_t kFieldDigitsMax = 5;
  DatePattern compiled;
  auto add_literal = [&](std::string_view text) {
    if (compiled.parts_.empty() || compiled.parts_.back().letter != 0) compiled.parts_.push_back({0, 0, ""});
    compiled.parts_.back().text += text;
  };
  for (size_t at = 0; at < pattern.size();) {
    char c = pattern[at];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c == '\'') {
      size_t end = pattern.find('\'', at + 1);
      if (end == pattern.npos) return invalid_argument("the pattern '{}' has a quote that is not closed", pattern);
      add_literal(end == at + 1 ? "'" : pattern.substr(at + 1, end - at - 1));
      at = end + 1;
      continue;
    }
    if (!is_letter) {
      add_literal(pattern.substr(at, 1));
      ++at;
      continue;
    }
    size_t end = std::min(pattern.find_first_not_of(c, at), pattern.size());
    size_t count = end - at;
    if (kLetters.find(c) == kLetters.npos || count > (c == 'S' ? kFractionDigitsMax : kFieldDigitsMax)) {
      return invalid_argument("the pattern '{}' has '{}', which is not supported", pattern, pattern.substr(at, count))
          .hint("letters are y M d D E H h m s S a; other text stands in single quotes");
    }
    compiled.parts_.push_back({c, static_cast<int>(count), ""});
    at = end;
  }
  return compiled;
}

void DatePattern::format(int64_t local_micros, std::string& out) const {
  int64_t days = floor_divide(local_micros, kMicrosPerDay);
  int64_t of_day = floor_modulo(local_micros, kMicrosPerDay);
  CivilDate date = types::civil_from_days(days);
  int64_t seconds = of_day / kMicrosPerSecond;
  for (const Part& part : parts_) {
    switch (part.letter) {
      case 0: out += part.text; break;
      case 'y':
      case 'u': append_number(out, part.count == 2 ? floor_modulo(date.year, 100) : date.year, part.count); break;
      case 'M': {
        std::string_view name = kMonths[static_cast<size_t>(date.month - 1)];
        if (part.count <= 2) {
          append_number(out, date.month, part.count);
        } else {
          out += part.count >= kFullNameCount ? name : name.substr(0, kShortNameBytes);
        }
        break;
      }
      case 'd': append_number(out, date.day, part.count); break;
      case 'D':
        append_number(out, days - types::days_from_civil({.year = date.year, .month = 1, .day = 1}) + 1, part.count);
        break;
      case 'E': {
        std::string_view name = kDays[static_cast<size_t>(floor_modulo(days + 3, 7))];
        out += part.count >= kFullNameCount ? name : name.substr(0, kShortNameBytes);
        break;
      }
      case 'H': append_number(out, seconds / 3600, part.count); break;
      case 'h': append_number(out, (seconds / 3600 + 11) % 12 + 1, part.count); break;
      case 'm': append_number(out, seconds / 60 % 60, part.count); break;
      case 's': append_number(out, seconds % 60, part.count); break;
      case 'S': {
        size_t begin = out.size();
        append_number(out, of_day % kMicrosPerSecond, 6);
        out.resize(begin + static_cast<size_t>(part.count), '0');
        break;
      }
      default: out += seconds < 12 * 3600 ? "AM" : "PM"; break;
    }
  }
}

std::optional<int64_t> DatePattern::parse(std::string_view text) const {
  Fields fields;
  for (const Part& part : parts_) {
    if (part.letter == 0) {
      if (!text.starts_with(part.text)) return std::nullopt;
      text.remove_prefix(part.text.size());
    } else if (!read_field(part.letter, part.count, text, fields)) {
      return std::nullopt;
    }
  }
  if (!text.empty()) return std::nullopt;
  return micros_of(fields);
}

}  // namespace penstock::expr
