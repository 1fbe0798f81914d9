// Operators, by precedence climbing.
#include <algorithm>
#include <array>
#include <bit>

#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/parser_state.h"

namespace penstock::sql {
namespace {

constexpr std::array<BinaryOperatorSyntax, 34> kBinaryOperators = {{
    {"=", BinaryOperator::kEqual, Precedence::kComparison},
    {"<>", BinaryOperator::kNotEqual, Precedence::kComparison},
    {"!=", BinaryOperator::kNotEqual, Precedence::kComparison},
    {"<", BinaryOperator::kLess, Precedence::kComparison},
    {"<=", BinaryOperator::kLessOrEqual, Precedence::kComparison},
    {">", BinaryOperator::kGreater, Precedence::kComparison},
    {">=", BinaryOperator::kGreaterOrEqual, Precedence::kComparison},
    {"||", BinaryOperator::kConcat, Precedence::kConcat},
    {"+", BinaryOperator::kAdd, Precedence::kSum},
    {"-", BinaryOperator::kSubtract, Precedence::kSum},
    {"*", BinaryOperator::kMultiply, Precedence::kProduct},
    {"/", BinaryOperator::kDivide, Precedence::kProduct},
    {"%", BinaryOperator::kModulo, Precedence::kProduct},
    {"^", BinaryOperator::kPower, Precedence::kPower},
    {"&", BinaryOperator::kBitAnd, Precedence::kConcat},
    {"|", BinaryOperator::kBitOr, Precedence::kConcat},
    {"#", BinaryOperator::kBitXor, Precedence::kConcat},
    {"<<", BinaryOperator::kShiftLeft, Precedence::kConcat},
    {">>", BinaryOperator::kShiftRight, Precedence::kConcat},
    {"->", BinaryOperator::kJsonValue, Precedence::kConcat},
    {"->>", BinaryOperator::kJsonText, Precedence::kConcat},
    {"#>", BinaryOperator::kJsonPathValue, Precedence::kConcat},
    {"#>>", BinaryOperator::kJsonPathText, Precedence::kConcat},
    {"#-", BinaryOperator::kJsonRemovePath, Precedence::kConcat},
    {"@>", BinaryOperator::kContains, Precedence::kConcat},
    {"<@", BinaryOperator::kContainedBy, Precedence::kConcat},
    {"?", BinaryOperator::kHas, Precedence::kConcat},
    {"?|", BinaryOperator::kHasAny, Precedence::kConcat},
    {"?&", BinaryOperator::kHasAll, Precedence::kConcat},
    {"&&", BinaryOperator::kOverlaps, Precedence::kConcat},
    {"~", BinaryOperator::kMatches, Precedence::kConcat},
    {"~*", BinaryOperator::kMatchesAnyCase, Precedence::kConcat},
    {"!~", BinaryOperator::kMatchesNot, Precedence::kConcat},
    {"!~*", BinaryOperator::kMatchesNotAnyCase, Precedence::kConcat},
}};

bool is_pattern_operator(BinaryOperator op) {
  return op == BinaryOperator::kMatches || op == BinaryOperator::kMatchesAnyCase || op == BinaryOperator::kMatchesNot ||
         op == BinaryOperator::kMatchesNotAnyCase;
}

// Whether it is an operator's operands without others between them.
bool is_chain_of(const Expression& expression, BinaryOperator op) {
  const auto* pair = expression.get_if<Binary>();
  const auto* chain = expression.get_if<Chain>();
  return (pair != nullptr && pair->op == op) || (chain != nullptr && chain->op == op);
}

// Makes `node` of what `left` held: wraps the tree so far as the left operand of an operator.
Box<Expression> take(Expression& left) { return Box(std::move(left)); }

}  // namespace

const BinaryOperatorSyntax* find_binary_operator(std::string_view symbol) {
  const auto* found = std::ranges::find(kBinaryOperators, symbol, &BinaryOperatorSyntax::symbol);
  return found == kBinaryOperators.end() ? nullptr : found;
}

Precedence precedence_of(BinaryOperator op) {
  return std::ranges::find(kBinaryOperators, op, &BinaryOperatorSyntax::op)->precedence;
}

Result<Expression> Parser::parse_expression(Precedence minimum) {
  Nesting nesting(*this);
  PENSTOCK_TRY(check_depth());
  Expression left = PENSTOCK_TRY(parse_prefix());
  while (PENSTOCK_TRY(parse_infix(left, minimum))) PENSTOCK_TRY(grow());
  return left;
}

Result<Box<Expression>> Parser::parse_boxed_expression(Precedence minimum) {
  return Box(PENSTOCK_TRY(parse_expression(minimum)));
}

Result<std::vector<Expression>> Parser::parse_expression_list() {
  std::vector<Expression> list;
  do {
    list.push_back(PENSTOCK_TRY(parse_expression()));
  } while (cursor_.accept(","));
  return list;
}

Result<Expression> Parser::parse_prefix() {
  Position position = cursor_.position();
  auto unary = [&](UnaryOperator op, Precedence minimum) -> Result<Expression> {
    cursor_.advance();
    return Expression(Unary{op, PENSTOCK_TRY(parse_boxed_expression(minimum))}, position);
  };
  if (cursor_.at("NOT")) return unary(UnaryOperator::kNot, Precedence::kNot);
  if (cursor_.at("-")) return unary(UnaryOperator::kMinus, Precedence::kSign);
  if (cursor_.at("+")) return unary(UnaryOperator::kPlus, Precedence::kSign);
  if (cursor_.at("~")) return unary(UnaryOperator::kBitNot, Precedence::kSign);
  return parse_primary();
}

Result<bool> Parser::parse_infix(Expression& left, Precedence minimum) {
  const bool has = cursor_.kind() == TokenKind::kParameter && cursor_.text() == "?";
  if (cursor_.kind() == TokenKind::kSymbol || has) {
    if (!has && PENSTOCK_TRY(parse_postfix(left))) return true;
    const BinaryOperatorSyntax* syntax = find_binary_operator(operator_symbol());
    if (syntax == nullptr || syntax->precedence <= minimum) return false;
    PENSTOCK_TRY(parse_binary(left, *syntax));
    return true;
  }
  if (cursor_.kind() != TokenKind::kWord) return false;
  if (minimum < Precedence::kOr && cursor_.at("OR")) {
    PENSTOCK_TRY(parse_logical(left, false));
    return true;
  }
  if (minimum < Precedence::kAnd && cursor_.at("AND")) {
    PENSTOCK_TRY(parse_logical(left, true));
    return true;
  }
  if (minimum < Precedence::kIs && cursor_.at("IS")) {
    PENSTOCK_TRY(parse_is(left));
    return true;
  }
  if (minimum < Precedence::kTimeZone && cursor_.at("AT") && cursor_.at("TIME", 1) && cursor_.at("ZONE", 2)) {
    PENSTOCK_TRY(parse_time_zone(left));
    return true;
  }
  if (minimum >= Precedence::kRange) return false;
  if (cursor_.at("OVERLAPS")) {
    PENSTOCK_TRY(parse_overlaps(left));
    return true;
  }
  bool negated = cursor_.at("NOT");
  size_t ahead = negated ? 1 : 0;
  bool between = cursor_.at("BETWEEN", ahead);
  bool in = cursor_.at("IN", ahead);
  bool pattern = cursor_.at("LIKE", ahead) || cursor_.at("ILIKE", ahead) || cursor_.at("SIMILAR", ahead);
  if (!between && !in && !pattern) return false;
  if (negated) cursor_.advance();
  if (between) PENSTOCK_TRY(parse_between(left, negated));
  if (in) PENSTOCK_TRY(parse_in(left, negated));
  if (pattern) PENSTOCK_TRY(parse_pattern(left, negated));
  return true;
}

// Some are two tokens: >> since that is how nested types end, ARRAY<ARRAY<INT>>, and ?| and ?& since ? is a parameter.
std::string_view Parser::operator_symbol() const {
  if (cursor_.token(1).offset == cursor_.token().offset + 1) {
    if (cursor_.at(">") && cursor_.at(">", 1)) return ">>";
    if (cursor_.text() == "?" && cursor_.at("|", 1)) return "?|";
    if (cursor_.text() == "?" && cursor_.at("&", 1)) return "?&";
  }
  return cursor_.text();
}

Result<bool> Parser::parse_postfix(Expression& left) {
  Position position = cursor_.position();
  if (cursor_.at("::")) {
    cursor_.advance();
    TypeName type = PENSTOCK_TRY(parse_type());
    left = Expression(Cast{false, take(left), Box(std::move(type))}, position);
    return true;
  }
  if (cursor_.at("[")) {
    cursor_.advance();
    Box<Expression> index;
    if (!cursor_.at(":")) index = PENSTOCK_TRY(parse_boxed_expression());
    if (!cursor_.accept(":")) {
      PENSTOCK_TRY(cursor_.expect("]"));
      left = Expression(Subscript{take(left), std::move(index)}, position);
      return true;
    }
    Slice slice{.operand = take(left), .first = std::move(index), .last = {}};
    if (!cursor_.at("]")) slice.last = PENSTOCK_TRY(parse_boxed_expression());
    PENSTOCK_TRY(cursor_.expect("]"));
    left = Expression(std::move(slice), position);
    return true;
  }
  if (cursor_.at(".")) {
    cursor_.advance();
    Identifier field = PENSTOCK_TRY(parse_label());
    left = Expression(FieldAccess{take(left), std::move(field)}, position);
    return true;
  }
  return false;
}

bool Parser::at_quantifier() const {
  return (cursor_.at("ANY") || cursor_.at("SOME") || cursor_.at("ALL")) && cursor_.at("(", 1);
}

Status Parser::parse_binary(Expression& left, const BinaryOperatorSyntax& syntax) {
  Position position = cursor_.position();
  const bool two_tokens = syntax.op == BinaryOperator::kShiftRight || syntax.op == BinaryOperator::kHasAny ||
                          syntax.op == BinaryOperator::kHasAll;
  if (two_tokens) cursor_.advance();
  cursor_.advance();
  const bool compares = syntax.precedence == Precedence::kComparison || is_pattern_operator(syntax.op);
  if (compares && at_quantifier()) {
    Quantified node{.op = syntax.op, .all = cursor_.at("ALL"), .left = take(left)};
    cursor_.advance();
    cursor_.advance();
    if (at_query()) {
      node.query = PENSTOCK_TRY(parse_boxed_query());
    } else {
      node.array = PENSTOCK_TRY(parse_boxed_expression());
    }
    left = Expression(std::move(node), position);
    return cursor_.expect(")");
  }
  Expression right = PENSTOCK_TRY(parse_expression(syntax.precedence));
  const bool chains = syntax.op == BinaryOperator::kAdd || syntax.op == BinaryOperator::kConcat;
  if (chains && (cursor_.at(syntax.symbol) || is_chain_of(left, syntax.op))) {
    return parse_chain(left, syntax, position, std::move(right));
  }
  left = Expression(Binary{syntax.op, take(left), Box(std::move(right))}, position);
  return {};
}

// Reads the rest of a + b + c into one flat node; what `left` is may be in it already, whether in parentheses or not.
Status Parser::parse_chain(Expression& left, const BinaryOperatorSyntax& syntax, Position position, Expression right) {
  Chain chain{.op = syntax.op, .operands = {}, .operators = {}};
  if (!is_chain_of(left, syntax.op)) {
    chain.operands.push_back(std::move(left));
  } else if (auto* longer = std::get_if<Chain>(&left.node)) {
    chain = std::move(*longer);
  } else {
    auto& pair = std::get<Binary>(left.node);
    chain.operators.push_back(left.position);
    chain.operands.push_back(std::move(*pair.left));
    chain.operands.push_back(std::move(*pair.right));
  }
  size_t added = 1;
  chain.operators.push_back(position);
  chain.operands.push_back(std::move(right));
  for (; cursor_.at(syntax.symbol); ++added) {
    chain.operators.push_back(cursor_.position());
    cursor_.advance();
    chain.operands.push_back(PENSTOCK_TRY(parse_expression(syntax.precedence)));
  }
  const size_t operands = chain.operands.size();
  // The caller counts one more.
  const size_t height = operands <= kLeftGroupedOperandsMax ? added - 1 : static_cast<size_t>(std::bit_width(operands));
  for (size_t i = 0; i < height; ++i) PENSTOCK_TRY(grow());
  const Position first = chain.operators.front();
  left = Expression(std::move(chain), first);
  return {};
}

// Reads the rest of a AND b AND c into one flat node.
Status Parser::parse_logical(Expression& left, bool is_and) {
  std::string_view word = is_and ? "AND" : "OR";
  Position position = cursor_.position();
  Logical node{.is_and = is_and};
  node.operands.push_back(std::move(left));
  while (cursor_.at(word)) {
    cursor_.advance();
    node.operands.push_back(PENSTOCK_TRY(parse_expression(is_and ? Precedence::kAnd : Precedence::kOr)));
  }
  left = Expression(std::move(node), position);
  return {};
}

Status Parser::parse_is(Expression& left) {
  Position position = cursor_.position();
  cursor_.advance();
  bool negated = cursor_.accept("NOT");
  if (cursor_.accept("JSON")) {
    TruthTest test = TruthTest::kJson;
    if (cursor_.accept("SCALAR")) {
      test = TruthTest::kJsonScalar;
    } else if (cursor_.accept("ARRAY")) {
      test = TruthTest::kJsonArray;
    } else if (cursor_.accept("OBJECT")) {
      test = TruthTest::kJsonObject;
    } else {
      cursor_.accept("VALUE");
    }
    left = Expression(IsTest{test, negated, take(left)}, position);
    return {};
  }
  static constexpr std::array<std::pair<std::string_view, TruthTest>, 4> kTests = {{
      {"NULL", TruthTest::kNull},
      {"TRUE", TruthTest::kTrue},
      {"FALSE", TruthTest::kFalse},
      {"UNKNOWN", TruthTest::kUnknown},
  }};
  for (auto [word, test] : kTests) {
    if (cursor_.accept(word)) {
      left = Expression(IsTest{test, negated, take(left)}, position);
      return {};
    }
  }
  PENSTOCK_TRY(cursor_.expect("DISTINCT"));
  PENSTOCK_TRY(cursor_.expect("FROM"));
  Box<Expression> right = PENSTOCK_TRY(parse_boxed_expression(Precedence::kIs));
  left = Expression(IsDistinctFrom{negated, take(left), std::move(right)}, position);
  return {};
}

Status Parser::parse_between(Expression& left, bool negated) {
  Position position = cursor_.position();
  cursor_.advance();
  Between node{.negated = negated, .symmetric = cursor_.accept("SYMMETRIC"), .operand = take(left)};
  if (!node.symmetric) cursor_.accept("ASYMMETRIC");
  node.low = PENSTOCK_TRY(parse_boxed_expression(Precedence::kRange));
  PENSTOCK_TRY(cursor_.expect("AND"));
  node.high = PENSTOCK_TRY(parse_boxed_expression(Precedence::kRange));
  left = Expression(std::move(node), position);
  return {};
}

Status Parser::parse_in(Expression& left, bool negated) {
  Position position = cursor_.position();
  cursor_.advance();
  PENSTOCK_TRY(cursor_.expect("("));
  if (at_query()) {
    Box<Query> query = PENSTOCK_TRY(parse_boxed_query());
    left = Expression(InSubquery{negated, take(left), std::move(query)}, position);
  } else {
    std::vector<Expression> values = PENSTOCK_TRY(parse_expression_list());
    left = Expression(InList{negated, take(left), std::move(values)}, position);
  }
  return cursor_.expect(")");
}

Status Parser::parse_pattern(Expression& left, bool negated) {
  PatternMatch node{.negated = negated, .operand = take(left)};
  Position position = cursor_.position();
  if (cursor_.at("SIMILAR")) {
    cursor_.advance();
    PENSTOCK_TRY(cursor_.expect("TO"));
    node.kind = PatternKind::kSimilarTo;
  } else {
    node.kind = cursor_.at("ILIKE") ? PatternKind::kILike : PatternKind::kLike;
    cursor_.advance();
  }
  if (at_quantifier()) {
    node.of = cursor_.at("ALL") ? PatternMatch::Of::kAll : PatternMatch::Of::kAny;
    cursor_.advance();
    cursor_.advance();
    node.pattern = PENSTOCK_TRY(parse_boxed_expression());
    PENSTOCK_TRY(cursor_.expect(")"));
    left = Expression(std::move(node), position);
    return {};
  }
  node.pattern = PENSTOCK_TRY(parse_boxed_expression(Precedence::kRange));
  if (cursor_.accept("ESCAPE")) node.escape = PENSTOCK_TRY(parse_boxed_expression(Precedence::kRange));
  left = Expression(std::move(node), position);
  return {};
}

// time AT TIME ZONE zone
Status Parser::parse_time_zone(Expression& left) {
  Position position = cursor_.position();
  for (int word = 0; word < 3; ++word) cursor_.advance();
  FunctionCall call;
  call.name.parts.push_back({"TIMEZONE", position});
  call.arguments.push_back(PENSTOCK_TRY(parse_expression(Precedence::kTimeZone)));
  call.arguments.push_back(std::move(left));
  left = Expression(std::move(call), position);
  return {};
}

// (start, end) OVERLAPS (start, end)
Status Parser::parse_overlaps(Expression& left) {
  Position position = cursor_.position();
  cursor_.advance();
  Expression right = PENSTOCK_TRY(parse_expression(Precedence::kRange));
  FunctionCall call;
  call.name.parts.push_back({"OVERLAPS", position});
  for (Expression* period : {&left, &right}) {
    auto* row = std::get_if<RowConstructor>(&period->node);
    if (row == nullptr || row->elements.size() != 2) {
      return invalid_argument("OVERLAPS needs a period on each side")
          .at(period->position.offset)
          .hint("write (start, end) OVERLAPS (start, end), where an end may be an interval");
    }
    for (Expression& element : row->elements) call.arguments.push_back(std::move(element));
  }
  left = Expression(std::move(call), position);
  return {};
}

}  // namespace penstock::sql
