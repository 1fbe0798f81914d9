// TO_CHAR: times and numbers as text in PostgreSQL's patterns.
#include <algorithm>
#include <array>
#include <cmath>

#include "expr/binding.h"
#include "expr/slots.h"
#include "expr/temporal_units.h"
#include "types/calendar.h"
#include "types/decimal.h"
#include "types/time_zone.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

using types::floor_divide;
using types::floor_modulo;
using types::kMicrosPerDay;
using types::kMicrosPerSecond;
using types::TimeZone;

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};

// Longest first, where one begins with another.
constexpr auto kFields = std::to_array<std::string_view>(
    {"HH24", "HH12",  "HH",    "MI",    "SSSS", "SS",  "MS",   "US",  "FF1", "FF2",   "FF3",  "FF4",
     "FF5",  "FF6",   "AM",    "PM",    "am",   "pm",  "YYYY", "YYY", "YY",  "Y,YYY", "IYYY", "IY",
     "Y",    "MONTH", "Month", "month", "MON",  "Mon", "mon",  "MM",  "DAY", "Day",   "day",  "DY",
     "Dy",   "dy",    "DDD",   "DD",    "D",    "ID",  "IW",   "WW",  "W",   "Q",     "CC"});

// Cases of letters matter only in names, which are written as the pattern's letters are.
std::string_view field_at(std::string_view pattern) {
  for (std::string_view field : kFields) {
    if (pattern.starts_with(field)) return field;
  }
  const bool letter = !pattern.empty() && pattern[0] >= 'a' && pattern[0] <= 'z';
  if (!letter) return {};
  std::string upper(pattern.substr(0, 5));
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  for (std::string_view field : kFields) {
    if (std::string_view(upper).starts_with(field)) return field;
  }
  return {};
}

class TimeWriter {
 public:
  TimeWriter(std::string& out, int64_t local, bool fill) : out_(out), local_(local), fill_(fill) {
    days_ = floor_divide(local, kMicrosPerDay);
    of_day_ = floor_modulo(local, kMicrosPerDay);
    date_ = types::civil_from_days(days_);
  }
  void set_fill(bool fill) { fill_ = fill; }

  void write(std::string_view field) {
    const int64_t hour = of_day_ / kMicrosPerSecond / 3600;
    const int64_t second = of_day_ / kMicrosPerSecond % 60;
    const int64_t micros = of_day_ % kMicrosPerSecond;
    if (field == "HH24") return number(hour, 2);
    if (field == "HH12" || field == "HH") return number((hour + 11) % 12 + 1, 2);
    if (field == "MI") return number(of_day_ / kMicrosPerSecond / 60 % 60, 2);
    if (field == "SSSS") return number(of_day_ / kMicrosPerSecond, 1);
    if (field == "SS") return number(second, 2);
    if (field == "MS") return digits(micros, 3);
    if (field == "US") return digits(micros, 6);
    if (field.starts_with("FF")) return digits(micros, field[2] - '0');
    if (field == "AM" || field == "PM") return void(out_ += hour < 12 ? "AM" : "PM");
    if (field == "am" || field == "pm") return void(out_ += hour < 12 ? "am" : "pm");
    write_date(field);
  }

 private:
  void write_date(std::string_view field) {
    if (field == "YYYY") return number(date_.year, 4);
    if (field == "YYY") return number(floor_modulo(date_.year, 1000), 3);
    if (field == "YY") return number(floor_modulo(date_.year, 100), 2);
    if (field == "Y") return number(floor_modulo(date_.year, 10), 1);
    if (field == "Y,YYY") {
      number(date_.year / 1000, 1);
      out_ += ',';
      return number(floor_modulo(date_.year, 1000), 3);
    }
    if (field == "IYYY") return number(extracted(TimeUnit::kIsoYear), 4);
    if (field == "IY") return number(floor_modulo(extracted(TimeUnit::kIsoYear), 100), 2);
    if (field == "MM") return number(date_.month, 2);
    if (field == "DDD") return number(extracted(TimeUnit::kDayOfYear), 3);
    if (field == "DD") return number(date_.day, 2);
    if (field == "D") return number(extracted(TimeUnit::kDayOfWeek), 1);
    if (field == "ID") return number(extracted(TimeUnit::kIsoDayOfWeek), 1);
    if (field == "IW") return number(extracted(TimeUnit::kWeek), 2);
    if (field == "WW") return number((extracted(TimeUnit::kDayOfYear) - 1) / 7 + 1, 2);
    if (field == "W") return number((date_.day - 1) / 7 + 1, 1);
    if (field == "Q") return number((date_.month - 1) / 3 + 1, 1);
    if (field == "CC") return number(extracted(TimeUnit::kCentury), 2);
    const bool month = (field[0] | 0x20) == 'm';
    const std::string_view name = month ? kMonths[static_cast<size_t>(date_.month - 1)]
                                        : kDays[static_cast<size_t>(extracted(TimeUnit::kIsoDayOfWeek) - 1)];
    const bool is_short = field.size() == (month ? 3 : 2);
    write_name(field, is_short ? name.substr(0, 3) : name, is_short);
  }

