#include "connector/kafka/log_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "connector/kafka/log_scan_progress.h"
#include "connector/kafka/log_sink.h"
#include "connector/kafka/log_table.h"
#include "connector/kafka/log_topics.h"
#include "connector/kafka/partition_reader.h"
#include "connector/record_rows.h"
#include "connector/record_time.h"
#include "connector/scan_transform.h"
#include "connector/table_format.h"
#include "connector/timer.h"
#include "connector/watermark_alignment.h"
#include "format/debezium_metadata.h"
#include "types/nested.h"

namespace penstock::connector {

namespace {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using exec::SourceState;

// How many batches one poll() may give before other tasks of the worker have their turn.
constexpr int kBatchesPerPoll = 8;

// That a partition has been read to the end of its table, and its watermark is at the end of time, is a position too:
// that of this split, 1.
log::TopicPartition end_split(const log::TopicPartition& partition) {
  return {.topic = "end:" + partition.topic, .partition = partition.partition};
}

// Where a job that is new begins.
Result<log::Offset> find_first(log::Log& log, const LogTableOptions& options, const log::TopicPartition& partition) {
  if (options.startup == StartupMode::kLatest) return log.high_watermark(partition);
  if (options.startup == StartupMode::kTimestamp) {
    const auto found = PENSTOCK_TRY(log.offset_for_time(partition, options.startup_timestamp_ms));
    if (found) return found->offset;
    return log.high_watermark(partition);
  }
  if (options.startup == StartupMode::kSpecificOffsets) {
    const auto it = options.startup_offsets.find(partition);
    if (it != options.startup_offsets.end()) return log::Offset(it->second);
  }
  return log.log_start_offset(partition);
}

// What the instances of one scan share. Immutable but for the progress.
struct LogScan {
  ConnectorContext context;
  LogTableOptions options;
  std::map<std::string, log::TopicId> topic_ids;  // of the topics that there were when it was planned
  ScanRequest request;
  std::optional<Positions> last;  // where a bounded scan ends; partitions that are not named are not read
  int parallelism = 1;
  std::shared_ptr<LogScanProgress> progress;
  std::shared_ptr<AlignmentGroup> alignment;  // null: it waits for nobody
  size_t first_member = 0;                    // the number of the first instance there
};

// The headers of a record as a MAP: of those with one key the last.
void append_headers(const log::Record& record, ColumnBuilder& builder) {
  const types::DataType type = builder.type();
  types::EntryWriter entries(type);
  log::HeaderReader headers(record);
  for (log::RecordHeader header; headers.next(&header);) {
    std::string key;
    types::SlotWriter(key, type.parts()[0].type).append_string(header.key);
    std::string value;
    types::SlotWriter values(value, type.parts()[1].type);
    header.value ? values.append_string(*header.value) : values.append_null();
    entries.add(key, value);
  }
  std::string map;
  entries.finish(map);
  builder.append_string(map);
}

// Records of one partition.
class LogOrigin : public RecordOrigin {
 public:
  // `events`: null, unless the records are events that have metadata.
  LogOrigin(const log::TopicPartition& partition, std::span<const log::Record> records,
            format::DebeziumMetadata* events)
      : partition_(partition), records_(records), events_(events) {}

  DeadLetter dead_letter(size_t record) const override {
    return {.topic = partition_.topic, .partition = partition_.partition.value(), .offset = records_[record].offset};
  }

  std::vector<ColumnPtr> metadata(std::span<const MetadataColumn> columns,
                                  std::span<const uint32_t> records) const override {
    const std::vector<ColumnPtr> of_events = events_ == nullptr ? std::vector<ColumnPtr>() : events(columns, records);
    std::vector<ColumnPtr> out;
    auto next = of_events.begin();
    for (const MetadataColumn& column : columns) {
      out.push_back(is_of_event(column) ? *next++ : metadata(column, records));
    }
    return out;
  }

 private:
  bool is_of_event(const MetadataColumn& column) const {
    return events_ != nullptr && column.key.starts_with(kValueMetadata);
  }

