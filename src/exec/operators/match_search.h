// Runs the automaton of a row pattern over the rows of a partition.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exec/operators/match.h"
#include "exec/operators/match_conditions.h"
#include "exec/operators/match_rows.h"
#include "exec/operators/match_runs.h"

namespace penstock::exec {

// What is known of a partition's rows beside those that are there.
struct MatchProgress {
  EventTime watermark = kMinEventTime;  // all rows up to it are there
  int64_t match_number = 0;             // of the match that is searched for
};

// Owned by one operator; shared by the searches of all its partitions.
class MatchSearcher {
 public:
  enum class Found : uint8_t { kMatch, kNothing, kUndecided };

  // `options` and `store` outlive it.
  MatchSearcher(const MatchOptions& options, const state::RowStore& store);

  std::unique_ptr<MatchSearch> begin(uint64_t start);
  // Reads rows until the search is decided, or there are no more.
  Result<Found> go_on(MatchSearch& search, const MatchRows& rows, const MatchProgress& progress);
  // The label of each row of the match that has been found.
  std::vector<uint32_t> labels(const MatchSearch& search) const;
  // The search is over; what it holds is used again.
  void end(std::unique_ptr<MatchSearch> search) { spare_.push_back(std::move(search)); }

  const MatchConditions& conditions() const { return conditions_; }

 private:
  Status read_row(MatchSearch& search, const MatchRows& rows, const MatchProgress& progress);
  // Goes on with one run of the search; false when what it has come to is preferred to all runs behind it.
  Result<bool> read_row(MatchSearch& search, const MatchCandidate& candidate);
  // Adds the run that the step leads to; false as above.
  bool take(MatchSearch& search, const MatchCandidate& candidate, const types::PatternAutomaton::Step& step);
  Result<bool> fits(const MatchCandidate& candidate, int variable);
  Result<bool> fits(const MatchCandidate& candidate, const types::PatternAutomaton::Step& step);
  bool is_too_late(const MatchSearch& search, const MatchRows& rows, int64_t time) const;
  static void drop_unused_cells(MatchSearch& search);

  const MatchOptions& options_;
  const state::RowStore& store_;
  const types::PatternAutomaton& automaton_;
  MatchConditions conditions_;
  MatchRuns next_;  // the runs that have read the row at hand
  bool decided_ = false;
  // Of the run at hand: variables of which it is known whether the row fits them, and those that it does.
  types::VariableSet known_ = 0;
  types::VariableSet fitting_ = 0;
  // By state: the last row after which a run was in it, where runs are alike.
  std::vector<uint64_t> reached_;
  uint64_t rows_read_ = 0;
  std::vector<std::unique_ptr<MatchSearch>> spare_;
};

}  // namespace penstock::exec
