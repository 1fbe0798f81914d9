#include "connector/watermark_options.h"

namespace penstock::connector {

Result<std::optional<int64_t>> read_max_ahead_us(TableOptions& reader) {
  if (!reader.has(kMaxAheadOption.key)) return std::optional<int64_t>();
  return std::optional(PENSTOCK_TRY(reader.get_duration_us(kMaxAheadOption.key, 0)));
}

Result<AlignmentOptions> read_alignment_options(TableOptions& reader) {
  AlignmentOptions options;
  options.group = reader.get(kAlignmentGroupOption.key, "");
  options.max_drift_us = PENSTOCK_TRY(reader.get_duration_us(kAlignmentDriftOption.key, 0));
  const bool has_drift = reader.has(kAlignmentDriftOption.key);
  PENSTOCK_TRY(reader.get_duration_us(kAlignmentIntervalOption.key, 1'000'000));
  if (options.group.empty() == has_drift) {
    return invalid_argument("table \"{}\": options '{}' and '{}' stand together", reader.table(),
                            kAlignmentGroupOption.key, kAlignmentDriftOption.key);
  }
  return options;
}

}  // namespace penstock::connector
