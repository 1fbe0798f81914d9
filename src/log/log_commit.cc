// The group commit: everything that waits goes to the journal with one write and one sync, then becomes visible.
#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include "log/log_core.h"

namespace penstock::log {

bool LogCore::commit_once() {
  const std::lock_guard commit_lock(commit_mutex_);
  std::vector<Pending> entries;
  std::optional<Error> refused;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.empty()) return false;
    entries.swap(pending_);
    pending_bytes_ = 0;
    pending_is_urgent_ = false;
    pacer_.began(env_.monotonic_time_us());
    refused = stopped();
  }
  if (!refused) {
    if (Status written = write_commit(entries); !written) {
      stop_taking(written.error());
      const std::lock_guard lock(mutex_);
      refused = stopped();
    }
  }
  if (refused) {
    refuse(std::move(entries), *refused);
    return true;
  }
  std::vector<std::shared_ptr<Subscriber>> to_notify;
  publish(entries, &to_notify);
  answer(entries, {});
  for (const auto& subscriber : to_notify) subscriber->notify();
  return true;
}

Status LogCore::write_commit(const std::vector<Pending>& entries) {
  commit_builder_.start(journal_->id(), journal_->position().sequence);
  std::string payload;
  ByteWriter writer(&payload);
  for (const Pending& entry : entries) {
    payload.clear();
    if (!entry.batch.bytes.bytes.empty()) {
      commit_builder_.add_record_batch(entry.partition->handle, entry.batch.bytes.bytes);
    } else if (entry.group_offsets != nullptr) {
      entry.group_offsets->encode(&writer);
      commit_builder_.add_control(FrameType::kGroupOffsets, 0, payload);
    } else if (!entry.deleted_group.empty()) {
      commit_builder_.add_control(FrameType::kGroupDeletion, 0, entry.deleted_group);
    } else if (entry.log_start_offset >= 0) {
      writer.put(entry.log_start_offset);
      commit_builder_.add_control(FrameType::kLogStartOffset, entry.partition->handle, payload);
    }
  }
  // Only answers: what they wait for was durable when the commit before this one returned.
  if (commit_builder_.empty()) return {};
  int64_t sync_us = 0;
  PENSTOCK_TRY(journal_->append(commit_builder_, &sync_us));
  metrics_.commits.add();
  metrics_.committed_bytes.add(commit_builder_.size_bytes());
  metrics_.sync_us.record(static_cast<uint64_t>(sync_us));
  return {};
}

void LogCore::publish_records(const std::shared_ptr<Partition>& partition, const Tail::Batch& batch) {
  if (partition->deleted) {
    give_back(batch.bytes.bytes.size());
    return;
  }
  partition->high_watermark = batch.next_offset;
  unflushed_bytes_ += batch.bytes.bytes.size();
  partition->tail.push(batch);
  if (!partition->dirty) {
    partition->dirty = true;
    if (dirty_.empty()) dirty_since_us_ = env_.monotonic_time_us();
    dirty_.push_back(partition);
  }
}

void LogCore::give_back(size_t bytes) {
  tail_bytes_ -= bytes;
  if (options_.memory != nullptr) options_.memory->release(bytes);
  metrics_.tail_bytes.set(static_cast<int64_t>(tail_bytes_));
  if (bytes > 0) tell_of_room();
}

void LogCore::publish(const std::vector<Pending>& entries, std::vector<std::shared_ptr<Subscriber>>* to_notify) {
  uint64_t records = 0;
  uint64_t bytes = 0;
  std::vector<Partition*> advanced;
  const bool journal_wants = journal_->wants_preparation();
  {
    const std::lock_guard lock(mutex_);
    durable_position_ = journal_->position();
    changed_since_checkpoint_ = true;
    const bool was_clean = dirty_.empty();
    for (const Pending& entry : entries) {
      if (!entry.batch.bytes.bytes.empty()) {
        publish_records(entry.partition, entry.batch);
        records += entry.records_count;
        bytes += entry.batch.bytes.bytes.size();
        if (!entry.partition->advanced && !entry.partition->subscribers.empty()) {
          entry.partition->advanced = true;
          advanced.push_back(entry.partition.get());
        }
      } else if (entry.group_offsets != nullptr) {
        groups_.apply(*entry.group_offsets);
      } else if (!entry.deleted_group.empty()) {
        groups_.erase_group(entry.deleted_group);
      } else if (entry.log_start_offset >= 0) {
        entry.partition->log_start_offset = std::max(entry.partition->log_start_offset, entry.log_start_offset);
      }
    }
    for (Partition* partition : advanced) {
      partition->advanced = false;
      partition->subscribers.collect(to_notify);
    }
    if (journal_wants || (was_clean && !dirty_.empty()) || wants_urgent_flush()) maintenance_wakeup_.notify_one();
  }
  metrics_.appended_records.add(records);
  metrics_.appended_bytes.add(bytes);
}

void LogCore::answer(std::vector<Pending>& entries, const Status& status) {
  for (Pending& entry : entries) {
    if (entry.ticket.answers != nullptr) {
      if (!status) {
        metrics_.refused_appends.add();
        entry.append_result = {.error = AppendError::kStorage, .message = status.error().message()};
      }
      entry.ticket.give(std::move(entry.append_result));
    }
    if (entry.done) entry.done(status);
  }
}

void LogCore::refuse(std::vector<Pending> entries, const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    // What has come meanwhile has offsets behind those that are taken back.
    std::ranges::move(pending_, std::back_inserter(entries));
    pending_.clear();
    pending_bytes_ = 0;
    pending_is_urgent_ = false;
    for (const Pending& entry : entries) {
      if (entry.batch.bytes.bytes.empty()) continue;
      give_back(entry.batch.bytes.bytes.size());
      Partition& partition = *entry.partition;
      if (partition.next_offset == partition.high_watermark) continue;
      partition.next_offset = partition.high_watermark;
      partition.producers.take_back(partition.high_watermark);
    }
  }
  answer(entries, error);
}

Status LogCore::commit_and_wait(Pending change) {
  std::promise<Status> promise;
  std::future<Status> future = promise.get_future();
  change.done = [&](Status status) { promise.set_value(std::move(status)); };
  {
    const std::lock_guard lock(mutex_);
    if (const auto error = refusal()) return *error;
    enqueue(std::move(change), Urgency::kAtOnce);
    wake_committer();
  }
  if (stepping_ == Stepping::kByCaller) commit_once();
  return future.get();
}

}  // namespace penstock::log
