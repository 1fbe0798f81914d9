// Expressions, but for calls.
#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "expr/evaluate.h"
#include "expr/json_construction.h"
#include "expr/registry.h"
#include "plan/array_text.h"
#include "plan/binder.h"
#include "plan/expression_limits.h"
#include "plan/literal.h"
#include "plan/rules.h"
#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/printer.h"
#include "types/decimal.h"

namespace penstock::plan {
namespace {

using expr::bind_call;
using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

// Text that a cast to VARCHAR(n) or CHAR(n) gives: the type itself has no length.
Result<ExprPtr> with_length(ExprPtr text, const sql::TypeName& type) {
  const bool fixed = type.name == "CHAR" || type.name == "CHARACTER";
  if (!fixed && type.name != "VARCHAR" && type.name != "BPCHAR") return text;
  if (!fixed && type.parameters.empty()) return text;
  const uint32_t length = type.parameters.empty() ? 1 : type.parameters.front();
  if (length == 0) return invalid_argument("the length of {} is at least 1", type.name).at(type.position.offset);
  const ExprPtr count = Expr::literal(types::Value(int64_t{length}), DataType(TypeKind::kInt).with_nullable(false));
  const bool fills = type.name != "VARCHAR";
  return fills ? bind_call("RPAD", {std::move(text), count}) : bind_call("LEFT", {std::move(text), count});
}

// The operands as a tree whose height is that of their number's logarithm.
Result<ExprPtr> balanced(std::string_view symbol, std::span<const ExprPtr> operands) {
  if (operands.size() == 1) return operands.front();
  const size_t half = operands.size() / 2;
  ExprPtr left = PENSTOCK_TRY(balanced(symbol, operands.first(half)));
  ExprPtr right = PENSTOCK_TRY(balanced(symbol, operands.subspan(half)));
  return bind_call(symbol, {std::move(left), std::move(right)});
}

}  // namespace

Binder::Binder(const PlanContext& context)
    : context_(context), eval_(context.eval), parameter_types_(context.parameter_types), names_(context.names) {}

Result<ExprPtr> Binder::bind_expression(const sql::Expression& expression, const ExpressionContext& context) {
  const ExpressionContext* outer = std::exchange(expression_context_, &context);
  Result<ExprPtr> bound = bind(expression);
  expression_context_ = outer;
  return bound;
}

Result<ExprPtr> Binder::bind_condition(const sql::Expression& expression, const ExpressionContext& context) {
  suggest_parameter_type(expression, TypeKind::kBoolean);
  ExprPtr condition = PENSTOCK_TRY(bind_expression(expression, context));
  TypeKind kind = condition->type().kind();
  if (kind == TypeKind::kBoolean) return condition;
  if (kind == TypeKind::kNull) return Expr::literal({}, TypeKind::kBoolean);
  return invalid_argument("a condition is needed {}, but this is {}", context.place,
                          condition->type().with_nullable(true).to_string())
      .at(expression.position.offset);
}

std::vector<DataType> Binder::parameter_types() const {
  std::vector<DataType> types = parameter_types_;
  for (DataType& type : types) {
    if (type.kind() == TypeKind::kNull) type = TypeKind::kString;
  }
  return types;
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression) {
  PENSTOCK_TRY(check_cancelled(context_.cancelled));
  auto dispatch = [&](const auto& node) { return bind(expression, node); };
  Result<ExprPtr> bound = located(std::visit(dispatch, expression.node), expression.position);
  if (!bound) return bound;
  if ((*bound)->parts() > kExpressionPartsMax) {
    return make_error(ErrorCode::kResourceExhausted,
                      "an expression has at most {} parts, and an operand that it needs several times counts each time",
                      kExpressionPartsMax)
        .at(expression.position.offset)
        .hint("compute such an operand in a subquery, and use its column");
  }
  if (Status fits = types::check_nested_type((*bound)->type()); !fits) {
    return std::move(fits).error().at(expression.position.offset);
  }
  return bound;
}

// A TIMESTAMP_LTZ without a zone in its text is a time in the session's.
Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Literal& node) {
  ExprPtr literal = PENSTOCK_TRY(bind_literal(node));
  if (node.kind != sql::LiteralKind::kTimestampLtz) return literal;
  ExprPtr text = Expr::literal(types::Value(node.text), TypeKind::kString);
  ExprPtr moment = PENSTOCK_TRY(expr::bind_cast(std::move(text), literal->type()));
  return Expr::literal(PENSTOCK_TRY(expr::evaluate_constant(*moment, eval_)), literal->type());
}
Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::IntervalLiteral& node) { return bind_interval(node); }

