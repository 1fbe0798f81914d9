// Metadata: topics by name, by id or all; missing ones are made when the client and the configuration allow it.
#include "base/logging.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "kafka/broker/topic_id.h"
#include "kafka/broker/topic_name.h"

namespace penstock::kafka {
namespace {

using protocol::KafkaError;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

MetadataResponse::Topic describe(const Broker& broker, const log::TopicInfo& info) {
  MetadataResponse::Topic topic;
  topic.name = info.name;
  topic.topic_id = to_uuid(info.id);
  topic.is_internal = info.internal;
  const int32_t node = broker.options.node_id;
  for (int32_t index = 0; index < info.partitions; ++index) {
    topic.partitions.push_back({.index = index,
                                .leader_id = node,
                                .leader_epoch = 0,
                                .replica_nodes = {node},
                                .isr_nodes = {node},
                                .offline_replicas = {}});
  }
  return topic;
}

// Whether no topic of that name can be made.
bool cannot_be_made(const std::string& name) { return bad_topic_name(name) || reserved_topic(name); }

MetadataResponse::Topic find_topic(Broker& broker, const MetadataRequest::Topic& wanted) {
  MetadataResponse::Topic missing;
  missing.name = wanted.name.value_or("");
  missing.topic_id = wanted.topic_id;
  if (!wanted.name) {
    const auto name = broker.topic_ids.name(to_topic_id(wanted.topic_id));
    if (const auto info = name ? broker.log.topic(*name) : std::nullopt) return describe(broker, *info);
    missing.error = KafkaError::kUnknownTopicId;
    return missing;
  }
  if (const auto info = broker.log.topic(*wanted.name)) return describe(broker, *info);
  missing.error = cannot_be_made(*wanted.name) ? KafkaError::kInvalidTopic : KafkaError::kUnknownTopicOrPartition;
  return missing;
}

// May block.
void create_missing(const Broker& broker, const MetadataRequest& request) {
  for (const auto& wanted : *request.topics) {
    if (!wanted.name || cannot_be_made(*wanted.name) || broker.log.topic(*wanted.name)) continue;
    const auto created = broker.log.create_topic(*wanted.name, broker.options.default_partitions, {});
    if (created) {
      logging::info("topic created by its first use", {{"topic", *wanted.name}, {"partitions", created->partitions}});
    } else if (created.error().code() != ErrorCode::kAlreadyExists) {
      const auto held_back = broker.topics_log.pass();
      if (!held_back) continue;
      logging::warning("cannot create topic",
                       {{"topic", *wanted.name}, {"why", created.error().message()}, {"not_logged", *held_back}});
    }
  }
}

bool wants_creation(const Broker& broker, const MetadataRequest& request) {
  if (!broker.options.auto_create_topics || !request.allow_auto_topic_creation || !request.topics) return false;
  for (const auto& wanted : *request.topics) {
    if (wanted.name && !cannot_be_made(*wanted.name) && !broker.log.topic(*wanted.name)) return true;
  }
  return false;
}

MetadataResponse answer(Broker& broker, const MetadataRequest& request, int16_t version) {
  MetadataResponse response;
  response.cluster_id = broker.options.cluster_id;
  response.controller_id = broker.options.node_id;
  response.brokers.push_back({.node_id = broker.options.node_id, .host = broker.host, .port = broker.port, .rack = {}});
  // In version 0 an empty list asks for all topics.
  if (!request.topics || (version == 0 && request.topics->empty())) {
    for (const auto& info : broker.log.topics()) response.topics.push_back(describe(broker, info));
  } else {
    for (const auto& wanted : *request.topics) response.topics.push_back(find_topic(broker, wanted));
  }
  return response;
}

}  // namespace

void metadata(const ContextPtr& context, MetadataRequest request, Reply<MetadataResponse> reply) {
  Broker& broker = context->broker;
  if (!wants_creation(broker, request)) return reply(answer(broker, request, context->version()));
  context->executor->run_blocking([context, request = std::move(request), reply] {
    create_missing(context->broker, request);
    context->executor->post(
        [context, reply, response = answer(context->broker, request, context->version())] { reply(response); });
  });
}

}  // namespace penstock::kafka
