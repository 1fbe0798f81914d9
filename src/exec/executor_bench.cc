// Throughput of a job from prepared batches through an exchange into an aggregation, and the time that an idle job
// takes to publish one row.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <mutex>
#include <random>

#include "base/check.h"
#include "exec/job.h"
#include "exec/operators/aggregate.h"
#include "exec/operators/window_aggregate.h"
#include "expr/aggregate.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;

constexpr int kWorkers = 2;
constexpr size_t kBatchesPerSource = 2000;
constexpr int64_t kEventsPerSecondOfEventTime = 100'000;

const types::DataType kBigInt = types::TypeKind::kBigInt;
const types::DataType kDouble = types::TypeKind::kDouble;
const types::DataType kTimestamp = types::DataType::timestamp(3);

// Rows of key, value and event time; batches are made once and given again and again with later times.
std::vector<ChangeBatch> make_batches(int64_t keys, size_t count) {
  std::mt19937_64 random(1);
  std::vector<ChangeBatch> batches;
  int64_t events = 0;
  for (size_t i = 0; i < count; ++i) {
    columnar::BatchBuilder builder({kBigInt, kDouble, kTimestamp});
    while (!builder.full()) {
      builder.column(0).append_int64(static_cast<int64_t>(random() % static_cast<uint64_t>(keys)));
      builder.column(1).append_double(static_cast<double>(random() % 1000) / 10);
      builder.column(2).append_int64(events++ * 1'000'000 / kEventsPerSecondOfEventTime);
      builder.end_row();
    }
    batches.push_back(builder.finish());
  }
  return batches;
}

class Replay : public Source {
 public:
  explicit Replay(const std::vector<ChangeBatch>& batches) : batches_(batches) {}
  Result<SourceState> poll(SourceOutput& out) override {
    for (int i = 0; i < 4; ++i) {
      if (next_ == batches_.size()) return SourceState::kEnded;
      const ChangeBatch& batch = batches_[next_++];
      out.emit(batch);
      out.watermark({EventTime(batch.column(2)->values<int64_t>().back() - 1'000'000)});
    }
    return SourceState::kMore;
  }
  void set_waker(std::function<void()> /*waker*/) override {}

 private:
  const std::vector<ChangeBatch>& batches_;
  size_t next_ = 0;
};

class CountRows : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    benchmark::DoNotOptimize(batch.column(0).get());
    return {};
  }
};

std::vector<AggregateCall> calls() {
  std::vector<AggregateCall> calls;
  calls.push_back({.function = *expr::bind_aggregate("COUNT", types::DataType(), false)});
  calls.push_back({.function = *expr::bind_aggregate("AVG", kDouble, false), .argument = 1});
  calls.push_back({.function = *expr::bind_aggregate("MAX", kDouble, false), .argument = 1});
  return calls;
}

JobSpec make_job(const std::vector<ChangeBatch>& batches,
                 std::function<Result<std::unique_ptr<Operator>>(int)> make_operator, types::Schema schema) {
  JobSpec spec;
  FragmentSpec source;
  source.parallelism = kWorkers;
  source.output_schema = {{"k", kBigInt}, {"v", kDouble}, {"t", kTimestamp}};
  source.source = [&batches](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<Replay>(batches); };
  spec.fragments.push_back(std::move(source));
  FragmentSpec aggregate;
  aggregate.parallelism = kWorkers;
  aggregate.inputs = {{.from = 0, .partitioning = Partitioning::kHash, .keys = {0}}};
  aggregate.chain.push_back(std::move(make_operator));
  aggregate.output_schema = std::move(schema);
  spec.fragments.push_back(std::move(aggregate));
  FragmentSpec sink;
  sink.parallelism = kWorkers;
  sink.inputs = {{.from = 1, .partitioning = Partitioning::kForward}};
  sink.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<CountRows>(); });
  spec.fragments.push_back(std::move(sink));
  return spec;
}

void run_jobs(benchmark::State& state, const std::function<Result<std::unique_ptr<Operator>>(int)>& make_operator) {
  const std::vector<ChangeBatch> batches = make_batches(state.range(0), kBatchesPerSource);
  std::unique_ptr<Executor> executor = Executor::make({.workers = kWorkers});
  uint64_t epochs = 0;
  uint64_t rows_out = 0;
  for (auto _ : state) {
    Result<std::unique_ptr<Job>> job = executor->start(make_job(batches, make_operator, {}));
    PENSTOCK_CHECK(job.has_value() && (*job)->wait().has_value(), "the job failed");
    epochs += static_cast<uint64_t>((*job)->stats().epoch.value());
    rows_out += (*job)->stats().rows_out;
  }
  state.SetItemsProcessed(
      static_cast<int64_t>(state.iterations() * kWorkers * kBatchesPerSource * columnar::kBatchRowsMax));
  state.counters["epochs"] = benchmark::Counter(static_cast<double>(epochs), benchmark::Counter::kAvgIterations);
  state.counters["rows_out"] = benchmark::Counter(static_cast<double>(rows_out), benchmark::Counter::kAvgIterations);
}

