#include "connector/log_source.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "columnar/change_batch.h"
#include "connector/log_table.h"
#include "connector/partition_reader.h"
#include "connector/scan_transform.h"
#include "connector/timer.h"
#include "format/decoder.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using exec::SourceState;

// How many batches one poll() may give before other tasks of the worker have their turn.
constexpr int kBatchesPerPoll = 8;

// What the instances of one scan share. Immutable but for the progress.
struct LogScan {
  ConnectorContext context;
  LogTableOptions options;
  OptionMap option_map;
  ScanRequest request;
  int parallelism = 1;
  std::shared_ptr<ScanProgress> progress;
};

std::optional<log::Offset> find(const Positions& positions, const log::TopicPartition& partition) {
  for (const auto& [id, offset] : positions) {
    if (id == partition) return offset;
  }
  return std::nullopt;
}

// One instance: the partitions p with p mod parallelism == instance.
class LogSource : public exec::Source {
 public:
  LogSource(std::shared_ptr<const LogScan> scan, int instance, std::unique_ptr<format::RowDecoder> decoder)
      : scan_(std::move(scan)),
        instance_(instance),
        decoder_(std::move(decoder)),
        transform_(scan_->request),
        watermarks_(0, scan_->options.idle_timeout_us, scan_->context.env->monotonic_time_us()) {
    for (const types::Field& field : scan_->request.physical) builders_.emplace_back(field.type, kBatchRowsMax);
  }

  ~LogSource() override {
    topics_subscription_.reset();
    readers_.clear();
    if (timer_ != 0) scan_->context.timer->cancel(timer_);
  }

  void set_waker(std::function<void()> waker) override {
    waker_ = std::move(waker);
    if (scan_->request.bounded) return;
    if (holding_) scan_->progress->on_release(waker_);
    topics_subscription_ = scan_->context.log->on_topics_changed([this] {
      topics_changed_.store(true);
      waker_();
    });
  }

  Result<SourceState> poll(exec::SourceOutput& out) override {
    if (holding_ && scan_->progress->released()) {
      holding_ = false;
      for (const auto& reader : readers_) reader->set_end(std::nullopt);
    }
    if (topics_changed_.exchange(false)) {
      PENSTOCK_TRY(assign_partitions());
      out.emit({});  // an epoch ends that tells of the partitions
    }
    int batches = 0;
    for (size_t tried = 0; tried < readers_.size() && batches < kBatchesPerPoll; ++tried) {
      const size_t partition = next_reader_;
      next_reader_ = (next_reader_ + 1) % readers_.size();
      while (readers_[partition]->may_have_more() && batches < kBatchesPerPoll) {
        PENSTOCK_TRY(readers_[partition]->read(kBatchRowsMax, records_));
        if (records_.empty()) break;
        emit_records(partition, out);
        ++batches;
      }
    }
    const int64_t now_us = scan_->context.env->monotonic_time_us();
    if (transform_.has_watermark()) {
      watermarks_.check_idle(now_us);
      out.watermark(watermarks_.current());
    }
    if (batches > 0) return SourceState::kMore;
    if (scan_->request.bounded) {
      const bool ended = std::ranges::all_of(readers_, [](const auto& reader) { return reader->at_end(); });
      if (ended) return SourceState::kEnded;
    }
    wake_when_idle();
    return SourceState::kWaiting;
  }

  Status on_barrier(Epoch epoch) override {
    Positions positions;
    for (const auto& reader : readers_) positions.emplace_back(reader->partition(), reader->position());
    scan_->progress->note(instance_, epoch, std::move(positions));
    return {};
  }

 private:
  // Takes up the partitions that have come since the last time.
  Status assign_partitions() {
    const std::optional<log::TopicInfo> topic = scan_->context.log->topic(scan_->options.topic);
    if (!topic) {
      if (readers_.empty()) return {};
      return not_found("topic \"{}\" of table \"{}\" was deleted", scan_->options.topic, scan_->request.table);
    }
    const int64_t now_us = scan_->context.env->monotonic_time_us();
    for (; partitions_seen_ < topic->partitions; ++partitions_seen_) {
      if (partitions_seen_ % scan_->parallelism != instance_) continue;
      const log::TopicPartition partition{scan_->options.topic, log::PartitionId(partitions_seen_)};
      const log::Offset start = PENSTOCK_TRY(start_offset(partition));
      std::optional<log::Offset> end;
      if (scan_->request.bounded) end = PENSTOCK_TRY(scan_->context.log->high_watermark(partition));
      if (holding_) end = find(*scan_->request.hold, partition).value_or(start);
      readers_.push_back(
          std::make_unique<PartitionReader>(*scan_->context.log, partition, start, end, [this] { waker_(); }));
      scan_->progress->add_partition(readers_.back()->progress());
      watermarks_.add_partition(now_us);
    }
    return {};
  }

  Result<log::Offset> start_offset(const log::TopicPartition& partition) const {
    if (const auto given = find(scan_->request.start, partition)) return *given;
    const LogTableOptions& options = scan_->options;
    log::Log& log = *scan_->context.log;
    if (options.startup == StartupMode::kLatest && !scan_->request.bounded) return log.high_watermark(partition);
    if (options.startup == StartupMode::kTimestamp) {
      const auto found = PENSTOCK_TRY(log.offset_for_time(partition, options.startup_timestamp_ms));
      if (found) return found->offset;
      return log.high_watermark(partition);
    }
    if (options.startup == StartupMode::kSpecificOffsets) {
      const auto it = options.startup_offsets.find(partition.partition.value());
      if (it != options.startup_offsets.end()) return log::Offset(it->second);
    }
    return log.log_start_offset(partition);
  }

