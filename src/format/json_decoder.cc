#include "format/json_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "base/check.h"
#include "format/change_decoder.h"
#include "format/json_value.h"
#include "format/text_value.h"

namespace penstock::format {

namespace {

namespace ondemand = simdjson::ondemand;
using columnar::ColumnBuilder;

std::string broken(simdjson::error_code error) {
  return fmt::format("not valid JSON: {}", simdjson::error_message(error));
}

void truncate(std::span<ColumnBuilder> columns, size_t rows) {
  for (ColumnBuilder& column : columns) column.truncate(std::min(column.size(), rows));
}

// The record that is being read.
struct Record {
  std::string_view text;  // with enough readable bytes behind it
  std::span<ColumnBuilder> out;
  uint64_t number = 0;  // counts from 1
};

// Reads the wanted fields of the objects at one place of the records: of the records themselves, or of a field that is
// a ROW of which only some fields are wanted. Objects of one place nearly always have the same fields in the same
// order, so the reader remembers, for each place in the object, the key that was there last and the field it belongs
// to: a key is then found by one comparison of bytes.
class ObjectReader {
 public:
  // `path`: how messages name the object, "" or "bid.".
  ObjectReader(const FormatOptions& options, std::string path) : options_(options), path_(std::move(path)) {}

  // The field of that path below this object goes to a column of the output.
  void add(std::span<const types::Field* const> path, size_t column) {
    const types::Field& field = *path.front();
    auto [at, added] = by_name_.try_emplace(field.name, fields_.size());
    if (added) fields_.push_back({.name = field.name, .type = field.type, .column = column, .inner = nullptr});
    if (path.size() == 1) {
      PENSTOCK_CHECK(added, "a field is wanted twice");
      return;
    }
    Wanted& wanted = fields_[at->second];
    PENSTOCK_CHECK(added || wanted.inner != nullptr, "a field is wanted as a whole and in part");
    if (added) wanted.inner = std::make_unique<ObjectReader>(options_, path_ + field.name + ".");
    wanted.inner->add(path.subspan(1), column);
  }

  // Appends a value to the column of every wanted field, or says why not; then some columns may be longer.
  std::optional<std::string> read(ondemand::object& object, const Record& record) {
    if (fields_.empty()) return std::nullopt;
    size_t found = 0;
    size_t place = 0;
    for (auto result : object) {
      ondemand::field field;
      if (auto error = std::move(result).get(field)) return broken(error);
      int index = field_at(place++, field, record.text);
      if (index < 0) continue;
      Wanted& wanted = fields_[static_cast<size_t>(index)];
      if (wanted.last_record == record.number) continue;  // a key that comes twice: the first counts
      wanted.last_record = record.number;
      if (auto error = read_value(wanted, field.value(), record)) return error;
      if (++found == fields_.size()) return std::nullopt;
    }
    return fill_missing(record);
  }

 private:
  struct Wanted {
    std::string name;
    types::DataType type;
    size_t column = 0;                    // where the value goes; unless there is an
    std::unique_ptr<ObjectReader> inner;  // of which only some fields are wanted
    uint64_t last_record = 0;             // in which it was last found
  };
  struct Place {
    std::string key;  // as it stands in the record, between its quotes
    int field = -1;   // -1: not wanted
    bool valid = false;
  };

  // The wanted field at this place in the object; -1 when it is not wanted.
  int field_at(size_t place, ondemand::field& field, std::string_view record) {
    const char* key = field.key().raw();
    if (place < places_.size()) {
      const Place& known = places_[place];
      const char* end = record.data() + record.size();
      // Within the record, so that nothing beyond the padding is read.
      if (known.valid && static_cast<size_t>(end - key) > known.key.size() && key[known.key.size()] == '"' &&
          std::memcmp(key, known.key.data(), known.key.size()) == 0) {
        return known.field;
      }
    }
    return learn(place, field, key, record);
  }

