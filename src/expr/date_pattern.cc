#include "expr/date_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <span>

#include "base/ascii.h"
#include "types/calendar.h"

namespace penstock::expr {

namespace {

using date_names::kDays;
using date_names::kFullNameCount;
using date_names::kMonths;
using date_names::kNarrowNameCount;
using date_names::kShortNameBytes;
using types::CivilDate;
using types::floor_divide;
using types::floor_modulo;
using types::kMicrosPerDay;
using types::kMicrosPerMilli;
using types::kMicrosPerSecond;
using types::TimeZone;

constexpr int kAnyCount = 1 << 16;

// What a letter means, and how often it may stand in a row. A second line of a letter begins with the count at which
// the first one ends.
struct Letter {
  char letter;
  int least;
  int most;
};
constexpr Letter kFormatterLetters[] = {
    {'G', 1, 5}, {'u', 1, 19}, {'y', 1, 19}, {'D', 1, 3}, {'M', 1, 5},  {'L', 1, 5},  {'d', 1, 2},
    {'Q', 1, 5}, {'q', 1, 5},  {'Y', 1, 19}, {'w', 1, 2}, {'W', 1, 1},  {'E', 1, 5},  {'e', 1, 5},
    {'c', 1, 1}, {'c', 3, 5},  {'F', 1, 1},  {'a', 1, 1}, {'h', 1, 2},  {'K', 1, 2},  {'k', 1, 2},
    {'H', 1, 2}, {'m', 1, 2},  {'s', 1, 2},  {'S', 1, 9}, {'A', 1, 19}, {'n', 1, 19}, {'N', 1, 19},
    {'V', 2, 2}, {'z', 1, 3},  {'O', 1, 1},  {'O', 4, 4}, {'X', 1, 5},  {'x', 1, 5},  {'Z', 1, 5},
};
constexpr Letter kSimpleFormatLetters[] = {
    {'G', 1, kAnyCount}, {'y', 1, kAnyCount}, {'Y', 1, kAnyCount}, {'M', 1, kAnyCount}, {'L', 1, kAnyCount},
    {'w', 1, kAnyCount}, {'W', 1, kAnyCount}, {'D', 1, kAnyCount}, {'d', 1, kAnyCount}, {'F', 1, kAnyCount},
    {'E', 1, kAnyCount}, {'u', 1, kAnyCount}, {'a', 1, kAnyCount}, {'H', 1, kAnyCount}, {'k', 1, kAnyCount},
    {'K', 1, kAnyCount}, {'h', 1, kAnyCount}, {'m', 1, kAnyCount}, {'s', 1, kAnyCount}, {'S', 1, kAnyCount},
    {'z', 1, 3},         {'Z', 1, kAnyCount}, {'X', 1, 3},
};
constexpr std::string_view kZoneLetters = "VzOXxZ";
// Letters that are numbers however often they stand; the others that may be are names from three on.
constexpr std::string_view kNumberLetters = "uyDdYwWFhKkHmsSAnN";
constexpr std::string_view kNumberOrNameLetters = "MLQqec";

void append_number(std::string& out, int64_t value, int digits) {
  char text[32];
  size_t at = sizeof text;
  uint64_t rest = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  do {
    text[--at] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (value < 0) out += '-';
  const auto written = static_cast<int>(sizeof text - at);
  if (digits > written) out.append(static_cast<size_t>(digits - written), '0');
  out.append(text + at, sizeof text - at);
}

std::string_view name_of(std::string_view name, int count, PatternRules rules) {
  if (rules == PatternRules::kFormatter && count == kNarrowNameCount) return name.substr(0, 1);
  return count >= kFullNameCount ? name : name.substr(0, kShortNameBytes);
}

// "+01:30": `hours_only` where minutes that are none may be left out.
void append_offset(std::string& out, int64_t seconds, bool colon, bool hours_only) {
  out += seconds < 0 ? '-' : '+';
  const int64_t whole = std::abs(seconds);
  append_number(out, whole / 3600, 2);
  if (hours_only && whole % 3600 == 0) return;
  if (colon) out += ':';
  append_number(out, whole / 60 % 60, 2);
}

void append_seconds_of_offset(std::string& out, int64_t seconds, bool colon) {
  if (seconds % 60 == 0) return;
  if (colon) out += ':';
  append_number(out, std::abs(seconds) % 60, 2);
}

// X, x and Z by how often they stand.
void append_offset_by_count(std::string& out, int64_t seconds, int count) {
  const bool colon = count == 3 || count == 5;
  append_offset(out, seconds, colon, count == 1);
  if (count >= 4) append_seconds_of_offset(out, seconds, colon);
}

// "GMT+1" and "GMT+01:00".
void append_localized_offset(std::string& out, int64_t seconds, bool full) {
  out += "GMT";
  if (seconds == 0) return;
  out += seconds < 0 ? '-' : '+';
  const int64_t whole = std::abs(seconds);
  append_number(out, whole / 3600, full ? 2 : 1);
  if (full || whole % 3600 != 0) {
    out += ':';
    append_number(out, whole / 60 % 60, 2);
  }
  if (whole % 60 != 0) {
    out += ':';
    append_number(out, whole % 60, 2);
  }
}

void append_zone(std::string& out, char letter, int count, PatternRules rules, const TimeZone& zone, int64_t utc_us,
                 int64_t seconds) {
  const bool formatter = rules == PatternRules::kFormatter;
  switch (letter) {
    case 'V': out += zone.name(); break;
    case 'z': out += zone.abbreviation(utc_us); break;
    case 'O': append_localized_offset(out, seconds, count == 4); break;
    case 'X':
      if (seconds == 0) {
        out += 'Z';
        break;
      }
      append_offset_by_count(out, seconds, count);
      break;
    case 'x': append_offset_by_count(out, seconds, count); break;
    default:
      if (!formatter || count <= 3) {
        append_offset(out, seconds, false, false);
      } else if (count == 4) {
        append_localized_offset(out, seconds, true);
      } else if (seconds == 0) {
        out += 'Z';
      } else {
        append_offset_by_count(out, seconds, count);
      }
  }
}

}  // namespace

int days_from_sunday(int64_t days) { return static_cast<int>(floor_modulo(days + 4, 7)); }

int64_t first_week_of(int64_t year) {
  const int64_t first = types::days_from_civil({.year = year, .month = 1, .day = 1});
  return first - days_from_sunday(first);
}

WeekDate week_date_of(int64_t days) {
  int64_t year = types::civil_from_days(days).year;
  if (days >= first_week_of(year + 1)) ++year;
  return {.year = year, .week = (days - first_week_of(year)) / 7 + 1};
}

Status DatePattern::add_letters(std::string_view pattern, size_t at, size_t count) {
  const char letter = pattern[at];
  const std::span<const Letter> letters = rules_ == PatternRules::kFormatter
                                              ? std::span<const Letter>(kFormatterLetters)
                                              : std::span<const Letter>(kSimpleFormatLetters);
  const bool known = std::ranges::any_of(letters, [&](const Letter& one) { return one.letter == letter; });
  if (!known) {
    return invalid_argument("the pattern '{}' has the letter '{}' at character {}, which means nothing", pattern,
                            letter, at + 1)
        .hint("other text stands in single quotes");
  }
  const auto times = static_cast<int>(std::min<size_t>(count, kAnyCount));
  const bool fits = std::ranges::any_of(
      letters, [&](const Letter& one) { return one.letter == letter && times >= one.least && times <= one.most; });
  if (!fits || times == kAnyCount) {
    return invalid_argument("the pattern '{}' has '{}' {} times at character {}, which means nothing", pattern, letter,
                            count, at + 1);
  }
  parts_.push_back({.letter = letter, .count = times, .text = {}});
  Part& part = parts_.back();
  const bool number = kNumberLetters.find(letter) != kNumberLetters.npos ||
                      (kNumberOrNameLetters.find(letter) != kNumberOrNameLetters.npos && times <= 2);
  if (!number) return {};
  part.digits_max = kDigitsMax;
  if (rules_ == PatternRules::kSimpleFormat) return {};
  const bool is_year = letter == 'u' || letter == 'y' || letter == 'Y';
  const bool is_count = letter == 'A' || letter == 'n' || letter == 'N';
  part.digits_min = times;
  if (letter == 'D' && times > 1) {
    part.digits_max = 3;
  } else if (letter == 'w' || letter == 'W' || letter == 'e' || letter == 'c') {
    part.digits_max = 2;
  } else if (letter == 'S' || (times == 2 && !is_count)) {
    part.digits_max = times;  // years of two digits among them
  } else if (is_year && times >= 4) {
    part.digits_max = times;  // more digits want a sign
  }
  return {};
}

Status DatePattern::close_section(std::string_view pattern, std::vector<size_t>& open) {
  if (open.empty()) return invalid_argument("the pattern '{}' has a ']' without a '['", pattern);
  Part& section = parts_[open.back()];
  section.end = parts_.size();
  // Sections inside of it are left out by themselves.
  for (size_t i = open.back() + 1; i < parts_.size(); ++i) {
    if (parts_[i].letter == '[') {
      i = parts_[i].end;
    } else if (parts_[i].letter != 0 && kZoneLetters.find(parts_[i].letter) != kZoneLetters.npos) {
      section.zoned = true;
    }
  }
  open.pop_back();
  parts_.push_back({.letter = ']', .text = {}});
  return {};
}

void DatePattern::find_adjacent_numbers() {
  if (rules_ == PatternRules::kSimpleFormat) {
    // A number ends after its letters where another field follows.
    for (size_t i = 0; i + 1 < parts_.size(); ++i) {
      if (parts_[i].digits_max > 0 && parts_[i + 1].letter != 0) parts_[i].digits_max = parts_[i].count;
    }
    return;
  }
  // A number of any length leaves those of a fixed length their digits.
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].digits_max == 0) continue;
    for (size_t next = i + 1; next < parts_.size(); ++next) {
      const Part& behind = parts_[next];
      if (behind.digits_max == 0 || behind.digits_min != behind.digits_max) break;
      parts_[i].digits_behind += behind.digits_max;
    }
  }
}

