#include "expr/cast.h"

#include <cmath>
#include <limits>

#include "expr/registry.h"
#include "expr/type_rules.h"
#include "types/calendar.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

// An integer as Java narrows it: the low bits.
int64_t wrap_to(TypeKind kind, int64_t value) {
  switch (kind) {
    case TypeKind::kTinyInt: return static_cast<int8_t>(value);
    case TypeKind::kSmallInt: return static_cast<int16_t>(value);
    case TypeKind::kInt: return static_cast<int32_t>(value);
    default: return value;
  }
}

// A double as Java narrows it: NaN is 0, what is too large is the largest INT or BIGINT; smaller types wrap from INT.
int64_t double_to_integer(TypeKind kind, double value) {
  if (std::isnan(value)) return 0;
  if (kind == TypeKind::kBigInt) {
    if (value >= 9223372036854775808.0) return INT64_MAX;
    if (value < -9223372036854775808.0) return INT64_MIN;
    return static_cast<int64_t>(value);
  }
  double bounded = std::min(std::max(value, static_cast<double>(INT32_MIN)), static_cast<double>(INT32_MAX));
  return wrap_to(kind, static_cast<int64_t>(bounded));
}

std::string does_not_fit(std::string value, DataType type) {
  return fmt::format("{} does not fit {}", value, type.with_nullable(true).to_string());
}

void integer_to_integer(KernelCall& call) {
  TypeKind kind = call.result_type().kind();
  map_unary<int64_t, int64_t>(call, [kind](int64_t v) { return wrap_to(kind, v); });
}
void integer_to_double(KernelCall& call) {
  map_unary<double, int64_t>(call, [](int64_t v) { return static_cast<double>(v); });
}
void integer_to_float(KernelCall& call) {
  map_unary<double, int64_t>(call, [](int64_t v) { return static_cast<double>(static_cast<float>(v)); });
}
void integer_to_decimal(KernelCall& call) {
  DataType to = call.result_type();
  auto values = call.argument<int64_t>(0);
  map_valid<Int128>(call, [&](size_t row) {
    auto scaled = types::rescale_decimal(values[row], 0, to.scale(), to.precision());
    if (!scaled) call.fail(row, does_not_fit(fmt::format("{}", values[row]), to));
    return scaled.value_or(0);
  });
}
void integer_to_boolean(KernelCall& call) {
  map_unary<uint8_t, int64_t>(call, [](int64_t v) { return v != 0; });
}

void double_to_integer_kernel(KernelCall& call) {
  TypeKind kind = call.result_type().kind();
  map_unary<int64_t, double>(call, [kind](double v) { return double_to_integer(kind, v); });
}
void double_to_float(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return static_cast<double>(static_cast<float>(v)); });
}
void double_to_decimal(KernelCall& call) {
  DataType to = call.result_type();
  bool from_float = call.argument_type(0).kind() == TypeKind::kFloat;
  auto values = call.argument<double>(0);
  map_valid<Int128>(call, [&](size_t row) -> Int128 {
    std::string text;
    types::append_double(text, values[row], from_float);
    auto decimal = types::decimal_from_text(text, to.precision(), to.scale());
    if (!decimal) {
      call.fail(row, does_not_fit(text, to));
      return 0;
    }
    return *decimal;
  });
}
void double_to_boolean(KernelCall& call) {
  map_unary<uint8_t, double>(call, [](double v) { return v != 0; });
}

void decimal_to_integer(KernelCall& call) {
  TypeKind kind = call.result_type().kind();
  Int128 unit = types::power_of_ten(call.argument_type(0).scale());
  map_unary<int64_t, Int128>(call, [=](Int128 v) { return wrap_to(kind, static_cast<int64_t>(v / unit)); });
}
void decimal_to_double(KernelCall& call) {
  int scale = call.argument_type(0).scale();
  map_unary<double, Int128>(call, [scale](Int128 v) { return types::decimal_to_double(v, scale); });
}
void decimal_to_float(KernelCall& call) {
  int scale = call.argument_type(0).scale();
  map_unary<double, Int128>(
      call, [scale](Int128 v) { return static_cast<double>(static_cast<float>(types::decimal_to_double(v, scale))); });
}
void decimal_to_decimal(KernelCall& call) {
  DataType from = call.argument_type(0);
  DataType to = call.result_type();
  auto values = call.argument<Int128>(0);
  map_valid<Int128>(call, [&](size_t row) {
    auto scaled = types::rescale_decimal(values[row], from.scale(), to.scale(), to.precision());
    if (!scaled) call.fail(row, does_not_fit(types::int128_to_text(values[row], from.scale()), to));
    return scaled.value_or(0);
  });
}
void decimal_to_boolean(KernelCall& call) {
  map_unary<uint8_t, Int128>(call, [](Int128 v) { return v != 0; });
}

