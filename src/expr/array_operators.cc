// PostgreSQL's operators and functions of arrays.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// --- || ---

// Each argument is an array of the result's type, or an element. As PostgreSQL has it, an array that is NULL has no
// elements, unless there is nothing but such arrays.
void join_arrays(KernelCall& call) {
  SlotArguments arguments(call);
  const auto is_whole = [&](size_t i) { return call.argument_type(i).same_type(call.result_type()); };
  for (size_t row = 0; row < call.rows(); ++row) {
    bool null = true;
    for (size_t i = 0; i < call.argument_count(); ++i) null = null && is_whole(i) && call.is_argument_null(i, row);
    if (null) call.set_null(row);
  }
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); ++i) {
      if (!is_whole(i)) {
        arguments.append(out, i, row);
      } else if (!call.is_argument_null(i, row)) {
        const std::string_view array = call.argument<StringCell>(i)[row].view();
        out += array.substr(0, array.size() - 1);  // without its end
      }
    }
    out += types::kSlotEnd;
  });
}

bool bind_join(CallSignature& call) {
  if (call.arguments.size() != 2) return false;
  std::vector<DataType>& types = call.argument_types;
  const DataType given[] = {given_type(call, 0), given_type(call, 1)};
  const auto may_be_array = [&](size_t i) { return is_array(types[i]) || types[i].kind() == TypeKind::kNull; };
  if (may_be_array(0) && may_be_array(1) && (is_array(types[0]) || is_array(types[1]))) {
    Result<DataType> common = common_type(given);
    if (!common) return false;
    types[0] = types[1] = call.result = common->with_nullable(true);
  } else {
    const size_t array = is_array(types[0]) ? 0 : 1;
    if (!is_array(types[array]) || types[1 - array].kind() == TypeKind::kString) {
      const bool text_elements = is_array(types[array]) && types[array].part(0).kind() == TypeKind::kString;
      if (!text_elements) return false;
    }
    const DataType both[] = {types[array].part(0), given[1 - array]};
    Result<DataType> common = common_type(both);
    if (!common) return false;
    types[array] = call.result = DataType::array(*common);
    types[1 - array] = common->with_nullable(true);
  }
  call.kernel = join_arrays;
  return true;
}

// --- @>, <@, && ---

struct AllOf {
  static bool apply(std::span<const std::string_view> wanted, const std::unordered_set<std::string_view>& there) {
    return std::ranges::all_of(wanted, [&](std::string_view slot) { return there.contains(slot); });
  }
};
struct AnyOf {
  static bool apply(std::span<const std::string_view> wanted, const std::unordered_set<std::string_view>& there) {
    return std::ranges::any_of(wanted, [&](std::string_view slot) { return there.contains(slot); });
  }
};

// Looks for the elements of argument `wanted` in the other; NULL elements are found nowhere.
template <class Quantifier, size_t wanted>
void compare_sets(KernelCall& call) {
  auto sought = call.argument<StringCell>(wanted);
  auto searched = call.argument<StringCell>(1 - wanted);
  ArraySlots slots(call.argument_type(0));
  std::unordered_set<std::string_view> there;
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    there.clear();
    for (std::string_view slot : slots.of(searched[row].view())) {
      if (!types::is_null_slot(slot)) there.insert(slot);
    }
    return Quantifier::apply(slots.of(sought[row].view()), there) ? 1 : 0;
  });
}

template <Kernel kernel>
bool bind_sets(CallSignature& call) {
  if (call.arguments.size() != 2) return false;
  const DataType given[] = {given_type(call, 0), given_type(call, 1)};
  Result<DataType> common = common_type(given);
  if (!common || !is_array(*common)) return false;
  std::ranges::fill(call.argument_types, common->with_nullable(true));
  call.result = TypeKind::kBoolean;
  call.kernel = kernel;
  return true;
}

// --- functions ---

