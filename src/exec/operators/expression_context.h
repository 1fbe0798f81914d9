// What operators give to the expressions that they evaluate.
#pragma once

#include <functional>

#include "base/result.h"
#include "expr/evaluate.h"

namespace penstock::exec {

struct ExpressionContext {
  // The moment for CURRENT_TIMESTAMP: one for a whole bounded query, else the clock of the program.
  std::function<int64_t()> now_us = [] { return int64_t{0}; };

  expr::EvalContext eval() const { return {.now_us = now_us(), .zone = nullptr}; }
};

// An expression that fails for a row after the scan fails the job: the row may be derived from many events, so there is
// no one event to set aside.
inline Status first_error(const expr::RowErrors& errors) {
  if (errors.empty()) return {};
  return invalid_argument("{}", errors.front().message);
}

}  // namespace penstock::exec
