// Queries: WITH, VALUES, set operations, ORDER BY and LIMIT.
#include <algorithm>
#include <numeric>

#include "expr/aggregate.h"
#include "expr/evaluate.h"
#include "expr/registry.h"
#include "plan/array_text.h"
#include "plan/binder.h"
#include "plan/rules.h"
#include "plan/window_call.h"
#include "sql/keywords.h"
#include "types/types_of.h"

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

// A NULL in a select list has no type of its own; alone it is called a STRING. One that is cast has that type.
bool is_bare_null(const LogicalNode& plan, size_t column) {
  const auto* project = plan.get_if<Project>();
  return project != nullptr && project->expressions[column]->is_null_literal() &&
         project->expressions[column]->type().kind() == TypeKind::kString;
}

std::vector<DataType> types_of_set_input(const LogicalNode& input) {
  std::vector<DataType> types = types_of(input.schema);
  for (size_t column = 0; column < types.size(); ++column) {
    if (is_bare_null(input, column)) types[column] = TypeKind::kNull;
  }
  return types;
}

}  // namespace

Result<LogicalPtr> cast_columns(LogicalPtr input, const std::vector<DataType>& types) {
  std::vector<ExprPtr> expressions;
  std::vector<std::string> names;
  bool changed = false;
  for (size_t i = 0; i < types.size(); ++i) {
    ExprPtr column = column_of(input->schema, static_cast<int>(i));
    changed = changed || !column->type().same_type(types[i]);
    names.push_back(input->schema[i].name);
    expressions.push_back(is_bare_null(*input, i) ? Expr::literal({}, types[i])
                                                  : PENSTOCK_TRY(expr::coerce(std::move(column), types[i])));
  }
  if (!changed) return input;
  return make_project(std::move(input), std::move(expressions), std::move(names));
}

LogicalPtr union_all(std::vector<LogicalPtr> inputs) {
  if (inputs.size() == 1) return std::move(inputs.front());
  std::vector<std::string> names;
  for (const types::Field& field : inputs.front()->schema) names.push_back(field.name);
  return make_node(UnionAll{}, std::move(inputs), std::move(names));
}

Result<ExprPtr> assign(ExprPtr value, DataType type, bool of_unknown_parameters) {
  if (value->is_null_literal()) {
    if (!type.nullable() && !of_unknown_parameters) return invalid_argument("the column is NOT NULL");
    return Expr::literal({}, type);
  }
  bool spelt = value->is_literal() && value->type().kind() == TypeKind::kString && type.kind() != TypeKind::kString;
  if (spelt && type.kind() == TypeKind::kArray) return bind_array_text(value->value().as_string(), type);
  return spelt ? expr::bind_cast(std::move(value), type) : expr::coerce(std::move(value), type);
}

Status Binder::bind_with(const std::vector<sql::CommonTableExpression>& tables, bool recursive) {
  for (const sql::CommonTableExpression& table : tables) {
    const auto used = static_cast<ptrdiff_t>(recursive_uses_.size());
    LogicalPtr plan = PENSTOCK_TRY(bind_common_table(table, recursive));
    // They count where the common table is read.
    std::vector<RecursiveUse> uses(recursive_uses_.begin() + used, recursive_uses_.end());
    recursive_uses_.resize(static_cast<size_t>(used));
    common_tables_.push_back({.name = table.name.text, .plan = std::move(plan), .uses = std::move(uses)});
  }
  return {};
}

Result<LogicalPtr> Binder::bind_query(const sql::Query& query) {
  size_t outer_tables = common_tables_.size();
  PENSTOCK_TRY(bind_with(query.with, query.recursive));
  const size_t recursive_uses = recursive_uses_.size();
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
    if (!sort.empty()) PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, kBelowSort));
    plan = PENSTOCK_TRY(sort_output(std::move(plan), sort));
  }
  common_tables_.resize(outer_tables);
  PENSTOCK_TRY(check_size(plan, query.position));
  plan = with_place(plan, query.position.offset);
  if (query.emit) plan = PENSTOCK_TRY(bind_emit(*query.emit, std::move(plan)));
  return plan;
}

Result<LogicalPtr> Binder::bind_common_table(const sql::CommonTableExpression& table, bool recursive) {
  if (recursive && first_use(*table.query, table.name)) return bind_recursive(table);
  LogicalPtr plan = PENSTOCK_TRY(bind_query(*table.query));
  if (table.columns.empty()) return plan;
  return rename_columns(std::move(plan), table.columns);
}

