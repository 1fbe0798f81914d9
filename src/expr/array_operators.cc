// PostgreSQL's operators and functions of arrays.
#include <algorithm>
#include <unordered_set>

#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

bool is_array(DataType type) { return type.kind() == TypeKind::kArray; }

// --- || ---

// Each argument is an array of the result's type, or an element.
void join_arrays(KernelCall& call) {
  SlotArguments arguments(call);
  for (size_t row = 0; row < call.rows(); ++row) {
    for (size_t i = 0; i < call.argument_count(); ++i) {
      if (is_array(call.argument_type(i)) && call.argument_type(i).same_type(call.result_type()) &&
          call.is_argument_null(i, row)) {
        call.set_null(row);
      }
    }
  }
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); ++i) {
      if (!call.argument_type(i).same_type(call.result_type())) {
        arguments.append(out, i, row);
        continue;
      }
      const std::string_view array = call.argument<StringCell>(i)[row].view();
      out += array.substr(0, array.size() - 1);  // without its end
    }
    out += types::kSlotEnd;
  });
}

bool bind_join(CallSignature& call) {
  if (call.arguments.size() != 2) return false;
  std::vector<DataType>& types = call.argument_types;
  const DataType given[] = {given_type(call, 0), given_type(call, 1)};
  if (is_array(types[0]) && is_array(types[1])) {
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

// STRING_TO_ARRAY(text, delimiter [, text of NULL]); each character where the delimiter is NULL is not supported.
void string_to_array(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto delimiters = call.argument<StringCell>(1);
  const bool has_null = call.argument_count() > 2;
  write_rows(call, [&](std::string& out, size_t row) {
    types::SlotWriter slot(out, TypeKind::kString);
    std::string_view rest = texts[row].view();
    const std::string_view delimiter = delimiters[row].view();
    const auto add = [&](std::string_view part) {
      const bool null = has_null && part == call.argument<StringCell>(2)[row].view();
      null ? slot.append_null() : slot.append_string(part);
    };
    for (size_t at = 0; !delimiter.empty() && (at = rest.find(delimiter)) != rest.npos;) {
      add(rest.substr(0, at));
      rest.remove_prefix(at + delimiter.size());
    }
    if (!texts[row].view().empty()) add(rest);
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

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;

constexpr ScalarFunction kFunctions[] = {
    {"||", kCategory, "array || array, array || element", "Arrays and elements one after the other.",
     "ARRAY[1] || ARRAY[2, 3] => [1, 2, 3]\nARRAY[1] || 2 => [1, 2]", bind_join, NullRule::kHandles},
    {"@>", kCategory, "a @> b", "Whether array a has every element of b.", "ARRAY[1, 2, 3] @> ARRAY[3, 1] => TRUE",
     bind_sets<compare_sets<AllOf, 1>>},
    {"<@", kCategory, "a <@ b", "Whether array b has every element of a.", "ARRAY[4] <@ ARRAY[3, 1] => FALSE",
     bind_sets<compare_sets<AllOf, 0>>},
    {"&&", kCategory, "a && b", "Whether two arrays have an element in common.", "ARRAY[1, 2] && ARRAY[2, 3] => TRUE",
     bind_sets<compare_sets<AnyOf, 0>>},
    {"ARRAY_LENGTH", kCategory, "ARRAY_LENGTH(array, 1)", "The number of elements; NULL of an empty array.",
     "ARRAY_LENGTH(ARRAY[7, 8], 1) => 2", bind_array_length, NullRule::kMakes},
    {"STRING_TO_ARRAY", kCategory, "STRING_TO_ARRAY(text, delimiter [, null_text])",
     "The parts of the text between delimiters; those that are the text for it are NULL.",
     "STRING_TO_ARRAY('a,b,-', ',', '-') => [a, b, NULL]", bind_string_to_array},
};

}  // namespace

std::span<const ScalarFunction> array_operator_functions() { return kFunctions; }

}  // namespace penstock::expr
