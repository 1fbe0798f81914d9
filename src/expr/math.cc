// Functions of numbers.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "expr/binding.h"
#include "expr/evaluator.h"
#include "expr/registry.h"
#include "expr/type_rules.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

// --- functions of doubles ---

template <double (*function)(double)>
void double_function(KernelCall& call) {
  map_unary<double, double>(call, function);
}
template <double (*function)(double, double)>
void double_function2(KernelCall& call) {
  map_binary<double, double, double>(call, function);
}
double log_of_base(double base, double x) { return std::log(x) / std::log(base); }
double cotangent(double x) { return 1 / std::tan(x); }
double to_degrees(double x) { return x * (180 / std::numbers::pi); }
double to_radians(double x) { return x * (std::numbers::pi / 180); }
template <double value>
void constant_kernel(KernelCall& call) {
  call.finish(std::vector<double>(call.rows(), value));
}

// --- ABS, SIGN: of the argument's type ---

// Binds a function whose result has the argument's type, by its physical form.
template <Kernel integers, Kernel doubles, Kernel decimals>
bool bind_same_type(CallSignature& call) {
  if (call.argument_types.size() != 1) return false;
  DataType& type = call.argument_types[0];
  if (type.kind() == TypeKind::kNull) type = TypeKind::kInt;
  if (!type.is_numeric()) return false;
  call.result = type;
  call.kernel = type.is_integer() ? integers : (type.is_approximate() ? doubles : decimals);
  return true;
}

void abs_integer(KernelCall& call) {
  types::IntegerRange range = types::integer_range(call.result_type().kind());
  // The least integer has no opposite and stays, as in Java.
  map_unary<int64_t, int64_t>(call, [=](int64_t v) { return v < 0 && v != range.min ? -v : v; });
}
void abs_double(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return std::abs(v); });
}
void abs_decimal(KernelCall& call) {
  map_unary<Int128, Int128>(call, [](Int128 v) { return v < 0 ? -v : v; });
}

void sign_integer(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return (v > 0) - (v < 0); });
}
void sign_double(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return std::isnan(v) ? v : static_cast<double>((v > 0) - (v < 0)); });
}
void sign_decimal(KernelCall& call) {
  Int128 one = types::power_of_ten(call.result_type().scale());
  map_unary<Int128, Int128>(call, [one](Int128 v) { return v == 0 ? Int128{0} : (v < 0 ? -one : one); });
}

// --- FLOOR, CEIL ---

void keep_integer(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return v; });
}
void floor_double(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return std::floor(v); });
}
void ceil_double(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return std::ceil(v); });
}
template <bool up>
void whole_decimal(KernelCall& call) {
  Int128 unit = types::power_of_ten(call.argument_type(0).scale());
  map_unary<Int128, Int128>(call, [unit](Int128 v) {
    Int128 cut = v / unit;
    Int128 rest = v % unit;
    if (up) return cut + (rest > 0 ? 1 : 0);
    return cut - (rest < 0 ? 1 : 0);
  });
}

template <bool up>
bool bind_whole(CallSignature& call) {
  if (!bind_same_type<keep_integer, up ? ceil_double : floor_double, whole_decimal<up>>(call)) return false;
  if (call.result.kind() == TypeKind::kDecimal) {
    call.result = DataType::decimal(call.result.precision(), 0);
  }
  return true;
}

// --- ROUND, TRUNCATE to places, which may be negative ---

Int128 rounded_decimal(Int128 value, int scale, int64_t places, bool cut) {
  if (places >= scale) return value;
  int64_t dropped = scale - places;
  if (dropped > types::kDecimalPrecisionMax) return 0;
  Int128 unit = types::power_of_ten(static_cast<int>(dropped));
  Int128 quotient = cut ? value / unit : types::divide_half_up(value, unit);
  return quotient * unit;
}

