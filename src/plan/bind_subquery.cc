// Subqueries in expressions.
//
// They are collected while a clause is bound, each as a column numbered from kSubqueryColumns on. When the rows that
// the clause is over are planned, each becomes a join: a semi or anti join where it is a condition that rows must meet,
// else a join that adds its value.
#include <algorithm>
#include <utility>

#include "expr/aggregate.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/decorrelate.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::bind_call;
using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;
using Kind = FoundSubquery::Kind;

// The elements of a row, or the expression alone.
std::vector<const sql::Expression*> elements_of(const sql::Expression& expression) {
  std::vector<const sql::Expression*> elements;
  const auto* row = expression.get_if<sql::RowConstructor>();
  if (row == nullptr) return {&expression};
  for (const sql::Expression& one : row->elements) elements.push_back(&one);
  return elements;
}

// NOT (a op b) is a opposite b.
std::optional<sql::BinaryOperator> opposite(sql::BinaryOperator op) {
  switch (op) {
    case sql::BinaryOperator::kEqual: return sql::BinaryOperator::kNotEqual;
    case sql::BinaryOperator::kNotEqual: return sql::BinaryOperator::kEqual;
    case sql::BinaryOperator::kLess: return sql::BinaryOperator::kGreaterOrEqual;
    case sql::BinaryOperator::kLessOrEqual: return sql::BinaryOperator::kGreater;
    case sql::BinaryOperator::kGreater: return sql::BinaryOperator::kLessOrEqual;
    case sql::BinaryOperator::kGreaterOrEqual: return sql::BinaryOperator::kLess;
    default: return std::nullopt;
  }
}

}  // namespace

// --- binding ---

DataType FoundSubquery::type() const {
  if (kind == Kind::kScalar) return plan->schema.front().type.with_nullable(true);
  return DataType(TypeKind::kBoolean).with_nullable(kind != Kind::kExists);
}

Result<FoundSubquery> Binder::bind_subquery(const sql::Expression& expression, const sql::Query& query) {
  const ExpressionContext* around = expression_context_;
  if (around->subqueries == nullptr) {
    return unsupported("a subquery is not supported {}", around->place)
        .at(expression.position.offset)
        .hint("put it into a query in FROM");
  }
  FoundSubquery found;
  found.level = static_cast<QueryLevel>(outer_queries_.size());
  found.position = expression.position;
  outer_queries_.push_back({.scope = around->scope, .column_positions = around->column_positions});
  const size_t recursive_uses = recursive_uses_.size();
  found.plan = PENSTOCK_TRY(bind_query(query));
  PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "in a subquery of an expression"));
  outer_queries_.pop_back();
  return found;
}

Result<ExprPtr> Binder::collect_subquery(FoundSubquery found) {
  std::vector<FoundSubquery>& subqueries = *expression_context_->subqueries;
  DataType type = found.type();
  subqueries.push_back(std::move(found));
  return Expr::column(kSubqueryColumns + subqueries.size() - 1, type, "(subquery)");
}

// A column of a query around this one; the innermost that has it.
Result<ExprPtr> Binder::find_outer(const sql::QualifiedName& name, Error not_found_here) {
  for (size_t level = outer_queries_.size(); level-- > 0;) {
    const OuterQuery& outer = outer_queries_[level];
    Result<Scope::Resolved> found = outer.scope->resolve_path(name);
    if (!found) {
      if (!outer.scope->may_be_outside(name, found.error())) return std::move(found).error();
      continue;
    }
    if (!outer.scope->has_fields(*found, name)) continue;
    size_t column = found->column;
    if (outer.column_positions != nullptr) outer.column_positions->insert_or_assign(column, name.position());
    ExprPtr value =
        outer_column(static_cast<QueryLevel>(level), column, outer.scope->type(column), outer.scope->name(column));
    return bind_fields(std::move(value), name, found->parts);
  }
  return not_found_here;
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::Exists& node) {
  return collect_subquery(PENSTOCK_TRY(bind_subquery(expression, *node.query)));
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::ScalarSubquery& node) {
  FoundSubquery found = PENSTOCK_TRY(bind_subquery(expression, *node.query));
  found.kind = Kind::kScalar;
  if (found.plan->schema.size() != 1) {
    return invalid_argument("a subquery that is a value must have one column, and this one has {}",
                            found.plan->schema.size())
        .at(expression.position.offset);
  }
  return collect_subquery(std::move(found));
}