// ARRAY_LENGTH(array, dimension): NULL of an empty array and of other dimensions than the first.
void array_length(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto dimensions = call.argument<int64_t>(1);
  const DataType type = call.argument_type(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const int64_t size = types::cardinality(arrays[row].view(), type);
    if (dimensions[row] != 1 || size == 0) call.set_null(row);
    return size;
  });
}
bool bind_array_length(CallSignature& call) {
  if (call.argument_types.size() != 2 || !is_array(call.argument_types[0])) return false;
  if (!accept_argument(Takes::kInteger, call.argument_types[1])) return false;
  call.argument_types[1] = TypeKind::kBigInt;
  call.result = TypeKind::kInt;
  call.kernel = array_length;
  return true;
}

// The number of dimensions is that of the type; those inside of the first have no bounds of their own.
int64_t dimensions_of(DataType type) {
  int64_t dimensions = 0;
  for (; is_array(type); type = type.part(0)) ++dimensions;
  return dimensions;
}

// ARRAY_LOWER and ARRAY_UPPER(array, dimension)
template <bool upper>
void array_bound(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto dimensions = call.argument<int64_t>(1);
  const DataType type = call.argument_type(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const int64_t size = types::cardinality(arrays[row].view(), type);
    if (dimensions[row] != 1 || size == 0) call.set_null(row);
    return upper ? size : 1;
  });
}
template <Kernel kernel>
bool bind_of_dimension(CallSignature& call) {
  if (!bind_array_length(call)) return false;
  call.kernel = kernel;
  return true;
}

void array_ndims(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  const DataType type = call.argument_type(0);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    if (types::cardinality(arrays[row].view(), type) == 0) call.set_null(row);
    return dimensions_of(type);
  });
}
bool bind_ndims(CallSignature& call) {
  if (call.argument_types.size() != 1 || !is_array(call.argument_types[0])) return false;
  call.result = TypeKind::kInt;
  call.kernel = array_ndims;
  return true;
}

// GENERATE_SUBSCRIPTS(array, 1)
void subscripts(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto dimensions = call.argument<int64_t>(1);
  const DataType type = call.argument_type(0);
  write_rows(call, [&](std::string& out, size_t row) {
    types::SlotWriter slot(out, TypeKind::kInt);
    const int64_t size = dimensions[row] == 1 ? types::cardinality(arrays[row].view(), type) : 0;
    for (int64_t place = 1; place <= size; ++place) slot.append_int64(place);
    out += types::kSlotEnd;
  });
}
bool bind_subscripts(CallSignature& call) {
  if (!bind_array_length(call)) return false;
  call.result = DataType::array(DataType(TypeKind::kInt).with_nullable(false));
  call.kernel = subscripts;
  return true;
}

// --- parts, as PostgreSQL counts ---

// Elements from one place to another; places beyond either end are cut to it.
void slice(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto firsts = call.argument<int64_t>(1);
  auto lasts = call.argument<int64_t>(2);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    const int64_t first = std::max<int64_t>(firsts[row], 1);
    const int64_t last = std::max<int64_t>(lasts[row], 0);
    append_array(out, elements_between(slots.of(arrays[row].view()), first - 1, last - 1));
  });
}
bool bind_slice(CallSignature& call) {
  if (call.argument_types.size() != 3 || !is_array(call.argument_types[0])) return false;
  for (const size_t bound : {size_t{1}, size_t{2}}) {
    if (!accept_argument(Takes::kInteger, call.argument_types[bound])) return false;
    call.argument_types[bound] = TypeKind::kBigInt;
  }
  call.result = call.argument_types[0];
  call.kernel = slice;
  return true;
}

// TRIM_ARRAY(array, count)
void trim_array(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto counts = call.argument<int64_t>(1);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    const std::span<const std::string_view> elements = slots.of(arrays[row].view());
    const int64_t count = counts[row];
    if (count < 0 || count > static_cast<int64_t>(elements.size())) {
      return call.fail(
          row, fmt::format("TRIM_ARRAY takes 0 to {} elements from this array, not {}", elements.size(), count));
    }
    append_array(out, elements.first(elements.size() - static_cast<size_t>(count)));
  });
}
bool bind_trim_array(CallSignature& call) {
  if (!bind_array_length(call)) return false;
  call.result = call.argument_types[0];
  call.kernel = trim_array;
  return true;
}

