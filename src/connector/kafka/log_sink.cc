#include "connector/kafka/log_sink.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "connector/epoch_changes.h"
#include "connector/kafka/log_table.h"
#include "connector/pending_commits.h"
#include "connector/position_store.h"
#include "format/encoder.h"
#include "log/record_batch.h"
#include "types/nested.h"

namespace penstock::connector {

namespace {

constexpr int32_t kAnyPartition = -1;
constexpr size_t kRecordBatchBytes = 512 << 10;
// Appended but not durable; above it the operators take no more rows.
constexpr size_t kBytesInFlightMax = 32 << 20;
// What a commit takes beside its records.
constexpr size_t kCommitBytes = 1 << 10;

// MurmurHash2 with the seed of Kafka's Java client (org.apache.kafka.common.utils.Utils).
uint32_t murmur2(std::string_view bytes) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  uint32_t h = 0x9747b28c ^ static_cast<uint32_t>(bytes.size());
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kMultiplier;
    k ^= k >> 24;
    h = h * kMultiplier ^ k * kMultiplier;
  }
  const size_t left = bytes.size() - i;
  if (left >= 3) h ^= byte(i + 2) << 16;
  if (left >= 2) h ^= byte(i + 1) << 8;
  if (left >= 1) h = (h ^ byte(i)) * kMultiplier;
  h ^= h >> 13;
  h *= kMultiplier;
  return h ^ h >> 15;
}

// What the sink operators of one job share.
class LogSink : public Sink, public std::enable_shared_from_this<LogSink> {
 public:
  // Encoded records of one partition, or of kAnyPartition when they have no key.
  struct Batch {
    int32_t partition;
    log::SharedBytes records;
    int32_t count;
  };

  LogSink(const ConnectorContext& context, SinkRequest request, LogTableOptions table,
          std::unique_ptr<PositionStore> store)
      : context_(context),
        request_(std::move(request)),
        table_(std::move(table)),
        topic_(*table_.topics.only()),
        store_(std::move(store)),
        committed_(store_->positions()) {}

  Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance instance) override;
  Status commit(Epoch epoch, const Positions& positions) override;
  bool durable(Epoch epoch) const override { return pending_.settled(epoch); }
  Positions committed() const override { return committed_; }
  Status close() override {
    store_->give_up();
    return pending_.wait();
  }

  // --- for operators ---
  const std::string& table() const { return request_.table; }
  void stage(Epoch epoch, std::vector<Batch> batches);
  bool has_room() const { return bytes_in_flight_.load(std::memory_order_acquire) < kBytesInFlightMax; }
  void on_room(std::function<void()> waker);
  int64_t wall_time_ms() const { return context_.env->wall_time_us() / 1000; }
  int32_t partition_count() const {
    const auto topic = context_.log->topic(topic_);
    return topic ? topic->partitions : 1;
  }

 private:
  // Columns of the rows by their names.
  Result<std::vector<size_t>> find(const std::vector<std::string>& names) const;
  void settled(Epoch epoch, size_t bytes, uint64_t records, const Status& status);

  const ConnectorContext context_;
  const SinkRequest request_;
  const LogTableOptions table_;
  const std::string topic_;
  const std::unique_ptr<PositionStore> store_;
  const Positions committed_;  // before this sink
  std::atomic<size_t> bytes_in_flight_{0};
  std::mutex mutex_;
  std::map<Epoch, std::vector<Batch>> staged_;
  std::vector<std::function<void()>> wakers_;
  int32_t next_partition_ = 0;
  PendingCommits pending_;
};

// The records of one instance, in batches by partition.
class RecordBatches {
 public:
  struct Record {
    int64_t timestamp_ms;
    std::optional<std::string_view> key;
    std::optional<std::string_view> value;
    std::span<const log::RecordHeader> headers;
  };
  void add(int32_t partition, const Record& record) {
    log::RecordBatchBuilder& builder = builders_[partition];
    builder.add(record.timestamp_ms, record.key, record.value, record.headers);
    if (builder.size_bytes() >= kRecordBatchBytes) close(partition, builder);
  }

