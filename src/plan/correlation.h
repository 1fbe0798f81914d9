// References from a subquery to the queries around it. Until the subquery is joined to what it refers to
// (decorrelate.h) they stand in its plan as columns with large numbers. Private to the module.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "expr/expr.h"
#include "plan/logical.h"

namespace penstock::plan {

// Queries that are being bound have levels: how many queries are around them.
using QueryLevel = uint32_t;

// Column `column` of what the query of that level is over, as seen from a subquery of it.
expr::ExprPtr outer_column(QueryLevel level, size_t column, types::DataType type, std::string name);
// Which column of that level the expression is, when it is one.
std::optional<size_t> outer_column_of(const expr::Expr& expression, QueryLevel level);
// Whether the expression is a column of any outer query.
bool is_outer_column(const expr::Expr& expression);

// Whether some column of that level is used.
bool is_correlated(const expr::Expr& expression, QueryLevel level);
bool is_correlated(const LogicalNode& plan, QueryLevel level);
// Whether a column of any outer query is used.
bool is_correlated(const expr::Expr& expression);
bool is_correlated(const LogicalNode& plan);

// Adds the columns of that level which the plan uses, some maybe more than once.
void collect_outer_columns(const LogicalNode& plan, QueryLevel level, std::vector<size_t>& columns);

// Calls `visit` with every expression of the operator.
void visit_expressions(const LogicalOperator& op, const std::function<void(const expr::ExprPtr&)>& visit);
// The plan with every expression of every operator replaced.
LogicalPtr map_expressions(const LogicalPtr& plan, const std::function<expr::ExprPtr(const expr::ExprPtr&)>& map);
// The expression with every column of that level replaced; `replace` gets its number.
expr::ExprPtr replace_outer(const expr::ExprPtr& expression, QueryLevel level,
                            const std::function<expr::ExprPtr(size_t column)>& replace);

// The expression with every other column replaced.
expr::ExprPtr replace_own(const expr::ExprPtr& expression,
                          const std::function<expr::ExprPtr(const expr::Expr& column)>& replace);

}  // namespace penstock::plan