  // What the events say, all at once: each is parsed for it.
  std::vector<ColumnPtr> events(std::span<const MetadataColumn> columns, std::span<const uint32_t> records) const {
    types::Schema wanted;
    for (const MetadataColumn& column : columns) {
      if (is_of_event(column)) wanted.push_back({column.key.substr(kValueMetadata.size()), column.type});
    }
    if (wanted.empty()) return {};
    std::vector<std::string_view> values;
    for (const uint32_t number : records) values.push_back(records_[number].value.value_or(""));
    return events_->read(values, wanted);
  }

  ColumnPtr metadata(const MetadataColumn& column, std::span<const uint32_t> records) const {
    ColumnBuilder builder(column.type, records.size());
    for (const uint32_t number : records) {
      const log::Record& record = records_[number];
      if (column.key == "offset") {
        builder.append_int64(record.offset);
      } else if (column.key == "partition") {
        builder.append_int64(partition_.partition.value());
      } else if (column.key == kHeadersMetadata) {
        append_headers(record, builder);
      } else if (column.key == kTimestampMetadata) {
        builder.append_int64(record_time_as(column.type, record.timestamp_ms));
      } else if (column.key == "topic") {
        builder.append_string(partition_.topic);
      } else if (column.key == "timestamp-type") {
        builder.append_string(record.log_append_time ? "LogAppendTime" : "CreateTime");
      } else if (record.key) {
        builder.append_string(*record.key);
      } else {
        builder.append_null();
      }
    }
    return builder.finish();
  }

  const log::TopicPartition& partition_;
  const std::span<const log::Record> records_;
  format::DebeziumMetadata* const events_;
};

// One instance. With a parallelism of n it reads every n-th partition of a topic; which one is the first depends on
// the topic, so that the partitions of many small topics are spread too.
class LogSource : public exec::Source {
 public:
  LogSource(std::shared_ptr<const LogScan> scan, int instance, RecordRows rows)
      : scan_(std::move(scan)),
        instance_(instance),
        rows_(std::move(rows)),
        watermarks_(scan_->request, scan_->options.idle_timeout_us),
        wake_up_(*scan_->context.timer),
        records_max_(std::min(scan_->context.batch_rows_max, rows_.records_max())) {
    const format::FormatOptions& format = scan_->options.format.value;
    if (format.is_events()) events_ = std::make_unique<format::DebeziumMetadata>(format);
  }

  void set_waker(std::function<void()> waker) override {
    waker_ = std::move(waker);
    if (scan_->request.bounded) return;
    if (scan_->alignment != nullptr) scan_->alignment->set_waker(member(), waker_);
    wake_up_.set_waker(waker_);
    if (holding_) scan_->progress->on_release(waker_);
    if (scan_->last) return;
    topics_subscription_ = scan_->context.log->on_topics_changed([this] {
      topics_changed_.store(true);
      waker_();
    });
  }

  Result<SourceState> poll(exec::SourceOutput& out) override {
    if (holding_ && scan_->progress->released()) {
      holding_ = false;
      for (const auto& reader : readers_) reader->set_end(last_offset(reader->partition()));
    }
    if (topics_changed_.exchange(false)) {
      PENSTOCK_TRY(assign_partitions());
      out.emit({});  // an epoch ends that tells of the partitions
    }
    const EventTime least = scan_->alignment == nullptr ? kMaxEventTime : scan_->alignment->least();
    const int batches = PENSTOCK_TRY(read_some(alignment_limit(least, scan_->options.alignment.max_drift_us), out));
    end_partitions();
    // At once, not at the next poll: the epoch that covers the last record has the end of time in it.
    if (scan_->last && std::ranges::all_of(ended_, std::identity())) {
      scan_->progress->instance_ended();
      watermarks_.finish();
      if (scan_->alignment != nullptr) scan_->alignment->tell(member(), kMaxEventTime);
      return SourceState::kEnded;
    }
    const bool ahead = scan_->alignment != nullptr && tell_alignment();
    if (rows_.tells_watermark()) {
      if (holding_ && std::ranges::all_of(readers_, [](const auto& reader) { return reader->at_end(); })) {
        watermarks_.restore(scan_->request.hold->watermark);
      }
      watermarks_.check_idle(scan_->context.env->monotonic_time_us());
      watermarks_.tell(out);
    }
    if (batches > 0 || (ahead && !scan_->alignment->wait(member(), least))) return SourceState::kMore;
    if (rows_.tells_watermark() && !scan_->request.bounded) wake_up_.at(watermarks_.next_idle_at_us());
    return SourceState::kWaiting;
  }