// --- elements by their values, of which NULL is one ---

// The array and the values become of one type, which is that of the elements.
bool accept_elements(CallSignature& call, size_t array, size_t values) {
  if (call.arguments.size() < values + 1 || !is_array(call.argument_types[array])) return false;
  std::vector<DataType> types = {call.argument_types[array].part(0)};
  for (size_t i = 0; i <= values; ++i) {
    if (i != array) types.push_back(given_type(call, i));
  }
  Result<DataType> common = common_type(types);
  if (!common) return false;
  for (size_t i = 0; i <= values; ++i) call.argument_types[i] = common->with_nullable(true);
  call.argument_types[array] = DataType::array(*common);
  return true;
}

// ARRAY_PREPEND(element, array)
void prepend(KernelCall& call) {
  null_with(call, 1);
  auto arrays = call.argument<StringCell>(1);
  SlotArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    arguments.append(out, 0, row);
    out += arrays[row].view();
  });
}
bool bind_prepend(CallSignature& call) {
  if (call.arguments.size() != 2 || is_array(call.argument_types[0]) || !accept_elements(call, 1, 1)) return false;
  call.result = call.argument_types[1];
  call.kernel = prepend;
  return true;
}

// ARRAY_REPLACE(array, from, to)
void replace(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view from = arguments.get(1, row, buffer);
    for (std::string_view slot : slots.of(arrays[row].view())) {
      if (slot == from) {
        arguments.append(out, 2, row);
      } else {
        out += slot;
      }
    }
    out += types::kSlotEnd;
  });
}
bool bind_replace(CallSignature& call) {
  if (call.arguments.size() != 3 || !accept_elements(call, 0, 2)) return false;
  call.result = call.argument_types[0];
  call.kernel = replace;
  return true;
}

// ARRAY_POSITION(array, element, start): NULL where it is not found, as PostgreSQL has it.
void position_from(KernelCall& call) {
  null_with(call, 0);
  null_with(call, 2);
  auto arrays = call.argument<StringCell>(0);
  auto starts = call.argument<int64_t>(2);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const std::string_view wanted = arguments.get(1, row, buffer);
    const int64_t from = std::max<int64_t>(starts[row], 1);
    const int64_t place = place_of_element(slots.of(arrays[row].view()), wanted, from);
    if (place == 0) call.set_null(row);
    return place;
  });
}
bool bind_position_from(CallSignature& call) {
  if (call.arguments.size() != 3 || !accept_argument(Takes::kInteger, call.argument_types[2])) return false;
  if (!accept_elements(call, 0, 1)) return false;
  call.argument_types[2] = TypeKind::kBigInt;
  call.result = TypeKind::kInt;
  call.kernel = position_from;
  return true;
}

// ARRAY_POSITIONS(array, element)
void positions(KernelCall& call) {
  null_with(call, 0);
  auto arrays = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(0));
  std::string buffer;
  write_rows(call, [&](std::string& out, size_t row) {
    types::SlotWriter slot(out, TypeKind::kInt);
    const std::string_view wanted = arguments.get(1, row, buffer);
    int64_t place = 0;
    for (std::string_view element : slots.of(arrays[row].view())) {
      ++place;
      if (element == wanted) slot.append_int64(place);
    }
    out += types::kSlotEnd;
  });
}
bool bind_positions(CallSignature& call) {
  if (call.arguments.size() != 2 || !accept_elements(call, 0, 1)) return false;
  call.result = DataType::array(DataType(TypeKind::kInt).with_nullable(false));
  call.kernel = positions;
  return true;
}

// --- value op ANY (array) ---

