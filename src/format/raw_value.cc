#include "format/raw_value.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace penstock::format {

namespace {

using types::TypeKind;

// The lowest bytes of a number.
void append_bytes(std::string& out, uint64_t bits, size_t width, bool little_endian) {
  for (size_t i = 0; i < width; ++i) {
    const size_t byte = little_endian ? i : width - 1 - i;
    out += static_cast<char>(bits >> (8 * byte) & 0xff);
  }
}

uint64_t bits_of(std::string_view bytes, bool little_endian) {
  uint64_t bits = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bits = bits << 8 | static_cast<uint8_t>(bytes[little_endian ? bytes.size() - 1 - i : i]);
  }
  return bits;
}

// The number whose lowest bytes these are in two's complement.
int64_t with_sign(uint64_t bits, size_t width) {
  const size_t above = 64 - 8 * width;
  return static_cast<int64_t>(bits << above) >> above;
}

}  // namespace

std::optional<size_t> raw_width(types::DataType type) {
  switch (type.kind()) {
    case TypeKind::kString:
    case TypeKind::kBytes: return 0;
    case TypeKind::kBoolean:
    case TypeKind::kTinyInt: return 1;
    case TypeKind::kSmallInt: return 2;
    case TypeKind::kInt:
    case TypeKind::kFloat: return 4;
    case TypeKind::kBigInt:
    case TypeKind::kDouble: return 8;
    default: return std::nullopt;
  }
}

void append_raw(std::string& out, const columnar::Column& column, size_t row, bool little_endian) {
  const types::DataType type = column.type();
  const size_t width = raw_width(type).value_or(0);
  if (width == 0) {
    out += column.values<columnar::StringCell>()[row].view();
    return;
  }
  const types::Value value = column.value(row);
  uint64_t bits = 0;
  switch (type.kind()) {
    case TypeKind::kBoolean: bits = value.as_bool() ? 1 : 0; break;
    case TypeKind::kFloat: bits = std::bit_cast<uint32_t>(static_cast<float>(value.as_double())); break;
    case TypeKind::kDouble: bits = std::bit_cast<uint64_t>(value.as_double()); break;
    default: bits = static_cast<uint64_t>(value.as_int64()); break;
  }
  append_bytes(out, bits, width, little_endian);
}

void read_raw(std::string_view bytes, bool little_endian, columnar::ColumnBuilder& out) {
  const types::DataType type = out.type();
  if (raw_width(type).value_or(0) == 0) return out.append_string(bytes);
  const uint64_t bits = bits_of(bytes, little_endian);
  switch (type.kind()) {
    case TypeKind::kBoolean: return out.append_bool(bits != 0);
    case TypeKind::kFloat: return out.append_double(std::bit_cast<float>(static_cast<uint32_t>(bits)));
    case TypeKind::kDouble: return out.append_double(std::bit_cast<double>(bits));
    default: return out.append_int64(with_sign(bits, bytes.size()));
  }
}

}  // namespace penstock::format
