// Functions that take arrays as sets, or put several together.
#include <algorithm>
#include <unordered_set>

#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

using SlotSet = std::unordered_set<std::string_view>;

// All arguments are arrays, and become of one type, which the result has too.
template <Kernel kernel, size_t required, size_t at_most>
bool bind_arrays(CallSignature& call) {
  if (call.arguments.size() < required || call.arguments.size() > at_most) return false;
  std::vector<DataType> given;
  for (size_t i = 0; i < call.arguments.size(); ++i) given.push_back(given_type(call, i));
  Result<DataType> common = common_type(given);
  if (!common || common->kind() != TypeKind::kArray) return false;
  std::ranges::fill(call.argument_types, common->with_nullable(true));
  call.result = *common;
  call.kernel = kernel;
  return true;
}

void concatenate(KernelCall& call) {
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); ++i) {
      std::string_view array = call.argument<StringCell>(i)[row].view();
      out += array.substr(0, array.size() - 1);  // without its end
    }
    out += types::kSlotEnd;
  });
}

// The elements of the arrays in an array, one after the other; NULLs among the arrays are as empty ones.
void flatten(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  ArraySlots slots(call.argument_type(0));
  write_rows(call, [&](std::string& out, size_t row) {
    for (std::string_view slot : slots.of(arrays[row].view())) {
      if (types::is_null_slot(slot)) continue;
      const std::string_view array = types::nested_in(slot);
      out += array.substr(0, array.size() - 1);  // without its end
    }
    out += types::kSlotEnd;
  });
}

bool bind_flatten(CallSignature& call) {
  if (call.argument_types.size() != 1 || !is_array(call.argument_types[0])) return false;
  call.result = call.argument_types[0].part(0);
  call.kernel = flatten;
  return is_array(call.result);
}

// Each element of the arguments once, in the order of its first place.
void unite(KernelCall& call) {
  ArraySlots slots(call.result_type());
  SlotSet seen;
  write_rows(call, [&](std::string& out, size_t row) {
    seen.clear();
    for (size_t i = 0; i < call.argument_count(); ++i) {
      for (std::string_view slot : slots.of(call.argument<StringCell>(i)[row].view())) {
        if (seen.insert(slot).second) out += slot;
      }
    }
    out += types::kSlotEnd;
  });
}

// Each element of the first array once that is, or is not, in the second.
template <bool wanted>
void keep(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  auto others = call.argument<StringCell>(1);
  ArraySlots slots(call.result_type());
  SlotSet other;
  SlotSet seen;
  write_rows(call, [&](std::string& out, size_t row) {
    seen.clear();
    std::span<const std::string_view> elements = slots.of(others[row].view());
    other = SlotSet(elements.begin(), elements.end());
    for (std::string_view slot : slots.of(arrays[row].view())) {
      if (other.contains(slot) == wanted && seen.insert(slot).second) out += slot;
    }
    out += types::kSlotEnd;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;
constexpr size_t kAny = SIZE_MAX;

constexpr ScalarFunction kFunctions[] = {
    {"ARRAY_CONCAT", kCategory, "ARRAY_CONCAT(array, ...)", "The arrays in one, one after the other.",
     "ARRAY_CONCAT(ARRAY[1], ARRAY[2, 1]) => [1, 2, 1]", bind_arrays<concatenate, 1, kAny>},
    {"ARRAY_CAT", kCategory, "ARRAY_CAT(a, b)", "The same as ARRAY_CONCAT.", "ARRAY_CAT(ARRAY[1], ARRAY[2]) => [1, 2]",
     bind_arrays<concatenate, 2, 2>},
    {"ARRAY_FLATTEN", kCategory, "ARRAY_FLATTEN(array of arrays)",
     "The elements of its arrays in one array; an array that is NULL is left out.",
     "ARRAY_FLATTEN(ARRAY[ARRAY[1, 2], ARRAY[3]]) => [1, 2, 3]", bind_flatten},
    {"ARRAY_DISTINCT", kCategory, "ARRAY_DISTINCT(array)", "Each element once.",
     "ARRAY_DISTINCT(ARRAY[1, 2, 1]) => [1, 2]", bind_arrays<unite, 1, 1>},
    {"ARRAY_UNION", kCategory, "ARRAY_UNION(a, b)", "Each element of either array once.",
     "ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]) => [1, 2, 3]", bind_arrays<unite, 2, 2>},
    {"ARRAY_EXCEPT", kCategory, "ARRAY_EXCEPT(a, b)", "Each element of a once that is not in b.",
     "ARRAY_EXCEPT(ARRAY[1, 2, 1], ARRAY[2]) => [1]", bind_arrays<keep<false>, 2, 2>},
    {"ARRAY_INTERSECT", kCategory, "ARRAY_INTERSECT(a, b)", "Each element of a once that is in b too.",
     "ARRAY_INTERSECT(ARRAY[1, 2, 2], ARRAY[2, 3]) => [2]", bind_arrays<keep<true>, 2, 2>},
};

}  // namespace

std::span<const ScalarFunction> array_set_functions() { return kFunctions; }

}  // namespace penstock::expr