Result<DatePattern> DatePattern::compile(std::string_view pattern, PatternRules rules, int64_t now_us) {
  constexpr int64_t kYearsBack = 80;
  if (pattern.size() > kBytesMax) {
    return invalid_argument("a pattern of {} bytes is longer than {}", pattern.size(), kBytesMax);
  }
  const bool formatter = rules == PatternRules::kFormatter;
  DatePattern compiled;
  compiled.rules_ = rules;
  if (!formatter) {
    compiled.first_two_digit_year_ = types::civil_from_days(floor_divide(now_us, kMicrosPerDay)).year - kYearsBack;
  }
  auto add_literal = [&](std::string_view text) {
    if (compiled.parts_.empty() || compiled.parts_.back().letter != 0) compiled.parts_.push_back({.text = {}});
    compiled.parts_.back().text += text;
  };
  std::vector<size_t> open;
  for (size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '\'') {
      if (pattern.substr(at).starts_with("''")) {
        add_literal("'");
        at += 2;
        continue;
      }
      // Up to the quote that is not written twice.
      size_t end = at + 1;
      std::string text;
      for (;; ++end) {
        const size_t quote = pattern.find('\'', end);
        if (quote == pattern.npos) {
          return invalid_argument("the pattern '{}' has a quote at character {} that is not closed", pattern, at + 1);
        }
        text += pattern.substr(end, quote - end);
        end = quote + 1;
        if (!pattern.substr(end).starts_with('\'')) break;
        text += '\'';
      }
      add_literal(text);
      at = end;
      continue;
    }
    if (is_letter(c)) {
      const size_t end = std::min(pattern.find_first_not_of(c, at), pattern.size());
      PENSTOCK_TRY(compiled.add_letters(pattern, at, end - at));
      at = end;
      continue;
    }
    if (formatter && c == '[') {
      open.push_back(compiled.parts_.size());
      compiled.parts_.push_back({.letter = '[', .text = {}});
    } else if (formatter && c == ']') {
      PENSTOCK_TRY(compiled.close_section(pattern, open));
    } else if (formatter && (c == '{' || c == '}' || c == '#')) {
      return invalid_argument("the pattern '{}' has '{}' at character {}, which stands in single quotes only", pattern,
                              c, at + 1);
    } else {
      add_literal(pattern.substr(at, 1));
    }
    ++at;
  }
  // What is not closed goes to the end.
  while (!open.empty()) PENSTOCK_TRY(compiled.close_section(pattern, open));
  compiled.find_adjacent_numbers();
  return compiled;
}

