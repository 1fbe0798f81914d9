// Calls of functions that were created by CREATE FUNCTION: their expression stands for them.
#include <algorithm>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/expression_limits.h"
#include "plan/function.h"
#include "sql/parser.h"
#include "types/time_zone.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// Functions that call functions, that call functions: all of one statement.
constexpr uint32_t kInlinedCallsMax = 1'000;

// An error of another text: the call is its place.
Error at_call(const Error& error, const catalog::Entry& function, sql::Position position) {
  return Error(error.code(), error.message())
      .hint(error.hint())
      .context("function " + std::string(function.plain_name()))
      .at(position.offset);
}

}  // namespace

catalog::EntryPtr Binder::find_function(const sql::QualifiedName& name) const {
  if (name.parts.size() > 1 || context_.catalog == nullptr) return nullptr;
  const Result<std::string> full = context_.catalog->resolve_function(name, names_);
  return full ? context_.catalog->find(catalog::NameSpace::kFunction, *full) : nullptr;
}

Result<ExprPtr> Binder::bind_function_body(const catalog::Entry& entry, const sql::Expression* written) {
  const catalog::Function& function = *entry.function();
  types::Schema schema;
  for (const catalog::Column& parameter : function.parameters) schema.push_back({parameter.name, parameter.type});
  const Scope scope("", schema);
  ExprPtr body;
  if (function.expression.empty()) {
    std::vector<ExprPtr> arguments;
    for (size_t i = 0; i < scope.size(); ++i) arguments.push_back(scope.column(i));
    body = PENSTOCK_TRY(expr::bind_call(function.identifier, std::move(arguments)));
  } else {
    sql::Expression kept;
    if (written == nullptr) {
      kept = PENSTOCK_TRY(sql::parse_expression(function.expression));
      written = &kept;
    }
    body = PENSTOCK_TRY(bind_expression(*written, {.scope = &scope, .place = "in a function"}));
  }
  if (function.returns) body = PENSTOCK_TRY(assign(std::move(body), *function.returns));
  return expr::in_time_zone(body, *PENSTOCK_TRY(types::TimeZone::find(entry.time_zone)));
}

// The arguments as what the parameters are.
Result<std::vector<ExprPtr>> Binder::bind_function_arguments(const catalog::Entry& entry,
                                                             const sql::Expression& expression,
                                                             const sql::FunctionCall& call) {
  const std::vector<catalog::Column>& parameters = entry.function()->parameters;
  if (call.arguments.size() != parameters.size()) {
    return invalid_argument("{} takes {} arguments, but {} are given", entry.plain_name(), parameters.size(),
                            call.arguments.size())
        .at(expression.position.offset)
        .hint("it is " + signature_of(entry));
  }
  for (size_t i = 0; i < parameters.size(); ++i) suggest_parameter_type(call.arguments[i], parameters[i].type);
  std::vector<ExprPtr> arguments = PENSTOCK_TRY(bind_arguments(call));
  for (size_t i = 0; i < arguments.size(); ++i) {
    Result<ExprPtr> cast = expr::coerce(std::move(arguments[i]), parameters[i].type);
    if (!cast) {
      return std::move(cast).error().context("argument " + parameters[i].name).at(call.arguments[i].position.offset);
    }
    arguments[i] = *std::move(cast);
  }
  return arguments;
}

Result<ExprPtr> Binder::bind_function_call(const catalog::Entry& entry, const sql::Expression& expression,
                                           const sql::FunctionCall& call) {
  const uint32_t at = expression.position.offset;
  if (call.over || call.distinct || call.filter || !call.order_by.empty()) {
    return invalid_argument("{} is no aggregate function: it takes no OVER, DISTINCT, FILTER or ORDER BY",
                            entry.plain_name())
        .at(at);
  }
  if (++inlined_calls_ > kInlinedCallsMax) {
    return make_error(ErrorCode::kResourceExhausted,
                      "a statement calls created functions at most {} times, those in "
                      "their expressions included",
                      kInlinedCallsMax)
        .at(at);
  }
  if (view_depth_ == 0 && std::ranges::find(functions_, entry.name) == functions_.end()) {
    functions_.push_back(entry.name);
  }
  if (entry.function()->any_arguments) {
    Result<ExprPtr> bound = expr::bind_call(entry.function()->identifier, PENSTOCK_TRY(bind_arguments(call)));
    return bound ? std::move(bound) : at_call(bound.error(), entry, expression.position);
  }
  const std::vector<ExprPtr> arguments = PENSTOCK_TRY(bind_function_arguments(entry, expression, call));
  Result<ExprPtr> body = bind_elsewhere(entry, [&] { return bind_function_body(entry, nullptr); });
  if (!body) return at_call(body.error(), entry, expression.position);
  std::vector<int> uses(arguments.size(), 0);
  ExprPtr inlined = expr::transform(*body, [&](ExprPtr node) {
    if (node->kind() != Expr::Kind::kColumn) return node;
    ++uses[node->column_index()];
    return arguments[node->column_index()];
  });
  if (inlined->levels() > kExpressionLevelsMax || inlined->parts() > kFunctionPartsMax) {
    return make_error(ErrorCode::kResourceExhausted,
                      "an expression has at most {} levels and {} parts, those of created functions included",
                      kExpressionLevelsMax, kFunctionPartsMax)
        .at(expression.position.offset);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (uses[i] < 2 || arguments[i]->is_deterministic()) continue;
    return unsupported("{} uses its argument {} {} times, and this one has another value each time", entry.plain_name(),
                       entry.function()->parameters[i].name, uses[i])
        .at(call.arguments[i].position.offset)
        .hint("compute it in a subquery, and give the function the column");
  }
  return inlined;
}

}  // namespace penstock::plan
