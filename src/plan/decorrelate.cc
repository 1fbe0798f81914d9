#include "plan/decorrelate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

std::vector<ExprPtr> all_columns(const types::Schema& schema) {
  std::vector<ExprPtr> columns;
  for (size_t i = 0; i < schema.size(); ++i) columns.push_back(column_of(schema, static_cast<int>(i)));
  return columns;
}

// The values of the outer query that a subquery uses: columns of it, and columns cast to another type without loss,
// which is what an equality of two types compares.
class OuterValues {
 public:
  OuterValues(const LogicalNode& subquery, QueryLevel level) : level_(level) { collect(subquery); }

  size_t size() const { return values_.size(); }
  QueryLevel level() const { return level_; }
  const ExprPtr& operator[](size_t i) const { return values_[i]; }

  std::optional<size_t> find(const Expr& expression) const {
    auto found = std::ranges::find_if(values_, [&](const ExprPtr& known) { return known->equals(expression); });
    if (found == values_.end()) return std::nullopt;
    return static_cast<size_t>(found - values_.begin());
  }

  // The expression with `columns[i]` for the i-th value.
  ExprPtr replace(const ExprPtr& expression, const std::vector<ExprPtr>& columns) const {
    if (std::optional<size_t> value = find(*expression)) return columns[*value];
    std::vector<ExprPtr> children;
    bool changed = false;
    for (const ExprPtr& child : expression->children()) {
      children.push_back(replace(child, columns));
      changed = changed || children.back() != child;
    }
    return changed ? expression->with_children(std::move(children)) : expression;
  }

  // The i-th value over what the outer query is over.
  ExprPtr of_outer(size_t i, const LogicalNode& outer) const { return over(values_[i], outer); }
  ExprPtr over(const ExprPtr& expression, const LogicalNode& outer) const {
    return replace_outer(expression, level_,
                         [&](size_t column) { return column_of(outer.schema, static_cast<int>(column)); });
  }

 private:
  bool is_value(const Expr& expression) const {
    if (outer_column_of(expression, level_)) return true;
    return expression.kind() == Expr::Kind::kCast && is_value(*expression.child(0)) &&
           expr::implicitly_castable(expression.child(0)->type(), expression.type());
  }
  void collect(const ExprPtr& expression) {
    if (is_value(*expression)) {
      find_or_add(values_, expression);
      return;
    }
    for (const ExprPtr& child : expression->children()) collect(child);
  }
  void collect(const LogicalNode& node) {
    visit_expressions(node.op, [&](const ExprPtr& expression) { collect(expression); });
    for (const LogicalPtr& input : node.inputs) collect(*input);
  }

  QueryLevel level_;
  std::vector<ExprPtr> values_;
};

// Pushes the outer values down through the plan of a subquery, to where they are used.
class Decorrelator {
 public:
  Decorrelator(const LogicalPtr& outer, const OuterValues& values) : outer_(outer), values_(values) {}

  // The node's columns, then one per value: rows for every combination of values in the outer plan, and maybe for
  // others.
  struct Pushed {
    LogicalPtr plan;
    // As of Decorrelated, but over the outer columns as the subquery sees them.
    std::optional<std::vector<ExprPtr>> defaults;
  };

  Result<Pushed> push(const LogicalPtr& node) {
    if (is_correlated(*node, values_.level())) {
      return std::visit([&](const auto& op) { return push_operator(op, node); }, node->op);
    }
    LogicalPtr domain = PENSTOCK_TRY(this->domain());
    return Pushed{make_join(JoinKind::kInner, node, std::move(domain), nullptr), {}};
  }

