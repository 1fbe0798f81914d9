#include "connector/position_store.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "connector/kafka/partition_reader.h"
#include "log/record_batch.h"

namespace penstock::connector {

namespace {

constexpr std::string_view kStateKey = "state";
constexpr char kPositionMark = '@';  // "@7:file:/data/orders.json": split 7 of that name
constexpr size_t kRecordBatchBytes = 512 << 10;
constexpr size_t kReadRecords = 1000;
// Everything is written anew when the changes since the last time are larger than this, and than all of it.
constexpr size_t kChangesBytesMin = 256 << 10;

bool in_log(const log::TopicPartition& split) { return split.topic.find(':') == std::string::npos; }

std::string key_of(const log::TopicPartition& split) {
  return kPositionMark + std::to_string(split.partition.value()) + ":" + split.topic;
}

std::optional<log::TopicPartition> split_of(std::string_view key) {
  int32_t number = 0;
  if (!key.starts_with(kPositionMark)) return std::nullopt;
  const auto [end, error] = std::from_chars(key.data() + 1, key.data() + key.size(), number);
  if (error != std::errc() || end == key.data() + key.size() || *end != ':') return std::nullopt;
  const auto name = static_cast<size_t>(end + 1 - key.data());
  return log::TopicPartition{std::string(key.substr(name)), log::PartitionId(number)};
}

}  // namespace

PositionStore::PositionStore(const ConnectorContext& context, std::string group)
    : log_(*context.log),
      env_(*context.env),
      group_(std::move(group)),
      writes_(group_.empty() ? nullptr : std::make_shared<OrderedWrites>(log_, *context.timer, group_)) {}

Result<std::unique_ptr<PositionStore>> PositionStore::open(const ConnectorContext& context, std::string group) {
  auto store = std::unique_ptr<PositionStore>(new PositionStore(context, std::move(group)));
  if (store->group_.empty()) return store;
  for (const auto& [partition, committed] : context.log->committed_offsets(store->group_)) {
    store->apply(partition, committed.offset);
  }
  if (context.log->topic(store->group_)) PENSTOCK_TRY(store->read_topic());
  return store;
}

Status PositionStore::read_topic() {
  const log::TopicPartition partition{group_, log::PartitionId(0)};
  const log::Offset start = PENSTOCK_TRY(log_.log_start_offset(partition));
  const log::Offset end = PENSTOCK_TRY(log_.high_watermark(partition));
  has_topic_ = true;
  next_offset_ = end.value();
  whole_offset_ = trimmed_offset_ = start.value();
  PartitionReader reader(log_, partition, start, end, {});
  std::vector<log::Record> records;
  while (!reader.at_end()) {
    PENSTOCK_TRY(reader.read(kReadRecords, records));
    if (records.empty()) break;
    for (const log::Record& record : records) {
      const std::string_view key = record.key.value_or(std::string_view());
      const std::string_view value = record.value.value_or("-1");
      bytes_since_whole_ += key.size() + value.size();
      if (key == kStateKey) state_ = value;
      int64_t offset = -1;
      std::from_chars(value.data(), value.data() + value.size(), offset);
      if (const auto split = split_of(key)) apply(*split, log::Offset(offset));
    }
  }
  return {};
}

void PositionStore::apply(const log::TopicPartition& split, log::Offset offset) {
  const auto at = std::ranges::lower_bound(positions_, split, {}, &Positions::value_type::first);
  const bool known = at != positions_.end() && at->first == split;
  if (offset.value() < 0) {
    if (known) positions_.erase(at);
  } else if (known) {
    at->second = offset;
  } else {
    positions_.emplace(at, split, offset);
  }
}

Status PositionStore::make_topic(log::Log& log, const std::string& group) {
  if (log.topic(group)) return {};
  log::TopicConfig config;
  config.retention_ms = -1;
  config.segment_bytes = 4 << 20;
  const Result<log::TopicInfo> made = log.create_topic(group, 1, config);
  if (!made) return made.error();
  return {};
}

// Deletes what has been written anew.
Status PositionStore::trim() {
  if (whole_offset_ == trimmed_offset_) return {};
  const log::TopicPartition partition{group_, log::PartitionId(0)};
  // Not durable yet: another time. The topic itself may still wait for room.
  const Result<log::Offset> end = log_.high_watermark(partition);
  if (!end || end->value() < next_offset_) return {};
  const Result<log::Offset> deleted = log_.delete_records(partition, log::Offset(whole_offset_));
  if (!deleted && deleted.error().code() == ErrorCode::kUnavailable) return {};  // the disk is full: another time, too
  if (!deleted) return deleted.error();
  trimmed_offset_ = whole_offset_;
  return {};
}

std::vector<PositionStore::Change> PositionStore::everything() const {
  std::vector<Change> all;
  for (const auto& [split, offset] : positions_) {
    if (!in_log(split)) all.push_back({key_of(split), std::to_string(offset.value())});
  }
  if (state_) all.push_back({std::string(kStateKey), state_});
  return all;
}

void PositionStore::append_changes(std::vector<Change> changes, Commit& commit) {
  size_t bytes = 0;
  for (const Change& change : changes) bytes += change.key.size() + change.value.value_or("").size();
  bytes_since_whole_ += bytes;
  if (bytes_since_whole_ > kChangesBytesMin) {
    std::vector<Change> all = everything();
    size_t all_bytes = 0;
    for (const Change& change : all) all_bytes += change.key.size() + change.value->size();
    if (bytes_since_whole_ > 2 * all_bytes) {
      changes = std::move(all);
      whole_offset_ = next_offset_;
      bytes_since_whole_ = 0;
    }
  }
  const int64_t now_ms = env_.wall_time_us() / 1000;
  log::RecordBatchBuilder builder;
  const auto close = [&] {
    if (builder.records_count() == 0) return;
    next_offset_ += builder.records_count();
    commit.records.emplace_back(log::TopicPartition{group_, log::PartitionId(0)}, builder.finish_shared());
  };
  for (const Change& change : changes) {
    builder.add(now_ms, change.key, change.value);
    if (builder.size_bytes() >= kRecordBatchBytes) close();
  }
  close();
}

Result<bool> PositionStore::commit(Commit commit, std::function<void(Status)> done) {
  if (group_.empty()) {
    if (commit.records.empty()) return false;
    log_.append_together(std::move(commit.records), {}, {}, std::move(done));
    return true;
  }
  const int64_t now_ms = env_.wall_time_us() / 1000;
  std::vector<std::pair<log::TopicPartition, log::CommittedOffset>> offsets;
  std::vector<Change> changes;
  for (const auto& [split, offset] : commit.positions) {
    if (split.topic.starts_with('~')) continue;
    const auto at = std::ranges::lower_bound(positions_, split, {}, &Positions::value_type::first);
    const bool known = at != positions_.end() && at->first == split;
    if (known ? at->second == offset : offset.value() < 0) continue;
    if (in_log(split)) {
      offsets.emplace_back(split, log::CommittedOffset{.offset = offset, .metadata = "", .commit_time_ms = now_ms});
    } else if (offset.value() < 0) {
      changes.push_back({key_of(split), std::nullopt});
    } else {
      changes.push_back({key_of(split), std::to_string(offset.value())});
    }
    apply(split, offset);
  }
  if (commit.state && commit.state != state_) {
    changes.push_back({std::string(kStateKey), commit.state});
    state_ = std::move(commit.state);
  }
  if (commit.records.empty() && offsets.empty() && changes.empty()) return false;
  std::function<Status()> prepare;
  if (!changes.empty()) {
    // Later writes come after this one.
    if (!std::exchange(has_topic_, true)) {
      prepare = [&log = log_, group = group_] { return make_topic(log, group); };
    }
    PENSTOCK_TRY(trim());
    append_changes(std::move(changes), commit);
  }
  writes_->add({.records = std::move(commit.records),
                .offsets = std::move(offsets),
                .prepare = std::move(prepare),
                .done = std::move(done)});
  return true;
}

Status PositionStore::forget(log::Log& log, const std::string& group) {
  if (Status deleted = log.delete_group_offsets(group); !deleted && deleted.error().code() != ErrorCode::kNotFound) {
    return deleted;
  }
  if (!log.topic(group)) return {};
  return log.delete_topic(group);
}

}  // namespace penstock::connector
