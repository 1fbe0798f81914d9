// Arithmetic with times and intervals, fields of times, rounding to units, and the time of the query.
#include <algorithm>
#include <array>

#include "expr/binding.h"
#include "expr/cast.h"
#include "expr/temporal_units.h"
#include "types/calendar.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

using types::kMicrosPerDay;
using types::TimeZone;

const TimeZone& zone_of(const KernelCall& call) {
  return call.context().zone == nullptr ? TimeZone::utc() : *call.context().zone;
}

// --- + and - with intervals ---

bool is_date_or_timestamp(DataType type) { return type.kind() == TypeKind::kDate || type.is_timestamp(); }

template <int sign>
void add_micros(KernelCall& call) {
  map_binary<int64_t, int64_t, int64_t>(
      call, [](int64_t a, int64_t b) { return sign > 0 ? wrap_add(a, b) : wrap_subtract(a, b); });
}

// Of timestamps and intervals. Out of the range of times there is nothing to wrap to.
template <int sign>
void add_to_time(KernelCall& call) {
  auto a = call.argument<int64_t>(0);
  auto b = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) {
    int64_t moved = 0;
    const bool overflows =
        sign > 0 ? __builtin_add_overflow(a[row], b[row], &moved) : __builtin_sub_overflow(a[row], b[row], &moved);
    if (overflows) call.fail(row, "the time is moved out of range");
    return moved;
  });
}

// `function(time, interval)`; `time` is which of the arguments the time is: of interval + time the second.
template <size_t time, class F>
void map_time_and_interval(KernelCall& call, F function) {
  map_binary<int64_t, int64_t, int64_t>(
      call, [function](int64_t a, int64_t b) { return time == 0 ? function(a, b) : function(b, a); });
}

// TIME stays within its day.
template <int sign, size_t time>
void add_micros_to_time(KernelCall& call) {
  map_time_and_interval<time>(call, [](int64_t of_day, int64_t interval) {
    int64_t rest = interval % kMicrosPerDay;
    return types::floor_modulo(sign > 0 ? wrap_add(of_day, rest) : wrap_subtract(of_day, rest), kMicrosPerDay);
  });
}

// DATE plus whole days.
template <int sign, size_t time>
void add_days(KernelCall& call) {
  map_time_and_interval<time>(call,
                              [](int64_t days, int64_t interval) { return days + sign * (interval / kMicrosPerDay); });
}

template <int sign, size_t time>
void add_months_kernel(KernelCall& call) {
  TypeKind kind = call.argument_type(time).kind();
  const TimeZone& zone = zone_of(call);
  auto times = call.argument<int64_t>(time);
  auto months = call.argument<int64_t>(1 - time);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    std::optional<int64_t> moved = moved_by_months(kind, times[row], months[row] * sign, zone);
    if (!moved) call.fail(row, "the time is moved out of range");
    return moved.value_or(0);
  });
}

bool is_literal_of_whole_days(const Expr& expr) {
  return expr.is_literal() && !expr.value().is_null() && expr.value().as_int64() % kMicrosPerDay == 0;
}

// time + interval, time - interval, interval + time; `at` is which of the arguments the time is.
template <int sign, size_t at>
bool bind_time_and_interval(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& time = call.argument_types[at];
  TypeKind kind = call.argument_types[1 - at].kind();
  if (kind == TypeKind::kIntervalYearMonth && is_date_or_timestamp(time)) {
    call.result = time;
    call.kernel = add_months_kernel<sign, at>;
    return true;
  }
  if (kind != TypeKind::kIntervalDayTime) return false;
  if (time.is_timestamp()) {
    call.result = time;
    call.kernel = add_to_time<sign>;
  } else if (time.kind() == TypeKind::kTime) {
    call.result = time;
    call.kernel = add_micros_to_time<sign, at>;
  } else if (time.kind() == TypeKind::kDate && is_literal_of_whole_days(*call.arguments[1 - at])) {
    call.result = time;
    call.kernel = add_days<sign, at>;
  } else if (time.kind() == TypeKind::kDate) {
    time = call.result = DataType::timestamp(3);
    call.kernel = add_to_time<sign>;
  } else {
    return false;
  }
  return true;
}

template <int sign>
bool bind_intervals(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType a = call.argument_types[0];
  if (!a.is_interval() || a.kind() != call.argument_types[1].kind()) return false;
  call.result = a;
  call.kernel = add_micros<sign>;
  return true;
}

