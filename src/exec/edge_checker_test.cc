#include "exec/edge_checker.h"

#include <gtest/gtest.h>

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;

const types::Schema kSchema = {{"k", types::TypeKind::kBigInt}, {"v", types::TypeKind::kString}};

ChangeBatch batch(std::string_view text, const types::Schema& schema = kSchema) {
  return *columnar::batch_from_text(text, schema);
}

// The error of the last message; those before it must be in order.
std::string check(const std::vector<Message>& messages) {
  EdgeChecker checker(kSchema);
  for (size_t i = 0; i + 1 < messages.size(); ++i) EXPECT_TRUE(checker.check(messages[i]).has_value());
  Status status = checker.check(messages.back());
  return status ? "" : status.error().message();
}

TEST(EdgeChecker, LetsAnOrderlyStreamPass) {
  EXPECT_EQ(check({batch("+ 1 a | + 1 a"), Watermark{EventTime(5)}, batch("- 1 a"), Barrier{Epoch(1)},
                   Watermark{.time = EventTime(5), .idle = true}, batch("- 1 a | + NULL NULL"), Barrier{Epoch(2)},
                   EndOfInput{}}),
            "");
}

TEST(EdgeChecker, ColumnsAreAsDeclared) {
  EXPECT_EQ(check({batch("+ 1", {{"k", types::TypeKind::kBigInt}})}), "a batch of 1 columns where 2 are declared");
  EXPECT_EQ(check({batch("+ 1 2", {{"k", types::TypeKind::kBigInt}, {"v", types::TypeKind::kInt}})}),
            "column v is INT but is declared as STRING");
  const ChangeBatch good = batch("+ 1 a | + 2 b");
  EXPECT_EQ(check({ChangeBatch(1, good.columns())}), "column k has 2 of 1 rows");
  EXPECT_EQ(check({ChangeBatch(0, good.columns())}), "a batch of 0 rows");
  EXPECT_EQ(check({ChangeBatch(2, good.columns(), std::make_shared<columnar::RowOps>(1))}),
            "ops and rows differ in number");
}

TEST(EdgeChecker, ControlOnlyGoesForward) {
  EXPECT_EQ(check({Watermark{EventTime(5)}, Watermark{EventTime(4)}}), "the watermark went back from 5 to 4");
  EXPECT_EQ(check({Barrier{Epoch(2)}, Barrier{Epoch(2)}}), "epoch 2 after epoch 2");
  EXPECT_EQ(check({EndOfInput{}, Barrier{Epoch(1)}}), "a message after the end of input");
  EXPECT_EQ(check({EndOfInput{}, batch("+ 1 a")}), "a message after the end of input");
}

TEST(EdgeChecker, NoRowIsDeletedMoreOftenThanInserted) {
  // Within an epoch the order does not matter.
  EXPECT_EQ(check({batch("- 1 a"), batch("+ 1 a"), Barrier{Epoch(1)}}), "");
  EXPECT_EQ(check({batch("+ 1 a | - 1 a | - 1 a"), Barrier{Epoch(1)}}),
            "a row was deleted more often than inserted: +I 1 a");
  EXPECT_EQ(check({batch("+ 1 a"), Barrier{Epoch(1)}, batch("-U 1 b | +U 1 c"), EndOfInput{}}),
            "a row was deleted more often than inserted: +I 1 b");
}

// Rows 0, 1, ... with the op.
void send_rows(EdgeChecker& checker, size_t rows, columnar::RowOp op, std::string_view value) {
  for (size_t begin = 0; begin < rows; begin += columnar::kBatchRowsMax) {
    columnar::BatchBuilder builder({types::TypeKind::kBigInt, types::TypeKind::kString});
    for (size_t i = begin; i < std::min(rows, begin + columnar::kBatchRowsMax); ++i) {
      builder.column(0).append_int64(static_cast<int64_t>(i));
      builder.column(1).append_string(value);
      builder.end_row(op);
    }
    ASSERT_TRUE(checker.check(builder.finish()).has_value());
  }
}

TEST(EdgeChecker, CountsAPartOfManyRows) {
  constexpr size_t kRows = 10 * EdgeChecker::kCountedRowsMax;
  EdgeChecker checker(kSchema);
  send_rows(checker, kRows, columnar::RowOp::kInsert, "x");
  EXPECT_TRUE(checker.check(Barrier{Epoch(1)}).has_value());
  send_rows(checker, kRows, columnar::RowOp::kDelete, "x");
  EXPECT_TRUE(checker.check(Barrier{Epoch(2)}).has_value()) << "of what was counted all has gone";
  send_rows(checker, 1000, columnar::RowOp::kDelete, "y");
  EXPECT_FALSE(checker.check(Barrier{Epoch(3)}).has_value());
}

}  // namespace
}  // namespace penstock::exec
