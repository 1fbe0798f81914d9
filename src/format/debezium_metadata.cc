#include "format/debezium_metadata.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "types/nested.h"

namespace penstock::format {

namespace {

namespace dom = simdjson::dom;
using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

constexpr std::string_view kSchema = "schema";
constexpr std::string_view kIngestionTimestamp = "ingestion-timestamp";
constexpr std::string_view kTimestamp = "source.timestamp";
constexpr std::string_view kDatabase = "source.database";
constexpr std::string_view kSourceSchema = "source.schema";
constexpr std::string_view kTable = "source.table";
constexpr std::string_view kProperties = "source.properties";

// As it is, of a BIGINT; in microseconds, of a TIMESTAMP, where what does not fit becomes the nearest that does.
void append_millis(dom::element value, ColumnBuilder& out) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 1000;
  int64_t millis = 0;
  if (value.get_int64().get(millis) != simdjson::SUCCESS) return out.append_null();
  out.append_int64(out.type().is_timestamp() ? std::clamp(millis, -kLimit, kLimit) * 1000 : millis);
}

// A text as it is, all else as JSON.
std::string text_of(dom::element value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::to_string(value);
}

void append_text(dom::element value, ColumnBuilder& out) {
  if (value.is_null()) return out.append_null();
  out.append_string(text_of(value));
}

void append_properties(dom::element value, ColumnBuilder& out) {
  dom::object properties;
  if (value.get_object().get(properties) != simdjson::SUCCESS) return out.append_null();
  const DataType type = out.type();
  types::EntryWriter entries(type);
  for (const dom::key_value_pair property : properties) {
    std::string key;
    types::SlotWriter(key, type.parts()[0].type).append_string(property.key);
    std::string slot;
    types::SlotWriter writer(slot, type.parts()[1].type);
    property.value.is_null() ? writer.append_null() : writer.append_string(text_of(property.value));
    entries.add(key, slot);
  }
  std::string map;
  entries.finish(map);
  out.append_string(map);
}

}  // namespace

types::Schema debezium_metadata_columns() {
  return {
      {std::string(kSchema), TypeKind::kString},
      {std::string(kIngestionTimestamp), DataType::timestamp_ltz(3)},
      {std::string(kTimestamp), DataType::timestamp_ltz(3)},
      {std::string(kDatabase), TypeKind::kString},
      {std::string(kSourceSchema), TypeKind::kString},
      {std::string(kTable), TypeKind::kString},
      {std::string(kProperties), DataType::map(DataType(TypeKind::kString).with_nullable(false), TypeKind::kString)}};
}

struct DebeziumMetadata::Parser {
  dom::parser parser;
};

DebeziumMetadata::DebeziumMetadata(const FormatOptions& options)
    : schema_include_(options.schema_include), parser_(std::make_unique<Parser>()) {}
DebeziumMetadata::~DebeziumMetadata() = default;

void DebeziumMetadata::append(std::string_view record, std::string_view name, ColumnBuilder& out) {
  dom::element root;
  if (parser_->parser.parse(record.data(), record.size()).get(root) != simdjson::SUCCESS) return out.append_null();
  dom::element value;
  if (name == kSchema) {
    if (!schema_include_ || root["schema"].get(value) != simdjson::SUCCESS) return out.append_null();
    return append_text(value, out);
  }
  dom::element event = root;
  if (schema_include_ && root["payload"].get(event) != simdjson::SUCCESS) return out.append_null();
  if (name == kIngestionTimestamp) {
    if (event["ts_ms"].get(value) != simdjson::SUCCESS) return out.append_null();
    return append_millis(value, out);
  }
  dom::element source;
  if (event["source"].get(source) != simdjson::SUCCESS) return out.append_null();
  if (name == kProperties) return append_properties(source, out);
  const std::string_view field = name == kTimestamp      ? "ts_ms"
                                 : name == kDatabase     ? "db"
                                 : name == kSourceSchema ? "schema"
                                                         : "table";
  if (source[field].get(value) != simdjson::SUCCESS) return out.append_null();
  name == kTimestamp ? append_millis(value, out) : append_text(value, out);
}

}  // namespace penstock::format
