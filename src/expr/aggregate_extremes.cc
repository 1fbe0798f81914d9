// MIN, MAX, FIRST_VALUE and LAST_VALUE over rows that are never taken back: one value per group.
#include <cmath>

#include "expr/aggregate_state.h"
#include "expr/evaluator.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;

// Whether a later value takes the place of the one held.
struct TakesLess {
  template <class T>
  static bool apply(const T& held, const T& value) {
    return value < held;
  }
  static bool apply(double held, double value) { return value < held || (std::isnan(held) && !std::isnan(value)); }
};
struct TakesGreater {
  template <class T>
  static bool apply(const T& held, const T& value) {
    return held < value;
  }
  static bool apply(double held, double value) { return held < value || (std::isnan(value) && !std::isnan(held)); }
};
struct TakesNone {
  template <class T>
  static bool apply(const T&, const T&) {
    return false;
  }
};
struct TakesEvery {
  template <class T>
  static bool apply(const T&, const T&) {
    return true;
  }
};

template <class T, class Takes>
struct HeldValue {
  using Input = T;
  T value{};
  bool any = false;

  void add(const T& later, int) {
    if (any && !Takes::apply(value, later)) return;
    value = later;
    any = true;
  }
  void merge(const HeldValue& later) {
    if (later.any) add(later.value, 1);
  }
  void result(ColumnBuilder& out) const {
    if (!any) return out.append_null();
    append_value(out, value);
  }
};

template <class Takes>
struct HeldText {
  using Input = StringCell;
  StateString value;
  bool any = false;

  void take(std::string_view later) {
    if (any && !Takes::apply(std::string_view(value), later)) return;
    value.assign(later);
    any = true;
  }
  void add(const StringCell& later, int) { take(later.view()); }
  void merge(const HeldText& later) {
    if (later.any) take(later.value);
  }
  void result(ColumnBuilder& out) const {
    if (!any) return out.append_null();
    out.append_string(value);
  }
  void save(std::string& out) const {
    save_value(out, static_cast<uint8_t>(any));
    save_value(out, value);
  }
  bool load(std::string_view& bytes) {
    uint8_t flag = 0;
    if (!load_value(bytes, flag) || !load_value(bytes, value)) return false;
    any = flag != 0;
    return true;
  }
};

template <class Takes>
AggregateKernels held_kernels(Physical physical) {
  return with_physical(physical, []<class T>(T) -> AggregateKernels {
    if constexpr (std::is_same_v<T, StringCell>) {
      return boxed_kernels<HeldText<Takes>>(false);
    } else {
      return fixed_kernels<HeldValue<T, Takes>>(false);
    }
  });
}

template <bool maximum>
bool bind_extreme(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = argument;
  if (call.retractable) {
    call.kernels = retractable_extreme_kernels(argument.physical(), maximum);
  } else {
    call.kernels = held_kernels<std::conditional_t<maximum, TakesGreater, TakesLess>>(argument.physical());
  }
  return true;
}

template <bool last>
bool bind_position(AggregateSignature& call) {
  DataType& argument = call.input();
  call.result = argument;
  if (!call.parameters.order.empty()) {
    call.kernels = ordered_position_kernels(last, call.retractable);
  } else if (call.retractable) {
    call.kernels = retractable_position_kernels(argument.physical(), last);
  } else {
    call.kernels = held_kernels<std::conditional_t<last, TakesEvery, TakesNone>>(argument.physical());
  }
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;
constexpr AggregateTakes kOrdered = {.order = AggregateTakes::Order::kMay};

constexpr AggregateFunction kFunctions[] = {
    {"MIN", kCategory, "MIN(value)", "The least value that is not NULL.",
     "MIN(x) FROM (VALUES (7), (3), (NULL)) AS t(x) => 3", bind_extreme<false>},
    {"MAX", kCategory, "MAX(value)", "The greatest value that is not NULL.",
     "MAX(x) FROM (VALUES (3), (7), (NULL)) AS t(x) => 7", bind_extreme<true>},
    {"FIRST_VALUE", kCategory, "FIRST_VALUE(value [ORDER BY ...])",
     "The first value that is not NULL, in the order asked for or that in which rows came.",
     "FIRST_VALUE(x ORDER BY n DESC) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => b", bind_position<false>, kOrdered},
    {"LAST_VALUE", kCategory, "LAST_VALUE(value [ORDER BY ...])",
     "The last value that is not NULL, in the order asked for or that in which rows came.",
     "LAST_VALUE(x ORDER BY n DESC) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => a", bind_position<true>, kOrdered},
    {"ANY_VALUE", kCategory, "ANY_VALUE(value)", "One of the values that are not NULL.",
     "ANY_VALUE(x) FROM (VALUES (7), (7)) AS t(x) => 7", bind_position<false>},
};

}  // namespace

std::span<const AggregateFunction> extreme_aggregates() { return kFunctions; }

}  // namespace penstock::expr
