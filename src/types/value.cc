#include "types/value.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "types/calendar.h"
#include "types/interval_text.h"
#include "types/nested.h"
#include "types/text_scanner.h"

namespace penstock::types {

namespace {

Error unreadable(std::string_view text, DataType type) {
  return invalid_argument("cannot read '{}' as {}", excerpt(text), type.with_nullable(true).to_string());
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c != lower[i]) return false;
  }
  return true;
}

void append_interval_months(std::string& out, int64_t months) {
  out += months < 0 ? '-' : '+';
  uint64_t size = months < 0 ? -static_cast<uint64_t>(months) : static_cast<uint64_t>(months);
  fmt::format_to(std::back_inserter(out), "{}-{:02}", size / 12, size % 12);
}

// "+1 10:17:36.789"; microseconds only where there are any.
void append_interval_micros(std::string& out, int64_t micros) {
  out += micros < 0 ? '-' : '+';
  uint64_t size = micros < 0 ? -static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  uint64_t seconds = size / 1'000'000;
  fmt::format_to(std::back_inserter(out), "{} {:02}:{:02}:{:02}.", seconds / 86400, seconds / 3600 % 24,
                 seconds / 60 % 60, seconds % 60);
  uint64_t fraction = size % 1'000'000;
  if (fraction % 1000 == 0) {
    fmt::format_to(std::back_inserter(out), "{:03}", fraction / 1000);
  } else {
    fmt::format_to(std::back_inserter(out), "{:06}", fraction);
  }
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  for (char c : bytes) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
}

Result<Value> bytes_from_hex(std::string_view text, DataType type) {
  auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return unreadable(text, type);
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    int high = digit(text[i]);
    int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return unreadable(text, type);
    bytes += static_cast<char>(high * 16 + low);
  }
  return Value(std::move(bytes));
}

Result<Value> boolean_from_text(std::string_view text, DataType type) {
  for (std::string_view name : {"true", "t", "yes", "y", "1"}) {
    if (equals_ignoring_case(text, name)) return Value(true);
  }
  for (std::string_view name : {"false", "f", "no", "n", "0"}) {
    if (equals_ignoring_case(text, name)) return Value(false);
  }
  return unreadable(text, type);
}

// An integer; a fraction is dropped, as Flink's cast does ("1.9" gives 1).
Result<Value> integer_from_text(std::string_view text, DataType type) {
  std::string_view digits = text;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  auto [at, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc()) return unreadable(text, type);
  if (at != end && *at == '.') {
    for (++at; at != end && *at >= '0' && *at <= '9';) ++at;
  }
  if (at != end) return unreadable(text, type);
  IntegerRange range = integer_range(type.kind());
  if (value < range.min || value > range.max) {
    return invalid_argument("'{}' is out of the range of {}", excerpt(text), type.with_nullable(true).to_string());
  }
  return Value(value);
}

Result<Value> interval_months_from_text(std::string_view text, DataType type) {
  TextScanner in(text);
  bool negative = in.peek() == '-';
  if (!in.accept('-')) in.accept('+');
  int64_t years = 0;
  int64_t months = 0;
  if (!in.number(1, 17, years) || !in.accept('-') || !in.number(1, 2, months) || !in.at_end() || months > 11) {
    const std::optional<IntervalAmount> words = interval_amount_from_words(text);
    if (!words || words->micros != 0) return unreadable(text, type);
    return Value(words->months);
  }
  int64_t total = years * 12 + months;
  return Value(negative ? -total : total);
}

Result<Value> interval_micros_from_text(std::string_view text, DataType type) {
  if (const std::optional<IntervalAmount> words = interval_amount_from_words(text)) {
    if (words->months != 0) return unreadable(text, type);
    return Value(words->micros);
  }
  TextScanner in(text);
  const bool negative = in.peek() == '-';
  if (!in.accept('-')) in.accept('+');
  int64_t days = 0;
  if (!in.number(1, 9, days) || !in.accept(' ') || days > std::numeric_limits<int64_t>::max() / kMicrosPerDay - 1) {
    return unreadable(text, type);
  }
  const Result<int64_t> of_day = time_from_text(text.substr(text.find(' ') + 1));
  if (!of_day) return unreadable(text, type);
  const int64_t total = days * kMicrosPerDay + *of_day;
  return Value(negative ? -total : total);
}

template <class T>
Result<Value> wrap(Result<T> value) {
  return Value(PENSTOCK_TRY(std::move(value)));
}

}  // namespace

IntegerRange integer_range(TypeKind kind) {
  switch (kind) {
    case TypeKind::kTinyInt: return {.min = INT8_MIN, .max = INT8_MAX};
    case TypeKind::kSmallInt: return {.min = INT16_MIN, .max = INT16_MAX};
    case TypeKind::kInt: return {.min = INT32_MIN, .max = INT32_MAX};
    default: return {.min = INT64_MIN, .max = INT64_MAX};
  }
}