  int learn(size_t place, ondemand::field& field, const char* key, std::string_view record) {
    std::string_view raw(key, static_cast<size_t>(record.data() + record.size() - key));
    raw = raw.substr(0, raw.find('"'));
    bool has_escape = raw.find('\\') != std::string_view::npos;
    std::string_view name = raw;
    if (has_escape && field.unescaped_key().get(name) != simdjson::SUCCESS) return -1;
    auto found = by_name_.find(std::string(name));
    int index = found == by_name_.end() ? -1 : static_cast<int>(found->second);
    if (place < kPlacesMax && !has_escape) {
      if (places_.size() <= place) places_.resize(place + 1);
      places_[place] = {.key = std::string(raw), .field = index, .valid = true};
    }
    return index;
  }

  std::optional<std::string> read_value(Wanted& wanted, ondemand::value value, const Record& record) {
    if (wanted.inner != nullptr) return read_inner(wanted, value, record);
    switch (append_json_value(record.out[wanted.column], wanted.type, value, reading_)) {
      case JsonOutcome::kValue: return std::nullopt;
      case JsonOutcome::kNull: break;
      case JsonOutcome::kWrong:
        if (!reading_.ignored) return error_in(wanted, reading_.path, reading_.message);
        break;
      case JsonOutcome::kBroken: return fmt::format("not valid JSON in field {}{}", path_, wanted.name);
    }
    return append_null(wanted, record.out);
  }

  std::optional<std::string> read_inner(Wanted& wanted, ondemand::value value, const Record& record) {
    ondemand::json_type kind{};
    if (auto error = value.type().get(kind)) return broken(error);
    if (kind == ondemand::json_type::object) {
      ondemand::object object;
      if (auto error = value.get_object().get(object)) return broken(error);
      return wanted.inner->read(object, record);
    }
    bool is_null = kind == ondemand::json_type::null;
    if (is_null && (value.is_null().get(is_null) != simdjson::SUCCESS || !is_null)) {
      return fmt::format("not valid JSON in field {}{}", path_, wanted.name);
    }
    if (!is_null && !options_.ignore_parse_errors) {
      return error_in(wanted, "", cannot_read(value.raw_json_token(), wanted.type));
    }
    return append_null(wanted, record.out);
  }

  std::string error_in(const Wanted& wanted, std::string_view below, std::string_view message) const {
    return fmt::format("field {}{}{}: {}", path_, wanted.name, below, message);
  }

  std::optional<std::string> append_null(const Wanted& wanted, std::span<ColumnBuilder> out) const {
    if (!wanted.type.nullable()) return fmt::format("field {}{} is null but NOT NULL", path_, wanted.name);
    fill_with_null(wanted, out);
    return std::nullopt;
  }

  static void fill_with_null(const Wanted& wanted, std::span<ColumnBuilder> out) {
    if (wanted.inner == nullptr) return out[wanted.column].append_null();
    for (const Wanted& field : wanted.inner->fields_) fill_with_null(field, out);
  }

  std::optional<std::string> fill_missing(const Record& record) {
    for (const Wanted& wanted : fields_) {
      if (wanted.last_record == record.number) continue;
      if (options_.fail_on_missing_field) return fmt::format("field {}{} is missing", path_, wanted.name);
      if (!wanted.type.nullable()) return fmt::format("field {}{} is missing but NOT NULL", path_, wanted.name);
      fill_with_null(wanted, record.out);
    }
    return std::nullopt;
  }

  // Places beyond are looked up by name.
  static constexpr size_t kPlacesMax = 256;

  const FormatOptions& options_;
  const std::string path_;
  JsonReading reading_{.options = options_, .message = {}, .path = {}};
  std::vector<Wanted> fields_;
  std::unordered_map<std::string, size_t> by_name_;
  std::vector<Place> places_;
};

// Finds the object that a record is. What it gives is valid until the next record.
class RecordParser {
 public:
  struct Parsed {
    ondemand::object object;
    std::string_view text;  // the record, with enough readable bytes behind it
  };

