// Topic-level settings by their Kafka names: which there are, what they may be, and which of them do something here.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "log/log.h"

namespace penstock::kafka {

// DescribeConfigs' type codes.
enum class ConfigType : int8_t { kBoolean = 1, kString = 2, kInt = 3, kLong = 5, kDouble = 6, kList = 7 };

struct TopicSetting {
  std::string_view name;
  ConfigType type;
  std::string_view default_value;
  std::string_view documentation;
};

// In the order of their names.
std::span<const TopicSetting> topic_settings();
const TopicSetting* find_topic_setting(std::string_view name);

using ConfigEntries = std::vector<std::pair<std::string, std::string>>;

// The configuration that these settings make, each checked. kInvalidArgument names the setting and what it may be.
Result<log::TopicConfig> make_topic_config(ConfigEntries entries);

}  // namespace penstock::kafka
