// The bytes of the journal: segments of commits of frames. The page docs/formats/journal.md says why they are so.
//
// A segment is a file: one page of segment header, then commits, each beginning on a page. All integers are
// little-endian.
//
//   segment header   magic u64, version u32, CRC u32 of what follows, journal id u64, segment number u64
//   commit header    magic u32, CRC u32 of what follows, journal id u64, sequence u64, frames bytes u64, frames count
//   u32, zero u32 frame header     CRC u32, type u8, zero u8 u16, payload bytes u32, partition handle u32
//
// A frame's CRC-32C starts from the commit's sequence, so that a frame of an older commit in the same place never fits;
// it covers the rest of the frame header and the payload. Of a record batch it covers only the first
// kRecordBatchCrcStart bytes: among them is the batch's own CRC, which covers the rest and was checked at append.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::log {

// Commits begin on multiples of this, so that no page is ever written twice and a page need not be read to be written.
inline constexpr uint64_t kJournalPageBytes = 4096;
inline constexpr uint64_t kFirstCommitOffset = kJournalPageBytes;
inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kCommitHeaderBytes = 40;
inline constexpr size_t kFrameHeaderBytes = 16;
inline constexpr uint32_t kJournalVersion = 1;

enum class FrameType : uint8_t {
  kRecordBatch = 1,     // one batch as it is stored, with its offset
  kGroupOffsets = 2,    // GroupOffsets, group_offsets.h
  kGroupDeletion = 3,   // the group's name
  kLogStartOffset = 4,  // i64
};

struct JournalFrame {
  FrameType type{};
  uint32_t partition_handle = 0;  // 0 where it means nothing
  std::string_view payload;
};

struct CommitHeader {
  uint64_t sequence = 0;
  uint64_t frames_bytes = 0;
  uint32_t frames_count = 0;

  // Of the whole commit in the file.
  uint64_t padded_bytes() const {
    return (kCommitHeaderBytes + frames_bytes + kJournalPageBytes - 1) / kJournalPageBytes * kJournalPageBytes;
  }
};

std::string encode_segment_header(uint64_t journal_id, uint64_t segment_number);
// False when the bytes are no header of this segment of this journal.
bool segment_header_matches(std::string_view bytes, uint64_t journal_id, uint64_t segment_number);

// nullopt when the bytes are no valid commit header of this journal.
std::optional<CommitHeader> decode_commit_header(std::string_view bytes, uint64_t journal_id);

// Takes the frames of a commit apart; nullopt when one of them does not match its checksum, or they are not what the
// header says. `frames` is what follows the commit header, frames_bytes long.
std::optional<std::vector<JournalFrame>> decode_frames(const CommitHeader& header, std::string_view frames);

// Puts one commit together from frames. Large batches are not copied: the pieces point at them.
class CommitBuilder {
 public:
  void start(uint64_t journal_id, uint64_t sequence);
  // `batch` must stay valid until the pieces have been written.
  void add_record_batch(uint32_t partition_handle, std::string_view batch);
  void add_control(FrameType type, uint32_t partition_handle, std::string_view payload);
  bool empty() const { return frames_count_ == 0; }

  // Completes the commit. The pieces are valid until start().
  std::span<const std::string_view> finish();
  // Of all pieces: a multiple of the page.
  uint64_t size_bytes() const { return padded_bytes_; }

 private:
  // A range of scratch_ (which may still move), or bytes elsewhere.
  struct Piece {
    const char* elsewhere;
    size_t offset;
    size_t size;
  };
  void add_frame(FrameType type, uint32_t partition_handle, std::string_view payload, size_t checked_bytes);
  void add_scratch(std::string_view bytes);

  uint64_t journal_id_ = 0;
  uint64_t sequence_ = 0;
  uint64_t frames_bytes_ = 0;
  uint64_t padded_bytes_ = 0;
  uint32_t frames_count_ = 0;
  std::string scratch_;
  std::vector<Piece> layout_;
  std::vector<std::string_view> pieces_;
};

}  // namespace penstock::log
