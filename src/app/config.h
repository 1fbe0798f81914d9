// The program's configuration: from a flag, else the environment, else a TOML file, else a default.
//
// Every setting stands in one table (config_settings.cc), from which its flag (--kafka-listen), its environment
// variable (PENSTOCK_KAFKA_LISTEN), its TOML key (kafka.listen), the help and `penstock config` follow. A new setting
// is a member here, which carries its default, and a line there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/logging.h"
#include "base/result.h"
#include "net/endpoint.h"

namespace penstock::app {

struct Config {
  std::string data_dir = "penstock-data";
  std::string files_dir;    // load_config() puts `data_dir`/files in place of ""
  int64_t workers = 0;      // load_config() puts the number of cores in place of 0
  size_t memory_limit = 0;  // bytes; load_config() puts 60 % of what the process may use in place of 0
  int64_t shutdown_timeout_ms = 10'000;
  int64_t open_files_reserve = 256;

  struct Kafka {
    net::Endpoint listen{"127.0.0.1", 9092};
    net::Endpoint advertise;  // load_config() puts `listen` in place of port 0
    bool auto_create_topics = true;
    int64_t default_partitions = 1;
    int64_t connections_max = 10'000;
    size_t request_bytes_max = 100 << 20;
    size_t requests_bytes_max = 0;   // load_config() puts a share of memory_limit in place of 0
    size_t responses_bytes_max = 0;  // likewise
    int64_t read_timeout_ms = 60'000;
    int64_t write_timeout_ms = 60'000;
  } kafka;

  struct Pg {
    net::Endpoint listen{"127.0.0.1", 7432};
    int64_t connections_max = 1'000;
    size_t messages_bytes_max = 0;  // as those of Kafka
    int64_t read_timeout_ms = 60'000;
    int64_t write_timeout_ms = 600'000;
  } pg;

  struct Http {
    net::Endpoint listen{"127.0.0.1", 7480};
    std::vector<std::string> allowed_hosts;  // without a port
    int64_t connections_max = 10'000;
    int64_t statements_max = 32;
    int64_t subscription_rows_max = 100'000;
    size_t subscription_bytes_max = 256 << 20;
    int64_t write_timeout_ms = 30'000;
  } http;

  struct Journal {
    int64_t commit_interval_us = 1'000;
    size_t segment_bytes = 64 << 20;
    size_t tail_bytes_max = 128 << 20;
    int64_t flush_interval_ms = 500;
  } journal;

  struct Retention {
    int64_t check_interval_ms = 30'000;
  } retention;

  struct Sql {
    int64_t rows_max = 1'000'000;
    size_t state_bytes_max = 0;      // load_config() puts a share of memory_limit in place of 0
    size_t job_state_bytes_max = 0;  // likewise
    int64_t row_dead_letters_per_s_max = 1'000;
  } sql;

  struct Log {
    logging::Level level = logging::Level::kInfo;
    logging::Format format = logging::Format::kLogfmt;
  } log;
};

// A flag of one subcommand that is no setting: --rate N. What `value` holds is its default.
struct CommandFlag {
  std::string name;  // "rate"
  std::string help;
  std::variant<bool*, int64_t*, double*, std::string*> value;
};

// What may stand on a subcommand's line.
struct Command {
  std::string name;                               // "serve"
  std::string summary;                            // one line, for its help
  bool takes_settings = true;                     // false: only its own flags, as for a client
  std::vector<CommandFlag> flags = {};            // its own
  std::vector<std::string>* arguments = nullptr;  // takes what is no flag; nullptr: nothing may stand there
  std::string arguments_name = {};                // "FILE", for its help
};

struct LoadedConfig {
  Config config;
  std::vector<std::string> origins;   // of each setting, in the order of the table: "flag --workers", "a.toml:3", ...
  std::vector<std::string> warnings;  // worth logging: environment variables that begin like settings and are none
  std::string help;                   // not empty: the user asked for it; print it and stop
};

// The environment as load_config() wants it: "NAME=value".
std::vector<std::string> process_environment();

// Reads the flags in `arguments` (what follows the subcommand), the environment and the file named by --config or
// PENSTOCK_CONFIG. An error names the flag, variable or line of the file, and what would be right.
Result<LoadedConfig> load_config(const Command& command, std::span<const std::string> arguments,
                                 std::span<const std::string> environment);

// The configuration as a TOML file with the origin of each value as a comment.
std::string describe_config(const LoadedConfig& loaded);

}  // namespace penstock::app
