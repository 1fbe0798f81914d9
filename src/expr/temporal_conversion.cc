// Times from and to text and numbers.
#include <fmt/format.h>

#include "expr/binding.h"
#include "expr/cast.h"
#include "expr/date_pattern.h"
#include "types/calendar.h"
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

// The pattern argument of a call: compiled once when it is constant, else when its text changes.
class PatternArgument {
 public:
  PatternArgument(const KernelCall& call, size_t argument) {
    if (argument < call.argument_count()) texts_ = call.argument<StringCell>(argument);
  }
  // nullptr when the row's pattern is wrong; `error` then says why.
  const DatePattern* at(size_t row, std::string& error) {
    std::string_view text = texts_ ? (*texts_)[row].view() : kDefaultPattern;
    if (!compiled_ || text != compiled_text_) {
      compiled_text_ = text;
      compiled_ = DatePattern::compile(text);
    }
    if (*compiled_) return &**compiled_;
    error = compiled_->error().message();
    return nullptr;
  }

 private:
  std::optional<ArgumentView<StringCell>> texts_;
  std::string compiled_text_;
  std::optional<Result<DatePattern>> compiled_;
};

// Text to a local time: without a pattern any form that CAST reads.
std::optional<int64_t> local_from_text(std::string_view text, const DatePattern* pattern) {
  if (pattern != nullptr) return pattern->parse(text);
  Result<int64_t> micros = types::timestamp_from_text(text, false);
  if (!micros) return std::nullopt;
  return *micros;
}

// Calls `body(row, local time)` for the rows whose text can be read; others become NULL, as Flink does it.
template <class F>
void read_local_times(KernelCall& call, F body) {
  auto texts = call.argument<StringCell>(0);
  bool has_pattern = call.argument_count() > 1;
  PatternArgument patterns(call, 1);
  for_valid_rows(call, [&](size_t row) {
    const DatePattern* pattern = nullptr;
    if (has_pattern) {
      std::string error;
      pattern = patterns.at(row, error);
      if (pattern == nullptr) return call.fail(row, std::move(error));
    }
    std::optional<int64_t> local = local_from_text(texts[row].view(), pattern);
    if (!local) return call.set_null(row);
    body(row, *local);
  });
}

void to_timestamp(KernelCall& call) {
  std::vector<int64_t> out(call.rows());
  read_local_times(call, [&](size_t row, int64_t local) { out[row] = truncate_to_precision(local, 3); });
  call.finish(std::move(out));
}

void to_date(KernelCall& call) {
  std::vector<int64_t> out(call.rows());
  read_local_times(call, [&](size_t row, int64_t local) { out[row] = types::floor_divide(local, kMicrosPerDay); });
  call.finish(std::move(out));
}

void unix_timestamp(KernelCall& call) {
  const TimeZone& zone = zone_of(call);
  std::vector<int64_t> out(call.rows());
  read_local_times(call, [&](size_t row, int64_t local) {
    out[row] = types::floor_divide(zone.from_local(local), kMicrosPerSecond);
  });
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

// TO_TIMESTAMP_LTZ(count since 1970, 0 for seconds or 3 for milliseconds).
void to_timestamp_ltz(KernelCall& call) {
  auto counts = call.argument<int64_t>(0);
  bool has_precision = call.argument_count() > 1;
  ArgumentView<int64_t> precisions = has_precision ? call.argument<int64_t>(1) : counts;
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    int64_t precision = has_precision ? precisions[row] : 3;
    if (precision != 0 && precision != 3) {
      call.fail(row, fmt::format("the precision {} is neither 0 (seconds) nor 3 (milliseconds)", precision));
      return 0;
    }
    int64_t micros = 0;
    if (__builtin_mul_overflow(counts[row], precision == 0 ? kMicrosPerSecond : kMicrosPerMilli, &micros)) {
      call.fail(row, fmt::format("{} is out of the range of TIMESTAMP_LTZ", counts[row]));
      return 0;
    }
    return micros;
  });
}

