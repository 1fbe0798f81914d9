#include "connector/change_log.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <future>
#include <utility>

#include "connector/kafka/log_scan_progress.h"
#include "connector/kafka/log_topics.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::RowOp;

constexpr std::string_view kOpHeader = "op";
constexpr std::string_view kRowsHeader = "rows";
// A record batch is closed at this size, well below what a topic takes.
constexpr size_t kRecordBatchBytes = 1 << 20;
// How many batches one poll() may give before other tasks of the worker have their turn.
constexpr int kBatchesPerPoll = 8;

log::TopicPartition partition_of(const std::string& topic) { return {topic, log::PartitionId(0)}; }

// What the headers of a record say.
struct ChangeHeaders {
  std::optional<RowOp> op;  // nullopt: nothing that is known
  int64_t rows = 1;         // of the statement that begins with it; below 1: nothing that is known
};

ChangeHeaders headers_of(const log::Record& record) {
  ChangeHeaders out;
  log::HeaderReader headers(record);
  for (log::RecordHeader header; headers.next(&header);) {
    const std::string_view value = header.value.value_or(std::string_view());
    if (header.key == kRowsHeader) {
      out.rows = 0;
      std::from_chars(value.data(), value.data() + value.size(), out.rows);
    }
    if (header.key != kOpHeader) continue;
    if (value == columnar::short_name(RowOp::kInsert)) out.op = RowOp::kInsert;
    if (value == columnar::short_name(RowOp::kDelete)) out.op = RowOp::kDelete;
  }
  return out;
}

// Writes records, in batches that are appended together.
class RecordBatches {
 public:
  explicit RecordBatches(log::TopicPartition partition) : partition_(std::move(partition)) {}

  void add(int64_t time_ms, std::optional<std::string_view> key, std::string_view value,
           std::span<const log::RecordHeader> headers) {
    builder_.add(time_ms, key, value, headers);
    bytes_ += key.value_or("").size() + value.size();
    if (bytes_ >= kRecordBatchBytes) close();
  }
  std::vector<std::pair<log::TopicPartition, log::SharedBytes>> take() {
    close();
    return std::move(closed_);
  }

 private:
  void close() {
    if (builder_.records_count() > 0) closed_.emplace_back(partition_, builder_.finish_shared());
    bytes_ = 0;
  }