  // What has been added; it is empty again.
  std::vector<LogSink::Batch> take() {
    for (auto& [partition, builder] : builders_) close(partition, builder);
    closed_bytes_ = 0;
    counted_.set(0);
    return std::exchange(closed_, {});
  }

 private:
  void close(int32_t partition, log::RecordBatchBuilder& builder) {
    const int32_t count = builder.records_count();
    if (count == 0) return;
    closed_bytes_ += builder.size_bytes();
    counted_.set(closed_bytes_);
    closed_.push_back({.partition = partition, .records = builder.finish_shared(), .count = count});
  }

  std::map<int32_t, log::RecordBatchBuilder> builders_;
  std::vector<LogSink::Batch> closed_;
  size_t closed_bytes_ = 0;
  StateBytes counted_;
};

// Where the parts of a record are among the columns of the rows.
struct RecordColumns {
  std::vector<size_t> values;    // in the order of the encoder's
  std::vector<size_t> keys;      // of the record
  std::vector<size_t> known_by;  // by which rows are known that change: the primary key, or all columns
  std::optional<size_t> timestamp;
  std::optional<size_t> headers;
};

columnar::ChangeBatch select(const columnar::ChangeBatch& batch, const std::vector<size_t>& columns) {
  return batch.with_columns(batch.columns_at(columns));
}

// The time of a record: that of its row, where it has one.
int64_t timestamp_ms(const columnar::ChangeBatch& batch, size_t row, const RecordColumns& columns, int64_t now_ms) {
  if (!columns.timestamp || batch.column(*columns.timestamp)->is_null(row)) return now_ms;
  const columnar::Column& column = *batch.column(*columns.timestamp);
  const int64_t value = column.values<int64_t>()[row];
  return column.type().is_timestamp() ? value / 1000 : value;
}

// Reads the headers of records out of the MAPs of their rows.
class HeadersOfRows {
 public:
  // They are there until the next call, and as long as the batch.
  std::span<const log::RecordHeader> read(const columnar::ChangeBatch& batch, size_t row,
                                          const RecordColumns& columns) {
    headers_.clear();
    if (!columns.headers || batch.column(*columns.headers)->is_null(row)) return headers_;
    const columnar::Column& column = *batch.column(*columns.headers);
    const std::span<const types::Field> parts = column.type().parts();
    texts_.clear();
    std::string_view rest = column.values<columnar::StringCell>()[row].view();
    for (std::string_view slot; !(slot = types::take_slot(rest, parts[0].type)).empty();) {
      const std::optional<std::string_view> key = text_of(slot, parts[0].type);
      headers_.push_back(
          {.key = key.value_or(""), .value = text_of(types::take_slot(rest, parts[1].type), parts[1].type)});
    }
    return headers_;
  }

 private:
  std::optional<std::string_view> text_of(std::string_view slot, types::DataType type) {
    if (types::is_null_slot(slot)) return std::nullopt;
    return texts_.emplace_back(types::slot_value(slot, type).as_string());
  }

  std::deque<std::string> texts_;  // they do not move
  std::vector<log::RecordHeader> headers_;
};

// What makes the key and the value of a record of their columns.
struct Encoders {
  std::unique_ptr<format::RowEncoder> key;  // null: a key is the text of its columns
  std::unique_ptr<format::RowEncoder> value;
  bool raw_key = false;  // whose NULL is none

  // `keys`: the columns of the key; what the partition is chosen by, too. Nullopt: the record has no key.
  std::optional<std::string_view> read_key(const columnar::ChangeBatch& keys, size_t row, std::string& text) const {
    text.clear();
    if (raw_key && keys.column(0)->is_null(row)) return std::nullopt;
    if (key != nullptr) {
      key->encode(keys, row, text);
      return text;
    }
    for (const columnar::ColumnPtr& column : keys.columns()) {
      if (!text.empty()) text += '|';
      types::append_text(text, column->value(row), column->type());
    }
    return text;
  }
};

