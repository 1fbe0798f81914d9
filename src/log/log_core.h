// The log without its threads: every step that a thread takes is a method, so that a test takes the steps in an order
// of its own. RunningLog (running_log.cc) is this with a commit thread and a maintenance thread.
//
//   append ──> pending ──commit_once()──> journal, tails ──flush()──> segments ──checkpoint──> journal segments go
//
// State and locks, in the order in which they are taken:
//   admin_mutex_   the catalog; held over its writing
//   flush_mutex_   segment files and the checkpoint; held over their writing
//   commit_mutex_  the journal; held over its writing
//   mutex_         everything in memory; never held over I/O or a callback
//
// The state is split over files by what it does: log_append.cc, log_commit.cc, log_flush.cc, log_maintenance.cc,
// log_resume.cc, log_read.cc, log_topics.cc, log_groups.cc, log_open.cc.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "log/commit_pacer.h"
#include "log/group_offsets.h"
#include "log/journal.h"
#include "log/journal_recovery.h"
#include "log/log.h"
#include "log/log_metrics.h"
#include "log/metadata.h"
#include "log/partition.h"
#include "log/segment.h"
#include "log/segment_writer.h"
#include "log/subscription.h"

namespace penstock::log {

// A segment is closed at this age even when it is not full, so that retention by time can remove it.
inline constexpr int64_t kSegmentAgeMsMax = 24LL * 3600 * 1000;
// Producer ids are taken from the catalog by so many: one write of it for each block.
inline constexpr int64_t kProducerIdBlock = 1000;
// Appends of so many bytes are worth a commit of their own, whatever its interval.
inline constexpr size_t kGatheredBytesMax = 256 << 10;
// Record batches get this leader epoch: a partition of a single node never changes its leader.
inline constexpr int32_t kLeaderEpoch = 0;

class LogCore : public Log {
 public:
  // Whether other threads call commit_once() and maintain_once(). Without them an operation that must wait takes the
  // steps itself, and append() never waits for room.
  enum class Stepping : uint8_t { kByThreads, kByCaller };

  static Result<std::unique_ptr<LogCore>> open(io::Env& env, const std::string& directory, LogOptions options);
  ~LogCore() override;

  // --- Log ---
  Result<TopicInfo> create_topic(const std::string& name, int32_t partitions, TopicConfig config) override;
  Status delete_topic(const std::string& name) override;
  Status add_partitions(const std::string& name, int32_t partitions_total) override;
  Status set_topic_config(const std::string& name, TopicConfig config) override;
  std::vector<TopicInfo> topics() const override;
  std::optional<TopicInfo> topic(std::string_view name) const override;
  std::unique_ptr<Subscription> on_topics_changed(std::function<void()> callback) override;
  void append_all(std::vector<std::pair<TopicPartition, SharedBytes>> records, Urgency urgency,
                  AppendAllCallback done) override;
  bool try_append_all(std::vector<std::pair<TopicPartition, SharedBytes>>& records, Urgency urgency,
                      AppendAllCallback& done) override;
  void on_room(size_t bytes, std::function<void()> callback) override;
  Result<FetchResult> fetch(const TopicPartition& from, FetchOptions options) const override;
  Result<Offset> high_watermark(const TopicPartition& of) const override;
  Result<Offset> log_start_offset(const TopicPartition& of) const override;
  Result<std::optional<OffsetAndTimestamp>> offset_for_time(const TopicPartition& in,
                                                            int64_t timestamp_ms) const override;
  Result<std::optional<OffsetAndTimestamp>> offset_of_max_timestamp(const TopicPartition& in) const override;
  Result<Offset> delete_records(const TopicPartition& from, Offset before) override;
  Result<int64_t> size_bytes(const TopicPartition& of) const override;
  std::unique_ptr<Subscription> on_advance(const TopicPartition& partition, std::function<void()> callback) override;
  Result<ProducerId> allocate_producer_id() override;
  void commit_offsets(const std::string& group, std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                      std::function<void(Status)> done) override;
  void append_together(std::vector<std::pair<TopicPartition, SharedBytes>> records, const std::string& group,
                       std::vector<std::pair<TopicPartition, CommittedOffset>> offsets,
                       std::function<void(Status)> done) override;
  std::optional<CommittedOffset> committed_offset(const std::string& group, const TopicPartition& of) const override;
  std::vector<std::pair<TopicPartition, CommittedOffset>> committed_offsets(const std::string& group) const override;
  std::vector<std::string> groups_with_offsets() const override;
  Status delete_group_offsets(const std::string& group) override;
  bool accepts_writes(std::string* reason) const override;
  // Refuses new appends, commits what waits, writes a last checkpoint. Threads must have been stopped.
  Status close() override;