Result<LogicalPtr> Binder::bind_emit(const sql::Emit& written, LogicalPtr plan) {
  const bool of_statement = written.kind == sql::EmitKind::kEvery || written.kind == sql::EmitKind::kComplete;
  if (of_statement && view_depth_ > 0 && context_.mode == PlanMode::kStreaming) {
    return unsupported("EMIT EVERY and EMIT COMPLETE say how the result of a statement comes out, not what a view is");
  }
  Emit emit;
  emit.written_at = written.position.offset;
  switch (written.kind) {
    case sql::EmitKind::kOnUpdate: emit.kind = Emit::Kind::kOnUpdate; break;
    case sql::EmitKind::kOnWindowClose: emit.kind = Emit::Kind::kOnWindowClose; break;
    case sql::EmitKind::kEvery: emit.kind = Emit::Kind::kEvery; break;
    case sql::EmitKind::kComplete: emit.kind = Emit::Kind::kComplete; break;
  }
  if (written.interval) {
    emit.interval_us = PENSTOCK_TRY(bind_window_interval(*written.interval, "the interval of EMIT"));
    if (emit.interval_us <= 0) {
      return invalid_argument("the interval of EMIT must be more than zero").at(written.interval->position.offset);
    }
  }
  std::vector<std::string> names = column_names(*plan);
  return make_node(emit, {std::move(plan)}, std::move(names));
}

Status Binder::check_size(const LogicalPtr& plan, sql::Position position) const {
  std::string limit;
  if (plan->size > kPlanNodesMax) limit = fmt::format("{} operators", kPlanNodesMax);
  if (plan->height > kPlanHeightMax) limit = fmt::format("{} operators on top of each other", kPlanHeightMax);
  if (plan->schema.size() > kColumnsMax) limit = fmt::format("{} columns", kColumnsMax);
  if (limit.empty()) return {};
  return make_error(ErrorCode::kResourceExhausted, "this query has more than {}", limit)
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

namespace {

// The VALUES whose rows are rows of the query itself.
void collect_values(const sql::Query& query, std::vector<const sql::Values*>& found) {
  if (const auto* values = std::get_if<sql::Values>(&query.body)) found.push_back(values);
  const auto* operation = std::get_if<sql::SetOperation>(&query.body);
  if (operation == nullptr) return;
  for (const sql::Query& input : operation->inputs) collect_values(input, found);
}

}  // namespace

void Binder::expect_values(const sql::Query& query, std::vector<DataType> types, DefaultOf default_of) {
  collect_values(query, inserted_values_);
  value_types_ = std::move(types);
  if (std::holds_alternative<sql::Values>(query.body)) default_of_ = std::move(default_of);
}

Result<std::vector<std::vector<ExprPtr>>> Binder::bind_value_rows(const sql::Values& values) {
  std::vector<std::vector<ExprPtr>> rows;
  ExpressionContext context{.place = "in VALUES"};
  const size_t expected = std::ranges::count(inserted_values_, &values) > 0 ? value_types_.size() : 0;
  for (const std::vector<sql::Expression>& row : values.rows) {
    if (row.size() != values.rows.front().size()) {
      return invalid_argument("this row has {} values, the first one has {}", row.size(), values.rows.front().size())
          .at(row.front().position.offset);
    }
    std::vector<ExprPtr> bound;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i < expected) suggest_parameter_type(row[i], value_types_[i]);
      if (row[i].get_if<sql::Keyword>() != nullptr && default_of_ && i < expected) {
        bound.push_back(PENSTOCK_TRY(located(default_of_(i), row[i].position)));
        continue;
      }
      bound.push_back(PENSTOCK_TRY(bind_expression(row[i], context)));
    }
    rows.push_back(std::move(bound));
  }
  return rows;
}

