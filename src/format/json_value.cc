#include "format/json_value.h"

#include <cmath>
#include <cstring>

#include "format/text_value.h"
#include "types/value.h"

namespace penstock::format {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;
using types::DataType;
using types::TypeKind;

JsonOutcome wrong(std::string& message, std::string_view text, DataType type) {
  message = cannot_read(text, type);
  return JsonOutcome::kWrong;
}

// The text of a scalar as it stands in the record, without the space behind it.
std::string_view raw_scalar(value& from) {
  std::string_view token = from.raw_json_token();
  while (!token.empty() && static_cast<uint8_t>(token.back()) <= ' ') token.remove_suffix(1);
  return token;
}

// What is in a string. Without escapes, which is the rule, it is taken from the record as it is: that it is UTF-8 and
// has no control characters has been checked for the whole record.
bool string_text(value& from, std::string_view& text) {
  std::string_view token = raw_scalar(from);
  if (token.size() >= 2 && token.back() == '"' && std::memchr(token.data(), '\\', token.size()) == nullptr) {
    text = token.substr(1, token.size() - 2);
    return true;
  }
  return from.get_string().get(text) == simdjson::SUCCESS;
}

JsonOutcome append_string(columnar::ColumnBuilder& out, DataType type, value& from, std::string& message) {
  std::string_view text;
  if (!string_text(from, text)) return JsonOutcome::kBroken;
  return append_text_value(out, type, text) ? JsonOutcome::kValue : wrong(message, text, type);
}

JsonOutcome append_integer(columnar::ColumnBuilder& out, DataType type, value& from, std::string& message) {
  types::IntegerRange range = types::integer_range(type.kind());
  int64_t number = 0;
  if (from.get_int64().get(number) != simdjson::SUCCESS) {
    double real = 0;
    // A fraction is cut off, as Jackson does.
    if (from.get_double().get(real) != simdjson::SUCCESS || !(std::abs(real) < 9.2e18)) {
      return wrong(message, raw_scalar(from), type);
    }
    number = static_cast<int64_t>(real);
  }
  if (number < range.min || number > range.max) return wrong(message, std::to_string(number), type);
  out.append_int64(number);
  return JsonOutcome::kValue;
}

JsonOutcome append_number(columnar::ColumnBuilder& out, DataType type, value& from, std::string& message) {
  if (type.is_integer()) return append_integer(out, type, from, message);
  if (type.is_approximate()) {
    double number = 0;
    if (from.get_double().get(number) != simdjson::SUCCESS) return wrong(message, raw_scalar(from), type);
    out.append_double(type.kind() == TypeKind::kFloat ? static_cast<double>(static_cast<float>(number)) : number);
    return JsonOutcome::kValue;
  }
  std::string_view token = raw_scalar(from);
  if (type.kind() != TypeKind::kDecimal && type.kind() != TypeKind::kString) {
    message = cannot_read(token, type);
    if (type.is_timestamp()) message += " (it must be a string; for epoch times use BIGINT and TO_TIMESTAMP_LTZ)";
    return JsonOutcome::kWrong;
  }
  if (double ignored = 0; type.kind() == TypeKind::kString && from.get_double().get(ignored) != simdjson::SUCCESS) {
    return JsonOutcome::kBroken;
  }
  return append_text_value(out, type, token) ? JsonOutcome::kValue : wrong(message, token, type);
}

JsonOutcome append_boolean(columnar::ColumnBuilder& out, DataType type, value& from, std::string& message) {
  bool truth = false;
  if (from.get_bool().get(truth) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  std::string_view text = truth ? "true" : "false";
  if (type.kind() == TypeKind::kBoolean) {
    out.append_bool(truth);
  } else if (type.kind() == TypeKind::kString) {
    out.append_string(text);
  } else {
    return wrong(message, text, type);
  }
  return JsonOutcome::kValue;
}

JsonOutcome append_container(columnar::ColumnBuilder& out, DataType type, value& from, json_type kind,
                             std::string& message) {
  std::string_view raw;
  simdjson::error_code error = simdjson::SUCCESS;
  if (kind == json_type::object) {
    simdjson::ondemand::object object;
    error = from.get_object().get(object);
    if (error == simdjson::SUCCESS) error = object.raw_json().get(raw);
  } else {
    simdjson::ondemand::array array;
    error = from.get_array().get(array);
    if (error == simdjson::SUCCESS) error = array.raw_json().get(raw);
  }
  if (error != simdjson::SUCCESS) return JsonOutcome::kBroken;
  if (type.kind() != TypeKind::kString) {
    return wrong(message, kind == json_type::object ? "an object" : "an array", type);
  }
  while (!raw.empty() && static_cast<uint8_t>(raw.back()) <= ' ') raw.remove_suffix(1);
  out.append_string(raw);
  return JsonOutcome::kValue;
}

}  // namespace

JsonOutcome append_json_value(columnar::ColumnBuilder& out, DataType type, value& from, std::string& message) {
  // By the first character: the usual case of each type costs one comparison.
  json_type kind{};
  if (from.type().get(kind) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  switch (kind) {
    case json_type::string: return append_string(out, type, from, message);
    case json_type::number: return append_number(out, type, from, message);
    case json_type::boolean: return append_boolean(out, type, from, message);
    case json_type::null: {
      bool is_null = false;
      if (from.is_null().get(is_null) != simdjson::SUCCESS || !is_null) return JsonOutcome::kBroken;
      return JsonOutcome::kNull;
    }
    case json_type::object:
    case json_type::array: return append_container(out, type, from, kind, message);
  }
  return JsonOutcome::kBroken;
}

}  // namespace penstock::format
