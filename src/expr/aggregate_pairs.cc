// Statistics of pairs: CORR, COVAR_POP, COVAR_SAMP and PostgreSQL's REGR_*. Rows where one of both is NULL do not
// count.
#include <algorithm>
#include <cmath>
#include <limits>

#include "expr/aggregate_moments.h"
#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// Sums of the distances to the first pair that came, of their squares and products: see VAR_POP.
template <class Real>
struct PairMoments {
  int64_t count = 0;
  int64_t any = 0;
  Real origin_y = 0;
  Real origin_x = 0;
  Real sum_y = 0;
  Real sum_x = 0;
  Real squares_y = 0;
  Real squares_x = 0;
  Real products = 0;
  int64_t not_finite = 0;  // pairs that are no part of the sums, from which they could not be taken back

  void add(double y, double x, int weight) {
    if (!std::isfinite(y) || !std::isfinite(x)) {
      not_finite += weight;
      return;
    }
    if (any == 0) {
      any = 1;
      origin_y = y;
      origin_x = x;
    }
    const Real dy = y - origin_y;
    const Real dx = x - origin_x;
    count += weight;
    sum_y += weight * dy;
    sum_x += weight * dx;
    squares_y += weight * dy * dy;
    squares_x += weight * dx * dx;
    products += weight * dy * dx;
  }
  template <class Other>
  void merge(const PairMoments<Other>& later) {
    not_finite += later.not_finite;
    if (later.any == 0) return;
    if (any == 0) {
      any = 1;
      origin_y = later.origin_y;
      origin_x = later.origin_x;
    }
    const Real shift_y = later.origin_y - origin_y;
    const Real shift_x = later.origin_x - origin_x;
    const auto n = static_cast<Real>(later.count);
    count += later.count;
    sum_y += later.sum_y + n * shift_y;
    sum_x += later.sum_x + n * shift_x;
    squares_y += later.squares_y + 2 * shift_y * later.sum_y + n * shift_y * shift_y;
    squares_x += later.squares_x + 2 * shift_x * later.sum_x + n * shift_x * shift_x;
    products += later.products + shift_y * later.sum_x + shift_x * later.sum_y + n * shift_y * shift_x;
  }
  int64_t finite() const { return count; }
  int64_t infinite() const { return not_finite; }
  // What `statistic` makes of the moments.
  template <class Statistic>
  double apply(Statistic statistic) const {
    return static_cast<double>(statistic(*this));
  }

  Real n() const { return static_cast<Real>(count); }
  Real mean_y() const { return origin_y + sum_y / n(); }
  Real mean_x() const { return origin_x + sum_x / n(); }
  // Sums of squares and products of the distances to the means.
  Real yy() const { return std::max<Real>(squares_y - sum_y * sum_y / n(), 0); }
  Real xx() const { return std::max<Real>(squares_x - sum_x * sum_x / n(), 0); }
  Real yx() const { return products - sum_y * sum_x / n(); }
};

// What each function makes of them; NaN stands for NULL.
constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

template <class Real>
Real slope_of(const PairMoments<Real>& m) {
  return m.xx() == 0 ? Real(kNull) : m.yx() / m.xx();
}

constexpr auto kCovarianceOfAll = []<class Real>(const PairMoments<Real>& m) -> Real { return m.yx() / m.n(); };
constexpr auto kCovarianceOfSample = []<class Real>(const PairMoments<Real>& m) -> Real {
  return m.count < 2 ? Real(kNull) : m.yx() / (m.n() - 1);
};
constexpr auto kCorrelation = []<class Real>(const PairMoments<Real>& m) -> Real {
  // Each is in range, but their product need not be.
  const Real product = m.yy() * m.xx();
  const Real spread = std::isnormal(product) ? std::sqrt(product) : std::sqrt(m.yy()) * std::sqrt(m.xx());
  return spread == 0 ? Real(kNull) : m.yx() / spread;
};
constexpr auto kSlope = []<class Real>(const PairMoments<Real>& m) -> Real { return slope_of(m); };
constexpr auto kIntercept = []<class Real>(const PairMoments<Real>& m) -> Real {
  return m.mean_y() - slope_of(m) * m.mean_x();
};
constexpr auto kDetermination = []<class Real>(const PairMoments<Real>& m) -> Real {
  if (m.xx() == 0) return kNull;
  if (m.yy() == 0) return Real(1);
  const Real product = m.xx() * m.yy();
  return std::isnormal(product) ? m.yx() * m.yx() / product : (m.yx() / m.xx()) * (m.yx() / m.yy());
};
constexpr auto kMeanOfX = []<class Real>(const PairMoments<Real>& m) -> Real { return m.mean_x(); };
constexpr auto kMeanOfY = []<class Real>(const PairMoments<Real>& m) -> Real { return m.mean_y(); };
constexpr auto kSquaresOfX = []<class Real>(const PairMoments<Real>& m) -> Real { return m.xx(); };
constexpr auto kSquaresOfY = []<class Real>(const PairMoments<Real>& m) -> Real { return m.yy(); };
constexpr auto kProducts = []<class Real>(const PairMoments<Real>& m) -> Real { return m.yx(); };