// TO_TIMESTAMP_LTZ(text [, pattern [, zone]]): a time in the zone, or in the session's.
void text_to_timestamp_ltz(KernelCall& call) {
  const TimeZone zone = call.argument_count() > 2 ? *TimeZone::load(call.constant_text(2)) : zone_of(call);
  std::vector<int64_t> out(call.rows());
  read_local_times(call,
                   [&](size_t row, int64_t local) { out[row] = truncate_to_precision(zone.from_local(local), 3); });
  call.finish(std::move(out));
}

bool bind_text_to_timestamp_ltz(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  if (call.arguments.size() > 2) {
    const Expr& zone = *call.arguments[2];
    if (!zone.is_literal() || zone.value().is_null() || !TimeZone::load(zone.value().as_string())) return false;
  }
  call.result = DataType::timestamp_ltz(3);
  call.kernel = text_to_timestamp_ltz;
  return true;
}

bool bind_to_timestamp_ltz(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kInteger, Takes::kInteger};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = DataType::timestamp_ltz(3);
  call.kernel = to_timestamp_ltz;
  return true;
}

void date_format(KernelCall& call) {
  auto times = call.argument<int64_t>(0);
  bool zoned = call.argument_type(0).kind() == TypeKind::kTimestampLtz;
  const TimeZone& zone = zoned ? zone_of(call) : TimeZone::utc();
  PatternArgument patterns(call, 1);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    std::string error;
    const DatePattern* pattern = patterns.at(row, error);
    if (pattern == nullptr) return call.fail(row, std::move(error));
    text.clear();
    pattern->format(zone.to_local(times[row]), text);
    out.set(row, text);
  });
  out.finish();
}

bool bind_date_format(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& time = call.argument_types[0];
  // Text is read as a TIMESTAMP first.
  bool is_time = time.kind() != TypeKind::kNull && (time.kind() == TypeKind::kString || time.kind() == TypeKind::kDate);
  if (is_time || time.kind() == TypeKind::kNull) time = DataType::timestamp(3);
  if (!time.is_timestamp() || !accept_argument(Takes::kText, call.argument_types[1])) return false;
  call.argument_types[1] = TypeKind::kString;
  call.result = TypeKind::kString;
  call.kernel = date_format;
  return true;
}

// FROM_UNIXTIME(seconds[, pattern]) in the session's zone.
void from_unixtime(KernelCall& call) {
  auto seconds = call.argument<int64_t>(0);
  const TimeZone& zone = zone_of(call);
  PatternArgument patterns(call, 1);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    std::string error;
    int64_t micros = 0;
    const DatePattern* pattern = patterns.at(row, error);
    if (pattern == nullptr) return call.fail(row, std::move(error));
    if (__builtin_mul_overflow(seconds[row], kMicrosPerSecond, &micros)) {
      return call.fail(row, fmt::format("{} is out of the range of times", seconds[row]));
    }
    text.clear();
    pattern->format(zone.to_local(micros), text);
    out.set(row, text);
  });
  out.finish();
}

void convert_tz(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto from_names = call.argument<StringCell>(1);
  auto to_names = call.argument<StringCell>(2);
  static const DatePattern kPattern = *DatePattern::compile(kDefaultPattern);
  // Zones by name, loaded once per batch.
  std::vector<TimeZone> zones;
  auto zone_named = [&](std::string_view name) -> Result<TimeZone> {
    for (const TimeZone& zone : zones) {
      if (zone.name() == name) return zone;
    }
    zones.push_back(PENSTOCK_TRY(TimeZone::load(name)));
    return zones.back();
  };
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    Result<TimeZone> from = zone_named(from_names[row].view());
    if (!from) return call.fail(row, from.error().message());
    Result<TimeZone> to = zone_named(to_names[row].view());
    if (!to) return call.fail(row, to.error().message());
    std::optional<int64_t> local = local_from_text(texts[row].view(), nullptr);
    if (!local) return call.set_null(row);
    text.clear();
    kPattern.format(to->to_local(from->from_local(*local)), text);
    out.set(row, text);
  });
  out.finish();
}

template <Kernel kernel>
bool bind_to_timestamp(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = DataType::timestamp(3);
  call.kernel = kernel;
  return true;
}

