// Functions of one array: looking for elements, taking parts, ordering, joining to text; and arrays made from text and
// ranges.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"
#include "expr/temporal_units.h"
#include "expr/utf8.h"
#include "types/time_zone.h"

namespace penstock::expr {

namespace {

// --- binding ---

// (array, ...): arguments behind the array are integers or booleans as `rest` says.
bool accept_array(CallSignature& call, std::span<const Takes> rest, size_t required) {
  if (call.arguments.empty() || !is_array(call.argument_types[0])) return false;
  CallSignature others{.arguments = call.arguments.subspan(1), .argument_types = {}, .result = {}};
  others.argument_types.assign(call.argument_types.begin() + 1, call.argument_types.end());
  if (!accept_arguments(others, rest, required)) return false;
  std::ranges::copy(others.argument_types, call.argument_types.begin() + 1);
  return true;
}

// The same array, changed.
template <Kernel kernel, size_t required, Takes... rest>
bool bind_changed(CallSignature& call) {
  static constexpr std::array<Takes, sizeof...(rest)> kRest{rest...};
  if (!accept_array(call, kRest, required)) return false;
  call.result = call.argument_types[0];
  call.kernel = kernel;
  return true;
}

// One of its elements.
template <Kernel kernel>
bool bind_chosen(CallSignature& call) {
  if (!accept_array(call, {}, 0)) return false;
  call.result = call.argument_types[0].part(0);
  call.kernel = kernel;
  return true;
}

// (array, element): both become of the type that they have in common, which is that of the result's elements.
bool accept_element(CallSignature& call) {
  if (call.arguments.size() != 2 || !is_array(call.argument_types[0])) return false;
  const DataType both[] = {call.argument_types[0].part(0), given_type(call, 1)};
  Result<DataType> common = common_type(both);
  if (!common) return false;
  call.argument_types = {DataType::array(*common), common->with_nullable(true)};
  return true;
}
template <Kernel kernel>
bool bind_with_element(CallSignature& call) {
  if (!accept_element(call)) return false;
  call.result = call.argument_types[0];
  call.kernel = kernel;
  return true;
}
template <Kernel kernel, TypeKind result>
bool bind_search(CallSignature& call) {
  if (!accept_element(call)) return false;
  call.result = result;
  call.kernel = kernel;
  return true;
}

// --- looking for an element, of which NULL is one like others ---

void contains(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  map_valid<uint8_t>(call, [&](size_t row) {
    return place_of_element(slots.of(arrays[row].view()), arguments.get(1, row, buffer)) > 0 ? 1 : 0;
  });
}

void position(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    return place_of_element(slots.of(arrays[row].view()), arguments.get(1, row, buffer));
  });
}

void remove(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  write_rows(call, [&](std::string& out, size_t row) {
    std::string_view unwanted = arguments.get(1, row, buffer);
    for (std::string_view slot : slots.of(arrays[row].view())) {
      if (slot != unwanted) out += slot;
    }
    out += types::kSlotEnd;
  });
}

void append(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    std::string_view array = arrays[row].view();
    out += array.substr(0, array.size() - 1);
    arguments.append(out, 1, row);
    out += types::kSlotEnd;
  });
}

void prepend(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    arguments.append(out, 1, row);
    out += arrays[row].view();
  });
}

// --- parts and orders ---

void reverse(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    std::span<const std::string_view> elements = slots.of(arrays[row].view());
    for (auto slot = elements.rbegin(); slot != elements.rend(); ++slot) out += *slot;
    out += types::kSlotEnd;
  });
}

// A place counted from 1, or from the end when it is negative, as one counted from 0.
int64_t place_of(int64_t offset, int64_t size) {
  if (offset == 0) return 0;
  return offset > 0 ? offset - 1 : size + offset;
}

void slice(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto starts = call.argument<int64_t>(1);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    std::span<const std::string_view> elements = slots.of(arrays[row].view());
    auto size = static_cast<int64_t>(elements.size());
    const int64_t first = place_of(starts[row], size);
    const int64_t last = call.argument_count() > 2 ? place_of(call.argument<int64_t>(2)[row], size) : size - 1;
    append_array(out, elements_between(elements, first, last));
  });
}

// The bytes of slots are in the order of their values, NULL first.
void sort(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  ArraySlots slots(call.argument_type(0));
  std::vector<std::string_view> sorted;
  write_rows(call, [&](std::string& out, size_t row) {
    bool ascending = call.argument_count() < 2 || call.argument<uint8_t>(1)[row] != 0;
    bool nulls_first = call.argument_count() < 3 ? ascending : call.argument<uint8_t>(2)[row] != 0;
    std::span<const std::string_view> elements = slots.of(arrays[row].view());
    sorted.assign(elements.begin(), elements.end());
    std::ranges::sort(sorted);
    auto nulls_end = std::ranges::partition_point(sorted, types::is_null_slot);
    if (!ascending) std::reverse(nulls_end, sorted.end());
    if (!nulls_first) std::rotate(sorted.begin(), nulls_end, sorted.end());
    append_array(out, sorted);
  });
}

