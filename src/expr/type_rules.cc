#include "expr/type_rules.h"

#include <algorithm>

#include "expr/registry.h"
#include "types/decimal.h"

namespace penstock::expr {

using types::DataType;
using types::kDecimalPrecisionMax;
using types::TypeKind;

namespace {

// Digits after the point that are kept even when that costs digits before it.
constexpr int kScaleKept = 6;

// Where the exact result would need more than 38 digits, digits after the point are given up first.
DataType adjusted_decimal(int precision, int scale) {
  if (precision <= kDecimalPrecisionMax) return DataType::decimal(precision, scale);
  int whole_digits = precision - scale;
  int kept = std::max(kDecimalPrecisionMax - whole_digits, std::min(scale, kScaleKept));
  return DataType::decimal(kDecimalPrecisionMax, kept);
}

DataType common_decimal_type(DataType a, DataType b) {
  int whole = std::min(std::max(a.precision() - a.scale(), b.precision() - b.scale()), kDecimalPrecisionMax);
  int scale = std::min(std::max(a.scale(), b.scale()), kDecimalPrecisionMax - whole);
  return DataType::decimal(whole + scale, scale);
}

DataType with_precision(TypeKind kind, int precision) {
  if (kind == TypeKind::kTime) return DataType::time(precision);
  return kind == TypeKind::kTimestamp ? DataType::timestamp(precision) : DataType::timestamp_ltz(precision);
}

DataType common_nested(DataType a, DataType b);

// Nothing in common: kNull.
DataType common_of_two(DataType a, DataType b) {
  if (a.kind() == TypeKind::kNull) return b;
  if (b.kind() == TypeKind::kNull) return a;
  if (a.is_nested() || b.is_nested()) return common_nested(a, b);
  if (a.same_type(b)) return a;
  if (a.is_numeric() && b.is_numeric()) return common_numeric_type(a, b);
  if (a.is_timestamp() && b.is_timestamp()) {
    TypeKind kind = a.kind() == b.kind() ? a.kind() : TypeKind::kTimestampLtz;
    return with_precision(kind, std::max(a.precision(), b.precision()));
  }
  if (a.kind() == TypeKind::kTime && b.kind() == TypeKind::kTime) {
    return DataType::time(std::max(a.precision(), b.precision()));
  }
  if (a.kind() == TypeKind::kDate && b.is_timestamp()) return b;
  if (b.kind() == TypeKind::kDate && a.is_timestamp()) return a;
  return a.kind() == b.kind() ? a : DataType();
}

// Part by part; the fields of a ROW have the names of the first.
DataType common_nested(DataType a, DataType b) {
  if (a.kind() != b.kind() || a.parts().size() != b.parts().size()) return {};
  std::vector<types::Field> parts(a.parts().begin(), a.parts().end());
  for (size_t i = 0; i < parts.size(); ++i) {
    const DataType both[] = {a.part(i), b.part(i)};
    DataType common = common_of_two(both[0].with_nullable(true), both[1].with_nullable(true));
    if (common.kind() == TypeKind::kNull && (both[0].kind() != common.kind() || both[1].kind() != common.kind()))
      return {};
    parts[i].type = common.with_nullable(both[0].nullable() || both[1].nullable());
  }
  return a.with_parts(std::move(parts));
}

// Whether `castable` holds for each part; the names of a ROW's fields do not matter.
bool parts_castable(DataType from, DataType to, bool (*castable)(DataType, DataType)) {
  if (from.kind() != to.kind() || from.parts().size() != to.parts().size()) return false;
  for (size_t i = 0; i < from.parts().size(); ++i) {
    if (!castable(from.part(i), to.part(i))) return false;
  }
  return true;
}

}  // namespace

DataType as_decimal(DataType type) {
  switch (type.kind()) {
    case TypeKind::kTinyInt: return DataType::decimal(3, 0);
    case TypeKind::kSmallInt: return DataType::decimal(5, 0);
    case TypeKind::kInt: return DataType::decimal(10, 0);
    case TypeKind::kBigInt: return DataType::decimal(19, 0);
    default: return type;
  }
}

DataType decimal_sum_type(DataType a, DataType b) {
  int scale = std::max(a.scale(), b.scale());
  return adjusted_decimal(std::max(a.precision() - a.scale(), b.precision() - b.scale()) + scale + 1, scale);
}

DataType decimal_product_type(DataType a, DataType b) {
  return adjusted_decimal(a.precision() + b.precision() + 1, a.scale() + b.scale());
}

DataType decimal_quotient_type(DataType a, DataType b) {
  int scale = std::max(6, a.scale() + b.precision() + 1);
  return adjusted_decimal(a.precision() - a.scale() + b.scale() + scale, scale);
}

DataType decimal_remainder_type(DataType a, DataType b) {
  int scale = std::max(a.scale(), b.scale());
  return adjusted_decimal(std::min(a.precision() - a.scale(), b.precision() - b.scale()) + scale, scale);
}

DataType decimal_round_type(DataType type, int places) {
  if (places >= type.scale()) return type;
  if (places < 0) return DataType::decimal(std::min(kDecimalPrecisionMax, 1 + type.precision() - type.scale()), 0);
  return DataType::decimal(1 + type.precision() - type.scale() + places, places);
}

DataType common_numeric_type(DataType a, DataType b) {
  if (a.is_approximate() || b.is_approximate()) {
    bool is_double = a.kind() == TypeKind::kDouble || b.kind() == TypeKind::kDouble || a.kind() == TypeKind::kDecimal ||
                     b.kind() == TypeKind::kDecimal;
    return is_double ? TypeKind::kDouble : TypeKind::kFloat;
  }
  if (a.kind() == TypeKind::kDecimal || b.kind() == TypeKind::kDecimal) {
    return common_decimal_type(as_decimal(a), as_decimal(b));
  }
  return std::max(a.kind(), b.kind());
}

bool implicitly_castable(DataType from, DataType to) {
  if (from.kind() == TypeKind::kNull) return true;
  if (from.is_nested() || to.is_nested()) return parts_castable(from, to, implicitly_castable);
  if (from.kind() == to.kind()) return true;
  if (from.is_integer() && to.is_integer()) return from.kind() < to.kind();
  if (from.is_numeric() && to.is_approximate()) return to.kind() == TypeKind::kDouble || !from.is_approximate();
  if (from.is_integer() && to.kind() == TypeKind::kDecimal) return true;
  if (from.is_timestamp() && to.is_timestamp()) return true;
  return from.kind() == TypeKind::kDate && to.is_timestamp();
}

bool nested_castable(DataType from, DataType to) {
  if (from.is_nested() && to.kind() == TypeKind::kString) return true;
  return parts_castable(from, to, explicitly_castable);
}

Result<DataType> common_type(std::span<const DataType> types) {
  DataType common;
  bool nullable = false;
  for (DataType type : types) {
    nullable |= type.nullable();
    DataType joined = common_of_two(common.with_nullable(true), type.with_nullable(true));
    if (joined.kind() == TypeKind::kNull && type.kind() != TypeKind::kNull) {
      return invalid_argument("{} and {} have no common type", common.with_nullable(true).to_string(),
                              type.with_nullable(true).to_string())
          .hint("cast one of them");
    }
    common = joined;
  }
  return common.with_nullable(nullable);
}

}  // namespace penstock::expr
