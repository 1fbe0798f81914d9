#include "format/encoder.h"

#include <fmt/format.h>

#include <utility>

#include "base/json_text.h"
#include "columnar/nested_json.h"
#include "format/raw_value.h"
#include "format/text_encoding.h"

namespace penstock::format {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::StringCell;
using types::TypeKind;

// {"a":1,"b":"text"}, in the order of the schema.
class JsonEncoder : public RowEncoder {
 public:
  JsonEncoder(const FormatOptions& options, const types::Schema& schema) : options_(options) {
    for (const types::Field& field : schema) {
      std::string prefix;
      append_json_string(prefix, field.name);
      prefixes_.push_back(prefix + ":");
    }
  }

  void encode(const ChangeBatch& batch, size_t row, std::string& out) override {
    out += '{';
    bool first = true;
    for (size_t i = 0; i < prefixes_.size(); ++i) {
      const Column& column = *batch.column(i);
      bool is_null = column.is_null(row);
      if (is_null && options_.encode_ignore_null_fields) continue;
      if (!first) out += ',';
      first = false;
      out += prefixes_[i];
      append_value(out, column, row);
    }
    out += '}';
  }

 private:
  void append_value(std::string& out, const Column& column, size_t row) const {
    columnar::append_json(out, column, row, options_.encode_ignore_null_fields,
                          [this](std::string& to, const Column& values, size_t entry) {
                            append_plain_value(to, values, entry, options_.timestamp_format);
                          });
  }

  const FormatOptions options_;
  std::vector<std::string> prefixes_;  // "name":
};

// A created or a deleted row. An update is both, as Flink writes it.
class DebeziumJsonEncoder : public RowEncoder {
 public:
  DebeziumJsonEncoder(const FormatOptions& options, const types::Schema& schema) : rows_(options, schema) {}

  void encode(const ChangeBatch& batch, size_t row, std::string& out) override {
    const bool there = batch.weight(row) > 0;
    out += there ? R"({"before":null,"after":)" : R"({"before":)";
    rows_.encode(batch, row, out);
    out += there ? R"(,"op":"c"})" : R"(,"after":null,"op":"d"})";
  }

 private:
  JsonEncoder rows_;
};

class CsvEncoder : public RowEncoder {
 public:
  CsvEncoder(const FormatOptions& options, const types::Schema& schema) : options_(options), columns_(schema.size()) {}

  void encode(const ChangeBatch& batch, size_t row, std::string& out) override {
    for (size_t i = 0; i < columns_; ++i) {
      if (i != 0) out += options_.field_delimiter;
      const Column& column = *batch.column(i);
      if (column.is_null(row)) {
        out += options_.null_literal;
      } else if (column.type().kind() == TypeKind::kString) {
        append_field(out, column.values<StringCell>()[row].view(), columns_ == 1);
      } else {
        plain_.clear();
        append_plain_value(plain_, column, row, options_.timestamp_format);
        append_field(out, plain_, false);
      }
    }
  }

 private:
  void append_field(std::string& out, std::string_view text, bool only_field) const {
    const char quote = options_.quote_character;
    const char special[] = {options_.field_delimiter, '\n', '\r', quote, options_.escape_character};
    std::string_view specials(special, sizeof special);
    if (options_.escape_character == 0) specials.remove_suffix(1);
    bool reads_as_null = options_.has_null_literal && text == options_.null_literal;
    bool reads_as_nothing = (only_field && text.empty()) || (options_.allow_comments && text.starts_with('#'));
    if (quote == 0 || (!reads_as_null && !reads_as_nothing && text.find_first_of(specials) == text.npos)) {
      return append_escaped(out, text, 0);
    }
    out += quote;
    append_escaped(out, text, quote);
    out += quote;
  }
  // With quotes doubled, and the escape character and, where there are no quotes, the delimiter escaped.
  void append_escaped(std::string& out, std::string_view text, char quote) const {
    const char escape = options_.escape_character;
    for (char c : text) {
      if (quote != 0 && c == quote) out += quote;
      if (escape != 0 && (c == escape || (quote == 0 && c == options_.field_delimiter))) out += escape;
      out += c;
    }
  }

  const FormatOptions options_;
  const size_t columns_;
  std::string plain_;
};

// NULL is an empty record.
class RawEncoder : public RowEncoder {
 public:
  explicit RawEncoder(bool little_endian) : little_endian_(little_endian) {}

  void encode(const ChangeBatch& batch, size_t row, std::string& out) override {
    const Column& column = *batch.column(0);
    if (!column.is_null(row)) append_raw(out, column, row, little_endian_);
  }

 private:
  const bool little_endian_;
};

}  // namespace

Result<std::unique_ptr<RowEncoder>> RowEncoder::make(const FormatOptions& options, const types::Schema& schema) {
  PENSTOCK_TRY(check_format_types(options, schema));
  switch (options.kind) {
    case FormatKind::kJson: return std::make_unique<JsonEncoder>(options, schema);
    case FormatKind::kCsv: return std::make_unique<CsvEncoder>(options, schema);
    case FormatKind::kRaw: return std::make_unique<RawEncoder>(options.little_endian);
    case FormatKind::kDebeziumJson:
      if (options.schema_include) {
        return unsupported("the format debezium-json writes no schema")
            .hint("leave out 'debezium-json.schema-include'");
      }
      return std::make_unique<DebeziumJsonEncoder>(options, schema);
  }
  return unsupported("no encoder for this format");
}

void RowEncoder::encode_all(const ChangeBatch& batch, std::string& out, std::vector<size_t>& ends) {
  ends.clear();
  ends.reserve(batch.rows());
  for (size_t row = 0; row < batch.rows(); ++row) {
    encode(batch, row, out);
    ends.push_back(out.size());
  }
}

}  // namespace penstock::format
