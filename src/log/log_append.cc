// Appends: checking batches on the caller's thread, then offsets and the queue.
#include <algorithm>
#include <utility>

#include "log/log_core.h"

namespace penstock::log {
namespace {

AppendResult refused(AppendError error, std::string message) {
  return AppendResult{.error = error, .message = std::move(message)};
}

ProducerBatch producer_batch(const RecordBatchView& batch) {
  return {.epoch = batch.producer_epoch,
          .first_sequence = batch.base_sequence,
          .last_sequence = last_sequence_of(batch.base_sequence, batch.records_count)};
}

// Whether sequences matter: control batches have none.
bool is_idempotent(const RecordBatchView& batch) { return batch.producer_id >= 0 && batch.base_sequence >= 0; }

SharedBytes copy_of(std::string_view bytes) { return SharedBytes::own(std::string(bytes)); }

// The log owns what it was handed: see append() in log.h.
char* writable(std::string_view bytes) { return const_cast<char*>(bytes.data()); }

}  // namespace

std::optional<AppendResult> LogCore::check_batch(const TopicSettings& settings, std::string_view rest,
                                                 RecordBatchView* batch) const {
  auto parsed = parse_record_batch(rest);
  if (!parsed) return refused(AppendError::kCorruptMessage, parsed.error().message());
  *batch = *parsed;
  if (batch->bytes.size() > static_cast<size_t>(settings.config.max_message_bytes)) {
    return refused(AppendError::kMessageTooLarge,
                   fmt::format("the record batch has {} bytes, the topic's max.message.bytes is {}",
                               batch->bytes.size(), settings.config.max_message_bytes));
  }
  if (!batch->crc_matches()) {
    return refused(AppendError::kCorruptMessage, "the record batch does not match its CRC");
  }
  if (batch->records_count < 1 || batch->last_offset_delta != batch->records_count - 1) {
    return refused(AppendError::kCorruptMessage,
                   fmt::format("the record batch has {} records, but its last offset delta is {}", batch->records_count,
                               batch->last_offset_delta));
  }
  const size_t records_max = batch->records().size() / kRecordBytesMin;
  if (batch->codec() == CompressionCodec::kNone && static_cast<size_t>(batch->records_count) > records_max) {
    return refused(AppendError::kCorruptMessage,
                   fmt::format("the record batch says it has {} records, its {} bytes hold {} at most",
                               batch->records_count, batch->bytes.size(), records_max));
  }
  if (batch->producer_id >= 0 && batch->producer_epoch < 0) {
    return refused(AppendError::kCorruptMessage, "the record batch has a producer id without an epoch");
  }
  return std::nullopt;
}

std::vector<LogCore::MaybeChecked> LogCore::check_all(
    std::vector<std::pair<TopicPartition, SharedBytes>> records) const {
  std::vector<MaybeChecked> all;
  all.reserve(records.size());
  {
    const std::lock_guard lock(mutex_);
    for (auto& [to, bytes] : records) {
      CheckedRecords checked;
      checked.partition = find_partition(to);
      if (checked.partition == nullptr) {
        all.emplace_back(std::unexpected(
            refused(AppendError::kUnknownTopicOrPartition,
                    fmt::format("there is no partition {} of a topic \"{}\"", to.partition.value(), to.topic))));
        continue;
      }
      checked.settings = checked.partition->settings;
      checked.records = std::move(bytes);
      all.emplace_back(std::move(checked));
    }
  }
  for (MaybeChecked& checked : all) {
    if (!checked) continue;
    if (auto refusal = check_records(*checked)) checked = std::unexpected(std::move(*refusal));
  }
  return all;
}

std::optional<AppendResult> LogCore::check_records(CheckedRecords& checked) const {
  if (checked.records.bytes.empty()) return refused(AppendError::kCorruptMessage, "there is no record batch");
  if (checked.records.owner == nullptr) checked.records = copy_of(checked.records.bytes);
  for (std::string_view rest = checked.records.bytes; !rest.empty();) {
    RecordBatchView& batch = checked.batches.emplace_back();
    if (auto refusal = check_batch(*checked.settings, rest, &batch)) return refusal;
    rest.remove_prefix(batch.bytes.size());
    checked.offsets_count += batch.records_count;
  }
  const bool any_producer =
      std::ranges::any_of(checked.batches, [](const RecordBatchView& batch) { return batch.producer_id >= 0; });
  if (any_producer && checked.batches.size() > 1) {
    return refused(AppendError::kCorruptMessage,
                   "a producer with an id may append only one record batch to a partition at once");
  }
  if (checked.settings->log_append_time) {
    checked.log_append_time_ms = env_.wall_time_us() / 1000;
    for (RecordBatchView& batch : checked.batches) {
      set_log_append_time(writable(batch.bytes), batch.bytes.size(), checked.log_append_time_ms);
      batch.max_timestamp_ms = checked.log_append_time_ms;
    }
  }
  return std::nullopt;
}

std::optional<AppendResult> LogCore::refusal(const CheckedRecords& checked) const {
  if (const auto error = refusal()) {
    return refused(stopped() ? AppendError::kStorage : AppendError::kShuttingDown, error->message());
  }
  const Partition& partition = *checked.partition;
  if (partition.deleted) return refused(AppendError::kUnknownTopicOrPartition, "the topic was deleted");
  if (checked.offsets_count > kOffsetMax - partition.next_offset) {
    return refused(AppendError::kStorage, fmt::format("the partition has no offsets after {}", kOffsetMax));
  }
  return std::nullopt;
}

std::optional<AppendResult> LogCore::judge_producer(const CheckedRecords& checked, bool* duplicate) const {
  const RecordBatchView& batch = checked.batches.front();
  if (!is_idempotent(batch)) return std::nullopt;
  const ProducerTable::Answer answer = checked.partition->producers.check(batch.producer_id, producer_batch(batch));
  switch (answer.verdict) {
    case ProducerTable::Verdict::kAccept: return std::nullopt;
    case ProducerTable::Verdict::kDuplicate:
      *duplicate = true;
      return AppendResult{.base_offset = Offset(answer.base_offset),
                          .log_start_offset = Offset(checked.partition->log_start_offset)};
    case ProducerTable::Verdict::kOutOfOrderSequence:
      return refused(AppendError::kOutOfOrderSequence,
                     fmt::format("producer {} epoch {} sent sequence {}, expected is {}", batch.producer_id,
                                 batch.producer_epoch, batch.base_sequence, answer.expected_sequence));
    case ProducerTable::Verdict::kInvalidEpoch:
      return refused(AppendError::kInvalidProducerEpoch,
                     fmt::format("producer {} has epoch {}, the newest one is {}", batch.producer_id,
                                 batch.producer_epoch, answer.current_epoch));
  }
  return std::nullopt;
}

bool LogCore::has_room(size_t bytes) const {
  return stepping_ == Stepping::kByCaller || tail_bytes_ + bytes <= options_.tail_bytes_max || tail_bytes_ == 0 ||
         refusal();
}

void LogCore::want_room() {
  metrics_.back_pressure_waits.add();
  ++waiting_for_room_;
  wake_committer();  // what the caller has queued so far is a part of what must make room
  maintenance_wakeup_.notify_one();
}

void LogCore::wait_for_room(std::unique_lock<std::mutex>& lock, size_t bytes) {
  if (has_room(bytes)) return;
  want_room();
  room_wakeup_.wait(lock, [&] { return has_room(bytes); });
  --waiting_for_room_;
}

void LogCore::on_room(size_t bytes, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (has_room(bytes)) return callback();
  want_room();
  room_listeners_.push_back({bytes, std::move(callback)});
}

void LogCore::tell_of_room() {
  room_wakeup_.notify_all();
  std::erase_if(room_listeners_, [&](const RoomListener& listener) {
    if (!has_room(listener.bytes)) return false;
    --waiting_for_room_;
    listener.callback();
    return true;
  });
}

void LogCore::enqueue(Pending entry, Urgency urgency) {
  pending_bytes_ += entry.batch.bytes.bytes.size();
  pending_is_urgent_ |= urgency == Urgency::kAtOnce;
  pending_.push_back(std::move(entry));
}

void LogCore::enqueue(CheckedRecords checked, AppendTicket ticket, Urgency urgency) {
  Partition& partition = *checked.partition;
  const int64_t now_ms = env_.wall_time_us() / 1000;
  AppendResult result{.base_offset = Offset(partition.next_offset),
                      .log_append_time_ms = checked.log_append_time_ms,
                      .log_start_offset = Offset(partition.log_start_offset)};
  for (size_t i = 0; i < checked.batches.size(); ++i) {
    const RecordBatchView& batch = checked.batches[i];
    const int64_t base_offset = partition.next_offset;
    partition.next_offset += batch.last_offset_delta + 1;
    set_base_offset(writable(batch.bytes), base_offset);
    set_partition_leader_epoch(writable(batch.bytes), kLeaderEpoch);
    if (is_idempotent(batch)) {
      ProducerBatch mine = producer_batch(batch);
      mine.base_offset = base_offset;
      mine.last_offset = partition.next_offset - 1;
      partition.producers.record(batch.producer_id, mine, partition.high_watermark, now_ms);
    }
    Pending entry;
    entry.partition = checked.partition;
    entry.batch = {.bytes = {batch.bytes, checked.records.owner},
                   .base_offset = base_offset,
                   .next_offset = partition.next_offset,
                   .max_timestamp_ms = batch.max_timestamp_ms};
    entry.records_count = static_cast<uint32_t>(batch.records_count);
    enqueue(std::move(entry), urgency);
  }
  // The append is answered with its last batch.
  pending_.back().ticket = std::move(ticket);
  pending_.back().append_result = std::move(result);
  tail_bytes_ += checked.records.bytes.size();
  if (options_.memory != nullptr) options_.memory->force_reserve(checked.records.bytes.size());
  metrics_.tail_bytes.set(static_cast<int64_t>(tail_bytes_));
}

std::optional<AppendResult> LogCore::take(CheckedRecords checked, AppendTicket ticket, Urgency urgency) {
  if (auto refusal = this->refusal(checked)) return refusal;
  bool duplicate = false;
  auto judged = judge_producer(checked, &duplicate);
  if (judged && !duplicate) return judged;
  if (judged) {
    // The original may still wait for the disk: the answer goes out with the commit after it.
    metrics_.duplicate_batches.add();
    Pending entry;
    entry.ticket = std::move(ticket);
    entry.append_result = std::move(*judged);
    enqueue(std::move(entry), urgency);
  } else {
    enqueue(std::move(checked), std::move(ticket), urgency);
  }
  return std::nullopt;
}

void LogCore::wake_committer() {
  const bool wake = committer_ == CommitterState::kSleeps    ? !pending_.empty()
                    : committer_ == CommitterState::kGathers ? commit_is_wanted_now()
                                                             : false;
  if (wake) commit_wakeup_.notify_one();
}

bool LogCore::commit_is_wanted_now() const {
  return pending_is_urgent_ || pending_bytes_ >= kGatheredBytesMax || waiting_for_room_ > 0;
}

void LogCore::append_all(std::vector<std::pair<TopicPartition, SharedBytes>> records, Urgency urgency,
                         AppendAllCallback done) {
  if (records.empty()) return done({});
  append_checked(check_all(std::move(records)), urgency, std::move(done), WhenFull::kWait);
}

bool LogCore::try_append_all(std::vector<std::pair<TopicPartition, SharedBytes>>& records, Urgency urgency,
                             AppendAllCallback& done) {
  size_t bytes = 0;
  for (const auto& [to, batches] : records) bytes += batches.bytes.size();
  {
    const std::lock_guard lock(mutex_);
    if (!has_room(bytes)) return false;
  }
  if (records.empty()) {
    done({});
  } else {
    // What others append meanwhile may take the room: then there is a little too much, once for each thread.
    append_checked(check_all(std::move(records)), urgency, std::move(done), WhenFull::kGoOn);
  }
  return true;
}

void LogCore::append_checked(std::vector<MaybeChecked> all, Urgency urgency, AppendAllCallback done,
                             WhenFull when_full) {
  const auto answers = std::make_shared<AppendAnswers>(all.size(), std::move(done));
  {
    std::unique_lock lock(mutex_);
    for (size_t i = 0; i < all.size(); ++i) {
      if (!all[i]) continue;
      if (when_full == WhenFull::kWait) wait_for_room(lock, all[i]->records.bytes.size());
      if (auto refusal = take(std::move(*all[i]), {answers, i}, urgency)) all[i] = std::unexpected(std::move(*refusal));
    }
    wake_committer();
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i]) continue;
    metrics_.refused_appends.add();
    answers->give(i, std::move(all[i].error()));
  }
}

