// SELECT: the select list, grouping, HAVING, DISTINCT, ORDER BY.
#include <algorithm>
#include <array>
#include <numeric>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/hints.h"
#include "plan/node.h"
#include "plan/window_call.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::TypeKind;

// 1 for the literal 1, as in GROUP BY 1.
std::optional<size_t> ordinal(const sql::Expression& expression) {
  const auto* literal = expression.get_if<sql::Literal>();
  if (literal == nullptr || literal->kind != sql::LiteralKind::kInteger || literal->text.size() > 6)
    return std::nullopt;
  return std::stoul(literal->text);
}

// The name that an expression alone gives, or empty.
std::string_view plain_name(const sql::Expression& expression) {
  const auto* column = expression.get_if<sql::ColumnReference>();
  return column != nullptr && column->name.parts.size() == 1 ? std::string_view(column->name.parts[0].text) : "";
}

Error out_of_range(size_t number, size_t columns, sql::Position position) {
  return invalid_argument("there is no column {}: the select list has {}", number, columns).at(position.offset);
}

bool has_grouping_sets(const sql::Select& select) {
  return std::ranges::any_of(select.group_by, [](const auto& one) { return one.kind != sql::GroupingKind::kSimple; });
}

// Rewrites expressions over the input of an aggregation (with aggregate calls as the columns behind it) into ones over
// its output: the keys, then the calls, then the number of the grouping set.
class GroupRewriter {
 public:
  GroupRewriter(const std::vector<ExprPtr>& keys, size_t calls, const Scope& scope,
                const std::map<size_t, sql::Position>& positions)
      : keys_(keys), calls_(calls), scope_(scope), positions_(positions) {}

  Result<ExprPtr> rewrite(const ExprPtr& expression) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (expression->equals(*keys_[i])) return Expr::column(i, keys_[i]->type(), label(*expression));
    }
    if (expression->kind() == Expr::Kind::kColumn) {
      size_t column = expression->column_index();
      if (column == kGroupingSetColumn) {
        return Expr::column(keys_.size() + calls_, expression->type(), expression->column_name());
      }
      if (column >= kOverColumns) return expression;
      if (column < scope_.size()) return not_grouped(column);
      return Expr::column(keys_.size() + column - scope_.size(), expression->type(), expression->column_name());
    }
    std::vector<ExprPtr> children;
    bool changed = false;
    for (const ExprPtr& child : expression->children()) {
      children.push_back(PENSTOCK_TRY(rewrite(child)));
      changed = changed || children.back() != child;
    }
    return changed ? expression->with_children(std::move(children)) : expression;
  }

  // The same for what a subquery uses of the query that is grouped.
  Status rewrite(FoundSubquery& subquery) const {
    for (ExprPtr& operand : subquery.operands) operand = PENSTOCK_TRY(rewrite(operand));
    std::optional<Error> error;
    auto replace = [&](size_t column) {
      ExprPtr used = scope_.column(column);
      auto key = std::ranges::find_if(keys_, [&](const ExprPtr& known) { return known->equals(*used); });
      if (key == keys_.end() && !error) error = not_grouped(column);
      return outer_column(subquery.level, static_cast<size_t>(key - keys_.begin()), used->type(), scope_.name(column));
    };
    subquery.plan = map_expressions(
        subquery.plan, [&](const ExprPtr& expression) { return replace_outer(expression, subquery.level, replace); });
    if (error) return *std::move(error);
    return {};
  }

 private:
  Error not_grouped(size_t column) const {
    Error error =
        invalid_argument("column {} is neither in GROUP BY nor in an aggregate function", scope_.name(column));
    auto position = positions_.find(column);
    return position == positions_.end() ? error : std::move(error).at(position->second.offset);
  }

  const std::vector<ExprPtr>& keys_;
  const size_t calls_;
  const Scope& scope_;
  const std::map<size_t, sql::Position>& positions_;
};

