// MIN, MAX, FIRST_VALUE and LAST_VALUE over rows that may be taken back: all values of a group are kept.
//
// A retraction may come before the row that it takes back (rows of one epoch have no order), so counts may be negative
// for a while.
#include <map>

#include "expr/aggregate_sequence.h"
#include "expr/aggregate_state.h"
#include "expr/evaluator.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;

// Every value with how often it is there.
template <class Input_, bool maximum>
struct ValueCounts {
  using Input = Input_;
  using Value = Kept<Input>;
  std::map<Value, int64_t, ValueLess> counts;

  void add_kept(Value value, int64_t times) {
    auto [at, added] = counts.try_emplace(std::move(value), 0);
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  void add(const Input& value, int weight) { add_kept(keep(value), weight); }
  void merge(const ValueCounts& later) {
    for (const auto& [value, times] : later.counts) add_kept(value, times);
  }
  void result(ColumnBuilder& out) const {
    auto append_first = [&](auto begin, auto end) {
      for (auto at = begin; at != end; ++at) {
        if (at->second > 0) return append_value(out, at->first);
      }
      out.append_null();
    };
    if (maximum) {
      append_first(counts.rbegin(), counts.rend());
    } else {
      append_first(counts.begin(), counts.end());
    }
  }
  void save(std::string& out) const {
    save_value(out, static_cast<uint64_t>(counts.size()));
    for (const auto& [value, times] : counts) {
      save_value(out, value);
      save_value(out, times);
    }
  }
  bool load(std::string_view& bytes) {
    uint64_t size = 0;
    if (!load_value(bytes, size)) return false;
    for (uint64_t i = 0; i < size; ++i) {
      Value value{};
      int64_t times = 0;
      if (!load_value(bytes, value) || !load_value(bytes, times)) return false;
      counts.emplace_hint(counts.end(), std::move(value), times);
    }
    return true;
  }
};

// Values in the order in which they came, for FIRST_VALUE and LAST_VALUE.
template <class Input_, bool last>
struct ValueSequence : OrderedValues<Kept<Input_>> {
  using Input = Input_;

  void add(const Input& value, int weight) { this->change(keep(value), weight); }
  void result(ColumnBuilder& out) const {
    if (this->by_position.empty()) return out.append_null();
    append_value(out, last ? this->by_position.rbegin()->second : this->by_position.begin()->second);
  }
};

}  // namespace

AggregateKernels retractable_extreme_kernels(types::Physical physical, bool maximum) {
  return with_physical(physical, [&]<class T>(T) {
    return maximum ? boxed_kernels<ValueCounts<T, true>>(true) : boxed_kernels<ValueCounts<T, false>>(true);
  });
}

AggregateKernels retractable_position_kernels(types::Physical physical, bool last) {
  return with_physical(physical, [&]<class T>(T) {
    return last ? boxed_kernels<ValueSequence<T, true>>(true) : boxed_kernels<ValueSequence<T, false>>(true);
  });
}

}  // namespace penstock::expr
