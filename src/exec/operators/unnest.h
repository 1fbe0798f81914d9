// Collections taken apart: one row for each element.
#pragma once

#include <memory>

#include "exec/operator.h"

namespace penstock::exec {

struct UnnestOptions {
  int column = 0;         // of the input: an ARRAY, MULTISET or MAP
  bool preserve = false;  // a row without elements comes out once, with NULLs for them
  bool ordinality = false;
};

// Every column of the input, then the element of an ARRAY or MULTISET (of a ROW, its fields), or key and value of a
// MAP; then, with ordinality, its place from 1. An element of a MULTISET comes as often as it is there. Rows keep their
// ops.
std::unique_ptr<Operator> make_unnest(UnnestOptions options);

}  // namespace penstock::exec
