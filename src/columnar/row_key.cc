#include "columnar/row_key.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/hash.h"

namespace penstock::columnar {

namespace {

using types::Int128;
using types::Physical;
using UInt128 = unsigned __int128;

// One word per value that goes into the row's hash.
constexpr uint64_t kNullWord = 0x9e3779b97f4a7c15U;
constexpr uint64_t kHashSeed = 0x51afd7ed558ccd25U;
constexpr uint64_t kColumnFactor = 0x9fb21c651e98df25U;  // odd, so that no earlier column is lost

uint64_t combine(uint64_t hash, uint64_t word) { return mix64(hash * kColumnFactor + word); }

// 0.0 and -0.0, and all NaNs, as one value each.
double normalized(double value) {
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0.0 : value;
}

uint64_t word_of(uint8_t value) { return value; }
uint64_t word_of(int64_t value) { return static_cast<uint64_t>(value); }
uint64_t word_of(double value) { return std::bit_cast<uint64_t>(normalized(value)); }
uint64_t word_of(Int128 value) {
  UInt128 bits = static_cast<UInt128>(value);
  return static_cast<uint64_t>(bits) ^ mix64(static_cast<uint64_t>(bits >> 64));
}
uint64_t word_of(const StringCell& value) { return hash64(value.view()); }

template <class T>
void hash_column(const Column& column, std::span<uint64_t> hashes) {
  std::span<const T> values = column.values<T>();
  if (!column.has_nulls()) {
    for (size_t row = 0; row < hashes.size(); ++row) hashes[row] = combine(hashes[row], word_of(values[row]));
    return;
  }
  std::span<const uint8_t> nulls = column.nulls();
  for (size_t row = 0; row < hashes.size(); ++row) {
    hashes[row] = combine(hashes[row], nulls[row] != 0 ? kNullWord : word_of(values[row]));
  }
}

// --- ordered encoding ---
//
//   NULL                 00
//   a value              01, then
//     boolean            1 byte
//     int64, int128      big-endian with the sign bit flipped
//     double             its bits, big-endian; all flipped when negative, else only the sign bit
//     string             its bytes with 00 written as 00 ff, then 00 00
constexpr char kNullTag = 0;
constexpr char kValueTag = 1;
constexpr std::string_view kStringEnd("\0\0", 2);
constexpr std::string_view kEscapedZero("\0\xff", 2);

void append_big_endian(std::string& out, uint64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  out.append(bytes, sizeof bytes);
}

uint64_t read_big_endian(std::string_view& key) {
  PENSTOCK_CHECK(key.size() >= 8, "a row key is cut off");
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(key[static_cast<size_t>(i)]);
  key.remove_prefix(8);
  return value;
}

constexpr uint64_t kSignBit = uint64_t{1} << 63;

void append_encoded(std::string& out, bool value) { out += static_cast<char>(value ? 1 : 0); }
void append_encoded(std::string& out, int64_t value) {
  append_big_endian(out, static_cast<uint64_t>(value) ^ kSignBit);
}
void append_encoded(std::string& out, double value) {
  uint64_t bits = std::bit_cast<uint64_t>(normalized(value));
  append_big_endian(out, (bits & kSignBit) != 0 ? ~bits : bits ^ kSignBit);
}
void append_encoded(std::string& out, Int128 value) {
  UInt128 bits = static_cast<UInt128>(value);
  append_big_endian(out, static_cast<uint64_t>(bits >> 64) ^ kSignBit);
  append_big_endian(out, static_cast<uint64_t>(bits));
}
void append_encoded(std::string& out, std::string_view value) {
  while (true) {
    size_t zero = value.find('\0');
    if (zero == std::string_view::npos) break;
    out.append(value.substr(0, zero)).append(kEscapedZero);
    value.remove_prefix(zero + 1);
  }
  out.append(value).append(kStringEnd);
}

double decode_double(std::string_view& key) {
  uint64_t bits = read_big_endian(key);
  return std::bit_cast<double>((bits & kSignBit) != 0 ? bits ^ kSignBit : ~bits);
}

Int128 decode_int128(std::string_view& key) {
  uint64_t high = read_big_endian(key) ^ kSignBit;
  uint64_t low = read_big_endian(key);
  return static_cast<Int128>(static_cast<UInt128>(high) << 64 | low);
}

void decode_string(std::string_view& key, std::string& out) {
  out.clear();
  while (true) {
    size_t zero = key.find('\0');
    PENSTOCK_CHECK(zero != std::string_view::npos && zero + 1 < key.size(), "a row key is cut off");
    out.append(key.substr(0, zero));
    bool end = key[zero + 1] == '\0';
    key.remove_prefix(zero + 2);
    if (end) return;
    out += '\0';
  }
}

}  // namespace

void hash_rows(std::span<const ColumnPtr> columns, size_t rows, std::vector<uint64_t>& out) {
  out.assign(rows, kHashSeed);
  for (const ColumnPtr& column : columns) {
    switch (column->type().physical()) {
      case Physical::kBool: hash_column<uint8_t>(*column, out); break;
      case Physical::kInt64: hash_column<int64_t>(*column, out); break;
      case Physical::kDouble: hash_column<double>(*column, out); break;
      case Physical::kInt128: hash_column<Int128>(*column, out); break;
      case Physical::kString: hash_column<StringCell>(*column, out); break;
    }
  }
}

void append_key(std::string& out, std::span<const ColumnPtr> columns, size_t row) {
  for (const ColumnPtr& column : columns) {
    if (column->is_null(row)) {
      out += kNullTag;
      continue;
    }
    out += kValueTag;
    switch (column->type().physical()) {
      case Physical::kBool: append_encoded(out, column->values<uint8_t>()[row] != 0); break;
      case Physical::kInt64: append_encoded(out, column->values<int64_t>()[row]); break;
      case Physical::kDouble: append_encoded(out, column->values<double>()[row]); break;
      case Physical::kInt128: append_encoded(out, column->values<Int128>()[row]); break;
      case Physical::kString: append_encoded(out, column->values<StringCell>()[row].view()); break;
    }
  }
}

void append_key_value(std::string& out, const types::Value& value, types::DataType type) {
  if (value.is_null()) {
    out += kNullTag;
    return;
  }
  out += kValueTag;
  switch (type.physical()) {
    case Physical::kBool: append_encoded(out, value.as_bool()); break;
    case Physical::kInt64: append_encoded(out, value.as_int64()); break;
    case Physical::kDouble: append_encoded(out, value.as_double()); break;
    case Physical::kInt128: append_encoded(out, value.as_int128()); break;
    case Physical::kString: append_encoded(out, std::string_view(value.as_string())); break;
  }
}

void decode_key(std::string_view& key, std::span<ColumnBuilder> builders) {
  std::string text;
  for (ColumnBuilder& builder : builders) {
    PENSTOCK_CHECK(!key.empty(), "a row key is cut off");
    char tag = key[0];
    key.remove_prefix(1);
    if (tag == kNullTag) {
      builder.append_null();
      continue;
    }
    switch (builder.type().physical()) {
      case Physical::kBool:
        PENSTOCK_CHECK(!key.empty(), "a row key is cut off");
        builder.append_bool(key[0] != 0);
        key.remove_prefix(1);
        break;
      case Physical::kInt64: builder.append_int64(static_cast<int64_t>(read_big_endian(key) ^ kSignBit)); break;
      case Physical::kDouble: builder.append_double(decode_double(key)); break;
      case Physical::kInt128: builder.append_int128(decode_int128(key)); break;
      case Physical::kString:
        decode_string(key, text);
        builder.append_string(text);
        break;
    }
  }
}

}  // namespace penstock::columnar
