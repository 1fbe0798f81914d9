// Values in the order in which they came, over rows that may be taken back: what FIRST_VALUE, LAST_VALUE and ARRAY_AGG
// keep of a group.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "expr/aggregate_state.h"

namespace penstock::expr {

// A total order: NaN is the largest.
struct ValueLess {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a < b;
  }
  bool operator()(double a, double b) const { return a < b || (std::isnan(b) && !std::isnan(a)); }
};

// A retraction takes back the earliest row of that value. It may come before the row (rows of one epoch have no order).
template <class Value>
struct OrderedValues {
  std::map<int64_t, Value, std::less<>, StateAllocator<std::pair<const int64_t, Value>>> by_position;
  // Equal values stay in order of position.
  std::multimap<Value, int64_t, ValueLess, StateAllocator<std::pair<const Value, int64_t>>> positions;
  StateCounts<Value, ValueLess> owed;  // retractions that came before their row
  int64_t next_position = 0;

  void change(Value value, int weight) { weight > 0 ? insert(std::move(value)) : remove(std::move(value)); }

  void merge(const OrderedValues& later) {
    for (const auto& [position, value] : later.by_position) insert(value);
    for (const auto& [value, times] : later.owed) {
      for (int64_t i = 0; i < times; ++i) remove(value);
    }
  }

  void save(std::string& out) const {
    save_value(out, static_cast<uint64_t>(by_position.size()));
    for (const auto& [position, value] : by_position) save_value(out, value);
    save_counts(out, owed);
  }
  bool load(std::string_view& bytes) {
    uint64_t size = 0;
    if (!load_value(bytes, size)) return false;
    for (uint64_t i = 0; i < size; ++i) {
      Value value{};
      if (!load_value(bytes, value)) return false;
      insert(std::move(value));
    }
    return load_counts(bytes, owed);
  }

 private:
  void insert(Value value) {
    if (auto debt = owed.find(value); debt != owed.end()) {
      if (--debt->second == 0) owed.erase(debt);
      return;
    }
    positions.emplace(value, next_position);
    by_position.emplace(next_position++, std::move(value));
  }
  void remove(Value value) {
    auto at = positions.lower_bound(value);
    if (at == positions.end() || ValueLess()(value, at->first)) {
      ++owed[std::move(value)];
      return;
    }
    by_position.erase(at->second);
    positions.erase(at);
  }
};

}  // namespace penstock::expr