  // In the case of the field's letters; full names are filled to the length of the longest.
  void write_name(std::string_view field, std::string_view name, bool is_short) {
    const bool upper = field[1] < 'a';
    const bool lower = field[0] >= 'a';
    constexpr size_t kLongestName = 9;
    for (size_t i = 0; i < name.size(); ++i) {
      char c = name[i];
      if (upper && c >= 'a') c = static_cast<char>(c - 32);
      if (lower && c < 'a') c = static_cast<char>(c + 32);
      out_ += c;
    }
    if (!is_short && fill_) out_.append(kLongestName - name.size(), ' ');
  }
  int64_t extracted(TimeUnit unit) const { return extract_field(unit, TypeKind::kTimestamp, local_, TimeZone::utc()); }
  void number(int64_t value, int width) {
    out_ += fill_ ? fmt::format("{:0{}}", value, width) : fmt::format("{}", value);
  }
  // The first digits of a fraction of a second.
  void digits(int64_t micros, int count) { out_ += fmt::format("{:06}", micros).substr(0, static_cast<size_t>(count)); }

  std::string& out_;
  int64_t local_;
  bool fill_;
  int64_t days_;
  int64_t of_day_;
  types::CivilDate date_;
};

void append_time(std::string& out, int64_t local, std::string_view pattern) {
  TimeWriter writer(out, local, true);
  while (!pattern.empty()) {
    if (pattern[0] == '"') {
      const size_t end = std::min(pattern.find('"', 1), pattern.size());
      out += pattern.substr(1, end - 1);
      pattern.remove_prefix(std::min(end + 1, pattern.size()));
      continue;
    }
    const bool fill_mode = pattern.starts_with("FM") || pattern.starts_with("fm");
    if (fill_mode) pattern.remove_prefix(2);
    const std::string_view field = field_at(pattern);
    if (field.empty()) {
      if (fill_mode || pattern.empty()) continue;
      out += pattern[0];
      pattern.remove_prefix(1);
      continue;
    }
    writer.set_fill(!fill_mode);
    writer.write(field);
    pattern.remove_prefix(field.size());
  }
}

void time_to_char(KernelCall& call) {
  auto times = call.argument<int64_t>(0);
  auto patterns = call.argument<StringCell>(1);
  const bool zoned = call.argument_type(0).kind() == TypeKind::kTimestampLtz;
  const TimeZone& zone = zoned && call.context().zone != nullptr ? *call.context().zone : TimeZone::utc();
  write_rows(call,
             [&](std::string& out, size_t row) { append_time(out, zone.to_local(times[row]), patterns[row].view()); });
}

// --- numbers ---

// The places of a pattern such as 'FM9,990.00'.
struct NumberPattern {
  std::string whole;     // 9, 0 and separators before the point
  std::string fraction;  // 9 and 0 behind it
  bool has_point = false;
  bool fill = true;

  static std::optional<NumberPattern> read(std::string_view text) {
    NumberPattern pattern;
    if (text.starts_with("FM") || text.starts_with("fm")) {
      pattern.fill = false;
      text.remove_prefix(2);
    }
    for (char c : text) {
      if (c == '.' || c == 'D' || c == 'd') {
        if (pattern.has_point) return std::nullopt;
        pattern.has_point = true;
      } else if (c == '9' || c == '0') {
        (pattern.has_point ? pattern.fraction : pattern.whole) += c;
      } else if ((c == ',' || c == 'G' || c == 'g') && !pattern.has_point) {
        pattern.whole += ',';
      } else {
        return std::nullopt;
      }
    }
    return pattern;
  }

  size_t digits() const {
    return static_cast<size_t>(std::ranges::count_if(whole, [](char c) { return c != ','; }));
  }
};

