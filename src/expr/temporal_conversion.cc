// Times from and to text and numbers.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "expr/binding.h"
#include "expr/cast.h"
#include "expr/constant_check.h"
#include "expr/date_pattern.h"
#include "expr/regex.h"
#include "types/calendar.h"
#include "types/text_scanner.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

using types::kMicrosPerDay;
using types::kMicrosPerMilli;
using types::kMicrosPerSecond;
using types::TimeZone;

constexpr std::string_view kDefaultPattern = "yyyy-MM-dd HH:mm:ss";

const TimeZone& zone_of(const KernelCall& call) {
  return call.context().zone == nullptr ? TimeZone::utc() : *call.context().zone;
}

template <PatternRules rules>
Status check_pattern(std::string_view pattern) {
  PENSTOCK_TRY(DatePattern::compile(pattern, rules));
  return {};
}

// The pattern argument of a call, or the default.
class PatternArgument {
 public:
  PatternArgument(KernelCall& call, size_t argument, PatternRules rules)
      : call_(call), cache_([rules, now_us = call.context().now_us](std::string_view text) {
          return DatePattern::compile(text, rules, now_us);
        }) {
    if (argument < call.argument_count()) texts_ = call.argument<StringCell>(argument);
  }
  // nullptr fails the row: its pattern is wrong.
  const DatePattern* at(size_t row) {
    std::string error;
    const DatePattern* pattern = cache_.get(texts_ ? (*texts_)[row].view() : kDefaultPattern, error);
    if (pattern == nullptr) call_.fail(row, std::move(error));
    return pattern;
  }

 private:
  KernelCall& call_;
  std::optional<ArgumentView<StringCell>> texts_;
  PatternCache<DatePattern> cache_;
};

// --- text without a pattern ---

// "yyyy-M-d" and "yyyy-M-d H:m:s[.fraction]".
struct ScannedTime {
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t micros = 0;
};
std::optional<ScannedTime> scan_time(std::string_view text) {
  constexpr int kFractionDigitsMax = 9;
  types::TextScanner in(text);
  ScannedTime time;
  bool ok = in.number(4, 4, time.year) && in.accept('-') && in.number(1, 2, time.month) && in.accept('-') &&
            in.number(1, 2, time.day);
  if (ok && !in.at_end()) {
    ok = in.accept(' ') && in.number(1, 2, time.hour) && in.accept(':') && in.number(1, 2, time.minute) &&
         in.accept(':') && in.number(1, 2, time.second);
    if (ok && in.accept('.') && !in.at_end()) ok = in.fraction(kFractionDigitsMax, time.micros);
  }
  ok = ok && in.at_end() && time.month >= 1 && time.month <= 12 && time.day >= 1 && time.day <= 31;
  return ok ? std::optional(time) : std::nullopt;
}

int64_t micros_of(const ScannedTime& time, int64_t day) {
  const int64_t days =
      types::days_from_civil({.year = time.year, .month = static_cast<int>(time.month), .day = 1}) + day - 1;
  const int64_t seconds = time.hour * 3600 + time.minute * 60 + time.second;
  return days * kMicrosPerDay + seconds * kMicrosPerSecond + time.micros;
}

// What TO_TIMESTAMP takes without a pattern: a 31st of a shorter month is its last day, as with one.
std::optional<int64_t> local_from_text(std::string_view text) {
  const std::optional<ScannedTime> time = scan_time(text);
  if (!time || time->year == 0 || time->minute > 59 || time->second > 59) return std::nullopt;
  const bool end_of_day = time->hour == 24 && time->minute == 0 && time->second == 0 && time->micros == 0;
  if (time->hour > 23 && !end_of_day) return std::nullopt;
  const int length = types::days_in_month(time->year, static_cast<int>(time->month));
  return micros_of(*time, std::min<int64_t>(time->day, length));
}

// What Flink takes for a time although it does not follow the pattern: the text of a java.sql.Timestamp or Date, which
// carry over what is too much.
std::optional<int64_t> local_of_sql_text(std::string_view text) {
  const std::optional<ScannedTime> time = scan_time(types::trim_space(text));
  if (!time) return std::nullopt;
  return micros_of(*time, time->day);
}