Result<LogicalPtr> Binder::bind_values(const sql::Values& values, sql::Position position) {
  std::vector<std::vector<ExprPtr>> bound = PENSTOCK_TRY(bind_value_rows(values));
  const bool inserted = std::ranges::count(inserted_values_, &values) > 0;
  if (inserted && value_types_.size() == bound.front().size()) return bind_typed_values(values, std::move(bound));
  std::vector<std::vector<DataType>> row_types;
  for (const std::vector<ExprPtr>& row : bound) {
    std::vector<DataType> types;
    for (const ExprPtr& cell : row) types.push_back(cell->type());
    row_types.push_back(std::move(types));
  }
  std::vector<DataType> types = PENSTOCK_TRY(located(common_types(row_types), position));
  bool correlated = std::ranges::any_of(bound, [](const std::vector<ExprPtr>& row) {
    return std::ranges::any_of(row, [](const ExprPtr& cell) { return is_correlated(*cell); });
  });
  if (correlated) return located(project_values(bound, types), position);
  return compute_values(values, bound, types, expr::coerce);
}

// Rows that depend on the query around them, each as a projection of an empty row.
Result<LogicalPtr> Binder::project_values(const std::vector<std::vector<ExprPtr>>& bound,
                                          const std::vector<DataType>& types) {
  std::vector<LogicalPtr> rows;
  for (const std::vector<ExprPtr>& row : bound) {
    std::vector<ExprPtr> expressions;
    std::vector<std::string> names;
    for (size_t i = 0; i < types.size(); ++i) {
      names.push_back(column_name(i));
      expressions.push_back(PENSTOCK_TRY(expr::coerce(row[i], types[i])));
    }
    rows.push_back(make_project(make_values({{}}, {}), std::move(expressions), std::move(names)));
  }
  return union_all(std::move(rows));
}

// The rows of an INSERT: each value becomes one of its column.
Result<LogicalPtr> Binder::bind_typed_values(const sql::Values& values, std::vector<std::vector<ExprPtr>> bound) {
  return compute_values(values, bound, value_types_, [this](ExprPtr value, DataType type) {
    return assign(std::move(value), type, has_unknown_parameters());
  });
}

Result<LogicalPtr> Binder::compute_values(const sql::Values& values, const std::vector<std::vector<ExprPtr>>& bound,
                                          const std::vector<DataType>& types,
                                          const std::function<Result<ExprPtr>(ExprPtr, DataType)>& convert) const {
  std::vector<std::vector<types::Value>> rows;
  for (size_t r = 0; r < bound.size(); ++r) {
    std::vector<types::Value> row;
    for (size_t i = 0; i < types.size(); ++i) {
      sql::Position cell = values.rows[r][i].position;
      ExprPtr converted = PENSTOCK_TRY(located(convert(bound[r][i], types[i]), cell));
      row.push_back(converted->is_literal() ? converted->value()
                                            : PENSTOCK_TRY(located(expr::evaluate_constant(*converted, eval_), cell)));
    }
    rows.push_back(std::move(row));
  }
  types::Schema schema;
  for (const DataType& type : types) schema.push_back({column_name(schema.size()), type});
  return make_values(std::move(rows), std::move(schema));
}

// --- UNION, INTERSECT, EXCEPT ---

