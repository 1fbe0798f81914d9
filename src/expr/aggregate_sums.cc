// COUNT, SUM and AVG. All take rows back by their weights.
#include <cmath>
#include <limits>

#include "expr/aggregate_state.h"
#include "expr/type_rules.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

using columnar::Column;
using columnar::ColumnBuilder;
using types::DataType;
using types::Int128;
using types::TypeKind;

// --- COUNT ---

struct CountState {
  int64_t count = 0;
  void merge(const CountState& later) { count += later.count; }
  void result(ColumnBuilder& out) const { out.append_int64(count); }
};

void update_count(StateSpan states, const Column* argument, const int8_t* weights) {
  std::span<const uint8_t> nulls;
  if (argument != nullptr) nulls = argument->nulls();
  auto count_of = [](AggregateKernels::State state) -> int64_t& {
    return std::launder(reinterpret_cast<CountState*>(state))->count;
  };
  for (size_t i = 0; i < states.size(); ++i) {
    int weight = weights == nullptr ? 1 : int{weights[i]};
    count_of(states[i]) += nulls.empty() || nulls[i] == 0 ? weight : 0;
  }
}

bool bind_count(AggregateSignature& call) {
  using K = FixedStateKernels<CountState>;
  call.result = DataType(TypeKind::kBigInt).with_nullable(false);
  call.kernels = {.state_bytes = sizeof(CountState),
                  .state_align = alignof(CountState),
                  .retracts = true,
                  .init = K::init,
                  .destroy = nullptr,
                  .update = update_count,
                  .merge = K::merge,
                  .result = K::result,
                  .save = K::save,
                  .load = K::load};
  return true;
}

// --- sums ---
// Of integers 128 bits wide, so that they are exact whatever comes in between.

struct IntegerSum {
  using Input = int64_t;
  Int128 sum = 0;
  int64_t count = 0;
  void add(int64_t value, int weight) {
    sum += static_cast<Int128>(value) * weight;
    count += weight;
  }
  void merge(const IntegerSum& later) {
    sum += later.sum;
    count += later.count;
  }
};

struct DoubleSum {
  using Input = double;
  double sum = 0;
  int64_t count = 0;
  void add(double value, int weight) {
    sum += value * weight;
    count += weight;
  }
  void merge(const DoubleSum& later) {
    sum += later.sum;
    count += later.count;
  }
  double total() const { return sum; }
};

// Over rows that may be taken back, what is not finite is counted: infinity minus infinity would be NaN for ever. So a
// sum must not become infinite that does not stay so: values so large that some of them could make it are summed apart,
// in a type that has room for all of them.
struct RetractableDoubleSum {
  using Input = double;
  static constexpr double kLarge = 0x1p960;  // 2^63 smaller ones make a finite sum
  double sum = 0;                            // of the others that are finite
  int64_t count = 0;
  int64_t infinities = 0;
  int64_t negative_infinities = 0;
  int64_t nans = 0;
  int64_t large_count = 0;
  long double large = 0;
  void add(double value, int weight) {
    count += weight;
    if (std::abs(value) < kLarge) {
      sum += value * weight;
    } else {
      add_rare(value, weight);
    }
  }
  void add_rare(double value, int weight) {
    if (std::isfinite(value)) {
      large_count += weight;
      large += static_cast<long double>(value) * weight;
    } else {
      (std::isnan(value) ? nans : value > 0 ? infinities : negative_infinities) += weight;
    }
  }
  void merge(const RetractableDoubleSum& later) {
    sum += later.sum;
    count += later.count;
    infinities += later.infinities;
    negative_infinities += later.negative_infinities;
    nans += later.nans;
    large_count += later.large_count;
    large += later.large;
  }
  double total() const {
    if (nans != 0 || (infinities != 0 && negative_infinities != 0)) return std::numeric_limits<double>::quiet_NaN();
    if (infinities != 0) return std::numeric_limits<double>::infinity();
    if (negative_infinities != 0) return -std::numeric_limits<double>::infinity();
    return large_count == 0 ? sum : static_cast<double>(large + sum);
  }
};

// DECIMALs have at most 38 digits, so a sum leaves 128 bits after two of the largest at the earliest; it then counts
// how often it wrapped around and is exact again when it comes back.
struct DecimalSum {
  using Input = Int128;
  Int128 sum = 0;
  int64_t count = 0;
  int64_t wraps = 0;
  void add_sum(Int128 value) {
    if (__builtin_add_overflow(sum, value, &sum)) wraps += value < 0 ? -1 : 1;
  }
  void add(Int128 value, int weight) {
    add_sum(weight < 0 ? -value : value);
    count += weight;
  }
  void merge(const DecimalSum& later) {
    add_sum(later.sum);
    wraps += later.wraps;
    count += later.count;
  }
  bool fits() const { return wraps == 0 && types::fits_precision(sum, types::kDecimalPrecisionMax); }
};

// An integer sum wraps to its type, as Flink's does.
int64_t narrowed(Int128 sum, TypeKind kind) {
  int64_t low = static_cast<int64_t>(sum);
  switch (kind) {
    case TypeKind::kTinyInt: return static_cast<int8_t>(low);
    case TypeKind::kSmallInt: return static_cast<int16_t>(low);
    case TypeKind::kInt: return static_cast<int32_t>(low);
    default: return low;
  }
}

