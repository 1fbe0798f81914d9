// Tables that are functions of the row to their left: UNNEST(collection), and functions that give a collection.
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/node.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using types::TypeKind;

bool is_unnest(const sql::FunctionCall& call) {
  return call.name.parts.size() == 1 && sql::equal_ignoring_case(call.name.parts.front().text, "UNNEST");
}

bool is_collection(types::DataType type) { return type.is_nested() && type.kind() != TypeKind::kRow; }

// The names of the new columns: those of the alias; the alias or the function itself, where it is one column; or what
// they are called.
Result<std::vector<std::string>> name_elements(const sql::TableReference& table, const sql::TableFunction& function,
                                               const types::Schema& elements) {
  std::vector<std::string> names;
  for (const types::Field& field : elements) names.push_back(field.name);
  const bool one = elements.size() == (function.with_ordinality ? 2 : 1) && elements.front().name == "f0";
  if (!table.alias) {
    if (one && !is_unnest(function.call)) names.front() = sql::to_lower(function.call.name.parts.back().text);
    return names;
  }
  if (table.alias->columns.empty()) {
    if (one) names.front() = table.alias->name.text;
    return names;
  }
  if (table.alias->columns.size() != names.size()) {
    return invalid_argument("{} names for {} columns", table.alias->columns.size(), names.size())
        .at(table.alias->columns.front().position.offset);
  }
  for (size_t i = 0; i < names.size(); ++i) names[i] = table.alias->columns[i].text;
  return names;
}

}  // namespace

bool Binder::is_lateral(const sql::TableReference& table) const {
  const auto* function = std::get_if<sql::TableFunction>(&table.node);
  if (function == nullptr) return false;
  return is_unnest(function->call) || expr::is_scalar_function(function->call.name.parts.back().text);
}

// The collection that the function gives, over the columns of `scope`.
Result<ExprPtr> Binder::bind_collection(const sql::FunctionCall& call, const Scope& scope) {
  sql::Position position = call.name.position();
  ExpressionContext context{.scope = &scope, .place = "in FROM"};
  ExprPtr collection;
  if (is_unnest(call)) {
    if (call.arguments.size() != 1) return unsupported("UNNEST takes one collection").at(position.offset);
    position = call.arguments.front().position;
    collection = PENSTOCK_TRY(bind_expression(call.arguments.front(), context));
  } else {
    const ExpressionContext* outer = std::exchange(expression_context_, &context);
    Result<ExprPtr> bound = bind_scalar_call(sql::Expression(sql::Literal{}, position), call);
    expression_context_ = outer;
    collection = PENSTOCK_TRY(located(std::move(bound), position));
  }
  if (is_collection(collection->type())) return collection;
  std::string type = collection->type().with_nullable(true).to_string();
  if (is_unnest(call)) {
    return invalid_argument("UNNEST needs an ARRAY, MULTISET or MAP, but this is {}", type).at(position.offset);
  }
  return invalid_argument("{} gives {}: a function in FROM must give an ARRAY, MULTISET or MAP",
                          sql::to_upper(call.name.parts.back().text), type)
      .at(position.offset);
}

Result<Binder::Named> Binder::bind_unnest(Named left, const sql::TableReference& table, bool preserve) {
  const auto& function = std::get<sql::TableFunction>(table.node);
  ExprPtr collection = PENSTOCK_TRY(bind_collection(function.call, left.second));
  types::Schema elements = element_columns(collection->type());
  if (function.with_ordinality) elements.push_back({"ordinality", TypeKind::kInt});
  std::vector<std::string> names = PENSTOCK_TRY(name_elements(table, function, elements));

  // The collection becomes a column behind those of the left side, which is dropped in the end.
  size_t columns = left.first->schema.size();
  std::vector<ExprPtr> expressions;
  std::vector<std::string> all_names;
  for (size_t i = 0; i < columns; ++i) {
    expressions.push_back(column_of(left.first->schema, static_cast<int>(i)));
    all_names.push_back(left.first->schema[i].name);
  }
  expressions.push_back(std::move(collection));
  all_names.push_back(label(*expressions.back()));
  LogicalPtr plan = make_project(std::move(left.first), std::move(expressions), all_names);
  Unnest unnest{.column = static_cast<int>(columns), .preserve = preserve, .ordinality = function.with_ordinality};
  all_names.insert(all_names.end(), names.begin(), names.end());
  plan = make_node(unnest, {std::move(plan)}, std::move(all_names));
  std::vector<int> kept = identity(columns);
  for (size_t i = 0; i < names.size(); ++i) kept.push_back(static_cast<int>(columns + 1 + i));
  plan = make_selection(std::move(plan), kept);
  PENSTOCK_TRY(check_size(plan, table.position));

  std::string name = table.alias ? table.alias->name.text : sql::to_lower(function.call.name.parts.back().text);
  Scope right(name, types::Schema(plan->schema.begin() + static_cast<ptrdiff_t>(columns), plan->schema.end()));
  // PostgreSQL's clients call the element so, whatever the alias.
  const std::string function_name = expr::canonical_name(function.call.name.parts.back().text);
  const bool elements_of_json = function_name.starts_with("JSON_ARRAY_ELEMENTS");
  if (elements_of_json && (!table.alias || table.alias->columns.empty())) right.add_name(0, "value");
  PENSTOCK_TRY(check_table_names(left.second, right, table.position));
  return Named(std::move(plan), Scope(left.second, right));
}

// Inner joins take any condition; of a left one only TRUE says which row has no elements.
Result<Binder::Named> Binder::bind_lateral_join(const sql::Join& join, Named left) {
  bool preserve = join.kind == sql::JoinKind::kLeft;
  bool inner = join.kind == sql::JoinKind::kInner || join.kind == sql::JoinKind::kCross;
  if (join.natural || !join.using_columns.empty() || (!preserve && !inner)) {
    return unsupported(
               "a function of the row on the left can be joined by CROSS JOIN, JOIN ... ON or LEFT JOIN ... ON TRUE")
        .at(join.right->position.offset);
  }
  Named joined = PENSTOCK_TRY(bind_unnest(std::move(left), *join.right, preserve));
  if (!join.on) return joined;
  const auto* literal = join.on->get_if<sql::Literal>();
  if (literal != nullptr && literal->kind == sql::LiteralKind::kBoolean && literal->text == "TRUE") return joined;
  if (preserve) {
    return unsupported("LEFT JOIN with a function of the row on the left takes only ON TRUE")
        .at(join.on->position.offset);
  }
  ExprPtr condition = PENSTOCK_TRY(bind_condition(*join.on, {.scope = &joined.second, .place = "in ON"}));
  joined.first = make_filter(std::move(joined.first), std::move(condition));
  return joined;
}

}  // namespace penstock::plan