namespace {

std::string_view operator_name(sql::SetOperator op) {
  switch (op) {
    case sql::SetOperator::kUnion: return "UNION";
    case sql::SetOperator::kIntersect: return "INTERSECT";
    case sql::SetOperator::kExcept: return "EXCEPT";
  }
  return "UNION";
}

// Equal rows numbered 1, 2, 3, ... in a last column, which makes them differ.
LogicalPtr number_equal_rows(LogicalPtr input) {
  Rank rank{.partition_by = {}, .order_by = {}, .last = std::nullopt};
  for (size_t i = 0; i < input->schema.size(); ++i) rank.partition_by.push_back(static_cast<int>(i));
  return make_node(std::move(rank), {std::move(input)});
}

// The rows of all inputs, each with a column per input that says whether it is from there.
LogicalPtr tag_and_unite(const std::vector<LogicalPtr>& inputs) {
  std::vector<LogicalPtr> tagged;
  for (size_t number = 0; number < inputs.size(); ++number) {
    const types::Schema& schema = inputs[number]->schema;
    std::vector<ExprPtr> expressions;
    std::vector<std::string> names;
    for (size_t i = 0; i < schema.size(); ++i) {
      expressions.push_back(column_of(schema, static_cast<int>(i)));
      names.push_back(inputs.front()->schema[i].name);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      expressions.push_back(
          Expr::literal(types::Value(i == number), DataType(TypeKind::kBoolean).with_nullable(false)));
      names.push_back("from " + std::to_string(i + 1));
    }
    tagged.push_back(make_project(inputs[number], std::move(expressions), std::move(names)));
  }
  return union_all(std::move(tagged));
}

// Each distinct row that the first input has, and all others have too (INTERSECT), or none of them has (EXCEPT).
Result<LogicalPtr> keep_by_counts(const std::vector<LogicalPtr>& inputs, bool in_others) {
  size_t columns = inputs.front()->schema.size();
  Aggregate aggregate;
  for (size_t i = 0; i < columns; ++i) aggregate.keys.push_back(static_cast<int>(i));
  for (size_t i = 0; i < inputs.size(); ++i) {
    AggregateCall count;
    count.function = PENSTOCK_TRY(expr::bind_aggregate("COUNT", DataType(), false));
    count.filter = static_cast<int>(columns + i);
    aggregate.calls.push_back(count);
  }
  LogicalPtr counted = make_node(std::move(aggregate), {tag_and_unite(inputs)});
  std::vector<ExprPtr> conditions;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ExprPtr count = column_of(counted->schema, static_cast<int>(columns + i));
    ExprPtr zero = Expr::literal(types::Value(int64_t{0}), DataType(TypeKind::kBigInt).with_nullable(false));
    bool wanted = i == 0 || in_others;
    conditions.push_back(PENSTOCK_TRY(expr::bind_call(wanted ? ">" : "=", {std::move(count), std::move(zero)})));
  }
  return make_filter(std::move(counted), expr::join_conjunction(std::move(conditions)));
}

}  // namespace

Result<std::vector<LogicalPtr>> Binder::bind_set_inputs(std::span<const sql::Query* const> written,
                                                        std::string_view name, sql::Position position) {
  std::vector<LogicalPtr> inputs;
  std::vector<std::vector<DataType>> input_types;
  for (const sql::Query* input : written) {
    inputs.push_back(PENSTOCK_TRY(bind_query(*input)));
    if (inputs.back()->schema.size() != inputs.front()->schema.size()) {
      return invalid_argument("this query has {} columns, the first one of the {} has {}", inputs.back()->schema.size(),
                              name, inputs.front()->schema.size())
          .at(input->position.offset);
    }
    input_types.push_back(types_of_set_input(*inputs.back()));
  }
  std::vector<DataType> types = PENSTOCK_TRY(located(common_types(input_types), position));
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = PENSTOCK_TRY(located(cast_columns(std::move(inputs[i]), types), written[i]->position));
  }
  return inputs;
}

Result<LogicalPtr> Binder::bind_set_operation(const sql::SetOperation& operation, sql::Position position) {
  const size_t recursive_uses = recursive_uses_.size();
  std::vector<const sql::Query*> written;
  for (const sql::Query& input : operation.inputs) written.push_back(&input);
  std::vector<LogicalPtr> inputs = PENSTOCK_TRY(bind_set_inputs(written, operator_name(operation.op), position));
  if (operation.op != sql::SetOperator::kUnion || !operation.all) {
    PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "below INTERSECT, EXCEPT or UNION without ALL"));
  }
  if (operation.op == sql::SetOperator::kUnion) {
    LogicalPtr all = union_all(std::move(inputs));
    return operation.all ? all : make_distinct(std::move(all));
  }
  bool intersect = operation.op == sql::SetOperator::kIntersect;
  size_t columns = inputs.front()->schema.size();
  // a EXCEPT b EXCEPT c takes away what is in either.
  if (!intersect) inputs = {inputs.front(), union_all({inputs.begin() + 1, inputs.end()})};
  if (operation.all) {
    for (LogicalPtr& input : inputs) input = number_equal_rows(std::move(input));
  }
  LogicalPtr kept = PENSTOCK_TRY(keep_by_counts(inputs, intersect));
  std::vector<int> visible(columns);
  std::iota(visible.begin(), visible.end(), 0);
  return make_selection(std::move(kept), visible);
}

// --- ORDER BY, LIMIT ---

