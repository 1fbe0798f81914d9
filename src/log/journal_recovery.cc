#include "log/journal_recovery.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace penstock::log {
namespace {

// Looking for later commits reads this much at a time.
constexpr uint64_t kScanBytes = 1 << 20;
constexpr const char* kNothingChanged = "nothing was changed; restore the data directory from a copy";

class JournalReader {
 public:
  JournalReader(io::Env& env, const std::string& directory, uint64_t journal_id)
      : env_(env), directory_(directory), journal_id_(journal_id) {}

  Result<JournalEnd> read(JournalPosition at, const JournalVisitor& visit);

 private:
  struct Segment {
    std::unique_ptr<io::File> file;
    uint64_t size;
  };
  struct Commit {
    CommitHeader header;
    std::shared_ptr<const std::string> bytes;  // the frames
    std::vector<JournalFrame> frames;
  };

  Status open_segments(uint64_t first);
  // nullopt when there is no whole, valid commit with this sequence.
  Result<std::optional<Commit>> commit_at(const JournalPosition& at);
  Status check_segment_header(uint64_t number);
  Status visit_frames(const JournalPosition& at, const Commit& commit, const JournalVisitor& visit) const;
  // kCorruption when any commit from `end.sequence` on lies beyond it.
  Status check_nothing_follows(const JournalPosition& end);

  io::Env& env_;
  const std::string& directory_;
  const uint64_t journal_id_;
  std::map<uint64_t, Segment> segments_;
};

Status JournalReader::open_segments(uint64_t first) {
  for (const uint64_t number : PENSTOCK_TRY(list_journal_segments(env_, directory_))) {
    if (number < first) continue;
    Segment segment;
    segment.file = PENSTOCK_TRY(env_.open(journal_segment_path(directory_, number), io::OpenMode::kRead));
    segment.size = PENSTOCK_TRY(segment.file->size());
    segments_.emplace(number, std::move(segment));
  }
  return {};
}

Result<std::optional<JournalReader::Commit>> JournalReader::commit_at(const JournalPosition& at) {
  const auto segment = segments_.find(at.segment);
  if (segment == segments_.end()) return std::optional<Commit>();
  const io::File& file = *segment->second.file;
  char bytes[kCommitHeaderBytes];
  const size_t n = PENSTOCK_TRY(file.read_at(at.offset, bytes, sizeof(bytes)));
  const std::optional<CommitHeader> header = decode_commit_header({bytes, n}, journal_id_);
  if (!header || header->sequence != at.sequence) return std::optional<Commit>();
  // A length beyond the file is a torn write: nothing is allocated for it.
  const uint64_t room = segment->second.size - std::min(segment->second.size, at.offset + kCommitHeaderBytes);
  if (header->frames_bytes > room) return std::optional<Commit>();
  auto frames = std::make_shared<std::string>(header->frames_bytes, '\0');
  const size_t got = PENSTOCK_TRY(file.read_at(at.offset + kCommitHeaderBytes, frames->data(), frames->size()));
  if (got != frames->size()) return std::optional<Commit>();
  auto decoded = decode_frames(*header, *frames);
  if (!decoded) return std::optional<Commit>();
  return std::optional<Commit>(Commit{*header, std::move(frames), std::move(*decoded)});
}

Status JournalReader::check_segment_header(uint64_t number) {
  char bytes[kSegmentHeaderBytes];
  const size_t n = PENSTOCK_TRY(segments_.at(number).file->read_at(0, bytes, sizeof(bytes)));
  if (segment_header_matches({bytes, n}, journal_id_, number)) return {};
  return make_error(ErrorCode::kCorruption, "{} at offset 0: the segment header is damaged, but commits follow",
                    journal_segment_path(directory_, number));
}

Status JournalReader::visit_frames(const JournalPosition& at, const Commit& commit, const JournalVisitor& visit) const {
  for (const JournalFrame& frame : commit.frames) {
    Status visited = visit(frame, commit.bytes);
    if (visited) continue;
    const ErrorCode code = visited.error().code();
    if (code != ErrorCode::kCorruption && code != ErrorCode::kUnsupported) return visited;
    const uint64_t in_commit = static_cast<uint64_t>(frame.payload.data() - commit.bytes->data()) - kFrameHeaderBytes;
    return std::move(visited)
        .error()
        .context(fmt::format("{} at offset {}", journal_segment_path(directory_, at.segment),
                             at.offset + kCommitHeaderBytes + in_commit))
        .hint(kNothingChanged);
  }
  return {};
}

Status JournalReader::check_nothing_follows(const JournalPosition& end) {
  std::string window;
  for (auto at = segments_.lower_bound(end.segment); at != segments_.end(); ++at) {
    const auto& [number, segment] = *at;
    for (uint64_t offset = number == end.segment ? end.offset : kFirstCommitOffset; offset < segment.size;
         offset += kScanBytes) {
      window.resize(std::min(kScanBytes, segment.size - offset));
      window.resize(PENSTOCK_TRY(segment.file->read_at(offset, window.data(), window.size())));
      for (uint64_t i = 0; i < window.size(); i += kJournalPageBytes) {
        const auto header = decode_commit_header(std::string_view(window).substr(i), journal_id_);
        if (!header || header->sequence < end.sequence) continue;
        // The torn commit itself, in one of the two places where it may have been written.
        const bool expected = (number == end.segment && offset + i == end.offset) ||
                              (number == end.segment + 1 && offset + i == kFirstCommitOffset);
        if (expected && header->sequence == end.sequence) continue;
        return make_error(
                   ErrorCode::kCorruption,
                   "{} at offset {}: commit {} is damaged or missing, although commit {} was made after it ({} at "
                   "offset {})",
                   journal_segment_path(directory_, end.segment), end.offset, end.sequence, header->sequence,
                   journal_segment_path(directory_, number), offset + i)
            .hint(kNothingChanged);
      }
    }
  }
  return {};
}

Result<JournalEnd> JournalReader::read(JournalPosition at, const JournalVisitor& visit) {
  PENSTOCK_TRY(open_segments(at.segment));
  JournalEnd end;
  end.any_segment = !segments_.empty();
  end.next_segment = segments_.empty() ? at.segment : segments_.rbegin()->first + 1;
  if (at.offset > kFirstCommitOffset && !segments_.contains(at.segment)) {
    return make_error(ErrorCode::kCorruption, "{} is missing, although it was in use at offset {}",
                      journal_segment_path(directory_, at.segment), at.offset);
  }
  while (true) {
    std::optional<Commit> commit = PENSTOCK_TRY(commit_at(at));
    if (!commit) {
      const JournalPosition next{at.segment + 1, kFirstCommitOffset, at.sequence};
      commit = PENSTOCK_TRY(commit_at(next));
      if (!commit) break;
      at = next;
    }
    if (at.offset == kFirstCommitOffset) PENSTOCK_TRY(check_segment_header(at.segment));
    if (visit) PENSTOCK_TRY(visit_frames(at, *commit, visit));
    at.offset += commit->header.padded_bytes();
    ++at.sequence;
    ++end.commits_count;
  }
  PENSTOCK_TRY(check_nothing_follows(at));
  end.next_sequence = at.sequence;
  return end;
}

}  // namespace

Result<JournalEnd> read_journal(io::Env& env, const std::string& directory, uint64_t journal_id, JournalPosition start,
                                const JournalVisitor& visit) {
  return JournalReader(env, directory, journal_id).read(start, visit);
}

}  // namespace penstock::log
