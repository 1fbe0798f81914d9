#include "base/quantity.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(QuantityTest, Durations) {
  EXPECT_EQ(parse_duration_us("500"), 500'000);
  EXPECT_EQ(parse_duration_us("500 ms"), 500'000);
  EXPECT_EQ(parse_duration_us(" 10s "), 10'000'000);
  EXPECT_EQ(parse_duration_us("5 MIN"), 300'000'000);
  EXPECT_EQ(parse_duration_us("1 day"), 86'400'000'000);
  EXPECT_EQ(parse_duration_us("0"), 0);
  for (const char* wrong : {"", "-1 s", "s", "1.5 s", "1 fortnight", "1 s s", "9223372036854775807 d"}) {
    EXPECT_EQ(parse_duration_us(wrong), std::nullopt) << wrong;
  }
}

TEST(QuantityTest, Sizes) {
  EXPECT_EQ(parse_size_bytes("7"), 7);
  EXPECT_EQ(parse_size_bytes("64 kb"), 65'536);
  EXPECT_EQ(parse_size_bytes("128MB"), 134'217'728);
  EXPECT_EQ(parse_size_bytes("2 g"), 2LL << 30);
  for (const char* wrong : {"", "MB", "-1", "1 xb", "9223372036854775807 kb"}) {
    EXPECT_EQ(parse_size_bytes(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace penstock
