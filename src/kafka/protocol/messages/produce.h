// Produce: appends record batches to partitions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kProduce{.key = 0, .name = "Produce", .versions = {3, 12}, .flexible_since = 9};

struct ProduceResponse {
  struct Topic {
    struct Partition {
      struct RecordError {
        int32_t batch_index = 0;
        std::optional<std::string> message;

        static void fields(auto& f, auto& m) {
          f(m.batch_index);
          f(m.message);
        }
        bool operator==(const RecordError&) const = default;
      };

      int32_t index = 0;
      KafkaError error = KafkaError::kNone;
      int64_t base_offset = -1;
      int64_t log_append_time_ms = -1;
      int64_t log_start_offset = -1;
      std::vector<RecordError> record_errors;
      std::optional<std::string> error_message;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.error);
        f(m.base_offset);
        f(m.log_append_time_ms, {.since = 2});
        f(m.log_start_offset, {.since = 5});
        f(m.record_errors, {.since = 8});
        f(m.error_message, {.since = 8});
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

  static constexpr Api kApi = kProduce;

  std::vector<Topic> topics;
  int32_t throttle_time_ms = 0;

  static void fields(auto& f, auto& m) {
    f(m.topics);
    f(m.throttle_time_ms, {.since = 1});
  }
  bool operator==(const ProduceResponse&) const = default;
};

struct ProduceRequest {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      Records records;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.records);
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

  static constexpr Api kApi = kProduce;
  using Response = ProduceResponse;

  std::optional<std::string> transactional_id;
  int16_t acks = 0;
  int32_t timeout_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.transactional_id, {.since = 3});
    f(m.acks);
    f(m.timeout_ms);
    f(m.topics);
  }
  bool operator==(const ProduceRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
