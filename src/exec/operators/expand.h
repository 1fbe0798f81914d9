// GROUPING SETS: each row once per set.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

struct ExpandOptions {
  std::vector<types::DataType> types;          // of the input's columns
  std::vector<std::vector<int>> null_columns;  // per set: the columns that are NULL in its rows
  // Sets that have a row of only NULLs at first, whether the input has rows or not. Of one task of all alone.
  std::vector<int> always;
};

// Output: the input's columns, then the number of the set, from 0. Keeps nothing.
std::unique_ptr<Operator> make_expand(ExpandOptions options);

}  // namespace penstock::exec
