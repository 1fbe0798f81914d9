// + - * / % and unary minus on numbers and intervals, with Flink's result types: integers wrap and divide towards zero,
// DECIMAL results that do not fit are row errors.
#include <cmath>

#include "expr/binding.h"
#include "expr/decimal_arithmetic.h"
#include "expr/evaluator.h"
#include "expr/type_rules.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

constexpr std::string_view kDivisionByZero = "division by zero";

struct Plus {
  static int64_t apply(int64_t a, int64_t b) { return wrap_add(a, b); }
  static double apply(double a, double b) { return a + b; }
};
struct Minus {
  static int64_t apply(int64_t a, int64_t b) { return wrap_subtract(a, b); }
  static double apply(double a, double b) { return a - b; }
};
struct Times {
  static int64_t apply(int64_t a, int64_t b) { return wrap_multiply(a, b); }
  static double apply(double a, double b) { return a * b; }
};

// `Narrow` is the C++ type of the result: sums of INT wrap at 32 bits.
template <class Operation, class Narrow>
void integer_kernel(KernelCall& call) {
  map_binary<int64_t, int64_t, int64_t>(
      call, [](int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<Narrow>(Operation::apply(a, b))); });
}

template <class Operation>
void double_kernel(KernelCall& call) {
  map_binary<double, double, double>(call, [](double a, double b) { return Operation::apply(a, b); });
}
template <class Operation>
void float_kernel(KernelCall& call) {
  map_binary<double, double, double>(
      call, [](double a, double b) { return static_cast<double>(static_cast<float>(Operation::apply(a, b))); });
}

template <class Operation>
Kernel integer_kernel_for(TypeKind result) {
  switch (result) {
    case TypeKind::kTinyInt: return integer_kernel<Operation, int8_t>;
    case TypeKind::kSmallInt: return integer_kernel<Operation, int16_t>;
    case TypeKind::kInt: return integer_kernel<Operation, int32_t>;
    default: return integer_kernel<Operation, int64_t>;
  }
}

template <class Narrow>
void integer_divide(KernelCall& call) {
  auto a = call.argument<int64_t>(0);
  auto b = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (b[row] == 0) {
      call.fail(row, std::string(kDivisionByZero));
      return 0;
    }
    // -1 apart: the quotient of the smallest integer does not fit.
    int64_t quotient = b[row] == -1 ? wrap_subtract(0, a[row]) : a[row] / b[row];
    return static_cast<Narrow>(quotient);
  });
}

void integer_remainder(KernelCall& call) {
  auto a = call.argument<int64_t>(0);
  auto b = call.argument<int64_t>(1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (b[row] == 0) {
      call.fail(row, std::string(kDivisionByZero));
      return 0;
    }
    return b[row] == -1 ? 0 : a[row] % b[row];
  });
}

struct Divide {
  static double apply(double a, double b) { return a / b; }
};
struct Remainder {
  static double apply(double a, double b) { return std::fmod(a, b); }
};

// `operation(a, scale of a, b, scale of b, result type)` gives a value or nothing when it does not fit.
template <std::optional<Int128> (*operation)(Int128, int, Int128, int, DataType), bool divides>
void decimal_kernel(KernelCall& call) {
  auto a = call.argument<Int128>(0);
  auto b = call.argument<Int128>(1);
  int scale_a = call.argument_type(0).scale();
  int scale_b = call.argument_type(1).scale();
  DataType result = call.result_type();
  map_valid<Int128>(call, [&](size_t row) -> Int128 {
    if (divides && b[row] == 0) {
      call.fail(row, std::string(kDivisionByZero));
      return 0;
    }
    std::optional<Int128> value = operation(a[row], scale_a, b[row], scale_b, result);
    if (!value) call.fail(row, fmt::format("the result does not fit {}", result.with_nullable(true).to_string()));
    return value.value_or(0);
  });
}

// What the five operators have in common: numbers of either kind, cast to where they meet.
struct NumericOperator {
  Kernel (*integers)(TypeKind result);
  Kernel floats;
  Kernel doubles;
  Kernel decimals;
  DataType (*decimal_result)(DataType, DataType);
};

bool bind_numeric(CallSignature& call, const NumericOperator& op) {
  if (call.argument_types.size() != 2) return false;
  DataType& a = call.argument_types[0];
  DataType& b = call.argument_types[1];
  // A bare NULL takes the type of the other side.
  if (a.kind() == TypeKind::kNull) a = b.kind() == TypeKind::kNull ? DataType(TypeKind::kInt) : b;
  if (b.kind() == TypeKind::kNull) b = a;
  if (!a.is_numeric() || !b.is_numeric()) return false;
  DataType common = common_numeric_type(a, b);
  if (common.is_approximate()) {
    a = b = call.result = common;
    call.kernel = common.kind() == TypeKind::kFloat ? op.floats : op.doubles;
  } else if (common.kind() == TypeKind::kDecimal) {
    a = as_decimal(a);
    b = as_decimal(b);
    call.result = op.decimal_result(a, b);
    call.kernel = op.decimals;
  } else {
    call.result = common;
    call.kernel = op.integers(common.kind());
  }
  return true;
}