namespace {

bool is_among(const std::vector<int>& columns, int column) { return std::ranges::count(columns, column) > 0; }

// ORDER BY a time, and whatever else, of rows that go on coming: a window function's order without the function.
Result<LogicalPtr> sort_by_time(LogicalPtr input, std::vector<SortKey> keys, const std::vector<sql::OrderItem>& items) {
  const Traits& traits = input->traits;
  const SortKey& first = keys.front();
  const sql::Position position = items.front().value->position;
  const bool of_clock = is_among(traits.processing_times, first.column);
  if (!traits.append_only) {
    return unsupported("ORDER BY without LIMIT needs rows that are never taken back, and these may be")
        .at(position.offset)
        .hint("write LIMIT too, which keeps the first rows, into a table that takes changes");
  }
  if (first.descending || !(of_clock || is_among(traits.time_columns, first.column))) {
    return unsupported("rows that go on coming are ordered by their event time or PROCTIME() first, going up")
        .at(position.offset)
        .hint("order by the column with the watermark, then by others; or write LIMIT too, which keeps the first rows");
  }
  // They come in the order of the clock; other columns say something of those that come in the same millisecond.
  if (of_clock && keys.size() == 1) return input;
  if (of_clock) input = with_clock(std::move(input), first.column, types::Window::tumble(types::kLastMomentUs));
  Over over{.partition_by = {}, .order_by = std::move(keys), .calls = {}, .written_at = position.offset};
  return make_node(std::move(over), {std::move(input)});
}

}  // namespace

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
  types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*bound, eval_), expression.position));
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

namespace {

// What tells the rows apart as further keys.
void add_identity(const LogicalNode& rows, std::vector<SortKey>& keys) {
  std::vector<int> columns(rows.schema.size());
  std::iota(columns.begin(), columns.end(), 0);
  for (const int column : rows.traits.key.value_or(columns)) {
    if (std::ranges::find(keys, column, &SortKey::column) == keys.end()) keys.push_back({.column = column});
  }
}

}  // namespace

// Sorts by columns of `input`, one per ORDER BY item.
Result<LogicalPtr> Binder::make_sort(LogicalPtr input, const std::vector<int>& columns, const SortRequest& sort) {
  if (sort.empty()) return input;
  bool bounded = input->traits.bounded;
  // An INSERT that goes on writes rows one after the other; a view has no order, and which rows came first to it
  // depends on when it was made.
  const bool writes = context_.expands_materialized_views;
  std::vector<SortKey> keys;
  for (size_t i = 0; i < columns.size(); ++i) keys.push_back(sort_key(columns[i], (*sort.items)[i]));
  if (!bounded && writes && !sort.limit && sort.offset == 0) {
    return sort_by_time(std::move(input), std::move(keys), *sort.items);
  }
  if (!bounded && (!sort.limit || (columns.empty() && !writes))) {
    return unsupported("{} needs an input that ends, and this one does not", sort.limit ? "LIMIT without ORDER BY"
                                                                             : columns.empty()
                                                                                 ? "OFFSET without LIMIT"
                                                                                 : "ORDER BY without LIMIT")
        .at(sort.position.offset)
        .hint("write both, which keeps the first rows, or put them into the SELECT that reads the view");
  }
  if (columns.empty() && (bounded || input->traits.append_only)) {
    return make_node(Limit{sort.limit, sort.offset}, {std::move(input)});
  }
  if (bounded) {
    return make_node(Sort{.keys = std::move(keys), .limit = sort.limit, .offset = sort.offset}, {std::move(input)});
  }
  // What an INSERT has written of rows that change it must choose again after a restart, when they come otherwise.
  if (writes && !input->traits.append_only) add_identity(*input, keys);
  Rank rank = first_rows(std::move(keys), sort.limit, sort.offset);
  rank.written_at = sort.position.offset;
  return make_node(std::move(rank), {std::move(input)});
}

SortKey sort_key(int column, const sql::OrderItem& item) {
  // NULLs are lowest unless it is said otherwise, as in Flink.
  return {column, item.descending, item.nulls_first.value_or(!item.descending)};
}

Rank first_rows(std::vector<SortKey> order, std::optional<int64_t> limit, int64_t offset) {
  constexpr int64_t kRankMax = std::numeric_limits<int64_t>::max();
  Rank rank{.partition_by = {}, .order_by = std::move(order), .last = std::nullopt, .with_rank = false};
  rank.first = offset < kRankMax ? offset + 1 : kRankMax;
  if (limit) rank.last = *limit < kRankMax - offset ? offset + *limit : kRankMax;
  return rank;
}

}  // namespace penstock::plan
