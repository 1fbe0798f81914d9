#include "connector/log_sink.h"

#include <algorithm>
#include <utility>

#include "columnar/change_batch.h"
#include "format/encoder.h"
#include "log/record_batch.h"

namespace penstock::connector {

namespace {

constexpr int32_t kAnyPartition = -1;
constexpr size_t kRecordBatchBytes = 512 << 10;

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

}  // namespace

int32_t partition_for_key(std::string_view key, int32_t partitions) {
  return static_cast<int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

// One instance. Encodes rows as they come, and hands the epoch's records over at its barrier.
class LogSinkOperator : public exec::Operator {
 public:
  LogSinkOperator(std::shared_ptr<LogSink> sink, std::unique_ptr<format::RowEncoder> encoder,
                  std::vector<size_t> key_columns)
      : sink_(std::move(sink)), encoder_(std::move(encoder)), key_columns_(std::move(key_columns)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    const int32_t partitions = key_columns_.empty() ? 0 : partition_count();
    const int64_t now_ms = sink_->context_.env->wall_time_us() / 1000;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (batch.weight(row) < 0) {
        return unsupported("table \"{}\" takes only inserts, but the query changes rows that it gave before",
                           sink_->options_.table)
            .hint("write a query whose result only grows, such as a window aggregate");
      }
      value_.clear();
      encoder_->encode(batch, row, value_);
      if (key_columns_.empty()) {
        add(kAnyPartition, now_ms, std::nullopt);
      } else {
        key_.clear();
        for (const size_t column : key_columns_) {
          if (!key_.empty()) key_ += '|';
          types::append_text(key_, batch.column(column)->value(row), batch.column(column)->type());
        }
        add(partition_for_key(key_, partitions), now_ms, key_);
      }
    }
    return {};
  }

  Result<exec::Progress> on_barrier(Epoch epoch, exec::Output& /*out*/) override {
    for (auto& [partition, builder] : builders_) close(partition, builder);
    if (!closed_.empty()) sink_->stage(epoch, std::exchange(closed_, {}));
    return exec::Progress::kDone;
  }

  bool can_accept() const override { return sink_->has_room(); }
  void set_waker(std::function<void()> waker) override { sink_->on_room(std::move(waker)); }

 private:
  int32_t partition_count() const {
    const auto topic = sink_->context_.log->topic(sink_->table_.topic);
    return topic ? topic->partitions : 1;
  }

  void add(int32_t partition, int64_t now_ms, std::optional<std::string_view> key) {
    log::RecordBatchBuilder& builder = builders_[partition];
    builder.add(now_ms, key, value_);
    if (builder.size_bytes() >= kRecordBatchBytes) close(partition, builder);
  }

  void close(int32_t partition, log::RecordBatchBuilder& builder) {
    const int32_t count = builder.records_count();
    if (count > 0) closed_.push_back({.partition = partition, .records = builder.finish_shared(), .count = count});
  }

  const std::shared_ptr<LogSink> sink_;
  const std::unique_ptr<format::RowEncoder> encoder_;
  const std::vector<size_t> key_columns_;
  std::map<int32_t, log::RecordBatchBuilder> builders_;
  std::vector<LogSink::Batch> closed_;
  std::string key_;
  std::string value_;
};

LogSink::LogSink(const ConnectorContext& context, Options options, LogTableOptions table)
    : context_(context), options_(std::move(options)), table_(std::move(table)) {}

Result<std::shared_ptr<LogSink>> LogSink::make(const ConnectorContext& context, Options options) {
  LogTableOptions table = PENSTOCK_TRY(parse_log_table(options.table, options.options));
  if (!context.log->topic(table.topic)) {
    return not_found("topic \"{}\" of table \"{}\" does not exist", table.topic, options.table);
  }
  return std::shared_ptr<LogSink>(new LogSink(context, std::move(options), std::move(table)));
}

Result<std::unique_ptr<exec::Operator>> LogSink::make_operator() {
  std::vector<size_t> key_columns;
  for (const std::string& field : table_.key_fields) {
    const int column = types::find_field(options_.schema, field);
    if (column < 0) return not_found("table \"{}\": key field \"{}\" is not written", options_.table, field);
    key_columns.push_back(static_cast<size_t>(column));
  }
  auto encoder = PENSTOCK_TRY(format::RowEncoder::make(table_.format, options_.schema));
  return std::make_unique<LogSinkOperator>(shared_from_this(), std::move(encoder), std::move(key_columns));
}

void LogSink::stage(Epoch epoch, std::vector<Batch> batches) {
  const std::lock_guard lock(mutex_);
  std::vector<Batch>& staged = staged_[epoch];
  std::ranges::move(batches, std::back_inserter(staged));
}

Status LogSink::commit(Epoch epoch, const Positions& positions) {
  std::vector<std::pair<log::TopicPartition, log::SharedBytes>> records;
  std::vector<std::pair<log::TopicPartition, log::CommittedOffset>> offsets;
  size_t bytes = 0;
  uint64_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    const auto topic = context_.log->topic(table_.topic);
    if (!topic) return not_found("topic \"{}\" of table \"{}\" was deleted", table_.topic, options_.table);
    std::vector<Batch> batches;
    if (auto node = staged_.extract(epoch)) batches = std::move(node.mapped());
    // Nothing to write and nowhere new: an idle epoch costs no disk write.
    if (batches.empty() && positions == positions_committed_) return {};
    positions_committed_ = positions;
    for (Batch& batch : batches) {
      bytes += batch.records.bytes.size();
      count += static_cast<uint64_t>(batch.count);
      int32_t partition = batch.partition;
      if (partition == kAnyPartition) partition = next_partition_++ % topic->partitions;
      records.emplace_back(log::TopicPartition{table_.topic, log::PartitionId(partition)}, std::move(batch.records));
    }
    ++commits_in_flight_;
    // Only from here on, not when they are staged: an operator that waited for room before its barrier would hold up
    // the very epoch whose commit makes room.
    bytes_in_flight_.fetch_add(bytes, std::memory_order_acq_rel);
  }
  const int64_t now_ms = context_.env->wall_time_us() / 1000;
  for (const auto& [partition, offset] : positions) {
    offsets.emplace_back(partition, log::CommittedOffset{.offset = offset, .metadata = "", .commit_time_ms = now_ms});
  }
  context_.log->append_together(
      std::move(records), options_.group, std::move(offsets),
      [self = shared_from_this(), bytes, count](Status status) { self->settled(bytes, count, status); });
  return {};
}

void LogSink::settled(size_t bytes, uint64_t records, const Status& status) {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    if (!status && !failure_) failure_ = status.error();
    if (status) records_written_.fetch_add(records, std::memory_order_relaxed);
    --commits_in_flight_;
    const size_t before = bytes_in_flight_.fetch_sub(bytes, std::memory_order_acq_rel);
    if (before >= kBytesInFlightMax) wakers = wakers_;
    drained_.notify_all();
  }
  for (const auto& waker : wakers) waker();
}

Positions LogSink::committed() const {
  Positions positions;
  for (const auto& [partition, committed] : context_.log->committed_offsets(options_.group)) {
    positions.emplace_back(partition, committed.offset);
  }
  return positions;
}

void LogSink::on_room(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

Status LogSink::drain() {
  std::unique_lock lock(mutex_);
  drained_.wait(lock, [&] { return commits_in_flight_ == 0; });
  if (failure_) return *failure_;
  return {};
}

}  // namespace penstock::connector
