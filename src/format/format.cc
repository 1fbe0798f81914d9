#include "format/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>
#include <string>

#include "format/raw_value.h"

namespace penstock::format {

namespace {

// Reads the value of one option into the options; an error says what is expected.
using OptionSetter = Status (*)(FormatOptions& options, std::string_view value);

struct OptionEntry {
  FormatKind kind;
  FormatOptionDoc doc;
  OptionSetter set;
};

std::optional<bool> boolean_from(std::string_view value) {
  std::string lower(value);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

template <bool FormatOptions::* member>
Status set_boolean(FormatOptions& options, std::string_view value) {
  std::optional<bool> parsed = boolean_from(value);
  if (!parsed) return invalid_argument("expected true or false and not '{}'", value);
  options.*member = *parsed;
  return {};
}

template <char FormatOptions::* member>
Status set_character(FormatOptions& options, std::string_view value) {
  if (value == "\\t") value = "\t";
  if (value.size() != 1 || value[0] == '\n' || value[0] == '\r') {
    return invalid_argument("expected one character and not '{}'", value);
  }
  options.*member = value[0];
  return {};
}

Status set_timestamp_format(FormatOptions& options, std::string_view value) {
  if (value == "SQL") {
    options.timestamp_format = TimestampFormat::kSql;
  } else if (value == "ISO-8601") {
    options.timestamp_format = TimestampFormat::kIso8601;
  } else {
    return invalid_argument("expected SQL or ISO-8601 and not '{}'", value);
  }
  return {};
}

Status set_endianness(FormatOptions& options, std::string_view value) {
  if (value != "big-endian" && value != "little-endian") {
    return invalid_argument("expected big-endian or little-endian and not '{}'", value);
  }
  options.little_endian = value == "little-endian";
  return {};
}

Status set_charset(FormatOptions& /*options*/, std::string_view value) {
  std::string lower(value);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "utf-8" || lower == "utf8") return {};
  return unsupported("text is UTF-8 and not '{}'", value);
}

Status set_null_literal(FormatOptions& options, std::string_view value) {
  options.null_literal = value;
  options.has_null_literal = true;
  return {};
}

Status set_disable_quote(FormatOptions& options, std::string_view value) {
  std::optional<bool> disabled = boolean_from(value);
  if (!disabled) return invalid_argument("expected true or false and not '{}'", value);
  if (*disabled) options.quote_character = 0;
  return {};
}

const std::array kOptions = std::to_array<OptionEntry>({
    {FormatKind::kJson,
     {"json.fail-on-missing-field", "false", "A record without one of the columns fails; else the column is NULL."},
     set_boolean<&FormatOptions::fail_on_missing_field>},
    {FormatKind::kJson,
     {"json.ignore-parse-errors", "false",
      "Records that cannot be read are dropped, and values that cannot be are NULL."},
     set_boolean<&FormatOptions::ignore_parse_errors>},
    {FormatKind::kJson,
     {"json.timestamp-format.standard", "SQL",
      "How timestamps are written: SQL (2026-01-02 03:04:05.678) or ISO-8601 (2026-01-02T03:04:05.678). Both are "
      "read."},
     set_timestamp_format},
    {FormatKind::kJson,
     {"json.encode.ignore-null-fields", "false", "Leaves NULL columns out of written objects."},
     set_boolean<&FormatOptions::encode_ignore_null_fields>},
    {FormatKind::kJson,
     {"json.encode.decimal-as-plain-number", "true", "Accepted for Flink's sake: decimals are always plain numbers."},
     set_boolean<&FormatOptions::encode_decimal_as_plain_number>},
    {FormatKind::kCsv,
     {"csv.field-delimiter", ",", "The character between fields; '\\t' is a tab."},
     set_character<&FormatOptions::field_delimiter>},
    {FormatKind::kCsv,
     {"csv.quote-character", "\"", "The character around fields that contain delimiters, quotes or line ends."},
     set_character<&FormatOptions::quote_character>},
    {FormatKind::kCsv, {"csv.disable-quote-character", "false", "Fields are never quoted."}, set_disable_quote},
    {FormatKind::kCsv,
     {"csv.escape-character", "", "A character that takes away the meaning of the next one; none by default."},
     set_character<&FormatOptions::escape_character>},
    {FormatKind::kCsv,
     {"csv.null-literal", "", "The text of NULL; without it, an empty field that is not text is NULL."},
     set_null_literal},
    {FormatKind::kCsv,
     {"csv.allow-comments", "false", "Lines that begin with '#' are no records."},
     set_boolean<&FormatOptions::allow_comments>},
    {FormatKind::kCsv,
     {"csv.ignore-parse-errors", "false",
      "Records that cannot be read are dropped, and values that cannot be are NULL."},
     set_boolean<&FormatOptions::ignore_parse_errors>},
    {FormatKind::kRaw,
     {"raw.endianness", "big-endian", "The order of the bytes of a number: big-endian or little-endian."},
     set_endianness},
    {FormatKind::kRaw, {"raw.charset", "UTF-8", "How text is written; there is nothing but UTF-8."}, set_charset},
    {FormatKind::kDebeziumJson,
     {"debezium-json.schema-include", "false",
      "The records have a schema too, and the event as their payload, as Debezium writes them where Kafka Connect's "
      "value.converter.schemas.enable is true. Only read."},
     set_boolean<&FormatOptions::schema_include>},
    {FormatKind::kDebeziumJson,
     {"debezium-json.ignore-parse-errors", "false",
      "Records that cannot be read are dropped, and values that cannot be are NULL."},
     set_boolean<&FormatOptions::ignore_parse_errors>},
    {FormatKind::kDebeziumJson,
     {"debezium-json.timestamp-format.standard", "SQL", "As of json."},
     set_timestamp_format},
    {FormatKind::kDebeziumJson,
     {"debezium-json.encode.ignore-null-fields", "false", "As of json."},
     set_boolean<&FormatOptions::encode_ignore_null_fields>},
    {FormatKind::kDebeziumJson,
     {"debezium-json.encode.decimal-as-plain-number", "true", "As of json."},
     set_boolean<&FormatOptions::encode_decimal_as_plain_number>},
});

constexpr std::pair<std::string_view, FormatKind> kFormats[] = {{"json", FormatKind::kJson},
                                                                {"csv", FormatKind::kCsv},
                                                                {"raw", FormatKind::kRaw},
                                                                {"debezium-json", FormatKind::kDebeziumJson}};

// The entry of `candidates` that shares the most pairs of letters with `key`, for "did you mean".
std::string nearest(std::string_view key, std::span<const std::string_view> candidates) {
  auto shared_pairs = [&](std::string_view other) {
    size_t shared = 0;
    for (size_t i = 0; i + 1 < key.size(); ++i) shared += other.find(key.substr(i, 2)) != other.npos ? 1 : 0;
    return shared;
  };
  std::string_view best;
  size_t best_shared = key.size() / 2;
  for (std::string_view candidate : candidates) {
    size_t shared = shared_pairs(candidate);
    if (shared > best_shared) {
      best = candidate;
      best_shared = shared;
    }
  }
  return std::string(best);
}

Error unknown_option(FormatKind kind, std::string_view format, std::string_view key) {
  std::vector<std::string_view> keys;
  for (const OptionEntry& entry : kOptions) {
    if (entry.kind == kind) keys.push_back(entry.doc.key);
  }
  Error error = invalid_argument("the format {} has no option '{}'", format, key);
  std::string best = nearest(key, keys);
  if (!best.empty()) return std::move(error).hint(fmt::format("did you mean '{}'?", best));
  if (keys.empty()) return std::move(error).hint("it has none");
  return std::move(error).hint(fmt::format("its options are {}", fmt::join(keys, ", ")));
}

}  // namespace

Result<FormatOptions> FormatOptions::parse(std::string_view format, const std::map<std::string, std::string>& options) {
  FormatOptions parsed;
  bool known = false;
  for (auto [name, kind] : kFormats) {
    if (name != format) continue;
    parsed.kind = kind;
    known = true;
  }
  if (!known) {
    return not_found("there is no format '{}'", format)
        .hint(fmt::format("the formats are {}", fmt::join(format_names(), ", ")));
  }
  for (const auto& [key, value] : options) {
    auto entry = std::find_if(kOptions.begin(), kOptions.end(), [&](const OptionEntry& candidate) {
      return candidate.kind == parsed.kind && candidate.doc.key == key;
    });
    if (entry == kOptions.end()) return unknown_option(parsed.kind, format, key);
    Status set = entry->set(parsed, value);
    if (!set) return std::move(set.error()).context(fmt::format("option '{}'", key));
  }
  if (parsed.fail_on_missing_field && parsed.ignore_parse_errors) {
    return invalid_argument("json.fail-on-missing-field and json.ignore-parse-errors cannot both be true");
  }
  if (parsed.kind == FormatKind::kCsv && parsed.field_delimiter == parsed.quote_character) {
    return invalid_argument("csv.field-delimiter and csv.quote-character are the same");
  }
  if (parsed.escape_character != 0 && parsed.null_literal.find(parsed.escape_character) != std::string::npos) {
    return invalid_argument("csv.null-literal contains the csv.escape-character");
  }
  return parsed;
}

namespace {

// The first type in `type` that JSON cannot hold: a MAP or MULTISET whose keys have no text of their own.
std::optional<types::DataType> not_in_json(types::DataType type) {
  bool has_keys = type.kind() == types::TypeKind::kMap || type.kind() == types::TypeKind::kMultiset;
  if (has_keys && type.part(0).is_nested()) return type;
  for (const types::Field& part : type.parts()) {
    if (std::optional<types::DataType> found = not_in_json(part.type)) return found;
  }
  return std::nullopt;
}

}  // namespace

Status check_format_types(const FormatOptions& options, const types::Schema& schema) {
  if (options.kind == FormatKind::kRaw) {
    if (schema.size() == 1 && raw_width(schema[0].type)) return {};
    return invalid_argument("the format raw needs one column, STRING, BYTES, BOOLEAN or a number but DECIMAL");
  }
  for (const types::Field& field : schema) {
    if (!field.type.is_nested()) continue;
    std::string type = field.type.with_nullable(true).to_string();
    if (options.kind == FormatKind::kCsv) {
      return invalid_argument("column {} is {}: the format csv has only columns of one value", field.name, type)
          .hint("use the format json");
    }
    if (std::optional<types::DataType> found = not_in_json(field.type)) {
      return invalid_argument("column {} is {}: the keys of JSON objects are text, so a key cannot be {}", field.name,
                              type, found->part(0).with_nullable(true).to_string());
    }
  }
  return {};
}

std::vector<FormatOptionDoc> format_option_docs() {
  std::vector<FormatOptionDoc> docs;
  for (const OptionEntry& entry : kOptions) docs.push_back(entry.doc);
  return docs;
}

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (auto [name, kind] : kFormats) names.push_back(name);
  return names;
}

}  // namespace penstock::format
