// OffsetCommit, OffsetFetch and OffsetDelete: the offsets that groups have committed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kOffsetCommit{.key = 8, .name = "OffsetCommit", .versions = {2, 9}, .flexible_since = 8};

struct OffsetCommitResponse {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      KafkaError error = KafkaError::kNone;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.error);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kOffsetCommit;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 3});
    f(m.topics);
  }
  bool operator==(const OffsetCommitResponse&) const = default;
};

struct OffsetCommitRequest {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int64_t offset = 0;
      int32_t leader_epoch = -1;
      std::optional<std::string> metadata;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.offset);
        f(m.leader_epoch, {.since = 6});
        f(m.metadata);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kOffsetCommit;
  using Response = OffsetCommitResponse;

  std::string group_id;
  int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  int64_t retention_time_ms = -1;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.generation_id, {.since = 1});
    f(m.member_id, {.since = 1});
    f(m.group_instance_id, {.since = 7});
    f(m.retention_time_ms, {.since = 2, .until = 4});
    f(m.topics);
  }
  bool operator==(const OffsetCommitRequest&) const = default;
};

inline constexpr Api kOffsetFetch{.key = 9, .name = "OffsetFetch", .versions = {1, 9}, .flexible_since = 6};

struct OffsetFetchResponse {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int64_t offset = -1;
      int32_t leader_epoch = -1;
      std::optional<std::string> metadata;
      KafkaError error = KafkaError::kNone;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.offset);
        f(m.leader_epoch, {.since = 5});
        f(m.metadata);
        f(m.error);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  struct Group {
    std::string group_id;
    std::vector<Topic> topics;
    KafkaError error = KafkaError::kNone;

    static void fields(auto& f, auto& m) {
      f(m.group_id);
      f(m.topics);
      f(m.error);
    }
    bool operator==(const Group&) const = default;
  };

  static constexpr Api kApi = kOffsetFetch;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  KafkaError error = KafkaError::kNone;
  std::vector<Group> groups;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 3});
    f(m.topics, {.until = 7});
    f(m.error, {.since = 2, .until = 7});
    f(m.groups, {.since = 8});
  }
  bool operator==(const OffsetFetchResponse&) const = default;
};

struct OffsetFetchRequest {
  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  struct Group {
    std::string group_id;
    std::optional<std::string> member_id;
    int32_t member_epoch = -1;
    std::optional<std::vector<Topic>> topics;

    static void fields(auto& f, auto& m) {
      f(m.group_id);
      f(m.member_id, {.since = 9});
      f(m.member_epoch, {.since = 9});
      f(m.topics);
    }
    bool operator==(const Group&) const = default;
  };

  static constexpr Api kApi = kOffsetFetch;
  using Response = OffsetFetchResponse;

  std::string group_id;
  std::optional<std::vector<Topic>> topics;
  std::vector<Group> groups;
  bool require_stable = false;

  static void fields(auto& f, auto& m) {
    f(m.group_id, {.until = 7});
    f(m.topics, {.until = 7, .nullable_since = 2});
    f(m.groups, {.since = 8});
    f(m.require_stable, {.since = 7});
  }
  bool operator==(const OffsetFetchRequest&) const = default;
};

inline constexpr Api kOffsetDelete{
    .key = 47, .name = "OffsetDelete", .versions = {0, 0}, .flexible_since = kNeverFlexible};

struct OffsetDeleteResponse {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      KafkaError error = KafkaError::kNone;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.error);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kOffsetDelete;

  KafkaError error = KafkaError::kNone;
  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.error);
    f(m.throttle_time_ms);
    f(m.topics);
  }
  bool operator==(const OffsetDeleteResponse&) const = default;
};

struct OffsetDeleteRequest {
  struct Topic {
    std::string name;
    std::vector<int32_t> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kOffsetDelete;
  using Response = OffsetDeleteResponse;

  std::string group_id;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.group_id);
    f(m.topics);
  }
  bool operator==(const OffsetDeleteRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
