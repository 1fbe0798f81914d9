// MIN, MAX, FIRST_VALUE and LAST_VALUE over rows that may be taken back: all values of a group are kept.
//
// A retraction may come before the row that it takes back (rows of one epoch have no order), so counts may be negative
// for a while.
#include "expr/aggregate_counts.h"
#include "expr/aggregate_sequence.h"
#include "expr/aggregate_state.h"
#include "expr/evaluator.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;

template <class Input, bool maximum>
struct ExtremeOfAll : ValueCounts<Input> {
  void result(ColumnBuilder& out) const {
    const auto append_first = [&](auto begin, auto end) {
      for (auto at = begin; at != end; ++at) {
        if (at->second > 0) return append_value(out, at->first);
      }
      out.append_null();
    };
    if (maximum) {
      append_first(this->counts.rbegin(), this->counts.rend());
    } else {
      append_first(this->counts.begin(), this->counts.end());
    }
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
    return maximum ? boxed_kernels<ExtremeOfAll<T, true>>(true) : boxed_kernels<ExtremeOfAll<T, false>>(true);
  });
}

AggregateKernels retractable_position_kernels(types::Physical physical, bool last) {
  return with_physical(physical, [&]<class T>(T) {
    return last ? boxed_kernels<ValueSequence<T, true>>(true) : boxed_kernels<ValueSequence<T, false>>(true);
  });
}

}  // namespace penstock::expr