bool bind_unix_timestamp_of_time(CallSignature& call) {
  if (call.argument_types.size() != 1 || !call.argument_types[0].is_timestamp()) return false;
  call.result = TypeKind::kBigInt;
  call.kernel = unix_timestamp_of_time;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kTemporal;

constexpr ScalarFunction kFunctions[] = {
    {"TO_TIMESTAMP", kCategory, "TO_TIMESTAMP(text [, pattern])",
     "A TIMESTAMP(3) from text; NULL where the text does not follow the pattern ('yyyy-MM-dd HH:mm:ss' by default).",
     "TO_TIMESTAMP('02.01.2026 03:04', 'dd.MM.yyyy HH:mm') => 2026-01-02 03:04:00.000", bind_to_timestamp<to_timestamp>,
     NullRule::kMakes},
    {"TO_TIMESTAMP_LTZ", kCategory, "TO_TIMESTAMP_LTZ(count [, precision])",
     "A TIMESTAMP_LTZ(3) from a count since 1970: seconds with precision 0, milliseconds with 3.",
     "TO_TIMESTAMP_LTZ(1767322800, 0) => 2026-01-02 03:00:00.000", bind_to_timestamp_ltz},
    {"TO_TIMESTAMP_LTZ", kCategory, "TO_TIMESTAMP_LTZ(text [, pattern [, 'zone']])",
     "A TIMESTAMP_LTZ(3) from text that shows a time in a zone, the session's by default; NULL where the text does not "
     "follow the pattern.",
     "TO_TIMESTAMP_LTZ('2026-07-01 12:00:00', 'yyyy-MM-dd HH:mm:ss', 'Europe/Berlin') => 2026-07-01 10:00:00.000",
     bind_text_to_timestamp_ltz, NullRule::kMakes},
    {"TO_DATE", kCategory, "TO_DATE(text [, pattern])", "A DATE from text; NULL where it does not follow the pattern.",
     "TO_DATE('02.01.2026', 'dd.MM.yyyy') => 2026-01-02",
     bind_optional<to_date, TypeKind::kDate, 1, Takes::kText, Takes::kText>, NullRule::kMakes},
    {"DATE_FORMAT", kCategory, "DATE_FORMAT(time, pattern)", "Text of a time in the form of a pattern.",
     "DATE_FORMAT(TIMESTAMP '2026-01-02 03:04:05', 'EEE d MMM, h:mm a') => Fri 2 Jan, 3:04 AM", bind_date_format},
    {"FROM_UNIXTIME", kCategory, "FROM_UNIXTIME(seconds [, pattern])",
     "Text of a time given in seconds since 1970, in the session's time zone.",
     "FROM_UNIXTIME(1767322800) => 2026-01-02 03:00:00",
     bind_optional<from_unixtime, TypeKind::kString, 1, Takes::kInteger, Takes::kText>, NullRule::kPropagates, true,
     false, true},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP()", "The time of the query in seconds since 1970.", "",
     bind_fixed<unix_timestamp_now, TypeKind::kBigInt>, NullRule::kPropagates, false},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP(text [, pattern])",
     "Seconds since 1970 of a time in the session's time zone; NULL where the text does not follow the pattern.",
     "UNIX_TIMESTAMP('2026-01-02 03:00:00') => 1767322800",
     bind_optional<unix_timestamp, TypeKind::kBigInt, 1, Takes::kText, Takes::kText>, NullRule::kMakes, true, false,
     true},
    {"UNIX_TIMESTAMP", kCategory, "UNIX_TIMESTAMP(timestamp)", "Seconds since 1970.",
     "UNIX_TIMESTAMP(TIMESTAMP '2026-01-02 03:00:00') => 1767322800", bind_unix_timestamp_of_time,
     NullRule::kPropagates, true, false, true},
    {"CONVERT_TZ", kCategory, "CONVERT_TZ(text, from_zone, to_zone)",
     "The time of a clock in one time zone as a clock in another shows it.",
     "CONVERT_TZ('2026-01-02 03:00:00', 'UTC', 'America/New_York') => 2026-01-01 22:00:00",
     bind_fixed<convert_tz, TypeKind::kString, Takes::kText, Takes::kText, Takes::kText>, NullRule::kMakes},
};

}  // namespace

std::span<const ScalarFunction> temporal_conversion_functions() { return kFunctions; }

}  // namespace penstock::expr
