// Expressions as text, for tests of this module only: every operator has the same precedence and binds to the left, so
// tests use parentheses. SQL's own syntax is the business of the parser and the binder.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "expr/evaluate.h"
#include "expr/registry.h"

namespace penstock::expr::testing {

// Knows columns by the names of a schema, literals ('text', 1.5, TRUE, NULL, INTERVAL DAY TO SECOND '+1 00:00:00',
// TIMESTAMP(3) '2026-01-01'), calls, CAST(a AS type), EXTRACT(unit FROM a), FLOOR(a TO unit), CASE WHEN, infix
// operators, IS ..., [NOT] LIKE / SIMILAR TO, [NOT] IN (...), unary - and NOT.
class TestExpression {
 public:
  static Result<ExprPtr> parse(std::string_view text, const types::Schema& schema = {}) {
    TestExpression parser(text, schema);
    ExprPtr expr = PENSTOCK_TRY(parser.expression());
    if (!parser.rest_.empty()) return invalid_argument("left over: {}", parser.rest_);
    return expr;
  }

 private:
  TestExpression(std::string_view text, const types::Schema& schema) : rest_(text), schema_(schema) { skip(); }

  void skip() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  static bool is_word_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  std::string_view peek_word() const {
    size_t size = 0;
    while (size < rest_.size() && is_word_char(rest_[size])) ++size;
    return rest_.substr(0, size);
  }
  void take(size_t size) {
    rest_.remove_prefix(size);
    skip();
  }
  // Words separated by one space each, or a symbol.
  bool accept(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    if (is_word_char(token[0]) && token.size() < rest_.size() && is_word_char(rest_[token.size()])) return false;
    take(token.size());
    return true;
  }

  Result<ExprPtr> expression() {
    ExprPtr left = PENSTOCK_TRY(primary());
    static constexpr std::string_view kPostfix[] = {
        "IS NOT DISTINCT FROM", "IS DISTINCT FROM", "IS NOT NULL",    "IS NULL",    "IS NOT TRUE", "IS TRUE",
        "IS NOT FALSE",         "IS FALSE",         "IS NOT UNKNOWN", "IS UNKNOWN", "NOT IN",      "IN"};
    static constexpr std::string_view kInfix[] = {"<>",        "<=",  ">=", "||",       "->",   "=",
                                                  "<",         ">",   "+",  "-",        "*",    "/",
                                                  "%",         "AND", "OR", "NOT LIKE", "LIKE", "NOT SIMILAR TO",
                                                  "SIMILAR TO"};
    while (true) {
      bool found = false;
      for (std::string_view op : kPostfix) {
        if (!accept(op)) continue;
        found = true;
        std::vector<ExprPtr> arguments{left};
        if (op.ends_with("IN")) {
          PENSTOCK_TRY(list(arguments));
        } else if (op.ends_with("FROM")) {
          arguments.push_back(PENSTOCK_TRY(primary()));
        }
        left = PENSTOCK_TRY(bind_call(op, std::move(arguments)));
        break;
      }
      for (std::string_view op : kInfix) {
        if (found || rest_.starts_with("->") || !accept(op)) continue;
        found = true;
        std::vector<ExprPtr> arguments{left, PENSTOCK_TRY(primary())};
        if (accept("ESCAPE")) arguments.push_back(PENSTOCK_TRY(primary()));
        left = PENSTOCK_TRY(bind_call(op, std::move(arguments)));
        break;
      }
      if (!found) return left;
    }
  }

  // "(a, b)"; the opening parenthesis included.
  Status list(std::vector<ExprPtr>& out) {
    if (!accept("(")) return invalid_argument("expected ( at: {}", rest_);
    if (accept(")")) return {};
    do out.push_back(PENSTOCK_TRY(expression()));
    while (accept(","));
    if (!accept(")")) return invalid_argument("expected ) at: {}", rest_);
    return {};
  }

  Result<std::string> quoted() {
    std::string text;
    size_t at = 1;
    for (; at < rest_.size(); ++at) {
      if (rest_[at] == '\'') {
        if (at + 1 >= rest_.size() || rest_[at + 1] != '\'') break;
        ++at;
      }
      text += rest_[at];
    }
    if (at >= rest_.size()) return invalid_argument("a quote is not closed");
    take(at + 1);
    return text;
  }

