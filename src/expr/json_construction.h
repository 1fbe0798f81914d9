// JSON, as far as the binder must know of it.
#pragma once

#include <vector>

#include "base/result.h"
#include "expr/expr.h"

namespace penstock::expr {

// JSON_OBJECT and JSON_ARRAY of these values; with `absent_on_null` NULLs are left out, else they are null.
Result<ExprPtr> bind_json_object(std::vector<ExprPtr> names_and_values, bool absent_on_null);
Result<ExprPtr> bind_json_array(std::vector<ExprPtr> values, bool absent_on_null);
// JSON_STRING, which takes one value.
Result<ExprPtr> bind_json_string(std::vector<ExprPtr> values);

// Whether the text that the expression gives is JSON by itself, so that it stands as it is in another JSON value.
bool is_json_text(const Expr& expr);

}  // namespace penstock::expr