// Through the shortest decimal text of the value, as BigDecimal.valueOf(double) goes: 1.005 rounds to 1.01.
double rounded_double(double value, int64_t places, bool cut) {
  constexpr int kPlacesMax = 20;
  if (!std::isfinite(value) || places > kPlacesMax) return value;
  if (std::abs(value) < 1e17) {
    // One more digit than a double of this size has after the point.
    auto decimal = types::decimal_from_double(value, types::kDecimalPrecisionMax, kPlacesMax);
    if (!decimal) return value;
    return types::decimal_to_double(rounded_decimal(*decimal, kPlacesMax, places, cut), kPlacesMax);
  }
  if (places >= 0) return value;
  double unit = std::pow(10.0, static_cast<double>(-places));
  if (!std::isfinite(unit)) return 0;
  double whole = value / unit;
  return (cut ? std::trunc(whole) : std::round(whole)) * unit;
}

template <bool cut>
void round_integer(KernelCall& call) {
  auto values = call.argument<int64_t>(0);
  bool has_places = call.argument_count() > 1;
  ArgumentView<int64_t> places = has_places ? call.argument<int64_t>(1) : values;
  map_valid<int64_t>(call, [&](size_t row) {
    return static_cast<int64_t>(rounded_decimal(values[row], 0, has_places ? places[row] : 0, cut));
  });
}
template <bool cut>
void round_double(KernelCall& call) {
  auto values = call.argument<double>(0);
  bool has_places = call.argument_count() > 1;
  bool is_float = call.result_type().kind() == TypeKind::kFloat;
  static constexpr int64_t kNone = 0;
  ArgumentView<int64_t> places = has_places ? call.argument<int64_t>(1) : ArgumentView<int64_t>(&kNone, 0);
  map_valid<double>(call, [&](size_t row) {
    double rounded = rounded_double(values[row], places[row], cut);
    return is_float ? static_cast<double>(static_cast<float>(rounded)) : rounded;
  });
}
template <bool cut>
void round_decimal(KernelCall& call) {
  auto values = call.argument<Int128>(0);
  int scale = call.argument_type(0).scale();
  DataType result = call.result_type();
  static constexpr int64_t kNone = 0;
  ArgumentView<int64_t> places =
      call.argument_count() > 1 ? call.argument<int64_t>(1) : ArgumentView<int64_t>(&kNone, 0);
  map_valid<Int128>(call, [&](size_t row) {
    Int128 rounded = rounded_decimal(values[row], scale, places[row], cut);
    auto fitted = types::rescale_decimal(rounded, scale, result.scale(), result.precision());
    if (!fitted) call.fail(row, fmt::format("the result does not fit {}", result.with_nullable(true).to_string()));
    return fitted.value_or(0);
  });
}

template <bool cut>
bool bind_round(CallSignature& call) {
  size_t count = call.argument_types.size();
  if (count < 1 || count > 2) return false;
  DataType& type = call.argument_types[0];
  if (type.kind() == TypeKind::kNull) type = TypeKind::kInt;
  if (!type.is_numeric()) return false;
  if (count == 2) {
    std::optional<DataType> places = accept_argument(Takes::kInteger, call.argument_types[1]);
    if (!places) return false;
    call.argument_types[1] = *places;
  }
  call.result = type;
  if (type.is_integer()) {
    call.kernel = round_integer<cut>;
  } else if (type.is_approximate()) {
    call.kernel = round_double<cut>;
  } else {
    // The places decide the scale where they are known.
    bool known = count == 1 || (call.arguments[1]->is_literal() && !call.arguments[1]->is_null_literal());
    int64_t places = count == 1 || !known ? 0 : call.arguments[1]->value().as_int64();
    if (known) call.result = decimal_round_type(type, static_cast<int>(std::clamp<int64_t>(places, -40, 40)));
    call.kernel = round_decimal<cut>;
  }
  return true;
}

// --- GREATEST, LEAST: NULL when any argument is ---

struct Greater {
  template <class T>
  static bool apply(const T& a, const T& b) {
    return b < a;
  }
  static bool apply(double a, double b) { return b < a || (std::isnan(a) && !std::isnan(b)); }
  static bool apply(const StringCell& a, const StringCell& b) { return b.view() < a.view(); }
};