  // The same with the rows that the plan has not got by its defaults.
  Result<LogicalPtr> push_rows(const LogicalPtr& node) {
    Pushed pushed = PENSTOCK_TRY(push(node));
    if (!pushed.defaults) return pushed.plan;
    LogicalPtr domain = PENSTOCK_TRY(this->domain());
    size_t columns = node->schema.size();
    size_t first = values_.size();  // of the columns that are joined to the domain
    LogicalPtr right = with_marker(std::move(pushed.plan));
    std::vector<ExprPtr> equal;
    for (size_t i = 0; i < values_.size(); ++i) {
      DataType type = right->schema[columns + i].type;
      std::vector<ExprPtr> sides = {column_of(domain->schema, static_cast<int>(i)),
                                    Expr::column(first + columns + i, type, right->schema[columns + i].name)};
      equal.push_back(PENSTOCK_TRY(expr::bind_call("IS NOT DISTINCT FROM", std::move(sides))));
    }
    LogicalPtr joined =
        make_join(JoinKind::kLeft, std::move(domain), std::move(right), expr::join_conjunction(std::move(equal)));
    std::vector<ExprPtr> of_domain = value_columns(*joined, 0);
    ExprPtr matched = column_of(joined->schema, static_cast<int>(joined->schema.size()) - 1);
    std::vector<ExprPtr> expressions;
    for (size_t i = 0; i < columns; ++i) {
      ExprPtr otherwise = values_.replace((*pushed.defaults)[i], of_domain);
      ExprPtr column = column_of(joined->schema, static_cast<int>(first + i));
      expressions.push_back(PENSTOCK_TRY(value_or(std::move(column), matched, std::move(otherwise))));
    }
    return project_with_values(std::move(joined), std::move(expressions), column_names(*node), of_domain);
  }

  bool uses_domain() const { return domain_ != nullptr; }

 private:
  // Every combination of the values in the outer plan, once.
  Result<LogicalPtr> domain() {
    if (domain_ != nullptr) return domain_;
    std::vector<ExprPtr> expressions;
    std::vector<std::string> names;
    for (size_t i = 0; i < values_.size(); ++i) {
      expressions.push_back(values_.of_outer(i, *outer_));
      names.push_back(label(*expressions.back()));
    }
    // It is computed twice, and must give the same both times.
    if (!is_deterministic(*outer_)) {
      return unsupported("this subquery depends on rows that are computed by chance or by the clock")
          .hint("put these into a materialized view, and read that");
    }
    domain_ = make_distinct(make_project(outer_, std::move(expressions), std::move(names)));
    return domain_;
  }

  static bool is_deterministic(const LogicalNode& plan) {
    bool deterministic = true;
    visit_expressions(plan.op, [&](const ExprPtr& one) { deterministic = deterministic && one->is_deterministic(); });
    return deterministic &&
           std::ranges::all_of(plan.inputs, [](const LogicalPtr& input) { return is_deterministic(*input); });
  }

  // The columns of `plan` with the values, the first of which has that number.
  std::vector<ExprPtr> value_columns(const LogicalNode& plan, size_t first) const {
    std::vector<ExprPtr> columns;
    for (size_t i = 0; i < values_.size(); ++i) columns.push_back(column_of(plan.schema, static_cast<int>(first + i)));
    return columns;
  }

  static LogicalPtr project_with_values(LogicalPtr input, std::vector<ExprPtr> expressions,
                                        std::vector<std::string> names, const std::vector<ExprPtr>& values) {
    for (const ExprPtr& value : values) {
      expressions.push_back(value);
      names.push_back(label(*value));
    }
    return make_project(std::move(input), std::move(expressions), std::move(names));
  }

  // The columns of `plan` in another order: `first` of them, those behind the values, the values.
  LogicalPtr values_last(LogicalPtr plan, size_t first) const {
    std::vector<int> columns;
    for (size_t i = 0; i < plan->schema.size(); ++i) {
      if (i < first || i >= first + values_.size()) columns.push_back(static_cast<int>(i));
    }
    for (size_t i = 0; i < values_.size(); ++i) columns.push_back(static_cast<int>(first + i));
    return make_selection(std::move(plan), columns);
  }

  // --- conditions ---

  // `value = something of the input`, by which that stands for the value.
  struct Binding {
    size_t value = 0;
    ExprPtr bound;
  };
  std::optional<Binding> match_binding(const ExprPtr& condition) const {
    bool equality = condition->kind() == Expr::Kind::kCall && condition->function().name == "=";
    if (!equality) return std::nullopt;
    for (size_t side : {0, 1}) {
      std::optional<size_t> value = values_.find(*condition->child(side));
      const ExprPtr& other = condition->child(1 - side);
      if (!value || is_correlated(*other, values_.level()) || !other->is_deterministic()) continue;
      DataType type = values_[*value]->type();
      if (type.same_type(other->type())) return Binding{*value, other};
      // Integers of other widths are compared as they are; those that do not fit equal none.
      if (type.is_integer() && other->type().is_integer()) return Binding{*value, *expr::bind_cast(other, type, true)};
    }
    return std::nullopt;
  }

