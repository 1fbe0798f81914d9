// Gives all rows again in every epoch that has changed one: Spark's output mode "complete".
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

// State: all rows. What it gives is never taken back.
std::unique_ptr<Operator> make_complete_output(std::vector<types::DataType> types);

}  // namespace penstock::exec
