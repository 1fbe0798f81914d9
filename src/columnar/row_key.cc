#include "columnar/row_key.h"

#include <bit>

#include "base/check.h"
#include "base/hash.h"
#include "types/ordered_bytes.h"

namespace penstock::columnar {

namespace {

using types::append_ordered;
using types::Int128;
using types::Physical;
using UInt128 = unsigned __int128;

// One word per value that goes into the row's hash.
constexpr uint64_t kNullWord = 0x9e3779b97f4a7c15U;
constexpr uint64_t kHashSeed = 0x51afd7ed558ccd25U;
constexpr uint64_t kColumnFactor = 0x9fb21c651e98df25U;  // odd, so that no earlier column is lost

uint64_t combine(uint64_t hash, uint64_t word) { return mix64(hash * kColumnFactor + word); }

uint64_t word_of(uint8_t value) { return value; }
uint64_t word_of(int64_t value) { return static_cast<uint64_t>(value); }
uint64_t word_of(double value) { return std::bit_cast<uint64_t>(types::normalized(value)); }
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
//   NULL       00
//   a value    01, then the value as in types/ordered_bytes.h
constexpr char kNullTag = 0;
constexpr char kValueTag = 1;

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
    append_ordered_value(out, *column, row);
  }
}

void append_ordered_value(std::string& out, const Column& column, size_t row) {
  switch (column.type().physical()) {
    case Physical::kBool: append_ordered(out, column.values<uint8_t>()[row] != 0); break;
    case Physical::kInt64: append_ordered(out, column.values<int64_t>()[row]); break;
    case Physical::kDouble: append_ordered(out, column.values<double>()[row]); break;
    case Physical::kInt128: append_ordered(out, column.values<Int128>()[row]); break;
    case Physical::kString: append_ordered(out, column.values<StringCell>()[row].view()); break;
  }
}

void append_key_value(std::string& out, const types::Value& value, types::DataType type) {
  if (value.is_null()) {
    out += kNullTag;
    return;
  }
  out += kValueTag;
  switch (type.physical()) {
    case Physical::kBool: append_ordered(out, value.as_bool()); break;
    case Physical::kInt64: append_ordered(out, value.as_int64()); break;
    case Physical::kDouble: append_ordered(out, value.as_double()); break;
    case Physical::kInt128: append_ordered(out, value.as_int128()); break;
    case Physical::kString: append_ordered(out, std::string_view(value.as_string())); break;
  }
}

void decode_key(std::string_view& key, std::span<ColumnBuilder> builders) {
  std::string text;  // where a string has to be put together
  for (ColumnBuilder& builder : builders) {
    PENSTOCK_CHECK(!key.empty(), "a row key is cut off");
    char tag = key[0];
    key.remove_prefix(1);
    if (tag == kNullTag) {
      builder.append_null();
      continue;
    }
    switch (builder.type().physical()) {
      case Physical::kBool: builder.append_bool(types::read_ordered_bool(key)); break;
      case Physical::kInt64: builder.append_int64(types::read_ordered_int64(key)); break;
      case Physical::kDouble: builder.append_double(types::read_ordered_double(key)); break;
      case Physical::kInt128: builder.append_int128(types::read_ordered_int128(key)); break;
      case Physical::kString:
        builder.append_string(types::unescape_ordered_string(types::take_ordered_string(key), text));
        break;
    }
  }
}

}  // namespace penstock::columnar
