// What the tables of scalar functions are written with: which arguments a function takes, and the tables themselves.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "expr/function.h"
#include "expr/kernel.h"
#include "types/type.h"

namespace penstock::expr {

// The kinds of argument that a function of fixed types takes. Every one also takes a bare NULL.
enum class Takes : uint8_t {
  kAny,
  kBoolean,
  kInteger,  // any integer type; seen as BIGINT
  kDouble,   // any number, cast to DOUBLE
  kText,     // STRING
  kBytes,    // BYTES
  kTextOrBytes,
  kDate,
  kTimestamp,     // TIMESTAMP; DATE and TIMESTAMP_LTZ are cast
  kTimestampLtz,  // TIMESTAMP_LTZ
};

// The type that an argument of `type` is cast to, or nothing when it is not taken.
std::optional<DataType> accept_argument(Takes takes, DataType type);
// Checks and sets all argument types: the first `required` of `takes` must be given.
bool accept_arguments(CallSignature& call, std::span<const Takes> takes, size_t required);

// A bind function for fixed types: gives `result`, computed by `kernel`; `required` arguments of `takes...`.
template <Kernel kernel, TypeKind result, size_t required, Takes... takes>
bool bind_optional(CallSignature& call) {
  static constexpr std::array<Takes, sizeof...(takes)> kTakes{takes...};
  if (!accept_arguments(call, kTakes, required)) return false;
  call.result = result;
  call.kernel = kernel;
  return true;
}
template <Kernel kernel, TypeKind result, Takes... takes>
bool bind_fixed(CallSignature& call) {
  return bind_optional<kernel, result, sizeof...(takes), takes...>(call);
}

// The text of a literal argument, upper case; nothing when it is none. For units.
std::optional<std::string> literal_text_upper(const CallSignature& call, size_t argument);

// The tables, each in its own file.
std::span<const ScalarFunction> arithmetic_functions();
std::span<const ScalarFunction> comparison_functions();
std::span<const ScalarFunction> logic_functions();
std::span<const ScalarFunction> math_functions();
std::span<const ScalarFunction> pattern_functions();
std::span<const ScalarFunction> text_functions();
std::span<const ScalarFunction> text_parts_functions();
std::span<const ScalarFunction> text_format_functions();
std::span<const ScalarFunction> printf_functions();
std::span<const ScalarFunction> regex_functions();
std::span<const ScalarFunction> regex_place_functions();
std::span<const ScalarFunction> encoding_functions();
std::span<const ScalarFunction> hash_functions();
std::span<const ScalarFunction> number_functions();
std::span<const ScalarFunction> geography_functions();
std::span<const ScalarFunction> system_functions();
std::span<const ScalarFunction> json_functions();
std::span<const ScalarFunction> json_construction_functions();
std::span<const ScalarFunction> json_operator_functions();
std::span<const ScalarFunction> json_change_functions();
std::span<const ScalarFunction> temporal_functions();
std::span<const ScalarFunction> temporal_conversion_functions();
std::span<const ScalarFunction> temporal_construction_functions();
std::span<const ScalarFunction> time_bucket_functions();
std::span<const ScalarFunction> to_char_functions();
std::span<const ScalarFunction> nested_functions();
std::span<const ScalarFunction> array_functions();
std::span<const ScalarFunction> array_set_functions();
std::span<const ScalarFunction> array_operator_functions();
std::span<const ScalarFunction> map_functions();

}  // namespace penstock::expr
