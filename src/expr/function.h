// An entry of the table of scalar functions: what a function is called, takes and gives, and its documentation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "expr/expr.h"
#include "types/type.h"

namespace penstock::expr {

enum class FunctionCategory : uint8_t {
  kArithmetic,
  kComparison,
  kLogic,
  kText,
  kTemporal,
  kConditional,
  kCast,
  kCollection
};
std::string_view category_name(FunctionCategory category);

// The call that a function is asked to accept. It may change the types of the arguments to what its kernel wants
// (implicit casts are inserted), and must set the result and the kernel.
struct CallSignature {
  std::span<const ExprPtr> arguments;
  std::vector<types::DataType> argument_types;
  types::DataType result;  // its nullability follows from the function's NullRule
  Kernel kernel = nullptr;
  bool never_null = false;  // with NullRule::kHandles: the result is NOT NULL
};

// What happens with NULL arguments.
enum class NullRule : uint8_t {
  kPropagates,  // any NULL argument gives NULL, and nothing else does
  kMakes,       // the same, and other arguments may give NULL too
  kHandles,     // the kernel looks at NULLs itself
};

// One overload of a function; the first of its name that accepts the arguments is taken. Static and constant.
struct ScalarFunction {
  std::string_view name;  // upper case, or an operator: "UPPER", "+", "IS NULL"
  FunctionCategory category;
  std::string_view signature;    // "SUBSTRING(text, from [, length])"; operators are written as such: "a + b"
  std::string_view description;  // one sentence
  std::string_view example;      // "SUBSTRING('penstock', 4) -> 'stock'"; run by a test when it has "->"
  // Accepts the call or not. Arguments with type kNull are bare NULLs.
  bool (*bind)(CallSignature& call);
  NullRule nulls = NullRule::kPropagates;
  // False for functions of time and chance.
  bool deterministic = true;
};

}  // namespace penstock::expr