void boolean_to_integer(KernelCall& call) {
  map_unary<int64_t, uint8_t>(call, [](uint8_t v) { return v; });
}
void boolean_to_double(KernelCall& call) {
  map_unary<double, uint8_t>(call, [](uint8_t v) { return v; });
}
void boolean_to_decimal(KernelCall& call) {
  Int128 one = types::power_of_ten(call.result_type().scale());
  map_unary<Int128, uint8_t>(call, [one](uint8_t v) { return v != 0 ? one : 0; });
}

// Flink counts day-time intervals in milliseconds when it makes numbers of them.
void micros_to_number(KernelCall& call) {
  TypeKind kind = call.result_type().kind();
  map_unary<int64_t, int64_t>(
      call, [kind](int64_t v) { return wrap_to(kind, types::floor_divide(v, types::kMicrosPerMilli)); });
}
void number_to_micros(KernelCall& call) {
  auto values = call.argument<int64_t>(0);
  map_valid<int64_t>(call, [&](size_t row) {
    int64_t micros = 0;
    if (__builtin_mul_overflow(values[row], types::kMicrosPerMilli, &micros)) {
      call.fail(row, does_not_fit(fmt::format("{} ms", values[row]), call.result_type()));
    }
    return micros;
  });
}

Kernel from_integer(DataType from, DataType to) {
  if (to.is_integer()) {
    if (to.kind() >= from.kind()) return nullptr;
    return integer_to_integer;
  }
  switch (to.kind()) {
    case TypeKind::kDouble: return integer_to_double;
    case TypeKind::kFloat: return integer_to_float;
    case TypeKind::kDecimal: return integer_to_decimal;
    case TypeKind::kBoolean: return integer_to_boolean;
    case TypeKind::kIntervalDayTime: return number_to_micros;
    default: return nullptr;  // INTERVAL YEAR TO MONTH counts months
  }
}

Kernel from_approximate(DataType from, DataType to) {
  if (to.is_integer()) return double_to_integer_kernel;
  switch (to.kind()) {
    case TypeKind::kFloat: return from.kind() == TypeKind::kFloat ? nullptr : double_to_float;
    case TypeKind::kDecimal: return double_to_decimal;
    case TypeKind::kBoolean: return double_to_boolean;
    default: return nullptr;  // a FLOAT is held as a double
  }
}

Kernel from_decimal(DataType from, DataType to) {
  if (to.is_integer()) return decimal_to_integer;
  switch (to.kind()) {
    case TypeKind::kDouble: return decimal_to_double;
    case TypeKind::kFloat: return decimal_to_float;
    case TypeKind::kBoolean: return decimal_to_boolean;
    default: break;
  }
  bool same_values = from.scale() == to.scale() && from.precision() <= to.precision();
  return same_values ? nullptr : decimal_to_decimal;
}

Kernel from_boolean(DataType to) {
  if (to.is_integer()) return boolean_to_integer;
  if (to.is_approximate()) return boolean_to_double;
  return to.kind() == TypeKind::kDecimal ? boolean_to_decimal : nullptr;
}

bool is_temporal(DataType type) {
  return type.is_timestamp() || type.kind() == TypeKind::kDate || type.kind() == TypeKind::kTime;
}

}  // namespace

Kernel cast_kernel(DataType from, DataType to) {
  if (from.kind() == TypeKind::kNull || from.same_type(to)) return nullptr;
  if (to.kind() == TypeKind::kString) return cast_to_text_kernel(from);
  if (to.is_nested()) return cast_nested_kernel(from, to);
  if (from.kind() == TypeKind::kString) return cast_from_text_kernel(to);
  if (from.is_integer()) return from_integer(from, to);
  if (from.is_approximate()) return from_approximate(from, to);
  if (from.kind() == TypeKind::kDecimal) return from_decimal(from, to);
  if (from.kind() == TypeKind::kBoolean) return from_boolean(to);
  if (from.kind() == TypeKind::kIntervalDayTime && to.is_integer()) return micros_to_number;
  if (from.kind() == TypeKind::kIntervalYearMonth && to.is_integer()) return integer_to_integer;
  if (is_temporal(from) && is_temporal(to)) return cast_temporal_kernel(from, to);
  return nullptr;
}

bool explicitly_castable(DataType from, DataType to) {
  if (from.kind() == TypeKind::kNull) return true;
  if (from.is_nested() || to.is_nested()) return nested_castable(from, to);
  if (from.kind() == to.kind()) return true;
  if (from.kind() == TypeKind::kString || to.kind() == TypeKind::kString) return to.kind() != TypeKind::kNull;
  auto is_number = [](DataType type) { return type.is_numeric() || type.kind() == TypeKind::kBoolean; };
  if (is_number(from) && is_number(to)) return true;
  if (from.is_integer() && to.is_interval()) return true;
  if (from.is_interval() && to.is_integer()) return true;
  if (!is_temporal(from) || !is_temporal(to)) return false;
  // Between DATE and TIME there is nothing to keep.
  return from.is_timestamp() || to.is_timestamp();
}

}  // namespace penstock::expr