// The digits before and behind the point, the second as many as the pattern has.
void append_number(std::string& out, const NumberPattern& pattern, bool negative, std::string whole,
                   const std::string& fraction) {
  const size_t first_zero = pattern.whole.find('0');
  if (whole == "0" && pattern.has_point && first_zero == std::string::npos) whole.clear();
  if (whole.size() > pattern.digits()) whole.assign(pattern.digits(), '#');
  std::string digits;
  bool begun = false;
  size_t missing = pattern.digits() - whole.size();
  size_t next = 0;
  for (size_t i = 0; i < pattern.whole.size(); ++i) {
    if (pattern.whole[i] == ',') {
      if (begun) digits += ',';
      if (!begun && pattern.fill) digits += ' ';
      continue;
    }
    if (missing > 0) {
      --missing;
      begun = begun || i >= first_zero;
      if (begun) digits += '0';
      if (!begun && pattern.fill) digits += ' ';
    } else {
      begun = true;
      digits += whole[next++];
    }
  }
  const size_t blank = std::min(digits.find_first_not_of(' '), digits.size());
  out.append(blank, ' ');
  if (negative) out += '-';
  if (!negative && pattern.fill) out += ' ';
  out += digits.substr(blank);
  if (pattern.has_point) out += '.';
  std::string shown = fraction;
  if (!pattern.fill) {  // trailing places that are not asked for by a 0
    while (!shown.empty() && shown.back() == '0' && pattern.fraction[shown.size() - 1] == '9') shown.pop_back();
  }
  out += shown;
}

void number_to_char(KernelCall& call) {
  auto values = call.argument<Int128>(0);
  auto patterns = call.argument<StringCell>(1);
  const int scale = call.argument_type(0).scale();
  write_rows(call, [&](std::string& out, size_t row) {
    const std::optional<NumberPattern> pattern = NumberPattern::read(patterns[row].view());
    if (!pattern) {
      return call.fail(row, fmt::format("the pattern '{}' of a number has more than 9, 0, a point, commas and FM",
                                        patterns[row].view()));
    }
    const int places = static_cast<int>(pattern->fraction.size());
    const auto rounded = types::rescale_decimal(values[row], scale, places, types::kDecimalPrecisionMax);
    if (!rounded) return call.fail(row, "the number has too many digits for the pattern");
    const bool negative = *rounded < 0;
    std::string digits = types::int128_to_text(negative ? -*rounded : *rounded, places);
    const size_t point = std::min(digits.find('.'), digits.size());
    append_number(out, *pattern, negative, digits.substr(0, point),
                  point < digits.size() ? digits.substr(point + 1) : std::string());
  });
}

// What a pattern of TO_NUMBER lets stand beside the digits.
struct NumberReader {
  size_t whole_places = 0;
  size_t fraction_places = 0;
  bool has_point = false;
  bool separators = false;
  bool sign_behind = false;
  bool currency = false;

  static std::optional<NumberReader> read(std::string_view text) {
    NumberReader reader;
    const auto accept = [&](std::string_view word) {
      const bool found = std::ranges::equal(text.substr(0, word.size()), word,
                                            [](char a, char b) { return (a >= 'a' ? a - 32 : a) == b; });
      if (found) text.remove_prefix(word.size());
      return found;
    };
    while (!text.empty()) {
      if (accept("FM") || accept(" ")) continue;
      if (accept("9") || accept("0")) {
        ++(reader.has_point ? reader.fraction_places : reader.whole_places);
      } else if (!reader.has_point && (accept(".") || accept("D"))) {
        reader.has_point = true;
      } else if (!reader.has_point && (accept(",") || accept("G"))) {
        reader.separators = true;
      } else if (accept("S") || accept("MI") || accept("SG") || accept("PL")) {
        reader.sign_behind = reader.sign_behind || reader.whole_places + reader.fraction_places > 0;
      } else if (accept("L") || accept("$")) {
        reader.currency = true;
      } else {
        return std::nullopt;
      }
    }
    if (reader.whole_places + reader.fraction_places > types::kDecimalPrecisionMax) return std::nullopt;
    return reader;
  }

