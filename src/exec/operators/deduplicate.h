// Of each key the rows that are far enough from each other, in event time.
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

// A row comes out at once, unless one with its key has come out whose time is less than `within_us` away, before or
// after it. Only times decide that, and not how far the watermark is: that differs with how many rows are read at once,
// and with the other tasks. The watermark says which rows are late, and so which times need not be remembered. The
// input never takes rows back.
std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options);

}  // namespace penstock::exec
