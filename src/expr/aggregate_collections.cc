// ARRAY_AGG and COLLECT: the values of a group as one value. They are kept as slots (types/nested.h), so that there is
// one kernel for all types.
#include <map>

#include "columnar/nested.h"
#include "expr/aggregate_sequence.h"
#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// Rows that are never taken back: the array itself.
struct HeldArray {
  std::string slots;

  void add(std::string_view slot, int) { slots += slot; }
  void merge(const HeldArray& later) { slots += later.slots; }
  void result(ColumnBuilder& out) const {
    if (slots.empty()) return out.append_null();
    out.append_string(slots + types::kSlotEnd);
  }
  void save(std::string& out) const { save_value(out, slots); }
  bool load(std::string_view& bytes) { return load_value(bytes, slots); }
};

struct ChangingArray : OrderedValues<std::string> {
  void add(std::string_view slot, int weight) { change(std::string(slot), weight); }
  void result(ColumnBuilder& out) const {
    if (by_position.empty()) return out.append_null();
    std::string array;
    for (const auto& [position, slot] : by_position) array += slot;
    out.append_string(array + types::kSlotEnd);
  }
};

// A MULTISET: how often each value is there. A retraction may come before its row, so counts may be negative for a
// while.
struct HeldMultiset {
  std::map<std::string, int64_t, std::less<>> counts;

  void add_times(std::string_view slot, int64_t times) {
    auto at = counts.find(slot);
    if (at == counts.end()) at = counts.emplace(std::string(slot), 0).first;
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  void add(std::string_view slot, int weight) { add_times(slot, weight); }
  void merge(const HeldMultiset& later) {
    for (const auto& [slot, times] : later.counts) add_times(slot, times);
  }
  void result(ColumnBuilder& out) const {
    std::string multiset;
    for (const auto& [slot, times] : counts) {
      if (times < 1) continue;
      multiset += slot;
      types::SlotWriter(multiset, TypeKind::kInt).append_int64(times);
    }
    out.append_string(multiset + types::kSlotEnd);
  }
  void save(std::string& out) const {
    save_value(out, static_cast<uint64_t>(counts.size()));
    for (const auto& [slot, times] : counts) {
      save_value(out, slot);
      save_value(out, times);
    }
  }
  bool load(std::string_view& bytes) {
    uint64_t size = 0;
    if (!load_value(bytes, size)) return false;
    for (uint64_t i = 0; i < size; ++i) {
      std::string slot;
      int64_t times = 0;
      if (!load_value(bytes, slot) || !load_value(bytes, times)) return false;
      counts.emplace_hint(counts.end(), std::move(slot), times);
    }
    return true;
  }
};

template <class S, bool with_nulls>
void update_slots(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
  std::string slot;
  for (size_t i = 0; i < states.size(); ++i) {
    if (!with_nulls && argument->is_null(i)) continue;
    slot.clear();
    columnar::append_slot(slot, *argument, i);
    BoxedStateKernels<S>::pointer(states[i])->add(slot, weights == nullptr ? 1 : int{weights[i]});
  }
}

template <class S, bool with_nulls>
AggregateKernels slot_kernels(bool retracts) {
  using K = BoxedStateKernels<S>;
  return {.state_bytes = sizeof(S*),
          .state_align = alignof(S*),
          .retracts = retracts,
          .init = K::init,
          .destroy = K::destroy,
          .update = update_slots<S, with_nulls>,
          .merge = K::merge,
          .result = K::result,
          .save = K::save,
          .load = K::load};
}

bool bind_array_agg(DataType& argument, DataType& result, AggregateKernels& kernels, bool retractable) {
  if (argument.kind() == TypeKind::kNull) return false;
  result = DataType::array(argument);
  kernels = retractable ? slot_kernels<ChangingArray, true>(true) : slot_kernels<HeldArray, true>(false);
  return true;
}

bool bind_collect(DataType& argument, DataType& result, AggregateKernels& kernels, bool /*retractable*/) {
  if (argument.kind() == TypeKind::kNull) return false;
  result = DataType::multiset(argument.with_nullable(false)).with_nullable(false);
  kernels = slot_kernels<HeldMultiset, false>(true);
  return true;
}

constexpr AggregateFunction kFunctions[] = {
    {"ARRAY_AGG", "ARRAY_AGG(value)", "All values, NULLs too, in the order in which they came; NULL without rows.",
     "ARRAY_AGG(item)", bind_array_agg},
    {"COLLECT", "COLLECT(value)", "A multiset of all values that are not NULL.", "COLLECT(item)", bind_collect},
};

}  // namespace

std::span<const AggregateFunction> collection_aggregates() { return kFunctions; }

}  // namespace penstock::expr
