// Kernels of an aggregate function from the struct of its accumulator.
//
// A fixed state S is trivially copyable and has
//   using Input = ...;                        the physical form of the argument
//   void add(const Input& value, int weight);
//   void merge(const S& later);
//   void result(ColumnBuilder& out) const;    appends one value
// A boxed state is the same but for trivial copies, has save() and load() of its own, and lives behind a pointer. What
// it holds is in containers of state (base/state_memory.h), so that it is counted.
// Either may be made of the call's AggregateParameters.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>

#include "base/state_memory.h"
#include "columnar/column.h"
#include "expr/aggregate.h"

namespace penstock::expr {

using StateSpan = std::span<const AggregateKernels::State>;

// Calls `add(i, value, weight)` for the rows of `argument` that are not NULL.
template <class Input, class F>
void for_each_value(const columnar::Column& argument, size_t rows, const int8_t* weights, F add) {
  std::span<const Input> values = argument.values<Input>();
  std::span<const uint8_t> nulls = argument.nulls();
  if (nulls.empty() && weights == nullptr) {
    for (size_t i = 0; i < rows; ++i) add(i, values[i], 1);
    return;
  }
  for (size_t i = 0; i < rows; ++i) {
    if (!nulls.empty() && nulls[i] != 0) continue;
    add(i, values[i], weights == nullptr ? 1 : int{weights[i]});
  }
}

template <class S>
struct FixedStateKernels {
  using State = AggregateKernels::State;
  static_assert(std::is_trivially_copyable_v<S>);

  static S& at(State state) { return *std::launder(reinterpret_cast<S*>(state)); }
  static void init(State state, const AggregateParameters& parameters) {
    if constexpr (std::is_constructible_v<S, const AggregateParameters&>) {
      new (state) S(parameters);
    } else {
      new (state) S();
    }
  }
  static void update(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
    for_each_value<typename S::Input>(*argument, states.size(), weights, [&](size_t i, const auto& value, int weight) {
      at(states[i]).add(value, weight);
    });
  }
  static void merge(StateSpan into, StateSpan from) {
    for (size_t i = 0; i < into.size(); ++i) at(into[i]).merge(at(from[i]));
  }
  static void result(StateSpan states, columnar::ColumnBuilder& out) {
    for (State state : states) at(state).result(out);
  }
  static void save(State state, std::string& out) { out.append(reinterpret_cast<const char*>(state), sizeof(S)); }
  static bool load(State state, std::string_view& bytes) {
    if (bytes.size() < sizeof(S)) return false;
    std::memcpy(state, bytes.data(), sizeof(S));
    bytes.remove_prefix(sizeof(S));
    return true;
  }
};

template <class S>
AggregateKernels fixed_kernels(bool retracts) {
  using K = FixedStateKernels<S>;
  return {.state_bytes = sizeof(S),
          .state_align = alignof(S),
          .retracts = retracts,
          .init = K::init,
          .destroy = nullptr,
          .update = K::update,
          .merge = K::merge,
          .result = K::result,
          .save = K::save,
          .load = K::load};
}

template <class S>
struct BoxedStateKernels {
  using State = AggregateKernels::State;

