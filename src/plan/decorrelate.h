// Subqueries that use columns of the query around them, planned once for all rows of that query instead of once for
// each: the values that they use become columns of their own, by which their rows are joined to those of the outer
// query.
//
//   (SELECT MAX(price) FROM bids WHERE bids.auction = auctions.id AND price < auctions.reserve)
//
//   Aggregate(keys: id, reserve; MAX(price))            one row per pair of values that there is
//     Join(bids.auction = id AND price < reserve)
//       bids
//       Aggregate(keys: id, reserve)                    the domain: every pair of values once
//         auctions
//
// Where each value is equal to something that the subquery itself has, that stands for it and no domain is needed. The
// way is that of Neumann and Kemper, "Unnesting Arbitrary Queries" (2015). Private to the module.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "plan/correlation.h"
#include "plan/logical.h"

namespace penstock::plan {

// What the query of a level is over, and a subquery of it.
struct CorrelatedSubquery {
  const LogicalPtr& outer;
  // Columns to the left of the subquery's in the conditions: those of `outer`, and what has been added behind them.
  size_t width = 0;
  const LogicalPtr& subquery;
  QueryLevel level = 0;
};

struct Decorrelated {
  // Uses nothing of the outer query. The columns of the subquery come first.
  LogicalPtr plan;
  // Over width columns ++ plan: which rows of the plan are the subquery's for a row of the outer query. All must be
  // true.
  std::vector<expr::ExprPtr> conditions;
  // Columns of the plan: the values by which its rows belong to rows of the outer query. Of decorrelate_values().
  std::vector<int> keys;
  // When there is one per column of the subquery, over outer: the subquery has exactly one row for every row of the
  // outer query, and where the plan has none for it these are its values. Of decorrelate_values().
  std::optional<std::vector<expr::ExprPtr>> defaults;
};

// The rows of the subquery, to be joined by any conditions.
Result<Decorrelated> decorrelate_rows(const CorrelatedSubquery& query);

// The same, with all conditions equalities of a value and a column of the plan, so that the rows can be grouped.
Result<Decorrelated> decorrelate_values(const CorrelatedSubquery& query);

// What a column of the plan gives when the plan is the right side of a left join. `matched` is a column that is NULL
// where it had no row, `otherwise` the value there.
Result<expr::ExprPtr> value_or(expr::ExprPtr column, const expr::ExprPtr& matched, expr::ExprPtr otherwise);

// `input` with a last column that is TRUE in every row.
LogicalPtr with_marker(LogicalPtr input);

}  // namespace penstock::plan