  // The input under the conditions, with a column for each value; null when some value is equal to nothing.
  LogicalPtr bind_by_equalities(const LogicalPtr& input, const Conjuncts& conjuncts) const {
    std::vector<ExprPtr> bound(values_.size());
    Conjuncts rest;
    for (const ExprPtr& one : conjuncts) {
      std::optional<Binding> binding = match_binding(one);
      if (binding && bound[binding->value] == nullptr) {
        bound[binding->value] = binding->bound;
      } else {
        rest.push_back(one);
      }
    }
    if (std::ranges::any_of(bound, [](const ExprPtr& one) { return one == nullptr; })) return nullptr;
    for (ExprPtr& one : rest) one = values_.replace(one, bound);
    for (const ExprPtr& one : bound) {
      // NULL equals nothing, but would be grouped.
      if (one->type().nullable()) rest.push_back(*expr::bind_call("IS NOT NULL", {one}));
    }
    LogicalPtr rows = input;
    if (!rest.empty()) rows = make_filter(std::move(rows), expr::join_conjunction(std::move(rest)));
    return project_with_values(std::move(rows), all_columns(input->schema), column_names(*input), bound);
  }

  Result<Pushed> push_operator(const Filter& /*op*/, const LogicalPtr& node) {
    Conjuncts conjuncts;
    LogicalPtr input = node;
    while (const auto* filter = input->get_if<Filter>()) {
      for (ExprPtr& one : expr::split_conjunction(filter->predicate)) conjuncts.push_back(std::move(one));
      input = input->inputs.front();
    }
    if (!is_correlated(*input, values_.level())) {
      LogicalPtr bound = bind_by_equalities(input, conjuncts);
      if (bound != nullptr) return Pushed{std::move(bound), {}};
    }
    LogicalPtr rows = PENSTOCK_TRY(push_rows(input));
    ExprPtr condition = expr::join_conjunction(std::move(conjuncts));
    condition = values_.replace(condition, value_columns(*rows, input->schema.size()));
    return Pushed{make_filter(std::move(rows), std::move(condition)), {}};
  }

  // --- the other operators ---

  Result<Pushed> push_operator(const Project& op, const LogicalPtr& node) {
    Pushed input = PENSTOCK_TRY(push(node->inputs.front()));
    std::vector<ExprPtr> values = value_columns(*input.plan, node->input().schema.size());
    std::vector<ExprPtr> expressions;
    std::optional<std::vector<ExprPtr>> defaults;
    if (input.defaults) defaults.emplace();
    for (const ExprPtr& one : op.expressions) {
      expressions.push_back(values_.replace(one, values));
      if (!input.defaults) continue;
      defaults->push_back(
          replace_own(one, [&](const Expr& column) { return (*input.defaults)[column.column_index()]; }));
    }
    LogicalPtr plan = project_with_values(std::move(input.plan), std::move(expressions), column_names(*node), values);
    return Pushed{std::move(plan), std::move(defaults)};
  }

  Result<Pushed> push_operator(const Unnest& op, const LogicalPtr& node) {
    LogicalPtr rows = PENSTOCK_TRY(push_rows(node->inputs.front()));
    LogicalPtr plan = make_node(op, {std::move(rows)});
    return Pushed{values_last(std::move(plan), node->input().schema.size()), {}};
  }

  Result<Pushed> push_operator(const Over& op, const LogicalPtr& node) { return push_partitions(op, node); }

  Result<Pushed> push_operator(const Expand& op, const LogicalPtr& node) {
    LogicalPtr rows = PENSTOCK_TRY(push_rows(node->inputs.front()));
    // A row that is there even of nothing would have to be there for each combination.
    if (!op.always.empty()) return unsupported("GROUPING SETS with a total, in a subquery that uses outer columns");
    LogicalPtr plan = make_node(op, {std::move(rows)});
    return Pushed{values_last(std::move(plan), node->input().schema.size()), {}};
  }

