// VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP.
#include <cmath>
#include <limits>

#include "expr/aggregate_moments.h"
#include "expr/aggregate_state.h"
#include "expr/type_rules.h"
#include "types/decimal.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// Count, sum and sum of squares, of the distances to the first value that came: so large values that lie close together
// do not lose their variance. Sums, unlike a running mean, do not mind a retraction that comes before its row.
template <class Real>
struct Moments {
  int64_t count = 0;
  int64_t any = 0;
  Real origin = 0;
  Real sum = 0;
  Real squares = 0;
  int64_t not_finite = 0;  // values that are no part of the sums, from which they could not be taken back

  void add(double value, int weight) {
    if (!std::isfinite(value)) {
      not_finite += weight;
      return;
    }
    if (any == 0) {
      any = 1;
      origin = value;
    }
    const Real distance = value - origin;
    count += weight;
    sum += weight * distance;
    squares += weight * distance * distance;
  }
  template <class Other>
  void merge(const Moments<Other>& later) {
    not_finite += later.not_finite;
    if (later.any == 0) return;
    if (any == 0) {
      count = later.count;
      any = later.any;
      origin = later.origin;
      sum = later.sum;
      squares = later.squares;
      return;
    }
    const Real shift = later.origin - origin;
    const Real n = static_cast<Real>(later.count);
    count += later.count;
    sum += later.sum + n * shift;
    squares += later.squares + 2 * shift * later.sum + n * shift * shift;
  }
  int64_t finite() const { return count; }
  int64_t infinite() const { return not_finite; }
  // Of the distances to the mean.
  Real squares_around_mean() const {
    if (not_finite != 0) return std::numeric_limits<Real>::quiet_NaN();
    return std::max<Real>(squares - sum * sum / static_cast<Real>(count), 0);
  }
  // What `statistic` makes of the moments.
  template <class Statistic>
  double apply(Statistic statistic) const {
    return static_cast<double>(statistic(*this));
  }
};

template <class Sums, bool sample, bool root>
struct VarianceState : Sums {
  using Input = double;
  void result(ColumnBuilder& out) const {
    const int64_t divisor = this->finite() + this->infinite() - (sample ? 1 : 0);
    if (divisor <= 0) return out.append_null();
    const double value = this->apply([&]<class Real>(const Moments<Real>& moments) {
      const Real variance = moments.squares_around_mean() / static_cast<Real>(divisor);
      return root ? std::sqrt(variance) : variance;
    });
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
bool bind_variance(AggregateSignature& call) {
  DataType& argument = call.input();
  if (!argument.is_numeric()) return false;
  call.result = argument;
  if (argument.kind() == TypeKind::kDecimal) {
    call.result = decimal_quotient_type(DataType::decimal(types::kDecimalPrecisionMax, argument.scale()),
                                        DataType::decimal(20, 0));
  }
  argument = TypeKind::kDouble;
  call.kernels = call.retractable ? fixed_kernels<VarianceState<LargeApart<Moments>, sample, root>>(true)
                                  : fixed_kernels<VarianceState<Moments<double>, sample, root>>(true);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kStatistics;

constexpr AggregateFunction kFunctions[] = {
    {"VAR_POP", kCategory, "VAR_POP(number)", "The population variance, of AVG's type.",
     "VAR_POP(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 1.0", bind_variance<false, false>},
    {"VAR_SAMP", kCategory, "VAR_SAMP(number)", "The sample variance, of AVG's type; NULL for one row.",
     "VAR_SAMP(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 2.0", bind_variance<true, false>},
    {"VARIANCE", kCategory, "VARIANCE(number)", "The same as VAR_SAMP.",
     "VARIANCE(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 2.0", bind_variance<true, false>},
    {"STDDEV_POP", kCategory, "STDDEV_POP(number)", "The population standard deviation, of AVG's type.",
     "STDDEV_POP(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 1.0", bind_variance<false, true>},
    {"STDDEV_SAMP", kCategory, "STDDEV_SAMP(number)", "The sample standard deviation, of AVG's type; NULL for one row.",
     "STDDEV_SAMP(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 1.4142135623730951", bind_variance<true, true>},
    {"STDDEV", kCategory, "STDDEV(number)", "The same as STDDEV_SAMP.",
     "STDDEV(x) FROM (VALUES (1e0), (3e0)) AS t(x) => 1.4142135623730951", bind_variance<true, true>},
};

}  // namespace

std::span<const AggregateFunction> variance_aggregates() { return kFunctions; }

}  // namespace penstock::expr
