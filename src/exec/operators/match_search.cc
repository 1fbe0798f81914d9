#include "exec/operators/match_search.h"

#include <algorithm>
#include <utility>

namespace penstock::exec {

using types::PatternAutomaton;
using types::VariableSet;
using Rule = PatternAutomaton::Rule;

MatchSearcher::MatchSearcher(const MatchOptions& options, const state::RowStore& store)
    : options_(options),
      store_(store),
      automaton_(*options.automaton),
      conditions_(options, store),
      next_(conditions_.make_search().runs),
      reached_(automaton_.states.size(), 0) {}

std::unique_ptr<MatchSearch> MatchSearcher::begin(uint64_t start) {
  std::unique_ptr<MatchSearch> search;
  if (spare_.empty()) {
    search = std::make_unique<MatchSearch>(conditions_.make_search());
  } else {
    search = std::move(spare_.back());
    spare_.pop_back();
  }
  conditions_.begin(*search);
  search->start = start;
  search->next = start;
  return search;
}

// Whether a row of that time is too late for the match. Times of a match do not go back, so differences are not
// negative.
bool MatchSearcher::is_too_late(const MatchSearch& search, const MatchRows& rows, int64_t time) const {
  const int64_t start = time_of(store_, rows.at(search.start));
  return options_.within_us && time >= start &&
         static_cast<uint64_t>(time) - static_cast<uint64_t>(start) >= static_cast<uint64_t>(*options_.within_us);
}

Result<MatchSearcher::Found> MatchSearcher::go_on(MatchSearch& search, const MatchRows& rows,
                                                  const MatchProgress& progress) {
  const bool ended = progress.watermark == kMaxEventTime;
  decided_ = false;
  while (!decided_ && search.runs.size() > 0 && search.next < rows.end()) {
    if (is_too_late(search, rows, time_of(store_, rows.at(search.next)))) {
      search.runs.clear();
    } else if (search.next + conditions_.rows_behind() < rows.end() || ended) {
      PENSTOCK_TRY(read_row(search, rows, progress));
    } else {
      return Found::kUndecided;
    }
  }
  if (!decided_ && search.runs.size() > 0) {
    // No row can come that any run would read. Where nothing says so, Flink never decides, and what the standard has
    // is decided by the end of the input.
    const bool over =
        is_too_late(search, rows, progress.watermark.value()) || (ended && automaton_.rule == Rule::kFirstInOrder);
    if (!over) return Found::kUndecided;
  }
  return search.best ? Found::kMatch : Found::kNothing;
}

Status MatchSearcher::read_row(MatchSearch& search, const MatchRows& rows, const MatchProgress& progress) {
  next_.clear();
  ++rows_read_;
  for (size_t run = 0; run < search.runs.size(); ++run) {
    const MatchCandidate candidate{.rows = &rows, .search = &search, .run = run, .match_number = progress.match_number};
    known_ = 0;
    fitting_ = 0;
    if (!PENSTOCK_TRY(read_row(search, candidate))) break;
    if (next_.size() <= options_.runs_max) continue;
    return make_error(ErrorCode::kResourceExhausted,
                      "MATCH_RECOGNIZE has more than {} ways to read the rows of a match, and the next row would not "
                      "decide between them",
                      options_.runs_max)
        .hint("narrow the conditions in DEFINE, so that they do not fit the same rows, or use WITHIN");
  }
  std::swap(search.runs, next_);
  ++search.next;
  if (search.cells.size() > search.cells_max) drop_unused_cells(search);
  return {};
}

Result<bool> MatchSearcher::read_row(MatchSearch& search, const MatchCandidate& candidate) {
  const PatternAutomaton::State& state = automaton_.states[search.runs.at(candidate.run).state];
  // Where the run could have ended, only what is preferred to that is left to be tried.
  const size_t steps = state.accepts.value_or(state.steps.size());
  for (size_t i = 0; i < steps; ++i) {
    const PatternAutomaton::Step& step = state.steps[i];
    if (conditions_.runs_are_alike() && reached_[step.target] == rows_read_) continue;
    if (!PENSTOCK_TRY(fits(candidate, step))) continue;
    reached_[step.target] = rows_read_;
    if (!take(search, candidate, step)) return false;
  }
  return true;
}

bool MatchSearcher::take(MatchSearch& search, const MatchCandidate& candidate, const PatternAutomaton::Step& step) {
  const size_t run = next_.size();
  next_.add_copy(search.runs, candidate.run);
  const uint32_t label = static_cast<uint32_t>(step.variable) | (step.excluded ? kExcludedLabel : 0);
  search.cells.push_back({.value = label, .previous = next_.at(run).path});
  next_.at(run) = {.state = step.target, .path = static_cast<uint32_t>(search.cells.size() - 1)};
  const PatternAutomaton::State& target = automaton_.states[step.target];
  if (target.accepts) search.best = next_.at(run).path;
  if (target.accepts && automaton_.rule == Rule::kFirstToEnd) {
    decided_ = true;
    return false;
  }
  if (target.accepts == 0) {
    next_.remove_last();
  } else {
    conditions_.read(candidate, step.variable, next_, run, search.cells);
  }
  return !target.accepts;
}

Result<bool> MatchSearcher::fits(const MatchCandidate& candidate, int variable) {
  const VariableSet bit = VariableSet{1} << variable;
  if ((known_ & bit) == 0) {
    if (PENSTOCK_TRY(conditions_.fits(candidate, variable))) fitting_ |= bit;
    known_ |= bit;
  }
  return (fitting_ & bit) != 0;
}

Result<bool> MatchSearcher::fits(const MatchCandidate& candidate, const PatternAutomaton::Step& step) {
  for (size_t v = 0; v < options_.variables.size() && step.unless >> v != 0; ++v) {
    const auto variable = static_cast<int>(v);
    if (types::contains(step.unless, variable) && PENSTOCK_TRY(fits(candidate, variable))) return false;
  }
  return fits(candidate, step.variable);
}

std::vector<uint32_t> MatchSearcher::labels(const MatchSearch& search) const {
  std::vector<uint32_t> labels;
  for (uint32_t cell = *search.best; cell != kNoCell; cell = search.cells[cell].previous) {
    labels.push_back(search.cells[cell].value);
  }
  std::ranges::reverse(labels);
  return labels;
}

// Drops the cells that were only of runs that are gone.
void MatchSearcher::drop_unused_cells(MatchSearch& search) {
  const auto for_each_list = [&](const auto& visit) {
    search.runs.for_each_cell(visit);
    if (search.best) visit(*search.best);
  };
  std::vector<bool> used(search.cells.size(), false);
  for_each_list([&](uint32_t& list) {
    for (uint32_t cell = list; cell != kNoCell && !used[cell]; cell = search.cells[cell].previous) used[cell] = true;
  });
  StateVector<MatchCell> kept;
  std::vector<uint32_t> moved(search.cells.size(), kNoCell);
  for (size_t i = 0; i < search.cells.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = static_cast<uint32_t>(kept.size());
    const MatchCell& cell = search.cells[i];
    kept.push_back({.value = cell.value, .previous = cell.previous == kNoCell ? kNoCell : moved[cell.previous]});
  }
  for_each_list([&](uint32_t& list) {
    if (list != kNoCell) list = moved[list];
  });
  search.cells = std::move(kept);
  search.cells_max = std::max(kMatchCellsMin, 2 * search.cells.size());
}

}  // namespace penstock::exec
