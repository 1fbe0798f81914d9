// Hashing, taking and building of full batches.
#include <benchmark/benchmark.h>

#include <random>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"

namespace penstock::columnar {
namespace {

using types::DataType;
using types::TypeKind;

ColumnPtr random_column(DataType type, size_t text_bytes = 0) {
  std::mt19937_64 random(1);
  ColumnBuilder builder(type, kBatchRowsMax);
  for (size_t i = 0; i < kBatchRowsMax; ++i) {
    switch (type.physical()) {
      case types::Physical::kInt64: builder.append_int64(static_cast<int64_t>(random())); break;
      case types::Physical::kDouble: builder.append_double(static_cast<double>(random())); break;
      case types::Physical::kString: {
        std::string text = std::to_string(random());
        text.resize(text_bytes, 'x');
        builder.append_string(text);
        break;
      }
      default: builder.append_null(); break;
    }
  }
  return builder.finish();
}

ColumnPtr column_of(int kind) {
  switch (kind) {
    case 0: return random_column(TypeKind::kBigInt);
    case 1: return random_column(TypeKind::kDouble);
    case 2: return random_column(TypeKind::kString, 10);
    default: return random_column(TypeKind::kString, 40);
  }
}
constexpr const char* kKinds[] = {"bigint", "double", "text of 10", "text of 40"};

void hash(benchmark::State& state) {
  ColumnPtr column = column_of(static_cast<int>(state.range(0)));
  state.SetLabel(kKinds[state.range(0)]);
  std::vector<uint64_t> hashes;
  for (auto _ : state) {
    hash_rows({&column, 1}, kBatchRowsMax, hashes);
    benchmark::DoNotOptimize(hashes.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatchRowsMax));
}
BENCHMARK(hash)->DenseRange(0, 3);

void take_half(benchmark::State& state) {
  ColumnPtr column = column_of(static_cast<int>(state.range(0)));
  state.SetLabel(kKinds[state.range(0)]);
  Selection rows;
  for (uint16_t i = 0; i < kBatchRowsMax; i += 2) rows.push_back(i);
  for (auto _ : state) benchmark::DoNotOptimize(column->take(rows));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(rows.size()));
}
BENCHMARK(take_half)->DenseRange(0, 3);

void append_from(benchmark::State& state) {
  ColumnPtr column = column_of(static_cast<int>(state.range(0)));
  state.SetLabel(kKinds[state.range(0)]);
  ColumnBuilder builder(column->type());
  for (auto _ : state) {
    for (size_t row = 0; row < kBatchRowsMax; ++row) builder.append_from(*column, row);
    benchmark::DoNotOptimize(builder.finish());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatchRowsMax));
}
BENCHMARK(append_from)->DenseRange(0, 3);

void append_keys(benchmark::State& state) {
  ColumnPtr column = column_of(static_cast<int>(state.range(0)));
  state.SetLabel(kKinds[state.range(0)]);
  std::string key;
  for (auto _ : state) {
    for (size_t row = 0; row < kBatchRowsMax; ++row) {
      key.clear();
      append_key(key, {&column, 1}, row);
      benchmark::DoNotOptimize(key.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatchRowsMax));
}
BENCHMARK(append_keys)->DenseRange(0, 3);

}  // namespace
}  // namespace penstock::columnar
