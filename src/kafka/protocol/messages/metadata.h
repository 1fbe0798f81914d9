// Metadata: brokers, topics and partition leaders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kMetadata{.key = 3, .name = "Metadata", .versions = {0, 12}, .flexible_since = 9};

struct MetadataResponse {
  struct Broker {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;

    static void fields(auto& f, auto& m) {
      f(m.node_id);
      f(m.host);
      f(m.port);
      f(m.rack, {.since = 1});
    }
    bool operator==(const Broker&) const = default;
  };

  struct Topic {
    struct Partition {
      KafkaError error = KafkaError::kNone;
      int32_t index = 0;
      int32_t leader_id = 0;
      int32_t leader_epoch = -1;
      std::vector<int32_t> replica_nodes;
      std::vector<int32_t> isr_nodes;
      std::vector<int32_t> offline_replicas;

      static void fields(auto& f, auto& m) {
        f(m.error);
        f(m.index);
        f(m.leader_id);
        f(m.leader_epoch, {.since = 7});
        f(m.replica_nodes);
        f(m.isr_nodes);
        f(m.offline_replicas, {.since = 5});
      }
      bool operator==(const Partition&) const = default;
    };

    KafkaError error = KafkaError::kNone;
    std::optional<std::string> name;
    Uuid topic_id;
    bool is_internal = false;
    std::vector<Partition> partitions;
    int32_t authorized_operations = INT32_MIN;

    static void fields(auto& f, auto& m) {
      f(m.error);
      f(m.name, {.nullable_since = 12});
      f(m.topic_id, {.since = 10});
      f(m.is_internal, {.since = 1});
      f(m.partitions);
      f(m.authorized_operations, {.since = 8});
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kMetadata;

  int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  int32_t controller_id = -1;
  std::vector<Topic> topics;
  int32_t cluster_authorized_operations = INT32_MIN;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 3});
    f(m.brokers);
    f(m.cluster_id, {.since = 2});
    f(m.controller_id, {.since = 1});
    f(m.topics);
    f(m.cluster_authorized_operations, {.since = 8, .until = 10});
  }
  bool operator==(const MetadataResponse&) const = default;
};

struct MetadataRequest {
  struct Topic {
    Uuid topic_id;
    std::optional<std::string> name;

    static void fields(auto& f, auto& m) {
      f(m.topic_id, {.since = 10});
      f(m.name, {.nullable_since = 10});
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kMetadata;
  using Response = MetadataResponse;

  std::optional<std::vector<Topic>> topics;
  bool allow_auto_topic_creation = true;
  bool include_cluster_authorized_operations = false;
  bool include_topic_authorized_operations = false;

  static void fields(auto& f, auto& m) {
    f(m.topics, {.nullable_since = 1});
    f(m.allow_auto_topic_creation, {.since = 4});
    f(m.include_cluster_authorized_operations, {.since = 8, .until = 10});
    f(m.include_topic_authorized_operations, {.since = 8});
  }
  bool operator==(const MetadataRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