// What TO_DATE takes without a pattern: "2026-1-2", "2026-1" and "2026" up to the first space.
std::optional<int64_t> days_from_text(std::string_view text) {
  const size_t space = text.find(' ', 1);
  std::string_view rest = text.substr(0, space);
  int64_t numbers[] = {0, 1, 1};
  for (size_t given = 0;; ++given) {
    constexpr int kDigitsMax = 9;
    const size_t dash = given < 2 ? rest.find('-') : rest.npos;
    types::TextScanner in(types::trim_space(rest.substr(0, dash)));
    if (!in.number(1, kDigitsMax, numbers[given]) || !in.at_end()) return std::nullopt;
    if (dash == rest.npos) break;
    rest.remove_prefix(dash + 1);
  }
  const auto [year, month, day] = numbers;
  if (year > 9999 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const types::CivilDate first{.year = year, .month = static_cast<int>(month), .day = 1};
  if (day > types::days_in_month(first.year, first.month)) return std::nullopt;
  return types::days_from_civil(first) + day - 1;
}

// --- functions that read times ---

// Calls `body(row, what the text says)` for the rows whose text follows the pattern of argument 1, or the default.
// Others are what `unread(row)` makes of them.
template <PatternRules rules, class F, class G>
void read_times(KernelCall& call, F body, G unread) {
  auto texts = call.argument<StringCell>(0);
  PatternArgument patterns(call, 1, rules);
  for_valid_rows(call, [&](size_t row) {
    const DatePattern* pattern = patterns.at(row);
    if (pattern == nullptr) return;
    const std::optional<DatePattern::Time> time = pattern->parse(texts[row].view());
    if (time) return body(row, *time);
    unread(row);
  });
}

// The local times that TO_TIMESTAMP and TO_TIMESTAMP_LTZ read, by `body(row, local time)`; NULL where there is none.
template <class F>
void read_timestamps(KernelCall& call, F body) {
  auto texts = call.argument<StringCell>(0);
  const auto read = [&](size_t row, std::optional<int64_t> local) {
    if (!local) return call.set_null(row);
    body(row, *local);
  };
  if (call.argument_count() == 1) {
    for_valid_rows(call, [&](size_t row) { read(row, local_from_text(texts[row].view())); });
    return;
  }
  read_times<PatternRules::kFormatter>(
      call, [&](size_t row, const DatePattern::Time& time) { body(row, time.local_us); },
      [&](size_t row) { read(row, local_of_sql_text(texts[row].view())); });
}

void to_timestamp(KernelCall& call) {
  const int precision = call.result_type().precision();
  std::vector<int64_t> out(call.rows());
  read_timestamps(call, [&](size_t row, int64_t local) { out[row] = truncate_to_precision(local, precision); });
  call.finish(std::move(out));
}

bool bind_to_timestamp(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  // As many digits of seconds as a constant pattern ends with, and no fewer than 3.
  constexpr int kPrecisionMin = 3;
  constexpr int kPrecisionMax = 6;
  int precision = kPrecisionMin;
  if (call.arguments.size() == 2 && call.arguments[1]->is_literal() && !call.arguments[1]->is_null_literal()) {
    Result<DatePattern> pattern =
        DatePattern::compile(call.arguments[1]->value().as_string(), PatternRules::kFormatter);
    if (pattern) precision = std::clamp(pattern->fraction_digits_at_end(), kPrecisionMin, kPrecisionMax);
  }
  call.result = DataType::timestamp(precision);
  call.kernel = to_timestamp;
  return true;
}

void to_date(KernelCall& call) {
  std::vector<int64_t> out(call.rows());
  if (call.argument_count() == 1) {
    auto texts = call.argument<StringCell>(0);
    for_valid_rows(call, [&](size_t row) {
      const std::optional<int64_t> days = days_from_text(texts[row].view());
      if (!days) return call.set_null(row);
      out[row] = *days;
    });
  } else {
    read_times<PatternRules::kSimpleFormat>(
        call,
        [&](size_t row, const DatePattern::Time& time) {
          out[row] = types::floor_divide(time.utc_us.value_or(time.local_us), kMicrosPerDay);
        },
        [&](size_t row) { call.set_null(row); });
  }
  call.finish(std::move(out));
}

// Text that does not follow the pattern is the least number, as Flink documents it.
void unix_timestamp(KernelCall& call) {
  const TimeZone& zone = zone_of(call);
  std::vector<int64_t> out(call.rows());
  read_times<PatternRules::kSimpleFormat>(
      call,
      [&](size_t row, const DatePattern::Time& time) {
        out[row] = (time.utc_us ? *time.utc_us : zone.from_local(time.local_us)) / kMicrosPerSecond;
      },
      [&](size_t row) { out[row] = INT64_MIN; });
  call.finish(std::move(out));
}

void unix_timestamp_now(KernelCall& call) {
  call.finish(std::vector<int64_t>(call.rows(), types::floor_divide(call.context().now_us, kMicrosPerSecond)));
}

void unix_timestamp_of_time(KernelCall& call) {
  bool zoned = call.argument_type(0).kind() == TypeKind::kTimestampLtz;
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(
      call, [&](int64_t v) { return types::floor_divide(zoned ? v : zone.from_local(v), kMicrosPerSecond); });
}

// TO_TIMESTAMP_LTZ(count since 1970, 0 for seconds or 3 for milliseconds); NULL where it is out of range. What a DOUBLE
// has beyond milliseconds is cut.
template <class T>
void to_timestamp_ltz(KernelCall& call) {
  constexpr int64_t kMillisMin = INT64_MIN / kMicrosPerMilli;
  constexpr int64_t kMillisMax = INT64_MAX / kMicrosPerMilli;
  auto counts = call.argument<T>(0);
  std::optional<ArgumentView<int64_t>> precisions;
  if (call.argument_count() > 1) precisions = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const int64_t precision = precisions ? (*precisions)[row] : 3;
    if (precision != 0 && precision != 3) {
      call.fail(row, fmt::format("the precision {} is neither 0 (seconds) nor 3 (milliseconds)", precision));
      return 0;
    }
    const T factor = precision == 0 ? 1000 : 1;
    if (!(counts[row] >= static_cast<T>(kMillisMin) / factor && counts[row] <= static_cast<T>(kMillisMax) / factor)) {
      call.set_null(row);
      return 0;
    }
    return static_cast<int64_t>(counts[row] * factor) * kMicrosPerMilli;
  });
}

