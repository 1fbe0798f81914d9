// WITH RECURSIVE: rows, and all that follows from them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "exec/job.h"
#include "exec/operator.h"
#include "types/type.h"

namespace penstock::exec {

struct RecursionOptions {
  types::Schema schema;
  bool all = true;  // else each row comes once
  // More of them is an error that names the setting.
  struct Limit {
    int64_t max = 0;
    std::string setting;
  };
  Limit steps;
  Limit rows;
  // What follows from rows, as a job of one task per fragment that the operator runs itself, by calls: fragments
  // without a source and inputs give rows of outside, those of others what they compute. The last one gives what
  // follows. It only appends.
  std::vector<FragmentSpec> step;
  // For each fragment of the step which port its rows come from: 0 are those that have come last.
  std::vector<int> ports;
};

// Port 0: the rows with which it begins; others: what the step reads beside those that have come last. When all has
// come, rows go through the step, and what it makes of them again, until nothing new follows. Rows come out as they go
// in. A call does a small piece of a step, so that the job is stopped, or meets its limits, within one.
//
// Each row goes through the step once, and all rows through the same operators, which keep what they have read beside
// them: what follows from some rows does not depend on others.
Result<std::unique_ptr<Operator>> make_recursion(RecursionOptions options);

}  // namespace penstock::exec
