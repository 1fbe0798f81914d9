#include "log/replay_check.h"

#include "log/coding.h"
#include "log/group_offsets.h"
#include "log/record_batch.h"

namespace penstock::log {
namespace {

template <class... Args>
Error impossible(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::kCorruption, "the journal has a frame that the log never writes: {}",
                    fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace

Status ReplayCheck::check_handle(uint32_t handle) const {
  if (handle >= 1 && handle < next_handle_) return {};
  return impossible("partition handle {} was never given", handle);
}

Status ReplayCheck::check_record_batch(const JournalFrame& frame) {
  PENSTOCK_TRY(check_handle(frame.partition_handle));
  const RecordBatchView batch = PENSTOCK_TRY(parse_record_batch(frame.payload));
  if (batch.records_count < 1 || batch.last_offset_delta != batch.records_count - 1) {
    return impossible("a record batch of {} records has the last offset delta {}", batch.records_count,
                      batch.last_offset_delta);
  }
  if (batch.producer_id >= 0 && batch.producer_epoch < 0) {
    return impossible("a record batch of producer {} has no epoch", batch.producer_id);
  }
  const auto end = ends_.find(frame.partition_handle);
  if (end == ends_.end()) return {};
  if (batch.base_offset != end->second) {
    return impossible("a record batch at offset {} follows the end {} of partition {}", batch.base_offset, end->second,
                      frame.partition_handle);
  }
  if (batch.next_offset() > kOffsetMax) return impossible("a record batch ends at offset {}", batch.next_offset());
  end->second = batch.next_offset();
  return {};
}

Status ReplayCheck::check_log_start(const JournalFrame& frame) const {
  PENSTOCK_TRY(check_handle(frame.partition_handle));
  ByteReader reader(frame.payload);
  const auto offset = reader.get<int64_t>();
  if (!reader.done()) return impossible("a log start offset of {} bytes", frame.payload.size());
  const auto end = ends_.find(frame.partition_handle);
  if (offset < 0 || (end != ends_.end() && offset > end->second)) {
    return impossible("the log start offset {} of partition {}, which ends at {}", offset, frame.partition_handle,
                      end == ends_.end() ? -1 : end->second);
  }
  return {};
}

Status ReplayCheck::check_group_offsets(const JournalFrame& frame) const {
  ByteReader reader(frame.payload);
  GroupOffsets offsets;
  if (!offsets.decode(&reader) || !reader.done()) return impossible("malformed offsets of a group");
  for (const auto& [handle, offset] : offsets.offsets) PENSTOCK_TRY(check_handle(handle));
  return {};
}

Status ReplayCheck::check(const JournalFrame& frame) {
  switch (frame.type) {
    case FrameType::kRecordBatch: return check_record_batch(frame);
    case FrameType::kLogStartOffset: return check_log_start(frame);
    case FrameType::kGroupOffsets: return check_group_offsets(frame);
    case FrameType::kGroupDeletion:
      if (!frame.payload.empty() && frame.payload.size() <= kGroupNameBytesMax) return {};
      return impossible("a group's name of {} bytes", frame.payload.size());
  }
  return unsupported("the journal has a frame of type {}, which this program does not know",
                     static_cast<int>(frame.type));
}

}  // namespace penstock::log
