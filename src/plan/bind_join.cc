// Joins: the tables of a comma list, ON, USING, NATURAL.
#include <algorithm>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/decorrelate.h"
#include "plan/node.h"
#include "sql/keywords.h"

namespace penstock::plan {

JoinKind kind_of(sql::JoinKind kind) {
  switch (kind) {
    case sql::JoinKind::kInner:
    case sql::JoinKind::kCross: return JoinKind::kInner;
    case sql::JoinKind::kLeft: return JoinKind::kLeft;
    case sql::JoinKind::kRight: return JoinKind::kRight;
    case sql::JoinKind::kFull: return JoinKind::kFull;
    case sql::JoinKind::kSemi: return JoinKind::kSemi;
    case sql::JoinKind::kAnti: return JoinKind::kAnti;
  }
  return JoinKind::kInner;
}

namespace {

using expr::ExprPtr;

constexpr std::string_view kWithoutPartner = "on the side of an outer join whose columns may be NULL";

// The column of that name on one side of a join.
Result<size_t> named_column(const Scope& scope, const sql::Identifier& name, std::string_view side) {
  sql::QualifiedName qualified;
  qualified.parts.push_back(name);
  Result<size_t> column = scope.resolve(qualified);
  if (!column) return std::move(column).error().context(side);
  return column;
}

bool is_lateral_query(const sql::TableReference& table) {
  const auto* derived = std::get_if<sql::DerivedTable>(&table.node);
  return derived != nullptr && derived->lateral;
}

// The names that both sides of a NATURAL join have, as the left one spells them.
std::vector<sql::Identifier> natural_columns(const Scope& left, const Scope& right, sql::Position position) {
  std::vector<sql::Identifier> names;
  for (size_t column : left.plain_columns()) {
    sql::Identifier name{left.name(column), position};
    bool shared = std::ranges::any_of(
        right.plain_columns(), [&](size_t other) { return sql::equal_ignoring_case(right.name(other), name.text); });
    if (shared) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Status check_table_names(const Scope& left, const Scope& right, sql::Position position) {
  std::optional<std::string> name = left.shared_table(right);
  if (!name) return {};
  return invalid_argument("there are two tables {} in FROM", *name)
      .at(position.offset)
      .hint("give one of them another name: " + *name + " AS other");
}

void set_joined(Scope& scope, JoinKind kind, size_t left_columns, const types::Schema& schema) {
  scope.set_types(schema);
  if (preserves_left(kind)) scope.set_missing(left_columns, scope.size());
  if (preserves_right(kind)) scope.set_missing(0, left_columns);
}

Result<Binder::Named> Binder::bind_join(const sql::Join& join) {
  const size_t before_left = recursive_uses_.size();
  Named left = PENSTOCK_TRY(bind_table(*join.left));
  const size_t before_right = recursive_uses_.size();
  const JoinKind kind = kind_of(join.kind);
  if (preserves_right(kind)) PENSTOCK_TRY(refuse_recursive_uses(before_left, kWithoutPartner));
  Named joined = PENSTOCK_TRY(bind_join_of_any_kind(join, std::move(left)));
  if (preserves_left(kind)) PENSTOCK_TRY(refuse_recursive_uses(before_right, kWithoutPartner));
  if (gives_left_only(kind)) PENSTOCK_TRY(refuse_recursive_uses(before_right, "on the right of a SEMI or ANTI JOIN"));
  const auto* table = std::get_if<sql::NamedTable>(&join.right->node);
  const bool of_versions = join.match_condition || (table != nullptr && table->as_of);
  if (of_versions) PENSTOCK_TRY(refuse_recursive_uses(before_left, "in ASOF JOIN or with FOR SYSTEM_TIME AS OF"));
  joined.first = with_place(joined.first, join.right->position.offset);
  joined.first = with_join_hints(std::move(joined.first), join.left.get(), *join.right);
  return joined;
}

Result<Binder::Named> Binder::bind_join_of_any_kind(const sql::Join& join, Named left) {
  if (join.match_condition) return bind_asof_join(join, std::move(left));
  if (is_lateral(*join.right)) return bind_lateral_join(join, std::move(left));
  const auto* named = std::get_if<sql::NamedTable>(&join.right->node);
  if (named != nullptr && named->as_of) return bind_join_as_of(join, *named, std::move(left));
  if (join.kind == sql::JoinKind::kCross && !join.natural) return bind_cross_join(std::move(left), *join.right);
  if (is_lateral_query(*join.right)) return bind_lateral_query_join(std::move(left), join);
  Named right = PENSTOCK_TRY(bind_table(*join.right));
  if (join.on) {
    return join_tables(kind_of(join.kind), std::move(left), std::move(right), join.on.get(), join.right->position);
  }
  PENSTOCK_TRY(check_table_names(left.second, right.second, join.right->position));
  return bind_named_columns(join, std::move(left), std::move(right));
}

Result<Binder::Named> Binder::join_tables(JoinKind kind, Named left, Named right, const sql::Expression* on,
                                          sql::Position position) {
  PENSTOCK_TRY(check_table_names(left.second, right.second, position));
  Scope scope(left.second, right.second);
  std::vector<FoundSubquery> subqueries;
  LogicalPtr plan;
  if (on == nullptr) {
    plan = make_join(kind, std::move(left.first), std::move(right.first), nullptr);
  } else {
    ExprPtr condition =
        PENSTOCK_TRY(bind_condition(*on, {.scope = &scope, .subqueries = &subqueries, .place = "in ON"}));
    plan = PENSTOCK_TRY(
        join_on(kind, std::move(left.first), std::move(right.first), {std::move(condition), std::move(subqueries)}));
  }
  PENSTOCK_TRY(check_size(plan, position));
  if (gives_left_only(kind)) return Named(std::move(plan), std::move(left.second));
  set_joined(scope, kind, left.second.size(), plan->schema);
  return Named(std::move(plan), std::move(scope));
}

Result<Binder::Named> Binder::bind_cross_join(Named left, const sql::TableReference& right_table) {
  if (is_lateral(right_table)) return bind_unnest(std::move(left), right_table, false);
  if (is_lateral_query(right_table)) return bind_lateral(std::move(left), right_table, JoinKind::kInner, nullptr);
  Named right = PENSTOCK_TRY(bind_table(right_table));
  return join_tables(JoinKind::kInner, std::move(left), std::move(right), nullptr, right_table.position);
}

Result<Binder::Named> Binder::bind_lateral_query_join(Named left, const sql::Join& join) {
  JoinKind kind = kind_of(join.kind);
  uint32_t position = join.right->position.offset;
  if (preserves_right(kind)) {
    return invalid_argument("LATERAL cannot be on the right of a RIGHT or FULL JOIN: it has no rows of its own")
        .at(position);
  }
  if (gives_left_only(kind)) {
    return unsupported("LATERAL cannot be on the right of a SEMI or ANTI JOIN").at(position).hint("write WHERE EXISTS");
  }
  if (!join.on) return unsupported("LATERAL is joined by ON, not by USING or NATURAL").at(position);
  return bind_lateral(std::move(left), *join.right, kind, join.on.get());
}

Result<Binder::Named> Binder::bind_lateral(Named left, const sql::TableReference& right_table, JoinKind kind,
                                           const sql::Expression* on) {
  auto level = static_cast<QueryLevel>(outer_queries_.size());
  outer_queries_.push_back({.scope = &left.second});
  Named right = PENSTOCK_TRY(bind_table(right_table));
  outer_queries_.pop_back();
  PENSTOCK_TRY(check_table_names(left.second, right.second, right_table.position));
  Scope scope(left.second, right.second);
  size_t width = left.second.size();
  CorrelatedSubquery query{.outer = left.first, .width = width, .subquery = right.first, .level = level};
  Decorrelated rows = PENSTOCK_TRY(located(decorrelate_rows(query), right_table.position));
  if (on != nullptr) {
    rows.conditions.push_back(PENSTOCK_TRY(bind_condition(*on, {.scope = &scope, .place = "in ON"})));
  }
  Join join{.kind = kind, .keys = {}, .condition = nullptr, .output = identity(scope.size()), .time = {}, .as_of = {}};
  if (!rows.conditions.empty()) join.condition = expr::join_conjunction(std::move(rows.conditions));
  LogicalPtr plan = make_node(std::move(join), {left.first, std::move(rows.plan)});
  PENSTOCK_TRY(check_size(plan, right_table.position));
  set_joined(scope, kind, width, plan->schema);
  return Named(std::move(plan), std::move(scope));
}

// USING and NATURAL: in front of the columns of both sides, which keep their places behind, stands one for each pair.
Result<Binder::Named> Binder::bind_named_columns(const sql::Join& join, Named left, Named right) {
  std::vector<sql::Identifier> names = join.using_columns;
  if (join.natural) names = natural_columns(left.second, right.second, join.right->position);
  Scope scope(left.second, right.second);
  std::vector<ExprPtr> equal;
  std::vector<std::pair<size_t, size_t>> pairs;
  for (const sql::Identifier& name : names) {
    size_t on_left = PENSTOCK_TRY(named_column(left.second, name, "left side of the join"));
    size_t on_right = PENSTOCK_TRY(named_column(right.second, name, "right side of the join")) + left.second.size();
    bool again = std::ranges::any_of(pairs, [&](const auto& pair) { return pair.first == on_left; });
    if (again) return invalid_argument("column {} is named twice", name.text).at(name.position.offset);
    pairs.emplace_back(on_left, on_right);
    Result<ExprPtr> equality = expr::bind_call("=", {scope.column(on_left), scope.column(on_right)});
    equal.push_back(PENSTOCK_TRY(located(std::move(equality), name.position)));
  }
  ExprPtr condition = equal.empty() ? nullptr : expr::join_conjunction(std::move(equal));
  JoinKind kind = kind_of(join.kind);
  LogicalPtr plan = make_join(kind, std::move(left.first), std::move(right.first), std::move(condition));
  PENSTOCK_TRY(check_size(plan, join.right->position));
  if (gives_left_only(kind)) return Named(std::move(plan), std::move(left.second));
  set_joined(scope, kind, left.second.size(), plan->schema);
  if (pairs.empty()) return Named(std::move(plan), std::move(scope));

  std::vector<ExprPtr> expressions;
  std::vector<std::string> columns;
  types::Schema merged;
  for (auto [on_left, on_right] : pairs) {
    ExprPtr value = scope.column(kind == JoinKind::kRight ? on_right : on_left);
    if (kind == JoinKind::kFull) {
      value = PENSTOCK_TRY(expr::bind_call("COALESCE", {std::move(value), scope.column(on_right)}));
    }
    merged.push_back({scope.name(on_left), value->type()});
    expressions.push_back(std::move(value));
    columns.push_back(merged.back().name);
    scope.merge(on_left);
    scope.merge(on_right);
  }
  for (size_t i = 0; i < scope.size(); ++i) {
    expressions.push_back(scope.column(i));
    columns.push_back(scope.name(i));
  }
  plan = make_project(std::move(plan), std::move(expressions), std::move(columns));
  return Named(std::move(plan), Scope(Scope("", merged), scope));
}

}  // namespace penstock::plan
