#include "log/segment.h"

#include <algorithm>

#include "base/hash.h"
#include "log/coding.h"

namespace penstock::log {
namespace {

// Batch headers are looked at through a window of this size.
constexpr size_t kScanBytes = 64 << 10;

// Whether a batch with these offsets can be in the segment, and follow the batch that ended at `expected`.
bool fits(const SegmentInfo& info, int64_t base_offset, int32_t last_offset_delta, std::optional<int64_t> expected) {
  return base_offset >= info.base_offset && last_offset_delta >= 0 &&
         base_offset < info.next_offset - last_offset_delta && (!expected || base_offset == *expected);
}

}  // namespace

std::string segment_path(const std::string& partition_directory, int64_t base_offset) {
  return fmt::format("{}/{:020}.log", partition_directory, base_offset);
}

std::string segment_index_path(const std::string& partition_directory, int64_t base_offset) {
  return fmt::format("{}/{:020}.index", partition_directory, base_offset);
}

std::string encode_index_entry(int64_t segment_base, int64_t base_offset, uint64_t position, int64_t max_before) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.put(base_offset);
  writer.put(position);
  writer.put(max_before);
  writer.put(crc32c(bytes, static_cast<uint32_t>(mix64(static_cast<uint64_t>(segment_base)))));
  writer.put(uint32_t{0});
  return bytes;
}

SegmentReader::SegmentReader(io::Env& env, std::string path, std::string index_path, int64_t base_offset,
                             std::unique_ptr<io::File> file)
    : env_(env),
      path_(std::move(path)),
      index_path_(std::move(index_path)),
      base_offset_(base_offset),
      file_(std::move(file)) {}

Result<std::shared_ptr<SegmentReader>> SegmentReader::open(io::Env& env, const std::string& partition_directory,
                                                           int64_t base_offset) {
  std::string path = segment_path(partition_directory, base_offset);
  auto file = PENSTOCK_TRY(env.open(path, io::OpenMode::kRead));
  return std::shared_ptr<SegmentReader>(new SegmentReader(
      env, std::move(path), segment_index_path(partition_directory, base_offset), base_offset, std::move(file)));
}

Error SegmentReader::damaged(uint64_t position, std::string_view what) const {
  return make_error(ErrorCode::kCorruption, "{} at offset {}: {}", path_, position, what);
}

void SegmentReader::load_index(const SegmentInfo& info) {
  if (index_.size() >= info.index_entries) return;
  const auto file = env_.open(index_path_, io::OpenMode::kRead);
  if (!file) return;  // a missing index makes a look-up slow, not wrong
  std::string bytes((info.index_entries - index_.size()) * kIndexEntryBytes, '\0');
  const auto n = (*file)->read_at(index_.size() * kIndexEntryBytes, bytes.data(), bytes.size());
  if (!n) return;
  for (size_t at = 0; at + kIndexEntryBytes <= *n; at += kIndexEntryBytes) {
    const std::string_view entry_bytes = std::string_view(bytes).substr(at, kIndexEntryBytes);
    ByteReader reader(entry_bytes);
    IndexEntry entry{};
    entry.base_offset = reader.get<int64_t>();
    entry.position = reader.get<uint64_t>();
    entry.max_timestamp_before = reader.get<int64_t>();
    const bool valid =
        entry_bytes == encode_index_entry(base_offset_, entry.base_offset, entry.position, entry.max_timestamp_before);
    const bool in_order =
        index_.empty() ? entry.base_offset > base_offset_
                       : entry.base_offset > index_.back().base_offset && entry.position > index_.back().position;
    if (!valid || !in_order || entry.position >= info.bytes) return;
    index_.push_back(entry);
  }
}

template <class Visit>
Status SegmentReader::scan(const SegmentInfo& info, Place from, Visit visit) const {
  uint64_t position = from.position;
  std::optional<int64_t> expected = from.base_offset;
  std::string window;
  uint64_t window_at = 0;
  while (position < info.bytes) {
    if (position < window_at || position + kRecordBatchHeaderBytes > window_at + window.size()) {
      window.resize(std::min<uint64_t>(kScanBytes, info.bytes - position));
      window.resize(PENSTOCK_TRY(file_->read_at(position, window.data(), window.size())));
      window_at = position;
      if (window.size() < kRecordBatchHeaderBytes) return damaged(position, "the file is cut off");
    }
    const std::string_view header =
        std::string_view(window).substr(static_cast<size_t>(position - window_at), kRecordBatchHeaderBytes);
    const std::optional<size_t> size = record_batch_size(header);
    if (!size || *size > info.bytes - position || header[16] != 2) return damaged(position, "no record batch is there");
    const auto base_offset = load_big<int64_t>(header.data());
    const auto last_delta = load_big<int32_t>(header.data() + 23);
    if (!fits(info, base_offset, last_delta, expected)) return damaged(position, "a record batch has a wrong offset");
    const StoredBatch batch{.bytes = header,
                            .base_offset = base_offset,
                            .next_offset = base_offset + last_delta + 1,
                            .max_timestamp_ms = load_big<int64_t>(header.data() + 35)};
    if (!visit(position, batch)) return {};
    position += *size;
    expected = batch.next_offset;
  }
  const bool to_the_end = position == info.bytes && expected;
  if (to_the_end && *expected != info.next_offset) return damaged(position, "record batches are missing at the end");
  return {};
}

