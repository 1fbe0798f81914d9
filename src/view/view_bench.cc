// Publishing an epoch that changes every row of a view, and reading a snapshot of it.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "view/view.h"

namespace penstock::view {
namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

const types::Schema kSchema = {
    {"name", types::TypeKind::kString}, {"rows", types::TypeKind::kBigInt}, {"total", types::TypeKind::kDouble}};

// The changes that update all of `keys` rows from epoch `epoch - 1` to `epoch`.
std::vector<ChangeBatch> changes(int64_t keys, int64_t epoch) {
  std::vector<ChangeBatch> batches;
  columnar::BatchBuilder builder({kSchema[0].type, kSchema[1].type, kSchema[2].type});
  for (int64_t key = 0; key < keys; ++key) {
    for (int64_t version = std::max<int64_t>(epoch - 1, 1); version <= epoch; ++version) {
      builder.column(0).append_string(fmt::format("customer-{:07}", key));
      builder.column(1).append_int64(version);
      builder.column(2).append_double(static_cast<double>(version) / 4);
      builder.end_row(epoch == 1 ? RowOp::kInsert : version == epoch ? RowOp::kUpdateAfter : RowOp::kUpdateBefore);
    }
    if (builder.rows() + 2 > columnar::kBatchRowsMax) batches.push_back(builder.finish());
  }
  if (builder.rows() > 0) batches.push_back(builder.finish());
  return batches;
}

void publish(View& view, int64_t epoch, const std::vector<ChangeBatch>& batches) {
  for (const ChangeBatch& batch : batches) view.stage(Epoch(epoch), batch);
  PENSTOCK_CHECK(view.publish(Epoch(epoch)).has_value(), "the changes do not fit");
}

// With a reader that takes a snapshot of each epoch and a subscriber that takes its changes, or without.
void BM_PublishUpdates(benchmark::State& state) {
  const int64_t keys = state.range(0);
  const bool readers = state.range(1) != 0;
  const std::shared_ptr<View> view = View::make({.name = "v", .schema = kSchema, .key = {0}});
  int64_t epoch = 1;
  publish(*view, epoch, changes(keys, epoch));
  std::unique_ptr<ChangeFeed> feed;
  if (readers) feed = view->subscribe({});
  std::shared_ptr<const Snapshot> snapshot;
  for (auto _ : state) {
    state.PauseTiming();
    const std::vector<ChangeBatch> batches = changes(keys, ++epoch);
    state.ResumeTiming();
    publish(*view, epoch, batches);
    if (!readers) continue;
    snapshot = view->snapshot();
    benchmark::DoNotOptimize(feed->poll(1 << 20));
  }
  state.SetItemsProcessed(state.iterations() * keys);
}
BENCHMARK(BM_PublishUpdates)
    ->Args({10, 0})
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->Args({200'000, 0})
    ->Unit(benchmark::kMicrosecond);

void BM_ReadSnapshot(benchmark::State& state) {
  const int64_t keys = state.range(0);
  const std::shared_ptr<View> view = View::make({.name = "v", .schema = kSchema, .key = {0}});
  publish(*view, 1, changes(keys, 1));
  for (auto _ : state) {
    const std::shared_ptr<const Snapshot> snapshot = view->snapshot();
    size_t position = 0;
    while (auto batch = snapshot->next(position)) benchmark::DoNotOptimize(batch);
  }
  state.SetItemsProcessed(state.iterations() * keys);
}
BENCHMARK(BM_ReadSnapshot)->Arg(10'000)->Arg(200'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace penstock::view