Result<ExprPtr> bind_fields(ExprPtr value, const sql::QualifiedName& name, size_t first) {
  for (size_t i = first; i < name.parts.size(); ++i) {
    const sql::Identifier& field = name.parts[i];
    value = PENSTOCK_TRY(located(expr::bind_field(std::move(value), field.text), field.position));
  }
  return value;
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::ColumnReference& node) {
  if (expression_context_->match != nullptr) return bind_match_column(expression, node);
  static const Scope kEmpty;
  const Scope& scope = expression_context_->scope == nullptr ? kEmpty : *expression_context_->scope;
  Result<Scope::Resolved> found = scope.resolve_path(node.name);
  if (found && !scope.has_fields(*found, node.name)) {
    // A column is named where a table stands, which a query around this one may have.
    Result<ExprPtr> outer = find_outer(node.name, not_found(""));
    if (outer) return outer;
  }
  if (found) {
    if (expression_context_->column_positions != nullptr) {
      expression_context_->column_positions->insert_or_assign(found->column, expression.position);
    }
    return bind_fields(scope.column(found->column), node.name, found->parts);
  }
  if (!scope.may_be_outside(node.name, found.error())) return std::move(found).error();
  for (size_t i = 0; node.name.parts.size() == 1 && i < expression_context_->aliases.size(); ++i) {
    bool named = sql::equal_ignoring_case(expression_context_->aliases[i], node.name.parts.front().text);
    if (named) return expression_context_->alias_values[i];
  }
  if (ExprPtr row = PENSTOCK_TRY(bind_whole_row(scope, node.name))) return row;
  return find_outer(node.name, std::move(found).error());
}

// The name of a table stands for its rows, as PostgreSQL has it: row_to_json(t). Null when there is no such table. It
// is NULL where an outer join gives none, of which all that is known is that all columns are.
Result<ExprPtr> Binder::bind_whole_row(const Scope& scope, const sql::QualifiedName& name) {
  if (name.parts.size() != 1) return ExprPtr();
  const Result<std::vector<size_t>> columns = scope.expand(name, name.position());
  if (!columns || columns->empty()) return ExprPtr();
  std::vector<ExprPtr> values;
  std::vector<ExprPtr> nulls;
  std::vector<types::Field> fields;
  for (size_t column : *columns) {
    if (expression_context_->column_positions != nullptr) {
      expression_context_->column_positions->insert_or_assign(column, name.position());
    }
    values.push_back(scope.column(column));
    nulls.push_back(PENSTOCK_TRY(bind_call("IS NULL", {scope.column(column)})));
    fields.push_back({scope.name(column), scope.type(column)});
  }
  ExprPtr row = PENSTOCK_TRY(bind_call("ROW", std::move(values)));
  row = PENSTOCK_TRY(expr::bind_cast(std::move(row), DataType::row(std::move(fields)).with_nullable(false)));
  if (!scope.may_be_missing(columns->front())) return row;
  return expr::bind_case({expr::join_conjunction(std::move(nulls)), Expr::literal({}, TypeKind::kNull), row});
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::Parameter& node) {
  size_t index = node.number - 1;
  if (parameter_types_.size() <= index) parameter_types_.resize(node.number);
  DataType type = parameter_types_[index];
  if (context_.parameters.empty()) return Expr::literal({}, type);
  if (index >= context_.parameters.size()) {
    return invalid_argument("there is no value for ${}", node.number).at(expression.position.offset);
  }
  const types::Value& value = context_.parameters[index];
  return Expr::literal(value, type.with_nullable(value.is_null()));
}

void Binder::suggest_parameter_type(const sql::Expression& expression, DataType type) {
  const auto* parameter = expression.get_if<sql::Parameter>();
  if (parameter == nullptr || type.kind() == TypeKind::kNull) return;
  if (parameter_types_.size() < parameter->number) parameter_types_.resize(parameter->number);
  DataType& known = parameter_types_[parameter->number - 1];
  if (known.kind() == TypeKind::kNull) known = type.with_nullable(true);
}

