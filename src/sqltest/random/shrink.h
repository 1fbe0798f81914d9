// Makes a random test that fails as small as it can, so that it still fails in the same way.
#pragma once

#include <functional>

#include "sqltest/random/run.h"
#include "sqltest/random/scenario.h"

namespace penstock::sqltest {

struct Shrunk {
  Scenario scenario;
  RandomOutcome outcome;
};

using RunScenario = std::function<RandomOutcome(const Scenario&)>;

// Tries for at most so many runs.
Shrunk shrink(Scenario scenario, RandomOutcome outcome, const RunScenario& run, int runs_max);

}  // namespace penstock::sqltest
