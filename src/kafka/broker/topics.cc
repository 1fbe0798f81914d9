// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords.
#include <algorithm>
#include <set>

#include "base/logging.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "kafka/broker/topic_config.h"
#include "kafka/broker/topic_id.h"
#include "kafka/broker/topic_name.h"

namespace penstock::kafka {
namespace {

using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::KafkaError;

// A refusal with its reason.
struct Refusal {
  KafkaError error = KafkaError::kNone;
  std::string message;
};

KafkaError to_kafka_error(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kAlreadyExists: return KafkaError::kTopicAlreadyExists;
    case ErrorCode::kNotFound: return KafkaError::kUnknownTopicOrPartition;
    case ErrorCode::kInvalidArgument: return KafkaError::kInvalidRequest;
    case ErrorCode::kIoError:
    case ErrorCode::kUnavailable: return KafkaError::kKafkaStorageError;
    default: return KafkaError::kUnknownServerError;
  }
}

// How many partitions are wanted, or why they cannot be had.
int32_t wanted_partitions(const Broker& broker, const CreateTopicsRequest::Topic& topic, Refusal& refusal) {
  const auto refuse = [&](KafkaError error, std::string why) {
    refusal = {.error = error, .message = std::move(why)};
    return 0;
  };
  if (!topic.assignments.empty()) {
    std::set<int32_t> seen;
    for (const auto& assignment : topic.assignments) {
      const bool here = assignment.broker_ids == std::vector{broker.options.node_id};
      if (!here || !seen.insert(assignment.partition).second) {
        return refuse(KafkaError::kInvalidReplicaAssignment,
                      fmt::format("every partition has one replica, on broker {}", broker.options.node_id));
      }
    }
    if (*seen.begin() != 0 || std::cmp_not_equal(*seen.rbegin() + 1, seen.size())) {
      return refuse(KafkaError::kInvalidReplicaAssignment, "partitions count from 0 without a gap");
    }
  } else if (topic.replication_factor != -1 && topic.replication_factor != 1) {
    return refuse(
        KafkaError::kInvalidReplicationFactor,
        fmt::format("replication factor {} is larger than the number of brokers, 1", topic.replication_factor));
  }
  const int32_t partitions = !topic.assignments.empty() ? static_cast<int32_t>(topic.assignments.size())
                             : topic.partitions == -1   ? broker.options.default_partitions
                                                        : topic.partitions;
  if (partitions < 1 || partitions > broker.options.partitions_max) {
    return refuse(KafkaError::kInvalidPartitions,
                  fmt::format("{} partitions: 1 to {} are possible", partitions, broker.options.partitions_max));
  }
  return partitions;
}

Result<log::TopicConfig> wanted_config(const CreateTopicsRequest::Topic& topic) {
  ConfigEntries entries;
  for (const auto& config : topic.configs) {
    if (!config.value) return invalid_argument("the setting {} has no value", config.name);
    entries.emplace_back(config.name, *config.value);
  }
  return make_topic_config(std::move(entries));
}

Refusal create(const Broker& broker, const CreateTopicsRequest::Topic& topic, bool validate_only,
               CreateTopicsResponse::Topic& answer) {
  if (const auto bad = bad_topic_name(topic.name)) return {.error = KafkaError::kInvalidTopic, .message = *bad};
  if (const auto own = reserved_topic(topic.name)) return {.error = KafkaError::kInvalidTopic, .message = *own};
  const auto exists = [&] {
    return Refusal{.error = KafkaError::kTopicAlreadyExists, .message = "topic " + topic.name + " exists already"};
  };
  if (broker.log.topic(topic.name)) return exists();
  Refusal refusal;
  answer.partitions = wanted_partitions(broker, topic, refusal);
  if (refusal.error != KafkaError::kNone) return refusal;
  auto config = wanted_config(topic);
  if (!config) return {.error = KafkaError::kInvalidConfig, .message = config.error().message()};
  answer.replication_factor = 1;
  answer.configs.emplace();
  for (const auto& [name, value] : config->entries)
    answer.configs->push_back({.name = name, .value = value, .source = 1});
  if (validate_only) return {};

  const auto created = broker.log.create_topic(topic.name, answer.partitions, *std::move(config));
  if (!created) return {.error = to_kafka_error(created.error()), .message = created.error().message()};
  answer.topic_id = to_uuid(created->id);
  logging::info("topic created", {{"topic", topic.name}, {"partitions", created->partitions}});
  return {};
}

}  // namespace

