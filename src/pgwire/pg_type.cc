#include "pgwire/pg_type.h"

namespace penstock::pgwire {

using types::DataType;
using types::TypeKind;

namespace {

// Digits of a second that PostgreSQL's time types have.
constexpr int kFractionDigits = 6;

}  // namespace

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
    default: return std::nullopt;
  }
}

}  // namespace penstock::pgwire
