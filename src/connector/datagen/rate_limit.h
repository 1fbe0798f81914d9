// So many rows a second, evenly.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace penstock::connector {

// What was not taken for more than a second is not made up for. An infinite rate is no limit. Not thread-safe.
class RateLimit {
 public:
  explicit RateLimit(double per_second) : per_us_(per_second / 1e6) {}

  // How many rows may come at `now_us`. The first may at once.
  int64_t available(int64_t now_us) {
    if (std::isinf(per_us_)) return std::numeric_limits<int64_t>::max();
    if (!started_) {
      started_ = true;
      credit_ = 1;
    } else {
      const double earned = static_cast<double>(now_us - updated_us_) * per_us_;
      credit_ = std::min(credit_ + earned, std::max(1.0, per_us_ * 1e6));
    }
    updated_us_ = now_us;
    return static_cast<int64_t>(std::min(credit_, 9e18));
  }
  void take(int64_t rows) { credit_ -= static_cast<double>(rows); }

  // When the next row may come, but not sooner than in kTickUs: small batches cost more.
  int64_t next_us(int64_t now_us) const {
    const double wait_us = (1 - credit_) / per_us_;
    return now_us + std::max(kTickUs, static_cast<int64_t>(std::ceil(std::min(wait_us, 3.6e9))));
  }

 private:
  static constexpr int64_t kTickUs = 10'000;

  const double per_us_;
  bool started_ = false;
  double credit_ = 0;
  int64_t updated_us_ = 0;
};

}  // namespace penstock::connector
