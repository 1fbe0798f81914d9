#include <gtest/gtest.h>

#include <random>

#include "expr/decimal_arithmetic.h"
#include "expr/test_expression.h"
#include "types/decimal.h"

namespace penstock::expr {
namespace {

using testing::evaluate_text;
using types::DataType;
using types::Int128;
using types::TypeKind;

std::string typed(std::string_view text) { return evaluate_text(text, {}, true); }

TEST(ArithmeticTest, ResultTypesAreFlinks) {
  EXPECT_EQ(typed("1 + 2"), "INT: 3");
  EXPECT_EQ(typed("2147483647 + 1"), "INT: -2147483648");
  EXPECT_EQ(typed("2147483648 + 1"), "BIGINT: 2147483649");
  EXPECT_EQ(typed("9223372036854775807 + 1"), "BIGINT: -9223372036854775808");
  EXPECT_EQ(typed("CAST(100 AS TINYINT) + CAST(100 AS TINYINT)"), "TINYINT: -56");
  EXPECT_EQ(typed("-2147483648 / -1"), "BIGINT: 2147483648");
  EXPECT_EQ(typed("CAST(-2147483648 AS INT) / -1"), "INT: -2147483648");
  EXPECT_EQ(typed("7 / 2"), "INT: 3");
  EXPECT_EQ(typed("-7 / 2"), "INT: -3");
  EXPECT_EQ(typed("-7 % 3"), "INT: -1");
  EXPECT_EQ(typed("CAST(7 AS BIGINT) % 4"), "INT: 3");
  EXPECT_EQ(typed("1.5 + 2"), "DECIMAL(12, 1): 3.5");
  EXPECT_EQ(typed("1.5 * 1.5"), "DECIMAL(5, 2): 2.25");
  EXPECT_EQ(typed("1.0 / 3.0"), "DECIMAL(8, 6): 0.333333");
  EXPECT_EQ(typed("CAST(1 AS DECIMAL(38, 10)) / CAST(3 AS DECIMAL(38, 10))"), "DECIMAL(38, 6): 0.333333");
  EXPECT_EQ(typed("CAST(7.5 AS DECIMAL(10, 2)) % 2"), "DECIMAL(10, 2): 1.50");
  EXPECT_EQ(typed("1.5 + 1e0"), "DOUBLE: 2.5");
  EXPECT_EQ(typed("CAST(1 AS FLOAT) + 1"), "FLOAT: 2.0");
  EXPECT_EQ(typed("1e0 / 0"), "DOUBLE: Infinity");
  EXPECT_EQ(typed("0e0 / 0"), "DOUBLE: NaN");
  EXPECT_EQ(typed("1 / 0"), "row error: division by zero");
  EXPECT_EQ(typed("1 % 0"), "row error: division by zero");
  EXPECT_EQ(typed("1.0 / 0"), "row error: division by zero");
  EXPECT_EQ(typed("CAST('99999999999999999999999999999999999999' AS DECIMAL(38, 0)) + 1"),
            "row error: the result does not fit DECIMAL(38, 0)");
  EXPECT_EQ(typed("MOD(7, 3)"), "INT: 1");
  EXPECT_EQ(typed("-CAST(-128 AS TINYINT)"), "TINYINT: -128");
  EXPECT_EQ(typed("12345678901234567890"), "DECIMAL(20, 0): 12345678901234567890");
  EXPECT_EQ(typed("0.05"), "DECIMAL(3, 2): 0.05");
  EXPECT_EQ(typed("0.908 * CAST(127 AS BIGINT)"), "DECIMAL(24, 3): 115.316");
  EXPECT_EQ(typed("1e3"), "DOUBLE: 1000.0");
}

// Every shape of operands against a plain evaluation row by row.
TEST(ArithmeticTest, KernelsAgreeWithPlainArithmetic) {
  std::mt19937_64 random(5);
  types::Schema schema{{"a", TypeKind::kBigInt}, {"b", TypeKind::kInt}};
  columnar::BatchBuilder builder({TypeKind::kBigInt, TypeKind::kInt});
  for (int i = 0; i < 1000; ++i) {
    random() % 5 == 0 ? builder.column(0).append_null()
                      : builder.column(0).append_int64(static_cast<int64_t>(random() >> (random() % 64)));
    random() % 5 == 0 ? builder.column(1).append_null()
                      : builder.column(1).append_int64(static_cast<int32_t>(random() >> (random() % 64)));
    builder.end_row();
  }
  columnar::ChangeBatch batch = builder.finish();
  const struct {
    const char* text;
    int64_t (*plain)(int64_t a, int64_t b);
  } cases[] = {
      {"a + b",
       [](int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b)); }},
      {"a - b",
       [](int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b)); }},
      {"a * b",
       [](int64_t a, int64_t b) { return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }},
      {"b + 7",
       [](int64_t, int64_t b) { return static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(b) + 7U)); }},
      {"7 - b",
       [](int64_t, int64_t b) { return static_cast<int64_t>(static_cast<int32_t>(7U - static_cast<uint32_t>(b))); }},
      {"a / 3", [](int64_t a, int64_t) { return a / 3; }},
  };
  for (const auto& c : cases) {
    ExprPtr expr = testing::TestExpression::parse(c.text, schema).value();
    std::vector<size_t> used;
    collect_columns(*expr, used);
    RowErrors errors;
    columnar::ColumnPtr result = evaluate(*expr, batch, {}, errors);
    EXPECT_TRUE(errors.empty());
    for (size_t row = 0; row < batch.rows(); ++row) {
      bool null = false;
      for (size_t column : used) null |= batch.column(column)->is_null(row);
      ASSERT_EQ(result->is_null(row), null) << c.text << " row " << row;
      if (null) continue;
      ASSERT_EQ(result->values<int64_t>()[row],
                c.plain(batch.column(0)->values<int64_t>()[row], batch.column(1)->values<int64_t>()[row]))
          << c.text << " row " << row;
    }
  }
}

