// SQL types as Flink names them, and the few physical forms in which their values are held.
//
// Many SQL types share one physical form (every integer and time type is an int64), so an operator or kernel is
// written for five forms, not for twenty types; what differs (range, scale, text form) is in the DataType.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::types {

enum class TypeKind : uint8_t {
  kNull,  // the type of a bare NULL
  kBoolean,
  kTinyInt,
  kSmallInt,
  kInt,
  kBigInt,
  kFloat,  // held as a double that has been rounded to float
  kDouble,
  kDecimal,            // precision 1..38, scale 0..precision; held as the unscaled integer
  kString,             // CHAR, VARCHAR, STRING; UTF-8
  kBytes,              // BINARY, VARBINARY, BYTES
  kDate,               // days since 1970-01-01
  kTime,               // microseconds since midnight
  kTimestamp,          // TIMESTAMP(p): microseconds since 1970-01-01T00:00:00 of a clock without a zone
  kTimestampLtz,       // TIMESTAMP_LTZ(p): microseconds since 1970-01-01T00:00:00Z
  kIntervalDayTime,    // microseconds
  kIntervalYearMonth,  // months
  // Nested types, held as the bytes that types/nested.h describes.
  kArray,     // ARRAY<element>
  kMultiset,  // MULTISET<element>: each element with how often it is there
  kMap,       // MAP<key, value>
  kRow,       // ROW<name type, ...>
};

// How values are held in columns and states.
enum class Physical : uint8_t {
  kBool,    // uint8_t, 0 or 1
  kInt64,   // int64_t
  kDouble,  // double
  kInt128,  // __int128
  kString,  // bytes
};

struct Field;
struct NestedType;

// A SQL type: a small value, cheap to copy and compare.
class DataType {
 public:
  constexpr DataType() = default;
  // Types without parameters. Timestamps made so have precision 3 (TIMESTAMP(3)), as event times have.
  constexpr DataType(TypeKind kind) : kind_(kind) {  // NOLINT(google-explicit-constructor)
    if (kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampLtz) precision_ = 3;
  }
  static constexpr DataType decimal(int precision, int scale) {
    DataType t(TypeKind::kDecimal);
    t.precision_ = static_cast<uint8_t>(precision);
    t.scale_ = static_cast<uint8_t>(scale);
    return t;
  }
  static constexpr DataType time(int precision) {
    DataType t(TypeKind::kTime);
    t.precision_ = static_cast<uint8_t>(precision);
    return t;
  }
  static constexpr DataType timestamp(int precision) {
    DataType t(TypeKind::kTimestamp);
    t.precision_ = static_cast<uint8_t>(precision);
    return t;
  }
  static constexpr DataType timestamp_ltz(int precision) {
    DataType t(TypeKind::kTimestampLtz);
    t.precision_ = static_cast<uint8_t>(precision);
    return t;
  }

  // The parts of a ROW must have names; the depth and number of nested types is for check_nested_type() to bound.
  static DataType array(DataType element);
  static DataType multiset(DataType element);
  static DataType map(DataType key, DataType value);
  static DataType row(std::vector<Field> fields);
  // The same kind of nested type of other parts.
  DataType with_parts(std::vector<Field> parts) const;

  constexpr TypeKind kind() const { return kind_; }
  constexpr int precision() const { return precision_; }  // of decimals, times and timestamps
  constexpr int scale() const { return scale_; }          // of decimals
  constexpr bool nullable() const { return nullable_; }
  constexpr DataType with_nullable(bool nullable) const {
    DataType t = *this;
    t.nullable_ = nullable;
    return t;
  }
  constexpr Physical physical() const {
    switch (kind_) {
      case TypeKind::kBoolean: return Physical::kBool;
      case TypeKind::kFloat:
      case TypeKind::kDouble: return Physical::kDouble;
      case TypeKind::kDecimal: return Physical::kInt128;
      case TypeKind::kString:
      case TypeKind::kBytes:
      case TypeKind::kArray:
      case TypeKind::kMultiset:
      case TypeKind::kMap:
      case TypeKind::kRow: return Physical::kString;
      default: return Physical::kInt64;
    }
  }

