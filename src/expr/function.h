// An entry of the table of scalar functions: what a function is called, takes and gives, and its documentation.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "expr/expr.h"
#include "types/type.h"

namespace penstock::expr {

// The groups in which functions are documented, in this order.
enum class FunctionCategory : uint8_t {
  kComparison,
  kLogic,
  kConditional,
  kCast,
  kArithmetic,
  kBits,
  kText,
  kPattern,
  kEncoding,
  kHash,
  kTemporal,
  kJson,
  kCollection,
  kGeography,
  kSystem,
  kAggregate,
  kStatistics,
  kWindow,
  kInternal,  // what only plans call; not documented
};
// "Text", as a heading.
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
  // "SUBSTRING('penstock', 4) => stock", one a line: SQL that stands behind SELECT, and the rows that it gives, joined
  // by "; ". Run by a test. Empty only where the result is never the same.
  std::string_view examples;
  // Accepts the call or not. Arguments with type kNull are bare NULLs.
  bool (*bind)(CallSignature& call);
  NullRule nulls = NullRule::kPropagates;
  // False for functions of time and chance.
  bool deterministic = true;
  // With deterministic = false: another value in each row, not one for all.
  bool by_row = false;
  // Whether the session's time zone matters although no argument is a TIMESTAMP_LTZ, nor the result.
  bool in_zone = false;
};

}  // namespace penstock::expr
