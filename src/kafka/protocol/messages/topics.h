// CreateTopics, DeleteTopics, CreatePartitions and DeleteRecords: the administration of topics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kCreateTopics{.key = 19, .name = "CreateTopics", .versions = {2, 7}, .flexible_since = 5};

struct CreateTopicsResponse {
  struct Topic {
    struct Config {
      std::string name;
      std::optional<std::string> value;
      bool read_only = false;
      int8_t source = -1;
      bool is_sensitive = false;

      static void fields(auto& f, auto& m) {
        f(m.name);
        f(m.value);
        f(m.read_only);
        f(m.source);
        f(m.is_sensitive);
      }
      bool operator==(const Config&) const = default;
    };

    std::string name;
    Uuid topic_id;
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;
    int32_t partitions = -1;
    int16_t replication_factor = -1;
    std::optional<std::vector<Config>> configs;
    KafkaError config_error = KafkaError::kNone;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.topic_id, {.since = 7});
      f(m.error);
      f(m.error_message, {.since = 1});
      f(m.partitions, {.since = 5});
      f(m.replication_factor, {.since = 5});
      f(m.configs, {.since = 5});
      f(m.config_error, {.since = 5, .tag = 0});
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kCreateTopics;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 2});
    f(m.topics);
  }
  bool operator==(const CreateTopicsResponse&) const = default;
};

struct CreateTopicsRequest {
  struct Topic {
    struct Assignment {
      int32_t partition = 0;
      std::vector<int32_t> broker_ids;

      static void fields(auto& f, auto& m) {
        f(m.partition);
        f(m.broker_ids);
      }
      bool operator==(const Assignment&) const = default;
    };

    struct Config {
      std::string name;
      std::optional<std::string> value;

      static void fields(auto& f, auto& m) {
        f(m.name);
        f(m.value);
      }
      bool operator==(const Config&) const = default;
    };

    std::string name;
    int32_t partitions = 0;          // -1: the default
    int16_t replication_factor = 0;  // -1: the default
    std::vector<Assignment> assignments;
    std::vector<Config> configs;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions);
      f(m.replication_factor);
      f(m.assignments);
      f(m.configs);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kCreateTopics;
  using Response = CreateTopicsResponse;

  std::vector<Topic> topics;
  int32_t timeout_ms = 60000;
  bool validate_only = false;

  static void fields(auto& f, auto& m) {
    f(m.topics);
    f(m.timeout_ms);
    f(m.validate_only, {.since = 1});
  }
  bool operator==(const CreateTopicsRequest&) const = default;
};

inline constexpr Api kDeleteTopics{.key = 20, .name = "DeleteTopics", .versions = {1, 6}, .flexible_since = 4};

struct DeleteTopicsResponse {
  struct Topic {
    std::optional<std::string> name;
    Uuid topic_id;
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;

    static void fields(auto& f, auto& m) {
      f(m.name, {.nullable_since = 6});
      f(m.topic_id, {.since = 6});
      f(m.error);
      f(m.error_message, {.since = 5});
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kDeleteTopics;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms, {.since = 1});
    f(m.topics);
  }
  bool operator==(const DeleteTopicsResponse&) const = default;
};

struct DeleteTopicsRequest {
  struct Topic {
    std::optional<std::string> name;
    Uuid topic_id;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.topic_id);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kDeleteTopics;
  using Response = DeleteTopicsResponse;

  std::vector<Topic> topics;
  std::vector<std::string> topic_names;
  int32_t timeout_ms = 0;

  static void fields(auto& f, auto& m) {
    f(m.topics, {.since = 6});
    f(m.topic_names, {.until = 5});
    f(m.timeout_ms);
  }
  bool operator==(const DeleteTopicsRequest&) const = default;
};

inline constexpr Api kCreatePartitions{.key = 37, .name = "CreatePartitions", .versions = {0, 3}, .flexible_since = 2};

struct CreatePartitionsResponse {
  struct Topic {
    std::string name;
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.error);
      f(m.error_message);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kCreatePartitions;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.topics);
  }
  bool operator==(const CreatePartitionsResponse&) const = default;
};

struct CreatePartitionsRequest {
  struct Topic {
    struct Assignment {
      std::vector<int32_t> broker_ids;

      static void fields(auto& f, auto& m) { f(m.broker_ids); }
      bool operator==(const Assignment&) const = default;
    };

    std::string name;
    int32_t partitions_total = 0;
    std::optional<std::vector<Assignment>> assignments;

    static void fields(auto& f, auto& m) {
      f(m.name);
      f(m.partitions_total);
      f(m.assignments);
    }
    bool operator==(const Topic&) const = default;
  };

  static constexpr Api kApi = kCreatePartitions;
  using Response = CreatePartitionsResponse;

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;
  bool validate_only = false;

  static void fields(auto& f, auto& m) {
    f(m.topics);
    f(m.timeout_ms);
    f(m.validate_only);
  }
  bool operator==(const CreatePartitionsRequest&) const = default;
};

inline constexpr Api kDeleteRecords{.key = 21, .name = "DeleteRecords", .versions = {0, 2}, .flexible_since = 2};

struct DeleteRecordsResponse {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int64_t low_watermark = -1;
      KafkaError error = KafkaError::kNone;

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.low_watermark);
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

  static constexpr Api kApi = kDeleteRecords;

  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.topics);
  }
  bool operator==(const DeleteRecordsResponse&) const = default;
};

struct DeleteRecordsRequest {
  struct Topic {
    struct Partition {
      int32_t index = 0;
      int64_t offset = 0;  // -1: the high watermark

      static void fields(auto& f, auto& m) {
        f(m.index);
        f(m.offset);
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

  static constexpr Api kApi = kDeleteRecords;
  using Response = DeleteRecordsResponse;

  std::vector<Topic> topics;
  int32_t timeout_ms = 0;

  static void fields(auto& f, auto& m) {
    f(m.topics);
    f(m.timeout_ms);
  }
  bool operator==(const DeleteRecordsRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
