#include "engine/dead_letters.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/logging.h"
#include "connector/kafka/partition_reader.h"
#include "connector/record_time.h"

namespace penstock::engine {

namespace {

using types::DataType;
using types::TypeKind;
using types::Value;

constexpr size_t kReadRecords = 1024;
// A letter's raw bytes are kept up to this size, so that one huge event cannot fill the table.
constexpr size_t kRawBytesMax = 1 << 20;

template <class Int>
Int number_of(std::string_view text) {
  Int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Result<std::unique_ptr<DeadLetters>> DeadLetters::open(log::Log& log, io::Env& env, connector::Timer& timer,
                                                       MetricsRegistry* metrics) {
  auto letters = std::unique_ptr<DeadLetters>(new DeadLetters(log, env, timer));
  if (metrics != nullptr) {
    letters->counter_ = &metrics->counter("penstock_engine_dead_letters_total",
                                          "Events that could not be turned into rows, since the start.");
  }
  if (!log.topic(kTopic)) PENSTOCK_TRY(log.create_topic(std::string(kTopic), 1, {}));
  PENSTOCK_TRY(letters->read_topic());
  return letters;
}

Status DeadLetters::read_topic() {
  const log::TopicPartition partition{std::string(kTopic), log::PartitionId(0)};
  const log::Offset start = PENSTOCK_TRY(log_.log_start_offset(partition));
  const log::Offset end = PENSTOCK_TRY(log_.high_watermark(partition));
  // A letter that cannot be read is not worth a start that fails.
  connector::PartitionReader reader(log_, partition, start, end, {.unreadable = [](const auto& /*records*/) {}});
  std::vector<log::Record> records;
  while (!reader.at_end()) {
    PENSTOCK_TRY(reader.read(kReadRecords, records));
    if (records.empty()) break;
    for (const log::Record& record : records) show(record);
  }
  return {};
}

void DeadLetters::show(const log::Record& record) {
  Shown letter;
  letter.time_us = connector::record_time_us(record.timestamp_ms);
  log::HeaderReader headers(record);
  for (log::RecordHeader header; headers.next(&header);) {
    const std::string_view value = header.value.value_or(std::string_view());
    if (header.key == "table") letter.table = value;
    if (header.key == "topic") letter.topic = value;
    if (header.key == "topic_id") letter.topic_id = value;
    if (header.key == "partition") letter.partition = number_of<int32_t>(value);
    if (header.key == "offset") letter.offset = number_of<int64_t>(value);
    if (header.key == "error") letter.error = value;
  }
  letter.raw = record.value.value_or(std::string_view());
  if (origins_->add(origin_of(letter))) keep(std::move(letter));
}

uint64_t DeadLetters::origin_of(const Shown& letter) {
  if (letter.topic.empty()) return hash64(fmt::format("{}\x1f{}\x1f{}", letter.table, letter.error, letter.raw));
  return hash64(fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}", letter.table, letter.topic, letter.topic_id, letter.partition,
                            letter.offset));
}

bool DeadLetters::Origins::add(uint64_t origin) {
  const std::lock_guard lock(mutex_);
  if (!known_.insert(origin).second) return false;
  order_.push_back(origin);
  if (order_.size() > kKnownMax) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return true;
}

void DeadLetters::Origins::forget(uint64_t origin) {
  const std::lock_guard lock(mutex_);
  if (known_.erase(origin) > 0) std::erase(order_, origin);
}

void DeadLetters::keep(Shown letter) {
  ++total_;
  shown_bytes_ += letter.raw.size();
  shown_.push_back(std::move(letter));
  while (shown_.size() > kShownMax || (shown_bytes_ > kShownBytesMax && shown_.size() > 1)) {
    shown_bytes_ -= shown_.front().raw.size();
    shown_.pop_front();
  }
}

void DeadLetters::add(const connector::DeadLetter& letter) {
  const int64_t now_us = env_.wall_time_us();
  const std::string partition = std::to_string(letter.partition);
  const std::string offset = std::to_string(letter.offset);
  const std::optional<log::TopicInfo> topic = log_.topic(letter.topic);
  Shown shown{.table = std::string(letter.table),
              .topic = std::string(letter.topic),
              .topic_id = topic ? fmt::format("{:016x}{:016x}", topic->id.high, topic->id.low) : "",
              .partition = letter.partition,
              .offset = letter.offset,
              .error = std::string(letter.error),
              .raw = std::string(letter.raw.substr(0, kRawBytesMax)),
              .time_us = now_us / 1000 * 1000};
  const uint64_t origin = origin_of(shown);
  if (!origins_->add(origin)) return;
  if (letter.admit && !letter.admit()) return origins_->forget(origin);
  const std::array<log::RecordHeader, 6> headers{{{"table", shown.table},
                                                  {"topic", shown.topic},
                                                  {"topic_id", shown.topic_id},
                                                  {"partition", partition},
                                                  {"offset", offset},
                                                  {"error", shown.error}}};
  log::RecordBatchBuilder builder;
  builder.add(now_us / 1000, std::nullopt, shown.raw, headers);
  connector::OrderedWrites::Write write;
  write.records.emplace_back(log::TopicPartition{std::string(kTopic), log::PartitionId(0)}, builder.finish_shared());
  write.done = [origins = origins_, failures_log = failures_log_, origin](const Status& status) {
    if (status) return;
    origins->forget(origin);  // a job that starts over adds it again
    const auto held_back = failures_log->pass();
    if (!held_back) return;
    logging::error("dead letter not kept", {{"reason", status.error().message()}, {"not_logged", *held_back}});
  };
  {
    const std::lock_guard lock(mutex_);
    keep(std::move(shown));
  }
  if (counter_ != nullptr) counter_->add();
  const std::lock_guard lock(write_mutex_);
  writes_->add(std::move(write));
}

uint64_t DeadLetters::total() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

SystemTable DeadLetters::system_table() const {
  const DataType text = TypeKind::kString;
  SystemTable table;
  table.schema_name = "penstock";
  table.name = "dead_letters";
  table.schema = {
      {"table", text}, {"topic", text},           {"partition", TypeKind::kInt},    {"offset", TypeKind::kBigInt},
      {"error", text}, {"raw", TypeKind::kBytes}, {"time", TypeKind::kTimestampLtz}};
  table.rows = [this] {
    const std::lock_guard lock(mutex_);
    std::vector<std::vector<Value>> rows;
    rows.reserve(shown_.size());
    for (const Shown& s : shown_) {
      const bool placed = !s.topic.empty();
      rows.push_back({Value(s.table), placed ? Value(s.topic) : Value(),
                      placed ? Value(static_cast<int64_t>(s.partition)) : Value(), placed ? Value(s.offset) : Value(),
                      Value(s.error), Value(s.raw), Value(s.time_us)});
    }
    return rows;
  };
  return table;
}

}  // namespace penstock::engine
