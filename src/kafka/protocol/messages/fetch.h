// Fetch: reads record batches of partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kFetch{.key = 1, .name = "Fetch", .versions = {4, 17}, .flexible_since = 12};

struct FetchResponse {
  struct Topic {
    struct Partition {
      struct AbortedTransaction {
        int64_t producer_id = 0;
        int64_t first_offset = 0;

        static void fields(auto& f, auto& m) {
          f(m.producer_id);
          f(m.first_offset);
        }
        bool operator==(const AbortedTransaction&) const = default;
      };

      int32_t index = 0;
      KafkaError error = KafkaError::kNone;
      int64_t high_watermark = -1;
      int64_t last_stable_offset = -1;
      int64_t log_start_offset = -1;
      std::optional<std::vector<AbortedTransaction>> aborted_transactions;
      int32_t preferred_read_replica = -1;
      Records records;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.error);
        f(m.high_watermark);
        f(m.last_stable_offset, {.since = 4});
        f(m.log_start_offset, {.since = 5});
        f(m.aborted_transactions, {.since = 4});
        f(m.preferred_read_replica, {.since = 11});
        f(m.records);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    Uuid topic_id;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name, {.until = 12});
      f(m.topic_id, {.since = 13});
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kFetch;

  int32_t throttle_time_ms = 0;
  KafkaError error = KafkaError::kNone;
  int32_t session_id = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.error, {.since = 7});
    f(m.session_id, {.since = 7});
    f(m.topics);
  }
  bool operator==(const FetchResponse&) const = default;
};

struct FetchRequest {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int32_t current_leader_epoch = -1;
      int64_t fetch_offset = 0;
      int32_t last_fetched_epoch = -1;
      int64_t log_start_offset = -1;
      int32_t partition_max_bytes = 0;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.current_leader_epoch, {.since = 9});
        f(m.fetch_offset);
        f(m.last_fetched_epoch, {.since = 12});
        f(m.log_start_offset, {.since = 5});
        f(m.partition_max_bytes);
      }
      bool operator==(const Partition&) const = default;
    };

    std::string name;
    Uuid topic_id;
    std::vector<Partition> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name, {.until = 12});
      f(m.topic_id, {.since = 13});
      f(m.partitions);
    }
    bool operator==(const Topic&) const = default;
  };

  struct ForgottenTopic {
    std::string name;
    Uuid topic_id;
    std::vector<int32_t> partitions;

    static void fields(auto& f, auto& m) {
      f(m.name, {.since = 7, .until = 12});
      f(m.topic_id, {.since = 13});
      f(m.partitions);
    }
    bool operator==(const ForgottenTopic&) const = default;
  };

  static constexpr Api kApi = kFetch;
  using Response = FetchResponse;

  int32_t replica_id = -1;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 0;
  int32_t max_bytes = INT32_MAX;
  int8_t isolation_level = 0;
  int32_t session_id = 0;
  int32_t session_epoch = -1;
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics;
  std::string rack_id;

  static void fields(auto& f, auto& m) {
    f(m.replica_id, {.until = 14});
    f(m.max_wait_ms);
    f(m.min_bytes);
    f(m.max_bytes, {.since = 3});
    f(m.isolation_level, {.since = 4});
    f(m.session_id, {.since = 7});
    f(m.session_epoch, {.since = 7});
    f(m.topics);
    f(m.forgotten_topics, {.since = 7});
    f(m.rack_id, {.since = 11});
  }
  bool operator==(const FetchRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