  // Groups are made per combination of values. Where there is one group even of nothing, it has the values of nothing.
  Result<Pushed> push_operator(const Aggregate& op, const LogicalPtr& node) {
    LogicalPtr rows = PENSTOCK_TRY(push_rows(node->inputs.front()));
    Aggregate grouped = op;
    std::vector<std::string> names = column_names(*node);
    for (size_t i = 0; i < values_.size(); ++i) {
      size_t column = node->input().schema.size() + i;
      grouped.keys.push_back(static_cast<int>(column));
      names.insert(names.begin() + static_cast<ptrdiff_t>(op.keys.size() + i), rows->schema[column].name);
    }
    std::optional<std::vector<ExprPtr>> defaults;
    if (op.keys.empty()) {
      defaults.emplace();
      for (const AggregateCall& call : op.calls) {
        DataType type = call.function.result_type;
        bool count = type.is_integer() && !type.nullable();
        defaults->push_back(count ? Expr::literal(types::Value(int64_t{0}), call.function.result_type)
                                  : Expr::literal({}, call.function.result_type.with_nullable(true)));
      }
    }
    LogicalPtr plan = make_node(std::move(grouped), {std::move(rows)}, std::move(names));
    return Pushed{values_last(std::move(plan), op.keys.size()), std::move(defaults)};
  }

  Result<Pushed> push_operator(const Rank& op, const LogicalPtr& node) { return push_partitions(op, node); }

  Result<Pushed> push_operator(const Sort& op, const LogicalPtr& node) {
    if (!op.limit && op.offset == 0) return push(node->inputs.front());
    return push_partitions(first_rows(op.keys, op.limit, op.offset), node);
  }

  Result<Pushed> push_operator(const Limit& op, const LogicalPtr& node) {
    return push_partitions(first_rows({}, op.limit, op.offset), node);
  }

  // What a limit or a window function does for all rows, it does for each combination of values.
  template <class Op>
  Result<Pushed> push_partitions(Op op, const LogicalPtr& node) {
    LogicalPtr rows = PENSTOCK_TRY(push_rows(node->inputs.front()));
    size_t columns = node->input().schema.size();
    for (size_t i = 0; i < values_.size(); ++i) op.partition_by.push_back(static_cast<int>(columns + i));
    LogicalPtr plan = make_node(std::move(op), {std::move(rows)});
    return Pushed{values_last(std::move(plan), columns), {}};
  }

  Result<Pushed> push_operator(const UnionAll& op, const LogicalPtr& node) {
    LogicalInputs inputs;
    for (const LogicalPtr& input : node->inputs) inputs.push_back(PENSTOCK_TRY(push_rows(input)));
    return Pushed{make_node(op, std::move(inputs), column_names(*node)), {}};
  }

  // An inner join of rows for all combinations and rows for each of them has rows for each; where a side is kept whole,
  // it is that side which must have the values.
  Result<Pushed> push_operator(const Join& op, const LogicalPtr& node) {
    bool on_right = is_correlated(*node->inputs[1], values_.level()) || preserves_right(op.kind);
    bool on_left = is_correlated(*node->inputs[0], values_.level()) || !on_right || preserves_left(op.kind) ||
                   gives_left_only(op.kind);
    LogicalInputs inputs = node->inputs;
    if (on_left) inputs[0] = PENSTOCK_TRY(push_rows(inputs[0]));
    if (on_right) inputs[1] = PENSTOCK_TRY(push_rows(inputs[1]));
    size_t left = node->inputs[0]->schema.size();
    size_t right = node->inputs[1]->schema.size();
    size_t pushed_left = inputs[0]->schema.size();
    std::vector<int> places;  // of the columns as they were
    for (size_t i = 0; i < left + right; ++i) {
      places.push_back(static_cast<int>(i < left ? i : pushed_left + i - left));
    }
    types::Schema all = inputs[0]->schema;
    all.insert(all.end(), inputs[1]->schema.begin(), inputs[1]->schema.end());
    size_t values_on_right = pushed_left + right;
    size_t values_at = on_left ? left : values_on_right;

    Conjuncts conditions;
    if (op.condition != nullptr) conditions.push_back(place(op.condition, places, all, values_at));
    for (size_t i = 0; on_left && on_right && i < values_.size(); ++i) {
      std::vector<ExprPtr> sides = {column_of(all, static_cast<int>(left + i)),
                                    column_of(all, static_cast<int>(values_on_right + i))};
      conditions.push_back(PENSTOCK_TRY(expr::bind_call("IS NOT DISTINCT FROM", std::move(sides))));
    }
    Join join = op;
    join.condition = conditions.empty() ? nullptr : expr::join_conjunction(std::move(conditions));
    remap(join.output, places);
    bool either = op.kind == JoinKind::kFull;
    if (preserves_right(op.kind)) values_at = values_on_right;
    for (size_t i = 0; i < values_.size(); ++i) join.output.push_back(static_cast<int>(values_at + i));
    for (size_t i = 0; either && i < values_.size(); ++i) join.output.push_back(static_cast<int>(left + i));
    LogicalPtr plan = make_node(std::move(join), std::move(inputs), column_names(*node));
    if (either) plan = PENSTOCK_TRY(merge_values(std::move(plan), node->schema.size()));
    return Pushed{std::move(plan), {}};
  }