namespace {

// The type of a parameter that is compared with, or added to, a value: beside a DECIMAL it may have more digits behind
// the point than that.
DataType parameter_beside(DataType other) {
  if (other.kind() != TypeKind::kDecimal) return other;
  constexpr int kScaleMin = 18;  // as has a numeric parameter beside which nothing is
  const int whole_digits = other.precision() - other.scale();
  const int scale = std::min(types::kDecimalPrecisionMax - whole_digits, std::max(other.scale(), kScaleMin));
  return DataType::decimal(types::kDecimalPrecisionMax, scale);
}

const sql::Literal* text_of(const sql::Expression& expression) {
  const auto* literal = expression.get_if<sql::Literal>();
  return literal != nullptr && literal->kind == sql::LiteralKind::kString ? literal : nullptr;
}

// Whether an operator that takes an array takes one on both sides.
bool is_between_arrays(sql::BinaryOperator op) {
  using enum sql::BinaryOperator;
  constexpr std::array kOperators = {kEqual,          kNotEqual, kLess,        kLessOrEqual, kGreater,
                                     kGreaterOrEqual, kContains, kContainedBy, kOverlaps};
  return std::ranges::find(kOperators, op) != kOperators.end();
}

bool is_parameter(const sql::Expression& expression) { return expression.get_if<sql::Parameter>() != nullptr; }

}  // namespace

Result<std::pair<ExprPtr, ExprPtr>> Binder::bind_pair(const sql::Expression& left, const sql::Expression& right,
                                                      sql::BinaryOperator op) {
  const bool left_last = is_parameter(left) || (text_of(left) != nullptr && !is_parameter(right));
  ExprPtr first = PENSTOCK_TRY(bind(left_last ? right : left));
  ExprPtr second = PENSTOCK_TRY(bind_beside(first->type(), op, left_last ? left : right));
  if (left_last) std::swap(first, second);
  return std::pair(std::move(first), std::move(second));
}

Result<ExprPtr> Binder::bind_beside(DataType other, sql::BinaryOperator op, const sql::Expression& operand) {
  const sql::Literal* text = text_of(operand);
  if (text != nullptr && other.kind() == TypeKind::kArray && is_between_arrays(op)) {
    return located(bind_array_text(text->text, other), operand.position);
  }
  const bool concat = op == sql::BinaryOperator::kConcat;
  // What is put together with a number is text.
  suggest_parameter_type(operand, concat && !other.is_nested() ? DataType(TypeKind::kString) : parameter_beside(other));
  return bind(operand);
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Unary& node) {
  ExprPtr operand = PENSTOCK_TRY(bind(*node.operand));
  switch (node.op) {
    case sql::UnaryOperator::kNot: return bind_call("NOT", {std::move(operand)});
    case sql::UnaryOperator::kBitNot: return bind_call("BITWISE NOT", {std::move(operand)});
    case sql::UnaryOperator::kPlus:
      if (operand->type().is_numeric() || operand->type().is_interval()) return operand;
      return invalid_argument("+ does not take {}", operand->type().with_nullable(true).to_string());
    case sql::UnaryOperator::kMinus: break;
  }
  const auto* number = node.operand->get_if<sql::Literal>();
  if (number != nullptr && number->kind == sql::LiteralKind::kInteger) {
    constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
    DataType big = DataType(TypeKind::kBigInt).with_nullable(false);
    if (number->text == "9223372036854775808") return Expr::literal(types::Value(kLowest), big);
    if (operand->type().is_integer()) return Expr::literal(types::Value(-operand->value().as_int64()), operand->type());
  }
  return bind_call("NEGATE", {std::move(operand)});
}

Result<std::vector<ExprPtr>> Binder::bind_right(sql::BinaryOperator op, const ExprPtr& left,
                                                const sql::Expression& right) {
  if (op == sql::BinaryOperator::kAdd || op == sql::BinaryOperator::kSubtract) {
    if (auto interval = bind_mixed_interval(right)) return std::vector{interval->months, interval->rest};
  }
  return std::vector{PENSTOCK_TRY(bind_beside(left->type(), op, right))};
}

Result<Binder::Operands> Binder::bind_operands(sql::BinaryOperator op, const sql::Expression& left,
                                               const sql::Expression& right) {
  if (op == sql::BinaryOperator::kAdd) {
    if (auto interval = bind_mixed_interval(left)) {
      return Operands{PENSTOCK_TRY(bind(right)), {interval->months, interval->rest}};
    }
  }
  if (is_parameter(left) || text_of(left) != nullptr) {
    auto [first, second] = PENSTOCK_TRY(bind_pair(left, right, op));
    return Operands{std::move(first), {std::move(second)}};
  }
  ExprPtr first = PENSTOCK_TRY(bind(left));
  std::vector<ExprPtr> others = PENSTOCK_TRY(bind_right(op, first, right));
  return Operands{std::move(first), std::move(others)};
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Binary& node) {
  auto [value, others] = PENSTOCK_TRY(bind_operands(node.op, *node.left, *node.right));
  for (ExprPtr& other : others) {
    value = PENSTOCK_TRY(bind_call(sql::binary_operator_symbol(node.op), {std::move(value), std::move(other)}));
  }
  return std::move(value);
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::Chain& node) {
  if (node.operands.size() > sql::kLeftGroupedOperandsMax) return bind_long_chain(expression, node);
  const std::string_view symbol = sql::binary_operator_symbol(node.op);
  auto [all, others] = PENSTOCK_TRY(bind_operands(node.op, node.operands[0], node.operands[1]));
  for (size_t i = 0; i < node.operators.size(); ++i) {
    if (i > 0) others = PENSTOCK_TRY(bind_right(node.op, all, node.operands[i + 1]));
    for (ExprPtr& other : others) {
      all = PENSTOCK_TRY(located(bind_call(symbol, {std::move(all), std::move(other)}), node.operators[i]));
    }
  }
  return std::move(all);
}

