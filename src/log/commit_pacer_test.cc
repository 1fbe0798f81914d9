#include "log/commit_pacer.h"

#include <gtest/gtest.h>

namespace penstock::log {
namespace {

TEST(CommitPacer, AFewCommitsComeAtOnceAndThenOnePerInterval) {
  CommitPacer pacer(1000);
  int64_t now_us = 1'000'000;
  for (const bool idle_before : {false, true}) {
    if (idle_before) now_us += 100'000;
    for (int i = 0; i < 4; ++i) {
      EXPECT_LE(pacer.next_at_us(), now_us) << i;
      pacer.began(now_us);
    }
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(pacer.next_at_us(), now_us + 1000);
      now_us = pacer.next_at_us();
      pacer.began(now_us);
    }
  }
}

TEST(CommitPacer, CommitsThatCouldNotWaitHoldUpTheNextForAnIntervalOnly) {
  CommitPacer pacer(1000);
  for (int64_t now_us = 0; now_us < 100'000; now_us += 10) {
    pacer.began(now_us);
    ASSERT_LE(pacer.next_at_us(), now_us + 1000);
  }
}

TEST(CommitPacer, NothingWaitsWithoutAnInterval) {
  CommitPacer pacer(0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_LE(pacer.next_at_us(), 5);
    pacer.began(5);
  }
}

}  // namespace
}  // namespace penstock::log