// Which partition a record goes to.
class PartitionChoice {
 public:
  // `instance`: of a sink whose instances write to one partition each.
  explicit PartitionChoice(std::optional<int> instance) : instance_(instance) {}

  void set_partitions(int32_t count) { partitions_ = count; }
  int32_t of(std::optional<std::string_view> key) const {
    if (instance_) return *instance_ % partitions_;
    return key ? partition_for_key(*key, partitions_) : kAnyPartition;
  }

 private:
  const std::optional<int> instance_;
  int32_t partitions_ = 1;
};

// One instance, for rows that are never taken back. Encodes rows as they come, and hands the epoch's records over at
// its barrier.
class LogSinkOperator : public exec::Operator {
 public:
  LogSinkOperator(std::shared_ptr<LogSink> sink, Encoders encoders, RecordColumns columns, PartitionChoice partition)
      : sink_(std::move(sink)), encoders_(std::move(encoders)), columns_(std::move(columns)), partition_(partition) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    PENSTOCK_TRY(refuse_changes(sink_->table(), batch));
    partition_.set_partitions(sink_->partition_count());
    const int64_t now_ms = sink_->wall_time_ms();
    const columnar::ChangeBatch values = select(batch, columns_.values);
    const columnar::ChangeBatch keys = select(batch, columns_.keys);
    for (size_t row = 0; row < batch.rows(); ++row) {
      value_.clear();
      encoders_.value->encode(values, row, value_);
      std::optional<std::string_view> key;
      if (!columns_.keys.empty()) key = encoders_.read_key(keys, row, key_);
      records_.add(partition_.of(key),
                   {timestamp_ms(batch, row, columns_, now_ms), key, value_, headers_.read(batch, row, columns_)});
    }
    return {};
  }

  Result<exec::Progress> on_barrier(Epoch epoch, exec::Output& /*out*/) override {
    sink_->stage(epoch, records_.take());
    return exec::Progress::kDone;
  }

  bool can_accept() const override { return sink_->has_room(); }
  void set_waker(std::function<void()> waker) override { sink_->on_room(std::move(waker)); }

 private:
  const std::shared_ptr<LogSink> sink_;
  const Encoders encoders_;
  const RecordColumns columns_;
  PartitionChoice partition_;
  HeadersOfRows headers_;
  RecordBatches records_;
  std::string key_;
  std::string value_;
};

