// Casts between DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ.
#include "expr/cast.h"
#include "types/calendar.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

using types::kMicrosPerDay;
using types::TimeZone;

const TimeZone& zone_of(const KernelCall& call) {
  return call.context().zone == nullptr ? TimeZone::utc() : *call.context().zone;
}

// The local time that the argument shows, for each of the types.
int64_t local_micros(TypeKind from, int64_t value, const TimeZone& zone) {
  switch (from) {
    case TypeKind::kDate: return wrap_multiply(value, kMicrosPerDay);
    case TypeKind::kTimestampLtz: return zone.to_local(value);
    default: return value;  // TIMESTAMP; TIME on 1970-01-01
  }
}

void to_date(KernelCall& call) {
  TypeKind from = call.argument_type(0).kind();
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(
      call, [&](int64_t v) { return types::floor_divide(local_micros(from, v, zone), kMicrosPerDay); });
}

void to_time(KernelCall& call) {
  TypeKind from = call.argument_type(0).kind();
  int precision = call.result_type().precision();
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(call, [&](int64_t v) {
    return truncate_to_precision(types::floor_modulo(local_micros(from, v, zone), kMicrosPerDay), precision);
  });
}

void to_timestamp(KernelCall& call) {
  TypeKind from = call.argument_type(0).kind();
  int precision = call.result_type().precision();
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(call,
                              [&](int64_t v) { return truncate_to_precision(local_micros(from, v, zone), precision); });
}

void to_timestamp_ltz(KernelCall& call) {
  TypeKind from = call.argument_type(0).kind();
  int precision = call.result_type().precision();
  const TimeZone& zone = zone_of(call);
  map_unary<int64_t, int64_t>(call, [&](int64_t v) {
    if (from == TypeKind::kTimestampLtz) return truncate_to_precision(v, precision);
    return truncate_to_precision(zone.from_local(local_micros(from, v, zone)), precision);
  });
}

}  // namespace

int64_t truncate_to_precision(int64_t micros, int precision) {
  static constexpr int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10};
  if (precision >= 6) return micros;
  int64_t unit = kUnits[precision];
  int64_t cut = types::floor_divide(micros, unit);
  int64_t result = 0;
  return __builtin_mul_overflow(cut, unit, &result) ? micros : result;
}

Kernel cast_temporal_kernel(DataType from, DataType to) {
  switch (to.kind()) {
    case TypeKind::kDate: return to_date;
    case TypeKind::kTime: return to_time;
    case TypeKind::kTimestamp:
      if (from.kind() == TypeKind::kTimestamp && to.precision() >= from.precision()) return nullptr;
      return to_timestamp;
    default:
      if (from.kind() == TypeKind::kTimestampLtz && to.precision() >= from.precision()) return nullptr;
      return to_timestamp_ltz;
  }
}

}  // namespace penstock::expr
