#include "base/log_gate.h"

#include <gtest/gtest.h>

namespace penstock::logging {
namespace {

using namespace std::chrono_literals;

TEST(LogGateTest, LetsSoManyLinesThroughAnIntervalAndCountsTheOthers) {
  LogGate gate({.lines = 2, .interval = 10s});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(gate.pass(start), 0);
  EXPECT_EQ(gate.pass(start + 1s), 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gate.pass(start + 9s), std::nullopt);
  EXPECT_EQ(gate.pass(start + 10s), 5);
  EXPECT_EQ(gate.pass(start + 11s), 0);
  EXPECT_EQ(gate.pass(start + 12s), std::nullopt);
  EXPECT_EQ(gate.pass(start + 60s), 1) << "an interval begins with its first line";
}

}  // namespace
}  // namespace penstock::logging
