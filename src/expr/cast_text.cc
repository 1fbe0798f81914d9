// Casts from and to text.
#include <fmt/format.h>
#include <simdjson.h>

#include "expr/cast.h"
#include "expr/utf8.h"
#include "types/nested.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

// --- from text ---

// Reads each row with types::from_text's rules and keeps the physical form.
template <class T, class F>
void parse_rows(KernelCall& call, F parse) {
  auto texts = call.argument<StringCell>(0);
  map_valid<T>(call, [&](size_t row) -> T {
    auto value = parse(texts[row].view());
    if (!value) {
      call.fail(row, value.error().message());
      return T{};
    }
    return *std::move(value);
  });
}

void text_to_boolean(KernelCall& call) {
  parse_rows<uint8_t>(call, [](std::string_view text) -> Result<uint8_t> {
    return PENSTOCK_TRY(types::from_text(text, TypeKind::kBoolean)).as_bool() ? 1 : 0;
  });
}

void text_to_int64(KernelCall& call) {
  DataType type = call.result_type();
  parse_rows<int64_t>(call, [type](std::string_view text) -> Result<int64_t> {
    return PENSTOCK_TRY(types::from_text(text, type)).as_int64();
  });
}

void text_to_double(KernelCall& call) {
  DataType type = call.result_type();
  parse_rows<double>(call, [type](std::string_view text) -> Result<double> {
    return PENSTOCK_TRY(types::from_text(text, type)).as_double();
  });
}

void text_to_decimal(KernelCall& call) {
  DataType type = call.result_type();
  parse_rows<Int128>(
      call, [type](std::string_view text) { return types::decimal_from_text(text, type.precision(), type.scale()); });
}

void text_to_timestamp(KernelCall& call) {
  int precision = call.result_type().precision();
  parse_rows<int64_t>(call, [precision](std::string_view text) -> Result<int64_t> {
    int64_t micros = PENSTOCK_TRY(types::from_text(text, TypeKind::kTimestamp)).as_int64();
    return truncate_to_precision(micros, precision);
  });
}

// With an offset a moment, without one what a clock of the session's zone shows.
void text_to_timestamp_ltz(KernelCall& call) {
  int precision = call.result_type().precision();
  const types::TimeZone* zone = call.context().zone;
  parse_rows<int64_t>(call, [=](std::string_view text) -> Result<int64_t> {
    Result<Value> local = types::from_text(text, TypeKind::kTimestamp);
    if (local) {
      int64_t micros = zone == nullptr ? local->as_int64() : zone->from_local(local->as_int64());
      return truncate_to_precision(micros, precision);
    }
    int64_t micros = PENSTOCK_TRY(types::from_text(text, TypeKind::kTimestampLtz)).as_int64();
    return truncate_to_precision(micros, precision);
  });
}

// --- to text ---

// `append(std::string&, row)` writes a row's text.
template <class F>
void print_rows(KernelCall& call, F append) {
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    text.clear();
    append(text, row);
    out.set(row, text);
  });
  out.finish();
}

void boolean_to_text(KernelCall& call) {
  auto values = call.argument<uint8_t>(0);
  print_rows(call, [&](std::string& out, size_t row) { out += values[row] != 0 ? "TRUE" : "FALSE"; });
}

void integer_to_text(KernelCall& call) {
  auto values = call.argument<int64_t>(0);
  print_rows(call, [&](std::string& out, size_t row) {
    fmt::format_int text(values[row]);
    out.append(text.data(), text.size());
  });
}

void other_int64_to_text(KernelCall& call) {
  DataType type = call.argument_type(0);
  auto values = call.argument<int64_t>(0);
  print_rows(call, [&](std::string& out, size_t row) { types::append_text(out, Value(values[row]), type); });
}

void timestamp_ltz_to_text(KernelCall& call) {
  int precision = call.argument_type(0).precision();
  const types::TimeZone* zone = call.context().zone;
  auto values = call.argument<int64_t>(0);
  print_rows(call, [&](std::string& out, size_t row) {
    types::append_timestamp(out, zone == nullptr ? values[row] : zone->to_local(values[row]), precision);
  });
}

void double_to_text(KernelCall& call) {
  bool is_float = call.argument_type(0).kind() == TypeKind::kFloat;
  auto values = call.argument<double>(0);
  print_rows(call, [&](std::string& out, size_t row) { types::append_double(out, values[row], is_float); });
}

void decimal_to_text(KernelCall& call) {
  int scale = call.argument_type(0).scale();
  auto values = call.argument<Int128>(0);
  print_rows(call, [&](std::string& out, size_t row) { out += types::int128_to_text(values[row], scale); });
}

// As UTF-8; what is none of that becomes U+FFFD, as in Java.
void bytes_to_text(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  print_rows(call, [&](std::string& out, size_t row) {
    const std::string_view bytes = values[row].view();
    if (simdjson::validate_utf8(bytes)) {
      out = bytes;
      return;
    }
    for (size_t at = 0, size = 0; at < bytes.size(); at += size) {
      size = character_bytes(bytes, at);
      const bool valid = simdjson::validate_utf8(bytes.substr(at, size));
      out += valid ? bytes.substr(at, size) : "\xef\xbf\xbd";
      if (!valid) size = 1;
    }
  });
}

void nested_to_text(KernelCall& call) {
  DataType type = call.argument_type(0);
  auto values = call.argument<StringCell>(0);
  print_rows(call, [&](std::string& out, size_t row) { types::append_nested_text(out, values[row].view(), type); });
}

}  // namespace

Kernel cast_from_text_kernel(DataType to) {
  switch (to.kind()) {
    case TypeKind::kBoolean: return text_to_boolean;
    case TypeKind::kFloat:
    case TypeKind::kDouble: return text_to_double;
    case TypeKind::kDecimal: return text_to_decimal;
    case TypeKind::kBytes: return nullptr;  // the text in UTF-8
    case TypeKind::kTimestamp: return text_to_timestamp;
    case TypeKind::kTimestampLtz: return text_to_timestamp_ltz;
    default: return text_to_int64;
  }
}

Kernel cast_to_text_kernel(DataType from) {
  switch (from.kind()) {
    case TypeKind::kBoolean: return boolean_to_text;
    case TypeKind::kFloat:
    case TypeKind::kDouble: return double_to_text;
    case TypeKind::kDecimal: return decimal_to_text;
    case TypeKind::kBytes: return bytes_to_text;
    case TypeKind::kTimestampLtz: return timestamp_ltz_to_text;
    case TypeKind::kArray:
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return nested_to_text;
    default: return from.is_integer() ? integer_to_text : other_int64_to_text;
  }
}

}  // namespace penstock::expr
