// Functions that are created by statements: from CREATE FUNCTION to a catalog entry.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/entry.h"
#include "plan/planner.h"

namespace penstock::sql {
struct CreateFunction;
}

namespace penstock::plan {

// `sql` is the statement's text. Binds the expression to see that it fits; it is bound again wherever it is called.
Result<catalog::Entry> define_function(const sql::CreateFunction& statement, std::string sql,
                                       const PlanContext& context);

// "add_tax(price DOUBLE, rate DOUBLE) -> DOUBLE", as far as it is declared.
std::string signature_of(const catalog::Entry& function);

}  // namespace penstock::plan
