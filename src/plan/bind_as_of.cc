// Joins with a table as it is at a time of the row to the left: JOIN rates FOR SYSTEM_TIME AS OF o.proctime ON ...
#include <algorithm>

#include "plan/binder.h"
#include "plan/node.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// Whether the rows are those of a table or materialized view: then it is known when all that is there has been read.
bool is_scan(const LogicalNode& node) {
  if (node.get_if<LogicalScan>() != nullptr) return true;
  return (node.get_if<Project>() != nullptr || node.get_if<Filter>() != nullptr) && is_scan(node.input());
}

}  // namespace

// The time must be that at which the row is processed.
Status Binder::check_as_of(const sql::Expression& time, const Named& left) {
  ExprPtr bound = PENSTOCK_TRY(bind_expression(time, {.scope = &left.second, .place = "in FOR SYSTEM_TIME AS OF"}));
  bool is_column = bound->kind() == expr::Expr::Kind::kColumn;
  const std::vector<int>& times = left.first->traits.processing_times;
  if (is_column && std::ranges::count(times, static_cast<int>(bound->column_index())) > 0) return {};
  if (is_processing_time(*bound)) return {};
  return unsupported("FOR SYSTEM_TIME AS OF takes a column that is PROCTIME(), of the table on the left")
      .at(time.position.offset)
      .hint("add one to it, as in: SELECT *, PROCTIME() AS processed FROM orders");
}

Result<Binder::Named> Binder::bind_join_as_of(const sql::Join& join, const sql::NamedTable& table, Named left) {
  const uint32_t position = join.right->position.offset;
  JoinKind kind = kind_of(join.kind);
  bool is_known = (join.kind == sql::JoinKind::kInner || join.kind == sql::JoinKind::kLeft) && join.on;
  if (!is_known) return unsupported("FOR SYSTEM_TIME AS OF needs JOIN ... ON or LEFT JOIN ... ON").at(position);
  PENSTOCK_TRY(check_as_of(*table.as_of, left));
  if (!left.first->traits.append_only) {
    return unsupported("rows on the left of FOR SYSTEM_TIME AS OF must not be taken back later, and these may be")
        .at(position)
        .hint("a join without FOR SYSTEM_TIME AS OF follows the changes of both sides");
  }
  LogicalPtr plan = PENSTOCK_TRY(bind_named_table(table.name));
  if (!is_scan(*plan)) {
    return unsupported("FOR SYSTEM_TIME AS OF takes a table or a materialized view, not a query")
        .at(table.name.position().offset)
        .hint("make it a MATERIALIZED VIEW");
  }
  Named right = PENSTOCK_TRY(name_table(*join.right, table.name.parts.back().text, std::move(plan)));
  PENSTOCK_TRY(check_table_names(left.second, right.second, join.right->position));
  Scope scope(left.second, right.second);
  ExprPtr condition = PENSTOCK_TRY(bind_condition(*join.on, {.scope = &scope, .place = "in ON"}));
  Join looked_up{.kind = kind,
                 .keys = {},
                 .condition = std::move(condition),
                 .output = identity(scope.size()),
                 .time = {},
                 .as_of = AsOf{}};
  LogicalPtr joined = make_node(std::move(looked_up), {std::move(left.first), std::move(right.first)});
  PENSTOCK_TRY(check_size(joined, join.right->position));
  scope.set_types(joined->schema);
  return Named(std::move(joined), std::move(scope));
}

}  // namespace penstock::plan
