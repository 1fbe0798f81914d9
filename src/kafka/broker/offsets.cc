// OffsetCommit, OffsetFetch and OffsetDelete: what groups keep in the log.
#include <future>
#include <map>

#include "base/time.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {
namespace {

using protocol::KafkaError;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

// What OffsetFetch says where nothing was committed; the log keeps a deleted offset as this too.
constexpr int64_t kNoOffset = -1;
constexpr log::Offset kDeleted{kNoOffset};

bool has_partition(const log::Log& log, const std::string& topic, int32_t partition) {
  const auto info = log.topic(topic);
  return info && partition >= 0 && partition < info->partitions;
}

OffsetFetchResponse::Topic::Partition to_partition(int32_t index,
                                                   const std::optional<log::CommittedOffset>& committed) {
  if (!committed || committed->offset == kDeleted) return {.index = index, .offset = kNoOffset, .metadata = ""};
  return {.index = index,
          .offset = committed->offset.value(),
          .leader_epoch = committed->leader_epoch,
          .metadata = committed->metadata};
}

// `topics`: the wanted ones, or null for all that were committed.
std::vector<OffsetFetchResponse::Topic> fetch_offsets(
    const log::Log& log, const std::string& group_id,
    const std::optional<std::vector<OffsetFetchRequest::Topic>>& topics) {
  std::vector<OffsetFetchResponse::Topic> result;
  if (topics) {
    for (const auto& wanted : *topics) {
      auto& topic = result.emplace_back();
      topic.name = wanted.name;
      for (const int32_t index : wanted.partitions) {
        topic.partitions.push_back(to_partition(
            index, log.committed_offset(group_id, {.topic = wanted.name, .partition = log::PartitionId(index)})));
      }
    }
    return result;
  }
  std::map<std::string, OffsetFetchResponse::Topic> by_name;
  for (const auto& [of, committed] : log.committed_offsets(group_id)) {
    if (committed.offset == kDeleted) continue;
    auto& topic = by_name[of.topic];
    topic.name = of.topic;
    topic.partitions.push_back(to_partition(of.partition.value(), committed));
  }
  for (auto& [name, topic] : by_name) result.push_back(std::move(topic));
  return result;
}

}  // namespace

void offset_commit(const ContextPtr& context, OffsetCommitRequest request, Reply<OffsetCommitResponse> reply) {
  Broker& broker = context->broker;
  const KafkaError refused = log::is_reserved_name(request.group_id)
                                 ? KafkaError::kGroupAuthorizationFailed
                                 : broker.coordinator->check_commit(request.group_id, request.member_id,
                                                                    request.group_instance_id, request.generation_id);
  OffsetCommitResponse response;
  std::vector<std::pair<log::TopicPartition, log::CommittedOffset>> offsets;
  const int64_t now_ms = wall_time_us() / 1000;
  for (auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (auto& partition : topic.partitions) {
      KafkaError error = refused;
      std::string metadata = std::move(partition.metadata).value_or("");
      if (error == KafkaError::kNone && !has_partition(broker.log, topic.name, partition.index)) {
        error = KafkaError::kUnknownTopicOrPartition;
      } else if (error == KafkaError::kNone && metadata.size() > broker.options.offset_metadata_bytes_max) {
        error = KafkaError::kOffsetMetadataTooLarge;
      }
      answers.partitions.push_back({.index = partition.index, .error = error});
      if (error != KafkaError::kNone) continue;
      offsets.emplace_back(log::TopicPartition{.topic = topic.name, .partition = log::PartitionId(partition.index)},
                           log::CommittedOffset{.offset = log::Offset(partition.offset),
                                                .leader_epoch = partition.leader_epoch,
                                                .metadata = std::move(metadata),
                                                .commit_time_ms = now_ms});
    }
  }
  if (offsets.empty()) return reply(response);
  broker.log.commit_offsets(
      request.group_id, std::move(offsets),
      [executor = context->executor, reply, response = std::move(response)](const Status& status) mutable {
        const bool stored = status.has_value();
        executor->post([reply, response = std::move(response), stored]() mutable {
          for (auto& topic : response.topics) {
            for (auto& partition : topic.partitions) {
              if (!stored && partition.error == KafkaError::kNone) {
                partition.error = KafkaError::kCoordinatorNotAvailable;
              }
            }
          }
          reply(response);
        });
      });
}

OffsetFetchResponse offset_fetch(RequestContext& context, const OffsetFetchRequest& request) {
  constexpr int16_t kGroupsSince = 8;
  OffsetFetchResponse response;
  if (context.version() < kGroupsSince) {
    response.topics = fetch_offsets(context.broker.log, request.group_id, request.topics);
    return response;
  }
  for (const auto& group : request.groups) {
    response.groups.push_back(
        {.group_id = group.group_id, .topics = fetch_offsets(context.broker.log, group.group_id, group.topics)});
  }
  return response;
}

protocol::OffsetDeleteResponse offset_delete(RequestContext& context, const protocol::OffsetDeleteRequest& request) {
  Broker& broker = context.broker;
  protocol::OffsetDeleteResponse response;
  if (log::is_reserved_name(request.group_id)) {
    response.error = KafkaError::kGroupAuthorizationFailed;
    return response;
  }
  const auto group = broker.coordinator->describe(request.group_id);
  if (!group || !group->members.empty()) {
    response.error = group ? KafkaError::kNonEmptyGroup : KafkaError::kGroupIdNotFound;
    return response;
  }
  std::vector<std::pair<log::TopicPartition, log::CommittedOffset>> offsets;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const int32_t index : topic.partitions) {
      const log::TopicPartition partition{.topic = topic.name, .partition = log::PartitionId(index)};
      const bool known = broker.log.committed_offset(request.group_id, partition).has_value();
      answers.partitions.push_back(
          {.index = index, .error = known ? KafkaError::kNone : KafkaError::kUnknownTopicOrPartition});
      if (known) offsets.emplace_back(partition, log::CommittedOffset{.offset = kDeleted, .metadata = {}});
    }
  }
  if (offsets.empty()) return response;
  std::promise<bool> stored;
  broker.log.commit_offsets(request.group_id, std::move(offsets),
                            [&stored](const Status& status) { stored.set_value(status.has_value()); });
  if (!stored.get_future().get()) response.error = KafkaError::kCoordinatorNotAvailable;
  return response;
}

}  // namespace penstock::kafka