  void on_refused() override {
    scan_->progress->refuse();
    if (scan_->alignment != nullptr) scan_->alignment->tell(member(), kMaxEventTime);
  }
  bool holding() const override { return holding_; }

  Status on_barrier(Epoch epoch) override {
    Positions positions;
    for (size_t i = 0; i < readers_.size(); ++i) {
      positions.emplace_back(readers_[i]->partition(), readers_[i]->position());
      if (ended_[i]) positions.emplace_back(end_split(readers_[i]->partition()), log::Offset(1));
    }
    scan_->progress->note(instance_, epoch, {.positions = std::move(positions), .watermark = watermarks_.told()});
    return {};
  }

 private:
  // Reads partitions in turn that are not further than `limit`; gives the number of batches.
  Result<int> read_some(EventTime limit, exec::SourceOutput& out) {
    int batches = 0;
    for (size_t tried = 0; tried < readers_.size() && batches < kBatchesPerPoll; ++tried) {
      const size_t partition = next_reader_;
      next_reader_ = (next_reader_ + 1) % readers_.size();
      while (readers_[partition]->may_have_more() && batches < kBatchesPerPoll && watermarks_.of(partition) <= limit) {
        const log::Offset before = readers_[partition]->position();
        PENSTOCK_TRY(readers_[partition]->read(records_max_, records_));
        if (records_.empty()) {
          if (readers_[partition]->position() != before) out.emit({});  // an epoch ends that tells how far
          break;
        }
        emit_records(partition, out);
        ++batches;
      }
    }
    return batches;
  }

  size_t member() const { return scan_->first_member + static_cast<size_t>(instance_); }

  // Tells the group how far this is in what there is to read; whether there is something.
  bool tell_alignment() {
    const int64_t now_us = scan_->context.env->monotonic_time_us();
    EventTime least = kMaxEventTime;
    bool more = false;
    for (size_t i = 0; i < readers_.size(); ++i) {
      if (!readers_[i]->may_have_more()) continue;
      more = true;
      least = std::min(least, watermarks_.of(i));
      watermarks_.advance(i, kMinEventTime, now_us);  // what waits for others is not idle
    }
    scan_->alignment->tell(member(), least);
    return more;
  }

  // Takes up the topics and partitions that have come since the last time.
  Status assign_partitions() {
    const std::vector<log::TopicInfo> topics = scan_->options.topics.find(*scan_->context.log);
    for (const auto& [name, seen] : seen_) {
      if (std::ranges::find(topics, name, &log::TopicInfo::name) == topics.end()) return deleted(name);
    }
    for (const log::TopicInfo& topic : topics) PENSTOCK_TRY(assign_partitions(topic));
    return {};
  }

  Error deleted(const std::string& topic) const {
    return not_found("topic \"{}\" of table \"{}\" was deleted", topic, scan_->request.table);
  }

  Status assign_partitions(const log::TopicInfo& topic) {
    const auto planned = scan_->topic_ids.find(topic.name);
    Seen& seen = seen_.try_emplace(topic.name, Seen{.id = topic.id}).first->second;
    // One of the same name that was made anew has other records at the same offsets.
    const bool is_other = planned != scan_->topic_ids.end() && planned->second != topic.id;
    if (is_other || seen.id != topic.id) return deleted(topic.name);
    scan_->progress->add_topic(topic);
    const bool alone = scan_->options.topics.only() != nullptr;
    const int first = alone ? 0 : partition_for_key(topic.name, scan_->parallelism);
    const int64_t now_us = scan_->context.env->monotonic_time_us();
    for (; seen.partitions < topic.partitions; ++seen.partitions) {
      if ((first + seen.partitions) % scan_->parallelism != instance_) continue;
      const log::TopicPartition partition{topic.name, log::PartitionId(seen.partitions)};
      if (scan_->last && !find_position(*scan_->last, partition)) continue;
      const log::Offset start = PENSTOCK_TRY(start_offset(partition));
      std::optional<log::Offset> end = last_offset(partition);
      if (holding_) end = find_position(scan_->request.hold->positions, partition).value_or(start);
      readers_.push_back(
          std::make_unique<PartitionReader>(*scan_->context.log, partition, start, end, callbacks(partition)));
      ended_.push_back(false);
      scan_->progress->add_partition(*readers_.back());
      watermarks_.add(now_us);
    }
    return {};
  }