// What may hold subqueries.
std::vector<ExprPtr*> pointers_to(std::vector<FoundAggregate>& aggregates) {
  std::vector<ExprPtr*> pointers;
  for (FoundAggregate& one : aggregates) {
    if (one.argument != nullptr) pointers.push_back(&one.argument);
    if (one.filter != nullptr) pointers.push_back(&one.filter);
  }
  return pointers;
}

std::vector<ExprPtr*> pointers_to(std::span<std::vector<ExprPtr>* const> lists, std::vector<FoundOver>& overs) {
  std::vector<ExprPtr*> pointers;
  auto add = [&](ExprPtr& one) -> Status {
    pointers.push_back(&one);
    return {};
  };
  for (std::vector<ExprPtr>* list : lists) {
    for (ExprPtr& one : *list) pointers.push_back(&one);
  }
  for (FoundOver& over : overs) static_cast<void>(over.for_each_expression(add));
  return pointers;
}

// What GROUP BY begins with, or without one what is selected.
sql::Position position_of_grouping(const sql::Select& select) {
  for (const sql::GroupingElement& element : select.group_by) {
    for (const std::vector<sql::Expression>& set : element.sets) {
      if (!set.empty()) return set.front().position;
    }
  }
  return select.items.front().value.position;
}

}  // namespace

int find_or_add(std::vector<ExprPtr>& expressions, const ExprPtr& expression) {
  auto found = std::ranges::find_if(expressions, [&](const ExprPtr& known) { return known->equals(*expression); });
  size_t index = static_cast<size_t>(found - expressions.begin());
  if (found == expressions.end()) expressions.push_back(expression);
  return static_cast<int>(index);
}

LogicalPtr make_distinct(LogicalPtr input) {
  Aggregate aggregate;
  aggregate.keys.resize(input->schema.size());
  std::iota(aggregate.keys.begin(), aggregate.keys.end(), 0);
  return make_node(std::move(aggregate), {std::move(input)});
}

Result<LogicalPtr> Binder::bind_select(const sql::Select& select, const SortRequest& sort) {
  SelectHints around = std::exchange(hints_, PENSTOCK_TRY(bind_hints(select)));
  LogicalPtr plan = PENSTOCK_TRY(bind_select_rows(select, sort));
  PENSTOCK_TRY(check_hints_used());
  hints_ = std::move(around);
  return read_watermarks(std::move(plan));
}