// time - time.
bool bind_time_difference(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& a = call.argument_types[0];
  DataType& b = call.argument_types[1];
  if (!is_date_or_timestamp(a) || !is_date_or_timestamp(b)) return false;
  bool zoned = a.kind() == TypeKind::kTimestampLtz || b.kind() == TypeKind::kTimestampLtz;
  a = b = zoned ? DataType::timestamp_ltz(6) : DataType::timestamp(6);
  call.result = TypeKind::kIntervalDayTime;
  call.kernel = add_to_time<-1>;
  return true;
}

void multiply_interval(KernelCall& call) {
  map_binary<int64_t, int64_t, int64_t>(call, [](int64_t a, int64_t b) { return wrap_multiply(a, b); });
}
bool bind_interval_times(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType a = call.argument_types[0];
  DataType b = call.argument_types[1];
  if (!(a.is_interval() && b.is_integer()) && !(a.is_integer() && b.is_interval())) return false;
  call.result = a.is_interval() ? a : b;
  call.kernel = multiply_interval;
  return true;
}

// --- EXTRACT, and YEAR() and its kin ---

template <TimeUnit unit>
void extract_kernel(KernelCall& call) {
  TypeKind kind = call.argument_type(0).kind();
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(call, [&](int64_t v) { return extract_field(unit, kind, v, zone); });
}

bool has_field(DataType type, TimeUnit unit) {
  if (is_date_or_timestamp(type)) return true;
  bool of_day = unit >= TimeUnit::kHour && unit != TimeUnit::kEpoch;
  if (type.kind() == TypeKind::kTime) return of_day;
  if (type.kind() == TypeKind::kIntervalDayTime) return of_day || unit == TimeUnit::kDay;
  return type.kind() == TypeKind::kIntervalYearMonth && (unit == TimeUnit::kYear || unit == TimeUnit::kMonth);
}

template <TimeUnit unit>
bool bind_field(CallSignature& call) {
  if (call.argument_types.size() != 1) return false;
  if (call.argument_types[0].kind() == TypeKind::kNull) call.argument_types[0] = DataType::timestamp(3);
  if (!has_field(call.argument_types[0], unit)) return false;
  call.result = TypeKind::kBigInt;
  call.kernel = extract_kernel<unit>;
  return true;
}

// EXTRACT(unit FROM time): the unit decides at run time, once per batch.
void extract_by_unit(KernelCall& call) {
  TimeUnit unit = *time_unit_from_name(call.constant_text(0));
  TypeKind kind = call.argument_type(1).kind();
  const TimeZone& zone = zone_of(call);
  auto times = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) { return extract_field(unit, kind, times[row], zone); });
}

std::optional<TimeUnit> literal_unit(const CallSignature& call) {
  std::optional<std::string> name = literal_text_upper(call, 0);
  return name ? time_unit_from_name(*name) : std::nullopt;
}

bool bind_extract(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  std::optional<TimeUnit> unit = literal_unit(call);
  if (call.argument_types[1].kind() == TypeKind::kNull) call.argument_types[1] = DataType::timestamp(3);
  if (!unit || !has_field(call.argument_types[1], *unit)) return false;
  call.result = TypeKind::kBigInt;
  call.kernel = extract_by_unit;
  return true;
}

// --- FLOOR and CEIL of times ---

template <bool up>
void round_kernel(KernelCall& call) {
  TimeUnit unit = *time_unit_from_name(call.constant_text(0));
  TypeKind kind = call.argument_type(1).kind();
  const TimeZone& zone = zone_of(call);
  auto times = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) { return round_to_unit(unit, up, kind, times[row], zone); });
}

template <bool up>
bool bind_round(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  std::optional<TimeUnit> unit = literal_unit(call);
  DataType time = call.argument_types[1];
  if (!unit || !can_round_to(*unit)) return false;
  if (!is_date_or_timestamp(time) && time.kind() != TypeKind::kTime) return false;
  call.result = time;
  call.kernel = round_kernel<up>;
  return true;
}

// --- TIMESTAMPADD, TIMESTAMPDIFF ---

void timestamp_add(KernelCall& call) {
  TimeUnit unit = *time_unit_from_name(call.constant_text(0));
  TypeKind kind = call.argument_type(2).kind();
  const TimeZone& zone = zone_of(call);
  auto counts = call.argument<int64_t>(1);
  auto times = call.argument<int64_t>(2);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    std::optional<int64_t> moved = moved_by_units(unit, counts[row], kind, times[row], zone);
    if (!moved) call.fail(row, "the time is moved out of range");
    return moved.value_or(0);
  });
}