struct SumOfIntegers : IntegerSum {
  void result(ColumnBuilder& out) const {
    if (count == 0) return out.append_null();
    out.append_int64(narrowed(sum, out.type().kind()));
  }
};

double narrowed(double value, TypeKind kind) {
  return kind == TypeKind::kFloat ? static_cast<double>(static_cast<float>(value)) : value;
}

template <template <class> class Result>
AggregateKernels double_kernels(const AggregateSignature& call) {
  return call.retractable ? fixed_kernels<Result<RetractableDoubleSum>>(true) : fixed_kernels<Result<DoubleSum>>(true);
}

template <class Sum>
struct SumOfDoubles : Sum {
  void result(ColumnBuilder& out) const {
    if (this->count == 0) return out.append_null();
    out.append_double(narrowed(this->total(), out.type().kind()));
  }
};
struct SumOfDecimals : DecimalSum {
  void result(ColumnBuilder& out) const {
    if (count == 0 || !fits()) return out.append_null();
    out.append_int128(sum);
  }
};

bool bind_sum(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = argument;
  if (argument.is_integer()) {
    call.kernels = fixed_kernels<SumOfIntegers>(true);
  } else if (argument.is_approximate()) {
    call.kernels = double_kernels<SumOfDoubles>(call);
  } else if (argument.kind() == TypeKind::kDecimal) {
    call.result = DataType::decimal(types::kDecimalPrecisionMax, argument.scale());
    call.kernels = fixed_kernels<SumOfDecimals>(true);
  } else {
    return false;
  }
  return true;
}

struct AverageOfIntegers : IntegerSum {
  void result(ColumnBuilder& out) const {
    if (count == 0) return out.append_null();
    out.append_int64(static_cast<int64_t>(sum / count));
  }
};
template <class Sum>
struct AverageOfDoubles : Sum {
  void result(ColumnBuilder& out) const {
    if (this->count == 0) return out.append_null();
    out.append_double(narrowed(this->total() / static_cast<double>(this->count), out.type().kind()));
  }
};

// The result has at least 6 places, and as many as the argument.
template <int places_added>
struct AverageOfScaledDecimals : DecimalSum {
  void result(ColumnBuilder& out) const {
    if (count == 0 || !fits()) return out.append_null();
    Int128 scaled = 0;
    Int128 mean = 0;
    if (!__builtin_mul_overflow(sum, types::power_of_ten(places_added), &scaled)) {
      mean = types::divide_half_up(scaled, count);
    } else {
      // Too large to scale first: whole units, then the rest.
      Int128 whole = sum / count;
      if (__builtin_mul_overflow(whole, types::power_of_ten(places_added), &mean)) return out.append_null();
      mean += types::divide_half_up((sum % count) * types::power_of_ten(places_added), count);
    }
    if (!types::fits_precision(mean, types::kDecimalPrecisionMax)) return out.append_null();
    out.append_int128(mean);
  }
};

AggregateKernels decimal_average_kernels(int places_added) {
  switch (places_added) {
    case 0: return fixed_kernels<AverageOfScaledDecimals<0>>(true);
    case 1: return fixed_kernels<AverageOfScaledDecimals<1>>(true);
    case 2: return fixed_kernels<AverageOfScaledDecimals<2>>(true);
    case 3: return fixed_kernels<AverageOfScaledDecimals<3>>(true);
    case 4: return fixed_kernels<AverageOfScaledDecimals<4>>(true);
    case 5: return fixed_kernels<AverageOfScaledDecimals<5>>(true);
    default: return fixed_kernels<AverageOfScaledDecimals<6>>(true);
  }
}

bool bind_avg(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = argument;
  if (argument.is_integer()) {
    call.kernels = fixed_kernels<AverageOfIntegers>(true);
  } else if (argument.is_approximate()) {
    call.kernels = double_kernels<AverageOfDoubles>(call);
  } else if (argument.kind() == TypeKind::kDecimal) {
    call.result = decimal_quotient_type(DataType::decimal(types::kDecimalPrecisionMax, argument.scale()),
                                        DataType::decimal(20, 0));
    call.kernels = decimal_average_kernels(call.result.scale() - argument.scale());
  } else {
    return false;
  }
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;

constexpr AggregateFunction kFunctions[] = {
    {"COUNT",
     kCategory,
     "COUNT(*) or COUNT([DISTINCT] value, ...)",
     "The number of rows, or of rows where no value is NULL.",
     "COUNT(*) FROM (VALUES (1), (2), (NULL)) AS t(x) => 3\nCOUNT(x) FROM (VALUES (1), (2), (NULL)) AS t(x) => 2",
     bind_count,
     {.values_min = 0}},
    {"SUM", kCategory, "SUM([DISTINCT] number)",
     "The sum, of the argument's type (integers wrap around); DECIMAL(p, s) gives DECIMAL(38, s), NULL when too large.",
     "SUM(x) FROM (VALUES (1), (2), (NULL)) AS t(x) => 3", bind_sum},
    {"AVG", kCategory, "AVG([DISTINCT] number)",
     "The mean, of the argument's type: an integer for integers, cut towards zero; DECIMAL(38, at least 6) for "
     "DECIMAL.",
     "AVG(x) FROM (VALUES (1), (2)) AS t(x) => 1\nAVG(CAST(x AS DOUBLE)) FROM (VALUES (1), (2)) AS t(x) => 1.5",
     bind_avg},
};

}  // namespace

std::span<const AggregateFunction> sum_aggregates() { return kFunctions; }

}  // namespace penstock::expr
