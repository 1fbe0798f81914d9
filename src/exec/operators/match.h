// MATCH_RECOGNIZE: finds row patterns in the rows of partitions, in the order of time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exec/late_rows.h"
#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/sort_key.h"
#include "expr/row_match.h"
#include "types/row_pattern.h"
#include "types/type.h"

namespace penstock::exec {

// Ways in which one partition may have read the rows of one match so far. A pattern whose choices stay open makes more
// of them with every row.
inline constexpr size_t kMatchRunsMax = 10'000;

struct MatchOptions {
  types::Schema schema;           // of the input
  std::vector<int> partition_by;  // columns
  std::vector<SortKey>
      order_by;  // the first is a time, ascending; rows that compare equal are in the order they came in
  std::shared_ptr<const types::PatternAutomaton> automaton;
  std::vector<std::string> variables;              // their names
  std::vector<expr::MatchDefinition> definitions;  // one per variable
  std::vector<expr::MatchReference> references;    // of the outputs
  std::vector<expr::ExprPtr> outputs;              // over the references
  bool all_rows = false;                           // a row for each of the match's, else one for the match
  bool unmatched_rows = false;                     // also for each row in no match, of which only columns are known
  types::MatchSkip skip;
  std::optional<int64_t> within_us;  // the last row of a match is less than so much later than the first
  size_t runs_max = kMatchRunsMax;
  ExpressionContext expressions;
  // Gets rows at or behind the watermark, and rows without a time; both are dropped.
  LateOutput late;
};

// For rows that only come. Emits a match when no later row can change it: a better one would have to go on.
//
// In a partition one match is searched for at a time, from the first row where one may begin; where that is undecided,
// all later ones wait. State: the rows from there on, and what the search has read of them.
std::unique_ptr<Operator> make_match(MatchOptions options);

}  // namespace penstock::exec
