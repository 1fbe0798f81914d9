#include "columnar/column.h"

#include <gtest/gtest.h>

#include <random>

#include "columnar/change_batch.h"

namespace penstock::columnar {
namespace {

using types::DataType;
using types::Int128;
using types::TypeKind;
using types::Value;

const DataType kAllForms[] = {TypeKind::kBoolean, TypeKind::kBigInt, TypeKind::kDouble, DataType::decimal(38, 2),
                              TypeKind::kString};

Value random_value(DataType type, std::mt19937_64& random) {
  if (random() % 4 == 0) return {};
  switch (type.physical()) {
    case types::Physical::kBool: return Value(random() % 2 == 0);
    case types::Physical::kInt64: return Value(static_cast<int64_t>(random()));
    case types::Physical::kDouble: return Value(static_cast<double>(random()) / 3);
    case types::Physical::kInt128: return Value(static_cast<Int128>(random()) * 1'000'003);
    case types::Physical::kString: return Value(std::string(random() % 30, static_cast<char>('a' + random() % 26)));
  }
  return {};
}

void expect_values(const Column& column, const std::vector<Value>& expected) {
  ASSERT_EQ(column.size(), expected.size());
  bool any_null = false;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(column.value(i) == expected[i]) << "row " << i;
    any_null |= expected[i].is_null();
  }
  EXPECT_EQ(column.has_nulls(), any_null);
}

TEST(StringCellTest, ComparesByContent) {
  for (size_t size : {0U, 1U, 4U, 5U, 12U, 13U, 100U}) {
    std::string a(size, 'x');
    std::string b = a;
    EXPECT_EQ(StringCell(a), StringCell(b));
    EXPECT_EQ(StringCell(a).view(), a);
    if (size == 0) continue;
    b.back() = 'y';
    EXPECT_FALSE(StringCell(a) == StringCell(b)) << size;
    EXPECT_FALSE(StringCell(a) == StringCell(std::string_view(a).substr(1))) << size;
  }
}

TEST(StringHeapTest, TextStaysWhereItIs) {
  StringHeap heap;
  std::mt19937_64 random(1);
  std::vector<StringCell> cells;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) {
    size_t size = random() % 100 == 0 ? random() % 300'000 : random() % 200;
    texts.emplace_back(size, static_cast<char>('a' + i % 26));
    cells.push_back(heap.add(texts.back()));
  }
  size_t long_bytes = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    ASSERT_EQ(cells[i].view(), texts[i]);
    if (!cells[i].is_inline()) long_bytes += texts[i].size();
  }
  EXPECT_GE(heap.bytes(), long_bytes);
  EXPECT_LE(heap.bytes(), long_bytes * 2 + 512 * 1024);
}

TEST(ColumnBuilderTest, BuildsTruncatesAndStartsAnew) {
  std::mt19937_64 random(2);
  for (DataType type : kAllForms) {
    ColumnBuilder builder(type);
    std::vector<Value> expected;
    ColumnPtr earlier;
    std::vector<Value> earlier_expected;
    for (int step = 0; step < 2000; ++step) {
      uint64_t action = random() % 20;
      if (action == 0 && !expected.empty()) {
        size_t size = random() % expected.size();
        builder.truncate(size);
        expected.resize(size);
      } else if (action == 1 && random() % 5 == 0) {
        earlier = builder.finish();
        earlier_expected = std::move(expected);
        expected.clear();
      } else {
        expected.push_back(random_value(type, random));
        builder.append(expected.back());
      }
      ASSERT_EQ(builder.size(), expected.size());
    }
    expect_values(*builder.finish(), expected);
    ASSERT_NE(earlier, nullptr);
    expect_values(*earlier, earlier_expected);  // its heap lives on
  }
}

TEST(ColumnTest, TakeSliceAppendFromAndConcatenate) {
  std::mt19937_64 random(3);
  for (DataType type : kAllForms) {
    std::vector<Value> values;
    ColumnBuilder builder(type);
    for (int i = 0; i < 500; ++i) {
      values.push_back(random_value(type, random));
      builder.append(values.back());
    }
    ColumnPtr column = builder.finish();

    Selection rows;
    std::vector<Value> taken;
    for (uint16_t i = 0; i < 500; ++i) {
      if (random() % 3 != 0) continue;
      rows.push_back(i);
      taken.push_back(values[i]);
    }
    ColumnPtr selected = column->take(rows);
    expect_values(*selected, taken);
    expect_values(*column->take({}), {});

    std::vector<Value> middle(values.begin() + 100, values.begin() + 200);
    ColumnPtr part = column->slice(100, 200);
    expect_values(*part, middle);

    for (size_t i = 0; i < column->size(); ++i) builder.append_from(*column, i);
    expect_values(*builder.finish(), values);

    std::vector<Value> joined = taken;
    joined.insert(joined.end(), middle.begin(), middle.end());
    std::vector<ColumnPtr> pieces{selected, part};
    column.reset();
    selected.reset();
    part.reset();
    expect_values(*concatenate(pieces), joined);
  }
}

TEST(ColumnTest, NullsAreDroppedWhenNoRowIsNull) {
  Column column(TypeKind::kInt, std::vector<int64_t>{1, 2, 3}, {0, 0, 0});
  EXPECT_FALSE(column.has_nulls());
  Column other(TypeKind::kInt, std::vector<int64_t>{1, 2, 3}, {0, 1, 0});
  EXPECT_TRUE(other.take(std::vector<uint16_t>{1})->is_null(0));
  EXPECT_FALSE(other.take(std::vector<uint16_t>{0, 2})->has_nulls());
}

