#include "format/text_value.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "types/calendar.h"
#include "types/value.h"

namespace penstock::format {

namespace {

using types::DataType;
using types::TypeKind;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && static_cast<uint8_t>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<uint8_t>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

template <class Out>
bool append_integer(Out& out, DataType type, std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  types::IntegerRange range = types::integer_range(type.kind());
  if (error != std::errc() || end != text.data() + text.size() || value < range.min || value > range.max) return false;
  out.append_int64(value);
  return true;
}

// Flink's parsers take anything that is not "true" for FALSE; here it must say so.
template <class Out>
bool append_boolean(Out& out, std::string_view text) {
  text = trimmed(text);
  auto is = [&](std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      if ((text[i] | 0x20) != lower[i]) return false;
    }
    return true;
  };
  bool value = is("true");
  if (!value && !is("false")) return false;
  out.append_bool(value);
  return true;
}

int64_t cut_to_precision(int64_t micros, int precision) {
  static constexpr int64_t kUnits[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  if (precision >= 6) return micros;
  return types::floor_divide(micros, kUnits[precision]) * kUnits[precision];
}

template <class Out>
bool append_micros(Out& out, Result<int64_t> micros, int precision) {
  if (!micros) return false;
  out.append_int64(cut_to_precision(*micros, precision));
  return true;
}

}  // namespace

template <class Out>
bool append_text_value(Out& out, DataType type, std::string_view text) {
  switch (type.kind()) {
    case TypeKind::kString: out.append_string(text); return true;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: return append_integer(out, type, text);
    case TypeKind::kBoolean: return append_boolean(out, text);
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      Result<double> value = types::double_from_text(text);
      if (!value) return false;
      out.append_double(type.kind() == TypeKind::kFloat ? static_cast<double>(static_cast<float>(*value)) : *value);
      return true;
    }
    case TypeKind::kDecimal: {
      Result<types::Int128> value = types::decimal_from_text(text, type.precision(), type.scale());
      if (!value) return false;
      out.append_int128(*value);
      return true;
    }
    case TypeKind::kTimestamp: return append_micros(out, types::timestamp_from_text(text, false), type.precision());
    case TypeKind::kTimestampLtz: return append_micros(out, types::timestamp_from_text(text, true), type.precision());
    case TypeKind::kTime: return append_micros(out, types::time_from_text(text), type.precision());
    case TypeKind::kBytes: {
      std::string bytes;
      if (!base64_decode(text, bytes)) return false;
      out.append_string(bytes);
      return true;
    }
    case TypeKind::kDate:
    case TypeKind::kIntervalDayTime:
    case TypeKind::kIntervalYearMonth: {
      Result<types::Value> value = types::from_text(text, type);
      if (!value) return false;
      out.append(*value);
      return true;
    }
    case TypeKind::kNull:
    case TypeKind::kArray:
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return false;
  }
  return false;
}

template bool append_text_value(columnar::ColumnBuilder& out, DataType type, std::string_view text);
template bool append_text_value(types::SlotWriter& out, DataType type, std::string_view text);

std::string cannot_read(std::string_view text, DataType type) {
  constexpr size_t kShownBytes = 64;
  bool cut = text.size() > kShownBytes;
  return fmt::format("cannot read '{}{}' as {}", text.substr(0, kShownBytes), cut ? "..." : "",
                     type.with_nullable(true).to_string());
}

namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kBase64Values = [] {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int8_t i = 0; i < 64; ++i) values[static_cast<uint8_t>(kBase64[i])] = i;
  return values;
}();

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t left = bytes.size() - i;
    uint32_t group = static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << 16;
    if (left > 1) group |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i + 1])) << 8;
    if (left > 2) group |= static_cast<uint8_t>(bytes[i + 2]);
    out += kBase64[group >> 18];
    out += kBase64[group >> 12 & 63];
    out += left > 1 ? kBase64[group >> 6 & 63] : '=';
    out += left > 2 ? kBase64[group & 63] : '=';
  }
}

bool base64_decode(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  size_t padding = text.ends_with("==") ? 2 : (text.ends_with("=") ? 1 : 0);
  for (size_t i = 0; i < text.size(); i += 4) {
    bool last = i + 4 == text.size();
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      bool is_padding = last && j >= 4 - padding;
      int value = is_padding ? 0 : kBase64Values[static_cast<uint8_t>(text[i + j])];
      if (value < 0) return false;
      group = group << 6 | static_cast<uint32_t>(value);
    }
    out += static_cast<char>(group >> 16);
    if (!last || padding < 2) out += static_cast<char>(group >> 8);
    if (!last || padding < 1) out += static_cast<char>(group);
  }
  return true;
}

}  // namespace penstock::format
