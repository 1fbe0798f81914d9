// Looking up the groups of random keys.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "columnar/change_batch.h"
#include "state/group_table.h"

namespace penstock::state {
namespace {

using columnar::ColumnPtr;

constexpr size_t kBatches = 256;

std::vector<ColumnPtr> make_columns(types::DataType type, int64_t keys) {
  std::mt19937_64 random(1);
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < kBatches; ++i) {
    columnar::ColumnBuilder builder(type);
    for (size_t row = 0; row < columnar::kBatchRowsMax; ++row) {
      const auto key = static_cast<int64_t>(random() % static_cast<uint64_t>(keys));
      if (type.physical() == types::Physical::kString) {
        builder.append_string("customer-" + std::to_string(key + 1'000'000));  // too long to be inline
      } else {
        builder.append_int64(key);
      }
    }
    columns.push_back(builder.finish());
  }
  return columns;
}

void find_or_insert(benchmark::State& state, types::DataType type) {
  const std::vector<ColumnPtr> columns = make_columns(type, state.range(0));
  GroupTable table({type}, {.bytes = 16});
  std::vector<std::byte*> groups;
  const auto look_up = [&](const ColumnPtr& column) {
    table.find_or_insert(std::span(&column, 1), column->size(), groups);
    benchmark::DoNotOptimize(groups.data());
  };
  for (const ColumnPtr& column : columns) look_up(column);
  for (auto _ : state) {
    for (const ColumnPtr& column : columns) look_up(column);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatches * columnar::kBatchRowsMax));
}

void BM_FindIntegers(benchmark::State& state) { find_or_insert(state, types::TypeKind::kBigInt); }
BENCHMARK(BM_FindIntegers)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

void BM_FindStrings(benchmark::State& state) { find_or_insert(state, types::TypeKind::kString); }
BENCHMARK(BM_FindStrings)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock::state
