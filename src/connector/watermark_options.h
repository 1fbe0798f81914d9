// The options of a table that say how its watermark goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "connector/options.h"

namespace penstock::connector {

inline constexpr OptionDoc kMaxAheadOption = {
    "scan.watermark.max-ahead", "1 d",
    "A row moves the watermark at most so far ahead of the clock: one that would move it further does not move it at "
    "all, and is counted; 0: there is no bound."};

inline constexpr OptionDoc kAlignmentGroupOption = {
    "scan.watermark.alignment.group", "",
    "A name: of the tables with this name that a job reads, none is read far ahead of the others."};
inline constexpr OptionDoc kAlignmentDriftOption = {
    "scan.watermark.alignment.max-drift", "",
    "With a group: how far the watermark of a split may be ahead of the least in the group; then it is not read."};
inline constexpr OptionDoc kAlignmentIntervalOption = {
    "scan.watermark.alignment.update-interval", "1 s",
    "Taken for Flink's sake, without effect: a group knows at once how far its tables are."};

// None: as the program has it; 0: no bound.
Result<std::optional<int64_t>> read_max_ahead_us(TableOptions& reader);

struct AlignmentOptions {
  std::string group;  // empty: none
  int64_t max_drift_us = 0;
};
Result<AlignmentOptions> read_alignment_options(TableOptions& reader);

}  // namespace penstock::connector
