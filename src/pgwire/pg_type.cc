#include "pgwire/pg_type.h"

namespace penstock::pgwire {

using types::DataType;
using types::TypeKind;

namespace {

// Digits of a second that PostgreSQL's time types have.
constexpr int kFractionDigits = 6;

struct ArrayType {
  uint32_t element;
  uint32_t array;
};
constexpr ArrayType kArrayTypes[] = {
    {oid::kBool, oid::kBoolArray},         {oid::kBytea, oid::kByteaArray},
    {oid::kInt2, oid::kInt2Array},         {oid::kInt4, oid::kInt4Array},
    {oid::kInt8, oid::kInt8Array},         {oid::kText, oid::kTextArray},
    {oid::kVarchar, oid::kVarcharArray},   {oid::kFloat4, oid::kFloat4Array},
    {oid::kFloat8, oid::kFloat8Array},     {oid::kTimestamp, oid::kTimestampArray},
    {oid::kDate, oid::kDateArray},         {oid::kTime, oid::kTimeArray},
    {oid::kInterval, oid::kIntervalArray}, {oid::kTimestamptz, oid::kTimestamptzArray},
    {oid::kNumeric, oid::kNumericArray},
};

PgType array_type_of(DataType type) {
  if (!is_pg_array(type)) return {.oid = oid::kJson};
  const PgType element = pg_type_of(type.part(0));
  for (const ArrayType& known : kArrayTypes) {
    if (known.element == element.oid) return {.oid = known.array, .size = -1, .modifier = element.modifier};
  }
  return {.oid = oid::kJson};
}

}  // namespace

bool is_pg_array(DataType type) { return type.kind() == TypeKind::kArray && !type.part(0).is_nested(); }

PgType pg_type_of(DataType type) {
  switch (type.kind()) {
    case TypeKind::kNull:
    case TypeKind::kString: return {.oid = oid::kText};
    case TypeKind::kBoolean: return {.oid = oid::kBool, .size = 1};
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt: return {.oid = oid::kInt2, .size = 2};
    case TypeKind::kInt: return {.oid = oid::kInt4, .size = 4};
    case TypeKind::kBigInt: return {.oid = oid::kInt8, .size = 8};
    case TypeKind::kFloat: return {.oid = oid::kFloat4, .size = 4};
    case TypeKind::kDouble: return {.oid = oid::kFloat8, .size = 8};
    case TypeKind::kDecimal:
      return {.oid = oid::kNumeric, .size = -1, .modifier = (type.precision() << 16 | type.scale()) + 4};
    case TypeKind::kBytes: return {.oid = oid::kBytea};
    case TypeKind::kDate: return {.oid = oid::kDate, .size = 4};
    case TypeKind::kTime: return {.oid = oid::kTime, .size = 8, .modifier = type.precision()};
    case TypeKind::kTimestamp: return {.oid = oid::kTimestamp, .size = 8, .modifier = type.precision()};
    case TypeKind::kTimestampLtz: return {.oid = oid::kTimestamptz, .size = 8, .modifier = type.precision()};
    case TypeKind::kIntervalDayTime:
    case TypeKind::kIntervalYearMonth: return {.oid = oid::kInterval, .size = 16};
    case TypeKind::kArray: return array_type_of(type);
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return {.oid = oid::kJson};
  }
  return {};
}

std::optional<DataType> data_type_of(uint32_t oid) {
  switch (oid) {
    case oid::kBool: return TypeKind::kBoolean;
    case oid::kInt2: return TypeKind::kSmallInt;
    case oid::kInt4: return TypeKind::kInt;
    case oid::kInt8:
    case oid::kOid: return TypeKind::kBigInt;
    case oid::kFloat4: return TypeKind::kFloat;
    case oid::kFloat8: return TypeKind::kDouble;
    case oid::kText:
    case oid::kVarchar:
    case oid::kBpchar:
    case oid::kName:
    case oid::kChar:
    case oid::kJson:
    case oid::kUuid: return TypeKind::kString;
    case oid::kBytea: return TypeKind::kBytes;
    case oid::kDate: return TypeKind::kDate;
    case oid::kTime: return DataType::time(kFractionDigits);
    case oid::kTimestamp: return DataType::timestamp(kFractionDigits);
    case oid::kTimestamptz: return DataType::timestamp_ltz(kFractionDigits);
    case oid::kInterval: return TypeKind::kIntervalDayTime;
    default: break;
  }
  for (const ArrayType& known : kArrayTypes) {
    if (known.array != oid) continue;
    const std::optional<DataType> element = data_type_of(known.element);
    if (element) return DataType::array(*element);
  }
  return std::nullopt;
}

}  // namespace penstock::pgwire
