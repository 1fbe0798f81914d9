// A log in memory for the tests of the Kafka server: batches are kept as they come, and everything is durable at once,
// or when the test says so.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "log/log.h"
#include "log/record_batch.h"

namespace penstock::kafka {

class FakeLog : public log::Log {
 public:
  using Offset = log::Offset;
  using TopicPartition = log::TopicPartition;

  // While held, appends and commits wait for release().
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void release() {
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      held_ = false;
      waiting.swap(waiting_);
      waiting_count_ = 0;
    }
    for (auto& commit : waiting) commit();
  }
  // Appends of one partition, and commits of offsets.
  size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_count_;
  }

  Result<log::TopicInfo> create_topic(const std::string& name, int32_t partitions, log::TopicConfig config) override {
    log::TopicInfo info;
    {
      const std::lock_guard lock(mutex_);
      if (topics_.contains(name)) return make_error(ErrorCode::kAlreadyExists, "topic {} exists", name);
      info = {
          .name = name, .id = {.high = 7, .low = ++last_id_}, .partitions = partitions, .config = std::move(config)};
      topics_[name] = {.info = info, .partitions = std::vector<Partition>(static_cast<size_t>(partitions))};
    }
    notify(topic_listeners_);
    return info;
  }
  Status delete_topic(const std::string& name) override {
    {
      const std::lock_guard lock(mutex_);
      if (topics_.erase(name) == 0) return not_found("no topic {}", name);
    }
    notify(topic_listeners_);
    notify(advance_listeners_);
    return {};
  }
  Status add_partitions(const std::string& name, int32_t total) override {
    {
      const std::lock_guard lock(mutex_);
      auto& topic = topics_.at(name);
      topic.info.partitions = total;
      topic.partitions.resize(static_cast<size_t>(total));
    }
    notify(topic_listeners_);
    return {};
  }
  Status set_topic_config(const std::string& name, log::TopicConfig config) override {
    const std::lock_guard lock(mutex_);
    topics_.at(name).info.config = std::move(config);
    return {};
  }
  std::vector<log::TopicInfo> topics() const override {
    const std::lock_guard lock(mutex_);
    std::vector<log::TopicInfo> all;
    for (const auto& [name, topic] : topics_) all.push_back(topic.info);
    return all;
  }
  std::optional<log::TopicInfo> topic(std::string_view name) const override {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(name);
    return found == topics_.end() ? std::nullopt : std::optional(found->second.info);
  }
  std::unique_ptr<log::Subscription> on_topics_changed(std::function<void()> callback) override {
    return listen(topic_listeners_, std::move(callback));
  }

  void append_all(std::vector<std::pair<TopicPartition, log::SharedBytes>> records, log::Urgency urgency,
                  log::AppendAllCallback done) override {
    {
      const std::lock_guard lock(mutex_);
      ++appends_;
      last_urgency_ = urgency;
    }
    const size_t count = records.size();
    run_durably(count, [this, records = std::move(records), done = std::move(done)] {
      std::vector<log::AppendResult> results;
      for (const auto& [to, bytes] : records) results.push_back(append_now(to, bytes));
      notify(advance_listeners_);
      done(std::move(results));
    });
  }
  // While full, nothing can be appended without waiting.
  void set_full(bool full) {
    std::vector<std::function<void()>> listeners;
    {
      const std::lock_guard lock(mutex_);
      full_ = full;
      if (!full) listeners.swap(room_listeners_);
    }
    for (const auto& listener : listeners) listener();
  }
  bool waited_for() const {
    const std::lock_guard lock(mutex_);
    return !room_listeners_.empty();
  }
  bool try_append_all(std::vector<std::pair<TopicPartition, log::SharedBytes>>& records, log::Urgency urgency,
                      log::AppendAllCallback& done) override {
    {
      const std::lock_guard lock(mutex_);
      if (full_) return false;
    }
    append_all(std::move(records), urgency, std::move(done));
    return true;
  }
  void on_room(size_t /*bytes*/, std::function<void()> callback) override {
    {
      const std::lock_guard lock(mutex_);
      if (full_) {
        room_listeners_.push_back(std::move(callback));
        return;
      }
    }
    callback();
  }
  log::Urgency last_urgency() const {
    const std::lock_guard lock(mutex_);
    return last_urgency_;
  }
  // Calls of append_all() so far.
  size_t appends() const {
    const std::lock_guard lock(mutex_);
    return appends_;
  }
  Result<log::FetchResult> fetch(const TopicPartition& from, log::FetchOptions options) const override {
    const std::lock_guard lock(mutex_);
    const Partition* partition = find(from);
    if (partition == nullptr) return not_found("no partition {}-{}", from.topic, from.partition.value());
    if (options.offset < partition->start || options.offset > partition->end) {
      return invalid_argument("offset {} is out of range", options.offset.value());
    }
    log::FetchResult result;
    result.high_watermark = partition->end;
    result.log_start_offset = partition->start;
    size_t bytes = 0;
    for (const auto& batch : partition->batches) {
      if (log::parse_record_batch(batch.bytes)->last_offset() < options.offset.value()) continue;
      const bool first = result.batches.empty() && options.at_least_one;
      if (!first && bytes + batch.bytes.size() > options.max_bytes) break;
      bytes += batch.bytes.size();
      result.batches.push_back(batch);
    }
    return result;
  }
  Result<Offset> high_watermark(const TopicPartition& of) const override {
    return read(of, [](const Partition& p) { return p.end; });
  }
  Result<Offset> log_start_offset(const TopicPartition& of) const override {
    return read(of, [](const Partition& p) { return p.start; });
  }
  Result<std::optional<log::OffsetAndTimestamp>> offset_for_time(const TopicPartition& in,
                                                                 int64_t timestamp_ms) const override {
    return read(in, [&](const Partition& partition) {
      std::optional<log::OffsetAndTimestamp> found;
      each_record(partition, [&](const log::Record& record) {
        if (!found && record.timestamp_ms >= timestamp_ms) {
          found = {.offset = Offset(record.offset), .timestamp_ms = record.timestamp_ms};
        }
      });
      return found;
    });
  }
  Result<std::optional<log::OffsetAndTimestamp>> offset_of_max_timestamp(const TopicPartition& in) const override {
    return read(in, [&](const Partition& partition) {
      std::optional<log::OffsetAndTimestamp> found;
      each_record(partition, [&](const log::Record& record) {
        if (!found || record.timestamp_ms > found->timestamp_ms) {
          found = {.offset = Offset(record.offset), .timestamp_ms = record.timestamp_ms};
        }
      });
      return found;
    });
  }
  Result<Offset> delete_records(const TopicPartition& from, Offset before) override {
    const std::lock_guard lock(mutex_);
    auto* partition = const_cast<Partition*>(find(from));
    if (partition == nullptr) return not_found("no such partition");
    partition->start = std::max(partition->start, before);
    return partition->start;
  }
  Result<int64_t> size_bytes(const TopicPartition& of) const override {
    return read(of, [](const Partition& partition) {
      int64_t total = 0;
      for (const auto& batch : partition.batches) total += static_cast<int64_t>(batch.bytes.size());
      return total;
    });
  }
  std::unique_ptr<log::Subscription> on_advance(const TopicPartition&, std::function<void()> callback) override {
    return listen(advance_listeners_, std::move(callback));
  }

  Result<log::ProducerId> allocate_producer_id() override {
    const std::lock_guard lock(mutex_);
    return log::ProducerId(++last_producer_id_);
  }

  void commit_offsets(const std::string& group, std::vector<std::pair<TopicPartition, log::CommittedOffset>> offsets,
                      std::function<void(Status)> done) override {
    run_durably(1, [this, group, offsets = std::move(offsets), done = std::move(done)] {
      {
        const std::lock_guard lock(mutex_);
        for (const auto& [of, committed] : offsets) groups_[group][of] = committed;
      }
      done({});
    });
  }
  void append_together(std::vector<std::pair<TopicPartition, log::SharedBytes>> records, const std::string& group,
                       std::vector<std::pair<TopicPartition, log::CommittedOffset>> offsets,
                       std::function<void(Status)> done) override {
    for (auto& [to, bytes] : records) append_now(to, bytes);
    commit_offsets(group, std::move(offsets), std::move(done));
  }
  std::optional<log::CommittedOffset> committed_offset(const std::string& group,
                                                       const TopicPartition& of) const override {
    const std::lock_guard lock(mutex_);
    const auto offsets = groups_.find(group);
    if (offsets == groups_.end()) return std::nullopt;
    const auto found = offsets->second.find(of);
    return found == offsets->second.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<std::pair<TopicPartition, log::CommittedOffset>> committed_offsets(
      const std::string& group) const override {
    const std::lock_guard lock(mutex_);
    const auto offsets = groups_.find(group);
    if (offsets == groups_.end()) return {};
    return {offsets->second.begin(), offsets->second.end()};
  }
  std::vector<std::string> groups_with_offsets() const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, offsets] : groups_) names.push_back(name);
    return names;
  }
  Status delete_group_offsets(const std::string& group) override {
    const std::lock_guard lock(mutex_);
    groups_.erase(group);
    return {};
  }
  bool accepts_writes(std::string*) const override { return true; }
  Status close() override { return {}; }

 private:
  struct Partition {
    std::vector<log::SharedBytes> batches;
    Offset start{0};
    Offset end{0};
    std::set<std::tuple<int64_t, int16_t, int32_t>> sequences;  // of idempotent batches
  };
  struct Topic {
    log::TopicInfo info;
    std::vector<Partition> partitions;
  };
  using Listeners = std::map<int, std::function<void()>>;

  class Listening : public log::Subscription {
   public:
    Listening(FakeLog& log, Listeners& listeners, int id) : log_(log), listeners_(listeners), id_(id) {}
    ~Listening() override {
      const std::lock_guard lock(log_.listeners_mutex_);
      listeners_.erase(id_);
    }

   private:
    FakeLog& log_;
    Listeners& listeners_;
    const int id_;
  };

  std::unique_ptr<log::Subscription> listen(Listeners& listeners, std::function<void()> callback) {
    const std::lock_guard lock(listeners_mutex_);
    listeners.emplace(++last_listener_, std::move(callback));
    return std::make_unique<Listening>(*this, listeners, last_listener_);
  }
  void notify(const Listeners& listeners) {
    const std::lock_guard lock(listeners_mutex_);
    for (const auto& [id, callback] : listeners) callback();
  }

  void run_durably(size_t count, std::function<void()> commit) {
    {
      const std::lock_guard lock(mutex_);
      if (held_) {
        waiting_count_ += count;
        waiting_.push_back(std::move(commit));
        return;
      }
    }
    commit();
  }

  const Partition* find(const TopicPartition& of) const {
    const auto topic = topics_.find(of.topic);
    const auto index = static_cast<size_t>(of.partition.value());
    if (topic == topics_.end() || index >= topic->second.partitions.size()) return nullptr;
    return &topic->second.partitions[index];
  }

  template <class Read>
  auto read(const TopicPartition& of, Read get) const -> Result<decltype(get(std::declval<const Partition&>()))> {
    const std::lock_guard lock(mutex_);
    const Partition* partition = find(of);
    if (partition == nullptr) return not_found("no partition {}-{}", of.topic, of.partition.value());
    return get(*partition);
  }

  template <class Visit>
  static void each_record(const Partition& partition, Visit visit) {
    for (const auto& bytes : partition.batches) {
      const auto batch = *log::parse_record_batch(bytes.bytes);
      log::RecordReader reader(batch, batch.records());
      for (log::Record record; reader.next(&record);) visit(record);
    }
  }

  log::AppendResult append_now(const TopicPartition& to, const log::SharedBytes& records) {
    const std::lock_guard lock(mutex_);
    auto* partition = const_cast<Partition*>(find(to));
    if (partition == nullptr) return {.error = log::AppendError::kUnknownTopicOrPartition, .message = {}};
    log::AppendResult result{.message = {}, .base_offset = partition->end};
    for (std::string_view rest = records.bytes; !rest.empty();) {
      const auto batch = log::parse_record_batch(rest);
      if (!batch || !batch->crc_matches()) return {.error = log::AppendError::kCorruptMessage, .message = "bad batch"};
      rest.remove_prefix(batch->bytes.size());
      if (std::cmp_greater(batch->bytes.size(), topics_.find(to.topic)->second.info.config.max_message_bytes)) {
        return {.error = log::AppendError::kMessageTooLarge, .message = "the batch is too large"};
      }
      const bool fresh =
          batch->producer_id < 0 ||
          partition->sequences.emplace(batch->producer_id, batch->producer_epoch, batch->base_sequence).second;
      if (!fresh) continue;
      log::set_base_offset(const_cast<char*>(batch->bytes.data()), partition->end.value());
      log::set_partition_leader_epoch(const_cast<char*>(batch->bytes.data()), 0);
      partition->batches.push_back({.bytes = batch->bytes, .owner = records.owner});
      partition->end = partition->end + (batch->last_offset_delta + 1);
    }
    return result;
  }

  mutable std::mutex mutex_;
  bool held_ = false;
  bool full_ = false;
  std::vector<std::function<void()>> room_listeners_;
  std::vector<std::function<void()>> waiting_;
  size_t waiting_count_ = 0;
  size_t appends_ = 0;
  log::Urgency last_urgency_ = log::Urgency::kAtOnce;
  std::map<std::string, Topic, std::less<>> topics_;
  std::map<std::string, std::map<TopicPartition, log::CommittedOffset>> groups_;
  uint64_t last_id_ = 0;
  int64_t last_producer_id_ = 0;

  std::mutex listeners_mutex_;
  int last_listener_ = 0;
  Listeners topic_listeners_;
  Listeners advance_listeners_;
};

}  // namespace penstock::kafka