Result<LogicalPtr> Binder::bind_select_rows(const sql::Select& select, const SortRequest& sort) {
  const size_t recursive_uses = recursive_uses_.size();
  auto [plan, scope] = PENSTOCK_TRY(bind_tables(select.from));
  if (select.where) plan = PENSTOCK_TRY(bind_where(std::move(plan), scope, *select.where));
  plan = PENSTOCK_TRY(bind_grouped_rows(select, std::move(plan)));
  if (has_grouping_sets(select)) scope.make_nullable();
  Grouping grouping =
      PENSTOCK_TRY(bind_grouping(select, {.scope = &scope, .watermarks = true, .place = "in GROUP BY"}));
  std::vector<FoundAggregate> aggregates;
  std::map<size_t, sql::Position> positions;
  std::vector<FoundOver> overs;
  std::vector<FoundSubquery> subqueries;           // over the rows, or over the groups where there are any
  std::vector<FoundSubquery> argument_subqueries;  // over the rows that are grouped
  ExpressionContext context{.scope = &scope,
                            .aggregates = &aggregates,
                            .overs = &overs,
                            .named_windows = select.windows,
                            .grouping = select.group_by.empty() ? nullptr : &grouping,
                            .subqueries = &subqueries,
                            .argument_subqueries = &argument_subqueries,
                            .watermarks = true,
                            .column_positions = &positions};
  SelectList list = PENSTOCK_TRY(bind_select_list(select.items, context));
  ExprPtr having;
  if (select.having) {
    ExpressionContext of_having = context;
    of_having.overs = nullptr;
    of_having.place = "in HAVING";
    having = PENSTOCK_TRY(bind_condition(*select.having, of_having));
  }
  std::vector<ExprPtr> qualify;  // one condition, or none
  if (select.qualify) {
    ExpressionContext of_qualify = context;
    of_qualify.aliases = list.names;
    of_qualify.alias_values = list.expressions;
    of_qualify.place = "in QUALIFY";
    qualify.push_back(PENSTOCK_TRY(bind_condition(*select.qualify, of_qualify)));
  }
  std::vector<ExprPtr> distinct_on;
  for (const sql::Expression& key : select.distinct_on) {
    distinct_on.push_back(PENSTOCK_TRY(bind_output(list, key, "in DISTINCT ON", context)));
  }
  std::vector<ExprPtr> order = PENSTOCK_TRY(bind_order(list, sort, context));
  const std::array lists{&list.expressions, &order, &qualify, &distinct_on};
  if (!sort.empty()) PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, kBelowSort));
  if (select.distinct || !distinct_on.empty()) PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "below DISTINCT"));
  if (!overs.empty()) PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "below window functions"));
  if (!select.group_by.empty() || having != nullptr || !aggregates.empty()) {
    PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "below GROUP BY or an aggregate function"));
    GroupRewriter rewriter(grouping.keys, aggregates.size(), scope, positions);
    for (std::vector<ExprPtr>* expressions : lists) {
      for (ExprPtr& expression : *expressions) expression = PENSTOCK_TRY(rewriter.rewrite(expression));
    }
    for (FoundOver& over : overs) {
      PENSTOCK_TRY(over.for_each_expression([&](ExprPtr& one) -> Status {
        one = PENSTOCK_TRY(rewriter.rewrite(one));
        return {};
      }));
    }
    if (having != nullptr) having = PENSTOCK_TRY(rewriter.rewrite(having));
    for (FoundSubquery& one : subqueries) PENSTOCK_TRY(rewriter.rewrite(one));
    plan = PENSTOCK_TRY(add_subqueries(std::move(plan), std::move(argument_subqueries), pointers_to(aggregates)));
    if (grouping.window) plan = PENSTOCK_TRY(add_group_window(std::move(plan), grouping));
    plan = PENSTOCK_TRY(make_aggregation(std::move(plan), grouping, std::move(aggregates)));
    plan = with_place(plan, position_of_grouping(select).offset);
    plan = with_aggregate_hint(std::move(plan), select);
    if (having != nullptr) plan = PENSTOCK_TRY(add_filter(std::move(plan), having, subqueries));
  }
  plan = PENSTOCK_TRY(add_subqueries(std::move(plan), std::move(subqueries), pointers_to(lists, overs)));
  plan = PENSTOCK_TRY(add_overs(std::move(plan), std::move(overs), lists));
  if (!qualify.empty()) plan = make_filter(std::move(plan), std::move(qualify.front()));
  if (!distinct_on.empty()) return finish_distinct_on(std::move(plan), std::move(list), distinct_on, order, sort);
  return finish_select(select.distinct, std::move(plan), list, order, sort);
}

Result<Binder::SelectList> Binder::bind_select_list(const std::vector<sql::SelectItem>& items,
                                                    const ExpressionContext& context) {
  SelectList list;
  for (const sql::SelectItem& item : items) {
    if (const auto* star = item.value.get_if<sql::Star>()) {
      if (PENSTOCK_TRY(bind_row_star(*star, item.value.position, context, list))) continue;
      for (size_t column : PENSTOCK_TRY(context.scope->expand(star->qualifier, item.value.position))) {
        if (context.column_positions != nullptr) (*context.column_positions)[column] = item.value.position;
        list.expressions.push_back(context.scope->column(column));
        list.names.push_back(context.scope->name(column));
      }
      continue;
    }
    ExprPtr bound = PENSTOCK_TRY(bind_expression(item.value, context));
    const auto* column = item.value.get_if<sql::ColumnReference>();
    if (item.alias) {
      list.names.push_back(item.alias->text);
    } else if (column != nullptr) {
      bool plain = bound->kind() == Expr::Kind::kColumn;
      list.names.push_back(plain ? bound->column_name() : column->name.parts.back().text);
    } else if (const auto* field = item.value.get_if<sql::FieldAccess>()) {
      list.names.push_back(field->field.text);
    } else {
      list.names.push_back("EXPR$" + std::to_string(list.names.size()));
    }
    list.expressions.push_back(std::move(bound));
  }
  return list;
}

