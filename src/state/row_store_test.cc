#include "state/row_store.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"
#include "state/row_index.h"

namespace penstock::state {
namespace {

using columnar::ChangeBatch;
using types::TypeKind;

const std::vector<types::DataType> kTypes = {
    TypeKind::kString, TypeKind::kBoolean, TypeKind::kBigInt, TypeKind::kDouble, types::DataType::decimal(20, 2),
    TypeKind::kString};

// Rows in which every column is NULL now and then; few different ones when `values` is small.
ChangeBatch random_batch(std::mt19937& random, size_t rows, unsigned values) {
  columnar::BatchBuilder builder(kTypes);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t c = 0; c < kTypes.size(); ++c) {
      const unsigned v = random() % values;
      if (v == 0) {
        builder.column(c).append_null();
        continue;
      }
      switch (kTypes[c].physical()) {
        case types::Physical::kBool: builder.column(c).append_bool(v % 2 == 0); break;
        case types::Physical::kInt64: builder.column(c).append_int64(v); break;
        case types::Physical::kDouble: builder.column(c).append_double(v / 4.0); break;
        case types::Physical::kInt128: builder.column(c).append_int128(types::Int128{v} << 90); break;
        case types::Physical::kString: builder.column(c).append_string(std::string(v * 7 % 40, 's') + "!"); break;
      }
    }
    builder.end_row();
  }
  return builder.finish();
}

std::string key_of(const ChangeBatch& batch, size_t row) {
  std::string key;
  columnar::append_key(key, batch.columns(), row);
  return key;
}

// Counts random rows in a store with an index against a map; rows whose count is zero go.
TEST(RowStore, KeepsAndFindsRowsAsAMapDoes) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    std::mt19937 random(seed);
    RowStore store(kTypes, sizeof(int64_t));
    RowIndex index;
    std::map<std::string, int64_t> expected;
    const auto count = [&](RowId row) -> int64_t& { return *reinterpret_cast<int64_t*>(store.header(row)); };
    std::vector<uint64_t> hashes;
    const unsigned values = seed % 2 == 0 ? 3 : 30;
    std::map<RowId, std::string> stored;
    for (int round = 0; round < 40; ++round) {
      const ChangeBatch batch = random_batch(random, 1 + random() % 300, values);
      store.load(batch.columns(), batch.rows());
      columnar::hash_rows(batch.columns(), batch.rows(), hashes);
      const bool removes = round % 3 == 2;
      for (size_t row = 0; row < batch.rows(); ++row) {
        const auto hash = static_cast<uint32_t>(hashes[row]) % 1000;  // some are equal
        const std::string key = key_of(batch, row);
        RowId found = index.find(hash, [&](RowId candidate) { return store.equal(candidate, row); });
        ASSERT_EQ(found != kNoRow, expected.contains(key));
        if (removes && found == kNoRow) continue;
        if (found == kNoRow) {
          found = store.insert(row);
          index.insert(hash, found);
          stored[found] = key;
        }
        expected[key] += removes ? -1 : 1;
        count(found) += removes ? -1 : 1;
        if (count(found) > 0) continue;
        index.erase(hash, found);
        store.erase(found);
        stored.erase(found);
        expected.erase(key);
      }
      ASSERT_EQ(store.size(), expected.size());
    }
    std::vector<RowId> rows;
    for (const auto& [row, key] : stored) rows.push_back(row);
    std::vector<columnar::ColumnPtr> columns;
    for (size_t c = 0; c < kTypes.size(); ++c) columns.push_back(store.gather(c, rows));
    const ChangeBatch all(rows.size(), std::move(columns));
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(key_of(all, i), stored[rows[i]]);
      ASSERT_EQ(count(rows[i]), expected[stored[rows[i]]]);
    }
  }
}

// Of which a join needs nothing but that they are there.
TEST(RowStore, RowsMayHaveNoColumns) {
  RowStore store({}, sizeof(int64_t));
  store.load({}, 2);
  const RowId row = store.insert(0);
  EXPECT_TRUE(store.equal(row, 1));
  EXPECT_NE(store.insert(1), row);
  EXPECT_EQ(store.size(), 2U);
  store.erase(row);
  EXPECT_EQ(store.size(), 1U);
}

// Long strings of rows that have gone do not fill the memory, and columns that were gathered keep theirs.
TEST(RowStore, TheTextOfErasedRowsGoes) {
  RowStore store({TypeKind::kString}, 0);
  columnar::ColumnBuilder builder(TypeKind::kString);
  for (int i = 0; i < 100; ++i) builder.append_string(std::string(10'000, static_cast<char>('a' + i % 26)));
  const columnar::ColumnPtr texts = builder.finish();
  columnar::ColumnPtr gathered;
  std::vector<RowId> rows(100, kNoRow);
  size_t bytes_max = 0;
  for (int round = 0; round < 50; ++round) {
    store.load(std::span(&texts, 1), 100);
    for (size_t i = 0; i < 100; ++i) {
      const RowId old = std::exchange(rows[i], store.insert(i));
      if (old != kNoRow) store.erase(old);
    }
    if (round == 0) gathered = store.gather(0, rows);
    bytes_max = std::max(bytes_max, store.bytes());
  }
  EXPECT_LT(bytes_max, 5'000'000U);  // 1 MB is in use, 50 MB went through
  for (const columnar::ColumnPtr& column : {gathered, store.gather(0, rows)}) {
    for (size_t i = 0; i < 100; ++i) ASSERT_EQ(column->value(i), texts->value(i));
  }
  for (const RowId row : rows) store.erase(row);
  EXPECT_EQ(store.size(), 0U);
  EXPECT_LT(store.bytes(), 100'000U);
}

}  // namespace
}  // namespace penstock::state