TEST(ColumnTest, ConstantsOfEveryForm) {
  std::mt19937_64 random(4);
  for (DataType type : kAllForms) {
    expect_values(*Column::constant(type, {}, 3), {Value(), Value(), Value()});
    Value value;
    while (value.is_null()) value = random_value(type, random);
    expect_values(*Column::constant(type, value, 2), {value, value});
  }
  ColumnPtr text = Column::constant(TypeKind::kString, Value(std::string(100, 'x')), 2);
  EXPECT_EQ(text->take(std::vector<uint16_t>{1})->value(0).as_string(), std::string(100, 'x'));
}

TEST(ColumnTest, RetypedSharesThePhysicalForm) {
  ColumnPtr column = Column::constant(TypeKind::kInt, Value(int64_t{7}), 1);
  EXPECT_EQ(column->retyped(TypeKind::kBigInt)->type(), DataType(TypeKind::kBigInt));
  EXPECT_DEATH((void)column->retyped(TypeKind::kString), "physical form");
}

types::Schema test_schema() {
  return {{"k", TypeKind::kBigInt},       {"name", TypeKind::kString},  {"price", DataType::decimal(10, 2)},
          {"at", DataType::timestamp(3)}, {"ratio", TypeKind::kDouble}, {"ok", TypeKind::kBoolean},
          {"raw", TypeKind::kBytes}};
}

TEST(BatchTextTest, RoundTrip) {
  const char* text =
      "+I 1 food 1.50 '2026-01-02 03:04:05.678' 1.0E10 TRUE 00ff | -D 2 'two words' NULL NULL NULL FALSE NULL | "
      "-U NULL 'it''s' -0.01 '1969-12-31 23:59:59.999' -0.5 NULL 00 | +U 4 '' 0.00 NULL 0.0 TRUE NULL | "
      "+I 5 'NULL' 0.00 NULL 0.0 TRUE NULL | +I 6 'a|b' 0.00 NULL NaN TRUE 61";
  auto batch = batch_from_text(text, test_schema());
  ASSERT_TRUE(batch.has_value()) << batch.error().to_string();
  EXPECT_EQ(batch->rows(), 6U);
  EXPECT_FALSE(batch->append_only());
  EXPECT_EQ(batch->weight(1), -1);
  EXPECT_EQ(batch->weight(3), 1);
  EXPECT_EQ(to_text(*batch), text);
  EXPECT_EQ(to_text(batch->slice(1, 2)), "-D 2 'two words' NULL NULL NULL FALSE NULL");
  EXPECT_EQ(to_text(batch->take(std::vector<uint16_t>{3, 1})),
            "+U 4 '' 0.00 NULL 0.0 TRUE NULL | -D 2 'two words' NULL NULL NULL FALSE NULL");
}

TEST(BatchTextTest, ShortOpsAndAppendOnly) {
  types::Schema schema{{"k", TypeKind::kInt}};
  auto batch = batch_from_text("+ 1 |\n + 2", schema);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(batch->append_only());
  EXPECT_EQ(to_text(*batch), "+I 1 | +I 2");
  EXPECT_EQ(to_text(batch_from_text("+ 1 | - 1", schema).value()), "+I 1 | -D 1");
  EXPECT_EQ(batch_from_text("  ", schema)->rows(), 0U);
}

TEST(BatchTextTest, ErrorsSayWhere) {
  types::Schema schema{{"k", TypeKind::kInt}, {"s", TypeKind::kString}};
  auto message = [&](std::string_view text) {
    auto batch = batch_from_text(text, schema);
    return batch ? std::string("no error") : batch.error().message();
  };
  EXPECT_EQ(message("1 a"), "row 0: expected +I, -D, -U or +U and not '1'");
  EXPECT_EQ(message("+ 1"), "row 0: 2 values expected, only 1 found");
  EXPECT_EQ(message("+ 1 | + 2 b"), "row 0: 2 values expected, only 1 found");
  EXPECT_EQ(message("+ 1 a b"), "row 0: more than 2 values");
  EXPECT_EQ(message("+ 1 a |"), "row 1: expected +I, -D, -U or +U and not ''");
  EXPECT_EQ(message("+ 1 'a"), "row 0: a quote is not closed");
  EXPECT_EQ(message("+ x a"), "row 0, column k: cannot read 'x' as INT");
  std::string many;
  for (size_t i = 0; i <= kBatchRowsMax; ++i) many += (i == 0 ? "+ 1 a" : "| + 1 a");
  EXPECT_EQ(message(many), "a batch has at most 2048 rows");
}

TEST(BatchBuilderTest, OpsAreLeftOutWhenAllInsert) {
  BatchBuilder builder({TypeKind::kInt});
  builder.column(0).append_int64(1);
  builder.end_row();
  EXPECT_TRUE(builder.finish().append_only());
  builder.column(0).append_int64(1);
  builder.end_row();
  builder.column(0).append_int64(2);
  builder.end_row(RowOp::kDelete);
  ChangeBatch batch = builder.finish();
  EXPECT_EQ(to_text(batch), "+I 1 | -D 2");
  builder.append_row(batch, 1, RowOp::kInsert);
  EXPECT_EQ(to_text(builder.finish()), "+I 2");
}

}  // namespace
}  // namespace penstock::columnar
