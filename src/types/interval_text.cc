#include "types/interval_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string>

#include "types/calendar.h"

namespace penstock::types {
namespace {

constexpr int64_t kAmountMax = int64_t{1} << 53;  // 285 years in microseconds
constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMonthsPerYear = 12;

struct Unit {
  std::string_view word;
  int64_t months = 0;
  int64_t micros = 0;
};

constexpr auto kUnits = std::to_array<Unit>({
    {.word = "year", .months = kMonthsPerYear},
    {.word = "yr", .months = kMonthsPerYear},
    {.word = "y", .months = kMonthsPerYear},
    {.word = "quarter", .months = 3},
    {.word = "month", .months = 1},
    {.word = "mon", .months = 1},
    {.word = "week", .micros = 7 * kMicrosPerDay},
    {.word = "w", .micros = 7 * kMicrosPerDay},
    {.word = "day", .micros = kMicrosPerDay},
    {.word = "d", .micros = kMicrosPerDay},
    {.word = "hour", .micros = kMicrosPerHour},
    {.word = "hr", .micros = kMicrosPerHour},
    {.word = "h", .micros = kMicrosPerHour},
    {.word = "minute", .micros = kMicrosPerMinute},
    {.word = "min", .micros = kMicrosPerMinute},
    {.word = "second", .micros = kMicrosPerSecond},
    {.word = "sec", .micros = kMicrosPerSecond},
    {.word = "s", .micros = kMicrosPerSecond},
    {.word = "millisecond", .micros = kMicrosPerMilli},
    {.word = "ms", .micros = kMicrosPerMilli},
    {.word = "microsecond", .micros = 1},
    {.word = "us", .micros = 1},
    {.word = "m", .micros = kMicrosPerMinute},  // behind ms, which its plural would be
});

const Unit* find_unit(std::string_view word) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  const auto* const found = std::ranges::find_if(kUnits, [&](const Unit& unit) {
    return lower == unit.word ||
           (lower.size() == unit.word.size() + 1 && lower.starts_with(unit.word) && lower.back() == 's');
  });
  return found == kUnits.end() ? nullptr : found;
}

// Behind the hours of "02:03:04.5".
bool read_clock(IntervalReader& in, int64_t hours, IntervalAmount& amount) {
  const std::optional<int64_t> minutes = in.number();
  const bool has_seconds = in.accept(':');
  const std::optional<int64_t> seconds = has_seconds ? in.number() : 0;
  const std::optional<int64_t> fraction = has_seconds ? in.fraction() : 0;
  in.skip_space();
  return minutes && seconds && fraction && amount.add_micros(hours, kMicrosPerHour) &&
         amount.add_micros(*minutes, kMicrosPerMinute) && amount.add_micros(*seconds, kMicrosPerSecond, *fraction);
}

bool add_units(IntervalAmount& amount, const Unit* unit, int64_t whole, std::optional<int64_t> fraction) {
  if (!fraction || unit == nullptr || (*fraction != 0 && unit->months > 0)) return false;
  return unit->months > 0 ? amount.add_months(whole, unit->months) : amount.add_micros(whole, unit->micros, *fraction);
}

// Adds the part with its sign; false when the amount becomes too large.
bool add(IntervalAmount& amount, const IntervalAmount& part, bool negative) {
  amount.months += negative ? -part.months : part.months;
  amount.micros += negative ? -part.micros : part.micros;
  return std::abs(amount.months) <= kAmountMax && std::abs(amount.micros) <= kAmountMax;
}

// "P1Y2M3DT4H5M6.5S" of ISO 8601, from behind the P: M is months before the T, and minutes behind it.
bool read_iso(IntervalReader& in, IntervalAmount& amount) {
  bool time = false;
  bool any = false;
  while (!in.at_end()) {
    if (!time && in.accept('T')) {
      time = true;
      continue;
    }
    const bool negative = in.accept('-');
    const std::optional<int64_t> whole = in.number();
    const std::optional<int64_t> fraction = whole ? in.fraction() : std::nullopt;
    const std::string_view letter = in.word(1);
    const std::string_view known = time ? "HMS" : "YMWD";
    if (!whole || letter.size() != 1 || !known.contains(letter.front())) return false;
    const Unit* unit = find_unit(!time && letter == "M" ? "month" : letter);
    IntervalAmount part;
    if (!add_units(part, unit, *whole, fraction) || !add(amount, part, negative)) return false;
    any = true;
  }
  return any;
}

// A number and its unit, "4:05:06", or "1-2" for years and months. A number that a clock follows is one of days.
bool read_part(IntervalReader& in, IntervalAmount& amount) {
  const std::optional<int64_t> whole = in.number();
  if (!whole) return false;
  if (in.accept(':')) return read_clock(in, *whole, amount);
  if (in.accept('-')) {
    const std::optional<int64_t> months = in.number();
    in.skip_space();
    return months && *months < kMonthsPerYear && amount.add_months(*whole, kMonthsPerYear) &&
           amount.add_months(*months, 1);
  }
  const std::optional<int64_t> fraction = in.fraction();
  in.skip_space();
  const std::string_view word = in.word();
  if (!word.empty()) return add_units(amount, find_unit(word), *whole, fraction);
  const std::optional<int64_t> hours = in.number();
  return fraction == 0 && hours && in.accept(':') && amount.add_micros(*whole, kMicrosPerDay) &&
         read_clock(in, *hours, amount);
}

}  // namespace

