// Conditions that bound how far the times of two rows are apart. Private to the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "expr/expr.h"
#include "plan/logical.h"

namespace penstock::plan {

// A sum of times and an interval: how often each column, which is a time, is in it, and a constant.
struct TimeSum {
  std::map<size_t, int> times;
  int64_t constant_us = 0;

  bool add(const TimeSum& other, int sign);
};

std::optional<TimeSum> as_time_sum(const expr::Expr& expression);

// A condition of the form: right time - left time <= limit, or >= limit.
struct TimeBound {
  int left = 0;
  int right = 0;  // of the right input
  bool upper = false;
  int64_t limit_us = 0;
};

// Of a condition over left ++ right; `<` is a millisecond less than `<=`, or a microsecond for finer times.
std::optional<TimeBound> match_time_bound(const expr::Expr& condition, const types::Schema& left,
                                          const types::Schema& right);

}  // namespace penstock::plan
