// The conditions of pattern variables: which rows they may stand for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "exec/operators/expression_context.h"
#include "exec/operators/match.h"
#include "exec/operators/match_rows.h"
#include "exec/operators/match_runs.h"
#include "state/row_store.h"

namespace penstock::exec {

// A row that a run may read next: row `start + place` of the partition.
struct MatchCandidate {
  const MatchRows* rows = nullptr;
  const MatchSearch* search = nullptr;
  size_t run = 0;
  int64_t match_number = 0;

  uint32_t place() const { return static_cast<uint32_t>(search->next - search->start); }
};

// Row conditions are computed for whole batches, and their results stand before the rows in the store. The other ones
// look at what a run has read, of which this class says what that must be, and keeps it. Owned by one operator.
class MatchConditions {
 public:
  // `options` and `store` outlive it.
  MatchConditions(const MatchOptions& options, const state::RowStore& store);

  static size_t header_bytes(const MatchOptions& options);
  // Of each row of the batch, whether it meets the row condition of each variable: row by row.
  std::vector<RowFit> row_fits(const columnar::ChangeBatch& batch) const;

  MatchSearch make_search() const { return MatchSearch(lists_.size(), accumulator_bytes_); }
  // Makes the run of a search that has read nothing.
  void begin(MatchSearch& search) const;
  // Whether the row may be one of the variable.
  Result<bool> fits(const MatchCandidate& candidate, int variable);
  // Notes for a run, which is a copy of the candidate's, that it has read the row as one of the variable.
  void read(const MatchCandidate& candidate, int variable, MatchRuns& runs, size_t run, StateVector<MatchCell>& cells);

  // Whether conditions look at nothing that differs between runs of one search: then two in one state have one future.
  bool runs_are_alike() const { return lists_.empty() && same_aggregates_; }
  // How many rows before and behind its own a condition or an output looks at.
  uint64_t rows_before() const { return rows_before_; }
  uint64_t rows_behind() const { return rows_behind_; }

 private:
  // An aggregate that a condition uses; `accumulator` is its place among those of a run, or it is computed anew from
  // all rows of a list where it needs a destructor.
  struct Aggregate {
    const expr::MatchReference* reference;
    std::optional<size_t> accumulator;
  };

  void add_definition(const expr::MatchDefinition& definition, int variable);
  size_t find_list(types::VariableSet variables) const;
  size_t find_aggregate(const expr::MatchReference& reference) const;
  columnar::ColumnPtr value(const expr::MatchReference& reference, const MatchCandidate& candidate, int variable) const;
  columnar::ColumnPtr aggregate(const expr::MatchReference& reference, const MatchCandidate& candidate,
                                int variable) const;
  std::optional<uint64_t> locate(const expr::MatchReference& reference, const MatchCandidate& candidate,
                                 int variable) const;
  // The place of the nth row of a list from its end.
  static uint32_t place_from_end(const MatchSearch& search, const RunRows& list, uint64_t n);
  std::vector<state::RowId> rows_of(types::VariableSet variables, const MatchCandidate& candidate, int variable) const;
  // The condition on the row itself could not be computed.
  Status set_aside(const MatchCandidate& candidate, int variable) const;

  const MatchOptions& options_;
  const state::RowStore& store_;
  std::vector<types::VariableSet> lists_;  // whose rows each run keeps
  std::vector<Aggregate> aggregates_;
  size_t accumulator_bytes_ = 0;
  bool same_aggregates_ = true;
  uint64_t rows_before_ = 0;
  uint64_t rows_behind_ = 0;
};

}  // namespace penstock::exec
