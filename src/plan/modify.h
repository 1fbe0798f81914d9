// INSERT's extras, UPDATE and DELETE, which are for native tables: what they compute, as plans and expressions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "expr/expr.h"
#include "plan/planner.h"
#include "types/type.h"

namespace penstock::sql {
struct Assignment;
struct Delete;
struct OnConflict;
struct SelectItem;
struct Update;
}  // namespace penstock::sql

namespace penstock::plan {

// UPDATE t SET ... [WHERE ...]: a bounded query that gives, for each row to be changed, its physical columns as they
// are and then as they shall be. DELETE: the physical columns of each row that shall go.
struct PlannedChange {
  std::string target;  // the table's full name
  PlannedQuery query;
};
Result<PlannedChange> plan_update(const sql::Update& update, const PlanContext& context);
Result<PlannedChange> plan_delete(const sql::Delete& statement, const PlanContext& context);

// ON CONFLICT ... DO UPDATE SET ...: the physical columns of the new row, over those of the row that is there and those
// of the row that was to be inserted (EXCLUDED). Empty for DO NOTHING.
Result<std::vector<expr::ExprPtr>> plan_on_conflict(const sql::OnConflict& conflict, const catalog::Entry& table,
                                                    const PlanContext& context);

// RETURNING items, over the physical columns of a row.
struct PlannedReturning {
  types::Schema schema;
  std::vector<expr::ExprPtr> expressions;
};
Result<PlannedReturning> plan_returning(const std::vector<sql::SelectItem>& items, const catalog::Entry& table,
                                        const PlanContext& context);

}  // namespace penstock::plan