  // A condition over left ++ right where its columns are now.
  ExprPtr place(const ExprPtr& condition, const std::vector<int>& places, const types::Schema& all,
                size_t values_at) const {
    std::vector<ExprPtr> values;
    for (size_t i = 0; i < values_.size(); ++i) values.push_back(column_of(all, static_cast<int>(values_at + i)));
    // The values are put in last: they are no columns as they were.
    ExprPtr placed = replace_own(condition, [&](const Expr& column) {
      return Expr::column(static_cast<size_t>(places[column.column_index()]), column.type(), column.column_name());
    });
    return values_.replace(placed, values);
  }

  // The values of a full join: those of the side that has a row.
  Result<LogicalPtr> merge_values(LogicalPtr joined, size_t columns) const {
    std::vector<ExprPtr> expressions = all_columns(joined->schema);
    std::vector<std::string> names = column_names(*joined);
    for (size_t i = 0; i < values_.size(); ++i) {
      std::vector<ExprPtr> sides = {expressions[columns + i], expressions[columns + values_.size() + i]};
      expressions[columns + i] = PENSTOCK_TRY(expr::bind_call("COALESCE", std::move(sides)));
    }
    expressions.resize(columns + values_.size());
    names.resize(expressions.size());
    return make_project(std::move(joined), std::move(expressions), std::move(names));
  }

  template <class Op>
  Result<Pushed> push_operator(const Op& /*op*/, const LogicalPtr& /*node*/) {
    return unsupported("this subquery uses columns of the query around it where that is not possible");
  }

  const LogicalPtr& outer_;
  const OuterValues& values_;
  LogicalPtr domain_;
};

// A subquery without those of its conditions that use outer columns, which stand over its columns and maybe more
// behind.
struct Lifted {
  LogicalPtr plan;
  Conjuncts conjuncts;
};

Lifted lift(const LogicalPtr& node, QueryLevel level);

Lifted lift_filter(const Filter& filter, const LogicalNode& node, QueryLevel level) {
  Lifted below = lift(node.inputs.front(), level);
  Conjuncts kept;
  for (ExprPtr& one : expr::split_conjunction(filter.predicate)) {
    (is_correlated(*one, level) ? below.conjuncts : kept).push_back(std::move(one));
  }
  below.plan = with_filter(std::move(below.plan), std::move(kept));
  return below;
}

Lifted lift_project(const Project& project, const LogicalPtr& node, QueryLevel level) {
  bool correlated =
      std::ranges::any_of(project.expressions, [&](const ExprPtr& one) { return is_correlated(*one, level); });
  Lifted below = correlated ? Lifted{node, {}} : lift(node->inputs.front(), level);
  if (below.conjuncts.empty()) return {node, {}};
  std::vector<ExprPtr> expressions = project.expressions;
  std::vector<std::string> names = column_names(*node);
  auto keep = [&](const Expr& column) {
    ExprPtr kept = Expr::column(column.column_index(), column.type(), column.column_name());
    auto place = static_cast<size_t>(find_or_add(expressions, kept));
    if (place == names.size()) names.push_back(column.column_name());
    return Expr::column(place, column.type(), column.column_name());
  };
  for (ExprPtr& one : below.conjuncts) one = replace_own(one, keep);
  return {make_project(std::move(below.plan), std::move(expressions), std::move(names)), std::move(below.conjuncts)};
}

