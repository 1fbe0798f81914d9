#include "plan/function.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "catalog/catalog.h"
#include "expr/function_catalog.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/literal.h"
#include "sql/keywords.h"
#include "sql/printer.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using catalog::Column;
using catalog::Entry;

bool is_built_in(std::string_view name) {
  return expr::is_scalar_function(name) || std::ranges::any_of(expr::function_docs(), [&](const auto& doc) {
           return sql::equal_ignoring_case(doc.name, name);
         });
}

Result<std::string> new_function_name(const sql::CreateFunction& statement, const PlanContext& context) {
  const uint32_t at = statement.name.position().offset;
  const std::string known = PENSTOCK_TRY(context.catalog->resolve_function(statement.name, context.names));
  const std::string& plain = statement.name.parts.front().text;
  if (is_built_in(plain)) {
    return make_error(ErrorCode::kAlreadyExists, "the program has a function {} already", sql::to_upper(plain))
        .at(at)
        .hint("give it another name");
  }
  const bool hides = statement.temporary && context.catalog->find(catalog::NameSpace::kFunction, plain) != nullptr;
  if (hides || (!statement.temporary && known != plain)) {
    return make_error(ErrorCode::kAlreadyExists, "there is a {} {} already", hides ? "function" : "temporary function",
                      plain)
        .at(at)
        .hint("give it another name: one would hide the other");
  }
  return statement.temporary ? context.names.temporary + "." + plain : plain;
}

Result<std::vector<Column>> bind_parameters(const std::vector<sql::FunctionParameter>& parameters) {
  std::vector<Column> bound;
  for (const sql::FunctionParameter& parameter : parameters) {
    const bool taken = std::ranges::any_of(
        bound, [&](const Column& other) { return sql::equal_ignoring_case(other.name, parameter.name.text); });
    if (taken) {
      return invalid_argument("there are two arguments {}", parameter.name.text).at(parameter.name.position.offset);
    }
    Column column{.name = parameter.name.text,
                  .type = PENSTOCK_TRY(bind_type(parameter.type)),
                  .computed = {},
                  .metadata = {},
                  .default_value = {},
                  .comment = {}};
    bound.push_back(std::move(column));
  }
  return bound;
}

// The functions of the program that can be called by another name.
Status check_identifier(const std::string& identifier, sql::Position position) {
  if (expr::is_scalar_function(identifier)) return {};
  std::vector<std::string> known;
  for (const expr::ScalarFunction* function : expr::scalar_functions()) known.emplace_back(function->name);
  return not_found("the program has no scalar function '{}'", identifier)
      .at(position.offset)
      .hint(did_you_mean(sql::to_upper(identifier), known));
}

}  // namespace

Result<Entry> define_function(const sql::CreateFunction& statement, std::string sql, const PlanContext& context) {
  Entry entry;
  entry.name = PENSTOCK_TRY(new_function_name(statement, context));
  entry.sql = std::move(sql);
  entry.time_zone = context.eval.zone == nullptr ? "UTC" : context.eval.zone->name();
  entry.temporary = statement.temporary;
  if (statement.temporary) entry.schema_name = context.names.temporary;
  catalog::Function function;
  if (statement.parameters) function.parameters = PENSTOCK_TRY(bind_parameters(*statement.parameters));
  if (statement.returns) function.returns = PENSTOCK_TRY(bind_type(*statement.returns));
  if (statement.identifier) {
    PENSTOCK_TRY(check_identifier(*statement.identifier, statement.body));
    function.identifier = *statement.identifier;
    function.any_arguments = !statement.parameters;
  } else {
    function.expression = sql::print(*statement.expression);
  }
  entry.definition = std::move(function);
  if (entry.function()->any_arguments) return entry;
  Binder binder(context);
  Result<expr::ExprPtr> body = binder.bind_function_body(entry, statement.expression.get());
  if (!body) {
    const uint32_t at = body.error().position().value_or(statement.body.offset);
    return Error(body.error()).at(at);
  }
  if ((*body)->type().kind() == types::TypeKind::kNull) {
    return invalid_argument("the function's value has no type")
        .at(statement.body.offset)
        .hint("write RETURNS, or CAST(NULL AS ...)");
  }
  entry.functions = binder.functions();
  if (std::ranges::any_of(entry.functions,
                          [&](const std::string& name) { return sql::equal_ignoring_case(name, entry.name); })) {
    return invalid_argument("function {} calls itself", entry.plain_name()).at(statement.body.offset);
  }
  return entry;
}

std::string signature_of(const Entry& entry) {
  const catalog::Function& function = *entry.function();
  std::string text = std::string(entry.plain_name()) + "(";
  if (function.any_arguments) text += "...";
  for (const Column& parameter : function.parameters) {
    if (!text.ends_with('(')) text += ", ";
    text += parameter.name + " " + parameter.type.to_string();
  }
  text += ")";
  if (function.returns) text += " -> " + function.returns->to_string();
  return text;
}

}  // namespace penstock::plan
