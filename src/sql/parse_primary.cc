// Expressions without operators: constants, names, parentheses, CASE, CAST, constructors.
#include <array>
#include <charconv>

#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/parser_state.h"

namespace penstock::sql {
namespace {

constexpr std::array<IntervalUnit, 9> kIntervalUnits = {
    IntervalUnit::kYear, IntervalUnit::kQuarter, IntervalUnit::kMonth,  IntervalUnit::kWeek,        IntervalUnit::kDay,
    IntervalUnit::kHour, IntervalUnit::kMinute,  IntervalUnit::kSecond, IntervalUnit::kMillisecond,
};

// The unit that a word names, in the singular or the plural.
std::optional<IntervalUnit> find_interval_unit(std::string_view word) {
  for (IntervalUnit unit : kIntervalUnits) {
    std::string_view name = interval_unit_name(unit);
    bool plural = word.size() == name.size() + 1 && (word.back() == 's' || word.back() == 'S');
    if (equal_ignoring_case(plural ? word.substr(0, name.size()) : word, name)) return unit;
  }
  return std::nullopt;
}

std::optional<LiteralKind> number_kind(TokenKind kind) {
  switch (kind) {
    case TokenKind::kInteger: return LiteralKind::kInteger;
    case TokenKind::kDecimal: return LiteralKind::kDecimal;
    case TokenKind::kDouble: return LiteralKind::kDouble;
    default: return std::nullopt;
  }
}

}  // namespace

Result<Expression> Parser::parse_primary() {
  if (std::optional<Expression> constant = PENSTOCK_TRY(parse_constant())) return *std::move(constant);
  if (cursor_.kind() == TokenKind::kParameter) return parse_parameter();
  if (cursor_.at("(")) return parse_parenthesized();
  if (cursor_.at("*")) {
    Position position = cursor_.position();
    cursor_.advance();
    return Expression(Star{}, position);
  }
  if (cursor_.kind() == TokenKind::kWord) {
    if (std::optional<Expression> special = PENSTOCK_TRY(parse_special_form())) return *std::move(special);
    bool called = cursor_.at("LEFT") || cursor_.at("RIGHT");  // join words that are functions too
    if (called && cursor_.at("(", 1)) return parse_name_or_call();
  }
  if (at_name()) return parse_name_or_call();
  return cursor_.unexpected("an expression");
}

// Numbers, strings, NULL, TRUE, FALSE, and types before strings: DATE '2026-01-02'.
Result<std::optional<Expression>> Parser::parse_constant() {
  Position position = cursor_.position();
  auto literal = [&](LiteralKind kind, std::string text) {
    cursor_.advance();
    return Expression(Literal{kind, std::move(text)}, position);
  };
  if (std::optional<LiteralKind> kind = number_kind(cursor_.kind())) return literal(*kind, std::string(cursor_.text()));
  if (cursor_.kind() == TokenKind::kString) return literal(LiteralKind::kString, unquote(cursor_.text()));
  if (cursor_.kind() == TokenKind::kBinary) return literal(LiteralKind::kBinary, to_upper(unquote(cursor_.text())));
  if (cursor_.kind() != TokenKind::kWord) return std::nullopt;
  if (cursor_.at("NULL")) return literal(LiteralKind::kNull, "NULL");
  if (cursor_.at("TRUE")) return literal(LiteralKind::kBoolean, "TRUE");
  if (cursor_.at("FALSE")) return literal(LiteralKind::kBoolean, "FALSE");
  if (cursor_.kind(1) != TokenKind::kString) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, LiteralKind>, 4> kTyped = {{
      {"DATE", LiteralKind::kDate},
      {"TIME", LiteralKind::kTime},
      {"TIMESTAMP", LiteralKind::kTimestamp},
      {"TIMESTAMP_LTZ", LiteralKind::kTimestampLtz},
  }};
  for (auto [word, kind] : kTyped) {
    if (cursor_.at(word)) {
      cursor_.advance();
      return literal(kind, unquote(cursor_.text()));
    }
  }
  return std::nullopt;
}

// The words that begin a form of their own.
Result<std::optional<Expression>> Parser::parse_special_form() {
  Position position = cursor_.position();
  if (cursor_.at("CASE")) return PENSTOCK_TRY(parse_case());
  if (cursor_.at("CAST")) return PENSTOCK_TRY(parse_cast(false));
  if (cursor_.at("TRY_CAST") && cursor_.at("(", 1)) return PENSTOCK_TRY(parse_cast(true));
  if (cursor_.at("INTERVAL") && (cursor_.kind(1) == TokenKind::kString || cursor_.at("-", 1) || cursor_.at("+", 1))) {
    return PENSTOCK_TRY(parse_interval());
  }
  if (cursor_.at("EXISTS")) {
    cursor_.advance();
    PENSTOCK_TRY(cursor_.expect("("));
    Exists node{PENSTOCK_TRY(parse_boxed_query())};
    PENSTOCK_TRY(cursor_.expect(")"));
    return Expression(std::move(node), position);
  }
  if (cursor_.at("ARRAY") && cursor_.at("(", 1)) {
    cursor_.advance();
    cursor_.advance();
    ArraySubquery node{PENSTOCK_TRY(parse_boxed_query())};
    PENSTOCK_TRY(cursor_.expect(")"));
    return Expression(std::move(node), position);
  }
  bool bracket = cursor_.at("[", 1);
  if ((cursor_.at("ARRAY") || cursor_.at("MAP")) && bracket) return PENSTOCK_TRY(parse_constructor());
  if (cursor_.at("ROW") && cursor_.at("(", 1)) return PENSTOCK_TRY(parse_constructor());
  if (cursor_.at("TABLE")) return PENSTOCK_TRY(parse_table_argument());
  if ((cursor_.at("FINAL") || cursor_.at("RUNNING")) && at_name(1) && cursor_.at("(", 2)) {
    MatchRows rows = cursor_.at("FINAL") ? MatchRows::kFinal : MatchRows::kRunning;
    cursor_.advance();
    QualifiedName name;
    name.parts.push_back(PENSTOCK_TRY(parse_identifier()));
    FunctionCall call = PENSTOCK_TRY(parse_call(std::move(name)));
    call.rows = rows;
    return Expression(std::move(call), position);
  }
  if (cursor_.at("DESCRIPTOR") && cursor_.at("(", 1)) {
    cursor_.advance();
    return Expression(Descriptor{PENSTOCK_TRY(parse_identifier_list())}, position);
  }
  if (is_bare_function(cursor_.text())) {
    FunctionCall call;
    call.name.parts.push_back({to_upper(cursor_.text()), position});
    cursor_.advance();
    bool precision = cursor_.at("(") && cursor_.kind(1) == TokenKind::kInteger && cursor_.at(")", 2);
    bool empty = cursor_.at("(") && cursor_.at(")", 1);
    for (int skip = precision ? 3 : (empty ? 2 : 0); skip > 0; --skip) cursor_.advance();
    return Expression(std::move(call), position);
  }
  return std::nullopt;
}

Result<Expression> Parser::parse_parameter() {
  Position position = cursor_.position();
  std::string_view digits = cursor_.text().substr(1);
  uint32_t number = parameters_ + 1;  // of a `?`
  if (!digits.empty()) std::from_chars(digits.data(), digits.data() + digits.size(), number);
  parameters_ = std::max(parameters_, number);
  if (number > kParametersMax) {
    return make_error(ErrorCode::kResourceExhausted, "a statement has at most {} parameters", kParametersMax)
        .at(position.offset);
  }
  cursor_.advance();
  return Expression(Parameter{number}, position);
}

// (expression), (a, b, ...) as a row, or (query).
Result<Expression> Parser::parse_parenthesized() {
  Position position = cursor_.position();
  cursor_.advance();
  if (at_query()) {
    ScalarSubquery node{PENSTOCK_TRY(parse_boxed_query())};
    PENSTOCK_TRY(cursor_.expect(")"));
    return Expression(std::move(node), position);
  }
  Expression first = PENSTOCK_TRY(parse_expression());
  if (!cursor_.at(",")) {
    cursor_.note_expected(",");
    PENSTOCK_TRY(cursor_.expect(")"));
    return first;
  }
  RowConstructor row;
  row.elements.push_back(std::move(first));
  while (cursor_.accept(",")) row.elements.push_back(PENSTOCK_TRY(parse_expression()));
  PENSTOCK_TRY(cursor_.expect(")"));
  return Expression(std::move(row), position);
}

Result<Expression> Parser::parse_case() {
  Position position = cursor_.position();
  cursor_.advance();
  Case node;
  if (!cursor_.at("WHEN")) node.operand = PENSTOCK_TRY(parse_boxed_expression());
  PENSTOCK_TRY(cursor_.expect("WHEN"));
  do {
    WhenClause when;
    do {
      when.conditions.push_back(PENSTOCK_TRY(parse_expression()));
    } while (node.operand && cursor_.accept(","));
    PENSTOCK_TRY(cursor_.expect("THEN"));
    when.result = PENSTOCK_TRY(parse_boxed_expression());
    node.whens.push_back(std::move(when));
  } while (cursor_.accept("WHEN"));
  if (cursor_.accept("ELSE")) node.otherwise = PENSTOCK_TRY(parse_boxed_expression());
  PENSTOCK_TRY(cursor_.expect("END"));
  return Expression(std::move(node), position);
}

Result<Expression> Parser::parse_cast(bool try_cast) {
  Position position = cursor_.position();
  cursor_.advance();
  PENSTOCK_TRY(cursor_.expect("("));
  Cast node{.try_cast = try_cast, .operand = PENSTOCK_TRY(parse_boxed_expression())};
  PENSTOCK_TRY(cursor_.expect("AS"));
  node.type = Box(PENSTOCK_TRY(parse_type()));
  PENSTOCK_TRY(cursor_.expect(")"));
  return Expression(std::move(node), position);
}

Result<Expression> Parser::parse_interval() {
  Position position = cursor_.position();
  cursor_.advance();
  IntervalLiteral node;
  node.negative = cursor_.accept("-");
  if (!node.negative) cursor_.accept("+");
  node.text = PENSTOCK_TRY(parse_string("a string"));
  auto accept_unit = [&]() -> Result<std::optional<IntervalUnit>> {
    if (cursor_.kind() != TokenKind::kWord) return std::nullopt;
    std::optional<IntervalUnit> unit = find_interval_unit(cursor_.text());
    if (!unit) return std::nullopt;
    cursor_.advance();
    TypeName precision;  // as in DAY(3): how many digits may be written, which needs no check
    PENSTOCK_TRY(parse_type_arguments(precision));
    return unit;
  };
  node.from = PENSTOCK_TRY(accept_unit());
  if (node.from && cursor_.accept("TO")) {
    node.to = PENSTOCK_TRY(accept_unit());
    if (!node.to) return cursor_.unexpected("a unit such as SECOND");
  }
  return Expression(std::move(node), position);
}

// a, a.b.c, t.*, f(...), schema.f(...)
Result<Expression> Parser::parse_name_or_call() {
  Position position = cursor_.position();
  QualifiedName name;
  name.parts.push_back(PENSTOCK_TRY(parse_label()));
  while (cursor_.at(".")) {
    if (cursor_.at("*", 1)) {
      cursor_.advance();
      cursor_.advance();
      return Expression(Star{std::move(name)}, position);
    }
    // Longer paths are fields of fields; the chain that carries them is bounded.
    if (name.parts.size() == kColumnNamePartsMax) break;
    cursor_.advance();
    name.parts.push_back(PENSTOCK_TRY(parse_label()));
  }
  if (cursor_.at("(")) return Expression(PENSTOCK_TRY(parse_call(std::move(name))), position);
  return Expression(ColumnReference{std::move(name)}, position);
}

// ARRAY[...], MAP[...], ROW(...)
Result<Expression> Parser::parse_constructor() {
  Position position = cursor_.position();
  bool is_array = cursor_.at("ARRAY");
  bool is_map = cursor_.at("MAP");
  std::string_view close = is_array || is_map ? "]" : ")";
  cursor_.advance();
  cursor_.advance();
  std::vector<Expression> elements;
  if (!cursor_.at(close)) elements = PENSTOCK_TRY(parse_expression_list());
  PENSTOCK_TRY(cursor_.expect(close));
  if (is_array) return Expression(ArrayConstructor{std::move(elements)}, position);
  if (is_map) return Expression(MapConstructor{std::move(elements)}, position);
  return Expression(RowConstructor{std::move(elements)}, position);
}

}  // namespace penstock::sql
