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
// the memory that holds the groups and goes with it.
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

  // Adds every row of the batch to its group, with its weight. `distinct` belongs to the groups.
  void update(std::span<std::byte* const> groups, const columnar::ChangeBatch& batch, DistinctTables& distinct);
  // Adds from[i] to into[i], which holds the earlier rows where that matters. Several may go into one. The prefixes are
  // left alone.
  void merge(std::span<std::byte* const> into, DistinctTables& into_distinct, std::span<std::byte* const> from,
             DistinctTables& from_distinct);
  // Forgets the values that a group has seen, before its payload goes while its distinct tables stay.
  void forget(std::byte* group, DistinctTables& distinct) const;
  // Appends the results of the groups, one builder per call.
  void append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders);

 private:
  // Some rows of a batch, and how often each counts.
  struct Chosen {
    columnar::Selection rows;
    std::vector<int8_t> weights;
  };

  // A value that a group has seen is in a ring of links, whose anchor is in the group's payload.
  struct Link {
    Link* next;
    Link* previous;
  };
  // The payload of a distinct table.
  struct SeenValue {
    Link link;
    int64_t count;
  };

  std::span<const expr::AggregateKernels::State> states(std::span<std::byte* const> groups, size_t call);
  Link& anchor(std::byte* group, size_t call) const { return *reinterpret_cast<Link*>(group + anchors_[call]); }
  void merge_distinct(size_t call, std::span<std::byte* const> into, state::GroupTable& into_seen,
                      std::span<std::byte* const> from, state::GroupTable& from_seen);
  // The rows that the call's filter lets through.
  static Chosen choose(const AggregateCall& call, const columnar::ChangeBatch& batch);
  // Of these, the ones by which a value comes to its group (+1) or leaves it (-1).
  Chosen choose_distinct(size_t call, std::span<std::byte* const> groups, const columnar::ChangeBatch& batch,
                         const Chosen& chosen, state::GroupTable& seen) const;
  // Adds weights[i] to how often groups[i] has seen value i: +1 or -1 where that brings the value or takes it away,
  // else 0.
  std::vector<int8_t> count_values(size_t call, std::span<std::byte* const> groups, const columnar::ColumnPtr& values,
                                   std::span<const int64_t> weights, state::GroupTable& seen) const;

  const std::vector<AggregateCall> calls_;
  std::vector<size_t> offsets_;
  std::vector<size_t> anchors_;  // of calls that are DISTINCT
  size_t bytes_;
  std::vector<expr::AggregateKernels::State> states_;
  std::vector<expr::AggregateKernels::State> from_states_;
  std::vector<int8_t> weights_;
};

}  // namespace penstock::exec