  PartitionReader::Callbacks callbacks(const log::TopicPartition& partition) {
    return {.wake = [this] { waker_(); },
            .unreadable =
                [this, partition](const UnreadableRecords& records) {
                  scan_->context.dead_letters->add({.table = scan_->request.table,
                                                    .topic = partition.topic,
                                                    .partition = partition.partition.value(),
                                                    .offset = records.offset.value(),
                                                    .raw = records.batch,
                                                    .error = records.error});
                }};
  }

  std::optional<log::Offset> last_offset(const log::TopicPartition& partition) const {
    return scan_->last ? find_position(*scan_->last, partition) : std::nullopt;
  }

  // Takes partitions of a bounded scan to the end of time that have been read to their ends.
  void end_partitions() {
    if (!scan_->last) return;
    for (size_t i = 0; i < readers_.size(); ++i) {
      if (ended_[i] || !readers_[i]->at_end()) continue;
      if (holding_ && !find_position(scan_->request.hold->positions, end_split(readers_[i]->partition()))) continue;
      ended_[i] = true;
      watermarks_.end(i);
    }
  }

  Result<log::Offset> start_offset(const log::TopicPartition& partition) const {
    if (const auto given = find_position(scan_->request.start, partition)) return *given;
    if (scan_->request.bounded && scan_->options.startup == StartupMode::kLatest) {
      return scan_->context.log->log_start_offset(partition);
    }
    return find_first(*scan_->context.log, scan_->options, partition);
  }

  void emit_records(size_t partition, exec::SourceOutput& out) {
    const PartitionReader& reader = *readers_[partition];
    scan_->progress->add_read(records_.size());
    values_.clear();
    keys_.clear();
    for (const log::Record& record : records_) {
      values_.push_back(record.value.value_or(std::string_view()));
      if (scan_->options.format.reads_keys()) keys_.push_back(record.key.value_or(std::string_view()));
    }
    const LogOrigin origin(reader.partition(), records_, events_.get());
    watermarks_.emit(partition, rows_.read({.values = values_, .keys = keys_, .readable = reader.readable()}, origin),
                     scan_->context.env->monotonic_time_us(), out);
  }

