// SELECT: the select list, grouping, HAVING, DISTINCT, ORDER BY.
#include <algorithm>
#include <array>
#include <numeric>

#include "expr/registry.h"
#include "plan/binder.h"
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

// Rewrites expressions over the input of an aggregation (with aggregate calls as the columns behind it) into ones over
// its output: the keys, then the calls.
class GroupRewriter {
 public:
  GroupRewriter(const std::vector<ExprPtr>& keys, const Scope& scope, const std::map<size_t, sql::Position>& positions)
      : keys_(keys), scope_(scope), positions_(positions) {}

  Result<ExprPtr> rewrite(const ExprPtr& expression) const {
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (expression->equals(*keys_[i])) return Expr::column(i, keys_[i]->type(), label(*expression));
    }
    if (expression->kind() == Expr::Kind::kColumn) {
      size_t column = expression->column_index();
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

 private:
  Error not_grouped(size_t column) const {
    Error error =
        invalid_argument("column {} is neither in GROUP BY nor in an aggregate function", scope_.name(column));
    auto position = positions_.find(column);
    return position == positions_.end() ? error : std::move(error).at(position->second.offset);
  }

  const std::vector<ExprPtr>& keys_;
  const Scope& scope_;
  const std::map<size_t, sql::Position>& positions_;
};

// The aggregation of `input`: below it a projection with its keys, arguments and filters.
LogicalPtr make_aggregation(LogicalPtr input, const std::vector<ExprPtr>& keys, std::vector<FoundAggregate> found) {
  std::vector<ExprPtr> columns;
  Aggregate aggregate;
  for (const ExprPtr& key : keys) {
    columns.push_back(key);
    aggregate.keys.push_back(static_cast<int>(aggregate.keys.size()));
  }
  for (FoundAggregate& one : found) {
    if (one.argument != nullptr) one.call.argument = find_or_add(columns, one.argument);
    if (one.filter != nullptr) one.call.filter = find_or_add(columns, one.filter);
    aggregate.calls.push_back(one.call);
  }
  std::vector<std::string> names;
  for (const ExprPtr& column : columns) names.push_back(label(*column));
  LogicalPtr projected = make_project(std::move(input), std::move(columns), std::move(names));
  return make_node(std::move(aggregate), {std::move(projected)});
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
  if (!select.hints.empty()) {
    return unsupported("hints are not supported").at(select.hints.front().name.position.offset);
  }
  auto [plan, scope] = PENSTOCK_TRY(bind_from(select));
  if (select.where) {
    ExprPtr where = PENSTOCK_TRY(bind_condition(*select.where, {.scope = &scope, .place = "in WHERE"}));
    plan = make_filter(std::move(plan), std::move(where));
  }
  std::vector<ExprPtr> keys = PENSTOCK_TRY(bind_group_keys(select, {.scope = &scope, .place = "in GROUP BY"}));
  std::vector<FoundAggregate> aggregates;
  std::map<size_t, sql::Position> positions;
  std::vector<FoundOver> overs;
  ExpressionContext context{.scope = &scope,
                            .aggregates = &aggregates,
                            .overs = &overs,
                            .named_windows = select.windows,
                            .column_positions = &positions};
  SelectList list = PENSTOCK_TRY(bind_select_list(select.items, context));
  ExprPtr having;
  if (select.having) {
    ExpressionContext of_having = context;
    of_having.overs = nullptr;
    of_having.place = "in HAVING";
    having = PENSTOCK_TRY(bind_condition(*select.having, of_having));
  }
  std::vector<ExprPtr> order = PENSTOCK_TRY(bind_order(list, sort, context));
  if (!select.group_by.empty() || having != nullptr || !aggregates.empty()) {
    GroupRewriter rewriter(keys, scope, positions);
    for (ExprPtr& expression : list.expressions) expression = PENSTOCK_TRY(rewriter.rewrite(expression));
    for (ExprPtr& expression : order) expression = PENSTOCK_TRY(rewriter.rewrite(expression));
    for (FoundOver& over : overs) {
      PENSTOCK_TRY(over.for_each_expression([&](ExprPtr& one) -> Status {
        one = PENSTOCK_TRY(rewriter.rewrite(one));
        return {};
      }));
    }
    if (having != nullptr) having = PENSTOCK_TRY(rewriter.rewrite(having));
    plan = make_aggregation(std::move(plan), keys, std::move(aggregates));
    if (having != nullptr) plan = make_filter(std::move(plan), std::move(having));
  }
  plan = add_overs(std::move(plan), std::move(overs), std::array{&list.expressions, &order});
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
      list.names.push_back(plain ? context.scope->name(bound->column_index()) : column->name.parts.back().text);
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

Result<std::vector<ExprPtr>> Binder::bind_group_keys(const sql::Select& select, const ExpressionContext& context) {
  std::vector<ExprPtr> keys;
  for (const sql::GroupingElement& element : select.group_by) {
    if (element.kind != sql::GroupingKind::kSimple) {
      return unsupported("GROUPING SETS, ROLLUP and CUBE are not supported")
          .hint("write one SELECT per set, and UNION ALL between them");
    }
    for (const sql::Expression& written : element.sets.front()) {
      const auto* row = written.get_if<sql::RowConstructor>();
      if (row == nullptr) {
        find_or_add(keys, PENSTOCK_TRY(bind_group_key(select, written, context)));
        continue;
      }
      for (const sql::Expression& one : row->elements) {
        find_or_add(keys, PENSTOCK_TRY(bind_group_key(select, one, context)));
      }
    }
  }
  return keys;
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

// The sort expressions over what the select list is over: an item of the list by number or name, or any expression.
Result<std::vector<ExprPtr>> Binder::bind_order(const SelectList& list, const SortRequest& sort,
                                                const ExpressionContext& context) {
  std::vector<ExprPtr> order;
  for (const sql::OrderItem& item : *sort.items) {
    if (std::optional<size_t> number = ordinal(*item.value)) {
      if (*number == 0 || *number > list.names.size()) {
        return out_of_range(*number, list.names.size(), item.value->position);
      }
      order.push_back(list.expressions[*number - 1]);
      continue;
    }
    std::string_view name = plain_name(*item.value);
    auto named = std::ranges::find_if(
        list.names, [&](const std::string& known) { return !name.empty() && sql::equal_ignoring_case(known, name); });
    if (named != list.names.end()) {
      order.push_back(list.expressions[static_cast<size_t>(named - list.names.begin())]);
    } else {
      ExpressionContext inner = context;
      inner.place = "in ORDER BY";
      order.push_back(PENSTOCK_TRY(bind_expression(*item.value, inner)));
    }
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

}  // namespace penstock::plan