Result<std::vector<ExprPtr>> Binder::bind_row_subquery(const sql::Expression& subquery, size_t columns,
                                                       const ExpressionContext& context) {
  const ExpressionContext* outer = std::exchange(expression_context_, &context);
  Result<FoundSubquery> found = bind_subquery(subquery, *subquery.get_if<sql::ScalarSubquery>()->query);
  expression_context_ = outer;
  if (!found) return std::move(found).error();
  if (found->plan->schema.size() != columns) {
    return invalid_argument("{} columns are set to the {} columns of a query", columns, found->plan->schema.size())
        .at(subquery.position.offset);
  }
  std::vector<ExprPtr> values;
  for (size_t i = 0; i < columns; ++i) {
    FoundSubquery one = *found;
    one.kind = Kind::kScalar;
    one.plan = make_selection(found->plan, {static_cast<int>(i)});
    values.push_back(Expr::column(kSubqueryColumns + context.subqueries->size(), one.type(), "(subquery)"));
    context.subqueries->push_back(std::move(one));
  }
  return values;
}

Result<ExprPtr> Binder::bind_comparison(const sql::Expression& expression, const sql::Expression& left,
                                        const sql::Query& query, std::string_view comparison) {
  FoundSubquery found = PENSTOCK_TRY(bind_subquery(expression, query));
  found.kind = comparison == "=" ? Kind::kIn : Kind::kComparison;
  found.comparison = comparison;
  std::vector<const sql::Expression*> elements = elements_of(left);
  const types::Schema& schema = found.plan->schema;
  if (schema.size() != elements.size()) {
    return invalid_argument("the subquery has {} columns, and {} {} compared with it", schema.size(), elements.size(),
                            elements.size() == 1 ? "is" : "are")
        .at(query.position.offset);
  }
  for (size_t i = 0; i < elements.size(); ++i) {
    suggest_parameter_type(*elements[i], schema[i].type);
    found.operands.push_back(PENSTOCK_TRY(bind(*elements[i])));
    ExprPtr column = column_of(schema, static_cast<int>(i));
    PENSTOCK_TRY(located(bind_call(comparison, {found.operands.back(), std::move(column)}), expression.position));
  }
  if (elements.size() > 1 && found.kind == Kind::kComparison) {
    return unsupported("rows are compared with a subquery only by IN and NOT IN").at(expression.position.offset);
  }
  return collect_subquery(std::move(found));
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::InSubquery& node) {
  ExprPtr in = PENSTOCK_TRY(bind_comparison(expression, *node.operand, *node.query, "="));
  return node.negated ? bind_call("NOT", {std::move(in)}) : Result<ExprPtr>(std::move(in));
}

Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::Quantified& node) {
  std::optional<sql::BinaryOperator> negated = opposite(node.op);
  if (node.query && negated) {
    // a op ALL (query) is true when no row is found for which NOT (a op row).
    std::string_view comparison = sql::binary_operator_symbol(node.all ? *negated : node.op);
    ExprPtr any = PENSTOCK_TRY(bind_comparison(expression, *node.left, *node.query, comparison));
    return node.all ? bind_call("NOT", {std::move(any)}) : Result<ExprPtr>(std::move(any));
  }
  if (node.query) {
    return unsupported("{} is not compared with the rows of a query", sql::binary_operator_symbol(node.op))
        .at(expression.position.offset);
  }
  // = ANY (ARRAY[...]) and <> ALL (ARRAY[...]), as PostgreSQL's clients write IN and NOT IN.
  const auto* array = node.array->get_if<sql::ArrayConstructor>();
  const bool in = node.op == sql::BinaryOperator::kEqual && !node.all;
  const bool not_in = node.op == sql::BinaryOperator::kNotEqual && node.all;
  if (array != nullptr && !array->elements.empty() && (in || not_in)) {
    return bind_in(expression, *node.left, array->elements, not_in);
  }
  if (!negated) return bind_pattern_of_each(expression, node);
  return bind_array_comparison(node, sql::binary_operator_symbol(*negated));
}

