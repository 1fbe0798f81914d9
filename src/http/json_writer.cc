#include "http/json_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>

#include "base/json_text.h"
#include "columnar/nested_json.h"
#include "types/value.h"

namespace penstock::http {

namespace {

using types::TypeKind;

constexpr int64_t kExactMax = int64_t{1} << 53;

void append_text_value(std::string& out, const types::Value& value, types::DataType type) {
  append_json_string(out, types::to_text(value, type));
}

void append_hex(std::string& out, std::string_view bytes) {
  out += "\"\\\\x";
  for (const char byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<uint8_t>(byte));
  out += '"';
}

// "2026-01-02T03:04:05.678Z", from SQL's form with a blank.
void append_time(std::string& out, int64_t microseconds, int precision) {
  std::string text;
  types::append_timestamp(text, microseconds, precision);
  std::ranges::replace(text, ' ', 'T');
  out += '"';
  out += text;
  out += "Z\"";
}

void append_int64(std::string& out, int64_t v) {
  const bool exact = v <= kExactMax && v >= -kExactMax;
  const std::string_view quote = exact ? "" : "\"";
  fmt::format_to(std::back_inserter(out), "{}{}{}", quote, v, quote);
}

// The name of an object's member for a key of a MAP: its text.
void append_key(std::string& out, const columnar::Column& keys, size_t entry) {
  append_json_string(out, keys.is_null(entry) ? "null" : types::to_text(keys.value(entry), keys.type()));
}

}  // namespace

void append_value(std::string& out, const columnar::Column& column, size_t row) {
  if (column.is_null(row)) {
    out += "null";
    return;
  }
  const types::DataType type = column.type();
  switch (type.kind()) {
    case TypeKind::kBoolean: out += column.values<uint8_t>()[row] != 0 ? "true" : "false"; return;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: append_int64(out, column.values<int64_t>()[row]); return;
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      const double v = column.values<double>()[row];
      if (!std::isfinite(v)) {
        append_text_value(out, column.value(row), type);
      } else if (type.kind() == TypeKind::kFloat) {
        fmt::format_to(std::back_inserter(out), "{}", static_cast<float>(v));  // 0.1 and not 0.10000000149011612
      } else {
        fmt::format_to(std::back_inserter(out), "{}", v);
      }
      return;
    }
    case TypeKind::kDecimal: {
      const types::Int128 v = column.values<types::Int128>()[row];
      const std::string text = types::int128_to_text(v, type.scale());
      const bool exact = v <= kExactMax && v >= -kExactMax;
      exact ? void(out += text) : append_json_string(out, text);
      return;
    }
    case TypeKind::kString: append_json_string(out, column.values<columnar::StringCell>()[row].view()); return;
    case TypeKind::kBytes: append_hex(out, column.values<columnar::StringCell>()[row].view()); return;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz: append_time(out, column.values<int64_t>()[row], type.precision()); return;
    case TypeKind::kArray:
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow:
      columnar::append_nested_json(out, columnar::take_apart(column, row, row + 1), type, /*without_null_fields=*/false,
                                   append_json_string, append_key, append_value);
      return;
    default: append_text_value(out, column.value(row), type);
  }
}

void append_row(std::string& out, const columnar::ChangeBatch& batch, size_t row, std::string_view prefix) {
  out += '[';
  out += prefix;
  bool first = prefix.empty();
  for (const columnar::ColumnPtr& column : batch.columns()) {
    if (!first) out += ',';
    first = false;
    append_value(out, *column, row);
  }
  out += ']';
}

void append_columns(std::string& out, const types::Schema& schema) {
  out += '[';
  for (const types::Field& field : schema) {
    if (out.back() == '}') out += ',';
    out += R"({"name":)";
    append_json_string(out, field.name);
    out += R"(,"type":)";
    append_json_string(out, field.type.with_nullable(true).to_string());
    out += '}';
  }
  out += ']';
}

std::string error_json(const Error& error, std::string_view sql, size_t sql_offset) {
  std::string out = R"({"code":")" + std::string(error_code_name(error.code())) + R"(","message":)";
  append_json_string(out, error.message());
  if (!error.hint().empty()) {
    out += R"(,"hint":)";
    append_json_string(out, error.hint());
  }
  if (error.position()) {
    const std::string_view before = sql.substr(0, std::min(sql.size(), sql_offset + *error.position()));
    const auto characters =
        std::ranges::count_if(before, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; });
    fmt::format_to(std::back_inserter(out), R"(,"position":{})", characters + 1);
  }
  return out + "}";
}

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kUnsupported: return 400;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kOutOfMemory: return 413;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kCancelled: return 499;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kCorruption:
    case ErrorCode::kIoError:
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

}  // namespace penstock::http
