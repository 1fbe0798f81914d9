// Reads a materialized view as a table: its rows as of now, or its rows and all changes.
#pragma once

#include <memory>
#include <vector>

#include "exec/operator.h"
#include "view/view.h"

namespace penstock::engine {

// `columns` of the view, in the order of the output.
std::unique_ptr<exec::Source> make_view_snapshot_source(std::shared_ptr<view::View> view, std::vector<int> columns);
std::unique_ptr<exec::Source> make_view_changes_source(std::shared_ptr<view::View> view, std::vector<int> columns);

}  // namespace penstock::engine
