#include "connector/log_table.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "format/encoder.h"

namespace penstock::connector {

namespace {

using types::DataType;
using types::TypeKind;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "partition:0,offset:42;partition:1,offset:300"
Result<std::map<int32_t, int64_t>> parse_offsets(const std::string& table, const std::string& text) {
  std::map<int32_t, int64_t> offsets;
  for (const std::string& part : split(text, ';')) {
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
      return invalid_argument(
          "table \"{}\": option 'scan.startup.specific-offsets': expected 'partition:0,offset:42;...', found '{}'",
          table, part);
    }
    offsets[partition] = offset;
  }
  return offsets;
}

}  // namespace

Result<LogTableOptions> parse_log_table(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options);
  LogTableOptions parsed;
  reader.find("connector");
  if (reader.has("properties.bootstrap.servers")) {
    return unsupported("table \"{}\": reading from an outside Kafka cluster is not supported yet", table)
        .hint("leave out 'properties.bootstrap.servers' to use the embedded log");
  }
  reader.with_prefix("properties.");  // other client settings have no effect on the embedded log
  parsed.topic = PENSTOCK_TRY(reader.require("topic"));

  const bool value_format = reader.has("value.format");
  const std::string format_key = value_format ? "value.format" : "format";
  const std::string format = PENSTOCK_TRY(reader.require(format_key));
  OptionMap format_options;
  for (auto& [key, value] : reader.with_prefix(fmt::format("{}{}.", value_format ? "value." : "", format))) {
    format_options.emplace(fmt::format("{}.{}", format, key), value);
  }
  Result<format::FormatOptions> format_parsed = format::FormatOptions::parse(format, format_options);
  if (!format_parsed) return std::move(format_parsed).error().context("table \"" + table + "\"");
  parsed.format = *std::move(format_parsed);

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
    parsed.startup_offsets =
        PENSTOCK_TRY(parse_offsets(table, PENSTOCK_TRY(reader.require("scan.startup.specific-offsets"))));
  }
  parsed.idle_timeout_us = PENSTOCK_TRY(reader.get_duration_us("scan.watermark.idle-timeout", 0));
  parsed.key_fields = split(reader.get("key.fields", ""), ';');
  PENSTOCK_TRY(reader.get_choice("key.format", "raw", {"raw"}));
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

Result<std::unique_ptr<format::RowDecoder>> make_row_decoder(const format::FormatOptions& options,
                                                             const types::Schema& columns,
                                                             const types::Schema& wanted) {
  std::vector<size_t> indexes;
  for (const types::Field& field : wanted) {
    const int index = types::find_field(columns, field.name);
    if (index < 0) return not_found("there is no physical column \"{}\"", field.name);
    indexes.push_back(static_cast<size_t>(index));
  }
  return format::RowDecoder::make(options, columns, indexes);
}

Status validate_log_table(const ConnectorContext& context, const std::string& table, const types::Schema& physical,
                          const OptionMap& options) {
  const LogTableOptions parsed = PENSTOCK_TRY(parse_log_table(table, options));
  PENSTOCK_TRY(make_row_decoder(parsed.format, physical, physical));
  PENSTOCK_TRY(format::RowEncoder::make(parsed.format, physical));
  for (const std::string& field : parsed.key_fields) {
    if (types::find_field(physical, field) < 0) {
      return invalid_argument("table \"{}\": option 'key.fields': there is no physical column \"{}\"", table, field);
    }
  }
  if (context.log->topic(parsed.topic)) return {};
  const Result<log::TopicInfo> made = context.log->create_topic(parsed.topic, context.default_partitions, {});
  if (!made && made.error().code() != ErrorCode::kAlreadyExists) {
    return Error(made.error()).context("table \"" + table + "\"");
  }
  return {};
}

types::Schema log_metadata_columns() {
  return {{"topic", DataType(TypeKind::kString).with_nullable(false)},
          {"partition", DataType(TypeKind::kInt).with_nullable(false)},
          {"offset", DataType(TypeKind::kBigInt).with_nullable(false)},
          {"timestamp", DataType::timestamp_ltz(3).with_nullable(false)},
          {"timestamp-type", DataType(TypeKind::kString).with_nullable(false)},
          {"key", TypeKind::kBytes}};
}

}  // namespace penstock::connector