  // The number in a text as a number is written; nothing where the text does not fit.
  std::optional<std::string> plain(std::string_view text) const {
    std::string sign;
    std::string whole;
    std::string fraction;
    bool behind_point = false;
    bool closed = false;  // by a sign that stands behind
    for (char c : text) {
      if (c == ' ' || (c == ',' && separators && !behind_point && !whole.empty()) || (c == '$' && currency)) continue;
      const bool begun = behind_point || !whole.empty();
      if (closed) return std::nullopt;
      if (c == '-' || c == '+') {
        if (!sign.empty() || (begun && !sign_behind)) return std::nullopt;
        sign = c;
        closed = begun;
      } else if (c == '.') {
        if (behind_point || !has_point) return std::nullopt;
        behind_point = true;
      } else if (c >= '0' && c <= '9') {
        (behind_point ? fraction : whole) += c;
      } else {
        return std::nullopt;
      }
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    if (whole.size() > whole_places || fraction.size() > fraction_places) return std::nullopt;
    return (sign == "-" ? "-0" : "0") + whole + "." + fraction + "0";
  }
};

void to_number(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  const NumberReader pattern = *NumberReader::read(call.constant_text(1));
  const DataType type = call.result_type();
  map_valid<Int128>(call, [&](size_t row) -> Int128 {
    const std::optional<std::string> plain = pattern.plain(texts[row].view());
    const auto value = plain ? types::decimal_from_text(*plain, type.precision(), type.scale()) : Result<Int128>(0);
    if (!plain || !value) {
      call.fail(row, fmt::format("'{}' is no number of the pattern '{}'", texts[row].view(), call.constant_text(1)));
      return 0;
    }
    return *value;
  });
}

bool bind_to_number(CallSignature& call) {
  if (call.argument_types.size() != 2 || !accept_argument(Takes::kText, call.argument_types[0])) return false;
  const Expr& pattern = *call.arguments[1];
  if (!pattern.is_literal() || pattern.value().is_null() || pattern.type().kind() != TypeKind::kString) return false;
  const std::optional<NumberReader> reader = NumberReader::read(pattern.value().as_string());
  if (!reader) return false;
  call.argument_types[0] = TypeKind::kString;
  call.result = DataType::decimal(types::kDecimalPrecisionMax, static_cast<int>(reader->fraction_places));
  call.kernel = to_number;
  return true;
}

bool bind_to_char(CallSignature& call) {
  if (call.argument_types.size() != 2 || !accept_argument(Takes::kText, call.argument_types[1])) return false;
  call.argument_types[1] = TypeKind::kString;
  DataType& value = call.argument_types[0];
  call.result = TypeKind::kString;
  if (value.is_numeric()) {
    if (value.is_integer()) value = DataType::decimal(19, 0);
    if (value.is_approximate()) value = DataType::decimal(types::kDecimalPrecisionMax, 12);
    call.kernel = number_to_char;
    return true;
  }
  if (value.kind() == TypeKind::kDate || value.kind() == TypeKind::kNull) value = DataType::timestamp(3);
  call.kernel = time_to_char;
  return value.is_timestamp();
}

constexpr ScalarFunction kFunctions[] = {
    {"TO_CHAR", FunctionCategory::kTemporal, "TO_CHAR(time or number, pattern)",
     "Text in a pattern of PostgreSQL: YYYY, MM, Mon, Month, DD, Day, HH24, HH12, MI, SS, MS, US, AM, Q, IW and "
     "others; FM "
     "before one leaves out zeros and blanks, text in double quotes stands as it is. Of numbers: 9, 0, a point, "
     "commas, "
     "FM.",
     "TO_CHAR(TIMESTAMP '2026-05-07 13:04:05', 'YYYY-MM-DD HH24:MI:SS') => 2026-05-07 13:04:05\n"
     "TO_CHAR(DATE '2026-05-07', 'FMDay, DD Mon YYYY') => Thursday, 07 May 2026\n"
     "TO_CHAR(1234.5, 'FM9,999.00') => 1,234.50",
     bind_to_char},
    {"TO_NUMBER", FunctionCategory::kArithmetic, "TO_NUMBER(text, 'pattern')",
     "The number in a text, as a DECIMAL(38, s) with the places that PostgreSQL's pattern has behind the point: 9 or 0 "
     "for "
     "a digit, a point or D, commas or G, S or MI for a sign behind, $ or L. A text with more digits is an error.",
     "TO_NUMBER('12,454.8-', '99G999D9S') => -12454.8\nTO_NUMBER('$1,234.50', 'L9,999.99') => 1234.50", bind_to_number},
};

}  // namespace

std::span<const ScalarFunction> to_char_functions() { return kFunctions; }

}  // namespace penstock::expr
