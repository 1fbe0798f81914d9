// Aggregate functions: accumulators of a fixed layout, updated a batch at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "types/type.h"

namespace penstock::expr {

// An accumulator is `state_bytes` bytes at an address that is a multiple of `state_align` (at most 16). The caller owns
// the memory: it calls init on fresh memory, and destroy (where there is one) before giving it up. An accumulator may
// be moved bytewise; one without destroy may also be copied so.
//
// All functions are called on one thread per accumulator. Several rows of one call may share an accumulator.
struct AggregateKernels {
  using State = std::byte*;

  uint32_t state_bytes = 0;
  uint32_t state_align = 1;
  // True when rows of weight -1 can be taken back; then update accepts weights.
  bool retracts = false;

  void (*init)(State state) = nullptr;
  void (*destroy)(State state) = nullptr;  // nullptr: nothing to do

  // Adds row i of `argument` (nullptr for COUNT(*)) to states[i], `weights[i]` times (+1 or -1); `weights` is nullptr
  // when every row counts +1. NULLs are skipped (but for COUNT(*)). `argument` has as many rows as there are states.
  void (*update)(std::span<const State> states, const columnar::Column* argument, const int8_t* weights) = nullptr;

  // Adds from[i] into into[i]: the second phase of a two-phase aggregation, and the slices of a window. For FIRST_VALUE
  // and LAST_VALUE `into` holds the earlier rows.
  void (*merge)(std::span<const State> into, std::span<const State> from) = nullptr;

  // Appends the result of each state to `out`, a builder of the result type.
  void (*result)(std::span<const State> states, columnar::ColumnBuilder& out) = nullptr;

  // Appends the state as bytes, and reads it back from the front of `bytes` (into an initialised state), moving
  // `bytes` past it; false when the bytes are no such state. For checkpoints and for partial results between workers.
  void (*save)(State state, std::string& out) = nullptr;
  bool (*load)(State state, std::string_view& bytes) = nullptr;
};

// An entry of the table of aggregate functions. Static and constant.
struct AggregateFunction {
  std::string_view name;
  std::string_view signature;
  std::string_view description;
  std::string_view example;
  // Sets the types and kernels for an argument of that type (kNull: no argument, COUNT(*)), or returns false. May
  // change `argument` to what the kernels want; `result` as Flink derives it.
  bool (*bind)(types::DataType& argument, types::DataType& result, AggregateKernels& kernels, bool retractable);
};

// An aggregate function for one type of argument.
struct BoundAggregate {
  const AggregateFunction* function = nullptr;
  types::DataType argument_type;  // cast the argument to this; kNull when there is none
  types::DataType result_type;
  AggregateKernels kernels;
};

// Finds an aggregate function by name, in any case. `argument` is kNull for COUNT(*). With `retractable`, kernels that
// take weights: MIN, MAX, FIRST_VALUE and LAST_VALUE then keep all values of a group, ordered, behind a pointer; ask
// for it only where the input is not append-only.
Result<BoundAggregate> bind_aggregate(std::string_view name, types::DataType argument, bool retractable);

bool is_aggregate_function(std::string_view name);
std::span<const AggregateFunction> aggregate_functions();

}  // namespace penstock::expr