bool IntervalAmount::add_months(int64_t whole, int64_t factor) {
  if (whole > kAmountMax / factor) return false;
  months += whole * factor;
  return months <= kAmountMax;
}

bool IntervalAmount::add_micros(int64_t whole, int64_t factor, int64_t millionths) {
  if (whole > kAmountMax / factor) return false;
  // In two steps, since a million weeks in microseconds are too many.
  micros += whole * factor + factor / kMillion * millionths + factor % kMillion * millionths / kMillion;
  return micros <= kAmountMax;
}

bool IntervalReader::accept(char c) {
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool IntervalReader::accept_word(std::string_view word) {
  IntervalReader ahead = *this;
  if (ahead.word() != word) return false;
  *this = ahead;
  return true;
}

void IntervalReader::skip_space() {
  while (accept(' ')) {
  }
}

std::optional<int64_t> IntervalReader::number() {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
  return value;
}

std::optional<int64_t> IntervalReader::fraction() {
  if (!accept('.')) return 0;
  int64_t millionths = 0;
  int64_t unit = kMillion / 10;
  bool any = false;
  for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; unit /= 10, any = true) {
    millionths += (rest_.front() - '0') * unit;
    rest_.remove_prefix(1);
  }
  return any ? std::optional(millionths) : std::nullopt;
}

std::string_view IntervalReader::word(size_t letters_max) {
  size_t size = 0;
  while (size < rest_.size() && size < letters_max && (rest_[size] | 0x20) >= 'a' && (rest_[size] | 0x20) <= 'z') {
    ++size;
  }
  const std::string_view word = rest_.substr(0, size);
  rest_.remove_prefix(size);
  skip_space();
  return word;
}

std::optional<IntervalAmount> interval_amount_from_words(std::string_view text) {
  IntervalReader in(text);
  if (in.at_end()) return std::nullopt;
  IntervalAmount amount;
  if (in.accept('P')) return read_iso(in, amount) ? std::optional(amount) : std::nullopt;
  do {
    const bool negative = in.accept('-');
    if (!negative) in.accept('+');
    IntervalAmount part;
    if (!read_part(in, part) || !add(amount, part, negative)) return std::nullopt;
    if (in.accept_word("ago")) {
      if (!in.at_end()) return std::nullopt;
      return IntervalAmount{-amount.months, -amount.micros};
    }
  } while (!in.at_end());
  return amount;
}

}  // namespace penstock::types
