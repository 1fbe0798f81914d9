// What statistics of sums of squares share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>

namespace penstock::expr {

// Moments over rows that may be taken back: sums that have become infinite would stay so, so what is large enough for
// that is apart, in a type whose range holds its squares.
template <template <class Real> class Moments>
struct LargeApart {
  static constexpr double kLarge = 0x1p400;  // sums of 2^100 smaller ones, and their squares, are finite
  Moments<double> usual;
  Moments<long double> large{.any = 1};  // around 0, since one that is far from the others may go again

  void add(double value, int weight) { is_large({value}) ? large.add(value, weight) : usual.add(value, weight); }
  void add(double y, double x, int weight) { is_large({y, x}) ? large.add(y, x, weight) : usual.add(y, x, weight); }
  void merge(const LargeApart& later) {
    usual.merge(later.usual);
    large.merge(later.large);
  }
  int64_t finite() const { return usual.finite() + large.finite(); }
  int64_t infinite() const { return usual.infinite(); }
  // What `statistic` makes of the moments.
  template <class Statistic>
  double apply(Statistic statistic) const {
    if (large.finite() == 0) return usual.apply(statistic);
    Moments<long double> all = large;
    all.merge(usual);
    return all.apply(statistic);
  }

 private:
  static bool is_large(std::initializer_list<double> values) {
    return std::ranges::all_of(values, [](double value) { return std::isfinite(value); }) &&
           std::ranges::any_of(values, [](double value) { return std::abs(value) >= kLarge; });
  }
};

}  // namespace penstock::expr
