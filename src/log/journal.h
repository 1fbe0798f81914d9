// Writes the shared journal: commits, one after the other, into preallocated segment files that are used again.
//
// append() belongs to the commit thread; the other methods belong to the maintenance thread. The two meet at
// allocation_mutex_: below a segment's allocated bytes only the commit thread writes, above them whoever holds the
// mutex does.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/env.h"
#include "log/journal_format.h"

namespace penstock::log {

// Segment numbers, offsets and sequences beyond it are of no journal: adding to them could overflow.
inline constexpr uint64_t kJournalNumberMax = uint64_t{1} << 62;

// Where a commit is or will be. Everything before it is durable.
struct JournalPosition {
  uint64_t segment = 1;
  uint64_t offset = kFirstCommitOffset;
  uint64_t sequence = 1;  // of the commit there
  auto operator<=>(const JournalPosition&) const = default;
};

std::string journal_segment_path(const std::string& directory, uint64_t number);
// The numbers of the segments in the directory, ascending; kCorruption when there is one that no journal has.
Result<std::vector<uint64_t>> list_journal_segments(io::Env& env, const std::string& directory);

class Journal {
 public:
  // `start` must be in a segment that does not exist yet. Creates nothing before prepare() or append().
  Journal(io::Env& env, std::string directory, uint64_t journal_id, JournalPosition start, uint64_t segment_bytes);

  uint64_t id() const { return journal_id_; }
  // Where the next commit goes when it fits. For the commit thread.
  JournalPosition position() const { return position_; }

  // Writes one commit and syncs it; the builder must have been started with position().sequence. After an error
  // the journal must not be written any more before begin_anew(). `sync_time_us` gets the time that the sync took.
  Status append(CommitBuilder& commit, int64_t* sync_time_us);

  // Whether prepare() should be called. Does not wait: false while it runs.
  bool wants_preparation() const;
  // One short step of preallocation ahead of the writer; false when there was nothing to do.
  Result<bool> prepare();

  // Lets go of the segments below `number`: some are kept to be written again, others removed.
  Status recycle(uint64_t number);
  // Goes on at `start`, in a segment that does not exist yet, also after an error of append() or prepare(). Nothing
  // before it is needed any more, and no append() is under way.
  void begin_anew(JournalPosition start);
  // After the last append: lets go of all segments. Whatever was in them must be elsewhere.
  Status retire_all();

 private:
  struct Segment {
    uint64_t number;
    std::unique_ptr<io::File> file;
    // Below it the file was written before, by zeros or an earlier use: a sync there writes no metadata.
    std::atomic<uint64_t> allocated_bytes;
  };

  // With allocation_mutex_ held, as the ones below.
  Status list_free_segments();
  // Whether the file is the segment that its name says. After a crash a file may be found under two names, one of which
  // it had before a rename, or was to get by one: its header has the number of one of them.
  Result<bool> is_segment(const std::string& path, uint64_t number) const;
  Result<std::unique_ptr<Segment>> create_segment(uint64_t number);
  Status extend(Segment& segment, uint64_t up_to);
  // Makes the next segment the active one.
  Status roll();
  uint64_t ahead_bytes() const;

  io::Env& env_;
  const std::string directory_;
  const uint64_t journal_id_;
  const uint64_t segment_bytes_;

  JournalPosition position_;
  std::atomic<uint64_t> active_offset_;  // position_.offset, for the maintenance thread
  std::unique_ptr<Segment> active_;      // changed by the commit thread with allocation_mutex_ held

  mutable std::mutex allocation_mutex_;
  std::unique_ptr<Segment> next_;
  uint64_t next_number_;
  std::vector<std::string> free_paths_;
  bool directory_listed_ = false;
};

}  // namespace penstock::log
