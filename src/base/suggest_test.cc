#include "base/suggest.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(EditDistance, CountsInsertDeleteReplaceAndSwap) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("abc", "ABC"), 0U);
  EXPECT_EQ(edit_distance("abc", "abxc"), 1U);
  EXPECT_EQ(edit_distance("abc", "ac"), 1U);
  EXPECT_EQ(edit_distance("abc", "axc"), 1U);
  EXPECT_EQ(edit_distance("amuont", "amount"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(NearestName, FindsASlipAndNothingElse) {
  EXPECT_EQ(nearest_name("amuont", {"user_id", "amount", "merchant"}), "amount");
  EXPECT_EQ(nearest_name("zzz", {"user_id", "amount"}), std::nullopt);
  EXPECT_EQ(nearest_name("x", {}), std::nullopt);
  EXPECT_EQ(did_you_mean("topik", {"topic"}), "did you mean \"topic\"?");
  EXPECT_EQ(did_you_mean(std::string(1 << 20, 'a'), {"topic"}), "");
}

}  // namespace
}  // namespace penstock
