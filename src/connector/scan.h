// Reading tables: what the engine asks of a connector, and what it gets.
#pragma once

#include <atomic>
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
#include "base/metrics.h"
#include "base/result.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "connector/options.h"
#include "exec/operator.h"
#include "io/env.h"
#include "log/log.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::expr {
class Expr;
}

namespace penstock::connector {

class AlignmentGroups;
class Timer;
using ExprPtr = std::shared_ptr<const expr::Expr>;

// An event that could not be turned into a row of a table.
struct DeadLetter {
  std::string_view table;
  std::string_view topic;  // or the file's path; empty: a row that the job `table` could not compute, as JSON
  int32_t partition = 0;
  int64_t offset = 0;  // of the record: its number in a partition, its first byte in a file
  std::string_view raw;
  std::string_view error;
  std::function<bool()> admit = {};  // says whether a letter that is not there yet is taken; without it all are
};

// Keeps dead letters. Thread-safe. The same letter (table, topic, partition, offset; for a row without a topic: its
// text and error) may be added again, as when a job starts over; it is kept once.
class DeadLetterSink {
 public:
  virtual ~DeadLetterSink() = default;
  virtual void add(const DeadLetter& letter) = 0;
};

// What connectors need of the program. Outlives every source and sink.
struct ConnectorContext {
  io::Env* env = nullptr;
  log::Log* log = nullptr;
  Timer* timer = nullptr;
  DeadLetterSink* dead_letters = nullptr;
  MetricsRegistry* metrics = nullptr;  // null: what sinks could publish is not
  int parallelism = 1;
  int32_t default_partitions = 1;  // of topics that CREATE TABLE makes
  int output_fd = 1;               // where 'print' writes
  int error_fd = 2;
  size_t batch_rows_max = columnar::kBatchRowsMax;  // of the batches that scans of records make
  int64_t watermark_max_ahead_us = 0;               // where a table does not say it; 0: no bound
  // Where Kafka's clients connect to this server: "127.0.0.1:9092".
  std::vector<std::string> kafka_addresses = {};
  // Where tables may read and write files, as a real path; empty: nowhere.
  std::string files_directory;
  // What the program keeps for itself: out of reach of tables even where `files_directory` contains it.
  std::string data_directory;
};

// Metadata columns that every source with a watermark has, under these keys: the watermark when the row came, of all
// splits that are read together, in milliseconds; and that of the row's split alone, which does not depend on how the
// others are read. NULL before the first.
inline constexpr std::string_view kCurrentWatermarkKey = "current-watermark";
inline constexpr std::string_view kSplitWatermarkKey = "split-watermark";

struct MetadataColumn {
  std::string key;  // "offset", "partition", "timestamp", ... as the connector calls it
  types::DataType type;
};

// Where reading goes on, by split: what is read in order. A split is a partition of a topic, with the offset of the
// next record; or something else, such as a file, which then has a name with a colon, as no topic has. One whose name
// begins with '~' is not kept over a restart: it only says how far has been looked, to whoever waits for that.
using Positions = std::vector<std::pair<log::TopicPartition, log::Offset>>;

// Where a scan that reads again what it had read before a restart stops until ScanProgress::release().
struct ScanHold {
  // Of a partition that is not named: at its start. No split ends before the release that had not ended there.
  Positions positions;
  // What the scan had told when it was there, over all instances. It tells this when it has come there again: in the
  // first run a partition may have been idle, so that others went on without it, and in the second not be idle yet.
  exec::Watermark watermark;
};

// With what the keys of metadata begin that are values of directories: "partition:LEVEL:COLUMN", from the outermost
// directory, which is level 0.
inline constexpr std::string_view kPartitionKey = "partition:";

// Metadata of tables whose records are events about rows: BOOLEAN NOT NULL, whether the row is gone. Of such a row only
// the primary key is known, or, where the table has none, everything.
inline constexpr std::string_view kRowIsGone = "row-is-gone";

struct ScanRequest {
  std::string table;
  const OptionMap* options = nullptr;
  types::Schema columns;                 // all physical columns of the table, in order
  std::vector<std::string> primary_key;  // names of physical columns
  // The columns to read, physical ones (of `columns`) first, then metadata. A column that nobody needs is not in them.
  types::Schema physical;
  // For each of `physical` the field that is read of the ROW that the column is, or of a ROW in it, by the names on the
  // way there; an empty path, or none, stands for the whole column. Asked for only of JSON in topics and files, and of
  // Nexmark's events.
  std::vector<std::vector<std::string>> fields;
  std::vector<MetadataColumn> metadata;
  // Expressions over these columns that give the scan's output; empty when the output is just these columns.
  std::vector<ExprPtr> projections;
  ExprPtr filter;               // over the output; null keeps all
  bool filtered_again = false;  // by the readers: rows for which the filter cannot be computed are kept
  ExprPtr watermark;            // over the output; null for a table without watermarks
  int time_column = 0;          // of the output: the event time that the watermark is for
  bool tells_watermark = true;  // else it is only read, as a column
  // The windows that the rows go into, where that is known.
  types::WindowEnds window_ends;
  // A row that would move the watermark further ahead of the clock than this does not move it; 0: all do. Set by the
  // connector.
  int64_t max_ahead_us = 0;
  Counter* too_far_ahead = nullptr;  // counts such rows; may be null
  // Of the job, for tables that are aligned with others; null: this scan waits for nobody.
  std::shared_ptr<AlignmentGroups> alignment = nullptr;
  // Read to the present end, then end. Otherwise keep following.
  bool bounded = false;
  // Where reading begins; for partitions that are not named, where the table's startup mode says.
  Positions start;
  std::optional<ScanHold> hold;
};

// How far a scan has come, over all its instances. A connector that can say more overrides lag() and ends().
// Thread-safe.
class ScanProgress {
 public:
  virtual ~ScanProgress() = default;

