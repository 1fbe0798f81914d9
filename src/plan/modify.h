// INSERT's extras, UPDATE, DELETE and MERGE, which are for native tables: what they compute, as plans and expressions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "expr/expr.h"
#include "plan/planner.h"
#include "types/type.h"

namespace penstock::sql {
struct Delete;
struct Insert;
struct Merge;
struct Update;
}  // namespace penstock::sql

namespace penstock::plan {

// RETURNING items, over the physical columns of a row, and behind these the columns of FROM or USING.
struct PlannedReturning {
  types::Schema schema;
  std::vector<expr::ExprPtr> expressions;
  std::vector<types::DataType> parameter_types;  // those of the statement so far too
};

// A bounded query that gives, for each row to be changed, its physical columns as they are, of an UPDATE then as they
// shall be, then the columns of FROM or USING where there is a RETURNING.
struct PlannedChange {
  std::string target;     // the table's full name
  types::Schema columns;  // its physical ones
  PlannedQuery query;
  PlannedReturning returning;
  // The table is joined: a row may come several times, and one of these counts. The last column says how many equal
  // rows of the table it stands for.
  bool joined = false;
};
// UPDATE t SET ... [FROM ...] [WHERE ...]
Result<PlannedChange> plan_update(const sql::Update& update, const PlanContext& context);
// DELETE FROM t [USING ...] [WHERE ...]
Result<PlannedChange> plan_delete(const sql::Delete& statement, const PlanContext& context);
// MERGE INTO t: in front of the old and the new row stand whether the old one goes and whether the new one comes, and
// behind them for how many rows of the table it stands.
Result<PlannedChange> plan_merge(const sql::Merge& merge, const PlanContext& context);

// ON CONFLICT ... DO UPDATE SET ... [WHERE ...]: over the row that is there and the one that was to be inserted
// (EXCLUDED).
struct PlannedConflict {
  std::vector<expr::ExprPtr> new_row;  // its physical columns; empty for DO NOTHING
  expr::ExprPtr where;                 // null: always
  std::vector<types::DataType> parameter_types;
};
// Of an INSERT that has one.
Result<PlannedConflict> plan_on_conflict(const sql::Insert& insert, const catalog::Entry& table,
                                         const PlanContext& context);

// RETURNING of an INSERT.
Result<PlannedReturning> plan_returning(const sql::Insert& insert, const catalog::Entry& table,
                                        const PlanContext& context);

}  // namespace penstock::plan
