// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

inline constexpr Api kDescribeConfigs{.key = 32, .name = "DescribeConfigs", .versions = {1, 4}, .flexible_since = 4};

struct DescribeConfigsResponse {
  struct Result {
    struct Config {
      struct Synonym {
        std::string name;
        std::optional<std::string> value;
        int8_t source = 0;

        static void fields(auto& f, auto& m) {
          f(m.name);
          f(m.value);
          f(m.source);
        }
        bool operator==(const Synonym&) const = default;
      };

      std::string name;
      std::optional<std::string> value;
      bool read_only = false;
      int8_t source = -1;
      bool is_sensitive = false;
      std::vector<Synonym> synonyms;
      int8_t type = 0;
      std::optional<std::string> documentation;

      static void fields(auto& f, auto& m) {
        f(m.name);
        f(m.value);
        f(m.read_only);
        f(m.source, {.since = 1});
        f(m.is_sensitive);
        f(m.synonyms, {.since = 1});
        f(m.type, {.since = 3});
        f(m.documentation, {.since = 3});
      }
      bool operator==(const Config&) const = default;
    };

    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;
    int8_t type = 0;
    std::string name;
    std::vector<Config> configs;

    static void fields(auto& f, auto& m) {
      f(m.error);
      f(m.error_message);
      f(m.type);
      f(m.name);
      f(m.configs);
    }
    bool operator==(const Result&) const = default;
  };

  static constexpr Api kApi = kDescribeConfigs;

  int32_t throttle_time_ms = 0;
  std::vector<Result> results;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.results);
  }
  bool operator==(const DescribeConfigsResponse&) const = default;
};

struct DescribeConfigsRequest {
  struct Resource {
    int8_t type = 0;
    std::string name;
    std::optional<std::vector<std::string>> keys;

    static void fields(auto& f, auto& m) {
      f(m.type);
      f(m.name);
      f(m.keys);
    }
    bool operator==(const Resource&) const = default;
  };

  static constexpr Api kApi = kDescribeConfigs;
  using Response = DescribeConfigsResponse;

  std::vector<Resource> resources;
  bool include_synonyms = false;
  bool include_documentation = false;

  static void fields(auto& f, auto& m) {
    f(m.resources);
    f(m.include_synonyms, {.since = 1});
    f(m.include_documentation, {.since = 3});
  }
  bool operator==(const DescribeConfigsRequest&) const = default;
};

inline constexpr Api kAlterConfigs{.key = 33, .name = "AlterConfigs", .versions = {0, 2}, .flexible_since = 2};

struct AlterConfigsResponse {
  struct Resource {
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;
    int8_t type = 0;
    std::string name;

    static void fields(auto& f, auto& m) {
      f(m.error);
      f(m.error_message);
      f(m.type);
      f(m.name);
    }
    bool operator==(const Resource&) const = default;
  };

  static constexpr Api kApi = kAlterConfigs;

  int32_t throttle_time_ms = 0;
  std::vector<Resource> resources;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.resources);
  }
  bool operator==(const AlterConfigsResponse&) const = default;
};

struct AlterConfigsRequest {
  struct Resource {
    struct Config {
      std::string name;
      std::optional<std::string> value;

      static void fields(auto& f, auto& m) {
        f(m.name);
        f(m.value);
      }
      bool operator==(const Config&) const = default;
    };

    int8_t type = 0;
    std::string name;
    std::vector<Config> configs;

    static void fields(auto& f, auto& m) {
      f(m.type);
      f(m.name);
      f(m.configs);
    }
    bool operator==(const Resource&) const = default;
  };

  static constexpr Api kApi = kAlterConfigs;
  using Response = AlterConfigsResponse;

  std::vector<Resource> resources;
  bool validate_only = false;

  static void fields(auto& f, auto& m) {
    f(m.resources);
    f(m.validate_only);
  }
  bool operator==(const AlterConfigsRequest&) const = default;
};

inline constexpr Api kIncrementalAlterConfigs{
    .key = 44, .name = "IncrementalAlterConfigs", .versions = {0, 1}, .flexible_since = 1};

struct IncrementalAlterConfigsResponse {
  struct Resource {
    KafkaError error = KafkaError::kNone;
    std::optional<std::string> error_message;
    int8_t type = 0;
    std::string name;

    static void fields(auto& f, auto& m) {
      f(m.error);
      f(m.error_message);
      f(m.type);
      f(m.name);
    }
    bool operator==(const Resource&) const = default;
  };

  static constexpr Api kApi = kIncrementalAlterConfigs;

  int32_t throttle_time_ms = 0;
  std::vector<Resource> resources;

  static void fields(auto& f, auto& m) {
    f(m.throttle_time_ms);
    f(m.resources);
  }
  bool operator==(const IncrementalAlterConfigsResponse&) const = default;
};

struct IncrementalAlterConfigsRequest {
  struct Resource {
    struct Config {
      std::string name;
      int8_t operation = 0;
      std::optional<std::string> value;

      static void fields(auto& f, auto& m) {
        f(m.name);
        f(m.operation);
        f(m.value);
      }
      bool operator==(const Config&) const = default;
    };

    int8_t type = 0;
    std::string name;
    std::vector<Config> configs;

    static void fields(auto& f, auto& m) {
      f(m.type);
      f(m.name);
      f(m.configs);
    }
    bool operator==(const Resource&) const = default;
  };

  static constexpr Api kApi = kIncrementalAlterConfigs;
  using Response = IncrementalAlterConfigsResponse;

  std::vector<Resource> resources;
  bool validate_only = false;

  static void fields(auto& f, auto& m) {
    f(m.resources);
    f(m.validate_only);
  }
  bool operator==(const IncrementalAlterConfigsRequest&) const = default;
};

}  // namespace penstock::kafka::protocol