bool bind_plus(CallSignature& call) {
  static constexpr NumericOperator kPlus{integer_kernel_for<Plus>, float_kernel<Plus>, double_kernel<Plus>,
                                         decimal_kernel<decimal_add, false>, decimal_sum_type};
  return bind_numeric(call, kPlus);
}
bool bind_minus(CallSignature& call) {
  static constexpr NumericOperator kMinus{integer_kernel_for<Minus>, float_kernel<Minus>, double_kernel<Minus>,
                                          decimal_kernel<decimal_subtract, false>, decimal_sum_type};
  return bind_numeric(call, kMinus);
}
bool bind_times(CallSignature& call) {
  static constexpr NumericOperator kTimes{integer_kernel_for<Times>, float_kernel<Times>, double_kernel<Times>,
                                          decimal_kernel<decimal_multiply, false>, decimal_product_type};
  return bind_numeric(call, kTimes);
}

Kernel integer_divide_for(TypeKind result) {
  switch (result) {
    case TypeKind::kTinyInt: return integer_divide<int8_t>;
    case TypeKind::kSmallInt: return integer_divide<int16_t>;
    case TypeKind::kInt: return integer_divide<int32_t>;
    default: return integer_divide<int64_t>;
  }
}
bool bind_divide(CallSignature& call) {
  static constexpr NumericOperator kDivide{integer_divide_for, float_kernel<Divide>, double_kernel<Divide>,
                                           decimal_kernel<decimal_divide, true>, decimal_quotient_type};
  return bind_numeric(call, kDivide);
}

Kernel integer_remainder_for(TypeKind) { return integer_remainder; }
bool bind_remainder(CallSignature& call) {
  static constexpr NumericOperator kRemainder{integer_remainder_for, float_kernel<Remainder>, double_kernel<Remainder>,
                                              decimal_kernel<decimal_remainder, true>, decimal_remainder_type};
  if (!bind_numeric(call, kRemainder)) return false;
  // The remainder of integers has the type of the divisor.
  if (call.result.is_integer()) call.result = call.argument_types[1];
  return true;
}

void negate_integer(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return wrap_subtract(0, v); });
}
template <class Narrow>
void negate_narrow(KernelCall& call) {
  map_unary<int64_t, int64_t>(call, [](int64_t v) { return static_cast<int64_t>(static_cast<Narrow>(-v)); });
}
void negate_double(KernelCall& call) {
  map_unary<double, double>(call, [](double v) { return -v; });
}
void negate_decimal(KernelCall& call) {
  map_unary<Int128, Int128>(call, [](Int128 v) { return -v; });
}

bool bind_negate(CallSignature& call) {
  if (call.argument_types.size() != 1) return false;
  DataType& type = call.argument_types[0];
  if (type.kind() == TypeKind::kNull) type = TypeKind::kInt;
  if (!type.is_numeric() && !type.is_interval()) return false;
  call.result = type;
  switch (type.kind()) {
    case TypeKind::kTinyInt: call.kernel = negate_narrow<int8_t>; break;
    case TypeKind::kSmallInt: call.kernel = negate_narrow<int16_t>; break;
    case TypeKind::kInt: call.kernel = negate_narrow<int32_t>; break;
    case TypeKind::kFloat:
    case TypeKind::kDouble: call.kernel = negate_double; break;
    case TypeKind::kDecimal: call.kernel = negate_decimal; break;
    default: call.kernel = negate_integer; break;
  }
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kArithmetic;

constexpr ScalarFunction kFunctions[] = {
    {"+", kCategory, "a + b", "The sum of two numbers. Integers wrap around; DECIMAL(p, s) grows as Flink's does.",
     "1 + 2 => 3", bind_plus},
    {"-", kCategory, "a - b", "The difference of two numbers.", "1.5 - 2 => -0.5", bind_minus},
    {"*", kCategory, "a * b", "The product of two numbers.", "1.5 * 1.5 => 2.25", bind_times},
    {"/", kCategory, "a / b", "The quotient of two numbers; of integers an integer, cut towards zero.", "7 / 2 => 3",
     bind_divide},
    {"%", kCategory, "a % b", "The remainder of a division, with the sign of a.", "-7 % 3 => -1", bind_remainder},
    {"MOD", kCategory, "MOD(a, b)", "The remainder of a division, with the sign of a.", "MOD(7, 3) => 1",
     bind_remainder},
    {"NEGATE", kCategory, "-a", "The number or interval with the other sign.", "-(2 - 5) => 3", bind_negate},
};

}  // namespace

std::span<const ScalarFunction> arithmetic_functions() { return kFunctions; }

}  // namespace penstock::expr
