// Calls that are not functions: they decide themselves which arguments are evaluated, or stand for other expressions.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "expr/function.h"

namespace penstock::expr {

using SpecialForm = Result<ExprPtr> (*)(std::string_view name, std::vector<ExprPtr> arguments);

// What a form is called and how it is documented, as for a ScalarFunction.
struct SpecialFormEntry {
  std::string_view name;
  FunctionCategory category;
  std::string_view signature;
  std::string_view description;
  std::string_view examples;
  SpecialForm bind;  // nullptr for those with syntax of their own: CASE, CAST, TRY_CAST
};
std::span<const SpecialFormEntry> special_forms();

// nullptr when `name` (upper case) is no special form.
SpecialForm find_special_form(std::string_view name);
std::span<const std::string_view> special_form_names();

// `argument` as `type`, where a bind function has asked for it: a cast, or at once the value of a literal.
Result<ExprPtr> convert_argument(ExprPtr argument, types::DataType type);

}  // namespace penstock::expr
