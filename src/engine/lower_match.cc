// Row patterns.
#include <utility>

#include "engine/graph_builder.h"
#include "exec/operators/match.h"

namespace penstock::engine {

Result<int> GraphBuilder::lower(const plan::PhysicalNode& node, const plan::Match& match) {
  exec::MatchOptions options{.schema = input_schema(node),
                             .partition_by = match.partition_by,
                             .order_by = to_exec(match.order_by),
                             .automaton = match.automaton,
                             .variables = match.variables,
                             .definitions = match.definitions,
                             .references = match.references,
                             .outputs = match.outputs,
                             .all_rows = match.all_rows,
                             .unmatched_rows = match.unmatched_rows,
                             .skip = match.skip,
                             .within_us = match.within_us,
                             .expressions = expressions(node, {})};
  const int fragment = PENSTOCK_TRY(lower(*node.inputs[0]));
  options.late = late_output("row pattern", input_schema(node), match.order_by.front().column);
  return append_to(fragment, node, [options = std::move(options)](int /*instance*/) {
    return Result<std::unique_ptr<exec::Operator>>(exec::make_match(options));
  });
}

}  // namespace penstock::engine