// One instance, for rows that change: writes what an epoch has changed. All forms of a row come to one instance.
//
// Upserts: the last row of each key, or a record without a value where there is none any more. Events: of each row,
// what has gone, then what has come.
class ChangesSinkOperator : public exec::Operator {
 public:
  ChangesSinkOperator(std::shared_ptr<LogSink> sink, Encoders encoders, const types::Schema& schema,
                      RecordColumns columns, PartitionChoice partition, bool upserts)
      : sink_(std::move(sink)),
        encoders_(std::move(encoders)),
        columns_(std::move(columns)),
        partition_(partition),
        upserts_(upserts),
        changes_(schema, columns_.known_by) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    keys_.push_back(select(batch, columns_.keys.empty() ? columns_.known_by : columns_.keys));
    values_.push_back(select(batch, columns_.values));
    changes_.add(batch);
    return {};
  }

  Result<exec::Progress> on_barrier(Epoch epoch, exec::Output& /*out*/) override {
    partition_.set_partitions(sink_->partition_count());
    now_ms_ = sink_->wall_time_ms();
    changes_.take([&](const EpochChanges::KeyChange& change) {
      if (upserts_) return write_upsert(change);
      for (const EpochChanges::Row& row : change.removed) write_event(row);
      for (const EpochChanges::Row& row : change.added) write_event(row);
    });
    keys_.clear();
    values_.clear();
    sink_->stage(epoch, records_.take());
    return exec::Progress::kDone;
  }

  bool can_accept() const override { return sink_->has_room(); }
  void set_waker(std::function<void()> waker) override { sink_->on_room(std::move(waker)); }

 private:
  // To the partition of key_.
  void add_record(const EpochChanges::Row& row, std::optional<std::string_view> key,
                  std::optional<std::string_view> value) {
    const columnar::ChangeBatch& batch = changes_.batch(row.batch);
    records_.add(partition_.of(key_), {timestamp_ms(batch, row.row, columns_, now_ms_), key, value,
                                       headers_.read(batch, row.row, columns_)});
  }

  void write_upsert(const EpochChanges::KeyChange& change) {
    const bool gone = change.added.empty();
    const EpochChanges::Row& row = gone ? change.removed.back() : change.added.back();
    encoders_.read_key(keys_[row.batch], row.row, key_);
    value_.clear();
    if (!gone) encoders_.value->encode(values_[row.batch], row.row, value_);
    const std::optional<std::string_view> value = gone ? std::nullopt : std::optional<std::string_view>(value_);
    add_record(row, key_, value);
  }

  // Without a key of the record, all events of a row go to one partition too.
  void write_event(const EpochChanges::Row& row) {
    const std::optional<std::string_view> key = encoders_.read_key(keys_[row.batch], row.row, key_);
    value_.clear();
    encoders_.value->encode(values_[row.batch], row.row, value_);
    add_record(row, columns_.keys.empty() ? std::nullopt : key, value_);
  }

  const std::shared_ptr<LogSink> sink_;
  const Encoders encoders_;
  const RecordColumns columns_;
  PartitionChoice partition_;
  const bool upserts_;
  EpochChanges changes_;
  std::vector<columnar::ChangeBatch> keys_;  // of each batch of changes_, the columns by which a partition is chosen
  std::vector<columnar::ChangeBatch> values_;
  int64_t now_ms_ = 0;
  HeadersOfRows headers_;
  RecordBatches records_;
  std::string key_;
  std::string value_;
};

Result<std::unique_ptr<exec::Operator>> LogSink::make_operator(SinkInstance instance) {
  const PartitionChoice partition(table_.partition_of_instance ? std::optional(instance.number) : std::nullopt);
  RecordColumns columns;
  types::Schema physical;
  for (const SinkRequest::Metadata& metadata : request_.metadata) {
    (metadata.key == kHeadersMetadata ? columns.headers : columns.timestamp) = metadata.column;
  }
  for (size_t column = 0; column < request_.schema.size(); ++column) {
    if (column != columns.timestamp && column != columns.headers) physical.push_back(request_.schema[column]);
  }
  columns.keys = PENSTOCK_TRY(find(table_.format.columns_of_key(request_.primary_key)));
  columns.known_by = PENSTOCK_TRY(find(request_.primary_key));
  for (size_t column = 0; request_.primary_key.empty() && column < request_.schema.size(); ++column) {
    columns.known_by.push_back(column);
  }
  const types::Schema values = value_fields(table_.format, physical, request_.primary_key);
  for (const types::Field& field : values) {
    columns.values.push_back(static_cast<size_t>(types::find_field(request_.schema, field.name)));
  }
  auto encoder = PENSTOCK_TRY(format::RowEncoder::make(table_.format.value, values));
  Encoders encoders{.key = nullptr, .value = std::move(encoder)};
  if (table_.format.key) {
    const types::Schema fields = PENSTOCK_TRY(key_fields(table_.format, physical, request_.primary_key));
    encoders.key = PENSTOCK_TRY(format::RowEncoder::make(*table_.format.key, fields));
    encoders.raw_key = table_.format.key->kind == format::FormatKind::kRaw;
  }
  if (!table_.format.upserts && request_.append_only) {
    return std::make_unique<LogSinkOperator>(shared_from_this(), std::move(encoders), std::move(columns), partition);
  }
  return std::make_unique<ChangesSinkOperator>(shared_from_this(), std::move(encoders), request_.schema,
                                               std::move(columns), partition, table_.format.upserts);
}

