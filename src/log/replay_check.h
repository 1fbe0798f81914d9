// Holds the journal's frames against what the log can have written, before any of them is used.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/result.h"
#include "log/journal_format.h"
#include "log/partition.h"

namespace penstock::log {

// Where a partition ends before the first frame, by handle, of all partitions that live.
using PartitionEnds = std::map<uint32_t, int64_t>;

// A frame whose checksums match may still say what no log says: through a fault of this program, another program, or an
// enemy's hand. What it would make of the log would not hold what partition.h says holds always. Follows the frames
// from the checkpoint on; an error, kCorruption or kUnsupported, says what is wrong, not where.
class ReplayCheck {
 public:
  // Handles below `next_handle` that have no end are of partitions that were deleted since.
  ReplayCheck(uint32_t next_handle, PartitionEnds ends) : next_handle_(next_handle), ends_(std::move(ends)) {}

  Status check(const JournalFrame& frame);

 private:
  Status check_handle(uint32_t handle) const;
  Status check_record_batch(const JournalFrame& frame);
  Status check_log_start(const JournalFrame& frame) const;
  Status check_group_offsets(const JournalFrame& frame) const;

  const uint32_t next_handle_;
  PartitionEnds ends_;
};

}  // namespace penstock::log
