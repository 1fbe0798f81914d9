// Arrays, maps and rows: their constructors, access to what is in them, and comparisons with elements.
#include <fmt/format.h>

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

}  // namespace

Result<ExprPtr> Binder::bind_each(const sql::ArrayConstructor& array, bool all, const BindElement& bind_element) {
  std::vector<ExprPtr> tests;
  for (const sql::Expression& element : array.elements) tests.push_back(PENSTOCK_TRY(bind_element(element)));
  if (tests.empty()) return truth(all);
  if (tests.size() == 1) return std::move(tests.front());
  return bind_call(all ? "AND" : "OR", std::move(tests));
}

// An array that a value of that type is compared with. A text is one of such values, and a text in ARRAY[...] such a
// value.
Result<ExprPtr> Binder::bind_array_of(DataType value, const sql::Expression& array) {
  const DataType element = value.kind() == TypeKind::kNull ? DataType(TypeKind::kString) : value.with_nullable(true);
  const DataType type = DataType::array(element);
  suggest_parameter_type(array, type);
  if (const auto* literal = array.get_if<sql::Literal>(); literal && literal->kind == sql::LiteralKind::kString) {
    return located(bind_array_text(literal->text, type), array.position);
  }
  const auto* constructor = array.get_if<sql::ArrayConstructor>();
  if (constructor == nullptr) return bind(array);
  std::vector<ExprPtr> elements;
  for (const sql::Expression& written : constructor->elements) {
    suggest_parameter_type(written, value);
    ExprPtr one = PENSTOCK_TRY(bind(written));
    const bool text = one->is_literal() && one->type().kind() == TypeKind::kString;
    elements.push_back(text ? PENSTOCK_TRY(expr::bind_cast(std::move(one), element)) : std::move(one));
  }
  return bind_call("ARRAY", std::move(elements));
}

Result<ExprPtr> Binder::bind_pattern_of_each(const sql::Expression& expression, const sql::Quantified& node) {
  const std::string_view op = sql::binary_operator_symbol(node.op);
  const auto* patterns = node.array->get_if<sql::ArrayConstructor>();
  if (patterns == nullptr) {
    return unsupported("{} ANY and {} ALL take only ARRAY[...]", op, op).at(expression.position.offset);
  }
  suggest_parameter_type(*node.left, TypeKind::kString);
  const ExprPtr value = PENSTOCK_TRY(bind(*node.left));
  return bind_each(*patterns, node.all, [&](const sql::Expression& pattern) -> Result<ExprPtr> {
    suggest_parameter_type(pattern, TypeKind::kString);
    return bind_call(op, {value, PENSTOCK_TRY(bind(pattern))});
  });
}

Result<ExprPtr> Binder::bind_array_comparison(const sql::Quantified& node, std::string_view opposite) {
  // A parameter is of the type of the elements, where the array has one of its own.
  const bool array_first = node.left->get_if<sql::Parameter>() != nullptr &&
                           node.array->get_if<sql::Parameter>() == nullptr &&
                           node.array->get_if<sql::Literal>() == nullptr;
  ExprPtr array;
  if (array_first) {
    array = PENSTOCK_TRY(bind(*node.array));
    if (array->type().kind() == TypeKind::kArray) suggest_parameter_type(*node.left, array->type().part(0));
  }
  const ExprPtr value = PENSTOCK_TRY(bind(*node.left));
  if (array == nullptr) array = PENSTOCK_TRY(bind_array_of(value->type(), *node.array));
  if (array->type().kind() != TypeKind::kArray) {
    return invalid_argument("{} needs an array, but this is {}", node.all ? "ALL" : "ANY",
                            array->type().with_nullable(true).to_string())
        .at(node.array->position.offset);
  }
  const std::string_view op = sql::binary_operator_symbol(node.op);
  ExprPtr any = PENSTOCK_TRY(bind_call(fmt::format("{} ANY", node.all ? opposite : op), {value, array}));
  return node.all ? bind_call("NOT", {std::move(any)}) : Result<ExprPtr>(std::move(any));
}

}  // namespace penstock::plan