template <class Sums>
struct Pairs : Sums {
  using Input = columnar::StringCell;  // ROW(y, x)
  void add(const columnar::StringCell& pair, int weight) {
    std::string_view rest = pair.view();
    std::string_view y = types::take_slot(rest, TypeKind::kDouble);
    std::string_view x = types::take_slot(rest, TypeKind::kDouble);
    if (types::is_null_slot(y) || types::is_null_slot(x)) return;
    y.remove_prefix(1);
    x.remove_prefix(1);
    Sums::add(types::read_ordered_double(y), types::read_ordered_double(x), weight);
  }
};

// `least`: how many pairs there must be.
template <class Sums, auto statistic, int64_t least>
struct PairStatistic : Pairs<Sums> {
  void result(ColumnBuilder& out) const {
    if (this->infinite() != 0 && this->finite() + this->infinite() >= least) {
      return out.append_double(std::numeric_limits<double>::quiet_NaN());
    }
    const double value = this->finite() <= 0 ? kNull : this->apply(statistic);
    std::isnan(value) ? out.append_null() : out.append_double(value);
  }
};

bool to_doubles(AggregateSignature& call) {
  for (DataType& input : call.parameters.inputs) {
    if (!input.is_numeric()) return false;
    input = TypeKind::kDouble;
  }
  return true;
}

template <auto statistic, int64_t least = 1>
bool bind_pair(AggregateSignature& call) {
  if (!to_doubles(call)) return false;
  call.result = TypeKind::kDouble;
  call.kernels = call.retractable ? fixed_kernels<PairStatistic<LargeApart<PairMoments>, statistic, least>>(true)
                                  : fixed_kernels<PairStatistic<PairMoments<double>, statistic, least>>(true);
  return true;
}

struct PairCount : Pairs<PairMoments<double>> {
  void result(ColumnBuilder& out) const { out.append_int64(count + not_finite); }
};
bool bind_pair_count(AggregateSignature& call) {
  if (!to_doubles(call)) return false;
  call.result = DataType(TypeKind::kBigInt).with_nullable(false);
  call.kernels = fixed_kernels<PairCount>(true);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kStatistics;
constexpr AggregateTakes kTwo = {.values_min = 2, .values_max = 2};

constexpr AggregateFunction kFunctions[] = {
    {"CORR", kCategory, "CORR(y, x)", "Pearson's coefficient of correlation; NULL where one of both does not vary.",
     "CORR(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<kCorrelation>, kTwo},
    {"COVAR_POP", kCategory, "COVAR_POP(y, x)", "The population covariance.",
     "COVAR_POP(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 0.5", bind_pair<kCovarianceOfAll>, kTwo},
    {"COVAR_SAMP", kCategory, "COVAR_SAMP(y, x)", "The sample covariance; NULL for one pair.",
     "COVAR_SAMP(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<kCovarianceOfSample, 2>, kTwo},
    {"REGR_SLOPE", kCategory, "REGR_SLOPE(y, x)", "The slope of the line that fits best (least squares).",
     "REGR_SLOPE(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<kSlope>, kTwo},
    {"REGR_INTERCEPT", kCategory, "REGR_INTERCEPT(y, x)", "Where that line meets the y axis.",
     "REGR_INTERCEPT(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => -1.0", bind_pair<kIntercept>, kTwo},
    {"REGR_R2", kCategory, "REGR_R2(y, x)", "The square of the coefficient of correlation; 1 where y does not vary.",
     "REGR_R2(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<kDetermination>, kTwo},
    {"REGR_COUNT", kCategory, "REGR_COUNT(y, x)", "The number of pairs of which neither is NULL.",
     "REGR_COUNT(y, x) FROM (VALUES (1, 1), (3, NULL)) AS t(y, x) => 1", bind_pair_count, kTwo},
    {"REGR_AVGX", kCategory, "REGR_AVGX(y, x)", "The mean of x.",
     "REGR_AVGX(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.5", bind_pair<kMeanOfX>, kTwo},
    {"REGR_AVGY", kCategory, "REGR_AVGY(y, x)", "The mean of y.",
     "REGR_AVGY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<kMeanOfY>, kTwo},
    {"REGR_SXX", kCategory, "REGR_SXX(y, x)", "The sum of the squares of x around its mean.",
     "REGR_SXX(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 0.5", bind_pair<kSquaresOfX>, kTwo},
    {"REGR_SYY", kCategory, "REGR_SYY(y, x)", "The sum of the squares of y around its mean.",
     "REGR_SYY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<kSquaresOfY>, kTwo},
    {"REGR_SXY", kCategory, "REGR_SXY(y, x)", "The sum of the products of both around their means.",
     "REGR_SXY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<kProducts>, kTwo},
};

}  // namespace

std::span<const AggregateFunction> pair_aggregates() { return kFunctions; }

}  // namespace penstock::expr
