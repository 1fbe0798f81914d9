// Constants among the arguments of functions that are looked at when a call is bound.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"
#include "expr/function.h"

namespace penstock::expr {

// An argument of an overload, such as a pattern or a path: where it is constant, what is wrong with it is an error of
// the call, and not of each of its rows.
struct ConstantCheck {
  bool (*bind)(CallSignature& call);  // that of the overload
  size_t argument;
  Status (*check)(std::string_view text);  // of what is no text, as it is written
};

// The tables, each in the file of its functions.
std::span<const ConstantCheck> temporal_conversion_checks();
std::span<const ConstantCheck> json_checks();
std::span<const ConstantCheck> map_checks();
std::span<const ConstantCheck> number_checks();

}  // namespace penstock::expr
