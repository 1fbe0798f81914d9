// ApiVersions, DescribeCluster and InitProducerId: what a client asks before it works.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kApiVersions{.key = 18, .name = "ApiVersions", .versions = {0, 4}, .flexible_since = 3};

struct ApiVersionsResponse {
  struct ApiVersion {
    int16_t key = 0;
    int16_t min_version = 0;
    int16_t max_version = 0;

    static void fields(auto& f, auto& m) {
      f(m.key);
      f(m.min_version);
      f(m.max_version);
    }
    bool operator==(const ApiVersion&) const = default;
  };

  static constexpr Api kApi = kApiVersions;

  KafkaError error = KafkaError::kNone;
  std::vector<ApiVersion> apis;
  int32_t throttle_time_ms = 0;

  static void fields(auto& f, auto& m) {
    f(m.error);
    f(m.apis);
    f(m.throttle_time_ms, {.since = 1});
  }
  bool operator==(const ApiVersionsResponse&) const = default;
};

struct ApiVersionsRequest {
  static constexpr Api kApi = kApiVersions;
  using Response = ApiVersionsResponse;

  std::string client_software_name;
  std::string client_software_version;

  static void fields(auto& f, auto& m) {
    f(m.client_software_name, {.since = 3});
    f(m.client_software_version, {.since = 3});
  }
  bool operator==(const ApiVersionsRequest&) const = default;
};

inline constexpr Api kDescribeCluster{.key = 60, .name = "DescribeCluster", .versions = {0, 1}, .flexible_since = 0};

struct DescribeClusterResponse {
  struct Broker {
    int32_t id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;

    static void fields(auto& f, auto& m) {
      f(m.id);
      f(m.host);
      f(m.port);
      f(m.rack);
    }
    bool operator==(const Broker&) const = default;
  };

  static constexpr Api kApi = kDescribeCluster;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  std::optional<std::string> error_message;
  int8_t endpoint_type = 1;
  std::string cluster_id;
  int32_t controller_id = -1;
  std::vector<Broker> brokers;
  int32_t cluster_authorized_operations = INT32_MIN;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.error);
    f(m.error_message);
    f(m.endpoint_type, {.since = 1});
    f(m.cluster_id);
    f(m.controller_id);
    f(m.brokers);
    f(m.cluster_authorized_operations);
  }
  bool operator==(const DescribeClusterResponse&) const = default;
};

struct DescribeClusterRequest {
  static constexpr Api kApi = kDescribeCluster;
  using Response = DescribeClusterResponse;

  bool include_cluster_authorized_operations = false;
  int8_t endpoint_type = 1;

  static void fields(auto& f, auto& m) {
    f(m.include_cluster_authorized_operations);
    f(m.endpoint_type, {.since = 1});
  }
  bool operator==(const DescribeClusterRequest&) const = default;
};

inline constexpr Api kInitProducerId{.key = 22, .name = "InitProducerId", .versions = {0, 5}, .flexible_since = 2};

struct InitProducerIdResponse {
  static constexpr Api kApi = kInitProducerId;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  int64_t producer_id = -1;
  int16_t producer_epoch = 0;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.error);
    f(m.producer_id);
    f(m.producer_epoch);
  }
  bool operator==(const InitProducerIdResponse&) const = default;
};

struct InitProducerIdRequest {
  static constexpr Api kApi = kInitProducerId;
  using Response = InitProducerIdResponse;

  std::optional<std::string> transactional_id;
  int32_t transaction_timeout_ms = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;

  static void fields(auto& f, auto& m) {
    f(m.transactional_id);
    f(m.transaction_timeout_ms);
    f(m.producer_id, {.since = 3});
    f(m.producer_epoch, {.since = 3});
  }
  bool operator==(const InitProducerIdRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
