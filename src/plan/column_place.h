// Where a column is among the names of others. Private to the module.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "sql/expression.h"

namespace penstock::plan {

// By its name in any case of letters; kNotFound with "did you mean".
Result<size_t> find_column_place(const std::vector<std::string>& names, const sql::Identifier& name);

}  // namespace penstock::plan
