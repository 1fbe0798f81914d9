// What a search for a row pattern has read: the runs of its automaton.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/state_memory.h"

namespace penstock::exec {

// A list that grows at its end and shares its front with others: the number of its last cell.
inline constexpr uint32_t kNoCell = UINT32_MAX;
struct MatchCell {
  uint32_t value = 0;
  uint32_t previous = kNoCell;
};

// The rows of some variables that a run has read, by their places in the match.
struct RunRows {
  uint32_t last = kNoCell;  // a list of places
  uint32_t first = 0;       // the first place
  uint32_t count = 0;
};

// A way in which the automaton may have read the rows of a match so far.
struct MatchRun {
  uint32_t state = 0;
  uint32_t path = kNoCell;  // a list with the label of each row, from the first on
};

// A label: the variable of a row, and whether the pattern leaves the row out of what comes out.
inline constexpr uint32_t kExcludedLabel = 1U << 31;
inline int variable_of(uint32_t label) { return static_cast<int>(label & ~kExcludedLabel); }

// Runs, the preferred ones first. Each with as many RunRows and bytes of accumulators as conditions look at; these have
// no destructors.
class MatchRuns {
 public:
  MatchRuns(size_t row_lists, size_t accumulator_bytes)
      : row_lists_(row_lists), accumulator_bytes_((accumulator_bytes + 15) / 16 * 16) {}

  size_t size() const { return runs_.size(); }
  MatchRun& at(size_t run) { return runs_[run]; }
  const MatchRun& at(size_t run) const { return runs_[run]; }
  RunRows* rows(size_t run) { return rows_.data() + run * row_lists_; }
  const RunRows* rows(size_t run) const { return rows_.data() + run * row_lists_; }
  std::byte* accumulators(size_t run) { return accumulators_.data() + run * accumulator_bytes_; }
  const std::byte* accumulators(size_t run) const { return accumulators_.data() + run * accumulator_bytes_; }

  void clear() {
    runs_.clear();
    rows_.clear();
    accumulators_.clear();
  }
  // A run that has read nothing; its accumulators are to be set up.
  void add_first() {
    runs_.emplace_back();
    rows_.resize(row_lists_);
    accumulators_.resize(accumulator_bytes_);
  }
  void add_copy(const MatchRuns& from, size_t run) {
    runs_.push_back(from.runs_[run]);
    rows_.insert(rows_.end(), from.rows(run), from.rows(run) + row_lists_);
    accumulators_.insert(accumulators_.end(), from.accumulators(run), from.accumulators(run) + accumulator_bytes_);
  }
  void remove_last() {
    runs_.pop_back();
    rows_.resize(rows_.size() - row_lists_);
    accumulators_.resize(accumulators_.size() - accumulator_bytes_);
  }
  // Calls `visit` with every number of a cell, by reference.
  template <class Visit>
  void for_each_cell(const Visit& visit) {
    for (MatchRun& run : runs_) visit(run.path);
    for (RunRows& rows : rows_) visit(rows.last);
  }

 private:
  size_t row_lists_;
  size_t accumulator_bytes_;
  StateVector<MatchRun> runs_;
  StateVector<RunRows> rows_;
  StateVector<std::byte> accumulators_;
};

// So many cells are kept before those that no run uses any more are looked for.
inline constexpr size_t kMatchCellsMin = 4'096;

// The search for the match that begins with row `start` of a partition.
struct MatchSearch {
  MatchSearch(size_t row_lists, size_t accumulator_bytes) : runs(row_lists, accumulator_bytes) {}

  uint64_t start = 0;
  uint64_t next = 0;  // the row to be read next
  MatchRuns runs;
  StateVector<MatchCell> cells;
  size_t cells_max = kMatchCellsMin;
  std::optional<uint32_t> best;  // the path of the match that is to be taken unless a preferred run ends in one
};

}  // namespace penstock::exec
