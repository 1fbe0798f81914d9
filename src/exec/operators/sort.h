// ORDER BY, LIMIT and OFFSET over bounded input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/sort_key.h"
#include "types/type.h"

namespace penstock::exec {

struct SortOptions {
  std::vector<SortKey> keys;  // none: rows leave in the order in which they came
  std::optional<int64_t> limit;
  int64_t offset = 0;
  types::Schema schema;
};

// Collects all rows (only inserts) and emits those that are wanted, in order, at the end. Stable. With a limit it keeps
// about twice the rows that can still be in the result.
std::unique_ptr<Operator> make_sort(SortOptions options);

// The first `limit` rows after `offset`, as they come.
std::unique_ptr<Operator> make_limit(std::optional<int64_t> limit, int64_t offset);

}  // namespace penstock::exec
