// Patterns of dates and times as Java reads them: "yyyy-MM-dd HH:mm:ss.SSS".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "types/time_zone.h"

namespace penstock::expr {

// The classes of Java that Flink reads patterns with. They share most letters, and differ in the others and in what
// they take for a time: a formatter wants as many digits as letters, and dates that exist; a simple format takes any
// number of digits, carries the 32nd over into the next month, and does not look at what stands behind the time.
enum class PatternRules : uint8_t {
  kFormatter,     // java.time.format.DateTimeFormatter
  kSimpleFormat,  // java.text.SimpleDateFormat
};

// A compiled pattern. Names are English and weeks begin on Sunday, as in Java's locale of the United States.
class DatePattern {
 public:
  static constexpr size_t kBytesMax = 1'000;

  // kInvalidArgument for a letter that means nothing, or that stands there too often, and for quotes and brackets that
  // are not closed, and for one that is too long. Years of two digits of a simple format are those from 80 years before
  // `now_us` on.
  static Result<DatePattern> compile(std::string_view pattern, PatternRules rules, int64_t now_us = 0);

  // The letter of a time zone that stands outside of [ ], where there is one.
  std::optional<char> zone_letter() const;
  // The digits of seconds that the pattern ends with: 0 where it ends with something else.
  int fraction_digits_at_end() const;

  // Without a zone: optional sections with letters of zones are left out; no such letter may stand outside of them.
  void format(int64_t local_us, std::string& out) const;
  void format(int64_t utc_us, const types::TimeZone& zone, std::string& out) const;

  // What a clock shows, and the moment where the text names a zone.
  struct Time {
    int64_t local_us = 0;
    std::optional<int64_t> utc_us;
  };
  // The time that `text` shows; nothing when it does not follow the pattern. Fields that the pattern does not have are
  // those of 1970-01-01 00:00:00.
  std::optional<Time> parse(std::string_view text) const;

 private:
  friend class PatternReader;

  struct Part {
    char letter = 0;  // 0: literal text; '[' begins what is optional, ']' ends it
    int count = 0;
    // How many digits are read of a number, and how many the numbers right behind it have.
    int digits_min = 1;
    int digits_max = 0;
    int digits_behind = 0;
    size_t end = 0;      // of '[': the place of its ']'
    bool zoned = false;  // of '[': whether it needs a zone
    std::string text;
  };
  // A moment to be written.
  struct Clock {
    int64_t local_us;
    const types::TimeZone* zone;  // nullptr: none is known
    int64_t utc_us;
  };

  static constexpr int kDigitsMax = 19;

  Status add_letters(std::string_view pattern, size_t at, size_t count);
  Status close_section(std::string_view pattern, std::vector<size_t>& open);
  // Which numbers leave digits to those right behind them.
  void find_adjacent_numbers();
  void format(const Clock& clock, std::string& out) const;

  PatternRules rules_ = PatternRules::kFormatter;
  int64_t first_two_digit_year_ = 2000;
  std::vector<Part> parts_;
};

// What both directions know of days.
namespace date_names {
inline constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                             "May",       "June",     "July",     "August",
                                                             "September", "October",  "November", "December"};
inline constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                          "Friday", "Saturday", "Sunday"};
// Letters that stand so often give the whole name; three of them its first letters, five of a formatter the first one.
inline constexpr int kFullNameCount = 4;
inline constexpr int kNarrowNameCount = 5;
inline constexpr size_t kShortNameBytes = 3;
}  // namespace date_names

// 0 for Sunday.
int days_from_sunday(int64_t days);
// The first day of the first week of a year: the Sunday of or before January 1.
int64_t first_week_of(int64_t year);
// The first week whose last day is in the year is its first, so the last days of December may be of the next one.
struct WeekDate {
  int64_t year;
  int64_t week;
};
WeekDate week_date_of(int64_t days);

}  // namespace penstock::expr
