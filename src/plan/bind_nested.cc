// Arrays, maps and rows: their constructors, access to what is in them, and comparisons with elements.
#include <limits>

#include "expr/registry.h"
#include "plan/array_text.h"
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

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Slice& node) {
  std::vector<ExprPtr> arguments = {PENSTOCK_TRY(bind(*node.operand))};
  const auto bound_of = [&](const sql::Box<sql::Expression>& written, int64_t otherwise) -> Result<ExprPtr> {
    if (!written) return Expr::literal(types::Value(otherwise), DataType(TypeKind::kBigInt).with_nullable(false));
    suggest_parameter_type(*written, TypeKind::kBigInt);
    return bind(*written);
  };
  arguments.push_back(PENSTOCK_TRY(bound_of(node.first, 1)));
  arguments.push_back(PENSTOCK_TRY(bound_of(node.last, std::numeric_limits<int64_t>::max())));
  return bind_call("ARRAY SLICE", std::move(arguments));
}

namespace {

ExprPtr truth(bool value) {
  return Expr::literal(types::Value(value), DataType(TypeKind::kBoolean).with_nullable(false));
}

// Whether `value op element` for any element of the array. Of elements in order, the least or the greatest says it.
Result<ExprPtr> compare_with_any(std::string_view op, const ExprPtr& value, const ExprPtr& array) {
  ExprPtr fits;
  if (op == "=") {
    fits = PENSTOCK_TRY(bind_call("ARRAY_CONTAINS", {array, value}));
  } else {
    const ExprPtr least = PENSTOCK_TRY(bind_call("ARRAY_MIN", {array}));
    const ExprPtr greatest = PENSTOCK_TRY(bind_call("ARRAY_MAX", {array}));
    fits = PENSTOCK_TRY(bind_call(op, {value, op.starts_with('>') ? least : greatest}));
    if (op == "<>") fits = PENSTOCK_TRY(bind_call("OR", {fits, PENSTOCK_TRY(bind_call(op, {value, least}))}));
  }
  const ExprPtr null = Expr::literal({}, TypeKind::kNull);
  const ExprPtr zero = Expr::literal(types::Value(int64_t{0}), DataType(TypeKind::kInt).with_nullable(false));
  const ExprPtr elements = PENSTOCK_TRY(bind_call("CARDINALITY", {array}));
  const ExprPtr unknown = PENSTOCK_TRY(bind_call("ARRAY_CONTAINS", {array, null}));
  return expr::bind_case(
      {PENSTOCK_TRY(bind_call("IS NULL", {array})), null, PENSTOCK_TRY(bind_call("=", {elements, zero})), truth(false),
       PENSTOCK_TRY(bind_call("IS NULL", {value})), null, fits, truth(true), unknown, null, truth(false)});
}

}  // namespace

Result<ExprPtr> Binder::bind_each(const sql::ArrayConstructor& array, bool all, const BindElement& bind_element) {
  std::vector<ExprPtr> tests;
  for (const sql::Expression& element : array.elements) tests.push_back(PENSTOCK_TRY(bind_element(element)));
  if (tests.empty()) return truth(all);
  if (tests.size() == 1) return std::move(tests.front());
  return bind_call(all ? "AND" : "OR", std::move(tests));
}

Result<ExprPtr> Binder::bind_array_comparison(const sql::Expression& expression, const sql::Quantified& node,
                                              std::string_view opposite) {
  const std::string_view op = sql::binary_operator_symbol(node.op);
  const ExprPtr value = PENSTOCK_TRY(bind(*node.left));
  if (const auto* array = node.array->get_if<sql::ArrayConstructor>()) {
    return bind_each(*array, node.all, [&](const sql::Expression& element) -> Result<ExprPtr> {
      suggest_parameter_type(element, value->type());
      return bind_call(op, {value, PENSTOCK_TRY(bind(element))});
    });
  }
  if (opposite.empty()) {
    return unsupported("{} ANY and {} ALL take only ARRAY[...]", op, op).at(expression.position.offset);
  }
  const DataType of_value = DataType::array(value->type().with_nullable(true));
  suggest_parameter_type(*node.array, of_value);
  const auto* literal = node.array->get_if<sql::Literal>();
  const bool text = literal != nullptr && literal->kind == sql::LiteralKind::kString;
  const ExprPtr array = text ? PENSTOCK_TRY(located(bind_array_text(literal->text, of_value), node.array->position))
                             : PENSTOCK_TRY(bind(*node.array));
  if (array->type().kind() != TypeKind::kArray) {
    return invalid_argument("{} needs an array, but this is {}", node.all ? "ALL" : "ANY",
                            array->type().with_nullable(true).to_string())
        .at(node.array->position.offset);
  }
  ExprPtr any = PENSTOCK_TRY(compare_with_any(node.all ? opposite : op, value, array));
  return node.all ? bind_call("NOT", {std::move(any)}) : Result<ExprPtr>(std::move(any));
}

}  // namespace penstock::plan
