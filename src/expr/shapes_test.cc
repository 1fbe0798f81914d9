// Every shape of arguments gives the same: an expression over a batch, with some columns replaced by constants, or for
// a part of the rows only, against the same expression computed row by row on constants.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "expr/test_expression.h"

namespace penstock::expr {
namespace {

using columnar::ChangeBatch;
using types::DataType;
using types::Schema;
using types::TypeKind;
using types::Value;

const Schema& schema() {
  static const Schema kSchema{{"i", TypeKind::kInt},
                              {"j", TypeKind::kBigInt},
                              {"d", TypeKind::kDouble},
                              {"n", DataType::decimal(12, 3)},
                              {"s", TypeKind::kString},
                              {"u", TypeKind::kString},
                              {"p", TypeKind::kBoolean},
                              {"day", TypeKind::kDate},
                              {"at", DataType::timestamp(3)},
                              {"ltz", DataType::timestamp_ltz(6)},
                              {"span", TypeKind::kIntervalDayTime}};
  return kSchema;
}

Value random_value(DataType type, std::mt19937_64& random) {
  if (random() % 5 == 0) return {};
  int64_t small = static_cast<int64_t>(random() % 9) - 4;
  switch (type.kind()) {
    case TypeKind::kInt: return Value(random() % 4 == 0 ? int64_t{static_cast<int32_t>(random())} : small);
    case TypeKind::kBigInt: return Value(random() % 4 == 0 ? static_cast<int64_t>(random()) : small);
    case TypeKind::kDouble: return Value(static_cast<double>(small) * 1.25);
    case TypeKind::kDecimal: return Value(static_cast<types::Int128>(small * 1375));
    case TypeKind::kBoolean: return Value(small > 0);
    case TypeKind::kDate: return Value(20'000 + small * 17);
    case TypeKind::kTimestamp: return Value(1'767'322'800'000'000 + small * 86'399'999'000);
    case TypeKind::kTimestampLtz: return Value(1'767'322'800'000'123 + small * 3'600'000'001);
    case TypeKind::kIntervalDayTime: return Value(small * 43'200'000'000);
    default: {
      constexpr std::string_view kTexts[] = {"",
                                             "a",
                                             "b%",
                                             "12",
                                             "-3.5",
                                             "two words",
                                             "a text of more than twelve bytes",
                                             "gr\xc3\xbc\xc3\x9f"
                                             "e",
                                             "2026-01-02 03:04:05",
                                             "x,y,z"};
      return Value(std::string(kTexts[random() % std::size(kTexts)]));
    }
  }
}

ChangeBatch random_batch(size_t rows, std::mt19937_64& random) {
  std::vector<DataType> types;
  for (const types::Field& field : schema()) types.push_back(field.type);
  columnar::BatchBuilder builder(types);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < types.size(); ++i) builder.column(i).append(random_value(types[i], random));
    builder.end_row();
  }
  return builder.finish();
}

constexpr const char* kExpressions[] = {
    "i + j",
    "i - 3",
    "10 / i",
    "j % i",
    "n + i",
    "n * n",
    "n / i",
    "d / i",
    "-n",
    "i < j",
    "d >= n",
    "s = u",
    "s < u",
    "s <> 'a'",
    "day < at",
    "at = ltz",
    "i IN (1, j, NULL)",
    "s IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', '12', u)",
    "s IS DISTINCT FROM u",
    "d IS NOT DISTINCT FROM i",
    "(i > 0) AND p",
    "p OR (j < i) OR (s = 'a')",
    "NOT p",
    "p IS NOT TRUE",
    "i IS NULL",
    "CASE WHEN p THEN i WHEN i > 1 THEN j ELSE 7 END",
    "CASE WHEN s LIKE '%a%' THEN u ELSE s END",
    "COALESCE(i, j, 5)",
    "COALESCE(s, u)",
    "NULLIF(i, j)",
    "IF(p, n, d)",
    "GREATEST(i, j, 2)",
    "LEAST(s, u)",
    "CAST(s AS INT)",
    "TRY_CAST(s AS DOUBLE)",
    "CAST(i AS STRING)",
    "CAST(d AS DECIMAL(6, 1))",
    "CAST(n AS BIGINT)",
    "CAST(at AS DATE)",
    "CAST(ltz AS TIMESTAMP(3))",
    "CAST(p AS INT)",
    "TRY_CAST(s AS TIMESTAMP(3))",
    "s || u",
    "CONCAT_WS(u, s, 'x', u)",
    "UPPER(s)",
    "SUBSTRING(s, i)",
    "SUBSTRING(s, i, j)",
    "LEFT(s, i)",
    "RIGHT(s, 3)",
    "TRIM(s, u)",
    "LPAD(s, i, u)",
    "REPLACE(s, u, '-')",
    "SPLIT_INDEX(s, ',', i)",
    "POSITION(u, s)",
    "CHAR_LENGTH(s)",
    "s LIKE u",
    "s LIKE 'a%'",
    "REGEXP_EXTRACT(s, '([a-z]+)', 1)",
    "ROUND(n, i)",
    "ROUND(d, 1)",
    "FLOOR(n)",
    "CEIL(d)",
    "ABS(i)",
    "POWER(d, i)",
    "at + span",
    "day - at",
    "span + span",
    "EXTRACT(DAY FROM at)",
    "FLOOR(ltz TO DAY)",
    "CEIL(at TO MONTH)",
    "TIMESTAMPADD(MONTH, i, at)",
    "TIMESTAMPDIFF(HOUR, at, ltz)",
    "DATE_FORMAT(at, 'yyyy-MM-dd HH')",
    "TO_TIMESTAMP(s)",
    "TO_TIMESTAMP_LTZ(j, 3)",
    "(10 / i) + CAST(s AS INT)",
    "(i <> 0) AND ((10 / i) > 1)",
    "CASE WHEN i = 0 THEN 0 ELSE 10 / i END",
};

ExprPtr with_constants(const ExprPtr& expr, const ChangeBatch& batch, size_t row, uint64_t which) {
  return transform(expr, [&](ExprPtr node) -> ExprPtr {
    if (node->kind() != Expr::Kind::kColumn || (which >> node->column_index() & 1) == 0) return node;
    return Expr::literal(batch.column(node->column_index())->value(row), node->type());
  });
}

class ShapesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ShapesTest, AgreeWithConstantsRowByRow) {
  std::mt19937_64 random(41);
  ExprPtr expr = testing::TestExpression::parse(GetParam(), schema()).value();
  for (size_t rows : {1U, 2U, 60U}) {
    ChangeBatch batch = random_batch(rows, random);
    // What each row gives on its own; nothing where it fails.
    std::vector<Result<Value>> expected;
    for (size_t row = 0; row < rows; ++row) {
      expected.push_back(evaluate_constant(*with_constants(expr, batch, row, ~uint64_t{0}), {}));
    }
    auto check = [&](const Expr& shape, const ChangeBatch& input, std::span<const uint16_t> of_rows, const char* what) {
      SCOPED_TRACE(std::string(what) + ": " + shape.to_string());
      RowErrors errors;
      columnar::ColumnPtr column = evaluate(shape, input, {}, errors);
      ASSERT_EQ(column->size(), of_rows.size());
      ASSERT_TRUE(column->type().same_type(expr->type()));
      for (size_t i = 0; i < of_rows.size(); ++i) {
        bool failed = std::any_of(errors.begin(), errors.end(), [&](const RowError& error) { return error.row == i; });
        const Result<Value>& value = expected[of_rows[i]];
        ASSERT_EQ(failed, !value.has_value()) << "row " << of_rows[i];
        ASSERT_EQ(types::to_text(column->value(i), column->type()),
                  value ? types::to_text(*value, expr->type()) : "NULL")
            << "row " << of_rows[i];
      }
    };
    std::vector<uint16_t> all(rows);
    for (size_t i = 0; i < rows; ++i) all[i] = static_cast<uint16_t>(i);
    check(*expr, batch, all, "all columns");
    for (int round = 0; round < 20; ++round) {
      // Some columns as constants: for the one row that they come from.
      auto row = static_cast<uint16_t>(random() % rows);
      const uint16_t one[] = {row};
      check(*with_constants(expr, batch, row, random()), batch.take(one), one, "some constants");
    }
    // Only for some rows, chosen inside: the others are computed by nobody, so they cannot fail.
    std::vector<uint8_t> flags(rows);
    for (uint8_t& flag : flags) flag = random() % 2;
    std::vector<columnar::ColumnPtr> columns = batch.columns();
    columns.push_back(std::make_shared<const columnar::Column>(TypeKind::kBoolean, flags, std::vector<uint8_t>()));
    ChangeBatch flagged(rows, columns);
    ExprPtr chosen = Expr::column(columns.size() - 1, TypeKind::kBoolean, "flag");
    ExprPtr partial =
        Expr::case_when({chosen, expr, Expr::literal({}, expr->type())}, expr->type().with_nullable(true));
    RowErrors errors;
    columnar::ColumnPtr column = evaluate(*partial, flagged, {}, errors);
    for (size_t row = 0; row < rows; ++row) {
      bool failed = std::any_of(errors.begin(), errors.end(), [&](const RowError& error) { return error.row == row; });
      EXPECT_EQ(failed, flags[row] != 0 && !expected[row].has_value());
      bool has_value = flags[row] != 0 && expected[row].has_value();
      EXPECT_EQ(types::to_text(column->value(row), column->type()),
                has_value ? types::to_text(*expected[row], expr->type()) : "NULL")
          << partial->to_string() << " row " << row;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Expressions, ShapesTest, ::testing::ValuesIn(kExpressions));

}  // namespace
}  // namespace penstock::expr
