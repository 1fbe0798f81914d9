#include "pgwire/value_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>

#include "pgwire/pg_type.h"
#include "types/calendar.h"
#include "types/nested.h"
#include "types/text_scanner.h"

namespace penstock::pgwire {

using types::DataType;
using types::TypeKind;
using types::Value;

namespace {

// From this exponent on PostgreSQL writes floats as 1e+15; below -4 as 1e-05.
constexpr int kFixedExponentMin = -4;
constexpr int kFixedExponentMaxDouble = 15;
constexpr int kFixedExponentMaxFloat = 6;

// Appends exactly `width` digits.
void append_padded(std::string& out, int64_t value, int width) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits, static_cast<size_t>(width));
}

// ".678" of microseconds, nothing when there are none.
void append_fraction(std::string& out, int64_t micros) {
  if (micros == 0) return;
  out += '.';
  append_padded(out, micros, 6);
  while (out.back() == '0') out.pop_back();
}

// The date without its era; true when it is before year 1.
bool append_civil_date(std::string& out, int64_t days) {
  const types::CivilDate date = types::civil_from_days(days);
  const bool before_christ = date.year < 1;
  const int64_t year = before_christ ? 1 - date.year : date.year;
  if (year < 10'000) {
    append_padded(out, year, 4);
  } else {
    out += std::to_string(year);
  }
  out += '-';
  append_padded(out, date.month, 2);
  out += '-';
  append_padded(out, date.day, 2);
  return before_christ;
}

void append_time_of_day(std::string& out, int64_t micros) {
  const int64_t seconds = micros / types::kMicrosPerSecond;
  append_padded(out, seconds / 3600, 2);
  out += ':';
  append_padded(out, seconds / 60 % 60, 2);
  out += ':';
  append_padded(out, seconds % 60, 2);
  append_fraction(out, micros % types::kMicrosPerSecond);
}

void append_unit(std::string& out, int64_t count, std::string_view unit, std::string_view units) {
  if (count == 0) return;
  if (!out.empty() && out.back() != ' ') out += ' ';
  fmt::format_to(std::back_inserter(out), "{} {}", count, count == 1 ? unit : units);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "\x0aff", or PostgreSQL's older escapes: \\ and \ooo.
Result<Value> bytes_from_text(std::string_view text) {
  std::string bytes;
  if (text.starts_with("\\x")) {
    text.remove_prefix(2);
    if (text.size() % 2 != 0) return invalid_argument("invalid hexadecimal data: odd number of digits");
    for (size_t i = 0; i < text.size(); i += 2) {
      const int high = hex_digit(text[i]);
      const int low = hex_digit(text[i + 1]);
      if (high < 0 || low < 0) return invalid_argument("invalid hexadecimal digit in '{}'", types::excerpt(text));
      bytes += static_cast<char>(high * 16 + low);
    }
    return Value(std::move(bytes));
  }
  const auto octal = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '7'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes += '\\';
      ++i;
    } else if (octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      bytes += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 3;
    } else {
      return invalid_argument("invalid escape in bytea text '{}'", types::excerpt(text));
    }
  }
  return Value(std::move(bytes));
}

// Whether an element without quotes stands for NULL: the word in any case.
bool is_null_word(std::string_view text) {
  return text.size() == 4 && (text[0] | 0x20) == 'n' && (text[1] | 0x20) == 'u' && (text[2] | 0x20) == 'l' &&
         (text[3] | 0x20) == 'l';
}

// {1,NULL,"with space"}: an array of one dimension.
class ArrayTextReader {
 public:
  ArrayTextReader(std::string_view text, DataType type) : text_(text), rest_(types::trim_space(text)), type_(type) {}

  Result<Value> read() {
    if (!accept('{')) return malformed();
    std::string bytes;
    if (!accept('}')) {
      do PENSTOCK_TRY(read_element(bytes));
      while (accept(','));
      if (!accept('}')) return malformed();
    }
    if (!rest_.empty()) return malformed();
    bytes += types::kSlotEnd;
    return Value(std::move(bytes));
  }

