#include "connector/record_time.h"

#include <gtest/gtest.h>

namespace penstock::connector {
namespace {

TEST(RecordTime, AnyNumberOfMillisecondsHasATime) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(record_time_us(-1), -1000);
  EXPECT_EQ(record_time_us(1'767'225'600'123), 1'767'225'600'123'000);
  EXPECT_EQ(record_time_us(kMax), kMax / 1000 * 1000);
  EXPECT_EQ(record_time_us(std::numeric_limits<int64_t>::min()), -(kMax / 1000 * 1000));
}

}  // namespace
}  // namespace penstock::connector
