#include "exec/operators/recursion.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "exec/operators/text_output_test.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using types::TypeKind;

ChangeBatch numbers(int64_t first, int64_t count) {
  ColumnBuilder builder(TypeKind::kBigInt);
  for (int64_t i = 0; i < count; ++i) builder.append_int64(first + i);
  return {static_cast<size_t>(count), {builder.finish()}};
}

// Answers each batch with so many, one in each call, and with one more at the barrier.
class Answers : public Operator {
 public:
  Answers(int batches, bool empty, int* calls) : batches_(batches), empty_(empty), calls_(calls) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    EXPECT_FALSE(unfinished()) << "a batch came before the last one was answered";
    first_ = batch.columns()[0]->values<int64_t>()[0];
    left_ = batches_;
    return resume(out);
  }
  bool unfinished() const override { return left_ > 0; }
  Status resume(Output& out) override {
    ++*calls_;
    --left_;
    if (!empty_) out.emit(numbers(first_, 10));
    return {};
  }
  Result<Progress> on_barrier(Epoch /*epoch*/, Output& /*out*/) override {
    EXPECT_FALSE(unfinished()) << "an epoch ended before all its rows were answered";
    return Progress::kDone;
  }

 private:
  const int batches_;
  const bool empty_;
  int* const calls_;
  int64_t first_ = 0;
  int left_ = 0;
};

// A step of three fragments: the rows of the last step, what is made of them, and a fragment behind that.
RecursionOptions options(int batches, bool empty, int64_t rows_max, int* calls) {
  RecursionOptions options{.schema = {{"n", TypeKind::kBigInt}},
                           .all = true,
                           .steps = {.max = 100, .setting = "steps"},
                           .rows = {.max = rows_max, .setting = "rows"},
                           .step = std::vector<FragmentSpec>(3),
                           .ports = {0, -1, -1}};
  const auto make = [=](bool last) {
    return [=](int /*instance*/) -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<Answers>(batches, last && empty, calls);
    };
  };
  options.step[1].inputs.push_back({.from = 0});
  options.step[1].chain.push_back(make(false));
  options.step[2].inputs.push_back({.from = 1});
  options.step[2].chain.push_back(make(true));
  return options;
}

TEST(RecursionTest, OneCallDoesASmallPieceOfAStep) {
  int calls = 0;
  const auto recursion = make_recursion(options(500, true, 1'000'000, &calls)).value();
  TextOutput out;
  ASSERT_TRUE(recursion->process(0, numbers(1, 1), out));
  int before = 0;
  for (Progress progress = Progress::kMore; progress == Progress::kMore; before = calls) {
    const auto called = recursion->on_watermark(kMaxEventTime, out);
    ASSERT_TRUE(called) << called.error().to_string();
    progress = *called;
    EXPECT_LE(calls - before, 100);
  }
  EXPECT_EQ(calls, 500 + 500 * 500) << "and all of it is done in the end";
  EXPECT_EQ(out.take(), "+I 1");
}

TEST(RecursionTest, TheLimitOfRowsHoldsWithinAStep) {
  int calls = 0;
  const auto recursion = make_recursion(options(500, false, 1'000, &calls)).value();
  TextOutput out;
  ASSERT_TRUE(recursion->process(0, numbers(1, 1), out));
  Result<Progress> called = Progress::kMore;
  while (called && *called == Progress::kMore) called = recursion->on_watermark(kMaxEventTime, out);
  ASSERT_FALSE(called);
  EXPECT_EQ(called.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_LE(calls, 300);
}

TEST(RecursionTest, RowsBesideTheStepGoThroughInPiecesToo) {
  int calls = 0;
  RecursionOptions step = options(500, true, 1'000, &calls);
  step.ports[0] = 1;
  const auto recursion = make_recursion(std::move(step)).value();
  TextOutput out;
  ASSERT_TRUE(recursion->process(1, numbers(1, 1), out));
  for (int before = calls; recursion->unfinished(); before = calls) {
    ASSERT_TRUE(recursion->resume(out));
    EXPECT_LE(calls - before, 100);
  }
  EXPECT_EQ(calls, 500 + 500 * 500);
}

}  // namespace
}  // namespace penstock::exec
