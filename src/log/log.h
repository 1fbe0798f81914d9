// The durable, partitioned event log: topics of partitions of Kafka RecordBatches (v2), kept as they came on the wire.
//
// Appends go to one shared journal with group commit: one fdatasync covers every partition that has something waiting,
// and only then are appends acknowledged and visible. Partition segments are written from memory lazily, and a journal
// segment goes when everything in it is in synced partition segments. Formats: docs/formats/.
//
// All of it is thread-safe. Callbacks run on the log's commit thread: they must be short and must not append
// synchronously; hand over to your own thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "io/env.h"
#include "log/shared_bytes.h"

namespace penstock::log {

using Offset = StrongId<struct OffsetTag, int64_t>;
using PartitionId = StrongId<struct PartitionIdTag, int32_t>;
using ProducerId = StrongId<struct ProducerIdTag, int64_t>;

struct TopicPartition {
  std::string topic;
  PartitionId partition;
  auto operator<=>(const TopicPartition&) const = default;
};

// Whether a topic or group of this name is the program's own: tables, jobs and dead letters keep there what they must
// find again. Clients may read them and nothing else. The log does not look at it; whoever serves clients does.
inline bool is_reserved_name(std::string_view name) { return name.starts_with("penstock."); }

// Kafka's 128-bit topic id.
struct TopicId {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const TopicId&) const = default;
};

// Kafka's topic-level settings by their Kafka names. -1 means no limit.
struct TopicConfig {
  int64_t retention_ms = 7LL * 24 * 3600 * 1000;
  int64_t retention_bytes = -1;  // of one partition
  int64_t segment_bytes = 256LL << 20;
  int32_t max_message_bytes = 16 << 20;  // the largest record batch
  // Every setting as it was given (also those without an effect here), for DescribeConfigs.
  std::vector<std::pair<std::string, std::string>> entries;
};

struct TopicInfo {
  std::string name;
  TopicId id;
  int32_t partitions = 0;
  TopicConfig config;
  bool internal = false;  // the program's own, or by its name one of Kafka's kind
};

enum class AppendError : uint8_t {
  kNone,
  kUnknownTopicOrPartition,
  kCorruptMessage,  // CRC, length or format of a batch
  kMessageTooLarge,
  kOutOfOrderSequence,    // idempotent producer: a gap
  kInvalidProducerEpoch,  // fenced by a newer epoch of the same producer id
  kUnknownProducerId,
  kInvalidTimestamp,
  kStorage,  // the disk refused or is full: see accepts_writes()
  kShuttingDown,
};

struct AppendResult {
  AppendError error = AppendError::kNone;
  std::string message;              // for people; empty on success
  Offset base_offset{-1};           // of the first record; for a duplicate of an idempotent batch, the original's
  int64_t log_append_time_ms = -1;  // -1 unless the topic uses LogAppendTime
  Offset log_start_offset{0};
};
using AppendCallback = std::function<void(AppendResult)>;
// Of append_all(): the answers in the order of what was appended.
using AppendAllCallback = std::function<void(std::vector<AppendResult>)>;

struct FetchOptions {
  Offset offset;
  size_t max_bytes = 1 << 20;
  bool at_least_one = true;  // return the first batch even when it is larger than max_bytes
};
struct FetchResult {
  // Whole record batches, in order, the first one containing `offset` (a reader skips records below it).
  std::vector<SharedBytes> batches;
  Offset high_watermark;    // the offset after the last durable record
  Offset log_start_offset;  // the first retained one
};

struct OffsetAndTimestamp {
  Offset offset;
  int64_t timestamp_ms;
};

// Kafka's committed offset of a group for one partition.
struct CommittedOffset {
  Offset offset;
  int32_t leader_epoch = -1;
  std::string metadata;
  int64_t commit_time_ms = 0;
};

// How soon a commit is wanted.
enum class Urgency : uint8_t {
  kAtOnce,      // somebody waits for it, and does nothing before it is durable
  kWithOthers,  // more follows without waiting for it, so that what comes in a moment can share its commit
};

struct LogOptions {
  // Of commits of what is wanted with others only, when the log is busy with small ones; 0 commits all at once.
  int64_t commit_interval_us = 1'000;
  size_t journal_segment_bytes = 64 << 20;
  // Records kept in memory until they are in partition segments, over all partitions. Above it appends wait.
  size_t tail_bytes_max = 128 << 20;
  // How long records may wait to be written to partition segments when few are waiting.
  int64_t flush_interval_ms = 5'000;
  int64_t retention_check_interval_ms = 30'000;
  MemoryBudget* memory = nullptr;
  MetricsRegistry* metrics = nullptr;
};

