#include "log/journal.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace penstock::log {
namespace {

constexpr std::string_view kSegmentSuffix = ".journal";
constexpr std::string_view kFreeSuffix = ".free";
// Preallocation: how much at a time, so that a commit never waits long for the disk, and how far ahead of the writer.
constexpr uint64_t kPreallocateStepBytes = 1 << 20;
constexpr uint64_t kPreallocateAheadBytes = 8 << 20;
// Segments kept to be written again.
constexpr size_t kFreeSegmentsMax = 2;

// The number that a name like "00000000000000000007.journal" begins with; 0 for other names.
uint64_t number_of(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return 0;
  name.remove_suffix(suffix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

std::string free_path(const std::string& directory, uint64_t number) {
  return fmt::format("{}/{:020}{}", directory, number, kFreeSuffix);
}

}  // namespace

std::string journal_segment_path(const std::string& directory, uint64_t number) {
  return fmt::format("{}/{:020}{}", directory, number, kSegmentSuffix);
}

Result<std::vector<uint64_t>> list_journal_segments(io::Env& env, const std::string& directory) {
  std::vector<uint64_t> numbers;
  for (const std::string& name : PENSTOCK_TRY(env.list(directory))) {
    if (const uint64_t number = number_of(name, kSegmentSuffix); number != 0) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  if (!numbers.empty() && numbers.back() > kJournalNumberMax) {
    return make_error(ErrorCode::kCorruption, "{} is no file of a journal",
                      journal_segment_path(directory, numbers.back()));
  }
  return numbers;
}

Journal::Journal(io::Env& env, std::string directory, uint64_t journal_id, JournalPosition start,
                 uint64_t segment_bytes)
    : env_(env),
      directory_(std::move(directory)),
      journal_id_(journal_id),
      segment_bytes_(std::max(segment_bytes, 2 * kJournalPageBytes)),
      position_(start),
      active_offset_(start.offset),
      next_number_(start.segment) {}

uint64_t Journal::ahead_bytes() const { return std::min(segment_bytes_, kPreallocateAheadBytes); }

Status Journal::list_free_segments() {
  if (directory_listed_) return {};
  for (const std::string& name : PENSTOCK_TRY(env_.list(directory_))) {
    const uint64_t number = number_of(name, kFreeSuffix);
    if (number == 0) continue;
    std::string path = directory_ + "/" + name;
    if (PENSTOCK_TRY(is_segment(path, number))) {
      free_paths_.push_back(std::move(path));
    } else {
      PENSTOCK_TRY(env_.remove_file(path));
    }
  }
  directory_listed_ = true;
  return {};
}

Result<bool> Journal::is_segment(const std::string& path, uint64_t number) const {
  const auto file = PENSTOCK_TRY(env_.open(path, io::OpenMode::kRead));
  char header[kSegmentHeaderBytes];
  const size_t n = PENSTOCK_TRY(file->read_at(0, header, sizeof(header)));
  return segment_header_matches({header, n}, journal_id_, number);
}

Result<std::unique_ptr<Journal::Segment>> Journal::create_segment(uint64_t number) {
  PENSTOCK_TRY(list_free_segments());
  const std::string path = journal_segment_path(directory_, number);
  if (!free_paths_.empty()) {
    const std::string from = std::move(free_paths_.back());
    free_paths_.pop_back();
    PENSTOCK_TRY(env_.rename(from, path));
  }
  auto segment = std::make_unique<Segment>();
  segment->number = number;
  segment->file = PENSTOCK_TRY(env_.open(path, io::OpenMode::kCreateOrOpen));
  std::string header = encode_segment_header(journal_id_, number);
  header.resize(kFirstCommitOffset, '\0');
  PENSTOCK_TRY(segment->file->write_at(0, header));
  PENSTOCK_TRY(segment->file->sync());
  PENSTOCK_TRY(env_.sync_directory(directory_));
  segment->allocated_bytes = PENSTOCK_TRY(segment->file->size());
  return segment;
}

Status Journal::roll() {
  const std::lock_guard lock(allocation_mutex_);
  if (next_ == nullptr) next_ = PENSTOCK_TRY(create_segment(next_number_));
  active_ = std::move(next_);
  next_number_ = active_->number + 1;
  position_.segment = active_->number;
  position_.offset = kFirstCommitOffset;
  active_offset_ = position_.offset;
  return {};
}

Status Journal::append(CommitBuilder& commit, int64_t* sync_time_us) {
  const std::span<const std::string_view> pieces = commit.finish();
  const uint64_t size = commit.size_bytes();
  // A commit larger than a segment gets one for itself.
  const bool fits = position_.offset == kFirstCommitOffset || position_.offset + size <= segment_bytes_;
  if (active_ == nullptr || !fits) PENSTOCK_TRY(roll());

  std::unique_lock<std::mutex> allocation;
  const uint64_t end = position_.offset + size;
  if (end > active_->allocated_bytes) allocation = std::unique_lock(allocation_mutex_);
  PENSTOCK_TRY(active_->file->write_vector_at(position_.offset, pieces));
  const int64_t before_us = env_.monotonic_time_us();
  PENSTOCK_TRY(active_->file->sync());
  *sync_time_us = env_.monotonic_time_us() - before_us;
  if (end > active_->allocated_bytes) active_->allocated_bytes = end;

  position_.offset = end;
  ++position_.sequence;
  active_offset_ = end;
  return {};
}

bool Journal::wants_preparation() const {
  const std::unique_lock lock(allocation_mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  if (active_ != nullptr && active_->allocated_bytes < std::min(segment_bytes_, active_offset_ + ahead_bytes() / 2)) {
    return true;
  }
  if (next_ == nullptr) return active_ == nullptr || active_offset_ > segment_bytes_ / 2;
  return next_->allocated_bytes < ahead_bytes();
}

Status Journal::extend(Segment& segment, uint64_t up_to) {
  const uint64_t size = std::min(up_to, segment.allocated_bytes + kPreallocateStepBytes);
  PENSTOCK_TRY(segment.file->preallocate(size));
  PENSTOCK_TRY(segment.file->sync());
  segment.allocated_bytes = size;
  return {};
}

Result<bool> Journal::prepare() {
  const std::lock_guard lock(allocation_mutex_);
  if (active_ != nullptr) {
    const uint64_t wanted = std::min(segment_bytes_, active_offset_ + ahead_bytes());
    if (active_->allocated_bytes < wanted) {
      PENSTOCK_TRY(extend(*active_, wanted));
      return true;
    }
  }
  if (next_ == nullptr) {
    if (active_ != nullptr && active_offset_ <= segment_bytes_ / 2) return false;
    next_ = PENSTOCK_TRY(create_segment(next_number_));
    return true;
  }
  if (next_->allocated_bytes >= ahead_bytes()) return false;
  PENSTOCK_TRY(extend(*next_, ahead_bytes()));
  return true;
}

Status Journal::recycle(uint64_t number) {
  const std::lock_guard lock(allocation_mutex_);
  PENSTOCK_TRY(list_free_segments());
  for (const uint64_t old : PENSTOCK_TRY(list_journal_segments(env_, directory_))) {
    if (old >= number) break;
    const std::string path = journal_segment_path(directory_, old);
    const uint64_t size = PENSTOCK_TRY(PENSTOCK_TRY(env_.open(path, io::OpenMode::kRead))->size());
    // A second name of a file goes, so that no two segments ever share one.
    const bool reusable = size <= segment_bytes_ && PENSTOCK_TRY(is_segment(path, old));
    if (free_paths_.size() < kFreeSegmentsMax && reusable) {
      const std::string free = free_path(directory_, old);
      PENSTOCK_TRY(env_.rename(path, free));
      free_paths_.push_back(free);
    } else {
      PENSTOCK_TRY(env_.remove_file(path));
    }
  }
  return {};
}

void Journal::begin_anew(JournalPosition start) {
  const std::lock_guard lock(allocation_mutex_);
  active_.reset();
  next_.reset();
  next_number_ = start.segment;
  position_ = start;
  active_offset_ = start.offset;
  // A rename may have failed half way: what there is to be used again is looked for anew.
  free_paths_.clear();
  directory_listed_ = false;
}

Status Journal::retire_all() {
  active_.reset();
  next_.reset();
  return recycle(UINT64_MAX);
}

}  // namespace penstock::log
