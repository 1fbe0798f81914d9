// Every value of a group with how often it is there, in order: what MIN, MAX, MODE and percentiles keep of it.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "expr/aggregate_sequence.h"
#include "expr/aggregate_state.h"

namespace penstock::expr {

// A retraction may come before the row that it takes back (rows of one epoch have no order), so counts may be negative
// for a while.
template <class Input_>
struct ValueCounts {
  using Input = Input_;
  using Value = Kept<Input>;
  StateCounts<Value, ValueLess> counts;

  void add_kept(Value value, int64_t times) {
    auto [at, added] = counts.try_emplace(std::move(value), 0);
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  // Of 0.0 and -0.0, which are equal, always the same one is kept, so that it does not matter which came first.
  void add(const Input& value, int weight) {
    if constexpr (std::is_same_v<Input, double>) {
      add_kept(value + 0.0, weight);
    } else {
      add_kept(keep(value), weight);
    }
  }
  void merge(const ValueCounts& later) {
    for (const auto& [value, times] : later.counts) add_kept(value, times);
  }
  // How many there are.
  int64_t total() const {
    int64_t sum = 0;
    for (const auto& [value, times] : counts) sum += times > 0 ? times : 0;
    return sum;
  }
  // The value at a place, from 0, of all in their order; there must be so many.
  const Value& at_place(int64_t place) const {
    auto at = counts.begin();
    for (; std::next(at) != counts.end(); ++at) {
      place -= at->second > 0 ? at->second : 0;
      if (place < 0) break;
    }
    return at->first;
  }
  void save(std::string& out) const { save_counts(out, counts); }
  bool load(std::string_view& bytes) { return load_counts(bytes, counts); }
};

}  // namespace penstock::expr