// The values of a query as an array, in its order.
Result<ExprPtr> Binder::bind(const sql::Expression& expression, const sql::ArraySubquery& node) {
  FoundSubquery found = PENSTOCK_TRY(bind_subquery(expression, *node.query));
  found.kind = Kind::kScalar;
  const types::Schema& schema = found.plan->schema;
  if (schema.size() != 1) {
    return invalid_argument("ARRAY(...) takes a query of one column, and this one has {}", schema.size())
        .at(expression.position.offset);
  }
  AggregateCall call;
  call.function = PENSTOCK_TRY(expr::bind_aggregate("ARRAY_AGG", schema.front().type, false));
  call.argument = 0;
  Aggregate aggregate;
  aggregate.calls.push_back(std::move(call));
  found.plan = make_node(std::move(aggregate), {found.plan});
  ExprPtr array = PENSTOCK_TRY(collect_subquery(std::move(found)));
  ExprPtr empty = PENSTOCK_TRY(expr::bind_cast(PENSTOCK_TRY(bind_call("ARRAY", {})), array->type()));
  return bind_call("COALESCE", {std::move(array), std::move(empty)});
}

Result<LogicalPtr> Binder::bind_where(LogicalPtr plan, const Scope& scope, const sql::Expression& condition) {
  std::vector<FoundSubquery> subqueries;
  ExprPtr bound = PENSTOCK_TRY(
      bind_condition(condition, {.scope = &scope, .subqueries = &subqueries, .watermarks = true, .place = "in WHERE"}));
  return read_watermarks(PENSTOCK_TRY(add_filter(std::move(plan), bound, subqueries)));
}

// --- planning ---

namespace {

std::optional<size_t> subquery_of(const Expr& expression) {
  bool stands_for = expression.kind() == Expr::Kind::kColumn && expression.column_index() >= kSubqueryColumns &&
                    !is_outer_column(expression);
  if (!stands_for) return std::nullopt;
  return expression.column_index() - kSubqueryColumns;
}

bool has_subquery(const Expr& expression) {
  return subquery_of(expression).has_value() ||
         std::ranges::any_of(expression.children(), [](const ExprPtr& child) { return has_subquery(*child); });
}

// Marks the subqueries that the expression needs, and those that these need.
void mark_needed(const Expr& expression, const std::vector<FoundSubquery>& subqueries, std::vector<bool>& needed) {
  if (std::optional<size_t> one = subquery_of(expression)) {
    if (needed[*one]) return;
    needed[*one] = true;
    for (const ExprPtr& operand : subqueries[*one].operands) mark_needed(*operand, subqueries, needed);
  }
  for (const ExprPtr& child : expression.children()) mark_needed(*child, subqueries, needed);
}

ExprPtr with_values(const ExprPtr& expression, const std::vector<ExprPtr>& values) {
  return expr::transform(expression, [&](ExprPtr leaf) {
    std::optional<size_t> subquery = subquery_of(*leaf);
    return subquery ? values[*subquery] : leaf;
  });
}

ExprPtr boolean(bool value) {
  return Expr::literal(types::Value(value), DataType(TypeKind::kBoolean).with_nullable(false));
}

ExprPtr condition_of(std::vector<ExprPtr> conditions) {
  return conditions.empty() ? nullptr : expr::join_conjunction(std::move(conditions));
}

bool may_be_null(const FoundSubquery& found) {
  for (size_t i = 0; i < found.operands.size(); ++i) {
    if (found.operands[i]->type().nullable() || found.plan->schema[i].type.nullable()) return true;
  }
  return false;
}

// --- conditions that rows must meet: semi and anti joins ---

struct Test {
  size_t subquery = 0;
  bool negated = false;
};

// The condition as one that a semi or anti join can check.
std::optional<Test> as_test(const Expr& condition, const std::vector<FoundSubquery>& subqueries) {
  bool negated = condition.kind() == Expr::Kind::kCall && condition.function().name == "NOT";
  std::optional<size_t> subquery = subquery_of(negated ? *condition.child(0) : condition);
  if (!subquery) return std::nullopt;
  const FoundSubquery& found = subqueries[*subquery];
  if (found.kind == Kind::kExists) return Test{*subquery, negated};
  if (found.kind != Kind::kIn ||
      std::ranges::any_of(found.operands, [](const auto& one) { return has_subquery(*one); }))
    return std::nullopt;
  // NULLs make NOT IN a condition on all rows of the subquery at once, which joins by counts answer; of whole rows,
  // only holding each against each does.
  if (negated && found.operands.size() == 1 && may_be_null(found)) return std::nullopt;
  return Test{*subquery, negated};
}

Result<LogicalPtr> join_test(LogicalPtr plan, const FoundSubquery& found, bool negated) {
  size_t width = plan->schema.size();
  Decorrelated rows =
      PENSTOCK_TRY(decorrelate_rows({.outer = plan, .width = width, .subquery = found.plan, .level = found.level}));
  std::vector<ExprPtr> equal;
  for (size_t i = 0; i < found.operands.size(); ++i) {
    const types::Field& field = rows.plan->schema[i];
    ExprPtr column = Expr::column(width + i, field.type, field.name);
    equal.push_back(PENSTOCK_TRY(bind_call("=", {found.operands[i], std::move(column)})));
  }
  if (!equal.empty()) {
    ExprPtr in = expr::join_conjunction(std::move(equal));
    // A pair of which nobody knows whether it is equal makes NOT IN unknown, too.
    if (negated && may_be_null(found)) in = PENSTOCK_TRY(bind_call("IS NOT FALSE", {std::move(in)}));
    rows.conditions.push_back(std::move(in));
  }
  return make_join(negated ? JoinKind::kAnti : JoinKind::kSemi, std::move(plan), std::move(rows.plan),
                   condition_of(std::move(rows.conditions)));
}

// --- values ---

// A plan with the columns of the one below it and more, and the value of a subquery over these.
struct Joined {
  LogicalPtr plan;
  ExprPtr value;
};

// What a subquery is joined to: the rows as they are now, and as they were before other subqueries' columns came.
struct OuterRows {
  LogicalPtr plan;
  LogicalPtr base;