  // Says what is wrong with the record.
  std::optional<std::string> parse(std::string_view record, std::string_view readable, Parsed& parsed) {
    if (record.size() > kRecordBytesMax) return fmt::format("longer than {} bytes", kRecordBytesMax);
    size_t last = record.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos) return "an empty record is not a JSON object";
    // What follows the last wanted column is not looked at, so a record that was cut off is caught here.
    if (record[last] != '}') return "not a JSON object: it does not end with }";
    parsed.text = padded(record, readable);
    const std::string_view text = parsed.text;
    if (auto error = parser_.iterate(text.data(), text.size(), text.size() + kDecodePaddingBytes).get(document_)) {
      return broken(error);
    }
    if (auto error = document_.get_object().get(parsed.object)) return broken(error);
    return std::nullopt;
  }

 private:
  // The record with enough readable bytes behind it.
  std::string_view padded(std::string_view record, std::string_view readable) {
    const char* readable_end = readable.data() + readable.size();
    bool inside = !readable.empty() && record.data() >= readable.data() &&
                  record.data() + record.size() + kDecodePaddingBytes <= readable_end;
    if (inside) return record;
    copy_.assign(record);
    copy_.append(kDecodePaddingBytes, ' ');
    return std::string_view(copy_).substr(0, record.size());
  }

  ondemand::parser parser_{kRecordBytesMax};
  ondemand::document document_;
  std::string copy_;
};

// Decodes one object per record.
class JsonDecoder : public RowDecoder {
 public:
  JsonDecoder(const FormatOptions& options, const types::Schema& schema, std::span<const FieldPath> wanted)
      : options_(options), root_(options_, "") {
    for (size_t column = 0; column < wanted.size(); ++column) {
      std::vector<const types::Field*> path = {&schema[wanted[column].column]};
      for (size_t field : wanted[column].fields) path.push_back(&path.back()->type.parts()[field]);
      root_.add(path, column);
    }
  }

  void decode(std::span<const std::string_view> records, std::string_view readable, std::span<ColumnBuilder> out,
              std::vector<FailedRecord>& failed) override {
    size_t rows = out.empty() ? 0 : out[0].size();
    for (size_t i = 0; i < records.size(); ++i) {
      if (std::optional<std::string> error = decode_record(records[i], readable, out)) {
        truncate(out, rows);
        failed.push_back({.record = static_cast<uint32_t>(i),
                          .ignored = options_.ignore_parse_errors,
                          .message = *std::move(error)});
        continue;
      }
      ++rows;
    }
  }

 private:
  // Appends one row, or says why not; a failed record may leave some columns longer.
  std::optional<std::string> decode_record(std::string_view record, std::string_view readable,
                                           std::span<ColumnBuilder> out) {
    RecordParser::Parsed parsed;
    if (auto error = parser_.parse(record, readable, parsed)) return error;
    return root_.read(parsed.object, {.text = parsed.text, .out = out, .number = ++record_number_});
  }

  const FormatOptions options_;
  ObjectReader root_;
  RecordParser parser_;
  uint64_t record_number_ = 0;
};

// Decodes Debezium's envelope: {"before": row, "after": row, "op": "u", ...}, or that as the payload beside its schema.
class DebeziumJsonDecoder : public ChangeDecoder {
 public:
  DebeziumJsonDecoder(const FormatOptions& options, const types::Schema& schema, const Columns& columns)
      : options_(options), keyed_(!columns.key.empty()), before_(options_, "before."), after_(options_, "after.") {
    for (size_t i = 0; i < columns.wanted.size(); ++i) {
      const std::array path = {&schema[columns.wanted[i]]};
      after_.add(path, i);
      const bool known = !keyed_ || std::ranges::find(columns.key, columns.wanted[i]) != columns.key.end();
      known ? before_.add(path, i) : not_before_.push_back(i);
    }
  }

  void decode(std::span<const std::string_view> records, std::string_view readable, std::span<ColumnBuilder> out,
              std::vector<RowEvent>& events, std::vector<FailedRecord>& failed) override {
    const size_t rows_before = out.empty() ? 0 : out[0].size();
    const size_t events_before = events.size();
    for (size_t i = 0; i < records.size(); ++i) {
      if (records[i].empty()) continue;
      const size_t known = events.size();
      if (std::optional<std::string> error = decode_record(
              {.number = static_cast<uint32_t>(i), .text = records[i], .readable = readable}, out, events)) {
        events.resize(known);
        truncate(out, rows_before + known - events_before);
        failed.push_back({.record = static_cast<uint32_t>(i),
                          .ignored = options_.ignore_parse_errors,
                          .message = *std::move(error)});
      }
    }
  }

