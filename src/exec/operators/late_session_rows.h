// Rows that come too late for their sessions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "columnar/column.h"
#include "exec/late_rows.h"
#include "types/window.h"

namespace penstock::exec {

// The rows for which nothing was found: they would be in no session that is open.
template <class Found>
std::vector<LateRow> late_session_rows(const columnar::Column& times, const std::vector<Found*>& found,
                                       int64_t gap_us) {
  const auto values = times.values<int64_t>();
  std::vector<LateRow> late;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] != nullptr) continue;
    LateRow row{.row = static_cast<uint16_t>(i), .reason = LateReason::kInNoWindow};
    if (!times.is_null(i) && types::in_window_range(values[i])) {
      row.reason = LateReason::kWindowClosed;
      row.window = types::TimeSpan{values[i], values[i] + gap_us};
    }
    late.push_back(row);
  }
  return late;
}

}  // namespace penstock::exec
