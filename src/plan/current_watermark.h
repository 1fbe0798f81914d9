// The watermark when a row came, CURRENT_WATERMARK(rowtime): a column of the scan that the rowtime comes from. Private
// to the module.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "expr/expr.h"
#include "plan/logical.h"

namespace penstock::plan {

// The metadata columns by which a scan asks for it: of all splits that are read together, and of the row's alone.
inline constexpr std::string_view kCurrentWatermarkKey = "current-watermark";
inline constexpr std::string_view kSplitWatermarkKey = "split-watermark";

// The call for a column. `position` is where it is written, for errors; -1 when that is in another text.
Result<expr::ExprPtr> make_current_watermark(expr::ExprPtr rowtime, int64_t position);

// Reads what the calls stand for at the sources. Fails where the rows do not come straight from a table with a
// watermark; in a bounded plan there is no watermark, and the calls stay, which are NULL.
Result<LogicalPtr> read_current_watermarks(const LogicalPtr& plan);

// The same rows with one more column, the last: the watermark of the split that each was read from when it came, also
// where the plan is bounded. Null where the rows do not come straight from tables of which `rowtime` has a watermark.
LogicalPtr add_split_watermark(const LogicalPtr& node, int rowtime);

}  // namespace penstock::plan
