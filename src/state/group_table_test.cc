#include "state/group_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>

#include "base/state_memory.h"
#include "columnar/change_batch.h"

namespace penstock::state {
namespace {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using types::DataType;
using types::TypeKind;

int64_t& counter(std::byte* group) { return *reinterpret_cast<int64_t*>(group); }

std::vector<ColumnPtr> columns(std::vector<ColumnBuilder>& builders) {
  std::vector<ColumnPtr> out;
  for (ColumnBuilder& builder : builders) out.push_back(builder.finish());
  return out;
}

// Counts random keys of several types against a map, with erasures in between.
void run_against_map(uint32_t seed, const std::vector<DataType>& types, int distinct) {
  std::mt19937 random(seed);
  GroupTable table(types, {.bytes = sizeof(int64_t)});
  std::map<std::string, int64_t> expected;
  std::vector<std::byte*> groups;
  for (int round = 0; round < 60; ++round) {
    std::vector<ColumnBuilder> builders(types.begin(), types.end());
    const size_t rows = 1 + random() % 500;
    for (size_t row = 0; row < rows; ++row) {
      for (ColumnBuilder& builder : builders) {
        const int v = static_cast<int>(random() % static_cast<unsigned>(distinct));
        if (v == 0) {
          builder.append_null();
        } else if (builder.type().physical() == types::Physical::kString) {
          builder.append_string(std::string(v % 3 * 10, 's') + std::to_string(v));
        } else if (builder.type().physical() == types::Physical::kDouble) {
          builder.append_double(v % 2 == 0 ? 0.0 * -v : v / 4.0);
        } else {
          builder.append_int64(v);
        }
      }
    }
    const std::vector<ColumnPtr> keys = columns(builders);
    table.find_or_insert(keys, rows, groups);
    std::vector<std::byte*> found;
    table.find(keys, rows, found);
    ASSERT_EQ(found, groups);
    for (size_t row = 0; row < rows; ++row) {
      ++counter(groups[row]);
      std::string key;
      for (const ColumnPtr& column : keys) {
        const types::Value value = column->value(row);
        const bool zero = !value.is_null() && column->type() == DataType(TypeKind::kDouble) && value.as_double() == 0;
        key += zero ? "0.0," : types::to_text(value, column->type()) + ",";
      }
      ++expected[key];
    }
    if (round % 7 != 6) continue;
    // Erase a random half.
    size_t position = 0;
    std::vector<std::byte*> all;
    ASSERT_TRUE(table.next(position, SIZE_MAX, all));
    for (std::byte* group : all) {
      if (random() % 2 == 0) continue;
      std::vector<ColumnBuilder> key_builders(types.begin(), types.end());
      table.append_keys(std::span(&group, 1), key_builders);
      std::string key;
      for (const ColumnPtr& column : columns(key_builders))
        key += types::to_text(column->value(0), column->type()) + ",";
      ASSERT_EQ(expected.erase(key), 1U) << key;
      table.erase(group);
    }
  }
  ASSERT_EQ(table.size(), expected.size());
  size_t position = 0;
  while (table.next(position, 100, groups)) {
    std::vector<ColumnBuilder> builders(types.begin(), types.end());
    table.append_keys(groups, builders);
    const std::vector<ColumnPtr> keys = columns(builders);
    for (size_t i = 0; i < groups.size(); ++i) {
      std::string key;
      for (const ColumnPtr& column : keys) key += types::to_text(column->value(i), column->type()) + ",";
      ASSERT_EQ(counter(groups[i]), expected[key]) << key;
      expected.erase(key);
    }
  }
  ASSERT_TRUE(expected.empty());
}

TEST(GroupTable, CountsAsAMapDoes) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    run_against_map(seed, {TypeKind::kBigInt}, 5000);
    run_against_map(seed, {TypeKind::kString}, 300);
    run_against_map(seed, {TypeKind::kDouble}, 40);
    run_against_map(seed, {TypeKind::kString, TypeKind::kBigInt, TypeKind::kString}, 12);
  }
}

TEST(GroupTable, WithoutKeysIsOneGroup) {
  GroupTable table({}, {.bytes = sizeof(int64_t)});
  std::vector<std::byte*> groups;
  table.find_or_insert({}, 3, groups);
  for (std::byte* group : groups) ++counter(group);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(counter(groups[0]), 3);
}