  void emit_records(size_t partition, exec::SourceOutput& out) {
    const int64_t now_us = scan_->context.env->monotonic_time_us();
    scan_->progress->add_read(records_.size());
    std::erase_if(records_, [](const log::Record& record) { return !record.value; });  // tombstones have no row
    values_.clear();
    for (const log::Record& record : records_) values_.push_back(*record.value);
    failed_.clear();
    decoder_->decode(values_, readers_[partition]->readable(), builders_, failed_);
    drop_failed_records(partition);

    std::vector<ColumnPtr> columns;
    columns.reserve(builders_.size() + scan_->request.metadata.size());
    for (ColumnBuilder& builder : builders_) columns.push_back(builder.finish());
    for (const MetadataColumn& metadata : scan_->request.metadata)
      columns.push_back(metadata_column(partition, metadata));
    ScanTransform::Result rows =
        transform_.apply(ChangeBatch(records_.size(), std::move(columns)), scan_->context.env->wall_time_us(),
                         [&](size_t row, std::string_view error) { dead_letter(partition, records_[row], error); });
    if (rows.watermark) watermarks_.advance(partition, *rows.watermark, now_us);
    // Without rows too: it says that something was read, so that an epoch ends that tells how far.
    out.emit(std::move(rows.batch));
  }

  // Afterwards record i is the one of row i.
  void drop_failed_records(size_t partition) {
    if (failed_.empty()) return;
    size_t next_failed = 0;
    size_t kept = 0;
    for (size_t i = 0; i < records_.size(); ++i) {
      if (next_failed == failed_.size() || failed_[next_failed].record != i) {
        records_[kept++] = records_[i];
        continue;
      }
      const format::FailedRecord& failed = failed_[next_failed++];
      if (!failed.ignored) dead_letter(partition, records_[i], failed.message);
    }
    records_.resize(kept);
  }

  ColumnPtr metadata_column(size_t partition, const MetadataColumn& metadata) const {
    ColumnBuilder builder(metadata.type, records_.size());
    for (const log::Record& record : records_) {
      if (metadata.key == "offset") {
        builder.append_int64(record.offset);
      } else if (metadata.key == "partition") {
        builder.append_int64(readers_[partition]->partition().partition.value());
      } else if (metadata.key == "timestamp") {
        builder.append_int64(record.timestamp_ms * 1000);
      } else if (metadata.key == "topic") {
        builder.append_string(scan_->options.topic);
      } else if (metadata.key == "timestamp-type") {
        builder.append_string("CreateTime");
      } else if (record.key) {
        builder.append_string(*record.key);
      } else {
        builder.append_null();
      }
    }
    return builder.finish();
  }

  void dead_letter(size_t partition, const log::Record& record, std::string_view error) const {
    scan_->context.dead_letters->add({.table = scan_->request.table,
                                      .topic = scan_->options.topic,
                                      .partition = readers_[partition]->partition().partition.value(),
                                      .offset = record.offset,
                                      .raw = record.value.value_or(std::string_view()),
                                      .error = error});
  }

  void wake_when_idle() {
    if (!transform_.has_watermark() || scan_->request.bounded) return;
    const std::optional<int64_t> at_us = watermarks_.next_idle_at_us();
    if (!at_us || at_us == timer_at_us_) return;
    if (timer_ != 0) scan_->context.timer->cancel(timer_);
    timer_at_us_ = at_us;
    timer_ = scan_->context.timer->call_at(*at_us, waker_);
  }

  const std::shared_ptr<const LogScan> scan_;
  const int instance_;
  const std::unique_ptr<format::RowDecoder> decoder_;
  const ScanTransform transform_;
  PartitionWatermarks watermarks_;
  std::vector<ColumnBuilder> builders_;
  std::function<void()> waker_;
  bool holding_ = scan_->request.hold.has_value();
  std::atomic<bool> topics_changed_{true};
  int32_t partitions_seen_ = 0;
  size_t next_reader_ = 0;
  std::vector<log::Record> records_;
  std::vector<std::string_view> values_;
  std::vector<format::FailedRecord> failed_;
  Timer::Id timer_ = 0;
  std::optional<int64_t> timer_at_us_;
  std::vector<std::unique_ptr<PartitionReader>> readers_;
  std::unique_ptr<log::Subscription> topics_subscription_;
};

}  // namespace

Result<SourcePlan> plan_log_source(const ConnectorContext& context, ScanRequest request) {
  auto scan = std::make_shared<LogScan>();
  scan->context = context;
  scan->options = PENSTOCK_TRY(parse_log_table(request.table, *request.options));
  const std::optional<log::TopicInfo> topic = context.log->topic(scan->options.topic);
  if (!topic) return not_found("topic \"{}\" of table \"{}\" does not exist", scan->options.topic, request.table);
  scan->parallelism = request.bounded ? 1 : std::max(1, std::min<int>(context.parallelism, topic->partitions));
  scan->progress = std::make_shared<ScanProgress>();
  scan->progress->set_topics({scan->options.topic});
  scan->request = std::move(request);
  scan->request.options = nullptr;  // not kept: it belongs to the caller
  PENSTOCK_TRY(make_row_decoder(scan->options.format, scan->request.columns, scan->request.physical));

  SourcePlan plan;
  plan.parallelism = scan->parallelism;
  plan.bounded = scan->request.bounded;
  plan.progress = scan->progress;
  plan.make =
      [scan = std::shared_ptr<const LogScan>(std::move(scan))](int instance) -> Result<std::unique_ptr<exec::Source>> {
    auto decoder = PENSTOCK_TRY(make_row_decoder(scan->options.format, scan->request.columns, scan->request.physical));
    return std::make_unique<LogSource>(scan, instance, std::move(decoder));
  };
  return plan;
}

}  // namespace penstock::connector
