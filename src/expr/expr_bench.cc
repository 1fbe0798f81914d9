// Evaluation of typical expressions over full batches.
#include <benchmark/benchmark.h>

#include <random>

#include "columnar/change_batch.h"
#include "expr/aggregate.h"
#include "expr/evaluate.h"
#include "expr/test_expression.h"

namespace penstock::expr {
namespace {

using columnar::ChangeBatch;
using types::DataType;
using types::Schema;
using types::TypeKind;

const Schema& bid_schema() {
  static const Schema kSchema{{"auction", TypeKind::kBigInt}, {"price", TypeKind::kBigInt},
                              {"ratio", TypeKind::kDouble},   {"amount", DataType::decimal(18, 2)},
                              {"url", TypeKind::kString},     {"at", DataType::timestamp(3)}};
  return kSchema;
}

ChangeBatch bids() {
  std::mt19937_64 random(1);
  std::vector<DataType> types;
  for (const types::Field& field : bid_schema()) types.push_back(field.type);
  columnar::BatchBuilder builder(types);
  for (size_t i = 0; i < columnar::kBatchRowsMax; ++i) {
    builder.column(0).append_int64(static_cast<int64_t>(random() % 1000));
    builder.column(1).append_int64(static_cast<int64_t>(random() % 100'000));
    builder.column(2).append_double(static_cast<double>(random() % 1000) / 7);
    builder.column(3).append_int128(static_cast<types::Int128>(random() % 10'000'000));
    builder.column(4).append_string("https://example.com/item/" + std::to_string(random() % 100'000));
    builder.column(5).append_int64(1'767'322'800'000'000 + static_cast<int64_t>(i) * 1000);
    builder.end_row();
  }
  return builder.finish();
}

void evaluate_expression(benchmark::State& state, const char* text) {
  ChangeBatch batch = bids();
  ExprPtr expr = testing::TestExpression::parse(text, bid_schema()).value();
  RowErrors errors;
  for (auto _ : state) benchmark::DoNotOptimize(evaluate(*expr, batch, {}, errors));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch.rows()));
}
BENCHMARK_CAPTURE(evaluate_expression, bigint_arithmetic, "(price * 908) / 1000");
BENCHMARK_CAPTURE(evaluate_expression, double_arithmetic, "(ratio * 0.908e0) + 1e0");
BENCHMARK_CAPTURE(evaluate_expression, decimal_product, "amount * 0.908");
BENCHMARK_CAPTURE(evaluate_expression, case_of_three,
                  "CASE WHEN price < 1000 THEN 'low' WHEN price < 50000 THEN 'middle' ELSE 'high' END");
BENCHMARK_CAPTURE(evaluate_expression, split_index, "SPLIT_INDEX(url, '/', 3)");
BENCHMARK_CAPTURE(evaluate_expression, date_format, "DATE_FORMAT(at, 'yyyy-MM-dd HH:mm')");
BENCHMARK_CAPTURE(evaluate_expression, extract_hour, "EXTRACT(HOUR FROM at)");

void select_rows(benchmark::State& state, const char* text) {
  ChangeBatch batch = bids();
  ExprPtr expr = testing::TestExpression::parse(text, bid_schema()).value();
  RowErrors errors;
  for (auto _ : state) benchmark::DoNotOptimize(select(*expr, batch, {}, errors));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch.rows()));
}
BENCHMARK_CAPTURE(select_rows, one_comparison, "price > 50000");
BENCHMARK_CAPTURE(select_rows, remainder, "(auction % 123) = 0");
BENCHMARK_CAPTURE(select_rows, conjunction, "(price > 1000) AND (auction < 500) AND (ratio > 10e0)");
BENCHMARK_CAPTURE(select_rows, in_list, "auction IN (1007, 1020, 2001, 2019, 2087)");
BENCHMARK_CAPTURE(select_rows, like_part, "url LIKE '%item/9%'");

void update_aggregate(benchmark::State& state, const char* name, size_t column) {
  ChangeBatch batch = bids();
  BoundAggregate aggregate = bind_aggregate(name, bid_schema()[column].type, false).value();
  constexpr size_t kGroups = 1000;
  constexpr size_t kSlotBytes = 64;
  std::vector<std::byte> memory(kGroups * kSlotBytes + 16);
  auto base = (reinterpret_cast<uintptr_t>(memory.data()) + 15) & ~uintptr_t{15};
  std::vector<AggregateKernels::State> states;
  for (size_t i = 0; i < kGroups; ++i) aggregate.kernels.init(reinterpret_cast<std::byte*>(base) + i * kSlotBytes);
  for (int64_t group : batch.column(0)->values<int64_t>()) {
    states.push_back(reinterpret_cast<std::byte*>(base) + static_cast<size_t>(group) * kSlotBytes);
  }
  for (auto _ : state) aggregate.kernels.update(states, batch.column(column).get(), nullptr);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch.rows()));
}
BENCHMARK_CAPTURE(update_aggregate, count, "COUNT", 1);
BENCHMARK_CAPTURE(update_aggregate, sum_bigint, "SUM", 1);
BENCHMARK_CAPTURE(update_aggregate, avg_double, "AVG", 2);
BENCHMARK_CAPTURE(update_aggregate, max_bigint, "MAX", 1);

}  // namespace
}  // namespace penstock::expr
