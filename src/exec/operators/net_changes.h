// Holds rows until the barrier and gives the net change of the epoch: rows that have gone, then rows that have come.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

// Rows of a stream that never takes any back leave as they came. State: the rows of the epoch.
std::unique_ptr<Operator> make_net_changes(std::vector<types::DataType> types);

}  // namespace penstock::exec