// TO_TIMESTAMP_LTZ(text [, pattern [, zone]]): a time in the zone, or in UTC.
void text_to_timestamp_ltz(KernelCall& call) {
  const TimeZone& zone = call.argument_count() > 2 ? **TimeZone::find(call.constant_text(2)) : TimeZone::utc();
  std::vector<int64_t> out(call.rows());
  read_timestamps(call,
                  [&](size_t row, int64_t local) { out[row] = truncate_to_precision(zone.from_local(local), 3); });
  call.finish(std::move(out));
}

Status check_zone(std::string_view name) {
  PENSTOCK_TRY(TimeZone::find(name));
  return {};
}

bool bind_text_to_timestamp_ltz(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  if (call.arguments.size() > 2) {
    const Expr& zone = *call.arguments[2];
    if (!zone.is_literal() || zone.value().is_null()) return false;
  }
  call.result = DataType::timestamp_ltz(3);
  call.kernel = text_to_timestamp_ltz;
  return true;
}

bool bind_to_timestamp_ltz(CallSignature& call) {
  if (call.argument_types.empty()) return false;
  static constexpr Takes kWhole[] = {Takes::kInteger, Takes::kInteger};
  static constexpr Takes kFractional[] = {Takes::kDouble, Takes::kInteger};
  DataType& count = call.argument_types[0];
  // A DECIMAL counts as a whole number.
  if (count.kind() == TypeKind::kDecimal) count = TypeKind::kBigInt;
  const bool fractional = count.kind() == TypeKind::kFloat || count.kind() == TypeKind::kDouble;
  if (!accept_arguments(call, fractional ? kFractional : kWhole, 1)) return false;
  call.result = DataType::timestamp_ltz(3);
  call.kernel = fractional ? to_timestamp_ltz<double> : to_timestamp_ltz<int64_t>;
  return true;
}

// --- functions that write times ---

// Writes `write(pattern, row, text)` of each row, whose pattern is argument 1 or the default; a row for which it is
// false has failed, or is NULL.
template <PatternRules rules, class F>
void write_times(KernelCall& call, F write) {
  PatternArgument patterns(call, 1, rules);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    const DatePattern* pattern = patterns.at(row);
    if (pattern == nullptr) return;
    text.clear();
    if (write(*pattern, row, text)) out.set(row, text);
  });
  out.finish();
}

std::string no_zone_text(char letter) {
  return fmt::format("'{}' is of a time zone, which a TIMESTAMP does not have", letter);
}

