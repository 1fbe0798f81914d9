// The accumulators of several aggregate calls, side by side in one payload of a GroupTable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "columnar/change_batch.h"
#include "expr/aggregate.h"
#include "state/group_table.h"

namespace penstock::exec {

struct AggregateCall {
  expr::BoundAggregate function;
  int argument = -1;      // a column of the input; -1 for COUNT(*)
  int filter = -1;        // a BOOLEAN column: only rows where it is TRUE count; -1 for none
  bool distinct = false;  // each value of the argument counts once in a group
};

// How often each value of a group has been seen, for every call that is DISTINCT; nullptr for the others. Belongs to
// one GroupTable and goes with it.
using DistinctTables = std::vector<std::unique_ptr<state::GroupTable>>;

// Owned by one operator; outlives the tables whose payloads it lays out. `prefix_bytes` of each payload, at its front
// and zero at first, belong to the operator.
class Accumulators {
 public:
  Accumulators(std::vector<AggregateCall> calls, size_t prefix_bytes);

  state::PayloadLayout layout();
  size_t size() const { return calls_.size(); }
  types::DataType result_type(size_t call) const { return calls_[call].function.result_type; }

  DistinctTables make_distinct_tables() const;

  // Adds every row of the batch to its group, with its weight. `distinct` belongs to the table of the groups.
  void update(std::span<std::byte* const> groups, const columnar::ChangeBatch& batch, DistinctTables& distinct);
  // Appends the results of the groups, one builder per call.
  void append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders);

 private:
  // Some rows of a batch, and how often each counts.
  struct Chosen {
    columnar::Selection rows;
    std::vector<int8_t> weights;
  };

  std::span<const expr::AggregateKernels::State> states(std::span<std::byte* const> groups, size_t call);
  // The rows that the call's filter lets through.
  static Chosen choose(const AggregateCall& call, const columnar::ChangeBatch& batch);
  // Of these, the ones by which a value comes to its group (+1) or leaves it (-1).
  static Chosen choose_distinct(const AggregateCall& call, std::span<std::byte* const> groups,
                                const columnar::ChangeBatch& batch, const Chosen& chosen, state::GroupTable& seen);

  const std::vector<AggregateCall> calls_;
  std::vector<size_t> offsets_;
  size_t bytes_;
  std::vector<expr::AggregateKernels::State> states_;
  std::vector<int8_t> weights_;
};

}  // namespace penstock::exec