template <bool maximum>
void extreme(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  ArraySlots slots(call.argument_type(0));
  pick_slots(call, [&](size_t row) {
    std::string_view best;
    for (std::string_view slot : slots.of(arrays[row].view())) {
      bool better = best.empty() || (maximum ? slot > best : slot < best);
      if (!types::is_null_slot(slot) && better) best = slot;
    }
    return best;
  });
}

// --- text ---

void join(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto delimiters = call.argument<StringCell>(1);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    bool first = true;
    std::string buffer;
    for (std::string_view slot : slots.of(arrays[row].view())) {
      bool null = types::is_null_slot(slot);
      if (null && call.argument_count() < 3) continue;
      if (!std::exchange(first, false)) out += delimiters[row].view();
      if (null) {
        out += call.argument<StringCell>(2)[row].view();
      } else {
        std::string_view text = slot.substr(1);
        out += types::unescape_ordered_string(types::take_ordered_string(text), buffer);
      }
    }
  });
}

// Elements of other types are taken as their text, unless they are nested.
template <bool any_type>
bool bind_join(CallSignature& call) {
  static constexpr std::array kRest{Takes::kText, Takes::kText};
  if (!accept_array(call, kRest, 1)) return false;
  const DataType element = call.argument_types[0].part(0);
  if (element.kind() != TypeKind::kString && element.kind() != TypeKind::kNull) {
    if (!any_type || element.is_nested()) return false;
    call.argument_types[0] = DataType::array(DataType(TypeKind::kString).with_nullable(element.nullable()));
  }
  call.result = TypeKind::kString;
  call.kernel = join;
  return true;
}

// The text cut at each delimiter; at each character, when that is empty.
void split(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto delimiters = call.argument<StringCell>(1);
  write_rows(call, [&](std::string& out, size_t row) {
    types::SlotWriter slot(out, TypeKind::kString);
    std::string_view text = texts[row].view();
    std::string_view delimiter = delimiters[row].view();
    if (delimiter.empty()) {
      while (!text.empty()) {
        size_t size = character_bytes(text, 0);
        slot.append_string(text.substr(0, size));
        text.remove_prefix(size);
      }
    } else {
      for (size_t end = text.find(delimiter); end != std::string_view::npos; end = text.find(delimiter)) {
        slot.append_string(text.substr(0, end));
        text.remove_prefix(end + delimiter.size());
      }
      slot.append_string(text);
    }
    out += types::kSlotEnd;
  });
}

bool bind_split(CallSignature& call) {
  static constexpr std::array kTakes{Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 2)) return false;
  call.result = DataType::array(DataType(TypeKind::kString).with_nullable(false));
  call.kernel = split;
  return true;
}

// --- ranges ---

// Elements of one series.
constexpr int64_t kSeriesElementsMax = 1'000'000;

// Writes what follows from the first value by `next`, which gives nothing where no more values are.
template <class Next>
void write_series(KernelCall& call, Next next) {
  auto firsts = call.argument<int64_t>(0);
  auto lasts = call.argument<int64_t>(1);
  write_rows(call, [&](std::string& out, size_t row) {
    const int64_t step = call.argument_count() < 3 ? 1 : call.argument<int64_t>(2)[row];
    if (step == 0) return call.fail(row, "the step of a series cannot be zero");
    types::SlotWriter slot(out, TypeKind::kBigInt);
    int64_t count = 0;
    std::optional<int64_t> value = firsts[row];
    for (; value && (step > 0 ? *value <= lasts[row] : *value >= lasts[row]); value = next(*value, step)) {
      if (++count > kSeriesElementsMax) {
        return call.fail(row, fmt::format("a series has at most {} elements", kSeriesElementsMax));
      }
      slot.append_int64(*value);
    }
    out += types::kSlotEnd;
  });
}

void series(KernelCall& call) {
  write_series(call, [](int64_t value, int64_t step) -> std::optional<int64_t> {
    if (__builtin_add_overflow(value, step, &value)) return std::nullopt;
    return value;
  });
}

void series_of_months(KernelCall& call) {
  const TypeKind kind = call.argument_type(0).kind();
  const types::TimeZone& zone = call.context().zone == nullptr ? types::TimeZone::utc() : *call.context().zone;
  write_series(call, [&](int64_t value, int64_t months) { return moved_by_months(kind, value, months, zone); });
}