template <bool greatest, class T>
void extreme_kernel(KernelCall& call) {
  std::vector<ArgumentView<T>> arguments;
  for (size_t i = 0; i < call.argument_count(); ++i) arguments.push_back(call.argument<T>(i));
  auto best_of = [&](size_t row) {
    size_t best = 0;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const T& held = arguments[best][row];
      const T& other = arguments[i][row];
      if (greatest ? Greater::apply(other, held) : Greater::apply(held, other)) best = i;
    }
    return best;
  };
  if constexpr (std::is_same_v<T, StringCell>) {
    TextOutput out(call);
    for_valid_rows(call, [&](size_t row) {
      size_t best = best_of(row);
      out.set(row, arguments[best][row].view());
    });
    out.finish();
  } else {
    map_valid<T>(call, [&](size_t row) { return arguments[best_of(row)][row]; });
  }
}

template <bool greatest>
bool bind_extreme(CallSignature& call) {
  if (call.argument_types.empty()) return false;
  Result<DataType> common = common_type(call.argument_types);
  if (!common) return false;
  DataType type = common->kind() == TypeKind::kNull ? DataType(TypeKind::kInt) : *common;
  std::fill(call.argument_types.begin(), call.argument_types.end(), type);
  call.result = type;
  call.kernel = with_physical(type.physical(), []<class T>(T) -> Kernel { return extreme_kernel<greatest, T>; });
  return true;
}

// As Java computes it for want of a function of its own.
double binary_logarithm(double number) { return std::log(number) / std::log(2.0); }

constexpr FunctionCategory kCategory = FunctionCategory::kArithmetic;

template <double (*function)(double)>
constexpr auto kDouble = bind_fixed<double_function<function>, TypeKind::kDouble, Takes::kDouble>;
template <double (*function)(double, double)>
constexpr auto kDouble2 = bind_fixed<double_function2<function>, TypeKind::kDouble, Takes::kDouble, Takes::kDouble>;

