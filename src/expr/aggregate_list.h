// Lists of the values of a group: what ARRAY_AGG, STRING_AGG, JSON_ARRAYAGG and their kin keep of it, as slots
// (types/nested.h), so that there is one kernel for all types.
//
// There are three: values in the order in which they came, for rows that are never taken back and for others; and rows
// in the order of ORDER BY. Each has for_each(f), which calls f with the slot of each value. An Output has
// append(values, out), which appends what a function makes of them.
#pragma once

#include <string>
#include <string_view>

#include "columnar/nested.h"
#include "expr/aggregate_sequence.h"
#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

// Rows that are never taken back.
struct ArrivedValues {
  static constexpr bool kOrdered = false;
  const AggregateParameters* parameters;
  StateString slots;

  explicit ArrivedValues(const AggregateParameters& call) : parameters(&call) {}
  void add(std::string_view slot, int) { slots += slot; }
  void merge(const ArrivedValues& later) { slots += later.slots; }
  template <class F>
  void for_each(F f) const {
    std::string_view rest = slots;
    while (!rest.empty()) f(types::take_slot(rest, parameters->inputs[0]));
  }
  void save(std::string& out) const { save_value(out, slots); }
  bool load(std::string_view& bytes) { return load_value(bytes, slots); }
};

struct ChangingValues : OrderedValues<StateString> {
  static constexpr bool kOrdered = false;
  const AggregateParameters* parameters;

  explicit ChangingValues(const AggregateParameters& call) : parameters(&call) {}
  void add(std::string_view slot, int weight) { change(StateString(slot), weight); }
  template <class F>
  void for_each(F f) const {
    for (const auto& [position, slot] : by_position) f(std::string_view(slot));
  }
};

// Appends a row, whose slots are those of the parameters' inputs, as an entry: bytes of the keys in the order that they
// ask for, then the slots of the values, then how many bytes the keys are. Equal keys are ordered by their values, so
// that the order does not depend on that in which rows came.
void append_ordered_entry(std::string& out, std::string_view row, const AggregateParameters& parameters);
// The slots of the values in an entry.
std::string_view entry_values(std::string_view entry);
// Whether the first key of an entry is NULL.
bool is_null_key(std::string_view entry, const AggregateParameters& parameters);

// Every entry with how often it is there. A retraction may come before its row, so counts may be negative for a while.
struct OrderedRows {
  static constexpr bool kOrdered = true;
  const AggregateParameters* parameters;
  StateCounts<StateString, TextLess> entries;

  explicit OrderedRows(const AggregateParameters& call) : parameters(&call) {}
  void add(std::string_view entry, int64_t times) {
    auto at = entries.find(entry);
    if (at == entries.end()) at = entries.emplace(StateString(entry), 0).first;
    at->second += times;
    if (at->second == 0) entries.erase(at);
  }
  void merge(const OrderedRows& later) {
    for (const auto& [entry, times] : later.entries) add(entry, times);
  }
  template <class F>
  void for_each(F f) const {
    for (const auto& [entry, times] : entries) {
      for (int64_t i = 0; i < times; ++i) f(entry_values(entry));
    }
  }
  // The entry of the first or last row; empty without rows.
  std::string_view end_entry(bool last) const;
  void save(std::string& out) const;
  bool load(std::string_view& bytes);
};

template <class Values, class Output>
struct ListState : Values {
  using Values::Values;
  void result(columnar::ColumnBuilder& out) const { Output::append(*this, out); }
};

template <class S, bool with_nulls>
void update_list(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
  std::string bytes;
  for (size_t i = 0; i < states.size(); ++i) {
    S& state = *BoxedStateKernels<S>::pointer(states[i]);
    bytes.clear();
    if constexpr (S::kOrdered) {
      append_ordered_entry(bytes, argument->values<columnar::StringCell>()[i].view(), *state.parameters);
      if (!with_nulls && types::is_null_slot(entry_values(bytes))) continue;
    } else {
      if (!with_nulls && argument->is_null(i)) continue;
      columnar::append_slot(bytes, *argument, i);
    }
    state.add(bytes, weights == nullptr ? 1 : int{weights[i]});
  }
}

template <class S, bool with_nulls>
AggregateKernels list_state_kernels(bool retracts) {
  return boxed_kernels<S>(retracts, update_list<S, with_nulls>);
}

// The kernels of a function that makes its result of a list of the values; `with_nulls`: NULLs are in it too.
template <class Output, bool with_nulls>
AggregateKernels list_kernels(const AggregateSignature& call) {
  if (!call.parameters.order.empty()) return list_state_kernels<ListState<OrderedRows, Output>, with_nulls>(true);
  if (call.retractable) return list_state_kernels<ListState<ChangingValues, Output>, with_nulls>(true);
  return list_state_kernels<ListState<ArrivedValues, Output>, with_nulls>(false);
}

}  // namespace penstock::expr
