// Writes partition segments.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/result.h"
#include "io/env.h"
#include "log/segment.h"

namespace penstock::log {

// Files that wait for sync() at one time.
inline constexpr size_t kUnsyncedFilesMax = 256;

// Appends to segments now and syncs them later, many at once. The journal has everything until a checkpoint names the
// segments, so only the checkpoint needs them on the disk; and a sync of each file at each flush is what a log of many
// partitions would spend most of its time on. A file stays open until its sync: the system tells of a write that
// failed in the background to those who had the file open.
//
// Owned by the log; called with its flush_mutex_ held.
class SegmentWriter {
 public:
  explicit SegmentWriter(io::Env& env) : env_(env) {}

  // Appends batches, which go on where it ends, to a segment (an empty `info` begins one); updates `info`.
  Status append(const std::string& partition_directory, std::span<const StoredBatch> batches, SegmentInfo* info);
  // Makes everything appended so far durable, with the names of the files. A failure is final, and never says
  // kResourceExhausted: what was appended earlier may be gone, and only the journal still has it.
  Status sync();
  // Lets go of everything below a directory that is about to be removed.
  void forget(const std::string& directory);

 private:
  Result<io::File*> open(const std::string& partition_directory, const SegmentInfo& info);

  io::Env& env_;
  std::map<std::string, std::unique_ptr<io::File>> files_;  // by path
  std::set<std::string> directories_;                       // with names to be synced
};

}  // namespace penstock::log
