// Exact percentiles, MEDIAN and MODE: all values of a group are kept, counted. They take rows back.
#include <algorithm>
#include <cmath>

#include "expr/aggregate_counts.h"
#include "expr/evaluator.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::DataType;
using types::TypeKind;

// The fractions that are asked for: one, or an array of them.
std::vector<double> fractions_of(const AggregateConstant& constant) {
  if (std::optional<double> one = constant_double(constant)) return {*one};
  std::vector<double> all;
  if (constant.value.is_null() || constant.type.kind() != TypeKind::kArray) return all;
  std::string_view rest = constant.value.as_string();
  const DataType element = constant.type.part(0);
  for (std::string_view slot; !(slot = types::take_slot(rest, element)).empty();) {
    std::optional<double> one = constant_double({element, types::slot_value(slot, element)});
    if (!one) return {};
    all.push_back(*one);
  }
  return all;
}

// Accepts the fraction in first place among the constants.
bool accept_fraction(AggregateSignature& call) {
  const std::vector<double> fractions = fractions_of(call.parameters.constants[0]);
  const bool fits = !fractions.empty() && std::ranges::all_of(fractions, [](double f) { return f >= 0 && f <= 1; });
  if (!fits) call.complaint = "the fraction is a number from 0 to 1, or an array of such";
  return fits;
}

bool is_descending(const AggregateParameters& parameters) {
  return !parameters.order.empty() && parameters.order[0].descending;
}

// One result for each fraction, `append(builder, fraction)`: alone or as an array.
template <class F>
void append_fractions(const AggregateParameters& parameters, ColumnBuilder& out, F append) {
  const AggregateConstant& constant = parameters.constants[0];
  const std::vector<double> fractions = fractions_of(constant);
  const auto directed = [&](double f) { return is_descending(parameters) ? 1 - f : f; };
  if (constant.type.kind() != TypeKind::kArray) return append(out, directed(fractions[0]));
  std::string array;
  types::SlotWriter slots(array, out.type().part(0));
  for (double fraction : fractions) append(slots, directed(fraction));
  out.append_string(array + types::kSlotEnd);
}

// Between the two values that the fraction is between, in proportion.
struct Interpolated : ValueCounts<double> {
  const AggregateParameters* parameters;
  explicit Interpolated(const AggregateParameters& call) : parameters(&call) {}

  double at_fraction(double fraction, int64_t total) const {
    const double place = fraction * static_cast<double>(total - 1);
    const double below = std::floor(place);
    const double low = at_place(static_cast<int64_t>(below));
    if (place == below) return low;
    const double high = at_place(static_cast<int64_t>(below) + 1);
    return low == high ? low : (below + 1 - place) * low + (place - below) * high;  // to the digit what Flink gives
  }
  void result(ColumnBuilder& out) const {
    const int64_t count = total();
    if (count == 0) return out.append_null();
    append_fractions(*parameters, out, [&](auto& to, double f) { to.append_double(at_fraction(f, count)); });
  }
};

struct Median : ValueCounts<double> {
  void result(ColumnBuilder& out) const {
    const int64_t count = total();
    if (count == 0) return out.append_null();
    const double low = at_place((count - 1) / 2);
    out.append_double(count % 2 == 1 ? low : low + (at_place(count / 2) - low) / 2);
  }
};

template <class To>
void append_kept(To& out, const StateString& value) {
  out.append_string(value);
}
template <class To>
void append_kept(To& out, double value) {
  out.append_double(value);
}
template <class To>
void append_kept(To& out, int64_t value) {
  out.append_int64(value);
}
template <class To>
void append_kept(To& out, types::Int128 value) {
  out.append_int128(value);
}
template <class To>
void append_kept(To& out, uint8_t value) {
  out.append_bool(value != 0);
}

// The first value at whose place the fraction of all is reached.
template <class Input>
struct Discrete : ValueCounts<Input> {
  const AggregateParameters* parameters;
  explicit Discrete(const AggregateParameters& call) : parameters(&call) {}

  int64_t place_of(double fraction, int64_t total) const {
    const auto rows = static_cast<double>(total);
    // From the other end a place is the last, not the first, that is enough.
    const double place = is_descending(*parameters) ? std::floor(fraction * rows) : std::ceil(fraction * rows) - 1;
    return std::clamp<int64_t>(static_cast<int64_t>(place), 0, total - 1);
  }
  void result(ColumnBuilder& out) const {
    const int64_t count = this->total();
    if (count == 0) return out.append_null();
    append_fractions(*parameters, out,
                     [&](auto& to, double f) { append_kept(to, this->at_place(place_of(f, count))); });
  }
};

