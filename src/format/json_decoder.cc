#include "format/json_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "format/json_value.h"

namespace penstock::format {

namespace {

namespace ondemand = simdjson::ondemand;
using columnar::ColumnBuilder;

// Decodes one object per record. Records of one source nearly always have the same fields in the same order, so the
// decoder remembers, for each place in the object, the key that was there last and the column it belongs to: a key is
// then found by one comparison of bytes.
class JsonDecoder : public RowDecoder {
 public:
  JsonDecoder(const FormatOptions& options, types::Schema fields) : options_(options), fields_(std::move(fields)) {
    for (size_t i = 0; i < fields_.size(); ++i) by_name_.emplace(fields_[i].name, static_cast<int>(i));
    last_record_.resize(fields_.size(), 0);
  }

  void decode(std::span<const std::string_view> records, std::string_view readable, std::span<ColumnBuilder> out,
              std::vector<FailedRecord>& failed) override {
    size_t rows = out.empty() ? 0 : out[0].size();
    for (size_t i = 0; i < records.size(); ++i) {
      if (std::optional<std::string> error = decode_record(records[i], readable, out)) {
        for (ColumnBuilder& column : out) column.truncate(std::min(column.size(), rows));
        failed.push_back({.record = static_cast<uint32_t>(i),
                          .ignored = options_.ignore_parse_errors,
                          .message = *std::move(error)});
        continue;
      }
      ++rows;
    }
  }

 private:
  struct Place {
    std::string key;  // as it stands in the record, between its quotes
    int column = -1;  // -1: not wanted
    bool valid = false;
  };

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

  // Appends one row, or says why not; a failed record may leave some columns longer.
  std::optional<std::string> decode_record(std::string_view record, std::string_view readable,
                                           std::span<ColumnBuilder> out) {
    if (record.size() > kRecordBytesMax) return fmt::format("longer than {} bytes", kRecordBytesMax);
    size_t last = record.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos) return "an empty record is not a JSON object";
    // What follows the last wanted column is not looked at, so a record that was cut off is caught here.
    if (record[last] != '}') return "not a JSON object: it does not end with }";
    record = padded(record, readable);
    ondemand::document document;
    if (auto error = parser_.iterate(record.data(), record.size(), record.size() + kDecodePaddingBytes).get(document)) {
      return broken(error);
    }
    ondemand::object object;
    if (auto error = document.get_object().get(object)) return broken(error);
    ++record_number_;
    size_t found = 0;
    if (auto error = read_fields(object, record, out, found)) return error;
    if (found == fields_.size()) return std::nullopt;
    return fill_missing(out);
  }

  static std::string broken(simdjson::error_code error) {
    return fmt::format("not valid JSON: {}", simdjson::error_message(error));
  }

  std::optional<std::string> read_fields(ondemand::object& object, std::string_view record,
                                         std::span<ColumnBuilder> out, size_t& found) {
    if (fields_.empty()) return std::nullopt;
    size_t place = 0;
    for (auto result : object) {
      ondemand::field field;
      if (auto error = std::move(result).get(field)) return broken(error);
      int column = column_at(place++, field, record);
      if (column < 0) continue;
      size_t index = static_cast<size_t>(column);
      if (last_record_[index] == record_number_) continue;  // a key that comes twice: the first counts
      last_record_[index] = record_number_;
      if (auto error = read_value(index, field.value(), out[index])) return error;
      if (++found == fields_.size()) break;
    }
    return std::nullopt;
  }

  // The column of the field at this place in the object; -1 when it is not wanted.
  int column_at(size_t place, ondemand::field& field, std::string_view record) {
    const char* key = field.key().raw();
    if (place < places_.size()) {
      const Place& known = places_[place];
      const char* end = record.data() + record.size();
      // Within the record, so that nothing beyond the padding is read.
      if (known.valid && static_cast<size_t>(end - key) > known.key.size() && key[known.key.size()] == '"' &&
          std::memcmp(key, known.key.data(), known.key.size()) == 0) {
        return known.column;
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
    int column = found == by_name_.end() ? -1 : found->second;
    if (place < kPlacesMax && !has_escape) {
      if (places_.size() <= place) places_.resize(place + 1);
      places_[place] = {.key = std::string(raw), .column = column, .valid = true};
    }
    return column;
  }

  std::optional<std::string> read_value(size_t index, ondemand::value value, ColumnBuilder& out) {
    const types::Field& field = fields_[index];
    switch (append_json_value(out, field.type, value, message_)) {
      case JsonOutcome::kValue: return std::nullopt;
      case JsonOutcome::kNull: break;
      case JsonOutcome::kWrong:
        if (!options_.ignore_parse_errors) return fmt::format("field {}: {}", field.name, message_);
        break;
      case JsonOutcome::kBroken: return fmt::format("not valid JSON in field {}", field.name);
    }
    return append_null(index, out);
  }

  std::optional<std::string> append_null(size_t index, ColumnBuilder& out) {
    if (!fields_[index].type.nullable()) return fmt::format("field {} is null but NOT NULL", fields_[index].name);
    out.append_null();
    return std::nullopt;
  }

  std::optional<std::string> fill_missing(std::span<ColumnBuilder> out) {
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (last_record_[i] == record_number_) continue;
      if (options_.fail_on_missing_field) return fmt::format("field {} is missing", fields_[i].name);
      if (!fields_[i].type.nullable()) return fmt::format("field {} is missing but NOT NULL", fields_[i].name);
      out[i].append_null();
    }
    return std::nullopt;
  }

  // Places beyond are looked up by name.
  static constexpr size_t kPlacesMax = 256;

  const FormatOptions options_;
  const types::Schema fields_;
  std::unordered_map<std::string, int> by_name_;
  ondemand::parser parser_{kRecordBytesMax};
  std::vector<Place> places_;
  std::vector<uint64_t> last_record_;  // by column: the record in which it was last found
  uint64_t record_number_ = 0;
  std::string copy_;
  std::string message_;
};

}  // namespace

std::unique_ptr<RowDecoder> make_json_decoder(const FormatOptions& options, types::Schema fields) {
  return std::make_unique<JsonDecoder>(options, std::move(fields));
}

}  // namespace penstock::format
