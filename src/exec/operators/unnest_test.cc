#include "exec/operators/unnest.h"

#include <gtest/gtest.h>

#include <vector>

#include "columnar/change_batch.h"
#include "columnar/nested.h"
#include "exec/operators/text_output_test.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::NestedParts;
using types::DataType;
using types::TypeKind;

ColumnPtr integers(const std::vector<int64_t>& values) {
  ColumnBuilder builder(TypeKind::kInt);
  for (int64_t value : values) builder.append_int64(value);
  return builder.finish();
}

DataType type_of(const char* text) { return DataType::parse(text).value(); }

std::string run(UnnestOptions options, const ChangeBatch& batch) {
  std::unique_ptr<Operator> unnest = make_unnest(options);
  TextOutput out;
  EXPECT_TRUE(unnest->process(0, batch, out).has_value());
  while (unnest->unfinished()) EXPECT_TRUE(unnest->resume(out).has_value());
  return out.take();
}

// Rows 1 [10, 20], 2 [], 3 NULL, 4 [30], the second and the last taken back.
ChangeBatch arrays() {
  NestedParts parts{.columns = {integers({10, 20, 30})}, .ends = {2, 2, 2, 3}};
  using enum columnar::RowOp;
  auto ops = std::make_shared<const columnar::RowOps>(columnar::RowOps{kInsert, kDelete, kInsert, kUpdateBefore});
  return {4, {integers({1, 2, 3, 4}), put_together(type_of("ARRAY<INT>"), parts, {0, 0, 1, 0})}, ops};
}

TEST(UnnestTest, RowsKeepTheirOps) {
  EXPECT_EQ(run({.column = 1}, arrays()), "+I 1 '[10, 20]' 10 | +I 1 '[10, 20]' 20 | -U 4 [30] 30");
}

TEST(UnnestTest, RowsWithoutElementsCanBeKept) {
  EXPECT_EQ(run({.column = 1, .preserve = true, .ordinality = true}, arrays()),
            "+I 1 '[10, 20]' 10 1 | +I 1 '[10, 20]' 20 2 | -D 2 [] NULL NULL | +I 3 NULL NULL NULL | -U 4 [30] 30 1");
}

TEST(UnnestTest, MapsMultisetsAndRows) {
  NestedParts entries{.columns = {integers({5, 4}), integers({2, 3})}, .ends = {2}};
  ChangeBatch map(1, {put_together(type_of("MAP<INT, INT>"), entries, {})});
  EXPECT_EQ(run({.column = 0}, map), "+I '{4=3, 5=2}' 4 3 | +I '{4=3, 5=2}' 5 2");
  ChangeBatch multiset(1, {put_together(type_of("MULTISET<INT>"), entries, {})});
  EXPECT_EQ(
      run({.column = 0, .ordinality = true}, multiset),
      "+I '{4=3, 5=2}' 4 1 | +I '{4=3, 5=2}' 4 2 | +I '{4=3, 5=2}' 4 3 | +I '{4=3, 5=2}' 5 4 | +I '{4=3, 5=2}' 5 5");
  NestedParts fields{.columns = {integers({1, 0}), integers({2, 0})}, .ends = {1, 2}};
  DataType rows = type_of("ARRAY<ROW<a INT, b INT>>");
  NestedParts two{.columns = {put_together(rows.part(0), fields, {0, 1})}, .ends = {2}};
  EXPECT_EQ(run({.column = 0}, ChangeBatch(1, {put_together(rows, two, {})})),
            "+I '[(1, 2), NULL]' 1 2 | +I '[(1, 2), NULL]' NULL NULL");
}

// A batch may become any number of rows: they leave in pieces, between which others have their turn.
TEST(UnnestTest, ManyElementsLeaveInPieces) {
  constexpr int64_t kElements = 100'000;
  std::vector<int64_t> values;
  for (int64_t i = 0; i < kElements; ++i) values.push_back(i);
  NestedParts parts{.columns = {integers(values)}, .ends = {kElements / 2, kElements}};
  ChangeBatch batch(2, {put_together(type_of("ARRAY<INT>"), parts, {})});
  std::unique_ptr<Operator> unnest = make_unnest({.column = 0});
  TextOutput out;
  ASSERT_TRUE(unnest->process(0, batch, out).has_value());
  EXPECT_TRUE(unnest->unfinished());
  EXPECT_LT(out.rows, size_t{kElements});
  while (unnest->unfinished()) ASSERT_TRUE(unnest->resume(out).has_value());
  EXPECT_EQ(out.rows, size_t{kElements});
}

}  // namespace
}  // namespace penstock::exec
