// CURRENT_WATERMARK(rowtime): a column of the scan that the rowtime comes from. Private to the module.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "expr/expr.h"
#include "plan/logical.h"

namespace penstock::plan {

// The metadata column by which a scan asks for it.
inline constexpr std::string_view kCurrentWatermarkKey = "current-watermark";

// The call for a column. `position` is where it is written, for errors; -1 when that is in another text.
Result<expr::ExprPtr> make_current_watermark(expr::ExprPtr rowtime, int64_t position);

// Reads what the calls stand for at the sources. Fails where the rows do not come straight from a table with a
// watermark; in a bounded plan there is no watermark, and the calls stay, which are NULL.
Result<LogicalPtr> read_current_watermarks(const LogicalPtr& plan);

}  // namespace penstock::plan
