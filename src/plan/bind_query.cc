// Queries: WITH, VALUES, set operations, ORDER BY and LIMIT.
#include <algorithm>

#include "expr/evaluate.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::DataType;
using types::TypeKind;

std::string column_name(size_t column) { return "EXPR$" + std::to_string(column); }

// The types that columns of several inputs have in common.
Result<std::vector<DataType>> common_types(const std::vector<std::vector<DataType>>& inputs) {
  std::vector<DataType> common;
  for (size_t column = 0; column < inputs.front().size(); ++column) {
    std::vector<DataType> candidates;
    bool nullable = false;
    for (const std::vector<DataType>& input : inputs) {
      candidates.push_back(input[column]);
      nullable = nullable || input[column].nullable();
    }
    Result<DataType> type = expr::common_type(candidates);
    if (!type) return std::move(type).error().context("column " + std::to_string(column + 1));
    // Nothing but NULLs: any type will do.
    if (type->kind() == TypeKind::kNull) type = DataType(TypeKind::kString);
    common.push_back(type->with_nullable(nullable));
  }
  return common;
}

std::vector<DataType> types_of(const types::Schema& schema) {
  std::vector<DataType> types;
  for (const types::Field& field : schema) types.push_back(field.type);
  return types;
}

// `input` with its columns cast to `types`.
Result<LogicalPtr> cast_columns(LogicalPtr input, const std::vector<DataType>& types) {
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  bool changed = false;
  for (size_t i = 0; i < types.size(); ++i) {
    ExprPtr column = column_of(input->schema, static_cast<int>(i));
    changed = changed || !column->type().same_type(types[i]);
    names.push_back(input->schema[i].name);
    expressions.push_back(PENSTOCK_TRY(expr::coerce(std::move(column), types[i])));
  }
  if (!changed) return input;
  return make_project(std::move(input), std::move(expressions), std::move(names));
}

}  // namespace

Result<ExprPtr> assign(ExprPtr value, DataType type) {
  if (value->is_null_literal()) {
    if (!type.nullable()) return invalid_argument("the column is NOT NULL");
    return Expr::literal({}, type);
  }
  bool spelt = value->is_literal() && value->type().kind() == TypeKind::kString && type.kind() != TypeKind::kString;
  return spelt ? expr::bind_cast(std::move(value), type) : expr::coerce(std::move(value), type);
}

Result<LogicalPtr> Binder::bind_query(const sql::Query& query) {
  size_t outer_tables = common_tables_.size();
  for (const sql::CommonTableExpression& cte : query.with) {
    LogicalPtr plan = PENSTOCK_TRY(bind_query(*cte.query));
    if (!cte.columns.empty()) plan = PENSTOCK_TRY(rename_columns(std::move(plan), cte.columns));
    common_tables_.push_back({cte.name.text, std::move(plan)});
  }
  SortRequest sort = PENSTOCK_TRY(bind_sort_request(query));
  LogicalPtr plan;
  if (const auto* select = std::get_if<sql::Select>(&query.body)) {
    plan = PENSTOCK_TRY(bind_select(*select, sort));
  } else {
    if (const auto* values = std::get_if<sql::Values>(&query.body)) {
      plan = PENSTOCK_TRY(bind_values(*values, query.position));
    } else {
      plan = PENSTOCK_TRY(bind_set_operation(std::get<sql::SetOperation>(query.body), query.position));
    }
    plan = PENSTOCK_TRY(sort_output(std::move(plan), sort));
  }
  common_tables_.resize(outer_tables);
  PENSTOCK_TRY(check_size(plan, query.position));
  return plan;
}

Status Binder::check_size(const LogicalPtr& plan, sql::Position position) const {
  std::string_view limit;
  if (plan->size > kPlanNodesMax) limit = "operators";
  if (plan->height > kPlanHeightMax) limit = "operators on top of each other";
  if (plan->schema.size() > kColumnsMax) limit = "columns";
  if (limit.empty()) return {};
  return make_error(ErrorCode::kResourceExhausted, "this query has too many {}", limit)
      .at(position.offset)
      .hint("split it into materialized views");
}

