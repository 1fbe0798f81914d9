// ARRAY_AGG, COLLECT and HISTOGRAM: the values of a group as one value.
#include "columnar/nested.h"
#include "expr/aggregate_list.h"
#include "expr/aggregate_state.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

struct ArrayOutput {
  template <class Values>
  static void append(const Values& values, ColumnBuilder& out) {
    std::string array;
    values.for_each([&](std::string_view slot) { array += slot; });
    array.empty() ? out.append_null() : out.append_string(array + types::kSlotEnd);
  }
};

// A MULTISET: how often each value is there. A retraction may come before its row, so counts may be negative for a
// while.
struct CountedValues {
  StateCounts<StateString, TextLess> counts;

  void add_times(std::string_view slot, int64_t times) {
    auto at = counts.find(slot);
    if (at == counts.end()) at = counts.emplace(StateString(slot), 0).first;
    at->second += times;
    if (at->second == 0) counts.erase(at);
  }
  void add(std::string_view slot, int weight) { add_times(slot, weight); }
  void merge(const CountedValues& later) {
    for (const auto& [slot, times] : later.counts) add_times(slot, times);
  }
  // As a MULTISET, or as a MAP from each value to its count: they are the same bytes.
  void result(ColumnBuilder& out) const {
    std::string entries;
    for (const auto& [slot, times] : counts) {
      if (times < 1) continue;
      entries += slot;
      types::SlotWriter(entries, TypeKind::kBigInt).append_int64(times);
    }
    out.append_string(entries + types::kSlotEnd);
  }
  void save(std::string& out) const { save_counts(out, counts); }
  bool load(std::string_view& bytes) { return load_counts(bytes, counts); }
};

void update_counted(StateSpan states, const columnar::Column* argument, const int8_t* weights) {
  std::string slot;
  for (size_t i = 0; i < states.size(); ++i) {
    if (argument->is_null(i)) continue;
    slot.clear();
    columnar::append_slot(slot, *argument, i);
    BoxedStateKernels<CountedValues>::pointer(states[i])->add(slot, weights == nullptr ? 1 : int{weights[i]});
  }
}

AggregateKernels counted_kernels() { return boxed_kernels<CountedValues>(true, update_counted); }

bool bind_array_agg(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = DataType::array(argument);
  call.kernels = list_kernels<ArrayOutput, true>(call);
  return true;
}

bool bind_collect(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = DataType::multiset(argument.with_nullable(false)).with_nullable(false);
  call.kernels = counted_kernels();
  return true;
}

bool bind_histogram(AggregateSignature& call) {
  call.result = DataType::map(call.input().with_nullable(false), DataType(TypeKind::kBigInt).with_nullable(false));
  call.kernels = counted_kernels();
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;

constexpr AggregateFunction kFunctions[] = {
    {"ARRAY_AGG",
     kCategory,
     "ARRAY_AGG([DISTINCT] value [{IGNORE | RESPECT} NULLS] [ORDER BY ...])",
     "All values, NULLs too unless they are ignored, in the order asked for or that in which they came; NULL without "
     "any.",
     "ARRAY_AGG(x) FROM (VALUES (2), (NULL), (1)) AS t(x) => [2, NULL, 1]\n"
     "ARRAY_AGG(x IGNORE NULLS) FROM (VALUES (2), (NULL), (1)) AS t(x) => [2, 1]\n"
     "ARRAY_AGG(x ORDER BY x DESC) FROM (VALUES (1), (2)) AS t(x) => [2, 1]",
     bind_array_agg,
     {.order = AggregateTakes::Order::kMay, .nulls_count = true}},
    {"COLLECT", kCategory, "COLLECT([DISTINCT] value)", "A multiset of all values that are not NULL.",
     "COLLECT(x) FROM (VALUES ('a'), ('b'), ('a')) AS t(x) => {a=2, b=1}", bind_collect},
    {"HISTOGRAM", kCategory, "HISTOGRAM(value)", "A map from each value that is not NULL to how often it is there.",
     "HISTOGRAM(x) FROM (VALUES ('a'), ('b'), ('a')) AS t(x) => {a=2, b=1}", bind_histogram},
};

}  // namespace

std::span<const AggregateFunction> collection_aggregates() { return kFunctions; }

}  // namespace penstock::expr
