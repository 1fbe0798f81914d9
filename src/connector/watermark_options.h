// The options of a table that say how its watermark goes on.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "connector/options.h"

namespace penstock::connector {

inline constexpr OptionDoc kMaxAheadOption = {
    "scan.watermark.max-ahead", "1 d",
    "A row moves the watermark at most so far ahead of the clock: one that would move it further does not move it at "
    "all, and is counted; 0: there is no bound."};

struct WatermarkOptions {
  std::optional<int64_t> max_ahead_us;  // none: as the program has it; 0: no bound
};

Result<WatermarkOptions> read_watermark_options(TableOptions& reader);

}  // namespace penstock::connector
