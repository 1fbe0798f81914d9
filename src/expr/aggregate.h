// Aggregate functions: accumulators of a fixed layout, updated a batch at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "expr/function.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::expr {

// Which way the values of a group are ordered by one of the keys of ORDER BY.
struct AggregateOrder {
  bool descending = false;
  bool nulls_first = true;
  bool operator==(const AggregateOrder&) const = default;
};

struct AggregateConstant {
  types::DataType type;
  types::Value value;
  bool operator==(const AggregateConstant&) const = default;
};

// What a call has beside its rows. States point to it, so it outlives them.
struct AggregateParameters {
  // What each row gives: the values first, and behind them the keys of ORDER BY. Where it is more than one thing, the
  // argument's column is a ROW of them.
  std::vector<types::DataType> inputs;
  std::vector<AggregateOrder> order;         // of the last inputs
  std::vector<AggregateConstant> constants;  // arguments behind the values: a separator, the fraction of a percentile
  std::vector<bool> json;                    // by input: whether its text is JSON itself; empty: none is
  bool operator==(const AggregateParameters&) const = default;

  size_t values() const { return inputs.size() - order.size(); }
};

// An accumulator is `state_bytes` bytes at an address that is a multiple of `state_align` (at most 16). The caller owns
// the memory: it calls init on fresh memory with the parameters of the call, and destroy (where there is one) before
// giving it up. An accumulator may be moved bytewise; one without destroy may also be copied so.
//
// All functions are called on one thread per accumulator. Several rows of one call may share an accumulator.
struct AggregateKernels {
  using State = std::byte*;

  uint32_t state_bytes = 0;
  uint32_t state_align = 1;
  // True when rows of weight -1 can be taken back; then update accepts weights.
  bool retracts = false;

  void (*init)(State state, const AggregateParameters& parameters) = nullptr;
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

// The call that an aggregate function is asked to accept: it may change the types of the inputs to what its kernels
// want, and must set the result and the kernels.
struct AggregateSignature {
  AggregateParameters& parameters;
  bool retractable = false;  // kernels are wanted that take rows back
  types::DataType result;
  AggregateKernels kernels;
  std::string complaint;  // why it is refused, where that is not plain from the types

  types::DataType& input(size_t i = 0) { return parameters.inputs[i]; }
};

// What a function takes.
struct AggregateTakes {
  enum class Order : uint8_t {
    kNone,
    kMay,      // f(value ORDER BY key) and f(value) WITHIN GROUP (ORDER BY key)
    kIsValue,  // f(...) WITHIN GROUP (ORDER BY value): its only value
  };
  uint8_t values_min = 1;  // those of each row
  uint8_t values_max = 1;
  uint8_t constants_min = 0;  // those behind them
  uint8_t constants_max = 0;
  Order order = Order::kNone;
  bool nulls_count = false;  // NULLs are among what it collects
};

// An entry of the table of aggregate functions. Static and constant.
struct AggregateFunction {
  std::string_view name;
  FunctionCategory category;
  std::string_view signature;
  std::string_view description;
  std::string_view examples;  // as ScalarFunction::examples
  // Sets the types and kernels, or returns false. Without inputs it is COUNT(*). `result` as Flink derives it.
  bool (*bind)(AggregateSignature& call);
  AggregateTakes takes = {};
};

// An aggregate function for the types of one call.
struct BoundAggregate {
  const AggregateFunction* function = nullptr;
  types::DataType argument_type;  // cast the argument to this; kNull when there is none
  types::DataType result_type;
  AggregateKernels kernels;
  std::shared_ptr<const AggregateParameters> parameters;
  AggregateParameters given;  // before the function changed them

  // Whether it is the same function with the same parameters, or neither is one.
  bool same_call(const BoundAggregate& other) const {
    return function == other.function && (function == nullptr || *parameters == *other.parameters);
  }
};

// Finds an aggregate function by name, in any case; nullptr when there is none.
const AggregateFunction* find_aggregate(std::string_view name);

// The function for inputs of these types. With `retractable`, kernels that take weights: MIN, MAX, FIRST_VALUE and
// LAST_VALUE then keep all values of a group, ordered, behind a pointer; ask for it only where the input is not
// append-only.
Result<BoundAggregate> bind_aggregate(const AggregateFunction& function, AggregateParameters parameters,
                                      bool retractable);
// The same with one argument; kNull for COUNT(*).
Result<BoundAggregate> bind_aggregate(std::string_view name, types::DataType argument, bool retractable);
// The same call for rows that may be taken back.
Result<BoundAggregate> bind_retractable(const BoundAggregate& bound);

inline bool is_aggregate_function(std::string_view name) { return find_aggregate(name) != nullptr; }
std::span<const AggregateFunction> aggregate_functions();

}  // namespace penstock::expr
