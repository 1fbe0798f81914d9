// The first row of each key, within some event time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

struct DeduplicateOptions {
  types::Schema schema;
  std::vector<int> keys;
  int time_column = 0;
  int64_t within_us = 0;
  bool drops_late = true;  // else the input ends, and no watermark comes before that
  LateOutput late;
};

// A row comes out at once, unless one with its key that has come out is remembered: until the watermark has reached the
// time of that one and `within_us`. Rows that are dropped do not prolong that. The input never takes rows back.
std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options);

}  // namespace penstock::exec
