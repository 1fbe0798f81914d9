// Expressions, but for calls.
#include <algorithm>
#include <limits>
#include <span>

#include "expr/evaluate.h"
#include "expr/json_construction.h"
#include "expr/registry.h"
#include "plan/array_text.h"
#include "plan/binder.h"
#include "plan/literal.h"
#include "plan/rules.h"
#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/printer.h"

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

// A chain of + or || whose operands would make too high a tree from the left: numbers are added by halves, texts are
// put together by one call.
Result<ExprPtr> bind_long_chain(const sql::Expression& expression, std::string_view symbol,
                                const std::vector<ExprPtr>& operands) {
  const bool sum = symbol == "+";
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

// The name of a table stands for its rows, as PostgreSQL has it: row_to_json(t). Null when there is no such table.
Result<ExprPtr> Binder::bind_whole_row(const Scope& scope, const sql::QualifiedName& name) {
  if (name.parts.size() != 1) return ExprPtr();
  const Result<std::vector<size_t>> columns = scope.expand(name, name.position());
  if (!columns || columns->empty()) return ExprPtr();
  std::vector<ExprPtr> values;
  std::vector<types::Field> fields;
  for (size_t column : *columns) {
    values.push_back(scope.column(column));
    fields.push_back({scope.name(column), scope.type(column)});
  }
  ExprPtr row = PENSTOCK_TRY(bind_call("ROW", std::move(values)));
  return expr::bind_cast(std::move(row), DataType::row(std::move(fields)).with_nullable(false));
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

Result<std::pair<ExprPtr, ExprPtr>> Binder::bind_pair(const sql::Expression& left, const sql::Expression& right) {
  bool left_last = left.get_if<sql::Parameter>() != nullptr;
  ExprPtr first = PENSTOCK_TRY(bind(left_last ? right : left));
  suggest_parameter_type(left_last ? left : right, first->type());
  ExprPtr second = PENSTOCK_TRY(bind(left_last ? left : right));
  if (left_last) std::swap(first, second);
  return std::pair(std::move(first), std::move(second));
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

Result<Binder::Addend> Binder::bind_addend(const sql::Expression& operand) {
  auto interval = bind_mixed_interval(operand);
  if (!interval) return Addend{PENSTOCK_TRY(bind(operand))};
  return Addend{std::move(interval->months), std::move(interval->rest)};
}

Result<std::pair<ExprPtr, Binder::Addend>> Binder::bind_addends(const sql::Expression& left,
                                                                const sql::Expression& right) {
  if (bind_mixed_interval(right)) {
    ExprPtr first = PENSTOCK_TRY(bind(left));
    return std::pair(std::move(first), PENSTOCK_TRY(bind_addend(right)));
  }
  if (bind_mixed_interval(left)) return bind_addends(right, left);
  auto [first, second] = PENSTOCK_TRY(bind_pair(left, right));
  return std::pair(std::move(first), Addend{std::move(second)});
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Binary& node) {
  const std::string_view symbol = sql::binary_operator_symbol(node.op);
  const bool subtracts = node.op == sql::BinaryOperator::kSubtract && bind_mixed_interval(*node.right).has_value();
  if (!subtracts && node.op != sql::BinaryOperator::kAdd) {
    auto [left, right] = PENSTOCK_TRY(bind_pair(*node.left, *node.right));
    return bind_call(symbol, {std::move(left), std::move(right)});
  }
  auto [sum, addend] = PENSTOCK_TRY(bind_addends(*node.left, *node.right));
  for (ExprPtr& part : addend) sum = PENSTOCK_TRY(bind_call(symbol, {std::move(sum), std::move(part)}));
  return std::move(sum);
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::Chain& node) {
  const std::string_view symbol = sql::binary_operator_symbol(node.op);
  const bool sum = node.op == sql::BinaryOperator::kAdd;
  std::vector<ExprPtr> operands;
  std::vector<sql::Position> operators;
  const auto add = [&](size_t i, Addend addend) {
    for (ExprPtr& part : addend) {
      operands.push_back(std::move(part));
      operators.push_back(node.operators[i - 1]);
    }
  };
  if (sum) {
    auto [first, second] = PENSTOCK_TRY(bind_addends(node.operands[0], node.operands[1]));
    operands.push_back(std::move(first));
    add(1, std::move(second));
  } else {
    auto [first, second] = PENSTOCK_TRY(bind_pair(node.operands[0], node.operands[1]));
    operands.push_back(std::move(first));
    add(1, {std::move(second)});
  }
  for (size_t i = 2; i < node.operands.size(); ++i) {
    suggest_parameter_type(node.operands[i], operands.front()->type());
    add(i, sum ? PENSTOCK_TRY(bind_addend(node.operands[i])) : Addend{PENSTOCK_TRY(bind(node.operands[i]))});
  }
  if (operands.size() > sql::kLeftGroupedOperandsMax) return bind_long_chain(expression, symbol, operands);
  ExprPtr all = operands.front();
  for (size_t i = 1; i < operands.size(); ++i) {
    all = PENSTOCK_TRY(located(bind_call(symbol, {std::move(all), operands[i]}), operators[i - 1]));
  }
  return all;
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
  suggest_parameter_type(*node.high, operand->type());
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
  std::vector<ExprPtr> arguments = {PENSTOCK_TRY(bind(operand))};
  for (const sql::Expression& value : values) {
    suggest_parameter_type(value, arguments.front()->type());
    arguments.push_back(PENSTOCK_TRY(bind(value)));
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
    if (operand != nullptr) suggest_parameter_type(*when.condition, operand->type());
    ExprPtr condition = PENSTOCK_TRY(bind(*when.condition));
    if (operand != nullptr) {
      condition = PENSTOCK_TRY(located(bind_call("=", {operand, std::move(condition)}), when.condition->position));
    }
    children.push_back(std::move(condition));
    children.push_back(PENSTOCK_TRY(bind(*when.result)));
  }
  children.push_back(node.otherwise ? PENSTOCK_TRY(bind(*node.otherwise)) : Expr::literal({}, TypeKind::kNull));
  return expr::bind_case(std::move(children));
}

Result<ExprPtr> Binder::bind(const sql::Expression&, const sql::Cast& node) {
  DataType type = PENSTOCK_TRY(bind_type(*node.type));
  suggest_parameter_type(*node.operand, type);
  const auto* literal = node.operand->get_if<sql::Literal>();
  if (node.type->name == "INTERVAL" && literal != nullptr && literal->kind == sql::LiteralKind::kString) {
    return bind_interval({.text = literal->text});  // which of both types of intervals it is, the text says
  }
  const bool text = literal != nullptr && literal->kind == sql::LiteralKind::kString;
  if (type.kind() == TypeKind::kArray && text && !node.try_cast) return bind_array_text(literal->text, type);
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
