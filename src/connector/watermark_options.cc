#include "connector/watermark_options.h"

namespace penstock::connector {

Result<WatermarkOptions> read_watermark_options(TableOptions& reader) {
  WatermarkOptions options;
  if (reader.has(kMaxAheadOption.key)) {
    options.max_ahead_us = PENSTOCK_TRY(reader.get_duration_us(kMaxAheadOption.key, 0));
  }
  return options;
}

}  // namespace penstock::connector