  const log::TopicPartition partition_;
  std::vector<std::pair<log::TopicPartition, log::SharedBytes>> closed_;
  log::RecordBatchBuilder builder_;
  size_t bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<ChangeLog>> ChangeLog::open(Options options) {
  auto changes = std::unique_ptr<ChangeLog>(new ChangeLog(std::move(options)));
  const Options& self = changes->options_;
  changes->encoder_ = PENSTOCK_TRY(format::RowEncoder::make({}, self.schema));
  if (!self.key.empty()) {
    types::Schema key;
    for (const int column : self.key) key.push_back(self.schema[static_cast<size_t>(column)]);
    changes->key_encoder_ = PENSTOCK_TRY(format::RowEncoder::make({}, key));
  }
  if (!self.log->topic(self.topic)) {
    PENSTOCK_TRY(self.log->create_topic(self.topic, 1, {.retention_ms = -1, .retention_bytes = -1}));
  }
  return changes;
}

Status ChangeLog::replay(const std::function<Status(ChangeBatch)>& take) {
  const log::TopicPartition partition = partition_of(options_.topic);
  std::vector<size_t> columns(options_.schema.size());
  for (size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  const auto reader = PENSTOCK_TRY(ChangeReader::open({.log = options_.log,
                                                       .topic = options_.topic,
                                                       .schema = options_.schema,
                                                       .columns = std::move(columns),
                                                       .start = PENSTOCK_TRY(options_.log->log_start_offset(partition)),
                                                       .end = PENSTOCK_TRY(options_.log->high_watermark(partition))}));
  while (true) {
    ChangeBatch batch = PENSTOCK_TRY(reader->read());
    if (batch.empty()) return {};
    PENSTOCK_TRY(take(std::move(batch)));
  }
}

Status ChangeLog::append(std::span<const ChangeBatch> changes) {
  size_t rows = 0;
  for (const ChangeBatch& batch : changes) rows += batch.rows();
  if (rows == 0) return {};
  const std::string rows_text = std::to_string(rows);
  const int64_t now_ms = options_.env->wall_time_us() / 1000;
  RecordBatches records(partition_of(options_.topic));
  std::string text;
  std::string key;
  std::vector<size_t> ends;
  bool tells_rows = rows > 1;  // in the next record
  for (const ChangeBatch& batch : changes) {
    text.clear();
    ends.clear();
    encoder_->encode_all(batch, text, ends);
    const ChangeBatch keys = batch.with_columns(batch.columns_at(options_.key));
    for (size_t row = 0, begin = 0; row < batch.rows(); begin = ends[row++]) {
      key.clear();
      if (key_encoder_ != nullptr) key_encoder_->encode(keys, row, key);
      const RowOp op = batch.weight(row) > 0 ? RowOp::kInsert : RowOp::kDelete;
      const std::array<log::RecordHeader, 2> headers{
          {{kOpHeader, columnar::short_name(op)}, {kRowsHeader, std::string_view(rows_text)}}};
      records.add(now_ms, key_encoder_ == nullptr ? std::nullopt : std::optional<std::string_view>(key),
                  std::string_view(text).substr(begin, ends[row] - begin),
                  std::span(headers).first(std::exchange(tells_rows, false) ? 2 : 1));
    }
  }
  const auto done = std::make_shared<std::promise<Status>>();
  options_.log->append_together(records.take(), "", {}, [done](Status status) { done->set_value(std::move(status)); });
  return done->get_future().get();
}

// --- reading ---

ChangeReader::ChangeReader(Options options, std::unique_ptr<format::RowDecoder> decoder)
    : options_(std::move(options)),
      reader_(*options_.log, partition_of(options_.topic), options_.start, options_.end,
              {.wake = options_.wake, .unreadable = nullptr}),
      decoder_(std::move(decoder)) {
  for (const size_t column : options_.columns) builders_.emplace_back(options_.schema[column].type);
}

Result<std::unique_ptr<ChangeReader>> ChangeReader::open(Options options) {
  std::unique_ptr<format::RowDecoder> decoder =
      PENSTOCK_TRY(format::RowDecoder::make({}, options.schema, std::span<const size_t>(options.columns)));
  return std::unique_ptr<ChangeReader>(new ChangeReader(std::move(options), std::move(decoder)));
}

Error ChangeReader::corrupt(int64_t offset, std::string_view what) const {
  return make_error(ErrorCode::kCorruption, "topic {}, offset {}: {}", options_.topic, offset, what);
}

Result<ChangeBatch> ChangeReader::read() {
  while (true) {
    PENSTOCK_TRY(reader_.read(options_.batch_rows_max - waiting_.size(), records_));
    if (records_.empty()) {
      // A statement is appended as one.
      if (statement_left_ > 0) return corrupt(reader_.position().value(), "the rest of this statement is missing");
      return ChangeBatch();
    }
    const size_t count = PENSTOCK_TRY(add_records());
    ChangeBatch batch = PENSTOCK_TRY(decode(count));
    keep_rest(count);
    if (!batch.empty()) return batch;
  }
}

Result<size_t> ChangeReader::add_records() {
  ops_.clear();
  values_.clear();
  for (const Waiting& change : waiting_) {
    ops_.push_back(change.op);
    values_.push_back(change.value);
  }
  size_t whole = 0;  // up to the end of a statement
  for (const log::Record& record : records_) {
    const ChangeHeaders headers = headers_of(record);
    if (!headers.op || !record.value) return corrupt(record.offset, "this record is no change of a table");
    if (statement_left_ == 0) {
      if (headers.rows < 1) return corrupt(record.offset, "this record does not say how many rows were changed");
      statement_rows_ = statement_left_ = headers.rows;
    }
    ops_.push_back(*headers.op);
    values_.push_back(*record.value);
    if (--statement_left_ == 0) whole = ops_.size();
  }
  return statement_rows_ > static_cast<int64_t>(options_.batch_rows_max) ? ops_.size() : whole;
}

Result<ChangeBatch> ChangeReader::decode(size_t count) {
  if (count == 0) return ChangeBatch();
  const int64_t first = waiting_.empty() ? records_.front().offset : waiting_offset_.value();
  failed_.clear();
  decoder_->decode(std::span(values_).first(count), reader_.readable(), builders_, failed_);
  if (!failed_.empty()) return corrupt(first + failed_.front().record, failed_.front().message);
  std::vector<columnar::ColumnPtr> columns;
  for (ColumnBuilder& builder : builders_) columns.push_back(builder.finish());
  const auto given = std::span(ops_).first(count);
  if (std::ranges::find(given, RowOp::kDelete) == given.end()) return ChangeBatch(count, std::move(columns));
  return ChangeBatch(count, std::move(columns), std::make_shared<columnar::RowOps>(given.begin(), given.end()));
}

void ChangeReader::keep_rest(size_t given) {
  // What waited is of the first statement: it has all been given, or all waits on.
  if (given > 0) waiting_.clear();
  for (size_t i = given + waiting_.size(); i < values_.size(); ++i) {
    if (waiting_.empty()) waiting_offset_ = log::Offset(records_[records_.size() - (values_.size() - i)].offset);
    waiting_.push_back({.op = ops_[i], .value = std::string(values_[i])});
  }
}

namespace {

// Immutable but for the progress.
struct ChangeScan {
  log::Log& log;
  size_t batch_rows_max;
  ChangeScanRequest request;
  std::shared_ptr<LogScanProgress> progress;
};

class ChangeSource : public exec::Source {
 public:
  explicit ChangeSource(std::shared_ptr<const ChangeScan> scan) : scan_(std::move(scan)) {}

  void set_waker(std::function<void()> waker) override {
    waker_ = std::move(waker);
    if (holding_) scan_->progress->on_release(waker_);
  }

  Result<exec::SourceState> poll(exec::SourceOutput& out) override {
    if (reader_ == nullptr) {
      PENSTOCK_TRY(open());
      out.emit({});  // an epoch ends that tells where it begins
    }
    if (holding_ && scan_->progress->released()) {
      holding_ = false;
      reader_->set_end(std::nullopt);
    }
    int batches = 0;
    for (; batches < kBatchesPerPoll && reader_->may_have_more(); ++batches) {
      ChangeBatch batch = PENSTOCK_TRY(reader_->read());
      if (batch.empty()) break;
      scan_->progress->add_read(batch.rows());
      out.emit(std::move(batch));
    }
    return batches > 0 ? exec::SourceState::kMore : exec::SourceState::kWaiting;
  }

  bool at_boundary() const override { return reader_ == nullptr || reader_->at_boundary(); }
  void on_refused() override { scan_->progress->refuse(); }
  bool holding() const override { return holding_; }

  Status on_barrier(Epoch epoch) override {
    if (reader_ == nullptr) return {};
    scan_->progress->note(0, epoch,
                          {.positions = {{partition_of(scan_->request.topic), reader_->position()}}, .watermark = {}});
    return {};
  }

 private:
  Status open() {
    const ChangeScanRequest& request = scan_->request;
    const log::TopicPartition partition = partition_of(request.topic);
    const std::optional<log::Offset> given = find_position(request.start, partition);
    const log::Offset start = given ? *given : PENSTOCK_TRY(scan_->log.log_start_offset(partition));
    std::optional<log::Offset> end;
    if (holding_) end = find_position(request.hold->positions, partition).value_or(start);
    reader_ = PENSTOCK_TRY(ChangeReader::open({.log = &scan_->log,
                                               .topic = request.topic,
                                               .schema = request.schema,
                                               .columns = request.columns,
                                               .start = start,
                                               .end = end,
                                               .batch_rows_max = scan_->batch_rows_max,
                                               .wake = waker_}));
    scan_->progress->add_partition(reader_->partition_reader());
    return {};
  }

  const std::shared_ptr<const ChangeScan> scan_;
  std::function<void()> waker_;
  bool holding_ = scan_->request.hold.has_value();
  std::unique_ptr<ChangeReader> reader_;  // from the first poll() on
};

}  // namespace

SourcePlan plan_change_source(const ConnectorContext& context, ChangeScanRequest request) {
  auto progress = std::make_shared<LogScanProgress>(*context.log, LogTopics({request.topic}), std::nullopt, 1);
  const auto scan =
      std::make_shared<const ChangeScan>(*context.log, context.batch_rows_max, std::move(request), progress);
  return {.parallelism = 1,
          .bounded = false,
          .make = [scan](int /*instance*/) -> Result<std::unique_ptr<exec::Source>> {
            return std::make_unique<ChangeSource>(scan);
          },
          .progress = progress};
}

}  // namespace penstock::connector
