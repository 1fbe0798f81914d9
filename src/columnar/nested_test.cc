#include "columnar/nested.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"

namespace penstock::columnar {
namespace {

using types::DataType;

DataType type_of(std::string_view text) { return DataType::parse(text).value(); }

std::string texts(const Column& column) {
  std::string out;
  for (size_t row = 0; row < column.size(); ++row) {
    if (row != 0) out += " ";
    out += types::to_text(column.value(row), column.type());
  }
  return out;
}

ColumnPtr integers(std::initializer_list<int64_t> values) {
  ColumnBuilder builder(types::TypeKind::kInt);
  for (int64_t value : values) builder.append_int64(value);
  return builder.finish();
}
ColumnPtr strings(std::initializer_list<const char*> values) {
  ColumnBuilder builder(types::TypeKind::kString);
  for (const char* value : values) value == nullptr ? builder.append_null() : builder.append_string(value);
  return builder.finish();
}

TEST(NestedColumnTest, ArraysTakenApartAndPutTogether) {
  NestedParts parts{.columns = {strings({"a", nullptr, "a text that is not inline", "b"})}, .ends = {2, 2, 2, 4}};
  ColumnPtr column = put_together(type_of("ARRAY<STRING>"), parts, {0, 0, 1, 0});
  EXPECT_EQ(texts(*column), "[a, NULL] [] NULL [a text that is not inline, b]");
  NestedParts again = take_apart(*column);
  EXPECT_EQ(again.ends, parts.ends);
  EXPECT_EQ(texts(*again.columns[0]), texts(*parts.columns[0]));
  NestedParts last = take_apart(*column, 3, 4);
  EXPECT_EQ(last.size(), 2U);
  EXPECT_EQ(texts(*last.columns[0]), "a text that is not inline b");
}

TEST(NestedColumnTest, EntriesOfMapsAreSorted) {
  NestedParts parts{.columns = {strings({"b", "a", "b"}), integers({1, 2, 3})}, .ends = {3}};
  EXPECT_EQ(texts(*put_together(type_of("MAP<STRING, INT>"), parts, {})), "{a=2, b=3}");
  EXPECT_EQ(texts(*put_together(type_of("MULTISET<STRING>"), parts, {})), "{a=2, b=4}");
}

TEST(NestedColumnTest, ARowOfNullHasAnEntryToo) {
  NestedParts parts{.columns = {integers({1, 0, 3}), strings({nullptr, nullptr, "x"})}, .ends = {1, 2, 3}};
  ColumnPtr column = put_together(type_of("ROW<a INT, b STRING>"), parts, {0, 1, 0});
  EXPECT_EQ(texts(*column), "(1, NULL) NULL (3, x)");
  NestedParts again = take_apart(*column);
  EXPECT_EQ(again.ends, parts.ends);
  EXPECT_EQ(texts(*again.columns[0]), "1 NULL 3");
}

// As keys, nested values are their bytes: equal rows have equal hashes and keys, and keys read back.
TEST(NestedColumnTest, KeysAndHashes) {
  DataType type = type_of("ARRAY<DOUBLE>");
  ColumnBuilder doubles(types::TypeKind::kDouble);
  for (double value : {0.0, -0.0, 1.0}) doubles.append_double(value);
  NestedParts parts{.columns = {doubles.finish()}, .ends = {1, 2, 3}};
  ColumnPtr column = put_together(type, parts, {});
  std::vector<uint64_t> hashes;
  const ColumnPtr columns[] = {column};
  hash_rows(columns, 3, hashes);
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
  std::string keys[3];
  for (size_t row = 0; row < 3; ++row) append_key(keys[row], columns, row);
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_LT(keys[1], keys[2]);
  std::vector<ColumnBuilder> builders;
  builders.emplace_back(type);
  std::string_view rest = keys[2];
  decode_key(rest, builders);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(texts(*builders[0].finish()), "[1.0]");
}

TEST(NestedColumnTest, RandomColumnsRoundTrip) {
  std::mt19937_64 random(3);
  for (const char* text : {"ARRAY<ROW<a STRING, b ARRAY<INT>>>", "ROW<a MAP<STRING, ROW<x DOUBLE>>, b INT>"}) {
    DataType type = type_of(text);
    // Values of the innermost types, put together from the inside out.
    std::function<ColumnPtr(DataType, size_t)> make = [&](DataType of, size_t rows) -> ColumnPtr {
      if (!of.is_nested()) {
        ColumnBuilder builder(of);
        for (size_t i = 0; i < rows; ++i) {
          if (random() % 4 == 0) {
            builder.append_null();
          } else if (of.physical() == types::Physical::kString) {
            builder.append_string(std::string(random() % 20, 'x'));
          } else if (of.physical() == types::Physical::kDouble) {
            builder.append_double(static_cast<double>(random() % 10));
          } else {
            builder.append_int64(static_cast<int64_t>(random() % 10));
          }
        }
        return builder.finish();
      }
      NestedParts parts;
      std::vector<uint8_t> nulls(rows);
      for (size_t i = 0; i < rows; ++i) {
        nulls[i] = random() % 5 == 0 ? 1 : 0;
        bool is_row = of.kind() == types::TypeKind::kRow;
        auto entries = static_cast<uint32_t>(is_row ? 1 : nulls[i] != 0 ? 0 : random() % 4);
        parts.ends.push_back(static_cast<uint32_t>(parts.size()) + entries);
      }
      for (const types::Field& part : of.parts()) parts.columns.push_back(make(part.type, parts.size()));
      return put_together(of, parts, nulls);
    };
    ColumnPtr column = make(type, 200);
    std::function<ColumnPtr(const ColumnPtr&)> rebuild = [&](const ColumnPtr& from) -> ColumnPtr {
      if (!from->type().is_nested()) return from;
      NestedParts parts = take_apart(*from);
      for (ColumnPtr& part : parts.columns) part = rebuild(part);
      return put_together(from->type(), parts, {from->nulls().begin(), from->nulls().end()});
    };
    ColumnPtr again = rebuild(column);
    for (size_t row = 0; row < column->size(); ++row) ASSERT_EQ(again->value(row), column->value(row)) << text;
  }
}

}  // namespace
}  // namespace penstock::columnar
