#include "expr/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expr/test_expression.h"

namespace penstock::expr {
namespace {

using columnar::batch_from_text;
using columnar::ChangeBatch;
using testing::evaluate_rows;
using testing::evaluate_text;
using testing::TestExpression;
using types::DataType;
using types::Schema;
using types::TypeKind;

const Schema kSchema{{"a", TypeKind::kInt}, {"b", TypeKind::kBigInt}, {"s", TypeKind::kString}};

ExprPtr parse(std::string_view text, const Schema& schema = kSchema) {
  Result<ExprPtr> expr = TestExpression::parse(text, schema);
  EXPECT_TRUE(expr.has_value()) << text << ": " << expr.error().to_string();
  return *expr;
}

TEST(EvaluateTest, ColumnsConstantsAndNulls) {
  const char* rows = "+ 1 10 x | + 2 NULL y | + NULL 30 NULL";
  EXPECT_EQ(evaluate_rows("a + b", kSchema, rows), "11, NULL, NULL");
  EXPECT_EQ(evaluate_rows("a + 1", kSchema, rows), "2, 3, NULL");
  EXPECT_EQ(evaluate_rows("10 - a", kSchema, rows), "9, 8, NULL");
  EXPECT_EQ(evaluate_rows("a + NULL", kSchema, rows), "NULL, NULL, NULL");
  EXPECT_EQ(evaluate_rows("7", kSchema, rows), "7, 7, 7");
  EXPECT_EQ(evaluate_rows("s", kSchema, rows), "x, y, NULL");
  EXPECT_EQ(evaluate_rows("(a * 2) = b", kSchema, ""), "");
}

TEST(EvaluateTest, RowErrorsNameTheRowAndGiveNull) {
  const char* rows = "+ 0 10 x | + 2 10 7 | + NULL 10 NULL";
  EXPECT_EQ(evaluate_rows("b / a", kSchema, rows), "!division by zero, 5, NULL");
  EXPECT_EQ(evaluate_rows("CAST(s AS INT)", kSchema, rows), "!cannot read 'x' as INT, 7, NULL");
  EXPECT_EQ(evaluate_rows("TRY_CAST(s AS INT)", kSchema, rows), "NULL, 7, NULL");
  // TRY_CAST hides only its own failure.
  EXPECT_EQ(evaluate_rows("TRY_CAST(b / a AS STRING)", kSchema, rows), "!division by zero, 5, NULL");
  // The failed row does not get a value from what stands around it.
  EXPECT_EQ(evaluate_rows("(b / a) IS NULL", kSchema, rows), "!division by zero, FALSE, TRUE");
  EXPECT_EQ(evaluate_rows("COALESCE(b / a, 1)", kSchema, rows), "!division by zero, 5, 1");
  // A constant that fails, fails every row.
  EXPECT_EQ(evaluate_rows("a + (1 / 0)", kSchema, rows), "!division by zero, !division by zero, !division by zero");
}

TEST(EvaluateTest, AndOrAreThreeValued) {
  Schema schema{{"p", TypeKind::kBoolean}, {"q", TypeKind::kBoolean}};
  const char* rows =
      "+ TRUE TRUE | + TRUE FALSE | + TRUE NULL | + FALSE TRUE | + FALSE FALSE | + FALSE NULL | + NULL TRUE | "
      "+ NULL FALSE | + NULL NULL";
  EXPECT_EQ(evaluate_rows("p AND q", schema, rows), "TRUE, FALSE, NULL, FALSE, FALSE, FALSE, NULL, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("p OR q", schema, rows), "TRUE, TRUE, TRUE, TRUE, FALSE, NULL, TRUE, NULL, NULL");
  EXPECT_EQ(evaluate_rows("p AND NULL", schema, rows), "NULL, NULL, NULL, FALSE, FALSE, FALSE, NULL, NULL, NULL");
  EXPECT_EQ(evaluate_rows("NOT p", schema, "+ TRUE TRUE | + NULL TRUE"), "FALSE, NULL");
  EXPECT_EQ(evaluate_rows("p IS TRUE", schema, "+ TRUE TRUE | + FALSE TRUE | + NULL TRUE"), "TRUE, FALSE, FALSE");
  EXPECT_EQ(evaluate_rows("p IS NOT FALSE", schema, "+ TRUE TRUE | + FALSE TRUE | + NULL TRUE"), "TRUE, FALSE, TRUE");
}

TEST(EvaluateTest, AndOrAreLazy) {
  const char* rows = "+ 0 10 x | + 2 10 y | + 4 10 z | + NULL 10 w";
  EXPECT_EQ(evaluate_rows("(a <> 0) AND ((b / a) > 3)", kSchema, rows), "FALSE, TRUE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("(a = 0) OR ((b / a) > 3)", kSchema, rows), "TRUE, TRUE, FALSE, NULL");
  // NULL on the left does not decide, so the right side is needed.
  EXPECT_EQ(evaluate_rows("(a > 0) AND ((b / (a - 2)) > 3)", kSchema, rows), "FALSE, !division by zero, TRUE, NULL");
}

TEST(EvaluateTest, CaseIsLazyAndKeepsOrder) {
  const char* rows = "+ 0 10 'a longer text of zero' | + 2 10 y | + 5 10 z | + NULL 10 w";
  EXPECT_EQ(evaluate_rows("CASE WHEN a = 0 THEN 0 WHEN (10 / a) > 3 THEN b ELSE -1 END", kSchema, rows),
            "0, 10, -1, -1");
  EXPECT_EQ(evaluate_rows("CASE WHEN a = 0 THEN s WHEN a = 2 THEN 'a constant longer than a cell' END", kSchema, rows),
            "a longer text of zero, a constant longer than a cell, NULL, NULL");
  EXPECT_EQ(evaluate_rows("COALESCE(a, b, 3)", kSchema, rows), "0, 2, 5, 10");
  EXPECT_EQ(evaluate_rows("COALESCE(a, b / 0)", kSchema, rows), "0, 2, 5, !division by zero");
  EXPECT_EQ(evaluate_rows("NULLIF(a, 2)", kSchema, rows), "0, NULL, 5, NULL");
  EXPECT_EQ(evaluate_rows("IF(a > 1, 'many', 'few')", kSchema, rows), "few, many, many, few");
  // Errors inside a branch carry the row's number in the batch.
  EXPECT_EQ(
      evaluate_rows("CASE WHEN a IS NULL THEN 1 / (b - 10) WHEN a > 2 THEN CAST(s AS INT) ELSE 0 END", kSchema, rows),
      "0, 0, !cannot read 'z' as INT, !division by zero");
}

TEST(SelectTest, TakesRowsThatAreTrue) {
  ChangeBatch batch = batch_from_text("+ 1 10 x | + 0 20 y | + NULL 30 z | + 3 40 w", kSchema).value();
  RowErrors errors;
  EXPECT_THAT(select(*parse("a > 0"), batch, {}, errors), ::testing::ElementsAre(0, 3));
  EXPECT_THAT(select(*parse("(a > 0) AND (b > 20)"), batch, {}, errors), ::testing::ElementsAre(3));
  EXPECT_THAT(select(*parse("TRUE"), batch, {}, errors), ::testing::ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select(*parse("CAST(NULL AS BOOLEAN)"), batch, {}, errors), ::testing::IsEmpty());
  EXPECT_TRUE(errors.empty());
  EXPECT_THAT(select(*parse("(b / a) > 11"), batch, {}, errors), ::testing::ElementsAre(3));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].row, 1);
  EXPECT_THAT(select(*parse("((b / a) > 11) IS NOT TRUE"), batch, {}, errors), ::testing::ElementsAre(0, 2));
}

TEST(FoldTest, ReplacesConstantParts) {
  auto folded = [](std::string_view text) { return fold_constants(parse(text), {})->to_string(); };
  EXPECT_EQ(folded("a + (1 + 2)"), "a + 3");
  EXPECT_EQ(folded("a + (1 / 0)"), "a + (1 / 0)");
  EXPECT_EQ(folded("CAST('2026-01-02' AS DATE) = DATE '2026-01-02'"), "TRUE");
  EXPECT_EQ(evaluate_text("1 / 0"), "row error: division by zero");
}

TEST(ExprTest, TextTreesAndColumns) {
  EXPECT_EQ(parse("(a + 1) * b")->to_string(), "(a + 1) * b");
  EXPECT_EQ(parse("(a > 1) AND (s = 'it''s') AND (b IS NOT NULL)")->to_string(),
            "(a > 1) AND (s = 'it''s') AND (b IS NOT NULL)");
  EXPECT_EQ(parse("CASE WHEN a > 1 THEN s ELSE NULL END")->to_string(), "CASE WHEN a > 1 THEN s ELSE NULL END");
  EXPECT_EQ(parse("a IN (1, 2)")->to_string(), "a IN (1, 2)");
  EXPECT_EQ(parse("CAST(a AS STRING)")->to_string(), "CAST(a AS STRING)");
  ExprPtr expr = parse("(b > 1) AND ((a + b) < 9) AND (s = 'x')");
  std::vector<size_t> columns;
  collect_columns(*expr, columns);
  EXPECT_THAT(columns, ::testing::ElementsAre(1, 0, 2));
  std::vector<ExprPtr> parts = split_conjunction(expr);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(join_conjunction(parts)->equals(*expr));
  EXPECT_FALSE(parts[0]->equals(*parts[1]));
  const int mapping[] = {4, 2, 0};
  columns.clear();
  collect_columns(*remap_columns(expr, mapping), columns);
  EXPECT_THAT(columns, ::testing::ElementsAre(2, 4, 0));
  EXPECT_TRUE(parse("1 + 2")->is_constant());
  EXPECT_FALSE(parse("a + 2")->is_constant());
}

TEST(ExprTest, NullabilityFollows) {
  Schema schema{{"n", DataType(TypeKind::kInt).with_nullable(false)}, {"m", TypeKind::kInt}};
  EXPECT_FALSE(parse("n + 1", schema)->type().nullable());
  EXPECT_TRUE(parse("n + m", schema)->type().nullable());
  EXPECT_FALSE(parse("m IS NULL", schema)->type().nullable());
  EXPECT_FALSE(parse("COALESCE(m, 1)", schema)->type().nullable());
  EXPECT_TRUE(parse("COALESCE(m, m)", schema)->type().nullable());
  EXPECT_TRUE(parse("CASE WHEN n = 1 THEN n END", schema)->type().nullable());
  EXPECT_TRUE(parse("TRY_CAST(n AS STRING)", schema)->type().nullable());
}

TEST(BindTest, ErrorsHelp) {
  EXPECT_EQ(evaluate_text("COALESC(1)"), "error: there is no function COALESC (hint: did you mean COALESCE?)");
  EXPECT_EQ(evaluate_text("1 + 'a'"),
            "error: + does not take (INT, STRING) (hint: it is: a + b; time + interval; interval + time; "
            "interval + interval; date + days)");
  EXPECT_EQ(evaluate_text("DATE '2026-01-01' = 'nonsense'"), "error: =: cannot read 'nonsense' as DATE");
  EXPECT_EQ(evaluate_text("CASE WHEN TRUE THEN 1 ELSE 'x' END"),
            "error: CASE: INT and STRING have no common type (hint: cast one of them)");
  EXPECT_EQ(evaluate_text("1 AND TRUE"), "error: AND needs a BOOLEAN and not INT");
  EXPECT_EQ(evaluate_text("CAST(1 AS TIMESTAMP(3))"),
            "error: there is no cast from INT to TIMESTAMP(3) (hint: use TO_TIMESTAMP_LTZ(seconds_or_millis, 0 or 3))");
}

}  // namespace
}  // namespace penstock::expr