void Log::append(const TopicPartition& to, SharedBytes records, AppendCallback done) {
  std::vector<std::pair<TopicPartition, SharedBytes>> one;
  one.emplace_back(to, std::move(records));
  append_all(std::move(one), Urgency::kAtOnce,
             [done = std::move(done)](std::vector<AppendResult> results) { done(std::move(results.front())); });
}

void LogCore::append_together(std::vector<std::pair<TopicPartition, SharedBytes>> records, const std::string& group,
                              std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                              std::function<void(Status)> done) {
  const auto prepare = [&]() -> Result<std::vector<CheckedRecords>> {
    std::vector<TopicPartition> names;
    for (const auto& [to, bytes] : records) names.push_back(to);
    std::vector<CheckedRecords> all;
    for (size_t i = 0; MaybeChecked & checked : check_all(std::move(records))) {
      const TopicPartition& to = names[i++];
      if (!checked) {
        return invalid_argument("append to \"{}\" partition {}: {}", to.topic, to.partition.value(),
                                checked.error().message);
      }
      if (checked->batches.front().producer_id >= 0) {
        return invalid_argument("append to \"{}\": idempotent producers append to one partition at a time", to.topic);
      }
      all.push_back(std::move(*checked));
    }
    return all;
  };
  auto all = prepare();
  if (!all) return done(std::move(all).error());

  size_t bytes = 0;
  for (const CheckedRecords& checked : *all) bytes += checked.records.bytes.size();
  const auto queue = [&]() -> Status {
    std::unique_lock lock(mutex_);
    wait_for_room(lock, bytes);
    if (const auto error = refusal()) return *error;
    for (const CheckedRecords& checked : *all) {
      if (const auto refusal = this->refusal(checked)) return not_found("{}", refusal->message);
    }
    GroupOffsets resolved = PENSTOCK_TRY(resolve_offsets(group, offsets));
    // Nothing can fail from here on. All of it is in pending_ at once, so one commit takes it; a commit is atomic.
    const Urgency urgency = all->empty() || group.empty() ? Urgency::kAtOnce : Urgency::kWithOthers;
    for (CheckedRecords& checked : *all) enqueue(std::move(checked), {}, urgency);
    Pending entry;
    if (!resolved.offsets.empty()) entry.group_offsets = std::make_unique<GroupOffsets>(std::move(resolved));
    entry.done = std::move(done);
    enqueue(std::move(entry), urgency);
    wake_committer();
    return {};
  };
  if (Status queued = queue(); !queued) done(std::move(queued));
}

}  // namespace penstock::log