// Cancels a registration when it goes; afterwards its callback is not running and never runs again.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Log {
 public:
  virtual ~Log() = default;

  // Opens or creates the log in `directory` (the caller holds the data directory's lock) and recovers it. A torn tail
  // of the journal is cut; damage below the durable mark is kCorruption, naming file and offset, and nothing is
  // removed.
  static Result<std::unique_ptr<Log>> open(io::Env& env, const std::string& directory, LogOptions options);

  // --- topics (durable when they return) ---
  virtual Result<TopicInfo> create_topic(const std::string& name, int32_t partitions, TopicConfig config) = 0;
  virtual Status delete_topic(const std::string& name) = 0;
  virtual Status add_partitions(const std::string& name, int32_t partitions_total) = 0;
  virtual Status set_topic_config(const std::string& name, TopicConfig config) = 0;
  virtual std::vector<TopicInfo> topics() const = 0;
  virtual std::optional<TopicInfo> topic(std::string_view name) const = 0;
  // Calls back after each creation, deletion and growth of a topic.
  virtual std::unique_ptr<Subscription> on_topics_changed(std::function<void()> callback) = 0;

  // --- records ---
  // Appends to partitions, one after the other. Each element has the record batches for one partition (wire format, one
  // after the other; offsets are assigned here), and is taken or refused by itself: checked are length, CRC-32C, magic
  // 2, and an idempotent producer's epoch and sequence. A duplicate answers with the original offsets. What is taken
  // goes to the journal with one commit, unless there is no room for all of it at once; `done` is called once, when all
  // of it is durable and the rest refused. The bytes are taken over without a copy: offsets are written into them in
  // place, so they must be writable memory that goes to one append only. Without an owner they are copied. Waits while
  // the memory for records not yet in segments (tail_bytes_max) is full. `done` may also be called before append_all()
  // returns, when everything is refused.
  virtual void append_all(std::vector<std::pair<TopicPartition, SharedBytes>> records, Urgency urgency,
                          AppendAllCallback done) = 0;
  // append_all() for a thread that must not wait: false when there is no room for all of it; then nothing is taken and
  // the arguments are as they were.
  virtual bool try_append_all(std::vector<std::pair<TopicPartition, SharedBytes>>& records, Urgency urgency,
                              AppendAllCallback& done) = 0;
  // Calls back once, when it is worth to try with so many bytes again: at once, or from any thread, which may hold
  // locks of the log.
  virtual void on_room(size_t bytes, std::function<void()> callback) = 0;
  // append_all() of one, at once.
  void append(const TopicPartition& to, SharedBytes records, AppendCallback done);

  // Durable records from `offset`; empty when it is the high watermark; kNotFound for an unknown partition,
  // kInvalidArgument when out of [log_start_offset, high_watermark] (its message says the range).
  virtual Result<FetchResult> fetch(const TopicPartition& from, FetchOptions options) const = 0;
  virtual Result<Offset> high_watermark(const TopicPartition& of) const = 0;
  virtual Result<Offset> log_start_offset(const TopicPartition& of) const = 0;
  // The first record whose timestamp is at or after `timestamp_ms`; nullopt when there is none.
  virtual Result<std::optional<OffsetAndTimestamp>> offset_for_time(const TopicPartition& in,
                                                                    int64_t timestamp_ms) const = 0;
  // The record with the largest timestamp (Kafka's ListOffsets -3); nullopt when the partition is empty.
  virtual Result<std::optional<OffsetAndTimestamp>> offset_of_max_timestamp(const TopicPartition& in) const = 0;
  // Deletes records below `before` (Kafka's DeleteRecords); durable when it returns. Gives the new log start offset.
  virtual Result<Offset> delete_records(const TopicPartition& from, Offset before) = 0;
  // Bytes of the partition on disk and in the tail.
  virtual Result<int64_t> size_bytes(const TopicPartition& of) const = 0;

  // Calls back whenever the partition's high watermark has grown (coalesced: once per commit), or the topic was
  // deleted.
  virtual std::unique_ptr<Subscription> on_advance(const TopicPartition& partition, std::function<void()> callback) = 0;

  // --- idempotent producers ---
  // A producer id never given before; durable.
  virtual Result<ProducerId> allocate_producer_id() = 0;

  // --- consumer groups ---
  // Stores the offsets of one commit together; `done` after they are durable.
  virtual void commit_offsets(const std::string& group, std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                              std::function<void(Status)> done) = 0;
  // Appends records to several partitions and commits offsets of a group as one: after a crash either all of it is
  // there or nothing. This is how a job writes an epoch of its output exactly once, and its next epochs do not wait for
  // it: records together with a group are wanted with others, all else at once. `done` after it is durable, or refused.
  virtual void append_together(std::vector<std::pair<TopicPartition, SharedBytes>> records, const std::string& group,
                               std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                               std::function<void(Status)> done) = 0;
  virtual std::optional<CommittedOffset> committed_offset(const std::string& group, const TopicPartition& of) const = 0;
  virtual std::vector<std::pair<TopicPartition, CommittedOffset>> committed_offsets(const std::string& group) const = 0;
  virtual std::vector<std::string> groups_with_offsets() const = 0;
  virtual Status delete_group_offsets(const std::string& group) = 0;

  // False after the disk refused a write or sync: nothing is acknowledged any more until a restart. Also false while
  // the disk is full, or the system has no file or memory to give: what was not acknowledged by then is refused
  // (kUnavailable) and forgotten, and the log tries by itself, at intervals that grow to some seconds, to go on.
  // `reason` says why.
  virtual bool accepts_writes(std::string* reason) const = 0;

  // Stops taking appends, commits what waits, flushes and closes. Idempotent.
  virtual Status close() = 0;
};

}  // namespace penstock::log