Result<uint64_t> SegmentReader::find_offset(const SegmentInfo& info, int64_t offset) {
  Place from{.position = 0, .base_offset = info.base_offset};
  {
    const std::lock_guard lock(mutex_);
    load_index(info);
    const auto after = std::ranges::upper_bound(index_, offset, {}, &IndexEntry::base_offset);
    if (after != index_.begin()) from = {std::prev(after)->position, std::prev(after)->base_offset};
  }
  uint64_t found = info.bytes;
  PENSTOCK_TRY(scan(info, from, [&](uint64_t position, const StoredBatch& batch) {
    if (batch.next_offset <= offset) return true;
    found = position;
    return false;
  }));
  return found;
}

Result<uint64_t> SegmentReader::find_timestamp(const SegmentInfo& info, uint64_t from, int64_t timestamp_ms) {
  {
    const std::lock_guard lock(mutex_);
    load_index(info);
    // What is before an entry is too old when the largest timestamp before it is.
    const auto after = std::ranges::lower_bound(index_, timestamp_ms, {}, &IndexEntry::max_timestamp_before);
    if (after != index_.begin()) from = std::max(from, std::prev(after)->position);
  }
  uint64_t found = info.bytes;
  PENSTOCK_TRY(scan(info, {from, std::nullopt}, [&](uint64_t position, const StoredBatch& batch) {
    if (batch.max_timestamp_ms < timestamp_ms) return true;
    found = position;
    return false;
  }));
  return found;
}

Result<int64_t> SegmentReader::max_timestamp_from(const SegmentInfo& info, uint64_t position) const {
  int64_t max_ms = kNoTimestamp;
  PENSTOCK_TRY(scan(info, {position, std::nullopt}, [&](uint64_t, const StoredBatch& batch) {
    max_ms = std::max(max_ms, batch.max_timestamp_ms);
    return true;
  }));
  return max_ms;
}

Result<std::vector<SharedBytes>> SegmentReader::read(const SegmentInfo& info, uint64_t position, size_t max_bytes,
                                                     bool at_least_one) const {
  std::vector<SharedBytes> batches;
  if (position >= info.bytes) return batches;
  size_t wanted = static_cast<size_t>(std::min<uint64_t>(max_bytes, info.bytes - position));
  if (at_least_one) {
    char header[kRecordBatchHeaderBytes];
    const size_t n = PENSTOCK_TRY(file_->read_at(position, header, sizeof(header)));
    const std::optional<size_t> size = record_batch_size({header, n});
    if (!size || *size > info.bytes - position) return damaged(position, "no record batch is there");
    wanted = std::max(wanted, *size);
  }
  std::shared_ptr<char[]> buffer = std::make_shared_for_overwrite<char[]>(wanted);
  const size_t n = PENSTOCK_TRY(file_->read_at(position, buffer.get(), wanted));
  if (n < wanted) return damaged(position + n, "the file is cut off");
  std::string_view rest(buffer.get(), n);
  std::optional<int64_t> expected = position == 0 ? std::optional(info.base_offset) : std::nullopt;
  while (!rest.empty()) {
    const uint64_t at = position + (n - rest.size());
    const std::optional<size_t> size = record_batch_size(rest);
    if (rest.size() >= 12 && !size) return damaged(at, "no record batch is there");
    if (!size || *size > rest.size()) break;
    const auto batch = parse_record_batch(rest);
    if (!batch) return damaged(at, batch.error().message());
    if (!batch->crc_matches()) return damaged(at, "a record batch does not match its CRC");
    // Offsets are outside of the CRC.
    if (!fits(info, batch->base_offset, batch->last_offset_delta, expected)) {
      return damaged(at, "a record batch has a wrong offset");
    }
    expected = batch->next_offset();
    batches.push_back({batch->bytes, buffer});
    rest.remove_prefix(batch->bytes.size());
  }
  return batches;
}

Result<std::shared_ptr<SegmentReader>> SegmentCache::get(uint32_t partition_handle,
                                                         const std::string& partition_directory, int64_t base_offset) {
  const Key key{partition_handle, base_offset};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = slots_.find(key); found != slots_.end()) {
      used_.splice(used_.begin(), used_, found->second.used);
      return found->second.reader;
    }
  }
  std::shared_ptr<SegmentReader> reader = PENSTOCK_TRY(SegmentReader::open(env_, partition_directory, base_offset));
  const std::lock_guard lock(mutex_);
  const auto [at, inserted] = slots_.try_emplace(key, Slot{reader, {}});
  if (!inserted) return at->second.reader;
  at->second.used = used_.insert(used_.begin(), key);
  if (slots_.size() > kOpenSegmentsMax) {
    slots_.erase(used_.back());
    used_.pop_back();
  }
  return reader;
}

void SegmentCache::erase(uint32_t partition_handle, int64_t below_offset) {
  const std::lock_guard lock(mutex_);
  auto at = slots_.lower_bound(Key{partition_handle, INT64_MIN});
  while (at != slots_.end() && at->first < Key{partition_handle, below_offset}) {
    used_.erase(at->second.used);
    at = slots_.erase(at);
  }
}

}  // namespace penstock::log