Result<LogicalPtr> Binder::rename_columns(LogicalPtr plan, const std::vector<sql::Identifier>& names) {
  if (names.size() != plan->schema.size()) {
    return invalid_argument("{} names for {} columns", names.size(), plan->schema.size())
        .at(names.front().position.offset);
  }
  std::vector<ExprPtr> expressions;
  std::vector<std::string> texts;
  for (size_t i = 0; i < names.size(); ++i) {
    expressions.push_back(column_of(plan->schema, static_cast<int>(i)));
    texts.push_back(names[i].text);
  }
  return make_project(std::move(plan), std::move(expressions), std::move(texts));
}

// --- VALUES ---

Result<std::vector<std::vector<ExprPtr>>> Binder::bind_value_rows(const sql::Values& values) {
  std::vector<std::vector<ExprPtr>> rows;
  ExpressionContext context{.place = "in VALUES"};
  for (const std::vector<sql::Expression>& row : values.rows) {
    if (row.size() != values.rows.front().size()) {
      return invalid_argument("this row has {} values, the first one has {}", row.size(), values.rows.front().size())
          .at(row.front().position.offset);
    }
    std::vector<ExprPtr> bound;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i < value_types_.size()) suggest_parameter_type(row[i], value_types_[i]);
      bound.push_back(PENSTOCK_TRY(bind_expression(row[i], context)));
    }
    rows.push_back(std::move(bound));
  }
  return rows;
}

Result<LogicalPtr> Binder::bind_values(const sql::Values& values, sql::Position position) {
  std::vector<std::vector<ExprPtr>> bound = PENSTOCK_TRY(bind_value_rows(values));
  if (value_types_.size() == bound.front().size()) return bind_typed_values(values, std::move(bound));
  std::vector<std::vector<DataType>> row_types;
  for (const std::vector<ExprPtr>& row : bound) {
    std::vector<DataType> types;
    for (const ExprPtr& cell : row) types.push_back(cell->type());
    row_types.push_back(std::move(types));
  }
  std::vector<DataType> types = PENSTOCK_TRY(located(common_types(row_types), position));
  return compute_values(values, bound, types, expr::coerce);
}

// The rows of an INSERT: each value becomes one of its column.
Result<LogicalPtr> Binder::bind_typed_values(const sql::Values& values, std::vector<std::vector<ExprPtr>> bound) {
  return compute_values(values, bound, value_types_, assign);
}

Result<LogicalPtr> Binder::compute_values(const sql::Values& values, const std::vector<std::vector<ExprPtr>>& bound,
                                          const std::vector<DataType>& types,
                                          Result<ExprPtr> (*convert)(ExprPtr, DataType)) const {
  std::vector<std::vector<types::Value>> rows;
  for (size_t r = 0; r < bound.size(); ++r) {
    std::vector<types::Value> row;
    for (size_t i = 0; i < types.size(); ++i) {
      sql::Position cell = values.rows[r][i].position;
      ExprPtr converted = PENSTOCK_TRY(located(convert(bound[r][i], types[i]), cell));
      row.push_back(converted->is_literal()
                        ? converted->value()
                        : PENSTOCK_TRY(located(expr::evaluate_constant(*converted, context_.eval), cell)));
    }
    rows.push_back(std::move(row));
  }
  types::Schema schema;
  for (const DataType& type : types) schema.push_back({column_name(schema.size()), type});
  return make_values(std::move(rows), std::move(schema));
}

// --- UNION ---

Result<LogicalPtr> Binder::bind_set_operation(const sql::SetOperation& operation, sql::Position position) {
  if (operation.op != sql::SetOperator::kUnion) {
    return unsupported("INTERSECT and EXCEPT are not supported").at(operation.inputs[1].position.offset);
  }
  std::vector<LogicalPtr> inputs;
  std::vector<std::vector<DataType>> input_types;
  for (const sql::Query& input : operation.inputs) {
    inputs.push_back(PENSTOCK_TRY(bind_query(input)));
    if (inputs.back()->schema.size() != inputs.front()->schema.size()) {
      return invalid_argument("this query has {} columns, the first one of the UNION has {}",
                              inputs.back()->schema.size(), inputs.front()->schema.size())
          .at(input.position.offset);
    }
    input_types.push_back(types_of(inputs.back()->schema));
  }
  std::vector<DataType> types = PENSTOCK_TRY(located(common_types(input_types), position));
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = PENSTOCK_TRY(located(cast_columns(std::move(inputs[i]), types), operation.inputs[i].position));
  }
  std::vector<std::string> names;
  for (const types::Field& field : inputs.front()->schema) names.push_back(field.name);
  LogicalPtr result = make_node(UnionAll{}, std::move(inputs), std::move(names));
  return operation.all ? result : make_distinct(std::move(result));
}

