#include "columnar/row_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "columnar/change_batch.h"

namespace penstock::columnar {
namespace {

using types::DataType;
using types::Int128;
using types::TypeKind;
using types::Value;

// The plain order of values of one type: NULL first, NaN last.
int compare(const Value& a, const Value& b, DataType type) {
  if (a.is_null() || b.is_null()) return static_cast<int>(b.is_null()) - static_cast<int>(a.is_null());
  auto three_way = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  switch (type.physical()) {
    case types::Physical::kBool: return three_way(a.as_bool(), b.as_bool());
    case types::Physical::kInt64: return three_way(a.as_int64(), b.as_int64());
    case types::Physical::kDouble:
      if (std::isnan(a.as_double()) || std::isnan(b.as_double())) {
        return static_cast<int>(std::isnan(a.as_double())) - static_cast<int>(std::isnan(b.as_double()));
      }
      return three_way(a.as_double(), b.as_double());
    case types::Physical::kInt128: return three_way(a.as_int128(), b.as_int128());
    case types::Physical::kString: return three_way(a.as_string(), b.as_string());
  }
  return 0;
}

std::vector<Value> interesting_values(DataType type, std::mt19937_64& random) {
  std::vector<Value> values{Value()};
  switch (type.physical()) {
    case types::Physical::kBool: values.insert(values.end(), {Value(false), Value(true)}); break;
    case types::Physical::kInt64:
      for (int64_t v : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{255}, int64_t{256}, INT64_MAX, INT64_MIN}) {
        values.emplace_back(v);
      }
      for (int i = 0; i < 20; ++i) values.emplace_back(static_cast<int64_t>(random()) >> (random() % 60));
      break;
    case types::Physical::kDouble: {
      using Limits = std::numeric_limits<double>;
      for (double v : {0.0, -0.0, 1.0, -1.0, Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                       -Limits::quiet_NaN(), Limits::denorm_min(), -Limits::max(), 1e-300}) {
        values.emplace_back(v);
      }
      break;
    }
    case types::Physical::kInt128:
      for (int64_t v : {0, 1, -1, 1000, -1000}) {
        values.emplace_back(static_cast<Int128>(v));
        values.emplace_back(static_cast<Int128>(v) << 70);
      }
      values.emplace_back((static_cast<Int128>(1) << 64) - 1);
      break;
    case types::Physical::kString:
      for (std::string_view v :
           {std::string_view(""), std::string_view("\0", 1), std::string_view("\0\0", 2), std::string_view("\0\xff", 2),
            std::string_view("a"), std::string_view("a\0", 2), std::string_view("a\0b", 3), std::string_view("a\x01"),
            std::string_view("ab"), std::string_view("\xff"), std::string_view("exactly12byt"),
            std::string_view("more than twelve bytes"), std::string_view("more than twelve")}) {
        values.emplace_back(std::string(v));
      }
      break;
  }
  return values;
}

TEST(RowKeyTest, ByteOrderIsValueOrder) {
  std::mt19937_64 random(1);
  for (DataType type : {DataType(TypeKind::kBoolean), DataType(TypeKind::kBigInt), DataType(TypeKind::kDouble),
                        DataType::decimal(38, 0), DataType(TypeKind::kString)}) {
    std::vector<Value> values = interesting_values(type, random);
    for (const Value& a : values) {
      for (const Value& b : values) {
        std::string key_a;
        std::string key_b;
        append_key_value(key_a, a, type);
        append_key_value(key_b, b, type);
        int by_key = key_a < key_b ? -1 : (key_b < key_a ? 1 : 0);
        EXPECT_EQ(by_key, compare(a, b, type))
            << type.to_string() << " " << to_text(a, type) << " and " << to_text(b, type);
      }
    }
  }
}

// Pairs of columns: the first decides, whatever follows it.
TEST(RowKeyTest, RowsOrderLikeTuplesAndReadBack) {
  std::mt19937_64 random(2);
  DataType first = TypeKind::kString;
  DataType second = TypeKind::kBigInt;
  std::vector<Value> texts = interesting_values(first, random);
  std::vector<Value> numbers = interesting_values(second, random);
  BatchBuilder builder({first, second});
  for (const Value& text : texts) {
    for (const Value& number : numbers) {
      builder.column(0).append(text);
      builder.column(1).append(number);
      builder.end_row();
    }
  }
  ChangeBatch batch = builder.finish();
  std::vector<std::string> keys(batch.rows());
  std::string all;
  for (size_t row = 0; row < batch.rows(); ++row) {
    append_key(keys[row], batch.columns(), row);
    std::string by_value;
    append_key_value(by_value, batch.column(0)->value(row), first);
    append_key_value(by_value, batch.column(1)->value(row), second);
    EXPECT_EQ(by_value, keys[row]);
    all += keys[row];
  }
  for (size_t i = 0; i < batch.rows(); ++i) {
    for (size_t j = 0; j < batch.rows(); ++j) {
      int expected = compare(batch.column(0)->value(i), batch.column(0)->value(j), first);
      if (expected == 0) expected = compare(batch.column(1)->value(i), batch.column(1)->value(j), second);
      int by_key = keys[i] < keys[j] ? -1 : (keys[j] < keys[i] ? 1 : 0);
      ASSERT_EQ(by_key, expected) << i << " and " << j;
    }
  }
  std::vector<ColumnBuilder> builders{ColumnBuilder(first), ColumnBuilder(second)};
  std::string_view rest = all;
  for (size_t row = 0; row < batch.rows(); ++row) decode_key(rest, builders);
  EXPECT_TRUE(rest.empty());
  ChangeBatch decoded(batch.rows(), {builders[0].finish(), builders[1].finish()});
  EXPECT_EQ(to_text(decoded), to_text(batch));
}

types::Schema all_forms() {
  return {{"b", TypeKind::kBoolean},
          {"i", TypeKind::kBigInt},
          {"d", TypeKind::kDouble},
          {"n", DataType::decimal(38, 2)},
          {"s", TypeKind::kString}};
}

// Vnodes, and so the files of a data directory, depend on these numbers: they must never change.
TEST(HashRowsTest, GoldenValues) {
  ChangeBatch batch = batch_from_text(
                          "+I TRUE 42 1.5 12.34 short | "
                          "+I FALSE -1 -0.0 -99999999999999999999999999.99 'a text that is longer than twelve bytes' | "
                          "+I NULL NULL NULL NULL NULL | + FALSE 0 0.0 0.00 ''",
                          all_forms())
                          .value();
  std::vector<uint64_t> hashes;
  hash_rows(batch.columns(), batch.rows(), hashes);
  EXPECT_EQ(hashes, (std::vector<uint64_t>{9907804765338558448U, 17170209064748584277U, 10991387662976725020U,
                                           6011668112382263310U}));
  std::vector<std::vector<uint64_t>> single;
  for (const ColumnPtr& column : batch.columns()) {
    hash_rows({&column, 1}, batch.rows(), hashes);
    single.push_back({hashes[0], hashes[1]});
  }
  EXPECT_EQ(single, (std::vector<std::vector<uint64_t>>{{2081358715886077601U, 2146149622220907770U},
                                                        {13723247995252343441U, 1154927175934281154U},
                                                        {5937564753132870558U, 2146149622220907770U},
                                                        {8064472122188330624U, 9455334633092388410U},
                                                        {12124144054434050337U, 5278203915276406150U}}));
}

TEST(HashRowsTest, EqualValuesHashEqual) {
  types::Schema schema{{"d", TypeKind::kDouble}, {"s", TypeKind::kString}};
  auto hash_of = [&](std::string_view text) {
    ChangeBatch batch = batch_from_text(text, schema).value();
    std::vector<uint64_t> hashes;
    hash_rows(batch.columns(), batch.rows(), hashes);
    return hashes[0];
  };
  EXPECT_EQ(hash_of("+ 0.0 x"), hash_of("+ -0.0 x"));
  EXPECT_EQ(hash_of("+ NaN x"), hash_of("+ NaN x"));
  EXPECT_EQ(hash_of("+ NULL x"), hash_of("+ NULL x"));
  EXPECT_NE(hash_of("+ NULL x"), hash_of("+ 0.0 x"));
  EXPECT_NE(hash_of("+ 1.0 ''"), hash_of("+ 1.0 NULL"));
  std::vector<uint64_t> hashes;
  hash_rows({}, 3, hashes);
  EXPECT_EQ(hashes.size(), 3U);
}

TEST(HashRowsTest, VnodesOfRunningIntegersAreEven) {
  ColumnBuilder builder(TypeKind::kBigInt);
  constexpr size_t kRows = 65'536;
  for (size_t i = 0; i < kRows; ++i) builder.append_int64(static_cast<int64_t>(i));
  ColumnPtr column = builder.finish();
  std::vector<uint64_t> hashes;
  hash_rows({&column, 1}, kRows, hashes);
  std::vector<int> counts(kVnodes);
  for (uint64_t hash : hashes) ++counts[vnode_of(hash).value()];
  auto [low, high] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_GT(*low, 160);  // 256 are expected; six standard deviations are 96
  EXPECT_LT(*high, 352);
}

}  // namespace
}  // namespace penstock::columnar
