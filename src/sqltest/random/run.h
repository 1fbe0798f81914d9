// Runs a random test and compares: the view, the same query from scratch, and SQLite.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "sqltest/random/scenario.h"
#include "sqltest/rows.h"

namespace penstock::sqltest {

enum class Verdict : uint8_t {
  kSame,
  kViewWrong,    // the query from scratch agrees with SQLite, the view does not
  kQueryWrong,   // the view and the query from scratch agree, SQLite does not
  kSelectWrong,  // the view agrees with SQLite, the query from scratch does not
  kAllDiffer,
  kRefused,  // an error of a query that is in no class of those that are not supported
  kFailed,   // a job that failed, or a statement
  kOracle,   // SQLite refuses, or cannot compute it: a fault of the generator
  kCrashed,  // a signal, a check, a sanitizer
  kHung,
  kInvalid,  // a scenario that makes no sense, come of shrinking
};
const char* name_of(Verdict verdict);

struct RandomOutcome {
  Verdict verdict = Verdict::kSame;
  size_t view = 0;  // where something is wrong
  size_t step = 0;
  std::string what;
  Lines expected;  // its rows
  // Of the queries made: those that the engine took, and comparisons of rows.
  int queries = 0;
  int accepted = 0;
  int comparisons = 0;
  int rows = 0;  // that were compared
};

RandomOutcome run_scenario(const Scenario& scenario);
// In a process of its own, so that one that crashes or hangs is told of. Must be called while the process has one
// thread.
RandomOutcome run_isolated(const Scenario& scenario);

// A file as tests/sql has them, of the view that is wrong.
std::string test_file_of(const Scenario& scenario, const RandomOutcome& outcome);

}  // namespace penstock::sqltest
