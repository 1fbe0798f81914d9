// WITH RECURSIVE: common tables that read themselves.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/correlation.h"
#include "plan/node.h"
#include "sql/keywords.h"
#include "sql/table_names.h"
#include "types/types_of.h"

namespace penstock::plan {
namespace {

Error not_recursive(const sql::CommonTableExpression& table) {
  return unsupported("{} reads itself, and so has to be a query UNION [ALL] one that reads it", table.name.text)
      .at(table.query->position.offset)
      .hint("WITH, ORDER BY and LIMIT stand outside, in the query that reads it");
}

// The columns of the recursive query: any of them may be NULL in what follows from the first rows.
types::Schema columns_of(const sql::CommonTableExpression& table, const LogicalNode& first) {
  types::Schema schema = first.schema;
  for (size_t i = 0; i < schema.size(); ++i) {
    schema[i].type = schema[i].type.with_nullable(true);
    if (i < table.columns.size()) schema[i].name = table.columns[i].text;
  }
  return schema;
}

LogicalPtr make_recursion_scan(int number, const types::Schema& schema) {
  return make_node(RecursionScan{.number = number, .schema = schema}, {});
}

}  // namespace

std::optional<sql::Position> first_use(const sql::Query& query, const sql::Identifier& name) {
  std::optional<sql::Position> found;
  sql::for_each_table_name(query, [&](const sql::QualifiedName& use) {
    const bool same = use.parts.size() == 1 && sql::equal_ignoring_case(use.parts.front().text, name.text);
    if (same && (!found || use.position().offset < found->offset)) found = use.position();
  });
  return found;
}

Result<LogicalPtr> Binder::bind_recursive(const sql::CommonTableExpression& table) {
  const sql::Query& query = *table.query;
  const auto* both = std::get_if<sql::SetOperation>(&query.body);
  const bool is_union = both != nullptr && both->op == sql::SetOperator::kUnion;
  if (!is_union || !query.with.empty() || !query.order_by.empty() || query.limit || query.offset) {
    return not_recursive(table);
  }
  std::vector<const sql::Query*> first;
  std::vector<const sql::Query*> parts;
  for (const sql::Query& input : both->inputs) {
    const std::optional<sql::Position> use = first_use(input, table.name);
    if (use && &input == &both->inputs.front()) {
      return invalid_argument("the first query of the UNION gives the rows with which {} begins, and cannot read it",
                              table.name.text)
          .at(use->offset);
    }
    (use ? parts : first).push_back(&input);
  }
  const size_t uses = recursive_uses_.size();
  LogicalPtr begin = union_all(PENSTOCK_TRY(bind_set_inputs(first, "UNION", query.position)));
  if (!table.columns.empty() && table.columns.size() != begin->schema.size()) {
    return invalid_argument("{} names for {} columns", table.columns.size(), begin->schema.size())
        .at(table.columns.front().position.offset);
  }
  const types::Schema schema = columns_of(table, *begin);
  Recursion recursion{.number = recursions_++,
                      .all = both->all,
                      .bounded = context_.mode == PlanMode::kBounded,
                      .steps_max = context_.recursion.steps_max,
                      .rows_max = context_.recursion.rows_max,
                      .written_at = table.name.position.offset};
  LogicalPtr scan = make_recursion_scan(recursion.number, schema);
  common_tables_.push_back({.name = table.name.text, .plan = std::move(scan), .recursive = true, .uses = {}});
  std::vector<LogicalPtr> steps;
  for (const sql::Query* part : parts) steps.push_back(PENSTOCK_TRY(bind_step(*part, schema)));
  common_tables_.pop_back();
  PENSTOCK_TRY(refuse_recursive_uses(uses, "in another recursive query"));
  std::vector<std::string> names;
  for (const types::Field& field : schema) names.push_back(field.name);
  LogicalPtr plan = make_node(recursion, {std::move(begin), union_all(std::move(steps))}, std::move(names));
  if (is_correlated(*plan)) {
    return unsupported("the recursive query {} cannot use columns of a query around it", table.name.text)
        .at(table.name.position.offset)
        .hint("join it with that query");
  }
  return plan;
}

Result<LogicalPtr> Binder::bind_step(const sql::Query& part, const types::Schema& schema) {
  const size_t table = common_tables_.size() - 1;
  LogicalPtr step = PENSTOCK_TRY(bind_query(part));
  if (std::ranges::count(recursive_uses_, table, &RecursiveUse::table) == 0) {
    return invalid_argument("this part of {} has a common table that reads it, which nothing reads",
                            common_tables_[table].name)
        .at(part.position.offset);
  }
  // The next part may read it, too.
  std::erase_if(recursive_uses_, [&](const RecursiveUse& use) { return use.table == table; });
  if (step->schema.size() != schema.size()) {
    return invalid_argument("this query has {} columns, the first one of the UNION has {}", step->schema.size(),
                            schema.size())
        .at(part.position.offset);
  }
  for (size_t i = 0; i < schema.size(); ++i) {
    const types::DataType type = step->schema[i].type.with_nullable(true);
    if (expr::coerce(column_of(step->schema, static_cast<int>(i)), schema[i].type)) continue;
    return invalid_argument("column {} is {} here, but {} in the first query of the UNION, which says what it is",
                            schema[i].name, type.to_string(), schema[i].type.to_string())
        .at(part.position.offset)
        .hint(fmt::format("CAST it to {} here, or to {} there", schema[i].type.to_string(), type.to_string()));
  }
  return cast_columns(std::move(step), types_of(schema));
}

Status Binder::note_recursive_uses(size_t common_table, sql::Position position) {
  std::vector<size_t> used;
  if (common_tables_[common_table].recursive) used.push_back(common_table);
  for (const RecursiveUse& use : common_tables_[common_table].uses) used.push_back(use.table);
  for (size_t table : used) {
    if (std::ranges::count(recursive_uses_, table, &RecursiveUse::table) > 0) {
      return unsupported("the recursive query {} reads itself twice in one part of its UNION",
                         common_tables_[table].name)
          .at(position.offset)
          .hint("what follows from pairs of rows is not supported: join with a table, or write two parts");
    }
    recursive_uses_.push_back({.table = table, .position = position});
  }
  return {};
}

Status Binder::refuse_recursive_uses(size_t since, std::string_view place) const {
  if (recursive_uses_.size() <= since) return {};
  const RecursiveUse& use = recursive_uses_[since];
  return unsupported("the recursive query {} cannot read itself {}", common_tables_[use.table].name, place)
      .at(use.position.offset)
      .hint("read it so outside, in the query that reads the whole");
}

}  // namespace penstock::plan
