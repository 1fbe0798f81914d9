// The accumulators of several aggregate calls, side by side in one payload of a GroupTable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "columnar/change_batch.h"
#include "expr/aggregate.h"
#include "state/group_table.h"

namespace penstock::exec {

struct AggregateCall {
  expr::BoundAggregate function;
  int argument = -1;  // a column of the input; -1 for COUNT(*)
  int filter = -1;    // a BOOLEAN column: only rows where it is TRUE count; -1 for none
};

// Owned by one operator; outlives the tables whose payloads it lays out. `prefix_bytes` of each payload, at its front
// and zero at first, belong to the operator.
class Accumulators {
 public:
  Accumulators(std::vector<AggregateCall> calls, size_t prefix_bytes);

  state::PayloadLayout layout();
  size_t size() const { return calls_.size(); }
  types::DataType result_type(size_t call) const { return calls_[call].function.result_type; }

  // Adds every row of the batch to its group, with its weight.
  void update(std::span<std::byte* const> groups, const columnar::ChangeBatch& batch);
  // Appends the results of the groups, one builder per call.
  void append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders);

 private:
  std::span<const expr::AggregateKernels::State> states(std::span<std::byte* const> groups, size_t call);

  const std::vector<AggregateCall> calls_;
  std::vector<size_t> offsets_;
  size_t bytes_;
  std::vector<expr::AggregateKernels::State> states_;
  std::vector<int8_t> weights_;
};

}  // namespace penstock::exec
