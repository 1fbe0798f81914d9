#include "state/item_blocks.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "base/state_memory.h"

namespace penstock::state {
namespace {

constexpr size_t kBytes = 24;

TEST(ItemBlocks, ItemsKeepTheirBytesUntilTheyGo) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    const StateMeter meter;
    {
      ItemBlocks items(kBytes);
      std::map<uint32_t, uint64_t> expected;
      uint64_t next = 0;
      for (int round = 0; round < 60; ++round) {
        const size_t wanted = random() % 5 == 0 ? 0 : random() % 6'000;  // of items that are there
        while (expected.size() < wanted) {
          const uint32_t item = items.take();
          ASSERT_TRUE(expected.try_emplace(item, next).second) << "an item is given twice";
          std::memcpy(items.at(item), &next, sizeof next);
          ++next;
        }
        while (expected.size() > wanted) {
          auto gone = expected.lower_bound(random() % 6'000);
          if (gone == expected.end()) gone = expected.begin();
          items.give_back(gone->first);
          expected.erase(gone);
        }
        ASSERT_EQ(items.size(), expected.size());
        auto known = expected.begin();
        for (size_t item = items.next(0); item < items.end(); item = items.next(item + 1), ++known) {
          ASSERT_NE(known, expected.end());
          ASSERT_EQ(item, known->first);
          uint64_t value = 0;
          std::memcpy(&value, items.at(known->first), sizeof value);
          ASSERT_EQ(value, known->second);
        }
        ASSERT_EQ(known, expected.end());
      }
      EXPECT_EQ(meter.bytes(), static_cast<int64_t>(items.bytes()));
    }
    EXPECT_EQ(meter.bytes(), 0);
  }
}

TEST(ItemBlocks, BlocksThatNoItemNeedsAreGivenBack) {
  ItemBlocks items(kBytes);
  std::vector<uint32_t> taken;
  // As rows that go in the order in which they came, of which ever fewer are there at once.
  for (size_t i = 0; i < 100'000; ++i) taken.push_back(items.take());
  EXPECT_GE(items.bytes(), 100'000 * kBytes);
  for (size_t i = 0; i < 99'000; ++i) items.give_back(taken[i]);
  constexpr size_t kBlockBytes = ItemBlocks::kBlockItems * kBytes;
  EXPECT_LE(items.bytes(), 3 * kBlockBytes) << "those of the last 1,000 items, and a spare one";
  for (size_t i = 99'000; i < taken.size(); ++i) items.give_back(taken[i]);
  EXPECT_EQ(items.bytes(), kBlockBytes);
  EXPECT_EQ(items.take(), 0U);
}

}  // namespace
}  // namespace penstock::state
