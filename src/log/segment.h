// Partition segments: files of record batches, one after the other as they came, each with a sparse index beside it.
//
// Layout: docs/formats/segment.md. How long a segment is, is not in the file: the log's checkpoint says it, and bytes
// beyond that are not part of it.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/env.h"
#include "log/record_batch.h"
#include "log/shared_bytes.h"

namespace penstock::log {

// An index entry comes with the first batch that begins at least so far behind the last one's.
inline constexpr uint64_t kIndexIntervalBytes = 64 << 10;
inline constexpr size_t kIndexEntryBytes = 32;
// Segments that are open for reading at one time.
inline constexpr size_t kOpenSegmentsMax = 128;

// Always: the batches' offsets follow one another without a gap from base_offset to next_offset.
struct SegmentInfo {
  int64_t base_offset = 0;  // of the first batch; names the file
  int64_t next_offset = 0;  // after the last record
  uint64_t bytes = 0;
  int64_t max_timestamp_ms = kNoTimestamp;
  uint32_t index_entries = 0;
  uint64_t last_index_position = 0;
  int64_t created_ms = 0;  // wall time
};

// A batch and what its header says that is needed to store and find it.
struct StoredBatch {
  std::string_view bytes;
  int64_t base_offset = 0;
  int64_t next_offset = 0;
  int64_t max_timestamp_ms = kNoTimestamp;
};

std::string segment_path(const std::string& partition_directory, int64_t base_offset);
std::string segment_index_path(const std::string& partition_directory, int64_t base_offset);

// An entry of the index, checksum included: the batch at `position` begins with `base_offset`, and no batch before it
// has a larger timestamp than `max_timestamp_before`.
std::string encode_index_entry(int64_t segment_base, int64_t base_offset, uint64_t position,
                               int64_t max_timestamp_before);

// Reads one segment. Thread-safe. Stays usable after the files were removed.
class SegmentReader {
 public:
  static Result<std::shared_ptr<SegmentReader>> open(io::Env& env, const std::string& partition_directory,
                                                     int64_t base_offset);

  // Where the first batch that ends after `offset` begins, within `info.bytes`; info.bytes when there is none.
  Result<uint64_t> find_offset(const SegmentInfo& info, int64_t offset);
  // Where the first batch at or after `from` begins that has a timestamp of at least `timestamp_ms`; info.bytes when
  // none.
  Result<uint64_t> find_timestamp(const SegmentInfo& info, uint64_t from, int64_t timestamp_ms);
  // Whole batches from `position` up to `max_bytes`, checked against their CRC; the first one whatever its size when
  // `at_least_one`.
  Result<std::vector<SharedBytes>> read(const SegmentInfo& info, uint64_t position, size_t max_bytes,
                                        bool at_least_one) const;
  // The largest timestamp of the batches that begin at or after `position`.
  Result<int64_t> max_timestamp_from(const SegmentInfo& info, uint64_t position) const;

 private:
  struct IndexEntry {
    int64_t base_offset;
    uint64_t position;
    int64_t max_timestamp_before;  // of all batches before `position`
  };
  SegmentReader(io::Env& env, std::string path, std::string index_path, int64_t base_offset,
                std::unique_ptr<io::File> file);
  // Takes over the entries of the index file that are not known yet.
  void load_index(const SegmentInfo& info);
  Error damaged(uint64_t position, std::string_view what) const;
  // Where a batch begins, and its offset where that is known.
  struct Place {
    uint64_t position;
    std::optional<int64_t> base_offset;
  };
  // Calls `visit(position, header)` for the batches from `from` until it returns false or the segment ends.
  template <class Visit>
  Status scan(const SegmentInfo& info, Place from, Visit visit) const;

  io::Env& env_;
  const std::string path_;
  const std::string index_path_;
  const int64_t base_offset_;
  const std::unique_ptr<io::File> file_;
  std::mutex mutex_;
  std::vector<IndexEntry> index_;
};

// The readers of the segments that were read last. Thread-safe.
class SegmentCache {
 public:
  explicit SegmentCache(io::Env& env) : env_(env) {}

  Result<std::shared_ptr<SegmentReader>> get(uint32_t partition_handle, const std::string& partition_directory,
                                             int64_t base_offset);
  // Forgets the partition's segments below the offset.
  void erase(uint32_t partition_handle, int64_t below_offset);

 private:
  using Key = std::pair<uint32_t, int64_t>;
  struct Slot {
    std::shared_ptr<SegmentReader> reader;
    std::list<Key>::iterator used;
  };

  io::Env& env_;
  std::mutex mutex_;
  std::map<Key, Slot> slots_;
  std::list<Key> used_;  // most recent first
};

}  // namespace penstock::log
