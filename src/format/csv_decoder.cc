#include "format/csv_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "format/csv_fields.h"
#include "format/text_value.h"

namespace penstock::format {

namespace {

using columnar::ColumnBuilder;

// Decodes one line per record; fields are columns by their position.
class CsvDecoder : public RowDecoder {
 public:
  CsvDecoder(const FormatOptions& options, const types::Schema& schema, std::span<const size_t> wanted)
      : options_(options), schema_(schema), builder_of_(schema.size(), -1) {
    for (size_t i = 0; i < wanted.size(); ++i) builder_of_[wanted[i]] = static_cast<int>(i);
  }

  void decode(std::span<const std::string_view> records, std::string_view, std::span<ColumnBuilder> out,
              std::vector<FailedRecord>& failed) override {
    size_t rows = out.empty() ? 0 : out[0].size();
    for (size_t i = 0; i < records.size(); ++i) {
      std::string_view record = without_line_end(records[i]);
      bool ignored = options_.ignore_parse_errors;
      std::optional<std::string> error;
      if (options_.allow_comments && record.starts_with('#')) {
        ignored = true;
        error = "a comment";
      } else if (record.empty() && schema_.size() > 1) {
        ignored = true;
        error = "an empty line";
      } else {
        error = decode_record(record, out);
      }
      if (error) {
        for (ColumnBuilder& column : out) column.truncate(std::min(column.size(), rows));
        failed.push_back({.record = static_cast<uint32_t>(i), .ignored = ignored, .message = *std::move(error)});
        continue;
      }
      ++rows;
    }
  }

 private:
  static std::string_view without_line_end(std::string_view record) {
    if (record.ends_with('\n')) record.remove_suffix(1);
    if (record.ends_with('\r')) record.remove_suffix(1);
    return record;
  }

  std::optional<std::string> decode_record(std::string_view record, std::span<ColumnBuilder> out) {
    if (record.size() > kRecordBytesMax) return fmt::format("longer than {} bytes", kRecordBytesMax);
    CsvFields fields(options_, record);
    std::string_view text;
    bool quoted = false;
    size_t column = 0;
    for (;; ++column) {
      CsvFields::Next next = fields.next(text, quoted);
      if (next == CsvFields::Next::kEnd) break;
      if (column == schema_.size()) return fmt::format("more than {} fields", schema_.size());
      if (next == CsvFields::Next::kUnclosedQuote) return error_in(column, "the quote is not closed");
      if (next == CsvFields::Next::kTextAfterQuote) return error_in(column, "text behind the closing quote");
      if (builder_of_[column] < 0) continue;
      ColumnBuilder& builder = out[static_cast<size_t>(builder_of_[column])];
      if (auto error = read_field(column, text, quoted, builder)) return error;
    }
    if (column < schema_.size()) return fmt::format("{} fields expected, {} found", schema_.size(), column);
    return std::nullopt;
  }

  std::string error_in(size_t column, std::string_view what) const {
    return fmt::format("field {}: {}", schema_[column].name, what);
  }

  std::optional<std::string> read_field(size_t column, std::string_view text, bool quoted, ColumnBuilder& out) {
    types::DataType type = schema_[column].type;
    bool is_null = !quoted && (options_.has_null_literal ? text == options_.null_literal
                                                         : text.empty() && type.kind() != types::TypeKind::kString);
    if (!is_null) {
      if (append_text_value(out, type, text)) return std::nullopt;
      if (!options_.ignore_parse_errors) return error_in(column, cannot_read(text, type));
    }
    if (!type.nullable()) return error_in(column, "is null but NOT NULL");
    out.append_null();
    return std::nullopt;
  }

  const FormatOptions options_;
  const types::Schema schema_;
  std::vector<int> builder_of_;  // by column; -1 where it is not wanted
};

}  // namespace

std::unique_ptr<RowDecoder> make_csv_decoder(const FormatOptions& options, const types::Schema& schema,
                                             std::span<const size_t> wanted) {
  return std::make_unique<CsvDecoder>(options, schema, wanted);
}

}  // namespace penstock::format
