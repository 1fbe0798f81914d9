// VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP.
#include <cmath>

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

// Mean and sum of squared distances from it, kept up to date value by value (Welford's method, which does not lose the
// variance of large values that lie close together), in both directions.
struct Moments {
  using Input = double;
  int64_t count = 0;
  double mean = 0;
  double squares = 0;

  void add(double value, int weight) {
    double before = value - mean;
    count += weight;
    if (count == 0) {
      mean = 0;
      squares = 0;
      return;
    }
    mean += weight * before / static_cast<double>(count);
    squares += weight * before * (value - mean);
  }
  void merge(const Moments& later) {
    if (later.count == 0) return;
    int64_t total = count + later.count;
    if (total == 0) {
      *this = {};
      return;
    }
    double distance = later.mean - mean;
    double share = static_cast<double>(later.count) / static_cast<double>(total);
    squares += later.squares + distance * distance * static_cast<double>(count) * share;
    mean += distance * share;
    count = total;
  }
};

template <bool sample, bool root>
struct VarianceState : Moments {
  void result(ColumnBuilder& out) const {
    int64_t divisor = sample ? count - 1 : count;
    if (count <= 0 || divisor <= 0) return out.append_null();
    double variance = std::max(squares, 0.0) / static_cast<double>(divisor);
    double value = root ? std::sqrt(variance) : variance;
    DataType type = out.type();
    if (type.is_integer()) {
      types::IntegerRange range = types::integer_range(type.kind());
      if (!(value < static_cast<double>(range.max))) return out.append_int64(range.max);
      out.append_int64(static_cast<int64_t>(value));
    } else if (type.kind() == TypeKind::kDecimal) {
      auto decimal = types::decimal_from_double(value, type.precision(), type.scale());
      if (!decimal) return out.append_null();
      out.append_int128(*decimal);
    } else {
      out.append_double(type.kind() == TypeKind::kFloat ? static_cast<double>(static_cast<float>(value)) : value);
    }
  }
};

// The type of the result is that of AVG; the work is done in DOUBLE.
template <bool sample, bool root>
bool bind_variance(DataType& argument, DataType& result, AggregateKernels& kernels, bool) {
  if (!argument.is_numeric()) return false;
  result = argument;
  if (argument.kind() == TypeKind::kDecimal) {
    result = decimal_quotient_type(DataType::decimal(types::kDecimalPrecisionMax, argument.scale()),
                                   DataType::decimal(20, 0));
  }
  argument = TypeKind::kDouble;
  kernels = fixed_kernels<VarianceState<sample, root>>(true);
  return true;
}

constexpr AggregateFunction kFunctions[] = {
    {"VAR_POP", "VAR_POP(number)", "The population variance, of AVG's type.", "VAR_POP(CAST(x AS DOUBLE))",
     bind_variance<false, false>},
    {"VAR_SAMP", "VAR_SAMP(number)", "The sample variance, of AVG's type; NULL for one row.",
     "VAR_SAMP(CAST(x AS DOUBLE))", bind_variance<true, false>},
    {"VARIANCE", "VARIANCE(number)", "The same as VAR_SAMP.", "VARIANCE(CAST(x AS DOUBLE))",
     bind_variance<true, false>},
    {"STDDEV_POP", "STDDEV_POP(number)", "The population standard deviation, of AVG's type.",
     "STDDEV_POP(CAST(x AS DOUBLE))", bind_variance<false, true>},
    {"STDDEV_SAMP", "STDDEV_SAMP(number)", "The sample standard deviation, of AVG's type; NULL for one row.",
     "STDDEV_SAMP(CAST(x AS DOUBLE))", bind_variance<true, true>},
    {"STDDEV", "STDDEV(number)", "The same as STDDEV_SAMP.", "STDDEV(CAST(x AS DOUBLE))", bind_variance<true, true>},
};

}  // namespace

std::span<const AggregateFunction> variance_aggregates() { return kFunctions; }

}  // namespace penstock::expr
