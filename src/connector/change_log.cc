#include "connector/change_log.h"

#include <array>
#include <future>
#include <optional>
#include <string_view>
#include <utility>

#include "connector/kafka/partition_reader.h"
#include "log/record_batch.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::RowOp;

constexpr std::string_view kOpHeader = "op";
// A record batch is closed at this size, well below what a topic takes.
constexpr size_t kRecordBatchBytes = 1 << 20;

std::vector<ColumnBuilder> make_builders(const types::Schema& schema) {
  std::vector<ColumnBuilder> builders;
  for (const types::Field& field : schema) builders.emplace_back(field.type);
  return builders;
}

std::vector<columnar::ColumnPtr> finish(std::vector<ColumnBuilder>& builders) {
  std::vector<columnar::ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return columns;
}

// What the record's header says; nullopt when it says nothing that is known.
std::optional<RowOp> op_of(const log::Record& record) {
  log::HeaderReader headers(record);
  for (log::RecordHeader header; headers.next(&header);) {
    if (header.key != kOpHeader || !header.value) continue;
    if (*header.value == columnar::short_name(RowOp::kInsert)) return RowOp::kInsert;
    if (*header.value == columnar::short_name(RowOp::kDelete)) return RowOp::kDelete;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<ChangeLog>> ChangeLog::open(Options options) {
  auto changes = std::unique_ptr<ChangeLog>(new ChangeLog(std::move(options)));
  const Options& self = changes->options_;
  std::vector<size_t> wanted(self.schema.size());
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = i;
  changes->encoder_ = PENSTOCK_TRY(format::RowEncoder::make({}, self.schema));
  changes->decoder_ = PENSTOCK_TRY(format::RowDecoder::make({}, self.schema, wanted));
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

Status ChangeLog::replay(const std::function<Status(const ChangeBatch&)>& take) {
  const log::TopicPartition partition{options_.topic, log::PartitionId(0)};
  const log::Offset start = PENSTOCK_TRY(options_.log->log_start_offset(partition));
  const log::Offset end = PENSTOCK_TRY(options_.log->high_watermark(partition));
  PartitionReader reader(*options_.log, partition, start, end, {});
  std::vector<ColumnBuilder> builders = make_builders(options_.schema);
  std::vector<log::Record> records;
  std::vector<std::string_view> values;
  std::vector<format::FailedRecord> failed;
  while (!reader.at_end()) {
    PENSTOCK_TRY(reader.read(columnar::kBatchRowsMax, records));
    if (records.empty()) break;
    auto ops = std::make_shared<columnar::RowOps>();
    values.clear();
    for (const log::Record& record : records) {
      const std::optional<RowOp> op = op_of(record);
      if (!op || !record.value) {
        return make_error(ErrorCode::kCorruption, "topic {}, offset {}: this record is no change of a table",
                          options_.topic, record.offset);
      }
      ops->push_back(*op);
      values.push_back(*record.value);
    }
    failed.clear();
    decoder_->decode(values, reader.readable(), builders, failed);
    if (!failed.empty()) {
      return make_error(ErrorCode::kCorruption, "topic {}, offset {}: {}", options_.topic,
                        records[failed.front().record].offset, failed.front().message);
    }
    PENSTOCK_TRY(take(ChangeBatch(records.size(), finish(builders), std::move(ops))));
  }
  return {};
}

Status ChangeLog::append(std::span<const ChangeBatch> changes) {
  const int64_t now_ms = options_.env->wall_time_us() / 1000;
  const log::TopicPartition partition{options_.topic, log::PartitionId(0)};
  std::vector<std::pair<log::TopicPartition, log::SharedBytes>> appended;
  log::RecordBatchBuilder builder;
  size_t bytes = 0;
  const auto close_batch = [&] {
    if (builder.records_count() > 0) appended.emplace_back(partition, builder.finish_shared());
    bytes = 0;
  };
  std::string text;
  std::string key;
  std::vector<size_t> ends;
  for (const ChangeBatch& batch : changes) {
    text.clear();
    ends.clear();
    encoder_->encode_all(batch, text, ends);
    const ChangeBatch keys = batch.with_columns(batch.columns_at(options_.key));
    for (size_t row = 0, begin = 0; row < batch.rows(); begin = ends[row++]) {
      key.clear();
      if (key_encoder_ != nullptr) key_encoder_->encode(keys, row, key);
      const RowOp op = batch.weight(row) > 0 ? RowOp::kInsert : RowOp::kDelete;
      const std::array<log::RecordHeader, 1> headers{{{kOpHeader, columnar::short_name(op)}}};
      builder.add(now_ms, key_encoder_ == nullptr ? std::nullopt : std::optional<std::string_view>(key),
                  std::string_view(text).substr(begin, ends[row] - begin), headers);
      bytes += key.size() + ends[row] - begin;
      if (bytes >= kRecordBatchBytes) close_batch();
    }
  }
  close_batch();
  if (appended.empty()) return {};
  const auto done = std::make_shared<std::promise<Status>>();
  options_.log->append_together(std::move(appended), "", {},
                                [done](Status status) { done->set_value(std::move(status)); });
  return done->get_future().get();
}

}  // namespace penstock::connector
