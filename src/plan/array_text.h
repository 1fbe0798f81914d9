// PostgreSQL's text of an array as a constant.
#pragma once

#include <string_view>

#include "base/result.h"
#include "expr/expr.h"
#include "types/type.h"

namespace penstock::plan {

// {1,2}, {a,"b c",NULL} or {{1,2},{3,4}} as an array of that type.
Result<expr::ExprPtr> bind_array_text(std::string_view text, types::DataType type);

}  // namespace penstock::plan
