#include "expr/common_parts.h"

#include <gtest/gtest.h>

#include <array>

#include "expr/evaluate.h"
#include "expr/function.h"
#include "expr/kernel.h"
#include "expr/test_expression.h"
#include "types/time_zone.h"

namespace penstock::expr {
namespace {

using columnar::batch_from_text;
using columnar::ChangeBatch;
using testing::TestExpression;
using types::Schema;

const Schema kSchema{{"a", TypeKind::kBigInt}, {"b", TypeKind::kBigInt}, {"s", TypeKind::kString}};

ExprPtr parse(std::string_view text) { return TestExpression::parse(text, kSchema).value(); }

std::vector<ExprPtr> parse_all(const std::vector<std::string_view>& texts) {
  std::vector<ExprPtr> expressions;
  for (const std::string_view text : texts) expressions.push_back(parse(text));
  return expressions;
}

// A function that is its argument, and counts the rows for which it is computed.
size_t rows_computed = 0;
void count_rows(KernelCall& call) {
  rows_computed += call.rows();
  map_unary<int64_t, int64_t>(call, [](int64_t value) { return value; });
}
constexpr ScalarFunction kCounted{"COUNTED", FunctionCategory::kInternal, "", "", "", nullptr};
ExprPtr counted(const ExprPtr& argument) { return Expr::call(kCounted, count_rows, {argument}, argument->type()); }

TEST(CommonParts, AreOneNode) {
  const auto shared = share_common_parts(parse_all({"(a + b) * 2", "a + b", "(a + b) > 7", "a - b", "a"}));
  const Expr* sum = shared[1].get();
  EXPECT_TRUE(sum->is_common());
  EXPECT_EQ(shared[0]->child(0).get(), sum);
  EXPECT_EQ(shared[2]->child(0).get(), sum);
  EXPECT_FALSE(shared[0]->is_common());
  EXPECT_FALSE(shared[3]->is_common());
  EXPECT_FALSE(shared[4]->is_common()) << "a column costs nothing";
}

TEST(CommonParts, OfCommonPartsAreOnlyMarkedWhereTheyStandAlone) {
  const auto shared = share_common_parts(parse_all({"UPPER(s || 'x') || 'y'", "UPPER(s || 'x') || 'z'"}));
  const Expr& upper = *shared[0]->child(0);
  EXPECT_TRUE(upper.is_common());
  EXPECT_FALSE(upper.child(0)->is_common()) << "it is computed once with what it is part of";
}

TEST(CommonParts, AreNotMadeOfChance) {
  const ExprPtr twice = share_common_parts(parse("RAND() - RAND()"));
  EXPECT_FALSE(twice->child(0)->is_common());
}

TEST(CommonParts, DifferInTypesLiteralsAndZones) {
  for (const auto& [one, other] : {std::pair("CAST(a AS INT)", "TRY_CAST(a AS INT)"), std::pair("a + 1", "a + 2"),
                                   std::pair("CAST(s AS INT)", "CAST(s AS BIGINT)"), std::pair("a + b", "b + a")}) {
    EXPECT_FALSE(share_common_parts(parse_all({one, other}))[0]->is_common()) << one;
  }
  const auto of_null = [](TypeKind type) { return Expr::cast(Expr::literal({}, type), TypeKind::kString); };
  EXPECT_FALSE(share_common_parts({of_null(TypeKind::kInt), of_null(TypeKind::kBigInt)})[0]->is_common());
  const auto in_zone = [](const char* zone) { return parse("a + 1")->with_zone(**types::TimeZone::find(zone)); };
  EXPECT_FALSE(share_common_parts({in_zone("Europe/Berlin"), in_zone("UTC")})[0]->is_common());
  EXPECT_TRUE(share_common_parts({in_zone("UTC"), in_zone("UTC")})[0]->is_common());
}

TEST(CommonParts, DifferInTheSignOfZero) {
  const auto over = [](double zero) {
    return bind_call("/", {parse("CAST(a AS DOUBLE)"), Expr::literal(Value(zero), TypeKind::kDouble)}).value();
  };
  EXPECT_FALSE(share_common_parts({over(0.0), over(-0.0)})[0]->is_common());
  EXPECT_TRUE(share_common_parts({over(0.0), over(0.0)})[0]->is_common());
}

TEST(CommonParts, AreComputedOnceForAllPlacesAndRows) {
  const ChangeBatch batch = batch_from_text("+ 1 0 x | + 2 0 y | + 3 0 z | + 4 0 w", kSchema).value();
  const ExprPtr f = counted(parse("a"));
  const auto is = [&](int64_t value) {
    return bind_call("=", {f, Expr::literal(Value(value), TypeKind::kBigInt)}).value();
  };
  // The first condition is computed for all rows, and the others for what it leaves.
  const ExprPtr cases = Expr::case_when({is(1), parse("10"), is(2), parse("20"), f}, TypeKind::kBigInt);
  const auto shared = share_common_parts({cases, f});
  RowErrors errors;
  rows_computed = 0;
  const auto columns = evaluate_all(shared, batch, {}, errors);
  EXPECT_EQ(rows_computed, 4);
  EXPECT_EQ(columns[0]->value(1), Value(int64_t{20}));
  EXPECT_EQ(columns[0]->value(3), Value(int64_t{4}));
  EXPECT_EQ(columns[1]->value(3), Value(int64_t{4}));
}

TEST(CommonParts, AreNotComputedForRowsThatDoNotNeedThem) {
  const ChangeBatch batch = batch_from_text("+ 1 0 x | + 2 1 y | + 3 0 z", kSchema).value();
  const std::string_view text = "CASE WHEN b <> 0 THEN (a / b) + (a / b) ELSE -1 END";
  RowErrors errors;
  const ColumnPtr column = evaluate(*share_common_parts(parse(text)), batch, {}, errors);
  EXPECT_TRUE(errors.empty());
  EXPECT_EQ(column->value(0), Value(int64_t{-1}));
  EXPECT_EQ(column->value(1), Value(int64_t{4}));
}

TEST(CommonParts, FailTheirRowsInEveryPlace) {
  const ChangeBatch batch = batch_from_text("+ 1 0 x | + 2 1 y", kSchema).value();
  const auto shared = share_common_parts(parse_all({"a / b", "(a / b) IS NULL", "a"}));
  RowErrors errors;
  evaluate_all(shared, batch, {}, errors);
  errors = one_error_per_row(std::move(errors));
  ASSERT_EQ(errors.size(), 1);
  EXPECT_EQ(errors[0].row, 0);
  EXPECT_EQ(select(*share_common_parts(parse("((a / b) IS NULL) OR ((a / b) > 0)")), batch, {}, errors),
            columnar::Selection{1});
}

}  // namespace
}  // namespace penstock::expr
