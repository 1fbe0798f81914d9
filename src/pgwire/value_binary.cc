#include "pgwire/value_binary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

#include "pgwire/pg_type.h"
#include "pgwire/value_text.h"
#include "pgwire/wire.h"
#include "types/calendar.h"
#include "types/nested.h"

namespace penstock::pgwire {

using types::DataType;
using types::TypeKind;
using types::Value;

namespace {

constexpr int kDigitsPerGroup = 4;
constexpr int16_t kNumericPositive = 0x0000;
constexpr int16_t kNumericNegative = 0x4000;
constexpr uint16_t kNumericNan = 0xc000;
constexpr uint16_t kNumericInfinity = 0xd000;
constexpr uint16_t kNumericMinusInfinity = 0xf000;

Error wrong_size(uint32_t oid, size_t size) {
  return invalid_argument("a binary parameter of {} bytes is no value of the type with oid {}", size, oid);
}

// A value, and the type whose physical form it has.
struct Typed {
  Value value;
  DataType type;
};

// The decimal text of a binary numeric.
Result<std::string> numeric_text(std::string_view bytes) {
  WireReader in(bytes);
  const auto groups = static_cast<uint16_t>(in.int16());
  const int weight = in.int16();
  const auto sign = static_cast<uint16_t>(in.int16());
  const auto scale = static_cast<uint16_t>(in.int16());
  std::vector<int> group(in.ok() && in.rest().size() == size_t{groups} * 2 ? groups : 0);
  for (int& digits : group) digits = in.int16();
  const bool digits_valid = std::all_of(group.begin(), group.end(), [](int g) { return g >= 0 && g < 10'000; });
  if (!in.complete() || group.size() != groups || !digits_valid) return wrong_size(oid::kNumeric, bytes.size());
  if (sign == kNumericNan) return "NaN";
  if (sign == kNumericInfinity) return "Infinity";
  if (sign == kNumericMinusInfinity) return "-Infinity";

  const auto at = [&](int i) { return i >= 0 && i < groups ? group[static_cast<size_t>(i)] : 0; };
  std::string text = sign == kNumericNegative ? "-" : "";
  if (weight < 0) text += '0';
  for (int i = 0; i <= weight; ++i) text += i == 0 ? fmt::format("{}", at(i)) : fmt::format("{:04}", at(i));
  if (scale == 0) return text;
  text += '.';
  const size_t fraction_at = text.size();
  for (int i = weight + 1; text.size() - fraction_at < scale; ++i) {
    fmt::format_to(std::back_inserter(text), "{:04}", at(i));
  }
  text.resize(fraction_at + scale);
  return text;
}

Result<Typed> decode_moment(WireReader& in, uint32_t oid) {
  const DataType type = *data_type_of(oid);
  if (oid == oid::kDate) {
    const int32_t days = in.int32();
    if (days == std::numeric_limits<int32_t>::max() || days == std::numeric_limits<int32_t>::min()) {
      return unsupported("infinite dates are not supported");
    }
    return Typed{.value = Value(int64_t{days} + kPgEpochDays), .type = type};
  }
  if (oid == oid::kTime) return Typed{.value = Value(in.int64()), .type = type};
  const int64_t micros = in.int64();
  int64_t since_1970 = 0;
  if (micros == std::numeric_limits<int64_t>::min() || __builtin_add_overflow(micros, kPgEpochMicros, &since_1970)) {
    return unsupported("infinite timestamps are not supported");
  }
  return Typed{.value = Value(since_1970), .type = type};
}

// A month has no fixed number of days, so an interval with months is one of months only.
Result<Typed> decode_interval(WireReader& in) {
  const int64_t micros = in.int64();
  const int32_t days = in.int32();
  const int32_t months = in.int32();
  if (months != 0) {
    if (micros != 0 || days != 0) return unsupported("intervals of months and days together are not supported");
    return Typed{.value = Value(int64_t{months}), .type = TypeKind::kIntervalYearMonth};
  }
  int64_t total = 0;
  if (__builtin_mul_overflow(int64_t{days}, types::kMicrosPerDay, &total) ||
      __builtin_add_overflow(total, micros, &total)) {
    return invalid_argument("interval is out of range");
  }
  return Typed{.value = Value(total), .type = TypeKind::kIntervalDayTime};
}

std::string uuid_text(std::string_view bytes) {
  std::string text;
  append_bytea_text(text, bytes);
  text.erase(0, 2);
  for (const size_t dash : {20, 16, 12, 8}) text.insert(dash, 1, '-');
  return text;
}

Result<Typed> decode(std::string_view bytes, uint32_t oid) {
  constexpr size_t kUuidBytes = 16;
  WireReader in(bytes);
  Typed typed;
  switch (oid) {
    case oid::kBool: typed = {.value = Value(in.byte() != 0), .type = TypeKind::kBoolean}; break;
    case oid::kInt2: typed = {.value = Value(int64_t{in.int16()}), .type = TypeKind::kSmallInt}; break;
    case oid::kInt4: typed = {.value = Value(int64_t{in.int32()}), .type = TypeKind::kInt}; break;
    case oid::kOid:
      typed = {.value = Value(int64_t{static_cast<uint32_t>(in.int32())}), .type = TypeKind::kBigInt};
      break;
    case oid::kInt8: typed = {.value = Value(in.int64()), .type = TypeKind::kBigInt}; break;
    case oid::kFloat4:
      typed = {.value = Value(double{std::bit_cast<float>(in.int32())}), .type = TypeKind::kFloat};
      break;
    case oid::kFloat8: typed = {.value = Value(std::bit_cast<double>(in.int64())), .type = TypeKind::kDouble}; break;
    case oid::kDate:
    case oid::kTime:
    case oid::kTimestamp:
    case oid::kTimestamptz: typed = PENSTOCK_TRY(decode_moment(in, oid)); break;
    case oid::kInterval: typed = PENSTOCK_TRY(decode_interval(in)); break;
    case oid::kNumeric: return Typed{.value = Value(PENSTOCK_TRY(numeric_text(bytes))), .type = TypeKind::kString};
    case oid::kBytea: return Typed{.value = Value(std::string(bytes)), .type = TypeKind::kBytes};
    case oid::kUuid:
      if (bytes.size() != kUuidBytes) return wrong_size(oid, bytes.size());
      return Typed{.value = Value(uuid_text(bytes)), .type = TypeKind::kString};
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kChar:
    case oid::kJson:
    case oid::kUnknown: return Typed{.value = Value(std::string(bytes)), .type = TypeKind::kString};
    default: return unsupported("binary parameters of the type with oid {} are not supported", oid);
  }
  if (!in.complete()) return wrong_size(oid, bytes.size());
  return typed;
}

// An array of one dimension, which says itself what its elements are.
Result<Value> array_from_binary(std::string_view bytes, uint32_t oid, DataType type) {
  WireReader in(bytes);
  const int32_t dimensions = in.int32();
  static_cast<void>(in.int32());  // whether there are NULLs
  const auto element_oid = static_cast<uint32_t>(in.int32());
  if (dimensions > 1) return unsupported("arrays of more than one dimension are not supported as parameters");
  std::string array;
  if (dimensions == 1) {
    const int32_t size = in.int32();
    static_cast<void>(in.int32());  // the first index
    for (int32_t i = 0; i < size && in.ok(); ++i) {
      types::SlotWriter slot(array, type.part(0));
      const int32_t length = in.int32();
      if (length < 0) {
        slot.append_null();
        continue;
      }
      const std::string_view element = in.bytes(static_cast<size_t>(length));
      if (in.ok()) slot.append(PENSTOCK_TRY(value_from_binary(element, element_oid, type.part(0))));
    }
  }
  if (!in.complete()) return wrong_size(oid, bytes.size());
  array += types::kSlotEnd;
  return Value(std::move(array));
}

}  // namespace

void append_float4(std::string& out, double value) {
  append_int32(out, std::bit_cast<int32_t>(static_cast<float>(value)));
}

void append_float8(std::string& out, double value) { append_int64(out, std::bit_cast<int64_t>(value)); }

void append_numeric(std::string& out, types::Int128 unscaled, int scale) {
  std::string digits = types::int128_to_text(unscaled, 0);
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  const auto scale_size = static_cast<size_t>(scale);
  if (digits.size() < scale_size) digits.insert(0, scale_size - digits.size(), '0');

  // Groups of four digits, counted from the decimal point to both sides.
  const auto fill = [](size_t size) { return (kDigitsPerGroup - size % kDigitsPerGroup) % kDigitsPerGroup; };
  const size_t whole_fill = fill(digits.size() - scale_size);
  digits.insert(0, whole_fill, '0');
  size_t whole_groups = (digits.size() - scale_size) / kDigitsPerGroup;
  digits.append(fill(scale_size), '0');

  std::vector<int16_t> groups;
  for (size_t i = 0; i < digits.size(); i += kDigitsPerGroup) {
    int group = 0;
    for (size_t j = i; j < i + kDigitsPerGroup; ++j) group = group * 10 + (digits[j] - '0');
    groups.push_back(static_cast<int16_t>(group));
  }
  const auto first = std::find_if(groups.begin(), groups.end(), [](int16_t group) { return group != 0; });
  const auto leading_zeros = first - groups.begin();
  while (!groups.empty() && groups.back() == 0) groups.pop_back();
  const bool zero = groups.empty();
  if (!zero) groups.erase(groups.begin(), groups.begin() + leading_zeros);

  append_int16(out, static_cast<int16_t>(groups.size()));
  append_int16(out, static_cast<int16_t>(zero ? 0 : static_cast<ptrdiff_t>(whole_groups) - 1 - leading_zeros));
  append_int16(out, negative && !zero ? kNumericNegative : kNumericPositive);
  append_int16(out, static_cast<int16_t>(scale));
  for (const int16_t group : groups) append_int16(out, group);
}

void append_interval(std::string& out, int64_t micros, int64_t months) {
  append_int64(out, micros % types::kMicrosPerDay);
  append_int32(out, static_cast<int32_t>(micros / types::kMicrosPerDay));
  append_int32(out, static_cast<int32_t>(months));
}

Result<Value> value_from_binary(std::string_view bytes, uint32_t oid, DataType type) {
  if (oid == oid::kUnspecified) oid = pg_type_of(type).oid;
  const std::optional<DataType> declared = data_type_of(oid);
  if (declared && declared->kind() == TypeKind::kArray && is_pg_array(type)) return array_from_binary(bytes, oid, type);
  Typed typed = PENSTOCK_TRY(decode(bytes, oid));
  const bool integers = typed.type.is_integer() && type.is_integer();
  if (typed.type.kind() == type.kind() || (typed.type.kind() == TypeKind::kString && type.kind() == TypeKind::kNull)) {
    return std::move(typed.value);
  }
  if (integers) {
    const auto [min, max] = types::integer_range(type.kind());
    const int64_t value = typed.value.as_int64();
    if (value >= min && value <= max) return std::move(typed.value);
    return invalid_argument("{} is out of the range of {}", value, type.with_nullable(true).to_string());
  }
  return value_from_text(types::to_text(typed.value, typed.type), type);
}

}  // namespace penstock::pgwire
