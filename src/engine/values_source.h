// A bounded source of rows that are at hand: VALUES and system tables.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "exec/operator.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::engine {

using ValueRows = std::vector<std::vector<types::Value>>;

// `rows` is called once, at the first poll. Of each row the `columns` are given, in that order; all when empty.
std::unique_ptr<exec::Source> make_values_source(std::function<ValueRows()> rows, std::vector<int> columns,
                                                 types::Schema schema);

}  // namespace penstock::engine
