// The log on the real disk, in the folder for temporary files: what it takes, what it gives, how it starts.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <latch>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "log/log.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

constexpr int kRecordsPerBatch = 100;
constexpr size_t kValueBytes = 100;

// A directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    logging::configure(logging::Level::kWarning, logging::Format::kLogfmt);
    std::string pattern = std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX";
    PENSTOCK_CHECK(mkdtemp(pattern.data()) != nullptr, "no temporary directory");
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string batch_bytes(int records = kRecordsPerBatch) {
  RecordBatchBuilder builder;
  const std::string value(kValueBytes, 'v');
  for (int i = 0; i < records; ++i) builder.add(1'700'000'000'000 + i, std::nullopt, value);
  return builder.finish();
}

TopicPartition partition_of(int64_t index) { return {"t", PartitionId(static_cast<int32_t>(index))}; }

void create_topic(Log& log, int64_t partitions) {
  TopicConfig config;
  config.retention_ms = -1;
  PENSTOCK_CHECK(log.create_topic("t", static_cast<int32_t>(partitions), config).has_value(), "no topic");
}

// One batch to each partition, and the wait until all are durable: a round is one group commit, or a few.
void BM_AppendOneBatchToEach(benchmark::State& state) {
  const int64_t partitions = state.range(0);
  const TemporaryDirectory directory;
  const auto log = *Log::open(io::posix_env(), directory.path(), {});
  create_topic(*log, partitions);
  const std::string batch = batch_bytes();
  for (auto _ : state) {
    std::latch durable(partitions);
    for (int64_t p = 0; p < partitions; ++p) {
      log->append(partition_of(p), SharedBytes::own(std::string(batch)), [&](const AppendResult& result) {
        PENSTOCK_CHECK(result.error == AppendError::kNone, result.message);
        durable.count_down();
      });
    }
    durable.wait();
  }
  state.SetItemsProcessed(state.iterations() * partitions * kRecordsPerBatch);
  state.SetBytesProcessed(state.iterations() * partitions * static_cast<int64_t>(batch.size()));
}
BENCHMARK(BM_AppendOneBatchToEach)
    ->ArgName("partitions")
    ->Arg(1)
    ->Arg(64)
    ->Arg(1024)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Writing a batch of each partition to its segment file, and syncing the files for a checkpoint.
void BM_Flush(benchmark::State& state) {
  const int64_t partitions = state.range(0);
  const bool checkpoint = state.range(1) != 0;
  const TemporaryDirectory directory;
  const auto core = *LogCore::open(io::posix_env(), directory.path(), {});
  create_topic(*core, partitions);
  const std::string batch = batch_bytes();
  for (auto _ : state) {
    state.PauseTiming();
    for (int64_t p = 0; p < partitions; ++p) {
      core->append(partition_of(p), SharedBytes::own(std::string(batch)), [](const AppendResult&) {});
    }
    core->commit_once();
    state.ResumeTiming();
    PENSTOCK_CHECK((checkpoint ? core->checkpoint() : core->flush()).has_value(), "the disk refuses");
  }
  state.SetBytesProcessed(state.iterations() * partitions * static_cast<int64_t>(batch.size()));
}
BENCHMARK(BM_Flush)
    ->ArgNames({"partitions", "checkpoint"})
    ->ArgsProduct({{1, 16, 256, 2048}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Reading a partition from its start in fetches of a megabyte: from memory, or from segment files.
void BM_Fetch(benchmark::State& state) {
  constexpr int kBatches = 5000;
  const bool from_segments = state.range(0) != 0;
  const TemporaryDirectory directory;
  auto core = *LogCore::open(io::posix_env(), directory.path(), {});
  create_topic(*core, 1);
  const std::string batch = batch_bytes();
  for (int i = 0; i < kBatches; ++i) {
    core->append(partition_of(0), SharedBytes::own(std::string(batch)), [](const AppendResult&) {});
  }
  core->commit_once();
  if (from_segments) {
    PENSTOCK_CHECK(core->close().has_value(), "the disk refuses");
    core = *LogCore::open(io::posix_env(), directory.path(), {});
  }
  for (auto _ : state) {
    Offset offset{0};
    while (true) {
      const auto fetched = core->fetch(partition_of(0), {.offset = offset});
      if (fetched->batches.empty()) break;
      offset = Offset(parse_record_batch(fetched->batches.back().bytes)->next_offset());
    }
    PENSTOCK_CHECK(offset == Offset(kBatches * kRecordsPerBatch), "records are missing");
  }
  state.SetItemsProcessed(state.iterations() * kBatches * kRecordsPerBatch);
  state.SetBytesProcessed(state.iterations() * kBatches * static_cast<int64_t>(batch.size()));
}
BENCHMARK(BM_Fetch)->ArgName("segments")->Arg(0)->Arg(1)->UseRealTime()->Unit(benchmark::kMillisecond);

// A start after a kill, with so many megabytes in the journal alone.
void BM_RecoverJournal(benchmark::State& state) {
  const std::string batch = batch_bytes();
  const int64_t batches = (state.range(0) << 20) / static_cast<int64_t>(batch.size());
  LogOptions options;
  options.journal_segment_bytes = 4ULL << 30;
  for (auto _ : state) {
    state.PauseTiming();
    const TemporaryDirectory directory;
    auto core = *LogCore::open(io::posix_env(), directory.path(), options);
    create_topic(*core, 16);
    for (int64_t i = 0; i < batches; ++i) {
      core->append(partition_of(i % 16), SharedBytes::own(std::string(batch)), [](const AppendResult&) {});
      if (i % 100 == 99) core->commit_once();
    }
    core->commit_once();
    core.reset();
    state.ResumeTiming();
    core = *LogCore::open(io::posix_env(), directory.path(), {});
    state.PauseTiming();
    PENSTOCK_CHECK(core->high_watermark(partition_of(0))->value() > 0, "records are missing");
    core.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * batches * static_cast<int64_t>(batch.size()));
}
BENCHMARK(BM_RecoverJournal)
    ->ArgName("MB")
    ->Arg(64)
    ->Arg(512)
    ->UseRealTime()
    ->Iterations(2)
    ->Unit(benchmark::kMillisecond);

// A start after a clean stop, with so many segment files.
void BM_OpenSegments(benchmark::State& state) {
  const int64_t segments = state.range(0);
  constexpr int64_t kPartitions = 100;
  const TemporaryDirectory directory;
  auto core = *LogCore::open(io::posix_env(), directory.path(), {});
  TopicConfig config;
  config.segment_bytes = kTopicSegmentBytesMin;
  config.retention_ms = -1;
  PENSTOCK_CHECK(core->create_topic("t", kPartitions, config).has_value(), "no topic");
  const std::string batch = batch_bytes(10);
  for (int64_t i = 0; i < segments; ++i) {
    core->append(partition_of(i % kPartitions), SharedBytes::own(std::string(batch)), [](const AppendResult&) {});
    if (i % 10'000 == 9'999) core->commit_once();
  }
  core->commit_once();
  PENSTOCK_CHECK(core->close().has_value(), "the disk refuses");
  for (auto _ : state) {
    core = *LogCore::open(io::posix_env(), directory.path(), {});
    state.PauseTiming();
    core.reset();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_OpenSegments)->Arg(10'000)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock::log