std::optional<char> DatePattern::zone_letter() const {
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].letter == '[') {
      i = parts_[i].end;
    } else if (parts_[i].letter != 0 && kZoneLetters.find(parts_[i].letter) != kZoneLetters.npos) {
      return parts_[i].letter;
    }
  }
  return std::nullopt;
}

int DatePattern::fraction_digits_at_end() const {
  return !parts_.empty() && parts_.back().letter == 'S' ? parts_.back().count : 0;
}

void DatePattern::format(int64_t local_us, std::string& out) const {
  format({.local_us = local_us, .zone = nullptr, .utc_us = local_us}, out);
}

void DatePattern::format(int64_t utc_us, const TimeZone& zone, std::string& out) const {
  format({.local_us = zone.to_local(utc_us), .zone = &zone, .utc_us = utc_us}, out);
}

void DatePattern::format(const Clock& clock, std::string& out) const {
  const bool formatter = rules_ == PatternRules::kFormatter;
  const int64_t days = floor_divide(clock.local_us, kMicrosPerDay);
  const int64_t of_day = floor_modulo(clock.local_us, kMicrosPerDay);
  const CivilDate date = types::civil_from_days(days);
  const int64_t seconds = of_day / kMicrosPerSecond;
  const int64_t year_of_era = date.year > 0 ? date.year : 1 - date.year;
  // Years of two digits are the last ones; longer ones than the letters of a formatter have a sign.
  const auto append_year = [&](int64_t year, int count) {
    if (count == 2) return append_number(out, std::abs(year) % 100, 2);
    constexpr int kSignedCount = 4;
    constexpr int64_t kPowers[] = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000};
    if (formatter && count >= kSignedCount && count < static_cast<int>(std::size(kPowers)) && year >= kPowers[count]) {
      out += '+';
    }
    append_number(out, year, count);
  };
  const auto append_day_name = [&](int count) {
    out += name_of(kDays[static_cast<size_t>(floor_modulo(days + 3, 7))], count, rules_);
  };
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    const int count = part.count;
    switch (part.letter) {
      case 0: out += part.text; break;
      case '[':
        if (part.zoned && clock.zone == nullptr) i = part.end;
        break;
      case ']': break;
      case 'G':
        if (count < kFullNameCount || !formatter) {
          out += date.year > 0 ? "AD" : "BC";
        } else if (count == kNarrowNameCount) {
          out += date.year > 0 ? 'A' : 'B';
        } else {
          out += date.year > 0 ? "Anno Domini" : "Before Christ";
        }
        break;
      case 'u':
        if (formatter) {
          append_year(date.year, count);
        } else {
          append_number(out, floor_modulo(days + 3, 7) + 1, count);
        }
        break;
      case 'y': append_year(year_of_era, count); break;
      case 'Y': append_year(week_date_of(days).year, count); break;
      case 'Q':
      case 'q': {
        const int quarter = (date.month + 2) / 3;
        constexpr std::array<std::string_view, 4> kQuarters = {"1st", "2nd", "3rd", "4th"};
        if (count <= 2) {
          append_number(out, quarter, count);
        } else if (count == 3) {
          fmt::format_to(std::back_inserter(out), "Q{}", quarter);
        } else if (count == kFullNameCount) {
          fmt::format_to(std::back_inserter(out), "{} quarter", kQuarters[static_cast<size_t>(quarter - 1)]);
        } else {
          append_number(out, quarter, 1);
        }
        break;
      }
      case 'M':
      case 'L':
        if (count <= 2) {
          append_number(out, date.month, count);
        } else {
          out += name_of(kMonths[static_cast<size_t>(date.month - 1)], count, rules_);
        }
        break;
      case 'w': append_number(out, week_date_of(days).week, count); break;
      case 'W': append_number(out, (date.day - 1 + days_from_sunday(days - date.day + 1)) / 7 + 1, count); break;
      case 'D':
        append_number(out, days - types::days_from_civil({.year = date.year, .month = 1, .day = 1}) + 1, count);
        break;
      case 'd': append_number(out, date.day, count); break;
      case 'F': append_number(out, (date.day - 1) / 7 + 1, count); break;
      case 'E': append_day_name(count); break;
      case 'e':
      case 'c':
        if (count <= 2) {
          append_number(out, days_from_sunday(days) + 1, count);
        } else {
          append_day_name(count);
        }
        break;
      case 'a': out += seconds < 12 * 3600 ? "AM" : "PM"; break;
      case 'H': append_number(out, seconds / 3600, count); break;
      case 'k': append_number(out, (seconds / 3600 + 23) % 24 + 1, count); break;
      case 'K': append_number(out, seconds / 3600 % 12, count); break;
      case 'h': append_number(out, (seconds / 3600 + 11) % 12 + 1, count); break;
      case 'm': append_number(out, seconds / 60 % 60, count); break;
      case 's': append_number(out, seconds % 60, count); break;
      case 'S': {
        const int64_t micros = of_day % kMicrosPerSecond;
        if (!formatter) {
          append_number(out, micros / kMicrosPerMilli, count);
          break;
        }
        const size_t begin = out.size();
        append_number(out, micros, 6);
        out.resize(begin + static_cast<size_t>(count), '0');
        break;
      }
      case 'A': append_number(out, of_day / kMicrosPerMilli, count); break;
      case 'n': append_number(out, of_day % kMicrosPerSecond * 1000, count); break;
      case 'N': append_number(out, of_day * 1000, count); break;
      default:
        if (clock.zone != nullptr) {
          append_zone(out, part.letter, count, rules_, *clock.zone, clock.utc_us,
                      (clock.local_us - clock.utc_us) / kMicrosPerSecond);
        }
    }
  }
}

}  // namespace penstock::expr