  // --- steps ---
  // Writes, syncs and publishes everything that waits as one commit; false when nothing did.
  bool commit_once();
  // Writes what is durable in the journal but not yet in segments there.
  Status flush();
  // flush() and a checkpoint; then journal segments before it go.
  Status checkpoint();
  // Removes whole segments by the topics' retention, with a checkpoint.
  Status enforce_retention();
  // After the disk was full: flushes, writes a checkpoint and begins the journal anew, as a restart does; true when the
  // log takes writes again. False when there is still no room, and when the log had not stopped for that reason.
  bool resume();
  // Does whatever of preparing the journal, flushing, retention and resuming is due; true when it did something.
  bool maintain_once();

 protected:
  LogCore(io::Env& env, std::string directory, LogOptions options, Stepping stepping);
  // Reads what is on disk, or creates it. Called once, before anything else.
  Status recover();

  // Waits until something is pending; false when stopping and nothing is.
  bool wait_for_appends();
  // Waits until something may be due; false when stopping.
  bool wait_for_maintenance();
  // Refuses new appends from now on and wakes all waiting threads.
  void stop();

 private:
  struct Topic {
    TopicInfo info;
    std::shared_ptr<const TopicSettings> settings;
    std::vector<std::shared_ptr<Partition>> partitions;
  };
  // Record batches that were found good, on their way to one partition.
  struct CheckedRecords {
    std::shared_ptr<Partition> partition;
    std::shared_ptr<const TopicSettings> settings;
    SharedBytes records;
    std::vector<RecordBatchView> batches;
    int64_t offsets_count = 0;
    int64_t log_append_time_ms = -1;
  };
  // The answers of one append_all(): whoever gives the last one calls back. Each is given once, by any thread.
  class AppendAnswers {
   public:
    AppendAnswers(size_t count, AppendAllCallback done) : results_(count), left_(count), done_(std::move(done)) {}

    void give(size_t index, AppendResult result) {
      results_[index] = std::move(result);
      if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_(std::move(results_));
    }

   private:
    std::vector<AppendResult> results_;
    std::atomic<size_t> left_;
    const AppendAllCallback done_;
  };
  // The place of one answer.
  struct AppendTicket {
    std::shared_ptr<AppendAnswers> answers;  // none when nobody is to be told
    size_t index = 0;

    void give(AppendResult result) const { answers->give(index, std::move(result)); }
  };
  // Something that waits for the next commit: a batch, a change of another kind, or only an answer.
  struct Pending {
    std::shared_ptr<Partition> partition;  // of a batch or a log start offset
    Tail::Batch batch;
    uint32_t records_count = 0;
    std::unique_ptr<GroupOffsets> group_offsets;
    std::string deleted_group;
    int64_t log_start_offset = -1;
    AppendTicket ticket;
    AppendResult append_result;
    std::function<void(Status)> done;
  };
  // What flush() writes of one partition, taken while mutex_ was held.
  struct FlushJob {
    std::shared_ptr<Partition> partition;
    std::vector<StoredBatch> batches;
    int64_t flushed_offset = 0;  // afterwards
    uint64_t bytes = 0;
    std::vector<SegmentInfo> segments;
  };
  // The state at one journal position, taken while mutex_ was held.
  struct CheckpointState {
    JournalPosition position;
    struct PartitionState {
      std::shared_ptr<Partition> partition;
      int64_t log_start_offset;
      int64_t next_offset;
      std::string producers;
    };
    std::vector<PartitionState> partitions;
    std::string groups;
  };