// A chain whose operands would make too high a tree from the left: numbers are added by halves, texts are put together
// by one call.
Result<ExprPtr> Binder::bind_long_chain(const sql::Expression& expression, const sql::Chain& node) {
  const bool sum = node.op == sql::BinaryOperator::kAdd;
  const std::string_view symbol = sql::binary_operator_symbol(node.op);
  auto [first, others] = PENSTOCK_TRY(bind_operands(node.op, node.operands[0], node.operands[1]));
  std::vector<ExprPtr> operands = {std::move(first)};
  operands.insert(operands.end(), others.begin(), others.end());
  for (const sql::Expression& operand : std::span(node.operands).subspan(2)) {
    operands.push_back(PENSTOCK_TRY(bind_beside(operands.front()->type(), node.op, operand)));
  }
  const auto fits = [&](const ExprPtr& one) {
    const DataType type = one->type();
    if (sum) return type.is_numeric() || type.kind() == TypeKind::kNull;
    return !type.is_nested() && !expr::is_json_text(*one);
  };
  if (!std::ranges::all_of(operands, fits)) {
    return unsupported("more than {} operands of {} must be {}", sql::kLeftGroupedOperandsMax, symbol,
                       sum ? "numbers" : "plain values, and no arrays or JSON")
        .at(expression.position.offset)
        .hint("put parentheses around some of them");
  }
  return sum ? balanced(symbol, operands) : bind_call("CONCAT", operands);
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Logical& node) {
  std::vector<ExprPtr> operands;
  for (const sql::Expression& operand : node.operands) {
    suggest_parameter_type(operand, TypeKind::kBoolean);
    operands.push_back(PENSTOCK_TRY(bind(operand)));
  }
  return bind_call(node.is_and ? "AND" : "OR", std::move(operands));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::IsTest& node) {
  std::string name = node.negated ? "IS NOT " : "IS ";
  name += sql::truth_test_name(node.test);
  return bind_call(name, {PENSTOCK_TRY(bind(*node.operand))});
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::IsDistinctFrom& node) {
  auto [left, right] = PENSTOCK_TRY(bind_pair(*node.left, *node.right));
  return bind_call(node.negated ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", {std::move(left), std::move(right)});
}

// a BETWEEN b AND c is a >= b AND a <= c; SYMMETRIC takes the bounds in either order.
Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Between& node) {
  auto [operand, low] = PENSTOCK_TRY(bind_pair(*node.operand, *node.low));
  suggest_parameter_type(*node.high, parameter_beside(operand->type()));
  ExprPtr high = PENSTOCK_TRY(bind(*node.high));
  auto between = [&](const ExprPtr& least, const ExprPtr& most) -> Result<ExprPtr> {
    ExprPtr above = PENSTOCK_TRY(bind_call(">=", {operand, least}));
    ExprPtr below = PENSTOCK_TRY(bind_call("<=", {operand, most}));
    return bind_call("AND", {std::move(above), std::move(below)});
  };
  ExprPtr result = PENSTOCK_TRY(between(low, high));
  if (node.symmetric) result = PENSTOCK_TRY(bind_call("OR", {result, PENSTOCK_TRY(between(high, low))}));
  return node.negated ? bind_call("NOT", {std::move(result)}) : Result<ExprPtr>(std::move(result));
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::InList& node) {
  return bind_in(expression, *node.operand, node.values, node.negated);
}

