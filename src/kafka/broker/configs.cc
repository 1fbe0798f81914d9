// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs: the settings of topics, and a few of the broker to look
// at.
#include <algorithm>

#include "base/logging.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "kafka/broker/topic_config.h"
#include "kafka/broker/topic_name.h"

namespace penstock::kafka {
namespace {

using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::KafkaError;

// Codes of the protocol.
constexpr int8_t kTopicResource = 2;
constexpr int8_t kBrokerResource = 4;
constexpr int8_t kSetOnTopic = 1;
constexpr int8_t kSetOnStart = 4;
constexpr int8_t kDefault = 5;
enum class Operation : int8_t { kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3 };

bool wanted(const DescribeConfigsRequest::Resource& resource, std::string_view name) {
  return !resource.keys || resource.keys->empty() || std::ranges::find(*resource.keys, name) != resource.keys->end();
}

void describe_topic(const log::TopicInfo& info, const DescribeConfigsRequest::Resource& resource,
                    const DescribeConfigsRequest& request, DescribeConfigsResponse::Result& result) {
  for (const TopicSetting& setting : topic_settings()) {
    if (!wanted(resource, setting.name)) continue;
    const auto given = std::ranges::find(info.config.entries, setting.name,
                                         [](const auto& entry) { return std::string_view(entry.first); });
    const bool is_set = given != info.config.entries.end();
    auto& config = result.configs.emplace_back();
    config.name = setting.name;
    config.value = is_set ? given->second : std::string(setting.default_value);
    config.source = is_set ? kSetOnTopic : kDefault;
    config.type = static_cast<int8_t>(setting.type);
    if (request.include_documentation) config.documentation = setting.documentation;
    if (!request.include_synonyms) continue;
    if (is_set) config.synonyms.push_back({.name = config.name, .value = config.value, .source = kSetOnTopic});
    config.synonyms.push_back({.name = config.name, .value = std::string(setting.default_value), .source = kDefault});
  }
}

void describe_broker(const Broker& broker, const DescribeConfigsRequest::Resource& resource,
                     DescribeConfigsResponse::Result& result) {
  const auto& options = broker.options;
  const auto add = [&](std::string_view name, std::string value, ConfigType type) {
    if (!wanted(resource, name)) return;
    auto& config = result.configs.emplace_back();
    config.name = name;
    config.value = std::move(value);
    config.read_only = true;
    config.source = kSetOnStart;
    config.type = static_cast<int8_t>(type);
  };
  add("advertised.listeners", fmt::format("PLAINTEXT://{}:{}", broker.host, broker.port), ConfigType::kString);
  add("auto.create.topics.enable", options.auto_create_topics ? "true" : "false", ConfigType::kBoolean);
  add("default.replication.factor", "1", ConfigType::kInt);
  add("node.id", std::to_string(options.node_id), ConfigType::kInt);
  add("num.partitions", std::to_string(options.default_partitions), ConfigType::kInt);
  add("offset.metadata.max.bytes", std::to_string(options.offset_metadata_bytes_max), ConfigType::kInt);
  add("socket.request.max.bytes", std::to_string(options.request_bytes_max), ConfigType::kInt);
}

// Replaces the settings of a topic. What is wrong goes into `answer`, of either of the two alter responses.
template <class Answer>
void replace_settings(const Broker& broker, const std::string& topic, ConfigEntries entries, bool validate_only,
                      Answer& answer) {
  auto config = make_topic_config(std::move(entries));
  if (!config) {
    answer.error = KafkaError::kInvalidConfig;
    answer.error_message = config.error().message();
    return;
  }
  if (validate_only) return;
  if (const Status stored = broker.log.set_topic_config(topic, *std::move(config)); !stored) {
    answer.error = KafkaError::kUnknownServerError;
    answer.error_message = stored.error().message();
    return;
  }
  logging::info("topic settings changed", {{"topic", topic}});
}

// The topic that a resource names; what is wrong goes into `answer`.
template <class Resource, class Answer>
std::optional<log::TopicInfo> altered_topic(const Broker& broker, const Resource& resource, Answer& answer) {
  answer.type = resource.type;
  answer.name = resource.name;
  if (resource.type != kTopicResource) {
    answer.error = KafkaError::kInvalidRequest;
    answer.error_message = "only the settings of topics can be changed here";
    return std::nullopt;
  }
  auto info = broker.log.topic(resource.name);
  if (!info) {
    answer.error = KafkaError::kUnknownTopicOrPartition;
    answer.error_message = "there is no topic " + resource.name;
  } else if (auto own = reserved_topic(resource.name)) {
    answer.error = KafkaError::kInvalidTopic;
    answer.error_message = std::move(own);
    return std::nullopt;
  }
  return info;
}

// One incremental change; an error message when it cannot be made.
std::optional<std::string> change(ConfigEntries& entries,
                                  const protocol::IncrementalAlterConfigsRequest::Resource::Config& config) {
  const auto given = std::ranges::find(entries, config.name, &std::pair<std::string, std::string>::first);
  switch (static_cast<Operation>(config.operation)) {
    case Operation::kSet:
      if (!config.value) return "the setting " + config.name + " has no value";
      if (given != entries.end()) {
        given->second = *config.value;
      } else {
        entries.emplace_back(config.name, *config.value);
      }
      return std::nullopt;
    case Operation::kDelete:
      if (given != entries.end()) entries.erase(given);
      return std::nullopt;
    case Operation::kAppend:
    case Operation::kSubtract: return "lists cannot be changed piece by piece here; set " + config.name + " as a whole";
  }
  return fmt::format("unknown operation {} for {}", config.operation, config.name);
}

}  // namespace

DescribeConfigsResponse describe_configs(RequestContext& context, const DescribeConfigsRequest& request) {
  const Broker& broker = context.broker;
  DescribeConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& result = response.results.emplace_back();
    result.type = resource.type;
    result.name = resource.name;
    if (resource.type == kTopicResource) {
      if (const auto info = broker.log.topic(resource.name)) {
        describe_topic(*info, resource, request, result);
      } else {
        result.error = KafkaError::kUnknownTopicOrPartition;
        result.error_message = "there is no topic " + resource.name;
      }
    } else if (resource.type == kBrokerResource) {
      // An empty name asks for what is set for all brokers: nothing is.
      if (resource.name == std::to_string(broker.options.node_id)) describe_broker(broker, resource, result);
    } else {
      result.error = KafkaError::kInvalidRequest;
      result.error_message = "only topics and the broker have settings here";
    }
  }
  return response;
}