// NULL where it is true for no element, but might be for one, since that or the value is NULL. The bytes of slots are
// in the order of their values.
template <class Compare>
void compare_any(KernelCall& call) {
  null_with(call, 1);
  auto arrays = call.argument<StringCell>(1);
  SlotArguments arguments(call);
  ArraySlots slots(call.argument_type(1));
  std::string buffer;
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    const std::string_view value = arguments.get(0, row, buffer);
    bool unknown = false;
    for (std::string_view element : slots.of(arrays[row].view())) {
      if (types::is_null_slot(value) || types::is_null_slot(element)) {
        unknown = true;
      } else if (Compare()(value, element)) {
        return 1;
      }
    }
    if (unknown) call.set_null(row);
    return 0;
  });
}
template <class Compare>
bool bind_any(CallSignature& call) {
  if (call.arguments.size() != 2 || !accept_elements(call, 1, 1)) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = compare_any<Compare>;
  return true;
}

// --- from text ---

// STRING_TO_ARRAY(text, delimiter [, text of NULL]); the characters where the delimiter is NULL.
void string_to_array(KernelCall& call) {
  null_with(call, 0);
  auto texts = call.argument<StringCell>(0);
  auto delimiters = call.argument<StringCell>(1);
  const bool has_null = call.argument_count() > 2;
  write_rows(call, [&](std::string& out, size_t row) {
    types::SlotWriter slot(out, TypeKind::kString);
    std::string_view rest = texts[row].view();
    const auto add = [&](std::string_view part) {
      const bool null = has_null && !call.is_argument_null(2, row) && part == call.argument<StringCell>(2)[row].view();
      null ? slot.append_null() : slot.append_string(part);
    };
    if (call.is_argument_null(1, row)) {
      while (!rest.empty()) {
        const size_t bytes = character_bytes(rest, 0);
        add(rest.substr(0, bytes));
        rest.remove_prefix(bytes);
      }
    } else {
      const std::string_view delimiter = delimiters[row].view();
      for (size_t at = 0; !delimiter.empty() && (at = rest.find(delimiter)) != rest.npos;) {
        add(rest.substr(0, at));
        rest.remove_prefix(at + delimiter.size());
      }
      if (!texts[row].view().empty()) add(rest);
    }
    out += types::kSlotEnd;
  });
}
bool bind_string_to_array(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 2)) return false;
  call.result = DataType::array(TypeKind::kString);
  call.kernel = string_to_array;
  return true;
}

template <class Compare>
constexpr ScalarFunction any_function(std::string_view name, std::string_view signature) {
  return {name, FunctionCategory::kInternal, signature, "See =.", "", bind_any<Compare>, NullRule::kHandles};
}

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;

