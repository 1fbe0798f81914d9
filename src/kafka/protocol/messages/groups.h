// DescribeGroups, ListGroups and DeleteGroups: the administration of consumer groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kDescribeGroups{.key = 15, .name = "DescribeGroups", .versions = {0, 6}, .flexible_since = 5};

struct DescribeGroupsResponse {
  struct Group {
    struct Member {
      std::string member_id;
      std::optional<std::string> group_instance_id;
      std::string client_id;
      std::string client_host;
      Bytes metadata;
      Bytes assignment;

      static void fields(auto& f, auto& m) {
        f(m.member_id);
        f(m.group_instance_id, {.since = 4});
        f(m.client_id);
        f(m.client_host);
        f(m.metadata);
        f(m.assignment);
      }
      bool operator==(const Member&) const = default;
    };

    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string state;
    std::string protocol_type;
    std::string protocol_name;
    std::vector<Member> members;
    int32_t authorized_operations = INT32_MIN;

    static void fields(auto& f, auto& m) {
      f(m.error);
      f(m.error_message, {.since = 6});
      f(m.group_id);
      f(m.state);
      f(m.protocol_type);
      f(m.protocol_name);
      f(m.members);
      f(m.authorized_operations, {.since = 3});
    }
    bool operator==(const Group&) const = default;
  };

  static constexpr Api kApi = kDescribeGroups;

  int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.groups);
  }
  bool operator==(const DescribeGroupsResponse&) const = default;
};

struct DescribeGroupsRequest {
  static constexpr Api kApi = kDescribeGroups;
  using Response = DescribeGroupsResponse;

  std::vector<std::string> groups;
  bool include_authorized_operations = false;

  static void fields(auto& f, auto& m) {
    f(m.groups);
    f(m.include_authorized_operations, {.since = 3});
  }
  bool operator==(const DescribeGroupsRequest&) const = default;
};

inline constexpr Api kListGroups{.key = 16, .name = "ListGroups", .versions = {0, 5}, .flexible_since = 3};

struct ListGroupsResponse {
  struct Group {
    std::string group_id;
    std::string protocol_type;
    std::string state;
    std::string type;

    static void fields(auto& f, auto& m) {
      f(m.group_id);
      f(m.protocol_type);
      f(m.state, {.since = 4});
      f(m.type, {.since = 5});
    }
    bool operator==(const Group&) const = default;
  };

  static constexpr Api kApi = kListGroups;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  std::vector<Group> groups;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error);
    f(m.groups);
  }
  bool operator==(const ListGroupsResponse&) const = default;
};

struct ListGroupsRequest {
  static constexpr Api kApi = kListGroups;
  using Response = ListGroupsResponse;

  std::vector<std::string> states_filter;
  std::vector<std::string> types_filter;

  static void fields(auto& f, auto& m) {
    f(m.states_filter, {.since = 4});
    f(m.types_filter, {.since = 5});
  }
  bool operator==(const ListGroupsRequest&) const = default;
};

inline constexpr Api kDeleteGroups{.key = 42, .name = "DeleteGroups", .versions = {0, 2}, .flexible_since = 2};

struct DeleteGroupsResponse {
  struct Result {
    std::string group_id;
    KafkaError error = KafkaError::kNone;

    static void fields(auto& f, auto& m) {
      f(m.group_id);
      f(m.error);
    }
    bool operator==(const Result&) const = default;
  };

  static constexpr Api kApi = kDeleteGroups;

  int32_t throttle_time_ms = 0;
  std::vector<Result> results;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.results);
  }
  bool operator==(const DeleteGroupsResponse&) const = default;
};

struct DeleteGroupsRequest {
  static constexpr Api kApi = kDeleteGroups;
  using Response = DeleteGroupsResponse;

  std::vector<std::string> groups;

  static void fields(auto& f, auto& m) { f(m.groups); }
  bool operator==(const DeleteGroupsRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
