// Writes rows into a topic of the embedded log, exactly once: the records of an epoch and the positions that its input
// had reached go into the log as one atomic append.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/epoch.h"
#include "base/result.h"
#include "connector/log_table.h"
#include "connector/scan.h"
#include "exec/operator.h"
#include "types/type.h"

namespace penstock::connector {

// What the sink operators of one job share. Thread-safe.
class LogSink : public std::enable_shared_from_this<LogSink> {
 public:
  struct Options {
    std::string table;
    OptionMap options;
    types::Schema schema;
    std::string group;  // names the committed positions of the job in the log
  };
  static Result<std::shared_ptr<LogSink>> make(const ConnectorContext& context, Options options);

  // The operator of one instance.
  Result<std::unique_ptr<exec::Operator>> make_operator();

  // All operators have passed the barrier of `epoch`: appends its records, together with `positions`, in the
  // background. An error when an earlier append has failed.
  Status commit(Epoch epoch, const Positions& positions);
  // What commit() last made durable; empty for a job that has not committed yet.
  Positions committed() const;

  // While muted, rows are thrown away: they are in the topic already, and the job only rebuilds its state.
  void set_muted(bool muted) { muted_.store(muted, std::memory_order_release); }
  bool muted() const { return muted_.load(std::memory_order_acquire); }

  uint64_t records_written() const { return records_written_.load(std::memory_order_relaxed); }
  // Waits until everything committed is durable.
  Status drain();

 private:
  friend class LogSinkOperator;
  // Encoded records of one partition: -1 for rows without a key, which may go to any.
  struct Batch {
    int32_t partition;
    log::SharedBytes records;
    int32_t count;
  };

  LogSink(const ConnectorContext& context, Options options, LogTableOptions table);
  void stage(Epoch epoch, std::vector<Batch> batches);
  void settled(size_t bytes, uint64_t records, const Status& status);
  bool has_room() const { return bytes_in_flight_.load(std::memory_order_acquire) < kBytesInFlightMax; }
  void on_room(std::function<void()> waker);

  // Appended but not durable; above it the operators take no more rows.
  static constexpr size_t kBytesInFlightMax = 32 << 20;

  const ConnectorContext context_;
  const Options options_;
  const LogTableOptions table_;
  std::atomic<bool> muted_{false};
  std::atomic<uint64_t> records_written_{0};
  std::atomic<size_t> bytes_in_flight_{0};
  mutable std::mutex mutex_;
  std::condition_variable drained_;
  std::map<Epoch, std::vector<Batch>> staged_;
  std::vector<std::function<void()>> wakers_;
  int32_t next_partition_ = 0;
  Positions positions_committed_;
  int commits_in_flight_ = 0;
  std::optional<Error> failure_;
};

// The partition that Kafka's Java client would choose for a key.
int32_t partition_for_key(std::string_view key, int32_t partitions);

}  // namespace penstock::connector