constexpr ScalarFunction kFunctions[] = {
    {"||", kCategory, "array || array, array || element",
     "Arrays and elements one after the other; an array that is NULL has none.",
     "ARRAY[1] || ARRAY[2, 3] => [1, 2, 3]\nARRAY[1] || 2 => [1, 2]", bind_join, NullRule::kHandles},
    {"@>", kCategory, "a @> b", "Whether array a has every element of b.", "ARRAY[1, 2, 3] @> ARRAY[3, 1] => TRUE",
     bind_sets<compare_sets<AllOf, 1>>},
    {"<@", kCategory, "a <@ b", "Whether array b has every element of a.", "ARRAY[4] <@ ARRAY[3, 1] => FALSE",
     bind_sets<compare_sets<AllOf, 0>>},
    {"&&", kCategory, "a && b", "Whether two arrays have an element in common.", "ARRAY[1, 2] && ARRAY[2, 3] => TRUE",
     bind_sets<compare_sets<AnyOf, 0>>},
    {"ARRAY_LENGTH", kCategory, "ARRAY_LENGTH(array, 1)", "The number of elements; NULL of an empty array.",
     "ARRAY_LENGTH(ARRAY[7, 8], 1) => 2", bind_array_length, NullRule::kMakes},
    {"ARRAY_LOWER", kCategory, "ARRAY_LOWER(array, 1)", "The place of the first element, 1; NULL of an empty array.",
     "ARRAY_LOWER(ARRAY[7, 8], 1) => 1", bind_of_dimension<array_bound<false>>, NullRule::kMakes},
    {"ARRAY_UPPER", kCategory, "ARRAY_UPPER(array, 1)", "The place of the last element; NULL of an empty array.",
     "ARRAY_UPPER(ARRAY[7, 8], 1) => 2", bind_of_dimension<array_bound<true>>, NullRule::kMakes},
    {"ARRAY_NDIMS", kCategory, "ARRAY_NDIMS(array)",
     "How many dimensions there are: an array of arrays has two; NULL of an empty array.",
     "ARRAY_NDIMS(ARRAY[ARRAY[1], ARRAY[2]]) => 2", bind_ndims, NullRule::kMakes},
    {"ARRAY SLICE", FunctionCategory::kInternal, "array[first:last]", "See ARRAY_SLICE.", "", bind_slice},
    any_function<std::equal_to<>>("= ANY", "value = ANY (array)"),
    any_function<std::not_equal_to<>>("<> ANY", "value <> ANY (array)"),
    any_function<std::less<>>("< ANY", "value < ANY (array)"),
    any_function<std::less_equal<>>("<= ANY", "value <= ANY (array)"),
    any_function<std::greater<>>("> ANY", "value > ANY (array)"),
    any_function<std::greater_equal<>>(">= ANY", "value >= ANY (array)"),
    {"TRIM_ARRAY", kCategory, "TRIM_ARRAY(array, count)", "The array without so many elements at its end.",
     "TRIM_ARRAY(ARRAY[1, 2, 3], 1) => [1, 2]", bind_trim_array},
    {"ARRAY_PREPEND", kCategory, "ARRAY_PREPEND(element, array)", "The same, as PostgreSQL has it.",
     "ARRAY_PREPEND(2, ARRAY[1]) => [2, 1]", bind_prepend, NullRule::kHandles},
    {"ARRAY_REPLACE", kCategory, "ARRAY_REPLACE(array, from, to)",
     "The array with another element in the place of each that equals one, which may be NULL.",
     "ARRAY_REPLACE(ARRAY[1, 2, 1], 1, 5) => [5, 2, 5]", bind_replace, NullRule::kHandles},
    {"ARRAY_POSITION", kCategory, "ARRAY_POSITION(array, element, from)",
     "The first place of the element from a place on; NULL without.", "ARRAY_POSITION(ARRAY[7, 8, 7], 7, 2) => 3",
     bind_position_from, NullRule::kHandles},
    {"ARRAY_POSITIONS", kCategory, "ARRAY_POSITIONS(array, element)", "All places of the element, from 1.",
     "ARRAY_POSITIONS(ARRAY[7, 8, 7], 7) => [1, 3]", bind_positions, NullRule::kHandles},
    {"GENERATE_SUBSCRIPTS", kCategory, "GENERATE_SUBSCRIPTS(array, 1)",
     "The places of the elements, from 1; as a table one row each.", "GENERATE_SUBSCRIPTS(ARRAY[7, 8], 1) => [1, 2]",
     bind_subscripts},
    {"STRING_TO_ARRAY", kCategory, "STRING_TO_ARRAY(text, delimiter [, null_text])",
     "The parts of the text between delimiters, its characters where that is NULL; those that are the text for NULL "
     "are it.",
     "STRING_TO_ARRAY('a,b,-', ',', '-') => [a, b, NULL]\nSTRING_TO_ARRAY('ab', NULL) => [a, b]", bind_string_to_array,
     NullRule::kHandles},
    {"STRING_TO_TABLE", kCategory, "STRING_TO_TABLE(text, delimiter [, null_text])",
     "The same; as a table one row each.", "STRING_TO_TABLE('a,b', ',') => [a, b]", bind_string_to_array,
     NullRule::kHandles},
};

}  // namespace

std::span<const ScalarFunction> array_operator_functions() { return kFunctions; }

}  // namespace penstock::expr
