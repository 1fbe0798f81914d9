// Arrays, maps and rows: their constructors, and access to what is in them.
#include "expr/registry.h"
#include "plan/binder.h"

namespace penstock::plan {

using expr::bind_call;
using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

Result<std::vector<ExprPtr>> Binder::bind_all(const std::vector<sql::Expression>& expressions) {
  std::vector<ExprPtr> bound;
  for (const sql::Expression& expression : expressions) bound.push_back(PENSTOCK_TRY(bind(expression)));
  return bound;
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::ArrayConstructor& node) {
  return bind_call("ARRAY", PENSTOCK_TRY(bind_all(node.elements)));
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::MapConstructor& node) {
  if (node.elements.size() % 2 != 0) {
    return invalid_argument("MAP[...] needs a value for each key").at(expression.position.offset);
  }
  return bind_call("MAP", PENSTOCK_TRY(bind_all(node.elements)));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::RowConstructor& node) {
  return bind_call("ROW", PENSTOCK_TRY(bind_all(node.elements)));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Subscript& node) {
  ExprPtr operand = PENSTOCK_TRY(bind(*node.operand));
  DataType type = operand->type();
  if (type.kind() == TypeKind::kArray) suggest_parameter_type(*node.index, TypeKind::kBigInt);
  if (type.kind() == TypeKind::kMap) suggest_parameter_type(*node.index, type.part(0));
  ExprPtr index = PENSTOCK_TRY(bind(*node.index));
  bool below_first = type.kind() == TypeKind::kArray && index->is_literal() && index->type().is_integer() &&
                     !index->value().is_null() && index->value().as_int64() < 1;
  if (below_first) {
    return invalid_argument("the elements of an array count from 1").at(node.index->position.offset);
  }
  return bind_call("[]", {std::move(operand), std::move(index)});
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::FieldAccess& node) {
  return located(expr::bind_field(PENSTOCK_TRY(bind(*node.operand)), node.field.text), node.field.position);
}

// NULL is equal to no element.
Result<ExprPtr> Binder::bind_any(const sql::Expression& operand, const sql::Expression& array) {
  ExprPtr value = PENSTOCK_TRY(bind(operand));
  suggest_parameter_type(array, DataType::array(value->type().with_nullable(true)));
  ExprPtr elements = PENSTOCK_TRY(bind(array));
  if (elements->type().kind() != TypeKind::kArray) {
    return invalid_argument("ANY needs an array, but this is {}", elements->type().with_nullable(true).to_string())
        .at(array.position.offset);
  }
  ExprPtr unknown = PENSTOCK_TRY(bind_call("IS NULL", {value}));
  ExprPtr contains = PENSTOCK_TRY(bind_call("ARRAY_CONTAINS", {std::move(elements), std::move(value)}));
  return expr::bind_case({std::move(unknown), Expr::literal({}, TypeKind::kNull), std::move(contains)});
}

}  // namespace penstock::plan
