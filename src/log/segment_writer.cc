#include "log/segment_writer.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::log {

Result<io::File*> SegmentWriter::open(const std::string& partition_directory, const SegmentInfo& info) {
  std::string path = segment_path(partition_directory, info.base_offset);
  if (const auto found = files_.find(path); found != files_.end()) return found->second.get();
  if (files_.size() >= kUnsyncedFilesMax) PENSTOCK_TRY(sync());
  const bool fresh = info.bytes == 0;
  if (fresh) {
    PENSTOCK_TRY(env_.create_directories(partition_directory));
    // Also when they exist: whoever made them may have died before they were synced.
    const std::string topic_directory = io::parent_directory(partition_directory);
    directories_.insert(topic_directory);
    directories_.insert(io::parent_directory(topic_directory));
    directories_.insert(partition_directory);
  }
  auto file = PENSTOCK_TRY(env_.open(path, fresh ? io::OpenMode::kCreateOrOpen : io::OpenMode::kReadWrite));
  return files_.emplace(std::move(path), std::move(file)).first->second.get();
}

Status SegmentWriter::append(const std::string& partition_directory, std::span<const StoredBatch> batches,
                             SegmentInfo* info) {
  if (batches.empty()) return {};
  SegmentInfo after = *info;
  if (after.bytes == 0) after.base_offset = after.next_offset = batches.front().base_offset;
  io::File* file = PENSTOCK_TRY(open(partition_directory, after));

  std::vector<std::string_view> pieces;
  pieces.reserve(batches.size());
  std::string index;
  for (const StoredBatch& batch : batches) {
    if (after.bytes >= after.last_index_position + kIndexIntervalBytes) {
      index += encode_index_entry(after.base_offset, batch.base_offset, after.bytes, after.max_timestamp_ms);
      after.last_index_position = after.bytes;
      ++after.index_entries;
    }
    pieces.push_back(batch.bytes);
    after.bytes += batch.bytes.size();
    after.next_offset = batch.next_offset;
    after.max_timestamp_ms = std::max(after.max_timestamp_ms, batch.max_timestamp_ms);
  }
  PENSTOCK_TRY(file->write_vector_at(info->bytes, pieces));
  if (!index.empty()) {
    // Never synced: each entry has a checksum, and readers do without the ones that are lost.
    const std::string index_path = segment_index_path(partition_directory, after.base_offset);
    const auto index_file = PENSTOCK_TRY(env_.open(index_path, io::OpenMode::kCreateOrOpen));
    PENSTOCK_TRY(index_file->write_at(uint64_t{info->index_entries} * kIndexEntryBytes, index));
  }
  *info = after;
  return {};
}

Status SegmentWriter::sync() {
  std::vector<io::File*> files;
  files.reserve(files_.size());
  for (const auto& [path, file] : files_) files.push_back(file.get());
  const std::vector<std::string> directories(directories_.begin(), directories_.end());
  if (const Status synced = env_.sync_all(files, directories); !synced) {
    return make_error(ErrorCode::kIoError, "a sync of partition segments failed: {}", synced.error().message());
  }
  files_.clear();
  directories_.clear();
  return {};
}

void SegmentWriter::forget(const std::string& directory) {
  const auto below = [prefix = directory + "/"](const std::string& path) { return path.starts_with(prefix); };
  std::erase_if(files_, [&](const auto& entry) { return below(entry.first); });
  std::erase_if(directories_, [&](const std::string& path) { return path == directory || below(path); });
}

}  // namespace penstock::log
