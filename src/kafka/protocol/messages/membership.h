// FindCoordinator, JoinGroup, SyncGroup, Heartbeat and LeaveGroup: the classic consumer group protocol.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kFindCoordinator{.key = 10, .name = "FindCoordinator", .versions = {0, 6}, .flexible_since = 3};

struct FindCoordinatorResponse {
  struct Coordinator {
    std::string key;
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;

    static void fields(auto& f, auto& m) {
      f(m.key);
      f(m.node_id);
      f(m.host);
      f(m.port);
      f(m.error);
      f(m.error_message);
    }
    bool operator==(const Coordinator&) const = default;
  };

  static constexpr Api kApi = kFindCoordinator;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  std::optional<std::string> error_message;
  int32_t node_id = 0;
  std::string host;
  int32_t port = 0;
  std::vector<Coordinator> coordinators;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error, {.until = 3});
    f(m.error_message, {.since = 1, .until = 3});
    f(m.node_id, {.until = 3});
    f(m.host, {.until = 3});
    f(m.port, {.until = 3});
    f(m.coordinators, {.since = 4});
  }
  bool operator==(const FindCoordinatorResponse&) const = default;
};

struct FindCoordinatorRequest {
  static constexpr Api kApi = kFindCoordinator;
  using Response = FindCoordinatorResponse;

  std::string key;
  int8_t key_type = 0;
  std::vector<std::string> keys;

  static void fields(auto& f, auto& m) {
    f(m.key, {.until = 3});
    f(m.key_type, {.since = 1});
    f(m.keys, {.since = 4});
  }
  bool operator==(const FindCoordinatorRequest&) const = default;
};

inline constexpr Api kJoinGroup{.key = 11, .name = "JoinGroup", .versions = {0, 9}, .flexible_since = 6};

struct JoinGroupResponse {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    Bytes metadata;

    static void fields(auto& f, auto& m) {
      f(m.member_id);
      f(m.group_instance_id, {.since = 5});
      f(m.metadata);
    }
    bool operator==(const Member&) const = default;
  };

  static constexpr Api kApi = kJoinGroup;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 2});
    f(m.error);
    f(m.generation_id);
    f(m.protocol_type, {.since = 7});
    f(m.protocol_name, {.nullable_since = 7});
    f(m.leader);
    f(m.skip_assignment, {.since = 9});
    f(m.member_id);
    f(m.members);
  }
  bool operator==(const JoinGroupResponse&) const = default;
};

struct JoinGroupRequest {
  struct Protocol {
    std::string name;
    Bytes metadata;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.metadata);
    }
    bool operator==(const Protocol&) const = default;
  };

  static constexpr Api kApi = kJoinGroup;
  using Response = JoinGroupResponse;

  std::string group_id;
  int32_t session_timeout_ms = 0;
  int32_t rebalance_timeout_ms = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::string protocol_type;
  std::vector<Protocol> protocols;
  std::optional<std::string> reason;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.session_timeout_ms);
    f(m.rebalance_timeout_ms, {.since = 1});
    f(m.member_id);
    f(m.group_instance_id, {.since = 5});
    f(m.protocol_type);
    f(m.protocols);
    f(m.reason, {.since = 8});
  }
  bool operator==(const JoinGroupRequest&) const = default;
};

inline constexpr Api kSyncGroup{.key = 14, .name = "SyncGroup", .versions = {0, 5}, .flexible_since = 4};

struct SyncGroupResponse {
  static constexpr Api kApi = kSyncGroup;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  Bytes assignment;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error);
    f(m.protocol_type, {.since = 5});
    f(m.protocol_name, {.since = 5});
    f(m.assignment);
  }
  bool operator==(const SyncGroupResponse&) const = default;
};

struct SyncGroupRequest {
  struct Assignment {
    std::string member_id;
    Bytes assignment;

    static void fields(auto& f, auto& m) {
      f(m.member_id);
      f(m.assignment);
    }
    bool operator==(const Assignment&) const = default;
  };

  static constexpr Api kApi = kSyncGroup;
  using Response = SyncGroupResponse;

  std::string group_id;
  int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<Assignment> assignments;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.generation_id);
    f(m.member_id);
    f(m.group_instance_id, {.since = 3});
    f(m.protocol_type, {.since = 5});
    f(m.protocol_name, {.since = 5});
    f(m.assignments);
  }
  bool operator==(const SyncGroupRequest&) const = default;
};

inline constexpr Api kHeartbeat{.key = 12, .name = "Heartbeat", .versions = {0, 4}, .flexible_since = 4};

struct HeartbeatResponse {
  static constexpr Api kApi = kHeartbeat;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error);
  }
  bool operator==(const HeartbeatResponse&) const = default;
};

struct HeartbeatRequest {
  static constexpr Api kApi = kHeartbeat;
  using Response = HeartbeatResponse;

  std::string group_id;
  int32_t generation_id = 0;
  std::string member_id;
  std::optional<std::string> group_instance_id;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.generation_id);
    f(m.member_id);
    f(m.group_instance_id, {.since = 3});
  }
  bool operator==(const HeartbeatRequest&) const = default;
};

inline constexpr Api kLeaveGroup{.key = 13, .name = "LeaveGroup", .versions = {0, 5}, .flexible_since = 4};

struct LeaveGroupResponse {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    KafkaError error = KafkaError::kNone;

    static void fields(auto& f, auto& m) {
      f(m.member_id);
      f(m.group_instance_id);
      f(m.error);
    }
    bool operator==(const Member&) const = default;
  };

  static constexpr Api kApi = kLeaveGroup;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  std::vector<Member> members;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error);
    f(m.members, {.since = 3});
  }
  bool operator==(const LeaveGroupResponse&) const = default;
};

struct LeaveGroupRequest {
  struct Member {
    std::string member_id;
    std::optional<std::string> group_instance_id;
    std::optional<std::string> reason;

    static void fields(auto& f, auto& m) {
      f(m.member_id);
      f(m.group_instance_id);
      f(m.reason, {.since = 5});
    }
    bool operator==(const Member&) const = default;
  };

  static constexpr Api kApi = kLeaveGroup;
  using Response = LeaveGroupResponse;

  std::string group_id;
  std::string member_id;
  std::vector<Member> members;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.member_id, {.until = 2});
    f(m.members, {.since = 3});
  }
  bool operator==(const LeaveGroupRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
