#include "base/quantity.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>

namespace penstock {

namespace {

// `lower` is in lower case.
bool is_in_any_case(std::string_view lower, std::string_view text) {
  return std::ranges::equal(lower, text,
                            [](char a, unsigned char b) { return a == static_cast<char>(std::tolower(b)); });
}

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr int64_t kSecond = 1'000'000;
constexpr Unit kDurationUnits[] = {
    {"", 1000},
    {"us", 1},
    {"micro", 1},
    {"micros", 1},
    {"ms", 1000},
    {"milli", 1000},
    {"millis", 1000},
    {"millisecond", 1000},
    {"milliseconds", 1000},
    {"s", kSecond},
    {"sec", kSecond},
    {"secs", kSecond},
    {"second", kSecond},
    {"seconds", kSecond},
    {"m", 60 * kSecond},
    {"min", 60 * kSecond},
    {"minute", 60 * kSecond},
    {"minutes", 60 * kSecond},
    {"h", 3600 * kSecond},
    {"hour", 3600 * kSecond},
    {"hours", 3600 * kSecond},
    {"d", 86400 * kSecond},
    {"day", 86400 * kSecond},
    {"days", 86400 * kSecond},
};

constexpr Unit kSizeUnits[] = {
    {"", 1},          {"b", 1},         {"bytes", 1},     {"k", 1 << 10},    {"kb", 1 << 10},
    {"kib", 1 << 10}, {"m", 1 << 20},   {"mb", 1 << 20},  {"mib", 1 << 20},  {"g", 1 << 30},
    {"gb", 1 << 30},  {"gib", 1 << 30}, {"t", 1LL << 40}, {"tb", 1LL << 40}, {"tib", 1LL << 40},
};

// A whole number that is not negative, and one of the units.
std::optional<int64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  int64_t number = 0;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  const auto unit = std::ranges::find_if(units, [&](const Unit& one) { return is_in_any_case(one.name, text); });
  int64_t result = 0;
  if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &result)) return std::nullopt;
  return result;
}

}  // namespace

std::optional<int64_t> parse_duration_us(std::string_view text) { return parse_quantity(text, kDurationUnits); }
std::optional<int64_t> parse_size_bytes(std::string_view text) { return parse_quantity(text, kSizeUnits); }

bool is_count(std::string_view text) {
  int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, count);
  return error == std::errc() && read == end && count > 0;
}

}  // namespace penstock
