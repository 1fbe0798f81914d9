// PostgreSQL's names for our types.
#pragma once

#include <cstdint>
#include <optional>

#include "types/type.h"

namespace penstock::pgwire {

// Object ids of built-in types, as clients know them by heart (PostgreSQL's pg_type.dat).
namespace oid {
inline constexpr uint32_t kUnspecified = 0;
inline constexpr uint32_t kBool = 16;
inline constexpr uint32_t kBytea = 17;
inline constexpr uint32_t kChar = 18;
inline constexpr uint32_t kName = 19;
inline constexpr uint32_t kInt8 = 20;
inline constexpr uint32_t kInt2 = 21;
inline constexpr uint32_t kInt4 = 23;
inline constexpr uint32_t kText = 25;
inline constexpr uint32_t kOid = 26;
inline constexpr uint32_t kJson = 114;
inline constexpr uint32_t kFloat4 = 700;
inline constexpr uint32_t kFloat8 = 701;
inline constexpr uint32_t kUnknown = 705;
inline constexpr uint32_t kBoolArray = 1000;
inline constexpr uint32_t kByteaArray = 1001;
inline constexpr uint32_t kInt2Array = 1005;
inline constexpr uint32_t kInt4Array = 1007;
inline constexpr uint32_t kTextArray = 1009;
inline constexpr uint32_t kVarcharArray = 1015;
inline constexpr uint32_t kInt8Array = 1016;
inline constexpr uint32_t kFloat4Array = 1021;
inline constexpr uint32_t kFloat8Array = 1022;
inline constexpr uint32_t kBpchar = 1042;
inline constexpr uint32_t kVarchar = 1043;
inline constexpr uint32_t kDate = 1082;
inline constexpr uint32_t kTime = 1083;
inline constexpr uint32_t kTimestamp = 1114;
inline constexpr uint32_t kTimestampArray = 1115;
inline constexpr uint32_t kDateArray = 1182;
inline constexpr uint32_t kTimeArray = 1183;
inline constexpr uint32_t kTimestamptz = 1184;
inline constexpr uint32_t kTimestamptzArray = 1185;
inline constexpr uint32_t kInterval = 1186;
inline constexpr uint32_t kIntervalArray = 1187;
inline constexpr uint32_t kNumericArray = 1231;
inline constexpr uint32_t kNumeric = 1700;
inline constexpr uint32_t kUuid = 2950;
}  // namespace oid

struct PgType {
  uint32_t oid = oid::kText;
  int16_t size = -1;      // of the binary form, -1 when it varies
  int32_t modifier = -1;  // pg_attribute.atttypmod
};

// An ARRAY of values that are not nested is PostgreSQL's array; all other nested types are json.
PgType pg_type_of(types::DataType type);
bool is_pg_array(types::DataType type);

// The type of a parameter that the client declared with this oid; nothing when it has to be inferred: for oids that say
// nothing (0, unknown), that we have no type for, and for numeric, whose precision only the query can tell.
std::optional<types::DataType> data_type_of(uint32_t oid);

}  // namespace penstock::pgwire