void append_double(std::string& out, double value, bool is_float) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  char text[32];
  auto end = is_float
                 ? std::to_chars(text, text + sizeof text, static_cast<float>(value), std::chars_format::scientific)
                 : std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  // "-d.ddde+XX" into sign, digits and exponent.
  std::string_view scientific(text, static_cast<size_t>(end.ptr - text));
  if (scientific.starts_with('-')) {
    out += '-';
    scientific.remove_prefix(1);
  }
  size_t e = scientific.find('e');
  int exponent = 0;
  size_t exponent_at = e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(scientific.data() + exponent_at, scientific.data() + scientific.size(), exponent);
  char digits[20];
  size_t count = 0;
  for (char c : scientific.substr(0, e)) {
    if (c != '.') digits[count++] = c;
  }
  std::string_view all(digits, count);
  if (value == 0) {
    out += "0.0";
  } else if (exponent >= 7 || exponent < -3) {
    out += all[0];
    out += '.';
    out += count > 1 ? all.substr(1) : "0";
    out += 'E';
    fmt::format_to(std::back_inserter(out), "{}", exponent);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += all;
  } else {
    size_t whole = static_cast<size_t>(exponent) + 1;
    out += all.substr(0, whole);
    if (count < whole) out.append(whole - count, '0');
    out += '.';
    out += count > whole ? all.substr(whole) : "0";
  }
}

Result<double> double_from_text(std::string_view text) {
  std::string_view trimmed = trim_space(text);
  std::string_view digits = trimmed;
  if (digits.starts_with('+') && !digits.starts_with("+-")) digits.remove_prefix(1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  auto [at, error] = std::from_chars(digits.data(), end, value);
  if (at != end || digits.empty() || error == std::errc::invalid_argument) {
    return invalid_argument("cannot read '{}' as DOUBLE", excerpt(text));
  }
  // Too large or too small: infinity or zero, as strtod and Java give.
  if (error == std::errc::result_out_of_range) value = std::strtod(std::string(digits).c_str(), nullptr);
  return value;
}

void append_text(std::string& out, const Value& value, DataType type) {
  if (value.is_null()) {
    out += "NULL";
    return;
  }
  switch (type.kind()) {
    case TypeKind::kNull: out += "NULL"; return;
    case TypeKind::kBoolean: out += value.as_bool() ? "TRUE" : "FALSE"; return;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: fmt::format_to(std::back_inserter(out), "{}", value.as_int64()); return;
    case TypeKind::kFloat: append_double(out, value.as_double(), true); return;
    case TypeKind::kDouble: append_double(out, value.as_double(), false); return;
    case TypeKind::kDecimal: out += int128_to_text(value.as_int128(), type.scale()); return;
    case TypeKind::kString: out += value.as_string(); return;
    case TypeKind::kBytes: append_hex(out, value.as_string()); return;
    case TypeKind::kDate: append_date(out, value.as_int64()); return;
    case TypeKind::kTime: append_time(out, value.as_int64(), type.precision()); return;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz: append_timestamp(out, value.as_int64(), type.precision()); return;
    case TypeKind::kIntervalDayTime: append_interval_micros(out, value.as_int64()); return;
    case TypeKind::kIntervalYearMonth: append_interval_months(out, value.as_int64()); return;
    case TypeKind::kArray:
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: append_nested_text(out, value.as_string(), type); return;
  }
}

std::string to_text(const Value& value, DataType type) {
  std::string out;
  append_text(out, value, type);
  return out;
}

Result<Value> from_text(std::string_view text, DataType type) {
  std::string_view trimmed = trim_space(text);
  switch (type.kind()) {
    case TypeKind::kNull: return unreadable(text, type);
    case TypeKind::kBoolean: return boolean_from_text(trimmed, type);
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: return integer_from_text(trimmed, type);
    case TypeKind::kFloat: {
      Result<double> value = double_from_text(text);
      if (!value) return unreadable(text, type);
      return Value(static_cast<double>(static_cast<float>(*value)));
    }
    case TypeKind::kDouble: return wrap(double_from_text(text));
    case TypeKind::kDecimal: return wrap(decimal_from_text(text, type.precision(), type.scale()));
    case TypeKind::kString: return Value(std::string(text));
    case TypeKind::kBytes: return bytes_from_hex(trimmed, type);
    case TypeKind::kDate: return wrap(date_from_text(trimmed));
    case TypeKind::kTime: return wrap(time_from_text(trimmed));
    case TypeKind::kTimestamp: return wrap(timestamp_from_text(trimmed, false));
    case TypeKind::kTimestampLtz: return wrap(timestamp_from_text(trimmed, true));
    case TypeKind::kIntervalDayTime: return interval_micros_from_text(trimmed, type);
    case TypeKind::kIntervalYearMonth: return interval_months_from_text(trimmed, type);
    case TypeKind::kArray:
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return unreadable(text, type);
  }
  return unreadable(text, type);
}

}  // namespace penstock::types