TEST(DecimalArithmeticTest, WideProductsAndQuotients) {
  Int128 big = types::power_of_ten(38) - 1;
  DataType result = DataType::decimal(38, 0);
  // 0.99...9 (38 digits) squared, to 37 places: rounds up to 1.
  EXPECT_TRUE(decimal_multiply(big, 38, big, 38, DataType::decimal(38, 37)) == types::power_of_ten(37));
  EXPECT_TRUE(decimal_multiply(big, 38, -big, 38, DataType::decimal(38, 37)) == -types::power_of_ten(37));
  EXPECT_FALSE(decimal_multiply(big, 0, big, 0, result).has_value());
  EXPECT_TRUE(decimal_multiply(types::power_of_ten(20), 10, types::power_of_ten(20), 10, result) ==
              types::power_of_ten(20));
  EXPECT_TRUE(decimal_divide(big, 0, big, 0, DataType::decimal(38, 6)) == Int128{1'000'000});
  EXPECT_TRUE(decimal_divide(1, 0, 3, 0, DataType::decimal(38, 37)) == types::power_of_ten(37) / 3);
  EXPECT_TRUE(decimal_divide(-2, 0, 3, 0, DataType::decimal(8, 6)) == Int128{-666'667});
  EXPECT_EQ(decimal_compare(big, 0, 1, 38), 1);
  EXPECT_EQ(decimal_compare(-big, 0, 1, 38), -1);
  EXPECT_EQ(decimal_compare(1, 38, big, 0), -1);
  EXPECT_EQ(decimal_compare(150, 2, 15, 1), 0);
}

// (a / b) * b comes back to a within half a unit of the quotient's last place times b.
TEST(DecimalArithmeticTest, QuotientsAreRoundedHalfUp) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 5000; ++i) {
    Int128 a = static_cast<Int128>(random() >> (random() % 60));
    Int128 b = static_cast<Int128>(random() >> (random() % 60)) + 1;
    Int128 q = decimal_divide(a, 0, b, 0, DataType::decimal(38, 10)).value_or(-1);
    if (q < 0) continue;  // does not fit
    Int128 scaled = a * types::power_of_ten(10);
    Int128 difference = q * b - scaled;
    EXPECT_TRUE(difference * 2 <= b && difference * 2 > -b)
        << static_cast<int64_t>(a) << "/" << static_cast<int64_t>(b);
  }
}

}  // namespace
}  // namespace penstock::expr
