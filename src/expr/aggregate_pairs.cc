// Statistics of pairs: CORR, COVAR_POP, COVAR_SAMP and PostgreSQL's REGR_*. Rows where one of both is NULL do not
// count.
#include <algorithm>
#include <cmath>
#include <limits>

#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// Sums of the distances to the first pair that came, of their squares and products: see VAR_POP.
struct PairMoments {
  int64_t count = 0;
  int64_t any = 0;
  double origin_y = 0;
  double origin_x = 0;
  double sum_y = 0;
  double sum_x = 0;
  double squares_y = 0;
  double squares_x = 0;
  double products = 0;
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
    const double dy = y - origin_y;
    const double dx = x - origin_x;
    count += weight;
    sum_y += weight * dy;
    sum_x += weight * dx;
    squares_y += weight * dy * dy;
    squares_x += weight * dx * dx;
    products += weight * dy * dx;
  }
  void merge(const PairMoments& later) {
    not_finite += later.not_finite;
    if (later.any == 0) return;
    if (any == 0) {
      const int64_t all_not_finite = not_finite;
      *this = later;
      not_finite = all_not_finite;
      return;
    }
    const double shift_y = later.origin_y - origin_y;
    const double shift_x = later.origin_x - origin_x;
    const auto n = static_cast<double>(later.count);
    count += later.count;
    sum_y += later.sum_y + n * shift_y;
    sum_x += later.sum_x + n * shift_x;
    squares_y += later.squares_y + 2 * shift_y * later.sum_y + n * shift_y * shift_y;
    squares_x += later.squares_x + 2 * shift_x * later.sum_x + n * shift_x * shift_x;
    products += later.products + shift_y * later.sum_x + shift_x * later.sum_y + n * shift_y * shift_x;
  }

  double n() const { return static_cast<double>(count); }
  double mean_y() const { return origin_y + sum_y / n(); }
  double mean_x() const { return origin_x + sum_x / n(); }
  // Sums of squares and products of the distances to the means.
  double yy() const { return std::max(squares_y - sum_y * sum_y / n(), 0.0); }
  double xx() const { return std::max(squares_x - sum_x * sum_x / n(), 0.0); }
  double yx() const { return products - sum_y * sum_x / n(); }
};

// What each function makes of them; NaN stands for NULL.
constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

double covariance_of_all(const PairMoments& m) { return m.yx() / m.n(); }
double covariance_of_sample(const PairMoments& m) { return m.count < 2 ? kNull : m.yx() / (m.n() - 1); }
double correlation(const PairMoments& m) {
  const double spread = std::sqrt(m.yy() * m.xx());
  return spread == 0 ? kNull : m.yx() / spread;
}
double slope(const PairMoments& m) { return m.xx() == 0 ? kNull : m.yx() / m.xx(); }
double intercept(const PairMoments& m) { return m.mean_y() - slope(m) * m.mean_x(); }
double determination(const PairMoments& m) {
  if (m.xx() == 0) return kNull;
  return m.yy() == 0 ? 1.0 : m.yx() * m.yx() / (m.xx() * m.yy());
}
double mean_of_x(const PairMoments& m) { return m.mean_x(); }
double mean_of_y(const PairMoments& m) { return m.mean_y(); }
double squares_of_x(const PairMoments& m) { return m.xx(); }
double squares_of_y(const PairMoments& m) { return m.yy(); }
double products_of_both(const PairMoments& m) { return m.yx(); }

template <double (*function)(const PairMoments&)>
struct PairStatistic : PairMoments {
  using Input = columnar::StringCell;  // ROW(y, x)
  void add(const columnar::StringCell& pair, int weight) {
    std::string_view rest = pair.view();
    std::string_view y = types::take_slot(rest, TypeKind::kDouble);
    std::string_view x = types::take_slot(rest, TypeKind::kDouble);
    if (types::is_null_slot(y) || types::is_null_slot(x)) return;
    y.remove_prefix(1);
    x.remove_prefix(1);
    PairMoments::add(types::read_ordered_double(y), types::read_ordered_double(x), weight);
  }
  void result(ColumnBuilder& out) const {
    constexpr int64_t kLeast = function == covariance_of_sample ? 2 : 1;
    if (not_finite != 0 && count + not_finite >= kLeast) {
      return out.append_double(std::numeric_limits<double>::quiet_NaN());
    }
    const double value = count <= 0 ? kNull : function(*this);
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

template <double (*function)(const PairMoments&)>
bool bind_pair(AggregateSignature& call) {
  if (!to_doubles(call)) return false;
  call.result = TypeKind::kDouble;
  call.kernels = fixed_kernels<PairStatistic<function>>(true);
  return true;
}

struct PairCount : PairStatistic<correlation> {
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
     "CORR(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<correlation>, kTwo},
    {"COVAR_POP", kCategory, "COVAR_POP(y, x)", "The population covariance.",
     "COVAR_POP(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 0.5", bind_pair<covariance_of_all>, kTwo},
    {"COVAR_SAMP", kCategory, "COVAR_SAMP(y, x)", "The sample covariance; NULL for one pair.",
     "COVAR_SAMP(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<covariance_of_sample>, kTwo},
    {"REGR_SLOPE", kCategory, "REGR_SLOPE(y, x)", "The slope of the line that fits best (least squares).",
     "REGR_SLOPE(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<slope>, kTwo},
    {"REGR_INTERCEPT", kCategory, "REGR_INTERCEPT(y, x)", "Where that line meets the y axis.",
     "REGR_INTERCEPT(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => -1.0", bind_pair<intercept>, kTwo},
    {"REGR_R2", kCategory, "REGR_R2(y, x)", "The square of the coefficient of correlation; 1 where y does not vary.",
     "REGR_R2(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<determination>, kTwo},
    {"REGR_COUNT", kCategory, "REGR_COUNT(y, x)", "The number of pairs of which neither is NULL.",
     "REGR_COUNT(y, x) FROM (VALUES (1, 1), (3, NULL)) AS t(y, x) => 1", bind_pair_count, kTwo},
    {"REGR_AVGX", kCategory, "REGR_AVGX(y, x)", "The mean of x.",
     "REGR_AVGX(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.5", bind_pair<mean_of_x>, kTwo},
    {"REGR_AVGY", kCategory, "REGR_AVGY(y, x)", "The mean of y.",
     "REGR_AVGY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<mean_of_y>, kTwo},
    {"REGR_SXX", kCategory, "REGR_SXX(y, x)", "The sum of the squares of x around its mean.",
     "REGR_SXX(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 0.5", bind_pair<squares_of_x>, kTwo},
    {"REGR_SYY", kCategory, "REGR_SYY(y, x)", "The sum of the squares of y around its mean.",
     "REGR_SYY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 2.0", bind_pair<squares_of_y>, kTwo},
    {"REGR_SXY", kCategory, "REGR_SXY(y, x)", "The sum of the products of both around their means.",
     "REGR_SXY(y, x) FROM (VALUES (1, 1), (3, 2)) AS t(y, x) => 1.0", bind_pair<products_of_both>, kTwo},
};

}  // namespace

std::span<const AggregateFunction> pair_aggregates() { return kFunctions; }

}  // namespace penstock::expr
