// What aggregates keep on the heap is counted: it is what the heap holds, and none is left when all rows are taken
// back.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/heap_test.h"
#include "base/state_memory.h"
#include "columnar/column.h"
#include "expr/aggregate.h"

namespace penstock::expr {
namespace {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using types::DataType;
using types::TypeKind;
using types::Value;

constexpr size_t kRows = 8'000;
constexpr size_t kBatchRows = 2'000;

struct Call {
  std::string name;
  DataType type;
  std::vector<AggregateConstant> constants = {};
  bool retractable = true;
};

// One accumulator.
class Accumulator {
 public:
  explicit Accumulator(const BoundAggregate& bound) : kernels_(bound.kernels) {
    kernels_.init(bytes_, *bound.parameters);
  }
  ~Accumulator() {
    if (kernels_.destroy != nullptr) kernels_.destroy(bytes_);
  }
  Accumulator(const Accumulator&) = delete;
  Accumulator& operator=(const Accumulator&) = delete;

  void update(const ColumnPtr& column, int8_t weight) {
    const std::vector<AggregateKernels::State> states(column->size(), bytes_);
    const std::vector<int8_t> weights(column->size(), weight);
    kernels_.update(states, column.get(), kernels_.retracts ? weights.data() : nullptr);
  }

 private:
  const AggregateKernels& kernels_;
  alignas(16) std::byte bytes_[128];
};

ColumnPtr values(DataType type, size_t first) {
  ColumnBuilder builder(type);
  for (size_t i = first; i < first + kBatchRows; ++i) {
    if (type.physical() == types::Physical::kString) {
      builder.append_string("a text of some forty bytes and the number " + std::to_string(i));
    } else if (type.physical() == types::Physical::kDouble) {
      builder.append_double(static_cast<double>(i) * 1.5);
    } else {
      builder.append_int64(static_cast<int64_t>(i));
    }
  }
  return builder.finish();
}

BoundAggregate bind(const Call& call) {
  AggregateParameters parameters{.inputs = {call.type}, .order = {}, .constants = call.constants, .json = {}};
  Result<BoundAggregate> bound = bind_aggregate(*find_aggregate(call.name), parameters, call.retractable);
  EXPECT_TRUE(bound.has_value()) << call.name;
  return *std::move(bound);
}

const AggregateConstant kHalf{.type = TypeKind::kDouble, .value = Value(0.5)};
const AggregateConstant kThree{.type = TypeKind::kInt, .value = Value(int64_t{3})};

const std::vector<Call>& calls_that_keep_rows() {
  static const std::vector<Call> calls = {
      {"ARRAY_AGG", TypeKind::kString},
      {"ARRAY_AGG", TypeKind::kBigInt},
      {"STRING_AGG", TypeKind::kString},
      {"JSON_ARRAYAGG", TypeKind::kString},
      {"COLLECT", TypeKind::kString},
      {"HISTOGRAM", TypeKind::kBigInt},
      {"MIN", TypeKind::kBigInt},
      {"MAX", TypeKind::kString},
      {"FIRST_VALUE", TypeKind::kString},
      {"LAST_VALUE", TypeKind::kDouble},
      {"MEDIAN", TypeKind::kDouble},
      {"PERCENTILE", TypeKind::kDouble, {kHalf}},
      {"APPROX_COUNT_DISTINCT", TypeKind::kString},
      {"APPROX_TOP_K", TypeKind::kString, {kThree}},
  };
  return calls;
}

TEST(AggregateMemory, IsWhatTheHeapHolds) {
  for (const Call& call : calls_that_keep_rows()) {
    SCOPED_TRACE(call.name + " " + call.type.to_string());
    const BoundAggregate bound = bind(call);
    ASSERT_TRUE(bound.kernels.retracts);
    const StateMeter meter;
    {
      Accumulator accumulator(bound);
      const int64_t empty = meter.bytes();
      EXPECT_LT(empty, 512);
      const int64_t heap_before = heap_bytes();
      for (size_t row = 0; row < kRows; row += kBatchRows) accumulator.update(values(bound.argument_type, row), 1);
      const int64_t full = meter.bytes() - empty;
      const int64_t heap = heap_bytes() - heap_before;
      EXPECT_GT(full, static_cast<int64_t>(kRows * sizeof(int64_t)));
      EXPECT_GT(full, heap / 2);
      EXPECT_LT(full, 2 * heap);
      for (size_t row = 0; row < kRows; row += kBatchRows) accumulator.update(values(bound.argument_type, row), -1);
      // But for the buckets of a hash table.
      EXPECT_LT(meter.bytes() - empty, full / 4);
    }
    EXPECT_EQ(meter.bytes(), 0);
  }
}

TEST(AggregateMemory, IsThatOfRowsThatAreNeverTakenBack) {
  const std::vector<Call> calls = {
      {.name = "ARRAY_AGG", .type = TypeKind::kString, .retractable = false},
      {.name = "STRING_AGG", .type = TypeKind::kString, .retractable = false},
      {.name = "MEDIAN", .type = TypeKind::kDouble, .retractable = false},
  };
  for (const Call& call : calls) {
    SCOPED_TRACE(call.name);
    const BoundAggregate bound = bind(call);
    const StateMeter meter;
    {
      Accumulator accumulator(bound);
      const int64_t heap_before = heap_bytes();
      for (size_t row = 0; row < kRows; row += kBatchRows) accumulator.update(values(bound.argument_type, row), 1);
      const int64_t heap = heap_bytes() - heap_before;
      EXPECT_GT(meter.bytes(), heap / 2);
      EXPECT_LT(meter.bytes(), 2 * heap);
    }
    EXPECT_EQ(meter.bytes(), 0);
  }
}

// Those of which the documentation says that they need little.
TEST(AggregateMemory, OfApproximationsIsSmall) {
  const std::vector<Call> calls = {
      {.name = "APPROX_COUNT_DISTINCT", .type = TypeKind::kString, .retractable = false},
      {.name = "APPROX_PERCENTILE", .type = TypeKind::kDouble, .constants = {kHalf}},
      {.name = "MAX", .type = TypeKind::kString, .retractable = false},
      {.name = "SUM", .type = TypeKind::kBigInt},
  };
  for (const Call& call : calls) {
    SCOPED_TRACE(call.name);
    const BoundAggregate bound = bind(call);
    const StateMeter meter;
    Accumulator accumulator(bound);
    for (size_t row = 0; row < kRows; row += kBatchRows) accumulator.update(values(bound.argument_type, row), 1);
    EXPECT_LT(meter.bytes(), 64 << 10);
  }
}

}  // namespace
}  // namespace penstock::expr
