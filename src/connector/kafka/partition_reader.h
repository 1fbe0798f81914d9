// Reads the records of one log partition in order, in runs.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace penstock::connector {

// A batch, or the rest of one, that its producer made so that its records cannot be read.
struct UnreadableRecords {
  log::Offset offset;  // of the first one
  std::string_view batch;
  std::string error;
};

// Owned by one source and used on its thread; `wake` is called from the log's threads.
class PartitionReader {
 public:
  struct Callbacks {
    std::function<void()> wake = [] {};
    // From read(); without it, what cannot be read is an error.
    std::function<void(const UnreadableRecords&)> unreadable;
  };

  // Reads from `start` up to `end` (exclusive); without an end it follows the partition.
  PartitionReader(log::Log& log, log::TopicPartition partition, log::Offset start, std::optional<log::Offset> end,
                  Callbacks callbacks);

  const log::TopicPartition& partition() const { return partition_; }
  // The offset after the last record given.
  log::Offset position() const { return position_; }
  std::optional<log::Offset> end() const { return end_; }
  // Moves the end, as when a hold is released; nullopt to follow for ever.
  void set_end(std::optional<log::Offset> end) { end_ = end; }

  // Whether the end has been reached.
  bool at_end() const { return end_ && position_ >= *end_; }
  // False when nothing can have come since read() gave nothing.
  bool may_have_more() const { return !at_end() && (has_pending() || advanced_.load(std::memory_order_acquire)); }

  // Fills `out` with up to `records_max` records (fewer at the end of what was fetched); none when there are no more
  // for now. They stay valid until the next call. Records that were removed before they were read are skipped, which
  // the program's log says; what cannot be read is told and skipped, as long as it is what its producer sent: a batch
  // that the disk has damaged is an error.
  Status read(size_t records_max, std::vector<log::Record>& out);

  // Memory around the records given last that may be read, for decoders that read a little beyond a record. The records
  // of the latest section lie in it; those of earlier ones may not.
  std::string_view readable() const { return held_.empty() ? std::string_view() : held_.back().bytes; }

  // The position, for other threads.
  std::shared_ptr<const std::atomic<int64_t>> shared_position() const { return shared_position_; }

 private:
  bool has_pending() const { return reader_.has_value() || next_batch_ < fetched_.batches.size(); }
  void move_to(log::Offset position);
  Status fetch();
  // Goes on behind records that have been removed; false when none have.
  Result<bool> skip_removed();
  Status open_next_batch();
  Status skip_unreadable(const Error& error);

  log::Log& log_;
  const log::TopicPartition partition_;
  const std::shared_ptr<std::atomic<int64_t>> shared_position_;
  log::Offset position_;
  std::optional<log::Offset> end_;
  const std::function<void(const UnreadableRecords&)> unreadable_;
  std::atomic<bool> advanced_{true};

  log::FetchResult fetched_;
  size_t next_batch_ = 0;
  std::vector<log::SharedBytes> held_;  // the sections of the records given last; reader_ walks over the last one
  std::optional<log::RecordReader> reader_;
  int64_t batch_next_offset_ = 0;

  std::unique_ptr<log::Subscription> subscription_;  // last: its callback touches advanced_
};

}  // namespace penstock::connector