void run_window_jobs(benchmark::State& state, types::Window window) {
  run_jobs(state, [window](int) -> Result<std::unique_ptr<Operator>> {
    return make_window_aggregate({.window = window,
                                  .time_column = 2,
                                  .time_type = kTimestamp,
                                  .keys = {0},
                                  .key_types = {kBigInt},
                                  .calls = calls(),
                                  .properties = {WindowProperty::kStart, WindowProperty::kEnd}});
  });
}

void BM_WindowAggregateJob(benchmark::State& state) { run_window_jobs(state, types::Window::tumble(10'000'000)); }
BENCHMARK(BM_WindowAggregateJob)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Ten seconds every two.
void BM_HopAggregateJob(benchmark::State& state) { run_window_jobs(state, types::Window::hop(10'000'000, 2'000'000)); }
BENCHMARK(BM_HopAggregateJob)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Keys that come back often have one long session, others many short ones.
void BM_SessionAggregateJob(benchmark::State& state) {
  run_jobs(state, [](int) -> Result<std::unique_ptr<Operator>> {
    return make_session_aggregate({.window = types::Window::session(1'000'000),
                                   .time_column = 2,
                                   .time_type = kTimestamp,
                                   .keys = {0},
                                   .key_types = {kBigInt},
                                   .calls = calls(),
                                   .properties = {WindowProperty::kStart, WindowProperty::kEnd}});
  });
}
BENCHMARK(BM_SessionAggregateJob)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_RunningAggregateJob(benchmark::State& state) {
  run_jobs(state, [](int) -> Result<std::unique_ptr<Operator>> {
    return make_aggregate({.keys = {0}, .key_types = {kBigInt}, .calls = calls()});
  });
}
BENCHMARK(BM_RunningAggregateJob)->Arg(10'000)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

// Gives a row each time it is told to.
class Prompted : public Source {
 public:
  Prompted(const std::vector<ChangeBatch>& batches, std::atomic<int64_t>& prompts, std::function<void()>& waker)
      : batches_(batches), prompts_(prompts), waker_(waker) {}
  Result<SourceState> poll(SourceOutput& out) override {
    if (given_ < prompts_.load(std::memory_order_acquire)) {
      ++given_;
      out.emit(batches_[0].slice(0, 1));
    }
    return SourceState::kWaiting;
  }
  void set_waker(std::function<void()> waker) override { waker_ = std::move(waker); }

 private:
  const std::vector<ChangeBatch>& batches_;
  std::atomic<int64_t>& prompts_;
  std::function<void()>& waker_;
  int64_t given_ = 0;
};

void BM_IdleLatency(benchmark::State& state) {
  const std::vector<ChangeBatch> batches = make_batches(10, 1);
  std::atomic<int64_t> prompts{0};
  std::function<void()> waker;
  std::mutex mutex;
  std::condition_variable changed;
  int64_t epochs = 0;
  JobSpec spec = make_job(batches,
                          [](int) -> Result<std::unique_ptr<Operator>> {
                            return make_aggregate({.keys = {0}, .key_types = {kBigInt}, .calls = calls()});
                          },
                          {});
  spec.fragments[0].parallelism = 1;
  spec.fragments[0].source = [&](int) -> Result<std::unique_ptr<Source>> {
    return std::make_unique<Prompted>(batches, prompts, waker);
  };
  spec.on_epoch = [&](Epoch /*epoch*/) -> Status {
    std::lock_guard lock(mutex);
    ++epochs;
    changed.notify_one();
    return {};
  };
  std::unique_ptr<Executor> executor = Executor::make({.workers = kWorkers});
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  PENSTOCK_CHECK(job.has_value(), "the job did not start");
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return epochs == 1; });
  for (auto _ : state) {
    prompts.fetch_add(1, std::memory_order_release);
    const int64_t before = epochs;
    lock.unlock();
    waker();
    lock.lock();
    changed.wait(lock, [&] { return epochs > before; });
  }
  lock.unlock();
  job->reset();
}
BENCHMARK(BM_IdleLatency)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace penstock::exec