 private:
  bool accept(char c) {
    skip_space();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_space() { rest_ = types::trim_space(rest_); }

  Status read_element(std::string& bytes) {
    const DataType element = type_.part(0);
    types::SlotWriter slot(bytes, element);
    std::string text;
    const bool quoted = accept('"');
    if (quoted ? !read_quoted(text) : !read_plain(text)) return malformed();
    if (!quoted && is_null_word(text)) {
      slot.append_null();
      return {};
    }
    slot.append(PENSTOCK_TRY(value_from_text(text, element)));
    return {};
  }

  bool read_quoted(std::string& text) {
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return false;
      text += rest_[0];
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool read_plain(std::string& text) {
    skip_space();
    const size_t size = std::min(rest_.find_first_of(",{}\"\\"), rest_.size());
    text = types::trim_space(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return !text.empty();
  }
  Error malformed() const {
    return invalid_argument("cannot read '{}' as {}", types::excerpt(text_), type_.with_nullable(true).to_string())
        .hint("arrays are written {1,2,NULL}");
  }

  const std::string_view text_;
  std::string_view rest_;
  const DataType type_;
};

}  // namespace

void append_array_element(std::string& out, std::string_view text) {
  constexpr std::string_view kSpecial = "{}\",\\ \t\n\r\v\f";
  if (!text.empty() && !is_null_word(text) && text.find_first_of(kSpecial) == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_float_text(std::string& out, double value, bool is_float) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0" : "0";
    return;
  }
  char buffer[40] = {};
  const auto shortest = [&](std::chars_format format) {
    const auto end = is_float ? std::to_chars(buffer, std::end(buffer), static_cast<float>(value), format)
                              : std::to_chars(buffer, std::end(buffer), value, format);
    return std::string_view(buffer, static_cast<size_t>(end.ptr - buffer));
  };
  const std::string_view scientific = shortest(std::chars_format::scientific);
  const size_t e = scientific.find('e');
  const int exponent = std::atoi(buffer + e + 1);  // a sign and digits, then the zeros of the buffer
  const int fixed_max = is_float ? kFixedExponentMaxFloat : kFixedExponentMaxDouble;
  if (exponent < kFixedExponentMin || exponent >= fixed_max) {
    out += scientific;
  } else {
    out += shortest(std::chars_format::fixed);
  }
}

void append_date_text(std::string& out, int64_t days) {
  if (append_civil_date(out, days)) out += " BC";
}

void append_timestamp_text(std::string& out, int64_t micros, bool utc) {
  const bool before_christ = append_civil_date(out, types::floor_divide(micros, types::kMicrosPerDay));
  out += ' ';
  append_time_of_day(out, types::floor_modulo(micros, types::kMicrosPerDay));
  if (utc) out += "+00";
  if (before_christ) out += " BC";
}

void append_interval_text(std::string& out, int64_t micros) {
  std::string text;
  append_unit(text, micros / types::kMicrosPerDay, "day", "days");
  const int64_t rest = micros % types::kMicrosPerDay;
  if (rest != 0 || text.empty()) {
    if (!text.empty()) text += ' ';
    if (rest < 0) text += '-';
    append_time_of_day(text, std::abs(rest));
  }
  out += text;
}

void append_month_interval_text(std::string& out, int64_t months) {
  std::string text;
  append_unit(text, months / 12, "year", "years");
  append_unit(text, months % 12, "mon", "mons");
  out += text.empty() ? "00:00:00" : text;
}

void append_bytea_text(std::string& out, std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\x";
  for (const char c : bytes) {
    out += kHex[static_cast<uint8_t>(c) >> 4];
    out += kHex[static_cast<uint8_t>(c) & 15];
  }
}

Result<Value> value_from_text(std::string_view text, DataType type) {
  switch (type.kind()) {
    case TypeKind::kNull:
    case TypeKind::kString: return Value(std::string(text));
    case TypeKind::kBytes: return bytes_from_text(text);
    case TypeKind::kBoolean:
      if (text == "on") return Value(true);
      if (text == "off") return Value(false);
      return types::from_text(text, type);
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt:
      // Flink's cast drops a fraction; a parameter that loses one is a mistake.
      if (text.find('.') != std::string_view::npos) {
        return invalid_argument("cannot read '{}' as {}", types::excerpt(text), type.with_nullable(true).to_string());
      }
      return types::from_text(text, type);
    case TypeKind::kTimestamp:
      // A zone means nothing to a timestamp without one; PostgreSQL ignores it, too.
      if (const Result<Value> plain = types::from_text(text, type); plain) return plain;
      return Value(PENSTOCK_TRY(types::timestamp_from_text(text, true)));
    case TypeKind::kArray:
      if (is_pg_array(type)) return ArrayTextReader(text, type).read();
      return types::from_text(text, type);
    default: return types::from_text(text, type);
  }
}

}  // namespace penstock::pgwire