  size_t width() const { return plan->schema.size(); }
  CorrelatedSubquery with(const FoundSubquery& found) const {
    return {.outer = base, .width = width(), .subquery = found.plan, .level = found.level};
  }
};

// Whether the plan has exactly one row, whatever is below.
bool has_exactly_one_row(const LogicalNode& plan) {
  if (plan.get_if<Project>() != nullptr) return has_exactly_one_row(plan.input());
  const auto* aggregate = plan.get_if<Aggregate>();
  const auto* values = plan.get_if<Values>();
  return (aggregate != nullptr && aggregate->keys.empty()) || (values != nullptr && values->rows.size() == 1);
}

// Adds the columns of `right`, NULL where no row fits.
LogicalPtr join_values(const LogicalPtr& plan, LogicalPtr right, std::vector<ExprPtr> conditions) {
  bool always = conditions.empty() && has_exactly_one_row(*right);
  return make_join(always ? JoinKind::kInner : JoinKind::kLeft, plan, std::move(right),
                   condition_of(std::move(conditions)));
}

Result<AggregateCall> make_call(std::string_view function, const types::Schema& input, int argument) {
  AggregateCall call;
  DataType type = argument < 0 ? DataType() : input[argument].type;
  call.function = PENSTOCK_TRY(expr::bind_aggregate(function, type, false));
  call.argument = argument;
  return call;
}

// The rows of a subquery as the values by which they belong to outer rows, then other expressions over them.
struct KeyedRows {
  LogicalPtr plan;
  size_t keys = 0;
  std::vector<ExprPtr> conditions;  // over width columns ++ plan, of which they use only the keys
};

KeyedRows with_keys_first(Decorrelated rows, const std::vector<ExprPtr>& expressions, size_t width) {
  std::vector<ExprPtr> columns;
  std::vector<std::string> names;
  std::vector<int> mapping = identity(width);
  mapping.resize(width + rows.plan->schema.size(), -1);
  for (int key : rows.keys) {
    mapping[width + static_cast<size_t>(key)] = static_cast<int>(width + columns.size());
    columns.push_back(column_of(rows.plan->schema, key));
    names.push_back(rows.plan->schema[key].name);
  }
  for (const ExprPtr& one : expressions) {
    columns.push_back(one);
    names.push_back(label(*one));
  }
  for (ExprPtr& one : rows.conditions) one = expr::remap_columns(one, mapping);
  LogicalPtr plan = make_project(std::move(rows.plan), std::move(columns), std::move(names));
  return {std::move(plan), rows.keys.size(), std::move(rows.conditions)};
}

// One row per combination of keys, with the keys and these aggregates of a column (none: of whole rows).
Result<LogicalPtr> group_by_keys(const KeyedRows& rows,
                                 const std::vector<std::pair<std::string_view, int>>& functions) {
  Aggregate aggregate{.keys = identity(rows.keys), .calls = {}};
  for (const auto& [function, argument] : functions) {
    aggregate.calls.push_back(PENSTOCK_TRY(make_call(function, rows.plan->schema, argument)));
  }
  return make_node(std::move(aggregate), {rows.plan});
}

// Whether there is at most one row for each combination of keys.
bool is_unique(const Decorrelated& rows) {
  const std::optional<std::vector<int>>& key = rows.plan->traits.key;
  return key &&
         std::ranges::all_of(*key, [&](int column) { return std::ranges::find(rows.keys, column) != rows.keys.end(); });
}

// The columns of a subquery that has at most one row for each row.
Result<std::pair<LogicalPtr, std::vector<ExprPtr>>> join_only_row(const LogicalPtr& plan, Decorrelated rows,
                                                                  size_t columns) {
  size_t width = plan->schema.size();
  LogicalPtr right = rows.defaults ? with_marker(std::move(rows.plan)) : std::move(rows.plan);
  LogicalPtr joined = join_values(plan, std::move(right), std::move(rows.conditions));
  ExprPtr matched = column_of(joined->schema, static_cast<int>(joined->schema.size()) - 1);
  std::vector<ExprPtr> values;
  for (size_t i = 0; i < columns; ++i) {
    ExprPtr column = column_of(joined->schema, static_cast<int>(width + i));
    if (rows.defaults) column = PENSTOCK_TRY(value_or(std::move(column), matched, (*rows.defaults)[i]));
    values.push_back(std::move(column));
  }
  return std::pair(std::move(joined), std::move(values));
}

Result<Joined> join_scalar(const OuterRows& outer, const FoundSubquery& found) {
  Decorrelated rows = PENSTOCK_TRY(decorrelate_values(outer.with(found)));
  if (is_unique(rows)) {
    auto [plan, values] = PENSTOCK_TRY(join_only_row(outer.plan, std::move(rows), 1));
    return Joined{std::move(plan), std::move(values.front())};
  }
  // Rows of which there are too many are an error only where an outer row needs them.
  ExprPtr value = column_of(rows.plan->schema, 0);
  KeyedRows keyed = with_keys_first(std::move(rows), {value}, outer.width());
  int argument = static_cast<int>(keyed.keys);
  LogicalPtr right = PENSTOCK_TRY(group_by_keys(keyed, {{"COUNT", -1}, {"MAX", argument}}));
  // An inner join would let rules compute the check on the side of the subquery.
  LogicalPtr plan = make_join(JoinKind::kLeft, outer.plan, std::move(right), condition_of(std::move(keyed.conditions)));
  int count = static_cast<int>(plan->schema.size()) - 2;
  ExprPtr one_row = PENSTOCK_TRY(bind_call("AT MOST ONE ROW", {column_of(plan->schema, count)}));
  ExprPtr checked = PENSTOCK_TRY(expr::bind_case(
      {std::move(one_row), column_of(plan->schema, count + 1), Expr::literal({}, value->type().with_nullable(true))}));
  return Joined{std::move(plan), std::move(checked)};
}

Result<Joined> join_exists(const OuterRows& outer, const FoundSubquery& found) {
  Decorrelated rows = PENSTOCK_TRY(decorrelate_values(outer.with(found)));
  if (rows.defaults) return Joined{outer.plan, boolean(true)};
  KeyedRows keyed = with_keys_first(std::move(rows), {}, outer.width());
  if (keyed.keys > 0) {
    LogicalPtr right = with_marker(PENSTOCK_TRY(group_by_keys(keyed, {})));
    LogicalPtr plan = join_values(outer.plan, std::move(right), std::move(keyed.conditions));
    ExprPtr matched = column_of(plan->schema, static_cast<int>(plan->schema.size()) - 1);
    return Joined{std::move(plan), PENSTOCK_TRY(bind_call("IS NOT NULL", {std::move(matched)}))};
  }
  LogicalPtr right = PENSTOCK_TRY(group_by_keys(keyed, {{"COUNT", -1}}));
  LogicalPtr plan = join_values(outer.plan, std::move(right), {});
  ExprPtr count = column_of(plan->schema, static_cast<int>(plan->schema.size()) - 1);
  ExprPtr zero = Expr::literal(types::Value(int64_t{0}), DataType(TypeKind::kBigInt).with_nullable(false));
  return Joined{std::move(plan), PENSTOCK_TRY(bind_call(">", {std::move(count), std::move(zero)}))};
}

// TRUE where `is_true`; else NULL where a row that the subquery has, or the operand, is NULL; else FALSE. `rows` and
// `values` are how many rows and values that are not NULL there are, NULL for none.
Result<ExprPtr> three_valued(ExprPtr is_true, const ExprPtr& operand, const ExprPtr& rows, const ExprPtr& values) {
  ExprPtr zero = Expr::literal(types::Value(int64_t{0}), DataType(TypeKind::kBigInt).with_nullable(false));
  ExprPtr any = PENSTOCK_TRY(bind_call(">", {rows, std::move(zero)}));
  ExprPtr null_operand = PENSTOCK_TRY(bind_call("IS NULL", {operand}));
  ExprPtr null_row = PENSTOCK_TRY(bind_call(">", {rows, values}));
  ExprPtr null = PENSTOCK_TRY(bind_call("OR", {std::move(null_operand), std::move(null_row)}));
  ExprPtr unknown = PENSTOCK_TRY(bind_call("AND", {std::move(any), std::move(null)}));
  return expr::bind_case(
      {std::move(is_true), boolean(true), std::move(unknown), Expr::literal({}, TypeKind::kBoolean), boolean(false)});
}

// The operands, and what they are compared with over the subquery's columns, of one type each.
struct Comparands {
  std::vector<ExprPtr> operands;
  std::vector<ExprPtr> candidates;
};
Result<Comparands> comparands_of(const FoundSubquery& found) {
  Comparands comparands;
  // The subquery's columns keep apart from those of the operands.
  size_t first = kSubqueryColumns;
  for (size_t i = 0; i < found.operands.size(); ++i) {
    const types::Field& field = found.plan->schema[i];
    ExprPtr column = Expr::column(first + i, field.type, field.name);
    ExprPtr comparison = PENSTOCK_TRY(bind_call(found.comparison, {found.operands[i], std::move(column)}));
    comparands.operands.push_back(comparison->child(0));
    comparands.candidates.push_back(expr::transform(comparison->child(1), [&](ExprPtr leaf) {
      return leaf->kind() == Expr::Kind::kColumn ? column_of(found.plan->schema, static_cast<int>(i)) : leaf;
    }));
  }
  return comparands;
}

Result<Joined> join_in(const OuterRows& outer, const FoundSubquery& found, Decorrelated rows) {
  if (found.operands.size() > 1 && may_be_null(found)) {
    return unsupported("IN of several columns that may be NULL is supported only as a condition of its own")
        .hint("write it in WHERE, joined to other conditions by AND");
  }
  Comparands comparands = PENSTOCK_TRY(comparands_of(found));
  KeyedRows keyed = with_keys_first(std::move(rows), comparands.candidates, outer.width());
  std::vector<ExprPtr> conditions = keyed.conditions;
  for (size_t i = 0; i < comparands.operands.size(); ++i) {
    const types::Field& field = keyed.plan->schema[keyed.keys + i];
    ExprPtr column = Expr::column(outer.width() + keyed.keys + i, field.type, field.name);
    conditions.push_back(PENSTOCK_TRY(bind_call("=", {comparands.operands[i], std::move(column)})));
  }
  LogicalPtr plan = join_values(outer.plan, with_marker(make_distinct(keyed.plan)), std::move(conditions));
  ExprPtr matched = column_of(plan->schema, static_cast<int>(plan->schema.size()) - 1);
  ExprPtr found_one = PENSTOCK_TRY(bind_call("IS NOT NULL", {std::move(matched)}));
  if (!may_be_null(found)) return Joined{std::move(plan), std::move(found_one)};

  // The conditions of the counts see the columns that have just been added, too.
  size_t width = outer.width();
  std::vector<int> mapping = identity(width);
  for (size_t i = 0; i < keyed.keys; ++i) mapping.push_back(static_cast<int>(plan->schema.size() + i));
  for (ExprPtr& one : keyed.conditions) one = expr::remap_columns(one, mapping);
  int argument = static_cast<int>(keyed.keys);
  LogicalPtr counts = PENSTOCK_TRY(group_by_keys(keyed, {{"COUNT", -1}, {"COUNT", argument}}));
  plan = join_values(plan, std::move(counts), std::move(keyed.conditions));
  int last = static_cast<int>(plan->schema.size()) - 1;
  ExprPtr value = PENSTOCK_TRY(three_valued(std::move(found_one), comparands.operands.front(),
                                            column_of(plan->schema, last - 1), column_of(plan->schema, last)));
  return Joined{std::move(plan), std::move(value)};
}

// a < ANY is a < MAX, a > ANY is a > MIN, a <> ANY is one of a <> MIN and a <> MAX.
Result<Joined> join_comparison(const OuterRows& outer, const FoundSubquery& found, Decorrelated rows) {
  Comparands comparands = PENSTOCK_TRY(comparands_of(found));
  KeyedRows keyed = with_keys_first(std::move(rows), comparands.candidates, outer.width());
  int argument = static_cast<int>(keyed.keys);
  LogicalPtr right =
      PENSTOCK_TRY(group_by_keys(keyed, {{"COUNT", -1}, {"COUNT", argument}, {"MIN", argument}, {"MAX", argument}}));
  LogicalPtr plan = join_values(outer.plan, std::move(right), std::move(keyed.conditions));
  int last = static_cast<int>(plan->schema.size()) - 1;
  const ExprPtr& operand = comparands.operands.front();
  auto compare = [&](int column) { return bind_call(found.comparison, {operand, column_of(plan->schema, column)}); };
  bool less = found.comparison == "<" || found.comparison == "<=";
  ExprPtr is_true = PENSTOCK_TRY(compare(less ? last : last - 1));
  if (found.comparison == "<>") {
    ExprPtr other = PENSTOCK_TRY(compare(last));
    is_true = PENSTOCK_TRY(bind_call("OR", {std::move(is_true), std::move(other)}));
  }
  ExprPtr value = PENSTOCK_TRY(
      three_valued(std::move(is_true), operand, column_of(plan->schema, last - 3), column_of(plan->schema, last - 2)));
  return Joined{std::move(plan), std::move(value)};
}

Result<Joined> join_value(const OuterRows& outer, const FoundSubquery& found) {
  if (found.kind == Kind::kScalar) return join_scalar(outer, found);
  if (found.kind == Kind::kExists) return join_exists(outer, found);
  Decorrelated rows = PENSTOCK_TRY(decorrelate_values(outer.with(found)));
  // Exactly one row: it is that which is compared.
  if (rows.defaults) {
    auto [plan, values] = PENSTOCK_TRY(join_only_row(outer.plan, std::move(rows), found.operands.size()));
    std::vector<ExprPtr> compared;
    for (size_t i = 0; i < values.size(); ++i) {
      compared.push_back(PENSTOCK_TRY(bind_call(found.comparison, {found.operands[i], values[i]})));
    }
    return Joined{std::move(plan), expr::join_conjunction(std::move(compared))};
  }
  return found.kind == Kind::kIn ? join_in(outer, found, std::move(rows))
                                 : join_comparison(outer, found, std::move(rows));
}

}  // namespace