TEST(GroupTable, TakesTheGroupsOfAnotherTable) {
  GroupTable from({TypeKind::kString, TypeKind::kBigInt}, {.bytes = sizeof(int64_t)});
  GroupTable into({TypeKind::kString, TypeKind::kBigInt}, {.bytes = sizeof(int64_t)});
  std::vector<std::byte*> groups;
  std::vector<std::byte*> theirs;
  for (GroupTable* table : {&from, &into}) {
    std::vector<ColumnBuilder> builders;
    builders.emplace_back(TypeKind::kString);
    builders.emplace_back(TypeKind::kBigInt);
    for (int64_t i = table == &from ? 0 : 50; i < 100; ++i) {
      builders[0].append_string(std::string(static_cast<size_t>(i % 20), 'x'));
      i % 7 == 0 ? builders[1].append_null() : builders[1].append_int64(i);
    }
    const std::vector<ColumnPtr> keys = columns(builders);
    table->find_or_insert(keys, keys[0]->size(), groups);
    for (std::byte* group : groups) ++counter(group);
  }
  const size_t before = into.size();
  size_t position = 0;
  size_t found = 0;
  while (from.next(position, 30, theirs)) {
    into.find_or_insert(from, theirs, groups);
    for (std::byte* group : groups) found += counter(group) > 0 ? 1 : 0;
  }
  EXPECT_EQ(found, before);
  EXPECT_EQ(into.size(), from.size());
}

TEST(GroupTable, InitialisesAndDestroysEveryPayloadOnce) {
  int alive = 0;
  {
    GroupTable table({TypeKind::kBigInt}, {.bytes = 8,
                                           .init = [](void* context, std::byte*) { ++*static_cast<int*>(context); },
                                           .destroy = [](void* context, std::byte*) { --*static_cast<int*>(context); },
                                           .context = &alive});
    ColumnBuilder builder(TypeKind::kBigInt);
    for (int64_t i = 0; i < 1500; ++i) builder.append_int64(i);
    const ColumnPtr key = builder.finish();
    std::vector<std::byte*> groups;
    table.find_or_insert(std::span(&key, 1), 1500, groups);
    EXPECT_EQ(alive, 1500);
    for (size_t i = 0; i < 500; ++i) table.erase(groups[i]);
    EXPECT_EQ(alive, 1000);
  }
  EXPECT_EQ(alive, 0);
}

ColumnPtr long_keys(int64_t first, int64_t count) {
  ColumnBuilder builder(TypeKind::kString);
  for (int64_t i = first; i < first + count; ++i) builder.append_string(std::string(100, 'k') + std::to_string(i));
  return builder.finish();
}

TEST(GroupTable, GetsSmallerAgain) {
  GroupTable table({TypeKind::kString}, {.bytes = sizeof(int64_t)});
  std::vector<std::byte*> all;
  std::vector<std::byte*> groups;
  for (int64_t round = 0; round < 100; ++round) {
    const ColumnPtr keys = long_keys(round * 1'000, 1'000);
    table.find_or_insert(std::span(&keys, 1), 1'000, groups);
    for (size_t i = 0; i < 1'000; ++i) counter(groups[i]) = round * 1'000 + static_cast<int64_t>(i);
    all.insert(all.end(), groups.begin(), groups.end());
  }
  const size_t most = table.bytes();
  table.erase(std::span(all).first(99'000));
  EXPECT_LT(table.bytes(), most / 20);
  const ColumnPtr staying = long_keys(99'000, 1'000);
  table.find(std::span(&staying, 1), 1'000, groups);
  for (size_t i = 0; i < 1'000; ++i) {
    ASSERT_NE(groups[i], nullptr);
    ASSERT_EQ(counter(groups[i]), 99'000 + static_cast<int64_t>(i));
  }
}

TEST(GroupTable, TheTextOfErasedKeysGoes) {
  const StateMeter meter;
  {
    GroupTable table({TypeKind::kString}, {.bytes = sizeof(int64_t)});
    std::vector<std::byte*> groups;
    const ColumnPtr staying = long_keys(0, 1'000);
    table.find_or_insert(std::span(&staying, 1), 1'000, groups);
    for (size_t i = 0; i < 1'000; ++i) counter(groups[i]) = static_cast<int64_t>(i);
    for (int64_t round = 1; round <= 100; ++round) {
      const ColumnPtr passing = long_keys(round * 1'000, 1'000);
      table.find_or_insert(std::span(&passing, 1), 1'000, groups);
      for (std::byte* group : groups) table.erase(group);
      ASSERT_LT(table.bytes(), 3U << 20);
      ASSERT_GE(meter.bytes(), static_cast<int64_t>(table.bytes()));
      ASSERT_LT(meter.bytes(), static_cast<int64_t>(table.bytes()) + (256 << 10));  // rows of the batch at hand
    }
    table.find(std::span(&staying, 1), 1'000, groups);
    for (size_t i = 0; i < 1'000; ++i) {
      ASSERT_NE(groups[i], nullptr);
      ASSERT_EQ(counter(groups[i]), static_cast<int64_t>(i));
    }
    std::vector<ColumnBuilder> keys;
    keys.emplace_back(TypeKind::kString);
    table.append_keys(groups, keys);
    EXPECT_EQ(keys[0].finish()->values<columnar::StringCell>()[999].view(), std::string(100, 'k') + "999");
    for (std::byte* group : groups) table.erase(group);
    EXPECT_LT(table.bytes(), 64U << 10) << "one block stays for what comes next";
  }
  EXPECT_EQ(meter.bytes(), 0);
}

}  // namespace
}  // namespace penstock::state
