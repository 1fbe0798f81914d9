#include "expr/binding.h"

#include <algorithm>

namespace penstock::expr {

std::optional<DataType> accept_argument(Takes takes, DataType type) {
  bool null = type.kind() == TypeKind::kNull;
  auto when = [](bool accepted, DataType as) { return accepted ? std::optional<DataType>(as) : std::nullopt; };
  switch (takes) {
    case Takes::kAny: return type;
    case Takes::kBoolean: return when(null || type.kind() == TypeKind::kBoolean, TypeKind::kBoolean);
    case Takes::kInteger: return when(null || type.is_integer(), TypeKind::kBigInt);
    case Takes::kDouble: return when(null || type.is_numeric(), TypeKind::kDouble);
    case Takes::kText: return when(null || type.kind() == TypeKind::kString, TypeKind::kString);
    case Takes::kBytes: return when(null || type.kind() == TypeKind::kBytes, TypeKind::kBytes);
    case Takes::kTextOrBytes:
      return when(null || (type.physical() == Physical::kString && !type.is_nested()),
                  null ? DataType(TypeKind::kString) : type);
    case Takes::kDate: return when(null || type.kind() == TypeKind::kDate, TypeKind::kDate);
    case Takes::kTimestamp:
      if (type.is_timestamp()) return DataType::timestamp(type.precision());
      return when(null || type.kind() == TypeKind::kDate, DataType::timestamp(3));
    case Takes::kTimestampLtz: return when(null || type.kind() == TypeKind::kTimestampLtz, type);
  }
  return std::nullopt;
}

bool accept_arguments(CallSignature& call, std::span<const Takes> takes, size_t required) {
  size_t count = call.argument_types.size();
  if (count < required || count > takes.size()) return false;
  for (size_t i = 0; i < count; ++i) {
    std::optional<DataType> type = accept_argument(takes[i], call.argument_types[i]);
    if (!type) return false;
    call.argument_types[i] = *type;
  }
  return true;
}

std::optional<std::string> literal_text_upper(const CallSignature& call, size_t argument) {
  const Expr& expr = *call.arguments[argument];
  if (!expr.is_literal() || expr.value().is_null() || expr.type().kind() != TypeKind::kString) return std::nullopt;
  std::string text = expr.value().as_string();
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

}  // namespace penstock::expr