// Of whole numbers, or of timestamps with an interval as the step, which dates become with one.
bool bind_series(CallSignature& call) {
  std::vector<DataType>& types = call.argument_types;
  if (types.size() < 2 || types.size() > 3) return false;
  const DataType ends[] = {types[0], types[1]};
  Result<DataType> common = common_type(ends);
  if (!common) return false;
  DataType element = *common;
  const bool interval = types.size() == 3 && types[2].is_interval();
  if (element.kind() == TypeKind::kNull) element = TypeKind::kInt;
  if (element.kind() == TypeKind::kDate && interval) element = DataType::timestamp(0);
  if (element.is_timestamp()) {
    if (!interval) return false;
  } else if (!element.is_integer() || (types.size() == 3 && !types[2].is_integer())) {
    return false;
  }
  types[0] = types[1] = element;
  if (types.size() == 3 && element.is_integer()) types[2] = TypeKind::kBigInt;
  call.result = DataType::array(element.with_nullable(false));
  call.kernel = interval && types[2].kind() == TypeKind::kIntervalYearMonth ? series_of_months : series;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;
constexpr auto kInteger = Takes::kInteger;
constexpr auto kBoolean = Takes::kBoolean;

constexpr ScalarFunction kFunctions[] = {
    {"ARRAY_CONTAINS", kCategory, "ARRAY_CONTAINS(array, element)", "Whether the element, which may be NULL, is there.",
     "ARRAY_CONTAINS(ARRAY[1, 2], 2) => TRUE", bind_search<contains, TypeKind::kBoolean>, NullRule::kHandles},
    {"ARRAY_POSITION", kCategory, "ARRAY_POSITION(array, element)",
     "The first place of the element, from 1; 0 without.", "ARRAY_POSITION(ARRAY[7, 8], 8) => 2",
     bind_search<position, TypeKind::kInt>},
    {"ARRAY_REMOVE", kCategory, "ARRAY_REMOVE(array, element)", "The array without this element, which may be NULL.",
     "ARRAY_REMOVE(ARRAY[1, 2, 1], 1) => [2]", bind_with_element<remove>, NullRule::kHandles},
    {"ARRAY_APPEND", kCategory, "ARRAY_APPEND(array, element)", "The array with an element behind.",
     "ARRAY_APPEND(ARRAY[1], 2) => [1, 2]", bind_with_element<append>, NullRule::kHandles},
    {"ARRAY_PREPEND", kCategory, "ARRAY_PREPEND(array, element)", "The array with an element before.",
     "ARRAY_PREPEND(ARRAY[1], 2) => [2, 1]", bind_with_element<prepend>, NullRule::kHandles},
    {"ARRAY_REVERSE", kCategory, "ARRAY_REVERSE(array)", "The array from its end.",
     "ARRAY_REVERSE(ARRAY[1, 2]) => [2, 1]", bind_changed<reverse, 0>},
    {"ARRAY_SLICE", kCategory, "ARRAY_SLICE(array, first [, last])",
     "Elements from a place to another, both included; places count from 1, negative ones from the end.",
     "ARRAY_SLICE(ARRAY[1, 2, 3, 4], 2, 3) => [2, 3]", bind_changed<slice, 1, kInteger, kInteger>},
    {"ARRAY_SORT", kCategory, "ARRAY_SORT(array [, ascending [, nulls_first]])",
     "The array in order; NULLs come first in ascending order, last in descending.",
     "ARRAY_SORT(ARRAY[3, NULL, 1]) => [NULL, 1, 3]", bind_changed<sort, 0, kBoolean, kBoolean>},
    {"ARRAY_MAX", kCategory, "ARRAY_MAX(array)", "The greatest element that is not NULL.",
     "ARRAY_MAX(ARRAY[1, 3, 2]) => 3", bind_chosen<extreme<true>>, NullRule::kMakes},
    {"ARRAY_MIN", kCategory, "ARRAY_MIN(array)", "The least element that is not NULL.", "ARRAY_MIN(ARRAY[2, 1]) => 1",
     bind_chosen<extreme<false>>, NullRule::kMakes},
    {"ARRAY_JOIN", kCategory, "ARRAY_JOIN(array, delimiter [, null_text])",
     "Texts in one; NULLs are left out unless a text for them is given.",
     "ARRAY_JOIN(ARRAY['a', NULL, 'b'], '-') => a-b", bind_join<false>},
    {"ARRAY_TO_STRING", kCategory, "ARRAY_TO_STRING(array, delimiter [, null_text])",
     "The same as ARRAY_JOIN, of elements of any plain type.",
     "ARRAY_TO_STRING(ARRAY['a', NULL, 'b'], '-', '?') => a-?-b\nARRAY_TO_STRING(ARRAY[1, 2], ',') => 1,2",
     bind_join<true>},
    {"SPLIT", kCategory, "SPLIT(text, delimiter)",
     "The parts of the text between delimiters; its characters, when that is ''.", "SPLIT('a,b', ',') => [a, b]",
     bind_split},
    {"GENERATE_SERIES", kCategory, "GENERATE_SERIES(first, last [, step])",
     "Whole numbers or, with an interval as step, timestamps, also from dates; as a table one row each.",
     "GENERATE_SERIES(1, 3) => [1, 2, 3]\n"
     "GENERATE_SERIES(DATE '2026-01-01', DATE '2026-02-15', INTERVAL '1 month') => "
     "[2026-01-01 00:00:00, 2026-02-01 00:00:00]",
     bind_series},
};

}  // namespace

std::span<const ScalarFunction> array_functions() { return kFunctions; }

}  // namespace penstock::expr