void format_timestamp(KernelCall& call) {
  auto times = call.argument<int64_t>(0);
  write_times<PatternRules::kFormatter>(call, [&](const DatePattern& pattern, size_t row, std::string& text) {
    if (const std::optional<char> letter = pattern.zone_letter()) {
      call.fail(row, no_zone_text(*letter));
      return false;
    }
    pattern.format(times[row], text);
    return true;
  });
}

void format_timestamp_ltz(KernelCall& call) {
  auto times = call.argument<int64_t>(0);
  const TimeZone& zone = zone_of(call);
  write_times<PatternRules::kFormatter>(call, [&](const DatePattern& pattern, size_t row, std::string& text) {
    pattern.format(times[row], zone, text);
    return true;
  });
}

void format_date(KernelCall& call) {
  auto days = call.argument<int64_t>(0);
  write_times<PatternRules::kSimpleFormat>(call, [&](const DatePattern& pattern, size_t row, std::string& text) {
    pattern.format(days[row] * kMicrosPerDay, TimeZone::utc(), text);
    return true;
  });
}

const DatePattern& default_pattern() {
  static const DatePattern kPattern = *DatePattern::compile(kDefaultPattern, PatternRules::kSimpleFormat);
  return kPattern;
}

// Text that shows no time gives NULL.
void format_text(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  write_times<PatternRules::kSimpleFormat>(call, [&](const DatePattern& pattern, size_t row, std::string& text) {
    const std::optional<DatePattern::Time> time = default_pattern().parse(texts[row].view());
    if (!time) {
      call.set_null(row);
      return false;
    }
    pattern.format(time->local_us, TimeZone::utc(), text);
    return true;
  });
}

Status check_pattern_without_zone(std::string_view text) {
  const DatePattern pattern = PENSTOCK_TRY(DatePattern::compile(text, PatternRules::kFormatter));
  const std::optional<char> letter = pattern.zone_letter();
  if (!letter) return {};
  return invalid_argument("the pattern '{}' asks for what is not there: {}", text, no_zone_text(*letter))
      .hint("CAST to TIMESTAMP_LTZ gives it the session's");
}

template <TypeKind time, Kernel kernel>
bool bind_date_format(CallSignature& call) {
  if (call.argument_types.size() != 2 || call.argument_types[0].kind() != time) return false;
  if (!accept_argument(Takes::kText, call.argument_types[1])) return false;
  call.argument_types[1] = TypeKind::kString;
  call.result = TypeKind::kString;
  call.kernel = kernel;
  return true;
}

// FROM_UNIXTIME(seconds[, pattern]) in the session's zone.
void from_unixtime(KernelCall& call) {
  auto seconds = call.argument<int64_t>(0);
  const TimeZone& zone = zone_of(call);
  write_times<PatternRules::kSimpleFormat>(call, [&](const DatePattern& pattern, size_t row, std::string& text) {
    int64_t micros = 0;
    // There is room for the zone's offset.
    constexpr int64_t kFarthest = INT64_MAX - kMicrosPerDay;
    if (__builtin_mul_overflow(seconds[row], kMicrosPerSecond, &micros) || micros > kFarthest || micros < -kFarthest) {
      call.fail(row, fmt::format("{} is out of the range of times", seconds[row]));
      return false;
    }
    pattern.format(micros, zone, text);
    return true;
  });
}

void convert_tz(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto from_names = call.argument<StringCell>(1);
  auto to_names = call.argument<StringCell>(2);
  PatternCache<const TimeZone*> from_zones(TimeZone::find);
  PatternCache<const TimeZone*> to_zones(TimeZone::find);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    std::string error;
    const TimeZone* const* from = from_zones.get(from_names[row].view(), error);
    const TimeZone* const* to = from == nullptr ? nullptr : to_zones.get(to_names[row].view(), error);
    if (to == nullptr) return call.fail(row, std::move(error));
    const std::optional<DatePattern::Time> time = default_pattern().parse(texts[row].view());
    if (!time) return call.set_null(row);
    text.clear();
    default_pattern().format((*from)->from_local(time->local_us), **to, text);
    out.set(row, text);
  });
  out.finish();
}

bool bind_unix_timestamp_of_time(CallSignature& call) {
  if (call.argument_types.size() != 1 || !call.argument_types[0].is_timestamp()) return false;
  call.result = TypeKind::kBigInt;
  call.kernel = unix_timestamp_of_time;
  return true;
}

