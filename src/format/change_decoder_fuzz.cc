// Events are read in place and copied alike, whole and known by their key, and a record that fails leaves no trace.
#include "format/change_decoder.h"
#include "format/decoder_fuzz_support.h"

namespace {

using namespace penstock;

// The rows of the events, with what they stand for.
std::string decode(const format::FormatOptions& options, const types::Schema& schema, std::span<const size_t> key,
                   std::string_view bytes, bool in_place) {
  std::vector<std::string_view> records;
  std::string_view rest = bytes;
  std::string_view record;
  size_t next = 0;
  while (records.size() < columnar::kBatchRowsMax / 2 && format::split_record(options, rest, true, record, next)) {
    records.push_back(record);
    rest.remove_prefix(next);
  }
  std::vector<size_t> wanted(schema.size());
  std::iota(wanted.begin(), wanted.end(), 0);
  auto decoder = format::ChangeDecoder::make(options, schema, {.wanted = wanted, .key = key}).value();
  std::vector<columnar::ColumnBuilder> builders;
  for (const types::Field& field : schema) builders.emplace_back(field.type);
  std::vector<format::RowEvent> events;
  std::vector<format::FailedRecord> failed;
  decoder->decode(records, in_place ? bytes : std::string_view(), builders, events, failed);
  PENSTOCK_CHECK(events.size() <= 2 * records.size(), "a record gives two rows at most");
  std::vector<columnar::ColumnPtr> columns;
  for (columnar::ColumnBuilder& builder : builders) {
    columns.push_back(builder.finish());
    PENSTOCK_CHECK(columns.back()->size() == events.size(), "a failed record left a trace");
  }
  std::string text = to_text(columnar::ChangeBatch(events.size(), std::move(columns)));
  for (const format::RowEvent& event : events) text += event.gone ? "-" : "+";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const types::Schema kSchema = [] {
    types::Schema schema;
    format::fuzzing::add_columns(schema, {"BIGINT", "STRING", "ROW<a INT, b ARRAY<STRING>>"});
    return schema;
  }();
  format::FormatOptions options = format::FormatOptions::parse("debezium-json", {}).value();
  options.schema_include = size % 2 == 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr size_t kKey[] = {0};
  for (const std::span<const size_t> key : {std::span<const size_t>(), std::span<const size_t>(kKey)}) {
    PENSTOCK_CHECK(decode(options, kSchema, key, bytes, true) == decode(options, kSchema, key, bytes, false),
                   "decoding in place gives the same");
  }
  return 0;
}
