#include "types/interval_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "types/calendar.h"

namespace penstock::types {
namespace {

constexpr int64_t kAmountMax = int64_t{1} << 53;  // 285 years in microseconds
constexpr int64_t kMillion = 1'000'000;

struct Unit {
  std::string_view word;
  int64_t months = 0;
  int64_t micros = 0;
};

constexpr auto kUnits = std::to_array<Unit>({
    {.word = "year", .months = 12},
    {.word = "quarter", .months = 3},
    {.word = "month", .months = 1},
    {.word = "mon", .months = 1},
    {.word = "week", .micros = 7 * kMicrosPerDay},
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

// Behind the hours of "02:03:04.5", which end the text.
bool read_clock(IntervalReader& in, int64_t hours, IntervalAmount& amount) {
  const std::optional<int64_t> minutes = in.number();
  const bool has_seconds = in.accept(':');
  const std::optional<int64_t> seconds = has_seconds ? in.number() : 0;
  const std::optional<int64_t> fraction = has_seconds ? in.fraction() : 0;
  in.skip_space();
  return minutes && seconds && fraction && in.at_end() && amount.add_micros(hours, kMicrosPerHour) &&
         amount.add_micros(*minutes, kMicrosPerMinute) && amount.add_micros(*seconds, kMicrosPerSecond, *fraction);
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

std::string_view IntervalReader::word() {
  size_t size = 0;
  while (size < rest_.size() && (rest_[size] | 0x20) >= 'a' && (rest_[size] | 0x20) <= 'z') ++size;
  const std::string_view word = rest_.substr(0, size);
  rest_.remove_prefix(size);
  skip_space();
  return word;
}

std::optional<IntervalAmount> interval_amount_from_words(std::string_view text) {
  IntervalReader in(text);
  if (in.at_end()) return std::nullopt;
  IntervalAmount amount;
  while (!in.at_end()) {
    const std::optional<int64_t> whole = in.number();
    if (!whole) return std::nullopt;
    if (in.accept(':')) return read_clock(in, *whole, amount) ? std::optional(amount) : std::nullopt;
    const std::optional<int64_t> fraction = in.fraction();
    in.skip_space();
    const Unit* const unit = find_unit(in.word());
    if (!fraction || unit == nullptr || (*fraction != 0 && unit->months > 0)) return std::nullopt;
    const bool fits =
        unit->months > 0 ? amount.add_months(*whole, unit->months) : amount.add_micros(*whole, unit->micros, *fraction);
    if (!fits) return std::nullopt;
  }
  return amount;
}

}  // namespace penstock::types