protocol::AlterConfigsResponse alter_configs(RequestContext& context, const protocol::AlterConfigsRequest& request) {
  protocol::AlterConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& answer = response.resources.emplace_back();
    if (!altered_topic(context.broker, resource, answer)) continue;
    ConfigEntries entries;
    for (const auto& config : resource.configs) {
      if (config.value) entries.emplace_back(config.name, *config.value);
    }
    replace_settings(context.broker, resource.name, std::move(entries), request.validate_only, answer);
  }
  return response;
}

protocol::IncrementalAlterConfigsResponse incremental_alter_configs(
    RequestContext& context, const protocol::IncrementalAlterConfigsRequest& request) {
  protocol::IncrementalAlterConfigsResponse response;
  for (const auto& resource : request.resources) {
    auto& answer = response.resources.emplace_back();
    const auto info = altered_topic(context.broker, resource, answer);
    if (!info) continue;
    ConfigEntries entries = info->config.entries;
    for (const auto& config : resource.configs) {
      if (auto wrong = change(entries, config)) {
        answer.error = KafkaError::kInvalidConfig;
        answer.error_message = std::move(wrong);
        break;
      }
    }
    if (answer.error == KafkaError::kNone) {
      replace_settings(context.broker, resource.name, std::move(entries), request.validate_only, answer);
    }
  }
  return response;
}

}  // namespace penstock::kafka