// row.*: the fields of a ROW. False where the name is that of a table.
Result<bool> Binder::bind_row_star(const sql::Star& star, sql::Position position, const ExpressionContext& context,
                                   SelectList& list) {
  if (star.qualifier.parts.empty() || context.scope->expand(star.qualifier, position)) return false;
  Result<ExprPtr> row = bind_expression(sql::Expression(sql::ColumnReference{star.qualifier}, position), context);
  if (!row || (*row)->type().kind() != TypeKind::kRow) return false;
  for (const types::Field& field : (*row)->type().parts()) {
    list.expressions.push_back(PENSTOCK_TRY(expr::bind_field(*row, field.name)));
    list.names.push_back(field.name);
  }
  return true;
}

// --- GROUP BY ---

Result<Grouping> Binder::bind_grouping(const sql::Select& select, const ExpressionContext& context) {
  Grouping grouping;
  const bool in_sets = has_grouping_sets(select);
  auto add_key = [&](const sql::Expression& written, GroupingSet& set) -> Status {
    const auto* call = written.get_if<sql::FunctionCall>();
    const WindowFunction* window = call == nullptr ? nullptr : find_window_function(call->name.parts.back().text);
    if (window != nullptr) return bind_group_window_keys(*call, *window, context, in_sets, grouping, set);
    int key = find_or_add(grouping.keys, PENSTOCK_TRY(bind_group_key(select, written, context)));
    if (std::ranges::find(set, key) == set.end()) set.push_back(key);
    return {};
  };
  for (const sql::GroupingElement& element : select.group_by) {
    std::vector<GroupingSet> elements;
    sql::Position position;
    for (const std::vector<sql::Expression>& set : element.sets) {
      elements.emplace_back();
      if (!set.empty()) position = set.front().position;
      for (const sql::Expression& written : set) {
        const auto* row = written.get_if<sql::RowConstructor>();
        if (row == nullptr) PENSTOCK_TRY(add_key(written, elements.back()));
        for (size_t i = 0; row != nullptr && i < row->elements.size(); ++i) {
          PENSTOCK_TRY(add_key(row->elements[i], elements.back()));
        }
      }
    }
    std::vector<GroupingSet> sets = PENSTOCK_TRY(located(grouping_sets(element.kind, elements), position));
    grouping.sets = PENSTOCK_TRY(located(combine_sets(grouping.sets, sets), position));
  }
  return grouping;
}

// An expression over the input; or the number or alias of an item of the select list, as PostgreSQL has it.
Result<ExprPtr> Binder::bind_group_key(const sql::Select& select, const sql::Expression& key,
                                       const ExpressionContext& context) {
  const sql::Expression* item = nullptr;
  if (std::optional<size_t> number = ordinal(key)) {
    if (*number == 0 || *number > select.items.size()) return out_of_range(*number, select.items.size(), key.position);
    item = &select.items[*number - 1].value;
  } else if (std::string_view name = plain_name(key); !name.empty() && !context.scope->find(name)) {
    for (const sql::SelectItem& candidate : select.items) {
      if (candidate.alias && sql::equal_ignoring_case(candidate.alias->text, name)) item = &candidate.value;
    }
  }
  ExprPtr bound = PENSTOCK_TRY(bind_expression(item == nullptr ? key : *item, context));
  if (bound->type().kind() == TypeKind::kNull) bound = Expr::literal({}, TypeKind::kString);
  return bound;
}

