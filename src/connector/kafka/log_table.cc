#include "connector/kafka/log_table.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "connector/table_format.h"

namespace penstock::connector {

namespace {

using types::DataType;
using types::TypeKind;

constexpr OptionDoc kTopic{"topic", "required", "The topic. CREATE TABLE makes it when there is none."};
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
    "Other partitions are not read."};
constexpr OptionDoc kIdleTimeout{
    "scan.watermark.idle-timeout", "0",
    "A partition that has given nothing for this time does not hold the watermark back; 0: it always does."};
constexpr OptionDoc kProperties{
    "properties.*", "", "Settings of Kafka's clients: taken for Flink's sake, without effect on the embedded log."};

// Flink's options of what is arranged by itself here: all partitions are read, also later ones, by as many tasks as
// there are workers, and what is written is written exactly once.
constexpr std::string_view kTaken = "Taken for Flink's sake, without effect.";
constexpr OptionDoc kWithoutEffect[] = {{"scan.parallelism", "", kTaken},
                                        {"scan.topic-partition-discovery.interval", "", kTaken},
                                        {"sink.parallelism", "", kTaken},
                                        {"sink.delivery-guarantee", "", kTaken},
                                        {"sink.transactional-id-prefix", "", kTaken}};

constexpr OptionDoc kOptions[] = {
    kTopic,
    kFormatOrEventsOption,
    {"value.format", "", "The same as 'format'; the options of the format then begin with 'value.'."},
    {"scan.startup.mode", "earliest-offset",
     "Where a new job begins: earliest-offset, latest-offset, timestamp, specific-offsets, or group-offsets, which is "
     "earliest-offset here. The job keeps the offsets that this means when it is made. A SELECT ignores "
     "latest-offset."},
    {"scan.startup.timestamp-millis", "", "With the mode timestamp: the first record at or after this time."},
    {"scan.startup.specific-offsets", "",
     "With the mode specific-offsets: 'partition:0,offset:42;partition:1,offset:300'. Other partitions are read from "
     "their beginning."},
    kBoundedMode,
    kBoundedTimestamp,
    kBoundedOffsets,
    kIdleTimeout,
    kMaxAheadOption,
    kAlignmentGroupOption,
    kAlignmentDriftOption,
    kAlignmentIntervalOption,
    {"key.fields", "",
     "When written to: the columns, separated by ';', whose text is the record's key (joined by '|'). Rows with the "
     "same key go to the same partition."},
    {"key.format", "raw", "Only raw."},
    kWithoutEffect[0],
    kWithoutEffect[1],
    kWithoutEffect[2],
    kWithoutEffect[3],
    kWithoutEffect[4],
    kProperties,
};

constexpr OptionDoc kUpsertOptions[] = {
    kTopic,
    {"key.format", "required", "The format of records' keys, which are the primary key: json, csv or raw."},
    {"value.format", "required",
     "The format of their values: json, csv or raw. Options of the two formats begin with 'key.' and 'value.'."},
    {"key.fields-prefix", "",
     "What the names of the primary key's columns begin with, and the fields of the records' keys do not; where "
     "columns of the value would have the same names. Needs 'value.fields-include' = 'EXCEPT_KEY'."},
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
    kWithoutEffect[0],
    kWithoutEffect[1],
    kWithoutEffect[2],
    kWithoutEffect[3],
    kWithoutEffect[4],
    kProperties,
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// The offsets by partition of an option such as "partition:0,offset:42;partition:1,offset:300".
Result<std::map<int32_t, int64_t>> parse_offsets(TableOptions& reader, const std::string& option) {
  std::map<int32_t, int64_t> offsets;
  for (const std::string& part : split(PENSTOCK_TRY(reader.require(option)), ';')) {
    int32_t partition = -1;
    int64_t offset = -1;
    for (const std::string& field : split(part, ',')) {
      const size_t colon = field.find(':');
      const std::string_view number = std::string_view(field).substr(std::min(colon + 1, field.size()));
      const std::string_view name = std::string_view(field).substr(0, colon);
      const char* end = number.data() + number.size();
      if (name == "partition" && std::from_chars(number.data(), end, partition).ptr != end) partition = -1;
      if (name == "offset" && std::from_chars(number.data(), end, offset).ptr != end) offset = -1;
    }
    if (partition < 0 || offset < 0) {
      return invalid_argument("table \"{}\": option '{}': expected 'partition:0,offset:42;...', found '{}'",
                              reader.table(), option, part);
    }
    offsets[partition] = offset;
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
    parsed.startup_offsets = PENSTOCK_TRY(parse_offsets(reader, "scan.startup.specific-offsets"));
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
    parsed.bounded_offsets = PENSTOCK_TRY(parse_offsets(reader, "scan.bounded.specific-offsets"));
  }
  return {};
}

}  // namespace

namespace {

// What both connectors have.
Status parse_topic(TableOptions& reader, LogTableOptions& parsed) {
  if (reader.has("properties.bootstrap.servers")) {
    return unsupported("table \"{}\": reading from an outside Kafka cluster is not supported yet", reader.table())
        .hint("leave out 'properties.bootstrap.servers' to use the embedded log");
  }
  reader.with_prefix("properties.");  // other client settings have no effect on the embedded log
  for (const OptionDoc& option : kWithoutEffect) reader.find(option.key);
  parsed.topic = PENSTOCK_TRY(reader.require("topic"));
  PENSTOCK_TRY(parse_bounded(reader, parsed));
  parsed.max_ahead_us = PENSTOCK_TRY(read_max_ahead_us(reader));
  parsed.alignment = PENSTOCK_TRY(read_alignment_options(reader));
  parsed.idle_timeout_us = PENSTOCK_TRY(reader.get_duration_us("scan.watermark.idle-timeout", 0));
  return {};
}

Result<LogTableOptions> parse_upserts(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, kUpsertOptions);
  LogTableOptions parsed;
  PENSTOCK_TRY(parse_topic(reader, parsed));
  parsed.format.key = PENSTOCK_TRY(read_format(reader, "key.format"));
  parsed.format.value = PENSTOCK_TRY(read_format(reader, "value.format"));
  const std::string fields = PENSTOCK_TRY(reader.get_choice("value.fields-include", "all", {"all", "except_key"}));
  parsed.format.key_in_value = fields == "all";
  parsed.format.key_prefix = reader.get("key.fields-prefix", "");
  if (!parsed.format.key_prefix.empty() && parsed.format.key_in_value) {
    return invalid_argument("table \"{}\": option 'key.fields-prefix' needs 'value.fields-include' = 'EXCEPT_KEY'",
                            table);
  }
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

// The key and the value can be read and written.
Status check_upserts(const LogTableOptions& parsed, const TableDefinition& table) {
  if (table.primary_key.empty()) {
    return invalid_argument("the connector upsert-kafka needs a primary key")
        .hint("add PRIMARY KEY (column, ...) NOT ENFORCED: these columns are the keys of the records");
  }
  const types::Schema keys = PENSTOCK_TRY(key_fields(parsed.format, table.physical, table.primary_key));
  if (Status checked = check_format(*parsed.format.key, keys); !checked) {
    return std::move(checked).error().context("option 'key.format'");
  }
  if (Status checked =
          check_format(parsed.format.value, value_fields(parsed.format, table.physical, table.primary_key));
      !checked) {
    return std::move(checked).error().context("option 'value.format'");
  }
  return {};
}

}  // namespace

std::span<const OptionDoc> log_table_option_docs() { return kOptions; }
std::span<const OptionDoc> upsert_table_option_docs() { return kUpsertOptions; }

Result<LogTableOptions> parse_log_table(const std::string& table, const OptionMap& options) {
  if (const auto connector = options.find("connector"); connector != options.end()) {
    if (connector->second == "upsert-kafka") return parse_upserts(table, options);
  }
  TableOptions reader(table, options, kOptions);
  LogTableOptions parsed;
  PENSTOCK_TRY(parse_topic(reader, parsed));
  parsed.format.value = PENSTOCK_TRY(read_format(reader, reader.has("value.format") ? "value.format" : "format"));
  PENSTOCK_TRY(parse_startup(reader, parsed));
  parsed.key_fields = split(reader.get("key.fields", ""), ';');
  PENSTOCK_TRY(reader.get_choice("key.format", "raw", {"raw"}));
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

Status validate_log_table(const ConnectorContext& context, const TableDefinition& table) {
  const LogTableOptions parsed = PENSTOCK_TRY(parse_log_table(table.name, table.options));
  if (parsed.format.key) {
    if (Status checked = check_upserts(parsed, table); !checked) {
      return std::move(checked).error().context("table \"" + table.name + "\"");
    }
  } else {
    PENSTOCK_TRY(parsed.format.value.is_events() ? check_events(parsed, table)
                                                 : check_format(parsed.format.value, table.physical));
  }
  for (const std::string& field : parsed.key_fields) {
    if (types::find_field(table.physical, field) < 0) {
      return invalid_argument("table \"{}\": option 'key.fields': there is no physical column \"{}\"", table.name,
                              field);
    }
  }
  if (context.log->topic(parsed.topic)) return {};
  if (log::is_reserved_name(parsed.topic)) {
    return not_found("table \"{}\": there is no topic {}, and names that begin with \"penstock.\" are reserved",
                     table.name, parsed.topic);
  }
  const Result<log::TopicInfo> made = context.log->create_topic(parsed.topic, context.default_partitions, {});
  if (!made && made.error().code() != ErrorCode::kAlreadyExists) {
    return Error(made.error()).context("table \"" + table.name + "\"");
  }
  return {};
}

types::Schema log_metadata_columns() {
  return {{"topic", DataType(TypeKind::kString).with_nullable(false)},
          {"partition", DataType(TypeKind::kInt).with_nullable(false)},
          {"offset", DataType(TypeKind::kBigInt).with_nullable(false)},
          {std::string(kTimestampMetadata), DataType::timestamp_ltz(3).with_nullable(false)},
          {"timestamp-type", DataType(TypeKind::kString).with_nullable(false)},
          {std::string(kHeadersMetadata),
           DataType::map(DataType(TypeKind::kString).with_nullable(false), TypeKind::kBytes).with_nullable(false)},
          {"key", TypeKind::kBytes}};
}

}  // namespace penstock::connector