  constexpr bool is_integer() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kBigInt; }
  constexpr bool is_approximate() const { return kind_ == TypeKind::kFloat || kind_ == TypeKind::kDouble; }
  constexpr bool is_numeric() const { return kind_ >= TypeKind::kTinyInt && kind_ <= TypeKind::kDecimal; }
  constexpr bool is_timestamp() const { return kind_ == TypeKind::kTimestamp || kind_ == TypeKind::kTimestampLtz; }
  constexpr bool is_interval() const {
    return kind_ == TypeKind::kIntervalDayTime || kind_ == TypeKind::kIntervalYearMonth;
  }

  constexpr bool is_nested() const { return nested_ != nullptr; }
  // Of nested types: the element of an ARRAY; the element of a MULTISET and its count, an INT; key and value of a MAP;
  // the fields of a ROW.
  std::span<const Field> parts() const;
  DataType part(size_t i) const;
  // Levels of nesting: 0 of a scalar type, 1 of ARRAY<INT>.
  int depth() const;

  // The type with everything in it nullable.
  DataType all_nullable() const;
  // Equal but for nullability, also of what is nested.
  bool same_type(DataType other) const { return all_nullable() == other.all_nullable(); }
  constexpr bool operator==(const DataType&) const = default;

  // Flink's spelling: "DECIMAL(10, 2)", "TIMESTAMP(3)", "STRING", "MAP<STRING, INT>", "ROW<`a` INT, `b` ARRAY<DATE>>",
  // with " NOT NULL" where it is not nullable.
  std::string to_string() const;
  // Reads that spelling, and the other names of the same types ("VARCHAR(20)", "BIGINT NOT NULL", "timestamp_ltz(3)",
  // PostgreSQL's "text", "int8", "timestamptz"; "INT ARRAY", "INT[]", "ROW(a INT)"). VARCHAR's length is not kept.
  static Result<DataType> parse(std::string_view text);

 private:
  static DataType nested(TypeKind kind, std::vector<Field> parts);

  TypeKind kind_ = TypeKind::kNull;
  bool nullable_ = true;
  uint8_t precision_ = 0;
  uint8_t scale_ = 0;
  const NestedType* nested_ = nullptr;  // of nested types; never freed, and equal only to itself
};

struct Field {
  std::string name;
  DataType type;
  bool operator==(const Field&) const = default;
};

// What a nested type is made of. There is one object for each list of parts, which lives as long as the process: types
// stay small values that are compared by address, and the number of different ones is bounded (kNestedTypesMax).
struct NestedType {
  std::vector<Field> parts;                  // with names in a ROW only
  const NestedType* all_nullable = nullptr;  // the same parts, nullable at every level
  int depth = 1;
};

inline std::span<const Field> DataType::parts() const {
  return nested_ == nullptr ? std::span<const Field>() : std::span<const Field>(nested_->parts);
}
inline DataType DataType::part(size_t i) const { return nested_->parts[i].type; }
inline int DataType::depth() const { return nested_ == nullptr ? 0 : nested_->depth; }
inline DataType DataType::all_nullable() const {
  DataType t = with_nullable(true);
  if (nested_ != nullptr) t.nested_ = nested_->all_nullable;
  return t;
}

// Levels of nesting that a type may have, so that code may walk it and its values recursively.
inline constexpr int kNestedDepthMax = 32;
// Different nested types in one process, about 500 bytes each.
inline constexpr size_t kNestedTypesMax = 100'000;
// kResourceExhausted when the type is nested too deep, or there are too many nested types. For where types come in.
Status check_nested_type(DataType type);

// The columns of a table, view, batch or result.
using Schema = std::vector<Field>;

// The column of that name, in any case; -1 when there is none, -2 when several match and none exactly.
int find_field(const Schema& schema, std::string_view name);

}  // namespace penstock::types
