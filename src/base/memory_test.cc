#include "base/memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <thread>
#include <vector>

namespace penstock {
namespace {

TEST(MemoryBudget, BoundsItselfAndItsParent) {
  MemoryBudget program("program", 100);
  MemoryBudget cache("cache", 80, &program);
  MemoryBudget state("state", 80, &program);
  EXPECT_TRUE(cache.try_reserve(80));
  EXPECT_FALSE(cache.try_reserve(1));
  EXPECT_FALSE(state.try_reserve(21));
  EXPECT_EQ(state.used_bytes(), 0U);  // refused above, so nothing is taken below
  EXPECT_TRUE(state.try_reserve(20));
  EXPECT_EQ(program.used_bytes(), 100U);
  cache.release(80);
  EXPECT_EQ(program.used_bytes(), 20U);
  state.release(20);
}

TEST(MemoryBudget, ForcedBytesAreSeen) {
  MemoryBudget program("program", 10);
  MemoryBudget cache("cache", 5, &program);
  cache.force_reserve(20);
  EXPECT_EQ(program.used_bytes(), 20U);
  EXPECT_FALSE(cache.try_reserve(1));
  cache.release(20);
  EXPECT_TRUE(cache.try_reserve(5));
  cache.release(5);
}

TEST(MemoryBudget, HugeRequestsDoNotWrapAround) {
  MemoryBudget budget("b", SIZE_MAX - 1);
  EXPECT_TRUE(budget.try_reserve(10));
  EXPECT_FALSE(budget.try_reserve(SIZE_MAX));
  EXPECT_FALSE(budget.try_reserve(SIZE_MAX - 5));
  EXPECT_EQ(budget.used_bytes(), 10U);
  budget.release(10);
}

TEST(MemoryBudget, ThreadsNeverPassTheLimit) {
  constexpr size_t kLimit = 1000;
  MemoryBudget program("program", kLimit);
  {
    std::vector<std::jthread> threads;
    for (uint32_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        MemoryBudget own("own", 600, &program);
        std::mt19937 random(t);
        for (int i = 0; i < 5000; ++i) {
          const size_t bytes = random() % 700;
          if (!own.try_reserve(bytes)) continue;
          EXPECT_LE(program.used_bytes(), kLimit);
          own.release(bytes);
        }
      });
    }
  }
  EXPECT_EQ(program.used_bytes(), 0U);
}

TEST(MemoryBudget, DetectsALimit) { EXPECT_GT(MemoryBudget::detect_limit_bytes(), size_t{16} << 20); }

TEST(MemoryReservation, GivesBackWhatItHolds) {
  MemoryBudget budget("b", 100);
  {
    MemoryReservation a(&budget);
    EXPECT_TRUE(a.try_resize(60));
    EXPECT_FALSE(a.try_resize(101));
    EXPECT_EQ(a.bytes(), 60U);
    EXPECT_TRUE(a.try_resize(30));
    EXPECT_EQ(budget.used_bytes(), 30U);
    MemoryReservation b = std::move(a);
    EXPECT_EQ(a.bytes(), 0U);  // NOLINT(bugprone-use-after-move): what is left is empty
    EXPECT_EQ(b.bytes(), 30U);
    EXPECT_EQ(budget.used_bytes(), 30U);
  }
  EXPECT_EQ(budget.used_bytes(), 0U);
}

TEST(MemoryReservation, ForcedBytesPassTheLimitAndAreGivenBack) {
  MemoryBudget budget("b", 100);
  {
    MemoryReservation a(&budget);
    a.force_resize(150);
    EXPECT_EQ(budget.used_bytes(), 150U);
    a.force_resize(20);
    EXPECT_EQ(budget.used_bytes(), 20U);
  }
  EXPECT_EQ(budget.used_bytes(), 0U);
  MemoryReservation().force_resize(10);
}

TEST(MemoryReservation, MovingInReleasesWhatWasHeld) {
  MemoryBudget budget("b", 100);
  MemoryReservation a(&budget);
  ASSERT_TRUE(a.try_resize(10));
  {
    MemoryReservation b(&budget);
    ASSERT_TRUE(b.try_resize(20));
    a = std::move(b);
  }
  EXPECT_EQ(a.bytes(), 20U);
  EXPECT_EQ(budget.used_bytes(), 20U);
  MemoryReservation none;
  EXPECT_TRUE(none.try_resize(0));
  EXPECT_FALSE(none.try_resize(1));
}

}  // namespace
}  // namespace penstock