Result<std::vector<size_t>> LogSink::find(const std::vector<std::string>& names) const {
  std::vector<size_t> columns;
  for (const std::string& name : names) {
    const int column = types::find_field(request_.schema, name);
    if (column < 0) return not_found("table \"{}\": key field \"{}\" is not written", request_.table, name);
    columns.push_back(static_cast<size_t>(column));
  }
  return columns;
}

void LogSink::stage(Epoch epoch, std::vector<Batch> batches) {
  if (batches.empty()) return;
  const std::lock_guard lock(mutex_);
  std::vector<Batch>& staged = staged_[epoch];
  std::ranges::move(batches, std::back_inserter(staged));
}

Status LogSink::commit(Epoch epoch, const Positions& positions) {
  PENSTOCK_TRY(pending_.begin(epoch));
  PositionStore::Commit commit{.records = {}, .positions = positions, .state = {}};
  size_t bytes = kCommitBytes;
  uint64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    std::vector<Batch> batches;
    if (auto node = staged_.extract(epoch)) batches = std::move(node.mapped());
    const int32_t partitions = partition_count();
    for (Batch& batch : batches) {
      bytes += batch.records.bytes.size();
      count += static_cast<uint64_t>(batch.count);
      int32_t partition = batch.partition;
      if (partition == kAnyPartition) {
        partition = next_partition_ % partitions;
        next_partition_ = partition + 1;
      }
      commit.records.emplace_back(log::TopicPartition{topic_, log::PartitionId(partition)}, std::move(batch.records));
    }
    // Only from here on, not when they are staged: an operator that waited for room before its barrier would hold up
    // the very epoch whose commit makes room.
    bytes_in_flight_.fetch_add(bytes, std::memory_order_acq_rel);
  }
  auto done = [self = shared_from_this(), epoch, bytes, count](const Status& status) {
    self->settled(epoch, bytes, count, status);
  };
  const Result<bool> written = store_->commit(std::move(commit), done);
  if (!written || !*written) settled(epoch, bytes, 0, written ? Status() : written.error());
  return {};
}

void LogSink::settled(Epoch epoch, size_t bytes, uint64_t records, const Status& status) {
  if (status) add_rows_written(records);
  pending_.settle(epoch, status);
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    const size_t before = bytes_in_flight_.fetch_sub(bytes, std::memory_order_acq_rel);
    if (before >= kBytesInFlightMax) wakers = wakers_;
  }
  for (const auto& waker : wakers) waker();
}

void LogSink::on_room(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

}  // namespace

int32_t partition_for_key(std::string_view key, int32_t partitions) {
  return static_cast<int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

Result<std::shared_ptr<Sink>> make_log_sink(const ConnectorContext& context, SinkRequest request) {
  LogTableOptions table = PENSTOCK_TRY(parse_log_table(request.table, request.options));
  if (table.topics.only() == nullptr) {
    return unsupported("table \"{}\" cannot be written to: it has several topics", request.table)
        .hint("write to a table of one of them");
  }
  const std::string& topic = *table.topics.only();
  if (log::is_reserved_name(topic)) {
    return make_error(ErrorCode::kPermissionDenied,
                      "table \"{}\" cannot be written to: its topic {} is reserved for Penstock itself", request.table,
                      topic);
  }
  if (!context.log->topic(topic)) {
    return not_found("topic \"{}\" of table \"{}\" does not exist", topic, request.table);
  }
  auto store = PENSTOCK_TRY(PositionStore::open(context, request.group));
  return std::make_shared<LogSink>(context, std::move(request), std::move(table), std::move(store));
}

}  // namespace penstock::connector