bool bind_timestamp_add(CallSignature& call) {
  if (call.argument_types.size() != 3 || !literal_unit(call) || !can_add(*literal_unit(call))) return false;
  DataType& time = call.argument_types[2];
  const bool is_clock = time.kind() == TypeKind::kTime && !is_of_months(*literal_unit(call));
  if (!call.argument_types[1].is_integer() || !(is_date_or_timestamp(time) || is_clock)) return false;
  // A DATE moved by less than days becomes a TIMESTAMP.
  if (time.kind() == TypeKind::kDate && *literal_unit(call) >= TimeUnit::kHour) time = DataType::timestamp(3);
  call.result = time;
  call.kernel = timestamp_add;
  return true;
}

void timestamp_difference(KernelCall& call) {
  TimeUnit unit = *time_unit_from_name(call.constant_text(0));
  auto from = call.argument<int64_t>(1);
  auto to = call.argument<int64_t>(2);
  // Months are those of the clock; days and less are what has passed, as TIMESTAMPADD adds them.
  const bool by_clock = call.argument_type(1).kind() == TypeKind::kTimestampLtz && is_of_months(unit);
  const TimeZone& zone = by_clock ? zone_of(call) : TimeZone::utc();
  map_valid<int64_t>(call, [&](size_t row) {
    return static_cast<int32_t>(units_between(unit, zone.to_local(from[row]), zone.to_local(to[row])));
  });
}

bool bind_timestamp_difference(CallSignature& call) {
  if (call.argument_types.size() != 3 || !literal_unit(call) || !can_add(*literal_unit(call))) return false;
  DataType& a = call.argument_types[1];
  DataType& b = call.argument_types[2];
  // A TIME is one of 1970-01-01.
  const auto is_time = [](DataType type) { return is_date_or_timestamp(type) || type.kind() == TypeKind::kTime; };
  if (!is_time(a) || !is_time(b)) return false;
  bool zoned = a.kind() == TypeKind::kTimestampLtz || b.kind() == TypeKind::kTimestampLtz;
  a = b = zoned ? DataType::timestamp_ltz(6) : DataType::timestamp(6);
  call.result = TypeKind::kInt;
  call.kernel = timestamp_difference;
  return true;
}

// --- the time of the query ---

void current_timestamp(KernelCall& call) {
  int64_t now = truncate_to_precision(call.context().now_us, call.result_type().precision());
  call.finish(std::vector<int64_t>(call.rows(), now));
}
void local_timestamp(KernelCall& call) {
  int64_t now = zone_of(call).to_local(call.context().now_us);
  call.finish(std::vector<int64_t>(call.rows(), truncate_to_precision(now, call.result_type().precision())));
}
void current_date(KernelCall& call) {
  int64_t now = zone_of(call).to_local(call.context().now_us);
  call.finish(std::vector<int64_t>(call.rows(), types::floor_divide(now, kMicrosPerDay)));
}
void local_time(KernelCall& call) {
  int64_t now = zone_of(call).to_local(call.context().now_us);
  call.finish(std::vector<int64_t>(call.rows(), types::floor_modulo(now, kMicrosPerDay)));
}

bool bind_current_timestamp(CallSignature& call) {
  if (!call.argument_types.empty()) return false;
  call.result = DataType::timestamp_ltz(3);
  call.kernel = current_timestamp;
  return true;
}
bool bind_proctime(CallSignature& call) {
  if (!bind_current_timestamp(call)) return false;
  call.result = call.result.with_nullable(false);
  return true;
}
// Plans read the watermark where the rows are read. What is still computed is of rows that have none.
void no_watermark(KernelCall& call) { call.finish(Column::constant(call.result_type(), Value(), call.rows())); }