// --- ORDER BY and the end ---

// An item of the select list by its number or name, or any expression over what the list is over.
Result<ExprPtr> Binder::bind_output(const SelectList& list, const sql::Expression& expression, std::string_view place,
                                    const ExpressionContext& context) {
  if (std::optional<size_t> number = ordinal(expression)) {
    if (*number == 0 || *number > list.names.size()) {
      return out_of_range(*number, list.names.size(), expression.position);
    }
    return list.expressions[*number - 1];
  }
  std::string_view name = plain_name(expression);
  auto named = std::ranges::find_if(
      list.names, [&](const std::string& known) { return !name.empty() && sql::equal_ignoring_case(known, name); });
  if (named != list.names.end()) return list.expressions[static_cast<size_t>(named - list.names.begin())];
  ExpressionContext inner = context;
  inner.place = place;
  return bind_expression(expression, inner);
}

Result<std::vector<ExprPtr>> Binder::bind_order(const SelectList& list, const SortRequest& sort,
                                                const ExpressionContext& context) {
  std::vector<ExprPtr> order;
  for (const sql::OrderItem& item : *sort.items) {
    order.push_back(PENSTOCK_TRY(bind_output(list, *item.value, "in ORDER BY", context)));
  }
  return order;
}

// Projects the select list, with the sort expressions that are not in it as columns that are dropped in the end.
Result<LogicalPtr> Binder::finish_select(bool distinct, LogicalPtr plan, const SelectList& list,
                                         const std::vector<ExprPtr>& order, const SortRequest& sort) {
  std::vector<ExprPtr> expressions = list.expressions;
  for (ExprPtr& expression : expressions) {
    if (expression->type().kind() == TypeKind::kNull) expression = Expr::literal({}, TypeKind::kString);
  }
  std::vector<int> sort_columns;
  for (const ExprPtr& one : order) sort_columns.push_back(find_or_add(expressions, one));
  size_t visible = list.expressions.size();
  plan = make_project(std::move(plan), expressions, list.names);
  if (distinct) {
    if (expressions.size() > visible) {
      return invalid_argument("with DISTINCT, ORDER BY can use only what is in the select list")
          .at(sort.position.offset);
    }
    plan = make_distinct(std::move(plan));
  }
  plan = PENSTOCK_TRY(make_sort(std::move(plan), sort_columns, sort));
  std::vector<int> columns(visible);
  std::iota(columns.begin(), columns.end(), 0);
  return make_selection(std::move(plan), columns);
}

// DISTINCT ON: of the rows with equal keys the one that ORDER BY puts first. That orders the rows that are left, too,
// where the input ends.
Result<LogicalPtr> Binder::finish_distinct_on(LogicalPtr plan, SelectList list, const std::vector<ExprPtr>& keys,
                                              const std::vector<ExprPtr>& order, const SortRequest& sort) {
  std::vector<ExprPtr> expressions = list.expressions;
  size_t visible = expressions.size();
  Rank rank = first_rows({}, 1, 0);
  for (const ExprPtr& key : keys) rank.partition_by.push_back(find_or_add(expressions, key));
  std::vector<int> sort_columns;
  for (const ExprPtr& one : order) sort_columns.push_back(find_or_add(expressions, one));
  for (size_t i = 0; i < order.size(); ++i) rank.order_by.push_back(sort_key(sort_columns[i], (*sort.items)[i]));
  for (size_t i = visible; i < expressions.size(); ++i) list.names.push_back(label(*expressions[i]));
  plan = make_project(std::move(plan), std::move(expressions), std::move(list.names));
  plan = make_node(std::move(rank), {std::move(plan)});
  bool only_chooses = !plan->traits.bounded && !sort.limit && sort.offset == 0;
  if (!only_chooses) plan = PENSTOCK_TRY(make_sort(std::move(plan), sort_columns, sort));
  return make_selection(std::move(plan), identity(visible));
}

}  // namespace penstock::plan