// The value that is there most often; of several the first in the order.
template <class Input>
struct Mode : ValueCounts<Input> {
  const AggregateParameters* parameters;
  explicit Mode(const AggregateParameters& call) : parameters(&call) {}

  void result(ColumnBuilder& out) const {
    const bool last = is_descending(*parameters);
    auto best = this->counts.end();
    for (auto at = this->counts.begin(); at != this->counts.end(); ++at) {
      if (at->second < 1) continue;
      if (best == this->counts.end() || at->second > best->second || (last && at->second == best->second)) best = at;
    }
    best == this->counts.end() ? out.append_null() : append_value(out, best->first);
  }
};

DataType maybe_array(const AggregateSignature& call, DataType type) {
  return call.parameters.constants[0].type.kind() == TypeKind::kArray ? DataType::array(type) : type;
}

bool bind_interpolated(AggregateSignature& call) {
  if (!call.input().is_numeric() || !accept_fraction(call)) return false;
  call.input() = TypeKind::kDouble;
  call.result = maybe_array(call, TypeKind::kDouble);
  call.kernels = boxed_kernels<Interpolated>(true);
  return true;
}

bool bind_discrete(AggregateSignature& call) {
  if (!accept_fraction(call)) return false;
  call.result = maybe_array(call, call.input());
  call.kernels = with_physical(call.input().physical(), []<class T>(T) { return boxed_kernels<Discrete<T>>(true); });
  return true;
}

bool bind_median(AggregateSignature& call) {
  if (!call.input().is_numeric()) return false;
  call.input() = call.result = TypeKind::kDouble;
  call.kernels = boxed_kernels<Median>(true);
  return true;
}

bool bind_mode(AggregateSignature& call) {
  call.result = call.input();
  call.kernels = with_physical(call.input().physical(), []<class T>(T) { return boxed_kernels<Mode<T>>(true); });
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kStatistics;
constexpr AggregateTakes kFraction = {.constants_min = 1, .constants_max = 1};
constexpr AggregateTakes kFractionOfOrdered = {
    .values_min = 0, .values_max = 0, .constants_min = 1, .constants_max = 1, .order = AggregateTakes::Order::kIsValue};
constexpr AggregateTakes kOrdered = {.values_min = 0, .values_max = 0, .order = AggregateTakes::Order::kIsValue};

constexpr AggregateFunction kFunctions[] = {
    {"PERCENTILE", kCategory, "PERCENTILE(number, fraction)",
     "The value below which that fraction (0 to 1, constant; or an array of such) of all lies, exactly; between two "
     "values in proportion. A DOUBLE.",
     "PERCENTILE(x, 0.5) FROM (VALUES (10), (20), (40), (80)) AS t(x) => 30.0\n"
     "PERCENTILE(x, ARRAY[0.0, 1.0]) FROM (VALUES (10), (20)) AS t(x) => [10.0, 20.0]",
     bind_interpolated, kFraction},
    {"PERCENTILE_CONT", kCategory, "PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY number)",
     "The same as PERCENTILE, as the SQL standard writes it.",
     "PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY x) FROM (VALUES (10), (20)) AS t(x) => 12.5", bind_interpolated,
     kFractionOfOrdered},
    {"PERCENTILE_DISC", kCategory, "PERCENTILE_DISC(fraction) WITHIN GROUP (ORDER BY value)",
     "The first value, in that order, at which the fraction of all is reached; of any type.",
     "PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY x) FROM (VALUES ('a'), ('b'), ('c')) AS t(x) => b", bind_discrete,
     kFractionOfOrdered},
    {"MEDIAN", kCategory, "MEDIAN(number)", "The value in the middle, or the mean of the two there. A DOUBLE.",
     "MEDIAN(x) FROM (VALUES (1), (2), (10)) AS t(x) => 2.0", bind_median},
    {"MODE", kCategory, "MODE() WITHIN GROUP (ORDER BY value)",
     "The value that is there most often; of several the first in that order.",
     "MODE() WITHIN GROUP (ORDER BY x) FROM (VALUES ('a'), ('b'), ('b')) AS t(x) => b", bind_mode, kOrdered},
};

}  // namespace

std::span<const AggregateFunction> percentile_aggregates() { return kFunctions; }

}  // namespace penstock::expr
