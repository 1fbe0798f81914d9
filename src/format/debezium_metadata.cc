#include "format/debezium_metadata.h"

#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
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

// The parts of a record in which metadata is; null where they are not there.
struct Event {
  std::optional<dom::element> schema;
  std::optional<dom::element> payload;
  std::optional<dom::element> source;
};

std::optional<dom::element> field_of(std::optional<dom::element> object, std::string_view name) {
  dom::element value;
  if (!object || (*object)[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

void append_of(const Event& event, std::string_view name, ColumnBuilder& out) {
  struct Place {
    std::string_view name;
    std::optional<dom::element> Event::* part;
    std::string_view field;  // none: the part itself
    void (*append)(dom::element value, ColumnBuilder& out);
  };
  static constexpr Place kPlaces[] = {
      {kSchema, &Event::schema, "", append_text},
      {kIngestionTimestamp, &Event::payload, "ts_ms", append_millis},
      {kTimestamp, &Event::source, "ts_ms", append_millis},
      {kDatabase, &Event::source, "db", append_text},
      {kSourceSchema, &Event::source, "schema", append_text},
      {kTable, &Event::source, "table", append_text},
      {kProperties, &Event::source, "", append_properties},
  };
  const Place& place = *std::ranges::find(kPlaces, name, &Place::name);
  const std::optional<dom::element>& part = event.*place.part;
  const std::optional<dom::element> value = place.field.empty() ? part : field_of(part, place.field);
  if (!value) return out.append_null();
  place.append(*value, out);
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
  // What it gives is there until the next call.
  Event parse(std::string_view record, bool schema_include) {
    dom::element root;
    if (parser.parse(record.data(), record.size()).get(root) != simdjson::SUCCESS) return {};
    if (!schema_include) return {.schema = {}, .payload = root, .source = field_of(root, "source")};
    const std::optional<dom::element> payload = field_of(root, "payload");
    return {.schema = field_of(root, "schema"), .payload = payload, .source = field_of(payload, "source")};
  }

  dom::parser parser;
};

DebeziumMetadata::DebeziumMetadata(const FormatOptions& options)
    : schema_include_(options.schema_include), parser_(std::make_unique<Parser>()) {}
DebeziumMetadata::~DebeziumMetadata() = default;

std::vector<columnar::ColumnPtr> DebeziumMetadata::read(std::span<const std::string_view> records,
                                                        const types::Schema& columns) {
  std::vector<ColumnBuilder> builders;
  for (const types::Field& column : columns) builders.emplace_back(column.type, records.size());
  Event event;
  for (size_t row = 0; row < records.size(); ++row) {
    // A record that gives several rows stands here as often.
    if (row == 0 || records[row].data() != records[row - 1].data())
      event = parser_->parse(records[row], schema_include_);
    for (size_t column = 0; column < columns.size(); ++column) {
      append_of(event, columns[column].name, builders[column]);
    }
  }
  std::vector<columnar::ColumnPtr> out;
  for (ColumnBuilder& builder : builders) out.push_back(builder.finish());
  return out;
}

}  // namespace penstock::format