constexpr auto kBindToDate = bind_optional<to_date, TypeKind::kDate, 1, Takes::kText, Takes::kText>;
constexpr auto kBindFormatText = bind_fixed<format_text, TypeKind::kString, Takes::kText, Takes::kText>;
constexpr auto kBindFromUnixtime = bind_optional<from_unixtime, TypeKind::kString, 1, Takes::kInteger, Takes::kText>;
constexpr auto kBindUnixTimestamp = bind_optional<unix_timestamp, TypeKind::kBigInt, 1, Takes::kText, Takes::kText>;
constexpr auto kBindFormatTimestamp = bind_date_format<TypeKind::kTimestamp, format_timestamp>;
constexpr auto kBindFormatTimestampLtz = bind_date_format<TypeKind::kTimestampLtz, format_timestamp_ltz>;
constexpr auto kBindFormatDate = bind_date_format<TypeKind::kDate, format_date>;
constexpr auto kBindConvertTz = bind_fixed<convert_tz, TypeKind::kString, Takes::kText, Takes::kText, Takes::kText>;

constexpr ConstantCheck kChecks[] = {
    {bind_to_timestamp, 1, check_pattern<PatternRules::kFormatter>},
    {bind_text_to_timestamp_ltz, 1, check_pattern<PatternRules::kFormatter>},
    {bind_text_to_timestamp_ltz, 2, check_zone},
    {kBindToDate, 1, check_pattern<PatternRules::kSimpleFormat>},
    {kBindFormatTimestamp, 1, check_pattern_without_zone},
    {kBindFormatTimestampLtz, 1, check_pattern<PatternRules::kFormatter>},
    {kBindFormatDate, 1, check_pattern<PatternRules::kSimpleFormat>},
    {kBindFormatText, 1, check_pattern<PatternRules::kSimpleFormat>},
    {kBindFromUnixtime, 1, check_pattern<PatternRules::kSimpleFormat>},
    {kBindUnixTimestamp, 1, check_pattern<PatternRules::kSimpleFormat>},
    {kBindConvertTz, 1, check_zone},
    {kBindConvertTz, 2, check_zone},
};

constexpr FunctionCategory kCategory = FunctionCategory::kTemporal;

