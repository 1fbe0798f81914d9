#include "base/strong_id.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>
#include <unordered_set>

namespace penstock {
namespace {

using Offset = StrongId<struct OffsetTag, int64_t>;
using Epoch = StrongId<struct EpochTag, int64_t>;

static_assert(!std::is_convertible_v<int64_t, Offset>);
static_assert(!std::is_convertible_v<Offset, int64_t>);
static_assert(!std::is_convertible_v<Offset, Epoch> && !std::is_constructible_v<Offset, Epoch>);
static_assert(sizeof(Offset) == sizeof(int64_t) && std::is_trivially_copyable_v<Offset>);

TEST(StrongId, CountsAndCompares) {
  Offset a(5);
  EXPECT_EQ(Offset().value(), 0);
  EXPECT_LT(a, Offset(6));
  EXPECT_EQ(a + 2, Offset(7));
  EXPECT_EQ(a - 2, Offset(3));
  EXPECT_EQ(Offset(9) - a, 4);
  EXPECT_EQ(++a, Offset(6));
}

TEST(StrongId, HashesAsItsValue) {
  const std::unordered_set<Offset> offsets{Offset(1), Offset(2), Offset(1)};
  EXPECT_EQ(offsets.size(), 2U);
  EXPECT_TRUE(offsets.contains(Offset(2)));
}

}  // namespace
}  // namespace penstock
