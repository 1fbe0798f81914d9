// MIN, MAX, FIRST_VALUE and LAST_VALUE over rows that are never taken back: one value per group.
#include <cmath>

#include "expr/aggregate_state.h"
#include "expr/evaluator.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::TypeKind;

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
  std::string value;
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
bool bind_extreme(DataType& argument, DataType& result, AggregateKernels& kernels, bool retractable) {
  if (argument.kind() == TypeKind::kNull) return false;
  result = argument;
  if (retractable) {
    kernels = retractable_extreme_kernels(argument.physical(), maximum);
  } else {
    kernels = held_kernels<std::conditional_t<maximum, TakesGreater, TakesLess>>(argument.physical());
  }
  return true;
}

template <bool last>
bool bind_position(DataType& argument, DataType& result, AggregateKernels& kernels, bool retractable) {
  if (argument.kind() == TypeKind::kNull) return false;
  result = argument;
  if (retractable) {
    kernels = retractable_position_kernels(argument.physical(), last);
  } else {
    kernels = held_kernels<std::conditional_t<last, TakesEvery, TakesNone>>(argument.physical());
  }
  return true;
}

constexpr AggregateFunction kFunctions[] = {
    {"MIN", "MIN(value)", "The least value that is not NULL.", "MIN(price)", bind_extreme<false>},
    {"MAX", "MAX(value)", "The greatest value that is not NULL.", "MAX(price)", bind_extreme<true>},
    {"FIRST_VALUE", "FIRST_VALUE(value)", "The value, not NULL, of the row that came first.", "FIRST_VALUE(status)",
     bind_position<false>},
    {"LAST_VALUE", "LAST_VALUE(value)", "The value, not NULL, of the row that came last.", "LAST_VALUE(status)",
     bind_position<true>},
};

}  // namespace

std::span<const AggregateFunction> extreme_aggregates() { return kFunctions; }

}  // namespace penstock::expr