Result<LogicalPtr> Binder::add_subqueries(LogicalPtr plan, std::vector<FoundSubquery> subqueries,
                                          std::span<ExprPtr* const> expressions) {
  std::vector<bool> needed(subqueries.size(), false);
  for (const ExprPtr* expression : expressions) mark_needed(**expression, subqueries, needed);
  OuterRows outer{plan, plan};
  std::vector<ExprPtr> values(subqueries.size());
  for (size_t i = 0; i < subqueries.size(); ++i) {
    if (!needed[i]) continue;
    // Those in its operands were found before it.
    for (ExprPtr& operand : subqueries[i].operands) operand = with_values(operand, values);
    Joined joined = PENSTOCK_TRY(located(join_value(outer, subqueries[i]), subqueries[i].position));
    outer.plan = std::move(joined.plan);
    values[i] = std::move(joined.value);
  }
  for (ExprPtr* expression : expressions) *expression = with_values(*expression, values);
  return outer.plan;
}

Result<LogicalPtr> Binder::add_filter(LogicalPtr plan, const ExprPtr& condition,
                                      std::vector<FoundSubquery> subqueries) {
  size_t columns = plan->schema.size();
  Conjuncts plain;
  std::vector<Test> tests;
  Conjuncts rest;
  for (ExprPtr& one : expr::split_conjunction(condition)) {
    if (std::optional<Test> test = as_test(*one, subqueries)) {
      tests.push_back(*test);
    } else {
      (has_subquery(*one) ? rest : plain).push_back(std::move(one));
    }
  }
  plan = with_filter(std::move(plan), std::move(plain));
  for (const Test& test : tests) {
    const FoundSubquery& found = subqueries[test.subquery];
    plan = PENSTOCK_TRY(located(join_test(std::move(plan), found, test.negated), found.position));
  }
  if (rest.empty()) return plan;
  std::vector<ExprPtr*> pointers;
  for (ExprPtr& one : rest) pointers.push_back(&one);
  plan = PENSTOCK_TRY(add_subqueries(std::move(plan), std::move(subqueries), pointers));
  return make_selection(with_filter(std::move(plan), std::move(rest)), identity(columns));
}