  // Records that are there and have not been read; 0 when nobody can say.
  virtual int64_t lag() const { return 0; }
  // Where the input ends now: a scan whose positions have come there has read all that was there.
  virtual Positions ends() const { return {}; }
  // The topics that it reads: another one of the same name has other records at the same offsets.
  virtual std::map<std::string, log::TopicId> topics() const { return {}; }
  // Whether every instance has read all that it ever will.
  virtual bool ended() const { return false; }

  // Nobody takes its rows any more: what it has not read is not missing.
  void refuse() { refused_.store(true, std::memory_order_release); }
  bool refused() const { return refused_.load(std::memory_order_acquire); }

  void add_read(uint64_t records) { records_read_.fetch_add(records, std::memory_order_relaxed); }
  uint64_t records_read() const { return records_read_.load(std::memory_order_relaxed); }

  // What has been read, and the watermark that was told, at a barrier.
  struct Noted {
    Positions positions;
    exec::Watermark watermark;
  };
  // Of an instance when it sends the barrier of `epoch`, and of all instances together; positions that have not changed
  // since the barrier before may be left out. Epochs before the one asked for are forgotten.
  void note(int instance, Epoch epoch, Noted noted);
  Noted take(Epoch epoch);

  // A held scan stops at ScanRequest::hold until it is released.
  void release();
  bool released() const { return released_.load(std::memory_order_acquire); }
  // `waker` is called by release().
  void on_release(std::function<void()> waker);

 private:
  std::atomic<uint64_t> records_read_{0};
  std::atomic<bool> refused_{false};
  std::atomic<bool> released_{false};
  mutable std::mutex mutex_;
  std::map<Epoch, std::map<int, Noted>> noted_;
  std::vector<std::function<void()>> wakers_;
};

// Ready to be put into a FragmentSpec.
struct SourcePlan {
  int parallelism = 1;
  bool bounded = false;
  std::function<Result<std::unique_ptr<exec::Source>>(int instance)> make;
  std::shared_ptr<ScanProgress> progress;
};

}  // namespace penstock::connector
