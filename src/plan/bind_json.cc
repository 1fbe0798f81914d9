// Calls of the SQL standard's JSON functions with their clauses.
#include "expr/json_construction.h"
#include "expr/registry.h"
#include "plan/binder.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

ExprPtr text_literal(std::string text) {
  return Expr::literal(types::Value(std::move(text)), DataType(TypeKind::kString).with_nullable(false));
}

// A default as the text that would stand in the JSON.
Result<ExprPtr> default_text(ExprPtr value) {
  const bool is_boolean = value->type().kind() == TypeKind::kBoolean;
  ExprPtr text = PENSTOCK_TRY(expr::bind_cast(std::move(value), TypeKind::kString));
  return is_boolean ? expr::bind_call("LOWER", {std::move(text)}) : Result<ExprPtr>(std::move(text));
}

constexpr std::string_view kOnEmpty = " ON EMPTY";
constexpr std::string_view kOnError = " ON ERROR";
constexpr std::string_view kReturning = "RETURNING ";

}  // namespace

// What the keywords behind the arguments say.
struct Binder::JsonClauses {
  std::vector<ExprPtr> arguments;  // those before the clauses
  std::string on_empty = "NULL";
  std::string on_error;  // empty: none is written
  ExprPtr default_on_empty;
  ExprPtr default_on_error;
  std::string wrapper = "WITHOUT";
  std::string null_clause;
  std::optional<DataType> returning;
  size_t returning_at = 0;  // where that is written
  bool any = false;
};

Result<Binder::JsonClauses> Binder::bind_json_clauses(const sql::FunctionCall& call) {
  JsonClauses clauses;
  ExprPtr default_value;
  for (const sql::Expression& argument : call.arguments) {
    const auto* keyword = argument.get_if<sql::Keyword>();
    if (keyword == nullptr) {
      ExprPtr value = PENSTOCK_TRY(bind(argument));
      (clauses.any ? default_value : clauses.arguments.emplace_back()) = std::move(value);
      continue;
    }
    clauses.any = true;
    const std::string_view text = keyword->text;
    if (text.starts_with(kReturning)) {
      clauses.returning = PENSTOCK_TRY(DataType::parse(text.substr(kReturning.size())));
      clauses.returning_at = argument.position.offset;
    } else if (text.ends_with("WRAPPER")) {
      clauses.wrapper = text.starts_with("WITHOUT")    ? "WITHOUT"
                        : text.find("UN") != text.npos ? "UNCONDITIONAL"
                                                       : "CONDITIONAL";
    } else if (text.ends_with("ON NULL")) {
      clauses.null_clause = text;
    } else if (text == "ON EMPTY") {
      clauses.on_empty = "DEFAULT";
      clauses.default_on_empty = std::move(default_value);
    } else if (text == "ON ERROR") {
      clauses.on_error = "DEFAULT";
      clauses.default_on_error = std::move(default_value);
    } else if (text.ends_with(kOnEmpty)) {
      clauses.on_empty = text.substr(0, text.size() - kOnEmpty.size());
    } else if (text.ends_with(kOnError)) {
      clauses.on_error = text.substr(0, text.size() - kOnError.size());
    }
  }
  return clauses;
}

// Null for a function that has no such clauses.
Result<ExprPtr> Binder::bind_json_call(const std::string& name, const sql::FunctionCall& call) {
  const bool makes = name == "JSON_OBJECT" || name == "JSON_ARRAY";
  const bool looks = name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS";
  if (!makes && !looks) return ExprPtr();
  JsonClauses clauses = PENSTOCK_TRY(bind_json_clauses(call));
  std::vector<ExprPtr>& arguments = clauses.arguments;
  if (name == "JSON_OBJECT")
    return expr::bind_json_object(std::move(arguments), clauses.null_clause == "ABSENT ON NULL");
  if (name == "JSON_ARRAY") return expr::bind_json_array(std::move(arguments), clauses.null_clause != "NULL ON NULL");
  if (!clauses.any) return expr::bind_call(name, std::move(arguments));
  if (name == "JSON_EXISTS") {
    arguments.push_back(text_literal(clauses.on_error.empty() ? "FALSE" : clauses.on_error));
    return expr::bind_call(name, std::move(arguments));
  }
  if (clauses.on_error.empty()) clauses.on_error = "NULL";
  if (name == "JSON_QUERY") {
    const DataType type = clauses.returning.value_or(TypeKind::kString).with_nullable(true);
    const bool is_array = type == DataType::array(TypeKind::kString);
    if (!is_array && type.kind() != TypeKind::kString) {
      return invalid_argument("JSON_QUERY returns STRING or ARRAY<STRING>, and not {}", type.to_string())
          .hint(type.kind() == TypeKind::kArray ? "cast the ARRAY<STRING>"
                                                : "JSON_VALUE gives numbers and other values")
          .at(clauses.returning_at);
    }
    if (is_array && (clauses.on_empty == "EMPTY OBJECT" || clauses.on_error == "EMPTY OBJECT")) {
      return invalid_argument("JSON_QUERY cannot return an empty object as ARRAY<STRING>").hint("write EMPTY ARRAY");
    }
    arguments.push_back(text_literal(clauses.wrapper));
    arguments.push_back(text_literal(clauses.on_empty));
    arguments.push_back(text_literal(clauses.on_error));
    return expr::bind_call(is_array ? "JSON_QUERY ARRAY" : name, std::move(arguments));
  }
  arguments.push_back(text_literal(clauses.on_empty));
  arguments.push_back(text_literal(clauses.on_error));
  for (ExprPtr* value : {&clauses.default_on_empty, &clauses.default_on_error}) {
    if (*value == nullptr) *value = Expr::literal({}, TypeKind::kString);
    arguments.push_back(PENSTOCK_TRY(default_text(std::move(*value))));
  }
  ExprPtr value = PENSTOCK_TRY(expr::bind_call(name, std::move(arguments)));
  if (!clauses.returning) return value;
  return expr::bind_cast(std::move(value), *clauses.returning, clauses.on_error != "ERROR");
}

}  // namespace penstock::plan
