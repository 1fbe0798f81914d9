// Calls that are not functions: they decide themselves which arguments are evaluated, or stand for other expressions.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"

namespace penstock::expr {

using SpecialForm = Result<ExprPtr> (*)(std::string_view name, std::vector<ExprPtr> arguments);

// nullptr when `name` (upper case) is no special form.
SpecialForm find_special_form(std::string_view name);
std::span<const std::string_view> special_form_names();

// `argument` as `type`, where a bind function has asked for it: a cast, or at once the value of a literal.
Result<ExprPtr> convert_argument(ExprPtr argument, types::DataType type);

}  // namespace penstock::expr