// --- ORDER BY, LIMIT ---

Result<Binder::SortRequest> Binder::bind_sort_request(const sql::Query& query) {
  SortRequest sort;
  sort.items = &query.order_by;
  sort.position = query.position;
  if (!query.order_by.empty()) sort.position = query.order_by.front().value->position;
  if (query.limit) {
    sort.position = query.limit->position;
    sort.limit = PENSTOCK_TRY(bind_row_count(*query.limit, "in LIMIT", std::numeric_limits<int64_t>::max()));
  }
  if (query.offset) {
    sort.position = query.offset->position;
    sort.offset = PENSTOCK_TRY(bind_row_count(*query.offset, "in OFFSET", 0));
  }
  return sort;
}

Result<int64_t> Binder::bind_row_count(const sql::Expression& expression, std::string_view clause, int64_t unknown) {
  suggest_parameter_type(expression, TypeKind::kBigInt);
  ExprPtr bound = PENSTOCK_TRY(bind_expression(expression, {.place = clause}));
  bool undetermined = expression.get_if<sql::Parameter>() != nullptr && context_.parameters.empty();
  if (undetermined) return unknown;
  if (!bound->type().is_integer() || !bound->is_constant()) {
    return invalid_argument("a whole number is needed {}", clause).at(expression.position.offset);
  }
  types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*bound, context_.eval), expression.position));
  if (value.is_null() || value.as_int64() < 0) {
    return invalid_argument("a number of rows is needed {}, not {}", clause, types::to_text(value, bound->type()))
        .at(expression.position.offset);
  }
  return value.as_int64();
}

Result<LogicalPtr> Binder::sort_output(LogicalPtr plan, const SortRequest& sort) {
  Scope scope("", plan->schema);
  SelectList list;
  for (size_t i = 0; i < plan->schema.size(); ++i) {
    list.expressions.push_back(scope.column(i));
    list.names.push_back(plan->schema[i].name);
  }
  std::vector<ExprPtr> order = PENSTOCK_TRY(bind_order(list, sort, {.scope = &scope, .place = "in ORDER BY"}));
  return finish_select(false, std::move(plan), list, order, sort);
}

// Sorts by columns of `input`, one per ORDER BY item.
Result<LogicalPtr> Binder::make_sort(LogicalPtr input, const std::vector<int>& columns, const SortRequest& sort) {
  if (sort.empty()) return input;
  bool bounded = input->traits.bounded;
  if (!bounded && (columns.empty() || !sort.limit)) {
    return unsupported("{} needs an input that ends, and this one does not",
                       sort.limit ? "LIMIT without ORDER BY" : "ORDER BY without LIMIT")
        .at(sort.position.offset)
        .hint("write both, which keeps the first rows, or put them into the SELECT that reads the view");
  }
  if (columns.empty()) return make_node(Limit{sort.limit, sort.offset}, {std::move(input)});
  Sort node;
  node.limit = sort.limit;
  node.offset = sort.offset;
  for (size_t i = 0; i < columns.size(); ++i) {
    const sql::OrderItem& item = (*sort.items)[i];
    // NULLs are lowest unless it is said otherwise, as in Flink.
    node.keys.push_back({columns[i], item.descending, item.nulls_first.value_or(!item.descending)});
  }
  if (bounded) return make_node(std::move(node), {std::move(input)});
  // Of a stream, the rows that are the first ones are kept up to date; they come in no order.
  constexpr int64_t kRankMax = std::numeric_limits<int64_t>::max();
  Rank rank{.partition_by = {}, .order_by = std::move(node.keys), .with_rank = false};
  rank.first = sort.offset < kRankMax ? sort.offset + 1 : kRankMax;
  rank.last = *sort.limit < kRankMax - sort.offset ? sort.offset + *sort.limit : kRankMax;
  return make_node(std::move(rank), {std::move(input)});
}

}  // namespace penstock::plan
