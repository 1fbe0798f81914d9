// Of each key the first row, until the watermark has passed it by some time.
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
  int watermark_column = 0;  // what it was when the row came; NULL: none yet
  int64_t within_us = 0;
  LateOutput late;
};

// A row comes out at once, unless one of its key has come out whose time the row's watermark has not yet passed by
// `within_us`. A row at or behind its watermark is late. The watermarks are those of the rows, which say the same
// whatever is read at once; that of the operator, which is behind those of all rows to come, only says what need not be
// remembered. Where it is not behind them, because a split was idle, it stands in their place. The input never takes
// rows back.
std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options);

}  // namespace penstock::exec
