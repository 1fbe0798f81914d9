#include "log/journal_format.h"

#include <algorithm>

#include "base/hash.h"
#include "log/coding.h"
#include "log/record_batch.h"

namespace penstock::log {
namespace {

constexpr uint64_t kSegmentMagic = 0x314c4e524a545350;  // "PSTJRNL1"
constexpr uint32_t kCommitMagic = 0x544d4f43;           // "COMT"
// Payloads up to this size are copied next to their frame header: cheaper than one more piece for the system call.
constexpr size_t kCopyBytesMax = 1024;

// What a frame's checksum starts from.
uint32_t frame_seed(uint64_t sequence) {
  char bytes[sizeof(sequence)];
  store_little(bytes, sequence);
  return crc32c({bytes, sizeof(bytes)});
}

uint32_t frame_crc(uint64_t sequence, std::string_view header_after_crc, std::string_view checked) {
  return crc32c(checked, crc32c(header_after_crc, frame_seed(sequence)));
}

// How much of a payload the frame's own checksum covers.
size_t checked_bytes(FrameType type, size_t payload_bytes) {
  return type == FrameType::kRecordBatch ? std::min(kRecordBatchCrcStart, payload_bytes) : payload_bytes;
}

}  // namespace

std::string encode_segment_header(uint64_t journal_id, uint64_t segment_number) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.put(kSegmentMagic);
  writer.put(kJournalVersion);
  writer.put(uint32_t{0});
  writer.put(journal_id);
  writer.put(segment_number);
  store_little(bytes.data() + 12, crc32c(std::string_view(bytes).substr(16)));
  return bytes;
}

bool segment_header_matches(std::string_view bytes, uint64_t journal_id, uint64_t segment_number) {
  return bytes.substr(0, kSegmentHeaderBytes) == encode_segment_header(journal_id, segment_number);
}

std::optional<CommitHeader> decode_commit_header(std::string_view bytes, uint64_t journal_id) {
  if (bytes.size() < kCommitHeaderBytes) return std::nullopt;
  ByteReader reader(bytes.substr(0, kCommitHeaderBytes));
  if (reader.get<uint32_t>() != kCommitMagic) return std::nullopt;
  if (reader.get<uint32_t>() != crc32c(bytes.substr(8, kCommitHeaderBytes - 8))) return std::nullopt;
  if (reader.get<uint64_t>() != journal_id) return std::nullopt;
  CommitHeader header;
  header.sequence = reader.get<uint64_t>();
  header.frames_bytes = reader.get<uint64_t>();
  header.frames_count = reader.get<uint32_t>();
  if (header.frames_bytes > INT64_MAX) return std::nullopt;
  return header;
}

std::optional<std::vector<JournalFrame>> decode_frames(const CommitHeader& header, std::string_view frames) {
  if (frames.size() != header.frames_bytes || header.frames_count > frames.size() / kFrameHeaderBytes) {
    return std::nullopt;
  }
  std::vector<JournalFrame> result;
  result.reserve(header.frames_count);
  while (!frames.empty()) {
    if (frames.size() < kFrameHeaderBytes) return std::nullopt;
    ByteReader reader(frames.substr(0, kFrameHeaderBytes));
    const auto crc = reader.get<uint32_t>();
    JournalFrame frame;
    frame.type = static_cast<FrameType>(reader.get<uint8_t>());
    reader.get<uint8_t>();
    reader.get<uint16_t>();
    const auto payload_bytes = reader.get<uint32_t>();
    frame.partition_handle = reader.get<uint32_t>();
    if (payload_bytes > frames.size() - kFrameHeaderBytes) return std::nullopt;
    frame.payload = frames.substr(kFrameHeaderBytes, payload_bytes);
    const std::string_view checked = frame.payload.substr(0, checked_bytes(frame.type, payload_bytes));
    if (crc != frame_crc(header.sequence, frames.substr(4, kFrameHeaderBytes - 4), checked)) return std::nullopt;
    if (frame.type == FrameType::kRecordBatch) {
      const auto batch = parse_record_batch(frame.payload);
      if (!batch || batch->bytes.size() != payload_bytes || !batch->crc_matches()) return std::nullopt;
    }
    result.push_back(frame);
    frames.remove_prefix(kFrameHeaderBytes + payload_bytes);
  }
  if (result.size() != header.frames_count) return std::nullopt;
  return result;
}

void CommitBuilder::start(uint64_t journal_id, uint64_t sequence) {
  journal_id_ = journal_id;
  sequence_ = sequence;
  frames_bytes_ = 0;
  frames_count_ = 0;
  scratch_.clear();
  layout_.clear();
  add_scratch(std::string(kCommitHeaderBytes, '\0'));
}

void CommitBuilder::add_scratch(std::string_view bytes) {
  if (!layout_.empty() && layout_.back().elsewhere == nullptr) {
    layout_.back().size += bytes.size();
  } else {
    layout_.push_back({nullptr, scratch_.size(), bytes.size()});
  }
  scratch_ += bytes;
}

void CommitBuilder::add_frame(FrameType type, uint32_t partition_handle, std::string_view payload, size_t checked) {
  char header[kFrameHeaderBytes] = {};
  header[4] = static_cast<char>(type);
  store_little(header + 8, static_cast<uint32_t>(payload.size()));
  store_little(header + 12, partition_handle);
  store_little(header, frame_crc(sequence_, {header + 4, kFrameHeaderBytes - 4}, payload.substr(0, checked)));
  add_scratch({header, sizeof(header)});
  if (payload.size() <= kCopyBytesMax) {
    add_scratch(payload);
  } else {
    layout_.push_back({payload.data(), 0, payload.size()});
  }
  frames_bytes_ += kFrameHeaderBytes + payload.size();
  ++frames_count_;
}

void CommitBuilder::add_record_batch(uint32_t partition_handle, std::string_view batch) {
  add_frame(FrameType::kRecordBatch, partition_handle, batch, checked_bytes(FrameType::kRecordBatch, batch.size()));
}

void CommitBuilder::add_control(FrameType type, uint32_t partition_handle, std::string_view payload) {
  if (payload.size() > kCopyBytesMax) {
    // The caller's payload need not live on: it is copied whatever its size.
    add_frame(type, partition_handle, payload, payload.size());
    layout_.pop_back();
    add_scratch(payload);
    return;
  }
  add_frame(type, partition_handle, payload, payload.size());
}

std::span<const std::string_view> CommitBuilder::finish() {
  const CommitHeader commit{sequence_, frames_bytes_, frames_count_};
  padded_bytes_ = commit.padded_bytes();
  add_scratch(std::string(padded_bytes_ - kCommitHeaderBytes - frames_bytes_, '\0'));

  char* header = scratch_.data();
  store_little(header, kCommitMagic);
  store_little(header + 8, journal_id_);
  store_little(header + 16, sequence_);
  store_little(header + 24, frames_bytes_);
  store_little(header + 32, frames_count_);
  store_little(header + 36, uint32_t{0});
  store_little(header + 4, crc32c({header + 8, kCommitHeaderBytes - 8}));

  pieces_.clear();
  for (const Piece& piece : layout_) {
    pieces_.emplace_back(piece.elsewhere != nullptr ? piece.elsewhere : scratch_.data() + piece.offset, piece.size);
  }
  return pieces_;
}

}  // namespace penstock::log
