// The options of a table over a topic of the embedded log: 'kafka' and 'upsert-kafka'.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "connector/connector.h"
#include "connector/kafka/log_topics.h"
#include "connector/record_decoder.h"
#include "connector/watermark_options.h"
#include "log/log.h"
#include "types/type.h"

namespace penstock::connector {

enum class StartupMode : uint8_t { kEarliest, kLatest, kTimestamp, kSpecificOffsets };
// Where reading ends: never, at what is the end when it starts, at a record's time, or at given offsets.
enum class BoundedMode : uint8_t { kUnbounded, kLatest, kTimestamp, kSpecificOffsets };

using LogOffsets = std::map<log::TopicPartition, int64_t>;

struct LogTableOptions {
  LogTopics topics;
  std::string bootstrap_servers;  // empty: this one
  // A key without a format, which is only written, is the text of its columns, joined by '|'.
  RecordFormat format;
  StartupMode startup = StartupMode::kEarliest;
  int64_t startup_timestamp_ms = 0;
  LogOffsets startup_offsets;
  BoundedMode bounded = BoundedMode::kUnbounded;
  int64_t bounded_timestamp_ms = 0;
  LogOffsets bounded_offsets;  // other partitions are not read
  int64_t idle_timeout_us = 0;
  std::optional<int64_t> max_ahead_us;  // of the watermark; see read_max_ahead_us()
  AlignmentOptions alignment;
  bool partition_of_instance = false;  // each instance of a sink writes to one partition, whatever the keys
};

std::span<const OptionDoc> log_table_option_docs();
std::span<const OptionDoc> upsert_table_option_docs();

// Of the connector that the options name.
Result<LogTableOptions> parse_log_table(const std::string& table, const OptionMap& options);

// Checks everything that can be checked without reading, and makes the topic when there is none.
Status validate_log_table(const ConnectorContext& context, const TableDefinition& table);

// Its topics.
TableInput log_table_input(const OptionMap& options);

// topic, partition, offset, timestamp, timestamp-type, headers and key; and, of tables that may be of events about
// rows, what these tell, behind kValueMetadata. Flink's names and types.
types::Schema record_metadata_columns();
types::Schema log_metadata_columns();
// Those that can be written, too.
inline constexpr std::string_view kTimestampMetadata = "timestamp";
inline constexpr std::string_view kHeadersMetadata = "headers";
inline constexpr std::string_view kValueMetadata = "value.";

}  // namespace penstock::connector