constexpr ScalarFunction kFunctions[] = {
    {"TO_TIMESTAMP", kCategory, "TO_TIMESTAMP(text [, pattern])",
     "A TIMESTAMP(3) from text, or with more digits of seconds where a constant pattern ends with more of S; NULL "
     "where the text shows no such time. Without a pattern it is 'yyyy-M-d' or 'yyyy-M-d H:m:s' with 0 to 9 digits of "
     "a "
     "fraction; text in this form is taken with any pattern.",
     "TO_TIMESTAMP('02.01.2026 03:04', 'dd.MM.yyyy HH:mm') => 2026-01-02 03:04:00.000\n"
     "TO_TIMESTAMP('2026-1-2') => 2026-01-02 00:00:00.000\n"
     "TO_TIMESTAMP('2026-01-02T03:04Z', 'yyyy-MM-dd''T''HH:mm[:ss]X') => 2026-01-02 03:04:00.000\n"
     "TO_TIMESTAMP('2026-01-02 03:04') => NULL",
     bind_to_timestamp, NullRule::kMakes},
    {"TO_TIMESTAMP_LTZ", kCategory, "TO_TIMESTAMP_LTZ(count [, precision])",
     "A TIMESTAMP_LTZ(3) from a count since 1970: seconds with precision 0, milliseconds with 3, as without it; NULL "
     "where that is out of its range.",
     "TO_TIMESTAMP_LTZ(1767322800, 0) => 2026-01-02 03:00:00.000\n"
     "TO_TIMESTAMP_LTZ(1.5e0, 0) => 1970-01-01 00:00:01.500",
     bind_to_timestamp_ltz, NullRule::kMakes},
    {"TO_TIMESTAMP_LTZ", kCategory, "TO_TIMESTAMP_LTZ(text [, pattern [, 'zone']])",
     "A TIMESTAMP_LTZ(3) from text that shows a time in a zone, UTC by default, as TO_TIMESTAMP reads it.",
     "TO_TIMESTAMP_LTZ('2026-07-01 12:00:00', 'yyyy-MM-dd HH:mm:ss', 'Europe/Berlin') => 2026-07-01 10:00:00.000",
     bind_text_to_timestamp_ltz, NullRule::kMakes},
    {"TO_DATE", kCategory, "TO_DATE(text [, pattern])",
     "A DATE from text; NULL where it shows none. Without a pattern it is 'yyyy-M-d', 'yyyy-M' or 'yyyy' up to a "
     "space.",
     "TO_DATE('02.01.2026', 'dd.MM.yyyy') => 2026-01-02\nTO_DATE('2026-1-2 03:04') => 2026-01-02", kBindToDate,
     NullRule::kMakes},
    {"DATE_FORMAT", kCategory, "DATE_FORMAT(timestamp, pattern)", "Text of a time in the form of a pattern.",
     "DATE_FORMAT(TIMESTAMP '2026-01-02 03:04:05', 'EEE d MMM, h:mm a') => Fri 2 Jan, 3:04 AM\n"
     "DATE_FORMAT(TIMESTAMP '2026-12-27 03:04:05', 'QQQ, YYYY-ww-e') => Q4, 2027-01-1",
     kBindFormatTimestamp},
    {"DATE_FORMAT", kCategory, "DATE_FORMAT(timestamp_ltz, pattern)", "The same in the session's time zone.",
     "DATE_FORMAT(TO_TIMESTAMP_LTZ(0, 3), 'HH:mm X') => 00:00 Z", kBindFormatTimestampLtz},
    {"DATE_FORMAT", kCategory, "DATE_FORMAT(date, pattern)", "The same of a date.",
     "DATE_FORMAT(DATE '2026-01-02', 'dd.MM.yy') => 02.01.26", kBindFormatDate},
    {"DATE_FORMAT", kCategory, "DATE_FORMAT(text, pattern)",
     "The same of text in the form 'yyyy-MM-dd HH:mm:ss'; NULL where it is none.",
     "DATE_FORMAT('2026-01-02 03:04:05', 'HH') => 03\nDATE_FORMAT('2026-01-02', 'HH') => NULL", kBindFormatText,
     NullRule::kMakes},
    {"FROM_UNIXTIME", kCategory, "FROM_UNIXTIME(seconds [, pattern])",
     "Text of a time given in seconds since 1970, in the session's time zone.",
     "FROM_UNIXTIME(1767322800) => 2026-01-02 03:00:00", kBindFromUnixtime, NullRule::kPropagates, true, false, true},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP()", "The time of the query in seconds since 1970.", "",
     bind_fixed<unix_timestamp_now, TypeKind::kBigInt>, NullRule::kPropagates, false},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP(text [, pattern])",
     "Seconds since 1970 of a time, in the zone that the text names or in the session's; -9223372036854775808 where "
     "the text does not follow the pattern, which is 'yyyy-MM-dd HH:mm:ss' by default.",
     "UNIX_TIMESTAMP('2026-01-02 03:00:00') => 1767322800\n"
     "UNIX_TIMESTAMP('1970-01-01 08:00:01 +0800', 'yyyy-MM-dd HH:mm:ss X') => 1\n"
     "UNIX_TIMESTAMP('2026') => -9223372036854775808",
     kBindUnixTimestamp, NullRule::kPropagates, true, false, true},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP(timestamp)", "Seconds since 1970.",
     "UNIX_TIMESTAMP(TIMESTAMP '2026-01-02 03:00:00') => 1767322800", bind_unix_timestamp_of_time,
     NullRule::kPropagates, true, false, true},
    {"CONVERT_TZ", kCategory, "CONVERT_TZ(text, from_zone, to_zone)",
     "The time 'yyyy-MM-dd HH:mm:ss' of a clock in one time zone as a clock in another shows it; NULL where the text "
     "is none.",
     "CONVERT_TZ('2026-01-02 03:00:00', 'UTC', 'America/New_York') => 2026-01-01 22:00:00\n"
     "CONVERT_TZ('2026-01-02 03:00:00', 'PST', 'GMT+02:00') => 2026-01-02 13:00:00",
     kBindConvertTz, NullRule::kMakes},
};

}  // namespace

std::span<const ScalarFunction> temporal_conversion_functions() { return kFunctions; }
std::span<const ConstantCheck> temporal_conversion_checks() { return kChecks; }

}  // namespace penstock::expr
