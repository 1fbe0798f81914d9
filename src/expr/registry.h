// Resolves calls by name: finds the overload, inserts implicit casts as Flink does, and gives typed expressions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "expr/function.h"
#include "types/type.h"

namespace penstock::expr {

// A call of a function or operator, by its name in any case. Names beside those of functions:
//   operators     + - * / % (unary: NEGATE)  = <> < <= > >=  ||  AND OR NOT
//                 LIKE "NOT LIKE" (text, pattern [, escape])  "SIMILAR TO"  IN (value, candidates...)
//                 "IS NULL" "IS NOT NULL" "IS TRUE" "IS NOT TRUE" "IS FALSE" "IS NOT FALSE" "IS UNKNOWN"
//                 "IS DISTINCT FROM" "IS NOT DISTINCT FROM" (two arguments)
//   nested values "." (row, INT literal: the place of the field)  "[]" (array, index) or (map, key)
//                 ARRAY (elements...)  MAP (key, value, ...)  ROW (fields...)
//   special forms COALESCE IFNULL NULLIF IF GREATEST LEAST
//   EXTRACT, FLOOR, CEIL, TIMESTAMPADD, TIMESTAMPDIFF take the unit as a STRING literal in first place:
//                 EXTRACT(YEAR FROM t) is bind_call("EXTRACT", {literal 'YEAR', t}),
//                 FLOOR(t TO HOUR) is bind_call("FLOOR", {literal 'HOUR', t}).
// Errors: kNotFound with "did you mean" for an unknown name; kInvalidArgument with the candidate signatures when no
// overload takes the arguments.
Result<ExprPtr> bind_call(std::string_view name, std::vector<ExprPtr> arguments);

// A field of a ROW, by its name in any case; kNotFound with "did you mean" when there is none.
Result<ExprPtr> bind_field(ExprPtr row, std::string_view name);
// The ROW and the place of the field, when `expr` is what bind_field() gives.
struct FieldAccess {
  ExprPtr row;
  size_t field;
};
std::optional<FieldAccess> as_field_access(const Expr& expr);

// CASE WHEN c1 THEN r1 ... ELSE e END; `children` as in Expr::case_when (give a NULL literal where there is no ELSE).
Result<ExprPtr> bind_case(std::vector<ExprPtr> children);

// An explicit CAST or TRY_CAST; kInvalidArgument when there is no cast between the types.
Result<ExprPtr> bind_cast(ExprPtr child, types::DataType type, bool try_cast = false);

// `child` as `type` where an implicit cast allows that (assignments in INSERT, arms of UNION); kInvalidArgument if not.
Result<ExprPtr> coerce(ExprPtr child, types::DataType type);

// The literal of a SQL number as Flink types it: INT, BIGINT when larger, DECIMAL(p, s) with a point, p being the
// number of digits written, DOUBLE with an exponent.
Result<ExprPtr> number_literal(std::string_view text);

// True when values of type `from` become `to` without being asked.
bool implicitly_castable(types::DataType from, types::DataType to);
// True when CAST(from AS to) exists.
bool explicitly_castable(types::DataType from, types::DataType to);

// The type that all of `types` have in common (for CASE, UNION, comparisons), as Flink's LogicalTypeMerging; an error
// names the two types that do not go together. NULLs agree with everything.
Result<types::DataType> common_type(std::span<const types::DataType> types);

// The name by which a function is found, of one in any case: JSON text is all the JSON there is, so PostgreSQL's
// functions of JSONB are those of JSON.
std::string canonical_name(std::string_view name);
// True when there is a scalar function (not an operator) of that name, in any case.
bool is_scalar_function(std::string_view name);
// Every overload, by category and in the order of the documentation. Beside them are special_forms() of
// special_forms.h.
std::vector<const ScalarFunction*> scalar_functions();

// The name of `known` closest to `name`, empty when none is near: for "did you mean".
std::string closest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace penstock::expr
