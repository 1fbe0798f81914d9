#include "engine/epoch_clock.h"

#include <gtest/gtest.h>

namespace penstock::engine {
namespace {

constexpr int64_t kMilli = 1'000;

TEST(EpochClockTest, AnEpochHasOneTime) {
  int64_t now = 5 * kMilli;
  EpochClock clock([&] { return now; }, {});
  EXPECT_FALSE(clock.held());
  now = 7 * kMilli;
  EXPECT_EQ(clock.at(Epoch(1)), 7 * kMilli);
  now = 9 * kMilli;
  EXPECT_EQ(clock.at(Epoch(1)), 7 * kMilli);
  EXPECT_EQ(clock.at(Epoch()), 5 * kMilli) << "when the job began";
  EXPECT_EQ(clock.at(Epoch(2)), 9 * kMilli);
  now = 2 * kMilli;
  EXPECT_EQ(clock.at(Epoch(3)), 9 * kMilli) << "a clock that is put back stands";
}

TEST(EpochClockTest, AfterARestartItStandsUntilItIsReleased) {
  int64_t now = 5 * kMilli + 3;
  connector::Positions positions{{{"t", log::PartitionId(0)}, log::Offset(4)}};
  EpochClock before([&] { return now; }, positions);
  before.add_to(positions, Epoch(1));
  now = 100 * kMilli;
  EpochClock after([&] { return now; }, positions);
  EXPECT_TRUE(after.held());
  EXPECT_EQ(after.at(Epoch()), 5 * kMilli);
  EXPECT_EQ(after.at(Epoch(1)), 5 * kMilli);
  connector::Positions again{positions.front()};
  after.add_to(again, Epoch(1));
  EXPECT_EQ(again, positions);
  after.release();
  EXPECT_EQ(after.at(Epoch(1)), 5 * kMilli) << "that epoch has its time already";
  EXPECT_EQ(after.at(Epoch(2)), 100 * kMilli);
}

}  // namespace
}  // namespace penstock::engine
