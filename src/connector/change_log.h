// The changes of a native table, kept in a topic of their own as JSON: the value of a record is the row, its header
// `op` says what happened to it (+I or -D), its key is the row's primary key as JSON. The first change of a statement
// that made several says how many, in the header `rows`. Any Kafka client can follow them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "connector/kafka/partition_reader.h"
#include "connector/scan.h"
#include "format/decoder.h"
#include "format/encoder.h"
#include "io/env.h"
#include "log/log.h"
#include "log/record_batch.h"
#include "types/type.h"

namespace penstock::connector {

// Used by one thread at a time, but for topic().
class ChangeLog {
 public:
  struct Options {
    log::Log* log = nullptr;
    io::Env* env = nullptr;
    std::string topic;
    types::Schema schema;
    std::vector<int> key;  // columns of the primary key; may be empty
  };
  // Makes the topic when there is none: one partition, kept for ever.
  static Result<std::unique_ptr<ChangeLog>> open(Options options);

  const std::string& topic() const { return options_.topic; }

  // Gives all changes from the beginning, in order.
  Status replay(const std::function<Status(columnar::ChangeBatch)>& take);

  // Appends all rows as one: after a crash either all are there or none. Durable when it returns.
  Status append(std::span<const columnar::ChangeBatch> changes);

 private:
  explicit ChangeLog(Options options) : options_(std::move(options)) {}

  const Options options_;
  std::unique_ptr<format::RowEncoder> encoder_;
  std::unique_ptr<format::RowEncoder> key_encoder_;  // none without a key
};

// Reads changes in their order. Used by one thread; `wake` is called on the log's threads.
class ChangeReader {
 public:
  struct Options {
    log::Log* log = nullptr;
    std::string topic;
    types::Schema schema;
    std::vector<size_t> columns;     // those that are read, in the order of the batches'
    log::Offset start;               // where a statement begins
    std::optional<log::Offset> end;  // where one ends; nullopt to follow the table
    size_t batch_rows_max = columnar::kBatchRowsMax;
    std::function<void()> wake = [] {};
  };
  static Result<std::unique_ptr<ChangeReader>> open(Options options);

  // The next changes; none when there are no more for now. All of a statement are in one batch, unless there are more
  // than a batch takes.
  Result<columnar::ChangeBatch> read();
  // False when nothing can have come since read() gave nothing.
  bool may_have_more() const { return !waiting_.empty() || reader_.may_have_more(); }
  // Whether the last change given ended a statement.
  bool at_boundary() const { return statement_left_ == 0 || !waiting_.empty(); }
  // Behind the last change given; of a statement that has been given in part, behind all of it: no reader begins or
  // ends within one.
  log::Offset position() const { return waiting_.empty() ? reader_.position() + statement_left_ : waiting_offset_; }
  const PartitionReader& partition_reader() const { return reader_; }
  // Moves the end, as when a hold is released.
  void set_end(std::optional<log::Offset> end) { reader_.set_end(end); }

 private:
  ChangeReader(Options options, std::unique_ptr<format::RowDecoder> decoder);
  // Adds the records to ops_ and values_; gives how many of these are to be given now.
  Result<size_t> add_records();
  // Keeps what is behind the first `given` for the next batch.
  void keep_rest(size_t given);
  Result<columnar::ChangeBatch> decode(size_t count);
  Error corrupt(int64_t offset, std::string_view what) const;

  const Options options_;
  PartitionReader reader_;
  const std::unique_ptr<format::RowDecoder> decoder_;
  std::vector<columnar::ColumnBuilder> builders_;
  std::vector<log::Record> records_;  // of the last read
  columnar::RowOps ops_;
  std::vector<std::string_view> values_;
  std::vector<format::FailedRecord> failed_;

  int64_t statement_rows_ = 0;  // of the statement that has been read last
  int64_t statement_left_ = 0;  // of these, what has not been read
  // The beginning of a statement that did not fit into the last batch.
  struct Waiting {
    columnar::RowOp op;
    std::string value;
  };
  std::vector<Waiting> waiting_;
  log::Offset waiting_offset_;  // of the first one
};

// The scan of a table's changes, from the first one or from where a job has come. No barrier cuts a statement.
struct ChangeScanRequest {
  std::string topic;
  types::Schema schema;
  std::vector<size_t> columns;  // those that are read, in the order of the output's
  Positions start;
  std::optional<ScanHold> hold;
};
SourcePlan plan_change_source(const ConnectorContext& context, ChangeScanRequest request);

}  // namespace penstock::connector
