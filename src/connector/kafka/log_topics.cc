#include "connector/kafka/log_topics.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace penstock::connector {

Result<LogTopics> LogTopics::matching(std::string_view pattern) {
  LogTopics topics;
  topics.pattern_ = PENSTOCK_TRY(expr::Regex::compile(pattern));
  return topics;
}

std::vector<log::TopicInfo> LogTopics::find(const log::Log& log) const {
  std::vector<log::TopicInfo> found;
  if (is_pattern()) {
    for (log::TopicInfo& topic : log.topics()) {
      const bool matches = !topic.internal && RE2::FullMatch(expr::piece(topic.name), pattern_->re2());
      if (matches) found.push_back(std::move(topic));
    }
  }
  for (const std::string& name : names_) {
    if (std::optional<log::TopicInfo> topic = log.topic(name)) found.push_back(*std::move(topic));
  }
  std::ranges::sort(found, {}, &log::TopicInfo::name);
  return found;
}

Result<std::vector<log::TopicInfo>> LogTopics::find_all(const log::Log& log, const std::string& table) const {
  for (const std::string& name : names_) {
    if (!log.topic(name)) return not_found("topic \"{}\" of table \"{}\" does not exist", name, table);
  }
  return find(log);
}

std::vector<log::TopicPartition> partitions_of(const std::vector<log::TopicInfo>& topics) {
  std::vector<log::TopicPartition> partitions;
  for (const log::TopicInfo& topic : topics) {
    for (int32_t number = 0; number < topic.partitions; ++number) {
      partitions.push_back({topic.name, log::PartitionId(number)});
    }
  }
  return partitions;
}

}  // namespace penstock::connector