 private:
  struct Event {
    uint32_t number;
    std::string_view text;
    std::string_view readable;
  };

  std::optional<std::string> decode_record(const Event& event, std::span<ColumnBuilder> out,
                                           std::vector<RowEvent>& events) {
    RecordParser::Parsed parsed;
    if (auto error = parser_.parse(event.text, event.readable, parsed)) return error;
    ondemand::object envelope = parsed.object;
    if (options_.schema_include && parsed.object.find_field_unordered("payload").get_object().get(envelope)) {
      return "not an event of Debezium with its schema: it has no object as payload";
    }
    std::string_view op;
    if (envelope.find_field_unordered("op").get_string().get(op)) {
      return options_.schema_include ? "not an event of Debezium: its payload has no op"
                                     : "not an event of Debezium: it has no op";
    }
    const bool deletes = op == "d";
    const bool updates = op == "u";
    if (!deletes && !updates && op != "c" && op != "r") {
      return fmt::format("an event with the op '{}', which is none of c, r, u and d", op);
    }
    if (deletes || updates) {
      bool missing = false;
      if (auto error = read_row(envelope, "before", before_, {.text = parsed.text, .out = out}, missing)) return error;
      if (missing && (deletes || !keyed_)) {
        return fmt::format(
            "the event does not tell the row before its {}: a PostgreSQL table needs REPLICA IDENTITY FULL",
            deletes ? "deletion" : "update");
      }
      if (!missing) {
        for (const size_t column : not_before_) out[column].append_null();
        events.push_back({.record = event.number, .gone = true});
      }
    }
    if (deletes) return std::nullopt;
    bool missing = false;
    if (auto error = read_row(envelope, "after", after_, {.text = parsed.text, .out = out}, missing)) return error;
    if (missing) return fmt::format("the event with the op '{}' has no row after it", op);
    events.push_back({.record = event.number, .gone = false});
    return std::nullopt;
  }

  // Appends the row that a field of the envelope is, or says that there is none.
  std::optional<std::string> read_row(ondemand::object& envelope, std::string_view name, ObjectReader& reader,
                                      Record record, bool& missing) {
    ondemand::value value;
    const simdjson::error_code found = envelope.find_field_unordered(name).get(value);
    missing = found == simdjson::NO_SUCH_FIELD;
    if (missing) return std::nullopt;
    ondemand::json_type kind{};
    if (found != simdjson::SUCCESS) return broken(found);
    if (auto error = value.type().get(kind)) return broken(error);
    missing = kind == ondemand::json_type::null;
    if (missing) return std::nullopt;
    ondemand::object row;
    if (value.get_object().get(row)) return fmt::format("field {} is not a JSON object", name);
    record.number = ++rows_read_;
    return reader.read(row, record);
  }

  const FormatOptions options_;
  const bool keyed_;
  ObjectReader before_;
  ObjectReader after_;
  std::vector<size_t> not_before_;  // columns that are not read of a row that is gone
  RecordParser parser_;
  uint64_t rows_read_ = 0;
};

}  // namespace

std::unique_ptr<RowDecoder> make_json_decoder(const FormatOptions& options, const types::Schema& schema,
                                              std::span<const FieldPath> wanted) {
  return std::make_unique<JsonDecoder>(options, schema, wanted);
}

Result<std::unique_ptr<ChangeDecoder>> ChangeDecoder::make(const FormatOptions& options, const types::Schema& schema,
                                                           const Columns& columns) {
  PENSTOCK_CHECK(options.is_events(), "records of this format are just rows");
  PENSTOCK_TRY(check_format_types(options, schema));
  return std::make_unique<DebeziumJsonDecoder>(options, schema, columns);
}

}  // namespace penstock::format