  Result<ExprPtr> primary() {
    if (accept("(")) {
      ExprPtr inner = PENSTOCK_TRY(expression());
      if (!accept(")")) return invalid_argument("expected ) at: {}", rest_);
      return inner;
    }
    if (rest_.starts_with('\'')) {
      return Expr::literal(types::Value(PENSTOCK_TRY(quoted())), types::TypeKind::kString);
    }
    if (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_[0])) != 0) return number();
    if (accept("-")) {
      ExprPtr negated = PENSTOCK_TRY(bind_call("NEGATE", {PENSTOCK_TRY(primary())}));
      return fold_constants(negated, {});
    }
    if (accept("NOT")) return bind_call("NOT", {PENSTOCK_TRY(primary())});
    if (accept("NULL")) return Expr::literal({}, types::TypeKind::kNull);
    if (accept("TRUE")) return Expr::literal(types::Value(true), types::TypeKind::kBoolean);
    if (accept("FALSE")) return Expr::literal(types::Value(false), types::TypeKind::kBoolean);
    if (accept("CASE")) return case_when();
    return named();
  }

  Result<ExprPtr> number() {
    size_t size = 0;
    while (size < rest_.size() && (is_word_char(rest_[size]) || rest_[size] == '.' ||
                                   ((rest_[size] == '-' || rest_[size] == '+') && rest_[size - 1] == 'e'))) {
      ++size;
    }
    std::string text(rest_.substr(0, size));
    take(size);
    return number_literal(text);
  }

  Result<ExprPtr> case_when() {
    std::vector<ExprPtr> children;
    while (accept("WHEN")) {
      children.push_back(PENSTOCK_TRY(expression()));
      if (!accept("THEN")) return invalid_argument("expected THEN at: {}", rest_);
      children.push_back(PENSTOCK_TRY(expression()));
    }
    children.push_back(accept("ELSE") ? PENSTOCK_TRY(expression()) : Expr::literal({}, types::TypeKind::kNull));
    if (!accept("END")) return invalid_argument("expected END at: {}", rest_);
    return bind_case(std::move(children));
  }

  // A column, a typed literal such as DATE '...', or a call.
  Result<ExprPtr> named() {
    std::string name(peek_word());
    int field = types::find_field(schema_, name);
    if (field >= 0) {
      take(name.size());
      return Expr::column(static_cast<size_t>(field), schema_[static_cast<size_t>(field)].type, name);
    }
    size_t quote = rest_.find('\'');
    if (quote != std::string_view::npos) {
      Result<types::DataType> type = types::DataType::parse(rest_.substr(0, quote));
      if (type) {
        take(quote);
        std::string text = PENSTOCK_TRY(quoted());
        return Expr::literal(PENSTOCK_TRY(types::from_text(text, *type)), *type);
      }
    }
    if (name.empty()) return invalid_argument("unexpected: {}", rest_);
    take(name.size());
    if (!rest_.starts_with('(')) return bind_call(name, {});
    if (name == "CAST" || name == "TRY_CAST") return cast(name == "TRY_CAST");
    std::vector<ExprPtr> arguments;
    if (name == "EXTRACT" || name == "TIMESTAMPADD" || name == "TIMESTAMPDIFF") {
      take(1);
      arguments.push_back(unit());
      if (!accept("FROM")) accept(",");
      do arguments.push_back(PENSTOCK_TRY(expression()));
      while (accept(","));
      if (!accept(")")) return invalid_argument("expected ) at: {}", rest_);
      return bind_call(name, std::move(arguments));
    }
    if (name == "FLOOR" || name == "CEIL") {
      take(1);
      arguments.push_back(PENSTOCK_TRY(expression()));
      if (accept("TO")) arguments.insert(arguments.begin(), unit());
      if (!accept(")")) return invalid_argument("expected ) at: {}", rest_);
      return bind_call(name, std::move(arguments));
    }
    PENSTOCK_TRY(list(arguments));
    return bind_call(name, std::move(arguments));
  }

  ExprPtr unit() {
    std::string word(peek_word());
    take(word.size());
    return Expr::literal(types::Value(std::move(word)), types::TypeKind::kString);
  }

  Result<ExprPtr> cast(bool try_cast) {
    take(1);
    ExprPtr child = PENSTOCK_TRY(expression());
    if (!accept("AS")) return invalid_argument("expected AS at: {}", rest_);
    size_t depth = 0;
    size_t size = 0;
    while (size < rest_.size() && (rest_[size] != ')' || depth > 0)) {
      if (rest_[size] == '(') ++depth;
      if (rest_[size] == ')') --depth;
      ++size;
    }
    types::DataType type = PENSTOCK_TRY(types::DataType::parse(rest_.substr(0, size)));
    take(size + 1);
    return bind_cast(std::move(child), type, try_cast);
  }

  std::string_view rest_;
  const types::Schema& schema_;
};

// The value of an expression without columns, "type: text"; or the error.
inline std::string evaluate_text(std::string_view text, const EvalContext& context = {}, bool with_type = false) {
  static const types::Schema kNoColumns;
  Result<ExprPtr> expr = TestExpression::parse(text, kNoColumns);
  if (!expr) return "error: " + expr.error().to_string();
  Result<types::Value> value = evaluate_constant(**expr, context);
  if (!value) return "row error: " + value.error().message();
  types::DataType type = (*expr)->type().with_nullable(true);
  return (with_type ? type.to_string() + ": " : "") + types::to_text(*value, type);
}

// The values of an expression over rows given as batch text; failed rows as "!message".
inline std::string evaluate_rows(std::string_view text, const types::Schema& schema, std::string_view rows,
                                 const EvalContext& context = {}) {
  Result<columnar::ChangeBatch> batch = columnar::batch_from_text(rows, schema);
  if (!batch) return "error: " + batch.error().to_string();
  Result<ExprPtr> expr = TestExpression::parse(text, schema);
  if (!expr) return "error: " + expr.error().to_string();
  RowErrors errors;
  columnar::ColumnPtr column = evaluate(**expr, *batch, context, errors);
  std::string out;
  for (size_t row = 0; row < column->size(); ++row) {
    if (row != 0) out += ", ";
    std::string value = types::to_text(column->value(row), column->type());
    for (const RowError& error : errors) {
      if (error.row == row) value = "!" + error.message;
    }
    out += value;
  }
  return out;
}

}  // namespace penstock::expr::testing
