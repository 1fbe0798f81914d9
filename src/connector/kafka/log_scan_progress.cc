#include "connector/kafka/log_scan_progress.h"

#include <algorithm>
#include <utility>

#include "base/result.h"

namespace penstock::connector {

std::optional<log::Offset> find_position(const Positions& positions, const log::TopicPartition& partition) {
  for (const auto& [id, offset] : positions) {
    if (id == partition) return offset;
  }
  return std::nullopt;
}

LogScanProgress::LogScanProgress(log::Log& log, LogTopics topics, std::optional<Positions> last, int instances)
    : log_(log), topics_(std::move(topics)), last_(std::move(last)), instances_left_(instances) {}

void LogScanProgress::add_topic(const log::TopicInfo& topic) {
  const std::lock_guard lock(mutex_);
  topics_read_[topic.name] = topic.id;
}

void LogScanProgress::add_partition(const PartitionReader& reader) {
  const std::lock_guard lock(mutex_);
  partitions_.push_back({reader.partition(), reader.shared_position()});
}

int64_t LogScanProgress::lag() const {
  const std::lock_guard lock(mutex_);
  int64_t lag = 0;
  for (const Partition& p : partitions_) {
    const std::optional<log::Offset> end = end_of(p.id);
    if (end) lag += std::max<int64_t>(0, end->value() - p.position->load(std::memory_order_relaxed));
  }
  return lag;
}

Positions LogScanProgress::ends() const {
  Positions ends;
  for (const log::TopicPartition& partition : partitions_of(topics_.find(log_))) {
    if (const auto end = end_of(partition)) ends.emplace_back(partition, *end);
  }
  return ends;
}

std::map<std::string, log::TopicId> LogScanProgress::topics() const {
  const std::lock_guard lock(mutex_);
  return topics_read_;
}

std::optional<log::Offset> LogScanProgress::end_of(const log::TopicPartition& partition) const {
  const Result<log::Offset> present = log_.high_watermark(partition);
  if (!present) return std::nullopt;
  if (!last_) return *present;
  const std::optional<log::Offset> last = find_position(*last_, partition);
  if (!last) return std::nullopt;
  return std::min(*present, *last);
}

}  // namespace penstock::connector