CreateTopicsResponse create_topics(RequestContext& context, const CreateTopicsRequest& request) {
  CreateTopicsResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    const bool twice = std::ranges::count(request.topics, topic.name, &CreateTopicsRequest::Topic::name) > 1;
    auto refusal = twice ? Refusal{.error = KafkaError::kInvalidRequest, .message = "the topic is in the request twice"}
                         : create(context.broker, topic, request.validate_only, answer);
    answer.error = refusal.error;
    if (refusal.error != KafkaError::kNone) answer.error_message = std::move(refusal.message);
  }
  return response;
}

protocol::DeleteTopicsResponse delete_topics(RequestContext& context, const protocol::DeleteTopicsRequest& request) {
  log::Log& log = context.broker.log;
  protocol::DeleteTopicsResponse response;
  const auto remove = [&](std::optional<std::string> name, protocol::Uuid id, KafkaError unknown) {
    auto& answer = response.topics.emplace_back();
    answer.name = name;
    answer.topic_id = id;
    const auto info = name ? log.topic(*name) : std::nullopt;
    if (!info) {
      answer.error = unknown;
      return;
    }
    answer.topic_id = to_uuid(info->id);
    if (auto own = reserved_topic(*name)) {
      answer.error = KafkaError::kInvalidTopic;
      answer.error_message = std::move(own);
      return;
    }
    if (const Status removed = log.delete_topic(*name); !removed) {
      answer.error = to_kafka_error(removed.error());
      answer.error_message = removed.error().message();
      return;
    }
    logging::info("topic deleted", {{"topic", *name}});
  };
  for (const auto& name : request.topic_names) remove(name, {}, KafkaError::kUnknownTopicOrPartition);
  for (const auto& topic : request.topics) {
    if (topic.name) {
      remove(topic.name, topic.topic_id, KafkaError::kUnknownTopicOrPartition);
      continue;
    }
    remove(context.broker.topic_ids.name(to_topic_id(topic.topic_id)), topic.topic_id, KafkaError::kUnknownTopicId);
  }
  return response;
}

protocol::CreatePartitionsResponse create_partitions(RequestContext& context,
                                                     const protocol::CreatePartitionsRequest& request) {
  const Broker& broker = context.broker;
  protocol::CreatePartitionsResponse response;
  for (const auto& topic : request.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    const auto info = broker.log.topic(topic.name);
    if (!info) {
      answer.error = KafkaError::kUnknownTopicOrPartition;
    } else if (auto own = reserved_topic(topic.name)) {
      answer.error = KafkaError::kInvalidTopic;
      answer.error_message = std::move(own);
    } else if (topic.partitions_total <= info->partitions || topic.partitions_total > broker.options.partitions_max) {
      answer.error = KafkaError::kInvalidPartitions;
      answer.error_message = fmt::format("the topic has {} partitions; more than that and at most {} are possible",
                                         info->partitions, broker.options.partitions_max);
    } else if (!request.validate_only) {
      if (const Status added = broker.log.add_partitions(topic.name, topic.partitions_total); !added) {
        answer.error = to_kafka_error(added.error());
        answer.error_message = added.error().message();
      }
    }
  }
  return response;
}

protocol::DeleteRecordsResponse delete_records(RequestContext& context, const protocol::DeleteRecordsRequest& request) {
  constexpr int64_t kToTheEnd = -1;
  log::Log& log = context.broker.log;
  protocol::DeleteRecordsResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.index = partition.index;
      const log::TopicPartition from{.topic = topic.name, .partition = log::PartitionId(partition.index)};
      const auto high_watermark = log.high_watermark(from);
      if (!high_watermark) {
        answer.error = KafkaError::kUnknownTopicOrPartition;
        continue;
      }
      if (reserved_topic(topic.name)) {
        answer.error = KafkaError::kInvalidTopic;
        continue;
      }
      const log::Offset before = partition.offset == kToTheEnd ? *high_watermark : log::Offset(partition.offset);
      if (before.value() < 0 || before > *high_watermark) {
        answer.error = KafkaError::kOffsetOutOfRange;
        continue;
      }
      const auto start = log.delete_records(from, before);
      if (start) {
        answer.low_watermark = start->value();
      } else {
        answer.error = to_kafka_error(start.error());
      }
    }
  }
  return response;
}

}  // namespace penstock::kafka