  static S*& pointer(State state) { return *std::launder(reinterpret_cast<S**>(state)); }
  static void init(State state, const AggregateParameters& parameters) {
    S* const box = StateAllocator<S>().allocate(1);
    if constexpr (std::is_constructible_v<S, const AggregateParameters&>) {
      new (box) S(parameters);
    } else {
      new (box) S();
    }
    new (state) S*(box);
  }
  static void destroy(State state) {
    std::destroy_at(pointer(state));
    StateAllocator<S>().deallocate(pointer(state), 1);
  }
  static void update(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
    for_each_value<typename S::Input>(*argument, states.size(), weights, [&](size_t i, const auto& value, int weight) {
      pointer(states[i])->add(value, weight);
    });
  }
  static void merge(StateSpan into, StateSpan from) {
    for (size_t i = 0; i < into.size(); ++i) pointer(into[i])->merge(*pointer(from[i]));
  }
  static void result(StateSpan states, columnar::ColumnBuilder& out) {
    for (State state : states) pointer(state)->result(out);
  }
  static void save(State state, std::string& out) { pointer(state)->save(out); }
  static bool load(State state, std::string_view& bytes) { return pointer(state)->load(bytes); }
};

// With an update of its own, where the state has no Input.
template <class S>
AggregateKernels boxed_kernels(bool retracts, decltype(AggregateKernels::update) update) {
  using K = BoxedStateKernels<S>;
  return {.state_bytes = sizeof(S*),
          .state_align = alignof(S*),
          .retracts = retracts,
          .init = K::init,
          .destroy = K::destroy,
          .update = update,
          .merge = K::merge,
          .result = K::result,
          .save = K::save,
          .load = K::load};
}
template <class S>
AggregateKernels boxed_kernels(bool retracts) {
  return boxed_kernels<S>(retracts, BoxedStateKernels<S>::update);
}

// --- values of states that are kept for later: text is copied out of the column ---

template <class Input>
using Kept = std::conditional_t<std::is_same_v<Input, columnar::StringCell>, StateString, Input>;

template <class Input>
Kept<Input> keep(const Input& value) {
  if constexpr (std::is_same_v<Input, columnar::StringCell>) {
    return StateString(value.view());
  } else {
    return value;
  }
}

inline void append_value(columnar::ColumnBuilder& out, uint8_t value) { out.append_bool(value != 0); }
inline void append_value(columnar::ColumnBuilder& out, int64_t value) { out.append_int64(value); }
inline void append_value(columnar::ColumnBuilder& out, double value) { out.append_double(value); }
inline void append_value(columnar::ColumnBuilder& out, types::Int128 value) { out.append_int128(value); }
inline void append_value(columnar::ColumnBuilder& out, const StateString& value) { out.append_string(value); }

template <class T>
inline constexpr bool kIsText = std::is_convertible_v<T, std::string_view>;

template <class T>
void save_value(std::string& out, const T& value) {
  if constexpr (kIsText<T>) {
    save_value(out, static_cast<uint64_t>(value.size()));
    out += value;
  } else {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
}
template <class T>
bool load_value(std::string_view& bytes, T& value) {
  if constexpr (kIsText<T>) {
    uint64_t size = 0;
    if (!load_value(bytes, size) || bytes.size() < size) return false;
    value.assign(bytes.substr(0, size));
    bytes.remove_prefix(size);
  } else {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
  }
  return true;
}

// How often each value is there, in the order of the values.
template <class Value, class Less = std::less<>>
using StateCounts = std::map<Value, int64_t, Less, StateAllocator<std::pair<const Value, int64_t>>>;

// A map of what is counted to how often it is there.
template <class Counts>
void save_counts(std::string& out, const Counts& counts) {
  save_value(out, static_cast<uint64_t>(counts.size()));
  for (const auto& [value, times] : counts) {
    save_value(out, value);
    save_value(out, times);
  }
}
template <class Counts>
bool load_counts(std::string_view& bytes, Counts& counts) {
  uint64_t size = 0;
  if (!load_value(bytes, size)) return false;
  for (; size > 0; --size) {
    typename Counts::key_type value{};
    typename Counts::mapped_type times{};
    if (!load_value(bytes, value) || !load_value(bytes, times)) return false;
    counts.emplace_hint(counts.end(), std::move(value), times);
  }
  return true;
}

// --- constants of a call ---

// A number as a double, a whole number, or a text; nothing where the constant is something else or NULL.
std::optional<double> constant_double(const AggregateConstant& constant);
std::optional<int64_t> constant_integer(const AggregateConstant& constant);

// The tables, each in its own file.
std::span<const AggregateFunction> sum_aggregates();
std::span<const AggregateFunction> extreme_aggregates();
std::span<const AggregateFunction> logic_aggregates();
std::span<const AggregateFunction> collection_aggregates();
std::span<const AggregateFunction> text_aggregates();
std::span<const AggregateFunction> json_aggregates();
std::span<const AggregateFunction> best_row_aggregates();
std::span<const AggregateFunction> variance_aggregates();
std::span<const AggregateFunction> pair_aggregates();
std::span<const AggregateFunction> percentile_aggregates();
std::span<const AggregateFunction> approximate_aggregates();

// Kernels that keep all values of a group, for MIN and MAX and for FIRST_VALUE and LAST_VALUE over retractions.
AggregateKernels retractable_extreme_kernels(types::Physical physical, bool maximum);
AggregateKernels retractable_position_kernels(types::Physical physical, bool last);
// FIRST_VALUE and LAST_VALUE in the order of ORDER BY.
AggregateKernels ordered_position_kernels(bool last, bool retractable);

}  // namespace penstock::expr