constexpr ScalarFunction kFunctions[] = {
    {"ABS", kCategory, "ABS(number)", "The number without its sign.", "ABS(-1.5) => 1.5",
     bind_same_type<abs_integer, abs_double, abs_decimal>},
    {"SIGN", kCategory, "SIGN(number)", "-1, 0 or 1.", "SIGN(-5) => -1",
     bind_same_type<sign_integer, sign_double, sign_decimal>},
    {"FLOOR", kCategory, "FLOOR(number)", "The largest whole number that is not above.", "FLOOR(-1.5) => -2",
     bind_whole<false>},
    {"CEIL", kCategory, "CEIL(number)", "The smallest whole number that is not below.", "CEIL(1.2) => 2",
     bind_whole<true>},
    {"CEILING", kCategory, "CEILING(number)", "The same as CEIL.", "CEILING(1.2) => 2", bind_whole<true>},
    {"ROUND", kCategory, "ROUND(number [, places])", "Rounded half away from zero to so many places.",
     "ROUND(2.345, 2) => 2.35", bind_round<false>},
    {"TRUNCATE", kCategory, "TRUNCATE(number [, places])", "Cut to so many places.", "TRUNCATE(2.349, 2) => 2.34",
     bind_round<true>},
    {"TRUNC", kCategory, "TRUNC(number [, places])", "The same as TRUNCATE.", "TRUNC(-1.9) => -1", bind_round<true>},
    {"POWER", kCategory, "POWER(base, exponent)", "The base raised to the exponent, as DOUBLE.",
     "POWER(2, 10) => 1024.0", kDouble2<std::pow>},
    {"^", kCategory, "base ^ exponent", "The same as POWER, as PostgreSQL has it.", "2 ^ 10 => 1024.0",
     kDouble2<std::pow>},
    {"POW", kCategory, "POW(base, exponent)", "The same as POWER.", "POW(2, 3) => 8.0", kDouble2<std::pow>},
    {"SQRT", kCategory, "SQRT(number)", "The square root; NaN for negative numbers.", "SQRT(9) => 3.0",
     kDouble<std::sqrt>},
    {"EXP", kCategory, "EXP(number)", "e raised to the number.", "EXP(0) => 1.0", kDouble<std::exp>},
    {"LN", kCategory, "LN(number)", "The natural logarithm.", "LN(1) => 0.0", kDouble<std::log>},
    {"LOG10", kCategory, "LOG10(number)", "The logarithm to base 10.", "LOG10(1000) => 3.0", kDouble<std::log10>},
    {"LOG2", kCategory, "LOG2(number)", "The logarithm to base 2.", "LOG2(8) => 3.0", kDouble<binary_logarithm>},
    {"LOG", kCategory, "LOG(number)", "The natural logarithm.", "LOG(1) => 0.0", kDouble<std::log>},
    {"LOG", kCategory, "LOG(base, number)", "The logarithm to a base.", "LOG(2, 8) => 3.0", kDouble2<log_of_base>},
    {"SIN", kCategory, "SIN(radians)", "The sine.", "SIN(0) => 0.0", kDouble<std::sin>},
    {"COS", kCategory, "COS(radians)", "The cosine.", "COS(0) => 1.0", kDouble<std::cos>},
    {"TAN", kCategory, "TAN(radians)", "The tangent.", "TAN(0) => 0.0", kDouble<std::tan>},
    {"COT", kCategory, "COT(radians)", "The cotangent.", "ROUND(COT(PI() / 4), 9) => 1.0", kDouble<cotangent>},
    {"ASIN", kCategory, "ASIN(number)", "The arc sine.", "ASIN(0) => 0.0", kDouble<std::asin>},
    {"ACOS", kCategory, "ACOS(number)", "The arc cosine.", "ACOS(1) => 0.0", kDouble<std::acos>},
    {"ATAN", kCategory, "ATAN(number)", "The arc tangent.", "ATAN(0) => 0.0", kDouble<std::atan>},
    {"ATAN2", kCategory, "ATAN2(y, x)", "The angle of a point.", "ATAN2(0, 1) => 0.0", kDouble2<std::atan2>},
    {"SINH", kCategory, "SINH(number)", "The hyperbolic sine.", "SINH(0) => 0.0", kDouble<std::sinh>},
    {"COSH", kCategory, "COSH(number)", "The hyperbolic cosine.", "COSH(0) => 1.0", kDouble<std::cosh>},
    {"TANH", kCategory, "TANH(number)", "The hyperbolic tangent.", "TANH(0) => 0.0", kDouble<std::tanh>},
    {"ASINH", kCategory, "ASINH(number)", "The inverse of SINH.", "ASINH(0) => 0.0", kDouble<std::asinh>},
    {"ACOSH", kCategory, "ACOSH(number)", "The inverse of COSH; NaN below 1.", "ACOSH(1) => 0.0", kDouble<std::acosh>},
    {"ATANH", kCategory, "ATANH(number)", "The inverse of TANH; NaN beyond -1 and 1.", "ATANH(0) => 0.0",
     kDouble<std::atanh>},
    {"DEGREES", kCategory, "DEGREES(radians)", "Radians as degrees.", "DEGREES(0) => 0.0", kDouble<to_degrees>},
    {"RADIANS", kCategory, "RADIANS(degrees)", "Degrees as radians.", "RADIANS(0) => 0.0", kDouble<to_radians>},
    {"PI", kCategory, "PI()", "The number pi.", "PI() => 3.141592653589793",
     bind_fixed<constant_kernel<std::numbers::pi>, TypeKind::kDouble>},
    {"E", kCategory, "E()", "Euler's number.", "E() => 2.718281828459045",
     bind_fixed<constant_kernel<std::numbers::e>, TypeKind::kDouble>},
    {"GREATEST", kCategory, "GREATEST(value, ...)", "The greatest of the values; NULL when one is NULL.",
     "GREATEST(1, 3, 2) => 3", bind_extreme<true>},
    {"LEAST", kCategory, "LEAST(value, ...)", "The least of the values; NULL when one is NULL.", "LEAST('b', 'a') => a",
     bind_extreme<false>},
};

}  // namespace

std::span<const ScalarFunction> math_functions() { return kFunctions; }

}  // namespace penstock::expr
