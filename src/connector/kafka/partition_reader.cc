#include "connector/kafka/partition_reader.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "log/compression.h"

namespace penstock::connector {

namespace {

constexpr size_t kFetchBytes = 1 << 20;

}  // namespace

PartitionReader::PartitionReader(log::Log& log, log::TopicPartition partition, log::Offset start,
                                 std::optional<log::Offset> end, Callbacks callbacks)
    : log_(log),
      partition_(std::move(partition)),
      shared_position_(std::make_shared<std::atomic<int64_t>>(start.value())),
      position_(start),
      end_(end),
      unreadable_(std::move(callbacks.unreadable)) {
  subscription_ = log_.on_advance(partition_, [this, wake = std::move(callbacks.wake)] {
    advanced_.store(true, std::memory_order_release);
    wake();
  });
}

void PartitionReader::move_to(log::Offset position) {
  position_ = position;
  shared_position_->store(position.value(), std::memory_order_relaxed);
}

Status PartitionReader::fetch() {
  fetched_.batches.clear();
  next_batch_ = 0;
  // Before the fetch, so that what comes during it is looked for again.
  advanced_.store(false, std::memory_order_release);
  auto fetched = log_.fetch(partition_, {.offset = position_, .max_bytes = kFetchBytes});
  // Also once more: retention may go on meanwhile.
  while (!fetched && PENSTOCK_TRY(skip_removed())) {
    fetched = log_.fetch(partition_, {.offset = position_, .max_bytes = kFetchBytes});
  }
  if (!fetched) return fetched.error();
  fetched_ = *std::move(fetched);
  // A fetch is bounded: there may be more behind it, and nobody tells again of what was there before.
  if (!fetched_.batches.empty()) advanced_.store(true, std::memory_order_release);
  return {};
}

Result<bool> PartitionReader::skip_removed() {
  const log::Offset first = PENSTOCK_TRY(log_.log_start_offset(partition_));
  if (position_ >= first) return false;
  logging::warning("records were removed before they were read", {{"topic", partition_.topic},
                                                                  {"partition", partition_.partition.value()},
                                                                  {"from_offset", position_.value()},
                                                                  {"to_offset", first.value()}});
  move_to(first);
  return true;
}

Status PartitionReader::open_next_batch() {
  const log::SharedBytes& stored = fetched_.batches[next_batch_++];
  const log::RecordBatchView batch = PENSTOCK_TRY(log::parse_record_batch(stored.bytes));
  if (batch.is_control() || batch.next_offset() <= position_.value()) {
    move_to(std::max(position_, log::Offset(batch.next_offset())));
    return {};
  }
  batch_next_offset_ = batch.next_offset();
  Result<log::SharedBytes> records = log::uncompressed_records(batch, stored.owner);
  if (!records) return skip_unreadable(records.error());
  held_.push_back(*std::move(records));
  reader_.emplace(batch, held_.back().bytes);
  return {};
}

Status PartitionReader::skip_unreadable(const Error& error) {
  const std::string_view bytes = fetched_.batches[next_batch_ - 1].bytes;
  if (!unreadable_ || !PENSTOCK_TRY(log::parse_record_batch(bytes)).crc_matches()) return error;
  unreadable_({.offset = position_, .batch = bytes, .error = error.message()});
  move_to(log::Offset(batch_next_offset_));
  reader_.reset();
  return {};
}

Status PartitionReader::read(size_t records_max, std::vector<log::Record>& out) {
  out.clear();
  held_.erase(held_.begin(), held_.end() - (reader_ ? 1 : 0));
  while (out.size() < records_max && !at_end()) {
    if (!reader_) {
      if (next_batch_ >= fetched_.batches.size()) {
        if (!out.empty()) return {};
        PENSTOCK_TRY(fetch());
        if (fetched_.batches.empty()) return {};
      }
      PENSTOCK_TRY(open_next_batch());
      continue;
    }
    log::Record record;
    if (!reader_->next(&record)) {
      if (const Status whole = reader_->status(); !whole) {
        PENSTOCK_TRY(skip_unreadable(whole.error()));
        continue;
      }
      move_to(log::Offset(batch_next_offset_));
      reader_.reset();
    } else if (end_ && record.offset >= end_->value()) {
      move_to(*end_);
      reader_.reset();
      next_batch_ = fetched_.batches.size();  // fetched anew should the end be moved
    } else if (record.offset >= position_.value()) {
      position_ = log::Offset(record.offset + 1);
      out.push_back(record);
    }
  }
  move_to(position_);
  return {};
}

}  // namespace penstock::connector
