// The formats of records, and their options as CREATE TABLE ... WITH ('format' = 'json', 'json.x' = ...) gives them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "types/type.h"

namespace penstock::format {

enum class FormatKind : uint8_t {
  kJson,  // one object per record
  kCsv,   // one line per record
  kRaw,   // the whole record is the value of the only column
  // One event per record, which says what has become of a row: Debezium's envelope of before, after and op.
  kDebeziumJson,
};

// How timestamps are written, and first tried when read: both forms are read.
enum class TimestampFormat : uint8_t { kSql, kIso8601 };

struct FormatOptions {
  FormatKind kind = FormatKind::kJson;

  // A record that cannot be read is dropped, and a value that cannot be is NULL (Flink's ignore-parse-errors).
  bool ignore_parse_errors = false;

  // JSON, and in part Debezium's
  bool fail_on_missing_field = false;
  TimestampFormat timestamp_format = TimestampFormat::kSql;
  bool encode_ignore_null_fields = false;
  bool encode_decimal_as_plain_number = true;

  // Debezium: the event is the payload beside its schema.
  bool schema_include = false;

  // CSV
  char field_delimiter = ',';
  char quote_character = '"';  // 0: no quoting
  char escape_character = 0;   // 0: only doubled quotes
  std::string null_literal;    // with has_null_literal, an unquoted field equal to it is NULL
  bool has_null_literal = false;
  bool allow_comments = false;  // lines that begin with '#'

  // Raw: the order of the bytes of a number.
  bool little_endian = false;

  // Whether a record is an event about a row, and not just a new one.
  bool is_events() const { return kind == FormatKind::kDebeziumJson; }

  // The name of the format with its own options, such as {"json.ignore-parse-errors", "true"}; keys that do not begin
  // with
  // "<format>." are refused, and so are unknown ones ("did you mean").
  static Result<FormatOptions> parse(std::string_view format, const std::map<std::string, std::string>& options);
};

// Whether records of the format can hold columns of these types.
Status check_format_types(const FormatOptions& options, const types::Schema& schema);

// One option as the documentation lists it.
struct FormatOptionDoc {
  std::string_view key;  // "json.fail-on-missing-field"
  std::string_view default_value;
  std::string_view description;
};
std::vector<FormatOptionDoc> format_option_docs();
std::vector<std::string_view> format_names();

}  // namespace penstock::format
