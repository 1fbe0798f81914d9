// ListOffsets: finds offsets by time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kListOffsets{.key = 2, .name = "ListOffsets", .versions = {1, 9}, .flexible_since = 6};

struct ListOffsetsResponse {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      KafkaError error = KafkaError::kNone;
      int64_t timestamp_ms = -1;
      int64_t offset = -1;
      int32_t leader_epoch = -1;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.error);
        f(m.timestamp_ms, {.since = 1});
        f(m.offset, {.since = 1});
        f(m.leader_epoch, {.since = 4});
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

  static constexpr Api kApi = kListOffsets;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 2});
    f(m.topics);
  }
  bool operator==(const ListOffsetsResponse&) const = default;
};

struct ListOffsetsRequest {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int32_t current_leader_epoch = -1;
      int64_t timestamp_ms = 0;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.current_leader_epoch, {.since = 4});
        f(m.timestamp_ms);
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

  static constexpr Api kApi = kListOffsets;
  using Response = ListOffsetsResponse;

  int32_t replica_id = -1;
  int8_t isolation_level = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.replica_id);
    f(m.isolation_level, {.since = 2});
    f(m.topics);
  }
  bool operator==(const ListOffsetsRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