// CURRENT_WATERMARK(rowtime, where it is written)
bool bind_no_watermark(CallSignature& call) {
  if (call.argument_types.size() != 2 || !call.argument_types[0].is_timestamp()) return false;
  const bool local = call.argument_types[0].kind() == TypeKind::kTimestampLtz;
  call.result = (local ? DataType::timestamp_ltz(3) : DataType::timestamp(3)).with_nullable(true);
  call.kernel = no_watermark;
  return true;
}
bool bind_local_timestamp(CallSignature& call) {
  if (!call.argument_types.empty()) return false;
  call.result = DataType::timestamp(3);
  call.kernel = local_timestamp;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kTemporal;
constexpr NullRule kPropagates = NullRule::kPropagates;

constexpr ScalarFunction kFunctions[] = {
    {"+", kCategory, "time + interval", "The time moved by an interval; months are cut to their length.",
     "DATE '2026-01-31' + INTERVAL '1' MONTH => 2026-02-28", bind_time_and_interval<1, 0>},
    {"+", kCategory, "interval + time", "The time moved by an interval.",
     "INTERVAL '1' HOUR + TIMESTAMP '2026-01-31 10:00:00' => 2026-01-31 11:00:00", bind_time_and_interval<1, 1>},
    {"+", kCategory, "interval + interval", "The sum of two intervals.",
     "INTERVAL '1' DAY + INTERVAL '2' HOUR => +1 02:00:00.000", bind_intervals<1>},
    {"-", kCategory, "time - interval", "The time moved back by an interval.",
     "DATE '2026-01-31' - INTERVAL '1' DAY => 2026-01-30", bind_time_and_interval<-1, 0>},
    {"-", kCategory, "interval - interval", "The difference of two intervals.",
     "INTERVAL '1' DAY - INTERVAL '2' HOUR => +0 22:00:00.000", bind_intervals<-1>},
    {"-", kCategory, "time - time", "What lies between two times, as an INTERVAL DAY TO SECOND.",
     "DATE '2026-01-02' - DATE '2026-01-01' => +1 00:00:00.000", bind_time_difference},
    {"*", kCategory, "interval * integer", "An interval that many times.",
     "INTERVAL '10' MINUTE * 6 => +0 01:00:00.000", bind_interval_times},
    {"EXTRACT", kCategory, "EXTRACT(unit FROM time)",
     "A field of a time: YEAR, QUARTER, MONTH, WEEK, DAY, DOW (Sunday is 1), ISODOW (Monday is 1), DOY, HOUR, MINUTE, "
     "SECOND, MILLISECOND, MICROSECOND and NANOSECOND (those within the second), EPOCH, MILLENNIUM, CENTURY, DECADE, "
     "ISOYEAR.",
     "EXTRACT(MONTH FROM DATE '2026-01-02') => 1\n"
     "EXTRACT(MILLISECOND FROM TIMESTAMP '2026-01-02 03:04:05.678') => 678",
     bind_extract},
    {"YEAR", kCategory, "YEAR(time)", "The year.", "YEAR(DATE '2026-01-02') => 2026", bind_field<TimeUnit::kYear>},
    {"QUARTER", kCategory, "QUARTER(time)", "The quarter of the year, 1 to 4.", "QUARTER(DATE '2026-05-02') => 2",
     bind_field<TimeUnit::kQuarter>},
    {"MONTH", kCategory, "MONTH(time)", "The month, 1 to 12.", "MONTH(DATE '2026-05-02') => 5",
     bind_field<TimeUnit::kMonth>},
    {"WEEK", kCategory, "WEEK(time)", "The week of the year as ISO 8601 counts, 1 to 53.",
     "WEEK(DATE '2026-01-01') => 1", bind_field<TimeUnit::kWeek>},
    {"DAYOFYEAR", kCategory, "DAYOFYEAR(time)", "The day of the year, 1 to 366.", "DAYOFYEAR(DATE '2026-02-01') => 32",
     bind_field<TimeUnit::kDayOfYear>},
    {"DAYOFMONTH", kCategory, "DAYOFMONTH(time)", "The day of the month, 1 to 31.",
     "DAYOFMONTH(DATE '2026-02-01') => 1", bind_field<TimeUnit::kDay>},
    {"DAYOFWEEK", kCategory, "DAYOFWEEK(time)", "The day of the week, 1 is Sunday.",
     "DAYOFWEEK(DATE '2026-01-01') => 5", bind_field<TimeUnit::kDayOfWeek>},
    {"HOUR", kCategory, "HOUR(time)", "The hour, 0 to 23.", "HOUR(TIMESTAMP '2026-01-02 03:04:05') => 3",
     bind_field<TimeUnit::kHour>},
    {"MINUTE", kCategory, "MINUTE(time)", "The minute, 0 to 59.", "MINUTE(TIMESTAMP '2026-01-02 03:04:05') => 4",
     bind_field<TimeUnit::kMinute>},
    {"SECOND", kCategory, "SECOND(time)", "The second, 0 to 59.", "SECOND(TIMESTAMP '2026-01-02 03:04:05') => 5",
     bind_field<TimeUnit::kSecond>},
    {"FLOOR", kCategory, "FLOOR(time TO unit)", "The time cut to a unit, MILLISECOND to YEAR; weeks begin on Sunday.",
     "FLOOR(DATE '2026-05-17' TO MONTH) => 2026-05-01", bind_round<false>},
    {"CEIL", kCategory, "CEIL(time TO unit)", "The time rounded up to a unit, MILLISECOND to YEAR.",
     "CEIL(DATE '2026-05-17' TO MONTH) => 2026-06-01", bind_round<true>},
    {"CEILING", kCategory, "CEILING(time TO unit)", "The same as CEIL.",
     "CEILING(DATE '2026-05-17' TO YEAR) => 2027-01-01", bind_round<true>},
    {"TIMESTAMPADD", kCategory, "TIMESTAMPADD(unit, count, time)",
     "The time moved by so many units; a TIME stays within its day.",
     "TIMESTAMPADD(WEEK, 1, DATE '2026-01-02') => 2026-01-09\nTIMESTAMPADD(HOUR, 2, TIME '23:30:00') => 01:30:00",
     bind_timestamp_add},
    {"TIMESTAMPDIFF", kCategory, "TIMESTAMPDIFF(unit, from, to)",
     "How many whole units lie between two times; a TIME is one of 1970-01-01.",
     "TIMESTAMPDIFF(DAY, DATE '2026-01-02', DATE '2026-02-01') => 30", bind_timestamp_difference},
    {"CURRENT_TIMESTAMP", kCategory, "CURRENT_TIMESTAMP", "The time of the query, as TIMESTAMP_LTZ(3).", "",
     bind_current_timestamp, kPropagates, false},
    {"NOW", kCategory, "NOW()", "The same as CURRENT_TIMESTAMP.", "", bind_current_timestamp, kPropagates, false},
    {"TRANSACTION_TIMESTAMP", kCategory, "TRANSACTION_TIMESTAMP()", "The same as CURRENT_TIMESTAMP.", "",
     bind_current_timestamp, kPropagates, false},
    {"STATEMENT_TIMESTAMP", kCategory, "STATEMENT_TIMESTAMP()", "The same as CURRENT_TIMESTAMP.", "",
     bind_current_timestamp, kPropagates, false},
    {"CLOCK_TIMESTAMP", kCategory, "CLOCK_TIMESTAMP()", "The same as CURRENT_ROW_TIMESTAMP.", "",
     bind_current_timestamp, kPropagates, false},
    {"CURRENT_ROW_TIMESTAMP", kCategory, "CURRENT_ROW_TIMESTAMP()", "The time at which the batch is computed.", "",
     bind_current_timestamp, kPropagates, false},
    {"PROCTIME", kCategory, "PROCTIME()",
     "The time at which a row is processed. Windows can be over it, and it can stand in FOR SYSTEM_TIME AS OF.", "",
     bind_proctime, kPropagates, false},
    {"CURRENT_WATERMARK", kCategory, "CURRENT_WATERMARK(rowtime)",
     "The watermark of the column when the row came; NULL before the first one, and in a SELECT.", "",
     bind_no_watermark, NullRule::kHandles, false, true},
    {"LOCALTIMESTAMP", kCategory, "LOCALTIMESTAMP", "The time of the query in the session's zone, as TIMESTAMP(3).", "",
     bind_local_timestamp, kPropagates, false},
    {"CURRENT_DATE", kCategory, "CURRENT_DATE", "The date of the query in the session's zone.", "",
     bind_fixed<current_date, TypeKind::kDate>, kPropagates, false},
    {"LOCALTIME", kCategory, "LOCALTIME", "The time of day of the query in the session's zone.", "",
     bind_fixed<local_time, TypeKind::kTime>, kPropagates, false},
    {"CURRENT_TIME", kCategory, "CURRENT_TIME", "The same as LOCALTIME.", "", bind_fixed<local_time, TypeKind::kTime>,
     kPropagates, false},
};

}  // namespace

std::span<const ScalarFunction> temporal_functions() { return kFunctions; }

}  // namespace penstock::expr
