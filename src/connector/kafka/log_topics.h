// Which topics a table reads: those that it names, or all whose names match a pattern.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "expr/regex.h"
#include "log/log.h"

namespace penstock::connector {

// Immutable, and cheap to copy.
class LogTopics {
 public:
  LogTopics() = default;
  explicit LogTopics(std::vector<std::string> names) : names_(std::move(names)) {}
  // Of the whole name of a topic.
  static Result<LogTopics> matching(std::string_view pattern);

  // Empty for a pattern.
  const std::vector<std::string>& names() const { return names_; }
  bool is_pattern() const { return pattern_ != nullptr; }
  // Where an option speaks of a partition and not of a topic, it is that one; null: there is none.
  const std::string* only() const { return names_.size() == 1 ? names_.data() : nullptr; }

  // Those that there are, by name. The program's own ones, and those of Kafka's kind, match no pattern.
  std::vector<log::TopicInfo> find(const log::Log& log) const;
  // The same, where all that are named must be there.
  Result<std::vector<log::TopicInfo>> find_all(const log::Log& log, const std::string& table) const;

 private:
  std::vector<std::string> names_;
  expr::RegexPtr pattern_;
};

// Of all these topics, in their order.
std::vector<log::TopicPartition> partitions_of(const std::vector<log::TopicInfo>& topics);

}  // namespace penstock::connector