  // log_append.cc
  using MaybeChecked = std::expected<CheckedRecords, AppendResult>;
  // What can be said of records before their turn has come.
  std::vector<MaybeChecked> check_all(std::vector<std::pair<TopicPartition, SharedBytes>> records) const;
  std::optional<AppendResult> check_records(CheckedRecords& checked) const;
  std::optional<AppendResult> check_batch(const TopicSettings& settings, std::string_view rest,
                                          RecordBatchView* batch) const;
  // With mutex_ held: the answer when the batch of an idempotent producer is not to be appended.
  std::optional<AppendResult> judge_producer(const CheckedRecords& checked, bool* duplicate) const;
  // With mutex_ held: queues the records, or only the answer when they are a duplicate; or says why not.
  std::optional<AppendResult> take(CheckedRecords checked, AppendTicket ticket, Urgency urgency);
  // With mutex_ held: gives the records their offsets and queues them; the last batch carries the ticket.
  void enqueue(CheckedRecords checked, AppendTicket ticket, Urgency urgency);
  void enqueue(Pending entry, Urgency urgency);
  enum class WhenFull : uint8_t { kWait, kGoOn };
  void append_checked(std::vector<MaybeChecked> all, Urgency urgency, AppendAllCallback done, WhenFull when_full);
  // With mutex_ held: whether so many bytes more may wait for the disk, or will be refused anyhow.
  bool has_room(size_t bytes) const;
  void want_room();
  void wait_for_room(std::unique_lock<std::mutex>& lock, size_t bytes);
  // With mutex_ held: tells all who can go on.
  void tell_of_room();
  // With mutex_ held: why these records cannot be taken.
  std::optional<AppendResult> refusal(const CheckedRecords& checked) const;
  void wake_committer();
  bool commit_is_wanted_now() const;

  // log_commit.cc
  Status write_commit(const std::vector<Pending>& entries);
  void publish(const std::vector<Pending>& entries, std::vector<std::shared_ptr<Subscriber>>* to_notify);
  void publish_records(const std::shared_ptr<Partition>& partition, const Tail::Batch& batch);
  // Ends the accounting of bytes that left the tails.
  void give_back(size_t bytes);
  void answer(std::vector<Pending>& entries, const Status& status);
  // Takes back what did not become durable, with all that waits behind it, and says so.
  void refuse(std::vector<Pending> entries, const Error& error);
  // Queues a change and waits for it to be durable.
  Status commit_and_wait(Pending change);

  // log_resume.cc
  // With mutex_ held: why nothing is committed, or why no change of any kind is taken.
  std::optional<Error> stopped() const;
  std::optional<Error> refusal() const;
  // Stops taking writes: for ever, or until the disk has room, or the system what it is asked for.
  void stop_taking(const Error& error);
  void suspend(const Error& error, bool disk_full);
  void fail(const Error& error);
  // With admin_mutex_, flush_mutex_ and commit_mutex_ held.
  Status begin_anew();

  // log_flush.cc: with flush_mutex_ held
  Status flush_and_checkpoint(bool checkpoint, std::optional<JournalPosition> final_position = std::nullopt);
  std::vector<FlushJob> take_flush_jobs();
  CheckpointState take_checkpoint_state() const;
  Status write_segments(FlushJob& job);
  Status write_checkpoint(const CheckpointState& state);
  void finish_flush(std::vector<FlushJob>& jobs);
  bool segment_is_full(const SegmentInfo& segment, const TopicConfig& config, size_t more_bytes) const;

  // log_maintenance.cc
  struct Due {
    bool flush = false;
    bool prepare = false;
    bool retention = false;
    bool trim = false;
    bool resume = false;
    std::optional<int64_t> next_us;  // when to look again; nullopt: when woken
  };
  Due due_with_mutex_held() const;
  bool wants_urgent_flush() const;
  // Forgets flushed batches in memory: all of them, or those that were flushed before the last flush.
  void trim_tails(bool all);
  struct Removal {
    std::shared_ptr<Partition> partition;
    std::vector<SegmentInfo> segments;
  };
  std::vector<Removal> apply_retention();
  // With flush_mutex_ held: removes the files of what retention took and a checkpoint has forgotten.
  void remove_retired_segments();

  // log_read.cc
  std::shared_ptr<Partition> find_partition(const TopicPartition& name) const;
  Result<std::optional<FetchResult>> fetch_from_segments(const TopicPartition& from, const FetchOptions& options,
                                                         FetchResult result) const;
  Result<std::optional<OffsetAndTimestamp>> find_record_by_time(const SharedBytes& batch, int64_t from_offset,
                                                                int64_t timestamp_ms) const;

