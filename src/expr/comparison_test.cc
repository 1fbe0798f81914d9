#include <gtest/gtest.h>

#include "expr/test_expression.h"

namespace penstock::expr {
namespace {

using testing::evaluate_rows;
using testing::evaluate_text;
using types::Schema;
using types::TypeKind;

TEST(ComparisonTest, AcrossTypes) {
  const std::pair<const char*, const char*> cases[] = {
      {"1 = 1.0", "TRUE"},
      {"1.10 = 1.1", "TRUE"},
      {"1 < 1e300", "TRUE"},
      {"CAST(1 AS TINYINT) >= CAST(1 AS BIGINT)", "TRUE"},
      {"CAST(1 AS DECIMAL(38, 0)) < CAST('1.00000000000000000001' AS DECIMAL(38, 20))", "TRUE"},
      {"CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) > 0.5", "TRUE"},
      {"CAST(0.5 AS DECIMAL(38, 38)) = CAST(1 AS BIGINT)", "FALSE"},
      {"'a' < 'ab'", "TRUE"},
      {"'more than twelve bytes' > 'more than twelve'", "TRUE"},
      {"'\x7f' < '\xc3\xa4'", "TRUE"},
      {"TRUE > FALSE", "TRUE"},
      {"NULL = NULL", "NULL"},
      {"1 <> NULL", "NULL"},
      {"DATE '2026-01-02' = '2026-01-02'", "TRUE"},
      {"'2026-01-02 00:00:01' > TIMESTAMP(3) '2026-01-02'", "TRUE"},
      {"DATE '2026-01-02' < TIMESTAMP(3) '2026-01-02 00:00:00.001'", "TRUE"},
      {"TIMESTAMP(3) '2026-01-02' = TIMESTAMP_LTZ(3) '2026-01-02'", "TRUE"},
      {"'12' = 12", "TRUE"},
      {"INTERVAL DAY TO SECOND '+1 00:00:00' > INTERVAL DAY TO SECOND '+0 23:59:59'", "TRUE"},
      {"NULL IS NOT DISTINCT FROM NULL", "TRUE"},
      {"1 IS DISTINCT FROM NULL", "TRUE"},
      {"1 IS DISTINCT FROM 1.0", "FALSE"},
      {"CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE)", "TRUE"},
      {"CAST('NaN' AS DOUBLE) > CAST('Infinity' AS DOUBLE)", "TRUE"},
      {"0e0 = -0e0", "TRUE"},
  };
  for (auto [text, expected] : cases) EXPECT_EQ(evaluate_text(text), expected) << text;
  EXPECT_TRUE(evaluate_text("1 = TRUE").starts_with("error: = does not take (INT, BOOLEAN)"));
}

TEST(ComparisonTest, AllOperatorsOnColumns) {
  Schema schema{{"x", TypeKind::kDouble}, {"y", TypeKind::kDouble}};
  const char* rows = "+ 1.0 2.0 | + 2.0 2.0 | + 3.0 2.0 | + NaN 2.0 | + NULL 2.0";
  EXPECT_EQ(evaluate_rows("x = y", schema, rows), "FALSE, TRUE, FALSE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("x <> y", schema, rows), "TRUE, FALSE, TRUE, TRUE, NULL");
  EXPECT_EQ(evaluate_rows("x < y", schema, rows), "TRUE, FALSE, FALSE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("x <= y", schema, rows), "TRUE, TRUE, FALSE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("x > y", schema, rows), "FALSE, FALSE, TRUE, TRUE, NULL");
  EXPECT_EQ(evaluate_rows("x >= y", schema, rows), "FALSE, TRUE, TRUE, TRUE, NULL");
}

TEST(InTest, FindsAndKnowsUnknown) {
  Schema schema{{"x", TypeKind::kInt}, {"y", TypeKind::kInt}, {"s", TypeKind::kString}};
  const char* rows = "+ 1 1 a | + 2 NULL 'a long text of many bytes' | + NULL 3 b";
  EXPECT_EQ(evaluate_rows("x IN (1, 5)", schema, rows), "TRUE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("x IN (1, NULL)", schema, rows), "TRUE, NULL, NULL");
  EXPECT_EQ(evaluate_rows("x NOT IN (1, NULL)", schema, rows), "FALSE, NULL, NULL");
  EXPECT_EQ(evaluate_rows("x IN (y, 7)", schema, rows), "TRUE, NULL, NULL");
  EXPECT_EQ(evaluate_rows("x IN (1, 1.5, 3e0)", schema, rows), "TRUE, FALSE, NULL");
  EXPECT_EQ(evaluate_rows("x IN (11, 12, 13, 14, 15, 16, 17, 18, 19, 2)", schema, rows), "FALSE, TRUE, NULL");
  EXPECT_EQ(evaluate_rows("s IN ('q', 'w', 'e', 'r', 't', 'y', 'u', 'i', 'a long text of many bytes')", schema, rows),
            "FALSE, TRUE, FALSE");
}

}  // namespace
}  // namespace penstock::expr
