// Writing tables: what the engine asks of a connector for an INSERT, and what it gets.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/epoch.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "connector/options.h"
#include "connector/scan.h"
#include "exec/failed_rows.h"
#include "exec/operator.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::connector {

struct SinkRequest {
  // Column `column` of the rows is no part of the record but written as the metadata `key`.
  struct Metadata {
    size_t column;
    std::string key;
  };

  std::string table;
  OptionMap options;
  types::Schema schema;                  // of the rows
  std::vector<std::string> primary_key;  // of the table: names of columns
  std::vector<Metadata> metadata;
  bool append_only = true;  // the query never takes back a row that it gave
  // The rows take the place of those that are there: of all, or, in a table with partitions, of those of the partitions
  // that rows go to; or of the one in which these columns of the rows have these values, where that are all.
  bool overwrite = false;
  struct PartitionValue {
    size_t column;
    types::Value value;
  };
  std::vector<PartitionValue> partition = {};
  // Names the job in the log, where its positions are kept. Empty for a statement that is never resumed.
  std::string group;
};

// One of the operators of a sink.
struct SinkInstance {
  int number = 0;
  int parallelism = 1;  // how many there are
  // Takes rows that cannot be written; null: such a row is an error.
  std::shared_ptr<exec::FailedRows> failed_rows = nullptr;
};

// Where the rows of one job go; shared by its operators. Thread-safe.
class Sink {
 public:
  virtual ~Sink() = default;

  virtual Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance instance) = 0;

  // All operators have passed the barrier of `epoch`: makes its rows durable together with `positions`, which its input
  // had reached, in the background. An error when an earlier commit has failed.
  virtual Status commit(Epoch epoch, const Positions& positions) = 0;
  // Whether what commit() was given for this epoch, and all before it, is durable.
  virtual bool durable(Epoch /*epoch*/) const { return true; }
  // What commit() has made durable, by this sink or by one of the same group before it; empty for a new job.
  virtual Positions committed() const = 0;

  // Waits until everything committed is durable and can be seen. Nothing is committed afterwards.
  virtual Status close() = 0;
  // Of a sink that overwrites, when everything has been written and it is closed: its rows take the place of what was
  // there. Without that, they are thrown away with the sink.
  virtual Status replace() { return {}; }

  // While muted, rows are thrown away: they were written before a restart, and the job only builds its state again.
  void set_muted(bool muted) { muted_.store(muted, std::memory_order_release); }
  bool muted() const { return muted_.load(std::memory_order_acquire); }

  uint64_t rows_written() const { return rows_written_.load(std::memory_order_relaxed); }

 protected:
  void add_rows_written(uint64_t rows) { rows_written_.fetch_add(rows, std::memory_order_relaxed); }

 private:
  std::atomic<bool> muted_{false};
  std::atomic<uint64_t> rows_written_{0};
};

// kUnsupported, naming the table, when a row of the batch takes back an earlier one.
Status refuse_changes(const std::string& table, const columnar::ChangeBatch& batch);
// The same before anything runs, by what is known of the query.
Error takes_only_inserts(const std::string& table);

}  // namespace penstock::connector
