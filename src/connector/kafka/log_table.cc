#include "connector/kafka/log_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "connector/kafka/own_address.h"
#include "connector/table_format.h"
#include "format/debezium_metadata.h"

namespace penstock::connector {

namespace {

using types::DataType;
using types::TypeKind;

constexpr OptionDoc kTopic{"topic", "required", "The topic. CREATE TABLE makes it when there is none."};
constexpr OptionDoc kTopics{"topic", "required",
                            "The topic, or, for a table that is only read, several ones, separated by ';'. CREATE "
                            "TABLE makes those that there are not. Not with 'topic-pattern'."};
constexpr OptionDoc kTopicPattern{
    "topic-pattern", "",
    "In the place of 'topic', for a table that is only read: a regular expression (RE2). All topics whose whole names "
    "match are read, also those that are made later; Penstock's own never match."};
constexpr OptionDoc kKeyPrefix{
    "key.fields-prefix", "",
    "What the names of the key's columns begin with, and the fields of the records' keys do not; where columns of the "
    "value would have the same names. Needs 'value.fields-include' = 'EXCEPT_KEY'."};
constexpr OptionDoc kBoundedMode{
    "scan.bounded.mode", "unbounded",
    "Where a job ends, so that every window fires: unbounded (it goes on), latest-offset (what is there when it is "
    "made), timestamp, specific-offsets. A SELECT ends there or at the present end."};
constexpr OptionDoc kBoundedTimestamp{
    "scan.bounded.timestamp-millis", "",
    "With the mode timestamp: before the first record at or after this time; where there is none, at what is there "
    "when the job is made."};
constexpr OptionDoc kBoundedOffsets{
    "scan.bounded.specific-offsets", "",
    "With the mode specific-offsets, in the form 'partition:0,offset:42;partition:1,offset:300': before these offsets. "
    "Other partitions are not read. Of several topics each part begins with 'topic:NAME,'."};
constexpr OptionDoc kIdleTimeout{
    "scan.watermark.idle-timeout", "0",
    "A partition that has given nothing for this time does not hold the watermark back; 0: it always does."};
// Flink's options of what is arranged by itself here: all partitions are read, also later ones, by as many tasks as
// there are workers, a row moves the watermark at once, and what is written is written exactly once.
constexpr std::string_view kTaken = "Taken for Flink's sake, without effect.";
constexpr OptionDoc kWithoutEffect[] = {{"scan.parallelism", "", kTaken},
                                        {"scan.topic-partition-discovery.interval", "", kTaken},
                                        {"scan.watermark.emit.strategy", "", kTaken},
                                        {"scan.watermark.emit.on-event.gap", "", kTaken},
                                        {"sink.parallelism", "", kTaken},
                                        {"sink.delivery-guarantee", "", kTaken},
                                        {"sink.transactional-id-prefix", "", kTaken},
                                        {"sink.transaction-naming-strategy", "", kTaken}};
constexpr std::string_view kBootstrapServers = "properties.bootstrap.servers";
constexpr OptionDoc kOfClients[] = {
    {kBootstrapServers, "",
     "Where clients find the topics. It can be left out; where it is there, one of the servers is an address of this "
     "one, as kafka.listen and kafka.advertise say it: topics of another cluster are not read."},
    {"properties.*", "",
     "Other settings of Kafka's clients: taken for Flink's sake, without effect on the embedded log."}};

constexpr OptionDoc kOptions[] = {
    kTopics,
    kTopicPattern,
    kFormatOrEventsOption,
    {"value.format", "", "The same as 'format'; the options of the format then begin with 'value.'."},
    {"scan.startup.mode", "earliest-offset",
     "Where a new job begins: earliest-offset, latest-offset, timestamp, specific-offsets, or group-offsets, which is "
     "earliest-offset here. The job keeps the offsets that this means when it is made. A SELECT ignores "
     "latest-offset."},
    {"scan.startup.timestamp-millis", "", "With the mode timestamp: the first record at or after this time."},
    {"scan.startup.specific-offsets", "",
     "With the mode specific-offsets: 'partition:0,offset:42;partition:1,offset:300'. Other partitions are read from "
     "their beginning. Of several topics each part begins with 'topic:NAME,'."},
    kBoundedMode,
    kBoundedTimestamp,
    kBoundedOffsets,
    kIdleTimeout,
    kMaxAheadOption,
    kAlignmentGroupOption,
    kAlignmentDriftOption,
    kAlignmentIntervalOption,
    {"key.fields", "",
     "The columns, separated by ';', that are in the records' keys. Rows with the same key go to the same partition."},
    {"key.format", "",
     "The format of keys: json, csv or raw, whose options begin with 'key.'. Without it, and in the format raw of "
     "several columns, a key is the text of its columns, joined by '|'."},
    kKeyPrefix,
    {"value.fields-include", "ALL",
     "ALL: values have all columns, and keys are only written. EXCEPT_KEY: values have the others, and those of the "
     "key are read from it; in the format raw that can be one."},
    {"sink.partitioner", "default",
     "Where written rows go: default, round-robin (both: to the partition that Kafka's Java client would choose for "
     "the key; those without a key are spread), or fixed (each instance writes to one partition, whatever the keys)."},
};

constexpr OptionDoc kUpsertOptions[] = {
    kTopic,
    {"key.format", "required", "The format of records' keys, which are the primary key: json, csv or raw."},
    {"value.format", "required",
     "The format of their values: json, csv or raw. Options of the two formats begin with 'key.' and 'value.'."},
    kKeyPrefix,
    {"value.fields-include", "ALL",
     "ALL: values have all columns, those of the primary key too. EXCEPT_KEY: they have the others."},
    kBoundedMode,
    kBoundedTimestamp,
    kBoundedOffsets,
    kIdleTimeout,
    kMaxAheadOption,
    kAlignmentGroupOption,
    kAlignmentDriftOption,
    kAlignmentIntervalOption,
    {"sink.buffer-flush.*", "",
     "Taken for Flink's sake, without effect: of each key the last change of an epoch is "
     "written."},
};

// With those that both connectors have.
std::vector<OptionDoc> with_common(std::span<const OptionDoc> options) {
  std::vector<OptionDoc> all(options.begin(), options.end());
  all.insert(all.end(), std::begin(kWithoutEffect), std::end(kWithoutEffect));
  all.insert(all.end(), std::begin(kOfClients), std::end(kOfClients));
  return all;
}

// Without the spaces around the parts.
std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    if (!part.empty()) parts.emplace_back(part.substr(0, part.find_last_not_of(' ') + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// The offsets by partition of an option such as "partition:0,offset:42;topic:orders,partition:1,offset:300".
Result<LogOffsets> parse_offsets(TableOptions& reader, const LogTopics& topics, const std::string& option) {
  LogOffsets offsets;
  for (const std::string& part : split(PENSTOCK_TRY(reader.require(option)), ';')) {
    std::string topic = topics.only() != nullptr ? *topics.only() : "";
    int32_t partition = -1;
    int64_t offset = -1;
    for (const std::string& field : split(part, ',')) {
      const size_t colon = field.find(':');
      const std::string_view number = std::string_view(field).substr(std::min(colon + 1, field.size()));
      const std::string_view name = std::string_view(field).substr(0, colon);
      const char* end = number.data() + number.size();
      if (name == "topic") topic = number;
      if (name == "partition" && std::from_chars(number.data(), end, partition).ptr != end) partition = -1;
      if (name == "offset" && std::from_chars(number.data(), end, offset).ptr != end) offset = -1;
    }
    if (partition < 0 || offset < 0) {
      return invalid_argument("table \"{}\": option '{}': expected 'partition:0,offset:42;...', found '{}'",
                              reader.table(), option, part);
    }
    if (topic.empty()) {
      return invalid_argument("table \"{}\": option '{}': with several topics, '{}' needs 'topic:NAME,' in front",
                              reader.table(), option, part);
    }
    offsets[{topic, log::PartitionId(partition)}] = offset;
  }
  return offsets;
}

Status parse_startup(TableOptions& reader, LogTableOptions& parsed) {
  const std::string mode = PENSTOCK_TRY(
      reader.get_choice("scan.startup.mode", "earliest-offset",
                        {"earliest-offset", "latest-offset", "group-offsets", "timestamp", "specific-offsets"}));
  if (mode == "latest-offset") parsed.startup = StartupMode::kLatest;
  if (mode == "timestamp") {
    parsed.startup = StartupMode::kTimestamp;
    PENSTOCK_TRY(reader.require("scan.startup.timestamp-millis"));
  }
  parsed.startup_timestamp_ms = PENSTOCK_TRY(reader.get_int("scan.startup.timestamp-millis", 0, 0, INT64_MAX));
  if (mode == "specific-offsets") {
    parsed.startup = StartupMode::kSpecificOffsets;
    parsed.startup_offsets = PENSTOCK_TRY(parse_offsets(reader, parsed.topics, "scan.startup.specific-offsets"));
  }
  return {};
}

Status parse_bounded(TableOptions& reader, LogTableOptions& parsed) {
  const std::string mode = PENSTOCK_TRY(reader.get_choice(
      "scan.bounded.mode", "unbounded", {"unbounded", "latest-offset", "timestamp", "specific-offsets"}));
  if (mode == "latest-offset") parsed.bounded = BoundedMode::kLatest;
  if (mode == "timestamp") {
    parsed.bounded = BoundedMode::kTimestamp;
    PENSTOCK_TRY(reader.require("scan.bounded.timestamp-millis"));
  }
  parsed.bounded_timestamp_ms = PENSTOCK_TRY(reader.get_int("scan.bounded.timestamp-millis", 0, 0, INT64_MAX));
  if (mode == "specific-offsets") {
    parsed.bounded = BoundedMode::kSpecificOffsets;
    parsed.bounded_offsets = PENSTOCK_TRY(parse_offsets(reader, parsed.topics, "scan.bounded.specific-offsets"));
  }
  return {};
}

}  // namespace

namespace {

// The topics of a table that may have several.
Result<LogTopics> parse_topics(TableOptions& reader) {
  const std::optional<std::string> pattern = reader.find("topic-pattern");
  if (!pattern) {
    std::vector<std::string> names = split(PENSTOCK_TRY(reader.require("topic")), ';');
    std::ranges::sort(names);
    const auto repeated = std::ranges::unique(names);
    names.erase(repeated.begin(), repeated.end());
    if (names.empty()) return invalid_argument("table \"{}\": option 'topic' names no topic", reader.table());
    return LogTopics(std::move(names));
  }
  if (reader.has("topic")) {
    return invalid_argument("table \"{}\": the options 'topic' and 'topic-pattern' exclude each other", reader.table());
  }
  Result<LogTopics> matching = LogTopics::matching(*pattern);
  if (matching) return matching;
  return std::move(matching).error().context("table \"" + reader.table() + "\", option 'topic-pattern'");
}

// Which columns are in keys, and which are in values.
Status parse_fields_of_key(TableOptions& reader, LogTableOptions& parsed) {
  const std::string fields = PENSTOCK_TRY(reader.get_choice("value.fields-include", "all", {"all", "except_key"}));
  parsed.format.key_in_value = fields == "all";
  parsed.format.key_prefix = reader.get("key.fields-prefix", "");
  if (parsed.format.key_prefix.empty() || !parsed.format.key_in_value) return {};
  return invalid_argument("table \"{}\": option 'key.fields-prefix' needs 'value.fields-include' = 'EXCEPT_KEY'",
                          reader.table());
}

// The keys of records that are not upserts.
Status parse_keys(TableOptions& reader, LogTableOptions& parsed) {
  PENSTOCK_TRY(parse_fields_of_key(reader, parsed));
  parsed.format.key_columns = split(reader.get("key.fields", ""), ';');
  const bool by_itself = !parsed.format.key_in_value;
  const bool formatted = reader.has("key.format");
  if ((by_itself || formatted) && parsed.format.key_columns.empty()) {
    return invalid_argument("table \"{}\": option '{}' needs 'key.fields', the columns that are in the key",
                            reader.table(), by_itself ? "value.fields-include" : "key.format");
  }
  if (by_itself && parsed.format.value.is_events()) {
    return unsupported("table \"{}\": in the format debezium-json the values have all columns", reader.table())
        .hint("leave 'value.fields-include' out");
  }
  if (formatted) parsed.format.key = PENSTOCK_TRY(read_format(reader, "key.format"));
  if (by_itself && !formatted) parsed.format.key = format::FormatOptions{.kind = format::FormatKind::kRaw};
  const bool raw = parsed.format.key && parsed.format.key->kind == format::FormatKind::kRaw;
  // What is only written can be a text of several columns.
  if (raw && !by_itself && parsed.format.key_columns.size() > 1) parsed.format.key.reset();
  return {};
}

// What both connectors have, beside the topics.
Status parse_common(TableOptions& reader, LogTableOptions& parsed) {
  parsed.bootstrap_servers = reader.get(kBootstrapServers, "");
  reader.with_prefix("properties.");  // other client settings have no effect on the embedded log
  for (const OptionDoc& option : kWithoutEffect) reader.find(option.key);
  PENSTOCK_TRY(parse_bounded(reader, parsed));
  parsed.max_ahead_us = PENSTOCK_TRY(read_max_ahead_us(reader));
  parsed.alignment = PENSTOCK_TRY(read_alignment_options(reader));
  parsed.idle_timeout_us = PENSTOCK_TRY(reader.get_duration_us("scan.watermark.idle-timeout", 0));
  return {};
}

Result<LogTableOptions> parse_upserts(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, upsert_table_option_docs());
  LogTableOptions parsed;
  parsed.topics = LogTopics({PENSTOCK_TRY(reader.require("topic"))});
  PENSTOCK_TRY(parse_common(reader, parsed));
  parsed.format.key = PENSTOCK_TRY(read_format(reader, "key.format"));
  parsed.format.value = PENSTOCK_TRY(read_format(reader, "value.format"));
  parsed.format.upserts = true;
  PENSTOCK_TRY(parse_fields_of_key(reader, parsed));
  reader.with_prefix("sink.buffer-flush.");
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

Status check_events(const LogTableOptions& parsed, const TableDefinition& table) {
  ScanRequest request;
  request.columns = table.physical;
  request.physical = table.physical;
  request.primary_key = table.primary_key;
  PENSTOCK_TRY(RecordDecoder::make(parsed.format, request));
  return {};
}

// The topics are those of this server.
Status check_servers(const ConnectorContext& context, const LogTableOptions& parsed, const std::string& table) {
  const std::string& servers = parsed.bootstrap_servers;
  if (servers.empty() || is_own_address(servers, context.kafka_addresses)) return {};
  const std::string own =
      context.kafka_addresses.empty() ? "" : fmt::format(", which is at {}", fmt::join(context.kafka_addresses, ", "));
  return unsupported("table \"{}\": option '{}' = '{}': tables are over topics of this server{}", table,
                     kBootstrapServers, servers, own)
      .hint("leave the option out; or tell the server, by kafka.advertise, that clients call it so");
}

// Makes it, unless it is there.
Status make_topic(const ConnectorContext& context, const std::string& topic) {
  if (context.log->topic(topic)) return {};
  if (log::is_reserved_name(topic)) {
    return not_found("there is no topic {}, and names that begin with \"penstock.\" are reserved", topic);
  }
  const Result<log::TopicInfo> made = context.log->create_topic(topic, context.default_partitions, {});
  if (!made && made.error().code() != ErrorCode::kAlreadyExists) return made.error();
  return {};
}

// The key and the value can be read and written.
Status check_keyed(const LogTableOptions& parsed, const TableDefinition& table) {
  const types::Schema keys = PENSTOCK_TRY(key_fields(parsed.format, table.physical, table.primary_key));
  if (Status checked = check_format(*parsed.format.key, keys); !checked) {
    return std::move(checked).error().context("option 'key.format'");
  }
  if (parsed.format.value.is_events()) return check_events(parsed, table);
  if (Status checked =
          check_format(parsed.format.value, value_fields(parsed.format, table.physical, table.primary_key));
      !checked) {
    return std::move(checked).error().context("option 'value.format'");
  }
  return {};
}

}  // namespace

std::span<const OptionDoc> log_table_option_docs() {
  static const std::vector<OptionDoc> kAll = with_common(kOptions);
  return kAll;
}

std::span<const OptionDoc> upsert_table_option_docs() {
  static const std::vector<OptionDoc> kAll = with_common(kUpsertOptions);
  return kAll;
}

Result<LogTableOptions> parse_log_table(const std::string& table, const OptionMap& options) {
  if (const auto connector = options.find("connector"); connector != options.end()) {
    if (connector->second == "upsert-kafka") return parse_upserts(table, options);
  }
  TableOptions reader(table, options, log_table_option_docs());
  LogTableOptions parsed;
  parsed.topics = PENSTOCK_TRY(parse_topics(reader));
  PENSTOCK_TRY(parse_common(reader, parsed));
  parsed.format.value = PENSTOCK_TRY(read_format(reader, reader.has("value.format") ? "value.format" : "format"));
  PENSTOCK_TRY(parse_startup(reader, parsed));
  PENSTOCK_TRY(parse_keys(reader, parsed));
  const std::string partitioner =
      PENSTOCK_TRY(reader.get_choice("sink.partitioner", "default", {"default", "fixed", "round-robin"}));
  parsed.partition_of_instance = partitioner == "fixed";
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

Status validate_log_table(const ConnectorContext& context, const TableDefinition& table) {
  const LogTableOptions parsed = PENSTOCK_TRY(parse_log_table(table.name, table.options));
  PENSTOCK_TRY(check_servers(context, parsed, table.name));
  if (parsed.format.upserts && table.primary_key.empty()) {
    return invalid_argument("table \"{}\": the connector upsert-kafka needs a primary key", table.name)
        .hint("add PRIMARY KEY (column, ...) NOT ENFORCED: these columns are the keys of the records");
  }
  for (const std::string& field : parsed.format.key_columns) {
    if (types::find_field(table.physical, field) < 0) {
      return invalid_argument("table \"{}\": option 'key.fields': there is no physical column \"{}\"", table.name,
                              field);
    }
  }
  if (parsed.format.key) {
    if (Status checked = check_keyed(parsed, table); !checked) {
      return std::move(checked).error().context("table \"" + table.name + "\"");
    }
  } else {
    PENSTOCK_TRY(parsed.format.value.is_events() ? check_events(parsed, table)
                                                 : check_format(parsed.format.value, table.physical));
  }
  for (const TableDefinition::Metadata& column : table.metadata) {
    if (parsed.format.value.is_events() || !column.from.key.starts_with(kValueMetadata)) continue;
    return invalid_argument("table \"{}\", column {}: only records in the format debezium-json have the metadata '{}'",
                            table.name, column.column, column.from.key);
  }
  for (const std::string& topic : parsed.topics.names()) {
    if (Status made = make_topic(context, topic); !made) {
      return std::move(made).error().context("table \"" + table.name + "\"");
    }
  }
  return {};
}

TableInput log_table_input(const OptionMap& options) {
  if (const auto pattern = options.find("topic-pattern"); pattern != options.end()) {
    return {.name = "pattern:" + pattern->second, .parts = {}, .any_topic = true};
  }
  const auto topic = options.find("topic");
  if (topic == options.end()) return {};
  return {.name = topic->second, .parts = split(topic->second, ';')};
}

types::Schema record_metadata_columns() {
  return {{"topic", DataType(TypeKind::kString).with_nullable(false)},
          {"partition", DataType(TypeKind::kInt).with_nullable(false)},
          {"offset", DataType(TypeKind::kBigInt).with_nullable(false)},
          {std::string(kTimestampMetadata), DataType::timestamp_ltz(3).with_nullable(false)},
          {"timestamp-type", DataType(TypeKind::kString).with_nullable(false)},
          {std::string(kHeadersMetadata),
           DataType::map(DataType(TypeKind::kString).with_nullable(false), TypeKind::kBytes).with_nullable(false)},
          {"key", TypeKind::kBytes}};
}

types::Schema log_metadata_columns() {
  types::Schema columns = record_metadata_columns();
  for (const types::Field& column : format::debezium_metadata_columns()) {
    columns.push_back({std::string(kValueMetadata) + column.name, column.type});
  }
  return columns;
}

}  // namespace penstock::connector