// --- ON ---

namespace {

// Whether the subquery uses columns of the left and of the right side of a join.
std::pair<bool, bool> used_sides(const FoundSubquery& found, size_t left_columns) {
  std::vector<size_t> used;
  for (const ExprPtr& operand : found.operands) {
    replace_own(operand, [&](const Expr& column) {
      used.push_back(column.column_index());
      return Expr::column(column.column_index(), column.type());
    });
  }
  collect_outer_columns(*found.plan, found.level, used);
  auto on_left = [&](size_t column) { return column < left_columns; };
  return {std::ranges::any_of(used, on_left), !std::ranges::all_of(used, on_left)};
}

// The subquery as seen from the right side alone.
void move_to_right(FoundSubquery& found, size_t left_columns, const LogicalNode& right) {
  auto column_at = [&](size_t column) { return column_of(right.schema, static_cast<int>(column - left_columns)); };
  for (ExprPtr& operand : found.operands) {
    operand = replace_own(operand, [&](const Expr& column) { return column_at(column.column_index()); });
  }
  found.plan = map_expressions(found.plan, [&](const ExprPtr& expression) {
    return replace_outer(expression, found.level, [&](size_t column) {
      ExprPtr moved = column_at(column);
      return outer_column(found.level, moved->column_index(), moved->type(), moved->column_name());
    });
  });
}

}  // namespace