Lifted lift(const LogicalPtr& node, QueryLevel level) {
  if (const auto* filter = node->get_if<Filter>()) return lift_filter(*filter, *node, level);
  if (const auto* project = node->get_if<Project>()) return lift_project(*project, node, level);
  return {node, {}};
}

// A column of the plan as the conditions see it.
ExprPtr behind(size_t width, const LogicalNode& plan, size_t column) {
  return Expr::column(width + column, plan.schema[column].type, plan.schema[column].name);
}

// Adds the equality of each value with its column of the plan, the first of which is that one.
Status match_values(const CorrelatedSubquery& query, const OuterValues& values, size_t first, bool nulls_match,
                    Decorrelated& result) {
  for (size_t i = 0; i < values.size(); ++i) {
    std::vector<ExprPtr> sides = {values.of_outer(i, *query.outer), behind(query.width, *result.plan, first + i)};
    bool nulls = nulls_match && sides[0]->type().nullable();
    std::string_view equality = nulls ? "IS NOT DISTINCT FROM" : "=";
    result.conditions.push_back(PENSTOCK_TRY(expr::bind_call(equality, std::move(sides))));
    result.keys.push_back(static_cast<int>(first + i));
  }
  return {};
}

}  // namespace

Result<Decorrelated> decorrelate_values(const CorrelatedSubquery& query) {
  OuterValues values(*query.subquery, query.level);
  if (values.size() == 0) return Decorrelated{query.subquery, {}, {}, {}};
  Decorrelator decorrelator(query.outer, values);
  Decorrelator::Pushed pushed = PENSTOCK_TRY(decorrelator.push(query.subquery));
  Decorrelated result{std::move(pushed.plan), {}, {}, {}};
  PENSTOCK_TRY(match_values(query, values, query.subquery->schema.size(), decorrelator.uses_domain(), result));
  if (!pushed.defaults) return result;
  result.defaults.emplace();
  for (const ExprPtr& one : *pushed.defaults) result.defaults->push_back(values.over(one, *query.outer));
  return result;
}

Result<Decorrelated> decorrelate_rows(const CorrelatedSubquery& query) {
  Lifted lifted = lift(query.subquery, query.level);
  OuterValues values(*lifted.plan, query.level);
  Decorrelated result{lifted.plan, {}, {}, {}};
  if (values.size() > 0) {
    Decorrelator decorrelator(query.outer, values);
    result.plan = PENSTOCK_TRY(decorrelator.push_rows(lifted.plan));
    PENSTOCK_TRY(match_values(query, values, lifted.plan->schema.size(), decorrelator.uses_domain(), result));
  }
  for (const ExprPtr& one : lifted.conjuncts) {
    ExprPtr own_behind =
        replace_own(one, [&](const Expr& column) { return behind(query.width, *result.plan, column.column_index()); });
    result.conditions.push_back(values.over(own_behind, *query.outer));
  }
  return result;
}

Result<ExprPtr> value_or(ExprPtr column, const ExprPtr& matched, ExprPtr otherwise) {
  if (otherwise->is_null_literal()) return column;
  ExprPtr was_there = PENSTOCK_TRY(expr::bind_call("IS NOT NULL", {matched}));
  return expr::bind_case({std::move(was_there), std::move(column), std::move(otherwise)});
}

LogicalPtr with_marker(LogicalPtr input) {
  std::vector<ExprPtr> expressions = all_columns(input->schema);
  std::vector<std::string> names = column_names(*input);
  expressions.push_back(Expr::literal(types::Value(true), DataType(TypeKind::kBoolean).with_nullable(false)));
  names.emplace_back("matched");
  return make_project(std::move(input), std::move(expressions), std::move(names));
}

}  // namespace penstock::plan
