// What comes out of MATCH_RECOGNIZE for a match.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "exec/operator.h"
#include "exec/operators/match.h"
#include "exec/operators/match_rows.h"
#include "exec/operators/match_runs.h"
#include "state/row_store.h"

namespace penstock::exec {

// Valid as long as the rows are in the store.
struct FoundMatch {
  const MatchRows* rows = nullptr;
  uint64_t start = 0;
  std::vector<uint32_t> labels;  // of each row
  int64_t number = 0;

  state::RowId row(size_t place) const { return rows->at(start + place); }
};

// Collects what is referred to, row by row, and computes the outputs of many matches at once. Owned by one operator.
class MatchOutput {
 public:
  // `options` and `store` outlive it.
  MatchOutput(const MatchOptions& options, const state::RowStore& store);

  Status add(const FoundMatch& match, Output& out);
  // A row that is in no match: all that is not a column of its own is NULL.
  Status add_unmatched(state::RowId row, Output& out);
  // Emits what has been collected. Until then rows that matches were found in stay in the store.
  Status flush(Output& out);
  bool empty() const { return rows_ == 0; }
  // Counts up with every batch that is emitted.
  uint64_t batches() const { return batches_; }

 private:
  // The values of one reference, so far: rows of the store whose column it is, kNoRow for NULL; else values.
  struct Collected {
    std::vector<state::RowId> rows;
    std::optional<columnar::ColumnBuilder> values;
  };
  // The places of the rows of some variables in the match at hand.
  struct Places {
    types::VariableSet variables;
    std::vector<uint32_t> places;
  };

  Status add_row(const FoundMatch& match, size_t place, Output& out);
  Status end_row(Output& out);
  void append(size_t reference, const FoundMatch& match, size_t place);
  state::RowId locate(const expr::MatchReference& reference, const FoundMatch& match, size_t place) const;
  void append_aggregate(size_t reference, const FoundMatch& match, size_t place);
  const std::vector<uint32_t>& places_of(types::VariableSet variables) const;
  // How many of these places count when the row at `place` is the current one.
  static size_t visible(const std::vector<uint32_t>& places, const expr::MatchReference& reference, size_t place);
  columnar::ColumnPtr finish(size_t reference);

  const MatchOptions& options_;
  const state::RowStore& store_;
  std::vector<Places> places_;
  std::vector<Collected> collected_;  // by reference
  size_t rows_ = 0;
  uint64_t batches_ = 0;
  // Of the match at hand, by reference: aggregates, and how many rows have been added to them.
  struct Running {
    std::unique_ptr<MatchAggregate> aggregate;
    size_t added = 0;
  };
  std::vector<Running> running_;
};

}  // namespace penstock::exec