  // log_topics.cc
  // Makes the catalog durable and takes it over. With admin_mutex_ held.
  Status write_catalog(Catalog catalog);
  // With mutex_ held: brings a topic and the partitions that it has more than before into being.
  void install_topic(const Catalog::Topic& from);
  void notify_topics_changed();

  // log_groups.cc
  Result<GroupOffsets> resolve_offsets(const std::string& group,
                                       const std::vector<std::pair<TopicPartition, CommittedOffset>>& offsets) const;

  // log_open.cc
  Status load_catalog();
  using PartitionsByHandle = std::map<uint32_t, std::shared_ptr<Partition>>;
  PartitionsByHandle partitions_by_handle() const;
  // Takes over the state of the checkpoint; a log that is new has none.
  Status load_checkpoint(const PartitionsByHandle& partitions);
  Status check_segments(const PartitionsByHandle& partitions) const;
  Result<JournalEnd> replay(const PartitionsByHandle& partitions);
  // Of frames that ReplayCheck has passed.
  void replay_frame(const JournalFrame& frame, const std::shared_ptr<const void>& commit,
                    const PartitionsByHandle& partitions);
  void replay_batch(const JournalFrame& frame, const std::shared_ptr<const void>& commit,
                    const std::shared_ptr<Partition>& partition);
  // Removes files that nothing names: of deleted topics, and segments begun or removed around a crash.
  Status remove_strangers(const PartitionsByHandle& partitions);
  std::string path(std::string_view name) const { return fmt::format("{}/{}", directory_, name); }

  io::Env& env_;
  const std::string directory_;
  const LogOptions options_;
  const Stepping stepping_;
  mutable LogMetrics metrics_;
  mutable SegmentCache segment_cache_;

  std::mutex admin_mutex_;
  Catalog catalog_;              // as it is on disk
  bool catalog_unsure_ = false;  // whether it is: a replacement may or may not have reached the disk
  int64_t producer_ids_left_ = 0;

  std::mutex flush_mutex_;
  JournalPosition checkpointed_;  // of the checkpoint on disk
  SegmentWriter segment_writer_;
  std::vector<Removal> retired_;  // taken by retention, with files still there

  std::mutex commit_mutex_;
  std::unique_ptr<Journal> journal_;
  CommitBuilder commit_builder_;

  mutable std::mutex mutex_;
  std::condition_variable commit_wakeup_;
  std::condition_variable maintenance_wakeup_;
  std::condition_variable room_wakeup_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::map<uint32_t, TopicPartition> names_by_handle_;
  GroupOffsetsTable groups_;
  SubscriberList topic_subscribers_;
  std::vector<Pending> pending_;
  size_t pending_bytes_ = 0;
  bool pending_is_urgent_ = false;
  CommitPacer pacer_;
  JournalPosition durable_position_;
  uint64_t checkpointed_segment_ = 1;  // checkpointed_.segment, for due_with_mutex_held()
  bool changed_since_checkpoint_ = false;
  std::vector<std::shared_ptr<Partition>> dirty_;   // with something to flush
  std::vector<std::shared_ptr<Partition>> cached_;  // with flushed batches in the tail
  size_t tail_bytes_ = 0;                           // of all tails and of what is pending
  size_t unflushed_bytes_ = 0;                      // of the durable part of them that is not in segments
  size_t waiting_for_room_ = 0;                     // threads, and those of room_listeners_
  struct RoomListener {
    size_t bytes;
    std::function<void()> callback;
  };
  std::vector<RoomListener> room_listeners_;
  int64_t dirty_since_us_ = 0;
  int64_t last_flush_us_ = 0;
  int64_t last_retention_us_ = 0;
  enum class CommitterState : uint8_t { kCommits, kSleeps, kGathers };
  CommitterState committer_ = CommitterState::kCommits;
  bool stopping_ = false;
  bool closed_ = false;
  // Why the log has stopped for ever, or until there is room.
  std::optional<std::string> failure_;
  struct Suspension {
    std::string reason;
    int64_t retry_delay_us;
    int64_t retry_at_us;
  };
  std::optional<Suspension> suspension_;
};

}  // namespace penstock::log
