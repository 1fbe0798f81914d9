#include "format/decoder.h"

#include <fmt/format.h>

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "format/csv_decoder.h"
#include "format/json_decoder.h"
#include "format/raw_value.h"

namespace penstock::format {

namespace {

using types::TypeKind;

// The whole record is the value of the one column. One without data (not an empty one) is NULL.
class RawDecoder : public RowDecoder {
 public:
  RawDecoder(types::DataType type, bool little_endian)
      : type_(type), width_(raw_width(type).value_or(0)), little_endian_(little_endian) {}

  void decode(std::span<const std::string_view> records, std::string_view, std::span<columnar::ColumnBuilder> out,
              std::vector<FailedRecord>& failed) override {
    for (size_t i = 0; i < records.size(); ++i) {
      std::string message = error_of(records[i]);
      if (!message.empty()) {
        failed.push_back({.record = static_cast<uint32_t>(i), .ignored = false, .message = std::move(message)});
      } else if (!out.empty()) {
        records[i].data() == nullptr ? out[0].append_null() : read_raw(records[i], little_endian_, out[0]);
      }
    }
  }

 private:
  // Empty for a record that can be read.
  std::string error_of(std::string_view record) const {
    if (record.data() == nullptr) return type_.nullable() ? "" : "there is none, and the column is NOT NULL";
    if (record.size() > kRecordBytesMax) return fmt::format("longer than {} bytes", kRecordBytesMax);
    if (width_ == 0 || record.size() == width_) return "";
    return fmt::format("{} bytes are no {}, which has {}", record.size(), type_.with_nullable(true).to_string(),
                       width_);
  }

  const types::DataType type_;
  const size_t width_;  // 0: any
  const bool little_endian_;
};

Status check_columns(const FormatOptions& options, const types::Schema& schema) {
  for (const types::Field& field : schema) {
    if (field.type.kind() == TypeKind::kNull) return invalid_argument("column {} has no type", field.name);
  }
  return check_format_types(options, schema);
}

// The position behind the first end of line at or after `from` that is not inside quotes; npos when there is none.
size_t csv_line_end(const FormatOptions& options, std::string_view bytes) {
  bool quoted = false;
  bool field_start = true;
  for (size_t at = 0; at < bytes.size(); ++at) {
    char c = bytes[at];
    if (options.escape_character != 0 && c == options.escape_character) {
      ++at;
      field_start = false;
    } else if (quoted) {
      // A doubled quote closes and opens again.
      if (c == options.quote_character) quoted = false;
    } else if (c == options.quote_character && options.quote_character != 0 &&
               (field_start || (at > 0 && bytes[at - 1] == options.quote_character))) {
      quoted = true;
      field_start = false;
    } else if (c == '\n') {
      return at;
    } else {
      field_start = c == options.field_delimiter;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<RowDecoder>> RowDecoder::make(const FormatOptions& options, const types::Schema& schema,
                                                     std::span<const FieldPath> wanted) {
  PENSTOCK_TRY(check_columns(options, schema));
  std::vector<size_t> columns;
  for (const FieldPath& path : wanted) {
    PENSTOCK_CHECK(path.column < schema.size(), "a wanted column is not in the schema");
    PENSTOCK_CHECK(path.fields.empty() || options.kind == FormatKind::kJson, "only JSON has fields in its columns");
    columns.push_back(path.column);
  }
  switch (options.kind) {
    case FormatKind::kJson: return make_json_decoder(options, schema, wanted);
    case FormatKind::kCsv: return make_csv_decoder(options, schema, columns);
    case FormatKind::kRaw: return std::make_unique<RawDecoder>(schema.front().type, options.little_endian);
    case FormatKind::kDebeziumJson:
      return unsupported("the format debezium-json is for topics").hint("use the connector kafka");
  }
  return unsupported("no decoder for this format");
}

Result<std::unique_ptr<RowDecoder>> RowDecoder::make(const FormatOptions& options, const types::Schema& schema,
                                                     std::span<const size_t> wanted) {
  std::vector<FieldPath> paths;
  for (size_t column : wanted) paths.push_back({.column = column, .fields = {}});
  return make(options, schema, paths);
}

bool split_record(const FormatOptions& options, std::string_view bytes, bool at_end, std::string_view& record,
                  size_t& next) {
  if (bytes.empty()) return false;
  size_t end = options.kind == FormatKind::kCsv ? csv_line_end(options, bytes) : bytes.find('\n');
  if (end == std::string_view::npos) {
    if (!at_end) return false;
    end = bytes.size();
  }
  next = std::min(end + 1, bytes.size());
  record = bytes.substr(0, end);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return true;
}

}  // namespace penstock::format