Result<ExprPtr> Binder::bind_in(const sql::Expression&, const sql::Expression& operand,
                                const std::vector<sql::Expression>& values, bool negated) {
  std::vector<ExprPtr> arguments(1);
  if (!is_parameter(operand)) arguments.front() = PENSTOCK_TRY(bind(operand));
  for (const sql::Expression& value : values) {
    if (arguments.front() != nullptr) suggest_parameter_type(value, parameter_beside(arguments.front()->type()));
    arguments.push_back(PENSTOCK_TRY(bind(value)));
  }
  if (is_parameter(operand)) {
    suggest_parameter_type(operand, parameter_beside(arguments[1]->type()));
    arguments.front() = PENSTOCK_TRY(bind(operand));
  }
  return bind_call(negated ? "NOT IN" : "IN", std::move(arguments));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::PatternMatch& node) {
  suggest_parameter_type(*node.operand, TypeKind::kString);
  ExprPtr operand = PENSTOCK_TRY(bind(*node.operand));
  if (node.of == sql::PatternMatch::Of::kOne) return bind_pattern(node, std::move(operand), *node.pattern);
  const auto* patterns = node.pattern->get_if<sql::ArrayConstructor>();
  if (patterns == nullptr) {
    return unsupported("ANY and ALL of patterns take only ARRAY[...]").at(node.pattern->position.offset);
  }
  return bind_each(*patterns, node.of == sql::PatternMatch::Of::kAll,
                   [&](const sql::Expression& pattern) { return bind_pattern(node, operand, pattern); });
}

Result<ExprPtr> Binder::bind_pattern(const sql::PatternMatch& node, ExprPtr operand, const sql::Expression& pattern) {
  suggest_parameter_type(pattern, TypeKind::kString);
  std::vector<ExprPtr> arguments = {std::move(operand), PENSTOCK_TRY(bind(pattern))};
  if (node.kind == sql::PatternKind::kILike) {
    for (ExprPtr& argument : arguments) argument = PENSTOCK_TRY(bind_call("LOWER", {std::move(argument)}));
  }
  if (node.escape) arguments.push_back(PENSTOCK_TRY(bind(*node.escape)));
  bool similar = node.kind == sql::PatternKind::kSimilarTo;
  ExprPtr match = PENSTOCK_TRY(bind_call(similar ? "SIMILAR TO" : "LIKE", std::move(arguments)));
  return node.negated ? bind_call("NOT", {std::move(match)}) : Result<ExprPtr>(std::move(match));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Case& node) {
  std::vector<ExprPtr> children;
  ExprPtr operand;
  if (node.operand) operand = PENSTOCK_TRY(bind(*node.operand));
  for (const sql::WhenClause& when : node.whens) {
    std::vector<ExprPtr> conditions;
    for (const sql::Expression& when_condition : when.conditions) {
      if (operand != nullptr) suggest_parameter_type(when_condition, operand->type());
      ExprPtr condition = PENSTOCK_TRY(bind(when_condition));
      if (operand != nullptr) {
        condition = PENSTOCK_TRY(located(bind_call("=", {operand, std::move(condition)}), when_condition.position));
      }
      conditions.push_back(std::move(condition));
    }
    children.push_back(conditions.size() == 1 ? std::move(conditions.front())
                                              : PENSTOCK_TRY(bind_call("OR", std::move(conditions))));
    children.push_back(PENSTOCK_TRY(bind(*when.result)));
  }
  children.push_back(node.otherwise ? PENSTOCK_TRY(bind(*node.otherwise)) : Expr::literal({}, TypeKind::kNull));
  return expr::bind_case(std::move(children));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Cast& node) {
  DataType type = PENSTOCK_TRY(bind_type(*node.type));
  suggest_parameter_type(*node.operand, type);
  if (const sql::Literal* text = text_of(*node.operand)) {
    // Which of both types of intervals it is, the text says.
    if (node.type->name == "INTERVAL") return bind_interval({.text = text->text});
    if (type.kind() == TypeKind::kArray && !node.try_cast) return bind_array_text(text->text, type);
  }
  ExprPtr operand = PENSTOCK_TRY(bind(*node.operand));
  Result<ExprPtr> cast = expr::bind_cast(std::move(operand), type, node.try_cast);
  const bool json = node.type->name == "JSON" || node.type->name == "JSONB";
  if (cast && json) return bind_call("AS JSON", {*std::move(cast)});
  return cast ? with_length(*std::move(cast), *node.type) : std::move(cast);
}

template <class Node>
Result<ExprPtr> Binder::bind(const sql::Expression& expression, const Node&) {
  if constexpr (std::is_same_v<Node, sql::Star>) {
    return invalid_argument("* can stand only alone in a select list, or in COUNT(*)").at(expression.position.offset);
  } else if constexpr (std::is_same_v<Node, sql::Keyword>) {
    return invalid_argument("{} is no value here", sql::print(expression)).at(expression.position.offset);
  } else {
    return invalid_argument("{} is an argument of table functions, not a value", sql::print(expression))
        .at(expression.position.offset);
  }
}

}  // namespace penstock::plan