  const std::shared_ptr<const LogScan> scan_;
  const int instance_;
  RecordRows rows_;
  SplitWatermarks watermarks_;  // in the order of readers_
  WakeUp wake_up_;
  const size_t records_max_;  // of a batch
  std::function<void()> waker_;
  bool holding_ = scan_->request.hold.has_value();
  std::atomic<bool> topics_changed_{true};
  struct Seen {
    log::TopicId id;
    int32_t partitions = 0;
  };
  std::map<std::string, Seen> seen_;  // topics, by name
  size_t next_reader_ = 0;
  std::vector<log::Record> records_;
  std::vector<std::string_view> values_;
  std::vector<std::string_view> keys_;                // of tables that read them
  std::unique_ptr<format::DebeziumMetadata> events_;  // null: the records are no events
  std::vector<std::unique_ptr<PartitionReader>> readers_;
  std::vector<bool> ended_;  // by reader
  std::unique_ptr<log::Subscription> topics_subscription_;
};

// Where a bounded scan ends, by partition: fixed before it starts, so that all who ask get one answer.
Result<Positions> find_last(log::Log& log, const LogTableOptions& options, const std::vector<log::TopicInfo>& topics,
                            bool to_present_end) {
  Positions last;
  for (const log::TopicPartition& partition : partitions_of(topics)) {
    const log::Offset present = PENSTOCK_TRY(log.high_watermark(partition));
    log::Offset end = present;
    if (options.bounded == BoundedMode::kSpecificOffsets) {
      const auto it = options.bounded_offsets.find(partition);
      if (it == options.bounded_offsets.end()) continue;
      end = log::Offset(it->second);
    }
    if (options.bounded == BoundedMode::kTimestamp) {
      const auto found = PENSTOCK_TRY(log.offset_for_time(partition, options.bounded_timestamp_ms));
      if (found) end = found->offset;
    }
    last.emplace_back(partition, to_present_end ? std::min(end, present) : end);
  }
  return last;
}

// As the value of an option: "partition:0,offset:42;partition:1,offset:300", with the topics where there are several.
std::string offsets_text(const LogTopics& topics, const Positions& positions) {
  std::string text;
  for (const auto& [partition, offset] : positions) {
    if (!text.empty()) text += ';';
    if (topics.only() == nullptr) text += fmt::format("topic:{},", partition.topic);
    text += fmt::format("partition:{},offset:{}", partition.partition.value(), offset.value());
  }
  return text;
}

}  // namespace

Result<OptionMap> fix_log_options(const ConnectorContext& context, const std::string& table, const OptionMap& options) {
  const LogTableOptions parsed = PENSTOCK_TRY(parse_log_table(table, options));
  const std::vector<log::TopicInfo> topics = PENSTOCK_TRY(parsed.topics.find_all(*context.log, table));
  OptionMap fixed;
  if (parsed.startup == StartupMode::kLatest || parsed.startup == StartupMode::kTimestamp) {
    Positions first;
    for (const log::TopicPartition& partition : partitions_of(topics)) {
      first.emplace_back(partition, PENSTOCK_TRY(find_first(*context.log, parsed, partition)));
    }
    fixed["scan.startup.mode"] = "specific-offsets";
    fixed["scan.startup.specific-offsets"] = offsets_text(parsed.topics, first);
  }
  if (parsed.bounded == BoundedMode::kLatest || parsed.bounded == BoundedMode::kTimestamp) {
    fixed["scan.bounded.mode"] = "specific-offsets";
    const Positions last = PENSTOCK_TRY(find_last(*context.log, parsed, topics, false));
    fixed["scan.bounded.specific-offsets"] = offsets_text(parsed.topics, last);
  }
  return fixed;
}

Result<SourcePlan> plan_log_source(const ConnectorContext& context, ScanRequest request) {
  auto scan = std::make_shared<LogScan>();
  scan->context = context;
  scan->options = PENSTOCK_TRY(parse_log_table(request.table, *request.options));
  const LogTopics& topics = scan->options.topics;
  const std::vector<log::TopicInfo> found = PENSTOCK_TRY(topics.find_all(*context.log, request.table));
  for (const log::TopicInfo& topic : found) scan->topic_ids.emplace(topic.name, topic.id);
  // Of a pattern there may be more topics later.
  const size_t useful = topics.is_pattern() ? SIZE_MAX : partitions_of(found).size();
  scan->parallelism =
      request.bounded ? 1 : static_cast<int>(std::clamp<size_t>(useful, 1, static_cast<size_t>(context.parallelism)));
  if (request.bounded || scan->options.bounded != BoundedMode::kUnbounded) {
    scan->last = PENSTOCK_TRY(find_last(*context.log, scan->options, found, request.bounded));
  }
  scan->progress = std::make_shared<LogScanProgress>(*context.log, topics, scan->last, scan->parallelism);
  if (request.alignment != nullptr && request.watermark != nullptr && !scan->options.alignment.group.empty()) {
    scan->alignment = request.alignment->group(scan->options.alignment.group);
    scan->first_member = scan->alignment->add(static_cast<size_t>(scan->parallelism));
  }
  scan->request = std::move(request);
  scan->request.max_ahead_us = scan->options.max_ahead_us.value_or(context.watermark_max_ahead_us);
  scan->request.options = nullptr;  // not kept: it belongs to the caller
  PENSTOCK_TRY(RecordDecoder::make(scan->options.format, scan->request));

  SourcePlan plan;
  plan.parallelism = scan->parallelism;
  plan.bounded = scan->last.has_value();
  plan.progress = scan->progress;
  plan.make =
      [scan = std::shared_ptr<const LogScan>(std::move(scan))](int instance) -> Result<std::unique_ptr<exec::Source>> {
    RecordRows rows = PENSTOCK_TRY(RecordRows::make(scan->context, scan->request, scan->options.format));
    return std::make_unique<LogSource>(scan, instance, std::move(rows));
  };
  return plan;
}

}  // namespace penstock::connector