// Subqueries in the ON of an inner join are conditions on its rows. In that of another one they decide which rows
// have partners, so that their values must be there before: on the side whose columns they use.
Result<LogicalPtr> Binder::join_on(JoinKind kind, LogicalPtr left, LogicalPtr right, JoinCondition on) {
  if (on.subqueries.empty()) return make_join(kind, std::move(left), std::move(right), std::move(on.condition));
  if (kind == JoinKind::kInner) {
    LogicalPtr pairs = make_join(kind, std::move(left), std::move(right), nullptr);
    return add_filter(std::move(pairs), on.condition, std::move(on.subqueries));
  }
  size_t left_columns = left->schema.size();
  size_t right_columns = right->schema.size();
  std::vector<ExprPtr> values;
  std::vector<ExprPtr*> on_left;
  std::vector<ExprPtr*> on_right;
  for (size_t i = 0; i < on.subqueries.size(); ++i) {
    values.push_back(Expr::column(kSubqueryColumns + i, on.subqueries[i].type(), "(subquery)"));
  }
  for (size_t i = 0; i < on.subqueries.size(); ++i) {
    FoundSubquery& found = on.subqueries[i];
    if (std::ranges::any_of(found.operands, [](const ExprPtr& one) { return has_subquery(*one); })) {
      return unsupported("in the ON of an outer, semi or anti join, a subquery cannot be compared with a subquery")
          .at(found.position.offset);
    }
    auto [uses_left, uses_right] = used_sides(found, left_columns);
    if (uses_left && uses_right) {
      return unsupported("in the ON of an outer, semi or anti join, a subquery can use columns of only one side")
          .at(found.position.offset);
    }
    if (uses_right) move_to_right(found, left_columns, *right);
    (uses_right ? on_right : on_left).push_back(&values[i]);
  }
  left = PENSTOCK_TRY(add_subqueries(std::move(left), on.subqueries, on_left));
  right = PENSTOCK_TRY(add_subqueries(std::move(right), std::move(on.subqueries), on_right));
  std::vector<int> places = identity(left_columns);
  size_t moved = left->schema.size();
  for (size_t i = 0; i < right->schema.size(); ++i) places.push_back(static_cast<int>(moved + i));
  for (ExprPtr* value : on_right) {
    *value = replace_own(*value, [&](const Expr& column) {
      return Expr::column(moved + column.column_index(), column.type(), column.column_name());
    });
  }
  ExprPtr condition = replace_own(on.condition, [&](const Expr& column) {
    if (std::optional<size_t> subquery = subquery_of(column)) return values[*subquery];
    return Expr::column(static_cast<size_t>(places[column.column_index()]), column.type(), column.column_name());
  });
  const size_t columns = left_columns + (gives_left_only(kind) ? 0 : right_columns);
  std::vector<int> output(places.begin(), places.begin() + static_cast<ptrdiff_t>(columns));
  Join join{.kind = kind,
            .keys = {},
            .condition = std::move(condition),
            .output = std::move(output),
            .time = {},
            .as_of = {}};
  return make_node(std::move(join), {std::move(left), std::move(right)});
}

}  // namespace penstock::plan
