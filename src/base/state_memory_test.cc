#include "base/state_memory.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "base/memory.h"

namespace penstock {
namespace {

TEST(StateMemory, ContainersCountWhatTheyHold) {
  const StateMeter meter;
  {
    StateVector<int64_t> numbers(1000);
    EXPECT_EQ(meter.bytes(), 8000 + kAllocationBytes);
    StateVector<int64_t> moved = std::move(numbers);
    EXPECT_EQ(meter.bytes(), 8000 + kAllocationBytes);
    moved.resize(10);
    moved.shrink_to_fit();
    EXPECT_EQ(meter.bytes(), 80 + kAllocationBytes);
    const StateString inside("short");
    EXPECT_EQ(meter.bytes(), 80 + kAllocationBytes);
    const StateString outside(100, 'x');
    EXPECT_GE(meter.bytes(), 180 + 2 * kAllocationBytes);
  }
  EXPECT_EQ(meter.bytes(), 0);
}

TEST(StateMemory, WhatABlockIsSaidToBeCountsUntilItGoes) {
  const StateMeter meter;
  {
    StateBytes block(100);
    block.set(70);
    StateBytes other(5);
    other = std::move(block);
    EXPECT_EQ(meter.bytes(), 75);  // until both go
    const StateBytes third(std::move(other));
    EXPECT_EQ(meter.bytes(), 75);
  }
  EXPECT_EQ(meter.bytes(), 0);
}

TEST(StateMemory, EveryThreadHasACountOfItsOwn) {
  const StateMeter meter;
  std::optional<StateVector<char>> bytes;
  std::thread([&] { bytes.emplace(1000); }).join();
  EXPECT_EQ(meter.bytes(), 0);
}

TEST(StateMemory, TextsOfAnyKindAreKeys) {
  EXPECT_TRUE(TextLess()(StateString("a"), std::string("b")));
  EXPECT_FALSE(TextLess()(std::string_view("b"), StateString("b")));
  EXPECT_EQ(TextHash()(StateString("b")), TextHash()(std::string("b")));
}

TEST(Memory, BytesAsPeopleWriteThem) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("67108864"), 64 << 20);
  EXPECT_EQ(parse_bytes("64M"), 64 << 20);
  EXPECT_EQ(parse_bytes("64 MiB"), 64 << 20);
  EXPECT_EQ(parse_bytes("2T"), int64_t{2} << 40);
  for (const char* wrong :
       {"", " ", "M", "-1", "1.5G", "64MB", "64 M iB", "9223372036854775807K", "99999999999999999999"}) {
    EXPECT_EQ(parse_bytes(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace penstock
