// Whole jobs on real workers, held against what a plain loop over the same rows gives.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include "base/check.h"
#include "base/state_memory.h"
#include "exec/job.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;

const types::Schema kSchema = {{"k", types::TypeKind::kBigInt}, {"v", types::TypeKind::kBigInt}};

ChangeBatch make_batch(const std::vector<std::pair<int64_t, int64_t>>& rows) {
  columnar::BatchBuilder builder({types::TypeKind::kBigInt, types::TypeKind::kBigInt});
  for (auto [k, v] : rows) {
    builder.column(0).append_int64(k);
    builder.column(1).append_int64(v);
    builder.end_row();
  }
  return builder.finish();
}

// Gives batches of rows, sometimes waiting to be woken by another thread.
class ListSource : public Source {
 public:
  ListSource(std::vector<ChangeBatch> batches, uint64_t seed, bool bounded)
      : batches_(std::move(batches)), random_(seed), bounded_(bounded) {}
  ~ListSource() override {
    if (thread_.joinable()) thread_.join();
  }

  Result<SourceState> poll(SourceOutput& out) override {
    for (uint64_t i = random_() % 3; i > 0 && next_ < batches_.size(); --i) {
      out.emit(batches_[next_++]);
      out.watermark({.time = EventTime(static_cast<int64_t>(next_))});
    }
    if (next_ == batches_.size()) return bounded_ ? SourceState::kEnded : SourceState::kWaiting;
    if (random_() % 4 != 0) return SourceState::kMore;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread(waker_);
    return SourceState::kWaiting;
  }
  void set_waker(std::function<void()> waker) override { waker_ = std::move(waker); }

 private:
  std::vector<ChangeBatch> batches_;
  std::mt19937_64 random_;
  bool bounded_;
  size_t next_ = 0;
  std::function<void()> waker_;
  std::thread thread_;
};

// Passes rows on, some batches in several pieces, of which the last may have to be asked for; at the barrier it emits
// what it has held back, one piece at a time.
class HoldBack : public Operator {
 public:
  explicit HoldBack(uint64_t seed) : random_(seed) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    EXPECT_FALSE(unfinished());
    const size_t cut = random_() % (batch.rows() + 1);
    if (random_() % 2 == 0) {
      held_.push_back(batch.slice(0, cut));
    } else {
      out.emit(batch.slice(0, cut));
    }
    if (random_() % 2 == 0) {
      rest_ = batch.slice(cut, batch.rows());
    } else {
      out.emit(batch.slice(cut, batch.rows()));
    }
    return {};
  }
  bool unfinished() const override { return rest_.has_value(); }
  Status resume(Output& out) override {
    EXPECT_TRUE(unfinished());
    const size_t cut = random_() % (rest_->rows() + 1);
    out.emit(rest_->slice(0, cut));
    rest_ = rest_->slice(cut, rest_->rows());
    if (rest_->empty()) rest_.reset();
    return {};
  }
  Result<Progress> on_barrier(Epoch epoch, Output& out) override {
    EXPECT_FALSE(unfinished());
    EXPECT_GE(epoch, epoch_);
    epoch_ = epoch;
    if (held_.empty()) return Progress::kDone;
    out.emit(held_.back());
    held_.pop_back();
    return Progress::kMore;
  }
  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    EXPECT_FALSE(unfinished());
    EXPECT_GT(watermark, watermark_);
    watermark_ = watermark;
    return Progress::kDone;
  }
  EventTime output_watermark(EventTime watermark) const override {
    return watermark == kMaxEventTime ? watermark : EventTime(watermark.value() / 2);
  }
  bool passes_watermarks() const override { return false; }
  Result<Progress> on_end(Output& /*out*/) override {
    EXPECT_TRUE(held_.empty());
    EXPECT_EQ(watermark_, kMaxEventTime);
    return Progress::kDone;
  }

 private:
  std::mt19937_64 random_;
  std::vector<ChangeBatch> held_;
  std::optional<ChangeBatch> rest_;
  EventTime watermark_ = kMinEventTime;
  Epoch epoch_;
};

// Says that its rows may be behind by some time, and notes the watermarks that it gets.
class Behind : public Operator {
 public:
  Behind(int64_t by, std::vector<EventTime>& seen) : by_(by), seen_(seen) {}
  Status process(int /*port*/, const ChangeBatch& /*batch*/, Output& /*out*/) override { return {}; }
  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    seen_.push_back(watermark);
    return Progress::kDone;
  }
  EventTime output_watermark(EventTime watermark) const override {
    return watermark == kMaxEventTime ? watermark : EventTime(watermark.value() - by_);
  }
  bool passes_watermarks() const override { return false; }

 private:
  const int64_t by_;
  std::vector<EventTime>& seen_;
};

struct Collected {
  std::mutex mutex;
  std::multiset<std::pair<int64_t, int64_t>> rows;
  std::map<int64_t, std::set<int>> owners;  // of each key
  bool accepting = true;
  std::function<void()> waker;
  std::condition_variable changed;
  std::vector<Epoch> epochs;
};

class Collect : public Operator {
 public:
  Collect(Collected& collected, int instance) : collected_(collected), instance_(instance) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    std::lock_guard lock(collected_.mutex);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const int64_t k = batch.column(0)->values<int64_t>()[row];
      collected_.rows.emplace(k, batch.column(1)->values<int64_t>()[row]);
      collected_.owners[k].insert(instance_);
    }
    collected_.changed.notify_all();
    return {};
  }
  bool can_accept() const override {
    std::lock_guard lock(collected_.mutex);
    return collected_.accepting;
  }
  void set_waker(std::function<void()> waker) override {
    std::lock_guard lock(collected_.mutex);
    collected_.waker = std::move(waker);
  }

 private:
  Collected& collected_;
  int instance_;
};

class Fails : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& /*batch*/, Output& /*out*/) override {
    return invalid_argument("row too long");
  }
};

std::vector<ChangeBatch> random_batches(std::mt19937_64& random, std::multiset<std::pair<int64_t, int64_t>>& all,
                                        size_t count) {
  std::vector<ChangeBatch> batches;
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::pair<int64_t, int64_t>> rows;
    for (uint64_t n = 1 + random() % 40; n > 0; --n) {
      rows.emplace_back(static_cast<int64_t>(random() % 50), static_cast<int64_t>(random() % 1000));
    }
    all.insert(rows.begin(), rows.end());
    batches.push_back(make_batch(rows));
  }
  return batches;
}

FragmentSpec source_fragment(std::vector<std::vector<ChangeBatch>> batches, uint64_t seed, bool bounded) {
  FragmentSpec fragment;
  fragment.name = "source";
  fragment.parallelism = static_cast<int>(batches.size());
  fragment.output_schema = kSchema;
  fragment.source = [batches = std::move(batches), seed, bounded](int instance) -> Result<std::unique_ptr<Source>> {
    const auto i = static_cast<size_t>(instance);
    return std::make_unique<ListSource>(batches[i], seed + i, bounded);
  };
  return fragment;
}

FragmentSpec collect_fragment(Collected& collected, int parallelism, EdgeSpec edge) {
  FragmentSpec fragment;
  fragment.name = "collect";
  fragment.parallelism = parallelism;
  fragment.inputs = {std::move(edge)};
  fragment.chain.emplace_back([&collected](int instance) -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<Collect>(collected, instance);
  });
  return fragment;
}

ExecutorOptions options(int workers, int channel_messages_max) {
  return {.workers = workers, .channel_messages_max = channel_messages_max, .epoch_interval_busy_us = 200};
}

// sources -> hash -> hold back, hold back -> union of two edges -> collect: every row arrives once, rows of one key at
// one instance, epochs in order.
TEST(Executor, RandomGraphsGiveTheRowsThatWentIn) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    std::mt19937_64 random(seed);
    const int workers = 1 + static_cast<int>(random() % 3);
    const int parallelism = 1 + static_cast<int>(random() % 4);
    std::multiset<std::pair<int64_t, int64_t>> expected;
    std::vector<std::vector<ChangeBatch>> batches;
    for (uint64_t i = 1 + random() % 3; i > 0; --i) batches.push_back(random_batches(random, expected, random() % 60));
    Collected collected;
    JobSpec spec;
    spec.name = "random";
    spec.one_epoch = random() % 4 == 0;
    spec.fragments.push_back(source_fragment(batches, seed, true));
    spec.fragments.push_back(source_fragment({random_batches(random, expected, random() % 40)}, seed + 100, true));
    FragmentSpec middle;
    middle.name = "middle";
    middle.parallelism = parallelism;
    middle.inputs = {{.from = 0, .partitioning = Partitioning::kHash, .keys = {0}},
                     {.from = 1, .partitioning = Partitioning::kHash, .keys = {0}}};
    for (uint64_t i = random() % 3; i > 0; --i) {
      middle.chain.emplace_back([seed, i](int instance) -> Result<std::unique_ptr<Operator>> {
        return std::make_unique<HoldBack>(seed + i + static_cast<uint64_t>(instance));
      });
    }
    middle.output_schema = kSchema;
    spec.fragments.push_back(std::move(middle));
    spec.fragments.push_back(
        collect_fragment(collected, parallelism, {.from = 2, .partitioning = Partitioning::kForward}));
    spec.on_epoch = [&](Epoch epoch) -> Status {
      std::lock_guard lock(collected.mutex);
      collected.epochs.push_back(epoch);
      return {};
    };
    std::unique_ptr<Executor> executor = Executor::make(options(workers, 1 + static_cast<int>(random() % 4)));
    Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
    ASSERT_TRUE(job.has_value()) << job.error().to_string();
    Status status = (*job)->wait();
    ASSERT_TRUE(status.has_value()) << status.error().to_string() << ", seed " << seed;
    EXPECT_EQ(collected.rows, expected) << "seed " << seed;
    for (const auto& [key, owners] : collected.owners) EXPECT_EQ(owners.size(), 1U) << "seed " << seed;
    ASSERT_FALSE(collected.epochs.empty());
    for (size_t i = 0; i < collected.epochs.size(); ++i) {
      EXPECT_EQ(collected.epochs[i], Epoch(static_cast<int64_t>(i) + 1));
    }
    JobStats stats = (*job)->stats();
    EXPECT_EQ(stats.rows_in, expected.size());
    EXPECT_EQ(stats.rows_out, expected.size());
    EXPECT_EQ(stats.watermark, kMaxEventTime);
    EXPECT_EQ(stats.epoch, collected.epochs.back());
  }
}

// Gives one watermark, and no rows.
class OneWatermark : public Source {
 public:
  explicit OneWatermark(EventTime time) : time_(time) {}
  Result<SourceState> poll(SourceOutput& out) override {
    if (std::exchange(given_, true)) return SourceState::kEnded;
    out.watermark({.time = time_});
    return SourceState::kMore;
  }
  void set_waker(std::function<void()> /*waker*/) override {}

 private:
  const EventTime time_;
  bool given_ = false;
};

TEST(Executor, WatermarksFallBehindByWhatOperatorsSay) {
  std::vector<EventTime> seen[3];
  JobSpec spec;
  FragmentSpec source;
  source.output_schema = kSchema;
  source.source = [](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<OneWatermark>(EventTime(1)); };
  spec.fragments.push_back(std::move(source));
  for (size_t i = 0; i < 2; ++i) {
    spec.fragments[0].chain.emplace_back(
        [&seen, i](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<Behind>(10, seen[i]); });
  }
  FragmentSpec last;
  last.inputs = {{.from = 0, .partitioning = Partitioning::kSingle}};
  last.chain.emplace_back(
      [&seen](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<Behind>(0, seen[2]); });
  spec.fragments.push_back(std::move(last));
  std::unique_ptr<Executor> executor = Executor::make(options(1, 2));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE((*job)->wait().has_value());
  EXPECT_EQ(seen[0], (std::vector<EventTime>{EventTime(1), kMaxEventTime}));
  EXPECT_EQ(seen[1], (std::vector<EventTime>{EventTime(-9), kMaxEventTime}));
  EXPECT_EQ(seen[2], (std::vector<EventTime>{EventTime(-19), kMaxEventTime}));
}

TEST(Executor, BroadcastAndSingleEdges) {
  std::mt19937_64 random(7);
  std::multiset<std::pair<int64_t, int64_t>> rows;
  std::vector<std::vector<ChangeBatch>> batches = {random_batches(random, rows, 5), random_batches(random, rows, 5)};
  for (Partitioning partitioning : {Partitioning::kBroadcast, Partitioning::kSingle}) {
    Collected collected;
    JobSpec spec;
    spec.fragments.push_back(source_fragment(batches, 1, true));
    spec.fragments.push_back(collect_fragment(collected, 3, {.from = 0, .partitioning = partitioning}));
    std::unique_ptr<Executor> executor = Executor::make(options(2, 2));
    Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
    ASSERT_TRUE((*job)->wait().has_value());
    const bool broadcast = partitioning == Partitioning::kBroadcast;
    EXPECT_EQ(collected.rows.size(), rows.size() * (broadcast ? 3 : 1));
    for (const auto& [key, owners] : collected.owners) {
      EXPECT_EQ(owners, broadcast ? (std::set<int>{0, 1, 2}) : (std::set<int>{0}));
    }
  }
}

TEST(Executor, AnIdleJobPublishesItsRowsAtOnceAndStops) {
  std::mt19937_64 random(3);
  std::multiset<std::pair<int64_t, int64_t>> expected;
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({random_batches(random, expected, 3)}, 1, false));
  spec.fragments.push_back(
      collect_fragment(collected, 2, {.from = 0, .partitioning = Partitioning::kHash, .keys = {0}}));
  size_t rows_at_epoch = 0;
  spec.on_epoch = [&](Epoch /*epoch*/) -> Status {
    std::lock_guard lock(collected.mutex);
    rows_at_epoch = collected.rows.size();
    collected.changed.notify_all();
    return {};
  };
  int finished_calls = 0;
  spec.on_finished = [&](const Status& /*status*/) { ++finished_calls; };
  std::unique_ptr<Executor> executor = Executor::make({.workers = 2, .epoch_interval_busy_us = 1'000'000'000});
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  {
    std::unique_lock lock(collected.mutex);
    collected.changed.wait(lock, [&] { return rows_at_epoch == expected.size(); });
  }
  EXPECT_FALSE((*job)->finished());
  (*job)->stop();
  Status status = (*job)->wait();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(finished_calls, 1);
}

TEST(Executor, StopsThoughChannelsAreFullAndNobodyTakesRows) {
  std::mt19937_64 random(3);
  std::multiset<std::pair<int64_t, int64_t>> rows;
  Collected collected;
  collected.accepting = false;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({random_batches(random, rows, 100)}, 1, true));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0, .partitioning = Partitioning::kForward}));
  std::unique_ptr<Executor> executor = Executor::make(options(2, 1));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  while ((*job)->stats().rows_in == 0) std::this_thread::yield();
  job->reset();
  EXPECT_TRUE(collected.rows.empty());
}

// Emits rows with watermarks between them, all in one poll.
class RisingSource : public Source {
 public:
  Result<SourceState> poll(SourceOutput& out) override {
    for (int64_t i = 1; i <= 20; ++i) {
      out.emit(make_batch({{i, i}}));
      if (i % 2 == 0) out.watermark({.time = EventTime(i)});
    }
    return SourceState::kEnded;
  }
  void set_waker(std::function<void()> /*waker*/) override {}
};

// Checks that each row comes between the watermarks that it was emitted between.
class ChecksOrder : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    const int64_t row = batch.column(0)->values<int64_t>()[0];
    EXPECT_EQ(watermark_, row <= 2 ? kMinEventTime : EventTime((row - 1) / 2 * 2)) << row;
    out.emit(batch);
    return {};
  }
  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = watermark;
    return Progress::kDone;
  }

 private:
  EventTime watermark_ = kMinEventTime;
};

TEST(Executor, WatermarksStayBetweenTheRowsOfAPoll) {
  Collected collected;
  JobSpec spec;
  FragmentSpec source{.name = "rising", .output_schema = kSchema};
  source.source = [](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<RisingSource>(); };
  source.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<ChecksOrder>(); });
  spec.fragments.push_back(std::move(source));
  FragmentSpec sink{.name = "collect", .output_schema = kSchema};
  sink.inputs = {{.from = 0}};
  sink.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<ChecksOrder>(); });
  sink.chain.emplace_back([&collected](int instance) -> Result<std::unique_ptr<Operator>> {
    return std::make_unique<Collect>(collected, instance);
  });
  spec.fragments.push_back(std::move(sink));
  std::unique_ptr<Executor> executor = Executor::make({.workers = 1});
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->wait().has_value());
  EXPECT_EQ(collected.rows.size(), 20U);
}

// Gives rows in threes that belong together, one a poll.
class ThreesSource : public Source {
 public:
  static constexpr int64_t kRows = 300;
  Result<SourceState> poll(SourceOutput& out) override {
    out.emit(make_batch({{given_, given_}}));
    return ++given_ == kRows ? SourceState::kEnded : SourceState::kMore;
  }
  bool at_boundary() const override { return given_ % 3 == 0; }
  void set_waker(std::function<void()> /*waker*/) override {}
  Status on_barrier(Epoch /*epoch*/) override {
    EXPECT_TRUE(at_boundary());
    return {};
  }

 private:
  int64_t given_ = 0;
};

// Counts the rows before each barrier.
class CountsEpochs : public Operator {
 public:
  explicit CountsEpochs(std::atomic<int>& cut) : cut_(cut) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    rows_ += batch.rows();
    return {};
  }
  Result<Progress> on_barrier(Epoch /*epoch*/, Output& /*out*/) override {
    EXPECT_EQ(rows_ % 3, 0u);
    if (rows_ > 0 && rows_ < ThreesSource::kRows) ++cut_;
    return Progress::kDone;
  }

 private:
  std::atomic<int>& cut_;
  size_t rows_ = 0;
};

TEST(Executor, NoBarrierComesBetweenWhatBelongsTogether) {
  std::atomic<int> cut = 0;  // barriers somewhere in the middle: without one nothing is tested
  for (int i = 0; i < 1000 && cut < 20; ++i) {
    JobSpec spec;
    FragmentSpec source{.name = "threes", .output_schema = kSchema};
    source.source = [](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<ThreesSource>(); };
    spec.fragments.push_back(std::move(source));
    FragmentSpec sink{.name = "count", .output_schema = kSchema};
    sink.inputs = {{.from = 0}};
    sink.chain.emplace_back(
        [&cut](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<CountsEpochs>(cut); });
    spec.fragments.push_back(std::move(sink));
    std::unique_ptr<Executor> executor =
        Executor::make({.workers = 2, .channel_messages_max = 1, .epoch_interval_busy_us = 0});
    Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
    ASSERT_TRUE(job.has_value());
    ASSERT_TRUE((*job)->wait().has_value());
  }
  EXPECT_GE(cut, 20);
}

TEST(Executor, ARefusedBatchIsTakenAfterTheWaker) {
  std::mt19937_64 random(3);
  std::multiset<std::pair<int64_t, int64_t>> expected;
  Collected collected;
  collected.accepting = false;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({random_batches(random, expected, 20)}, 1, true));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0, .partitioning = Partitioning::kForward}));
  std::unique_ptr<Executor> executor = Executor::make(options(1, 1));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  while ((*job)->stats().rows_in == 0) std::this_thread::yield();
  std::function<void()> waker;
  {
    std::lock_guard lock(collected.mutex);
    collected.accepting = true;
    waker = collected.waker;
  }
  waker();
  EXPECT_TRUE((*job)->wait().has_value());
  EXPECT_EQ(collected.rows, expected);
  job->reset();
  executor.reset();
  waker();  // wakers may outlive everything
}

// Takes a few batches and then no more.
class TakesFew : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    EXPECT_FALSE(done());
    --left_;
    out.emit(batch);
    return {};
  }
  bool done() const override { return left_ == 0; }

 private:
  int left_ = 3;
};

class EndlessSource : public Source {
 public:
  Result<SourceState> poll(SourceOutput& out) override {
    out.emit(make_batch({{1, 1}, {2, 2}, {3, 3}}));
    return SourceState::kMore;
  }
  void set_waker(std::function<void()> /*waker*/) override {}
};

TEST(Executor, AnOperatorThatIsDoneEndsTheSourcesThatOnlyItReads) {
  for (const bool same_task : {false, true}) {
    Collected collected;
    JobSpec spec;
    spec.one_epoch = true;
    FragmentSpec source;
    source.name = "endless";
    source.parallelism = 2;
    source.output_schema = kSchema;
    source.source = [](int) -> Result<std::unique_ptr<Source>> { return std::make_unique<EndlessSource>(); };
    auto make_limit = [](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<TakesFew>(); };
    if (same_task) source.chain.emplace_back(make_limit);
    spec.fragments.push_back(std::move(source));
    FragmentSpec middle;
    middle.name = "middle";
    middle.parallelism = 2;
    middle.inputs = {{.from = 0, .partitioning = Partitioning::kHash, .keys = {0}}};
    middle.output_schema = kSchema;
    spec.fragments.push_back(std::move(middle));
    spec.fragments.push_back(collect_fragment(collected, 1, {.from = 1, .partitioning = Partitioning::kSingle}));
    if (!same_task) spec.fragments.back().chain.insert(spec.fragments.back().chain.begin(), make_limit);
    std::unique_ptr<Executor> executor = Executor::make(options(2, 2));
    Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
    ASSERT_TRUE(job.has_value());
    ASSERT_TRUE((*job)->wait().has_value());
    EXPECT_GE(collected.rows.size(), 3U);
    EXPECT_LE(collected.rows.size(), same_task ? 18U : 9U);
  }
}

TEST(Executor, TheFirstErrorEndsTheJob) {
  std::mt19937_64 random(3);
  std::multiset<std::pair<int64_t, int64_t>> rows;
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({random_batches(random, rows, 100)}, 1, false));
  FragmentSpec fragment;
  fragment.name = "parse";
  fragment.inputs = {{.from = 0}};
  fragment.output_schema = kSchema;
  fragment.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<Fails>(); });
  spec.fragments.push_back(std::move(fragment));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 1}));
  Status reported;
  spec.on_finished = [&](Status status) { reported = std::move(status); };
  std::unique_ptr<Executor> executor = Executor::make(options(2, 1));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  Status status = (*job)->wait();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().to_string(), "parse: row too long");
  ASSERT_FALSE(reported.has_value());
}

// An operator that breaks one of the rules of a stream.
class BreaksARule : public Operator {
 public:
  enum class Rule : uint8_t { kNone, kSchema, kWeights, kWatermark, kEnd };
  explicit BreaksARule(Rule rule) : rule_(rule) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    out_ = &out;
    batch_ = batch;
    if (rule_ == Rule::kSchema) {
      out.emit(batch.with_columns({batch.column(0)}));
    } else if (rule_ == Rule::kWeights) {
      const auto deletions = std::make_shared<columnar::RowOps>(batch.rows(), columnar::RowOp::kDelete);
      out.emit(ChangeBatch(batch.rows(), batch.columns(), deletions));
    } else {
      out.emit(batch);
    }
    return {};
  }
  EventTime output_watermark(EventTime watermark) const override {
    return rule_ == Rule::kWatermark ? EventTime(-watermark.value()) : watermark;
  }
  bool passes_watermarks() const override { return false; }
  void emit_more() {
    if (rule_ == Rule::kEnd) out_->emit(batch_);
  }

 private:
  const Rule rule_;
  Output* out_ = nullptr;
  ChangeBatch batch_;
};

// Passes rows on; at the end another operator in front of it emits more.
class PassesOn : public Operator {
 public:
  explicit PassesOn(BreaksARule*& before) : before_(before) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    out.emit(batch);
    return {};
  }
  Result<Progress> on_end(Output& /*out*/) override {
    before_->emit_more();
    return Progress::kDone;
  }

 private:
  BreaksARule*& before_;
};

TEST(Executor, InCheckedBuildsTheOperatorThatBreaksARuleIsNamedAndTheJobEnds) {
  if (!PENSTOCK_CHECKED) GTEST_SKIP();
  using Rule = BreaksARule::Rule;
  const auto error_with = [](Rule rule) -> std::string {
    Collected collected;
    BreaksARule* breaks = nullptr;
    JobSpec spec;
    spec.fragments.push_back(
        source_fragment({{make_batch({{1, 2}}), make_batch({{3, 4}}), make_batch({{5, 6}})}}, 1, true));
    FragmentSpec fragment;
    fragment.name = "broken";
    fragment.inputs = {{.from = 0}};
    fragment.output_schema = kSchema;
    fragment.append(
        [&](int) -> Result<std::unique_ptr<Operator>> {
          auto made = std::make_unique<BreaksARule>(rule);
          breaks = made.get();
          return made;
        },
        kSchema);
    fragment.append([&](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<PassesOn>(breaks); },
                    kSchema);
    spec.fragments.push_back(std::move(fragment));
    spec.fragments.push_back(collect_fragment(collected, 1, {.from = 1}));
    std::unique_ptr<Executor> executor = Executor::make(options(1, 1));
    const Status status = (*executor->start(std::move(spec)))->wait();
    return status ? "" : status.error().to_string();
  };
  EXPECT_EQ(error_with(Rule::kNone), "");
  EXPECT_EQ(error_with(Rule::kSchema), "broken: a batch of 1 columns where 2 are declared");
  EXPECT_TRUE(error_with(Rule::kWeights).starts_with("broken: a row was deleted more often than inserted: "));
  EXPECT_TRUE(error_with(Rule::kWatermark).starts_with("broken: the watermark went back from "));
  EXPECT_EQ(error_with(Rule::kEnd), "broken: a message after the end of input");
}

// Keeps so many bytes for every row.
class Hoards : public Operator {
 public:
  explicit Hoards(size_t row_bytes) : row_bytes_(row_bytes) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    kept_.resize(kept_.size() + batch.rows() * row_bytes_);
    out.emit(batch);
    return {};
  }

 private:
  const size_t row_bytes_;
  StateVector<char> kept_;
};

// 1,000 batches of 100 rows, none of which ever ends, through an operator that keeps bytes of them.
JobSpec hoarding_job(std::string name, size_t row_bytes, Collected& collected, StateLimit limit) {
  std::vector<std::pair<int64_t, int64_t>> rows(100);
  JobSpec spec;
  spec.name = std::move(name);
  spec.state = std::move(limit);
  spec.fragments.push_back(source_fragment({std::vector(1'000, make_batch(rows))}, 1, false));
  FragmentSpec fragment;
  fragment.name = "hoard";
  fragment.inputs = {{.from = 0}};
  fragment.output_schema = kSchema;
  for (const size_t bytes : {size_t{0}, row_bytes}) {
    fragment.append([bytes](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<Hoards>(bytes); },
                    kSchema, bytes == 0 ? "Small" : "Large");
  }
  spec.fragments.push_back(std::move(fragment));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 1}));
  return spec;
}

TEST(Executor, AJobThatKeepsTooMuchFailsAlone) {
  constexpr size_t kMiB = 1 << 20;
  MemoryBudget all("all", 64 * kMiB);
  Collected modest_rows;
  Collected greedy_rows;
  std::unique_ptr<Executor> executor = Executor::make(options(2, 4));
  const StateLimit limit{.budget = &all, .bytes_max = 4 * kMiB, .name = "each"};
  auto modest = executor->start(hoarding_job("modest", 10, modest_rows, limit));
  auto greedy = executor->start(hoarding_job("greedy", 100, greedy_rows, limit));
  const Status status = (*greedy)->wait();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kOutOfMemory);
  const std::string& message = status.error().message();
  EXPECT_TRUE(message.starts_with("the limit each of 4194304 bytes is reached: job greedy holds ")) << message;
  EXPECT_TRUE(message.ends_with(" of them in Large")) << message;
  EXPECT_NE(status.error().hint().find("raise each"), std::string::npos) << status.error().hint();
  // It is there still, but holds nothing.
  EXPECT_EQ((*greedy)->stats().state_bytes, 0U);
  EXPECT_LE(all.used_bytes(), 2 * kMiB);
  // The other one takes all its rows.
  while ((*modest)->stats().rows_out < 100'000) std::this_thread::yield();
  EXPECT_FALSE((*modest)->finished());
  EXPECT_GE((*modest)->stats().state_bytes, kMiB * 9 / 10);
  EXPECT_GE(all.used_bytes(), kMiB * 9 / 10);
  modest->reset();
  EXPECT_EQ(all.used_bytes(), 0U);
}

TEST(Executor, AJobFailsWhenAllTogetherKeepTooMuch) {
  MemoryBudget all("all", 1 << 20);
  Collected rows;
  std::unique_ptr<Executor> executor = Executor::make(options(1, 4));
  auto job =
      executor->start(hoarding_job("greedy", 100, rows, {.budget = &all, .bytes_max = SIZE_MAX, .name = "each"}));
  const Status status = (*job)->wait();
  ASSERT_FALSE(status.has_value());
  EXPECT_TRUE(status.error().message().starts_with("the limit all of 1048576 bytes is reached: job greedy holds "))
      << status.error().message();
}

TEST(Executor, AnErrorOfOnEpochEndsTheJob) {
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({{}}, 1, false));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0}));
  spec.on_epoch = [](Epoch epoch) -> Status { return invalid_argument("epoch {} refused", epoch.value()); };
  std::unique_ptr<Executor> executor = Executor::make(options(1, 1));
  Status status = (*executor->start(std::move(spec)))->wait();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message(), "collect: epoch 1 refused");
}

TEST(Executor, RefusesSpecsThatDoNotFitTogether) {
  std::unique_ptr<Executor> executor = Executor::make(options(1, 1));
  Collected collected;
  auto start = [&](auto change) {
    JobSpec spec;
    spec.fragments.push_back(source_fragment({{}}, 1, true));
    spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0}));
    change(spec);
    return executor->start(std::move(spec)).has_value();
  };
  EXPECT_TRUE(start([](JobSpec&) {}));
  EXPECT_FALSE(start([](JobSpec& spec) { spec.fragments.clear(); }));
  EXPECT_FALSE(start([](JobSpec& spec) { spec.fragments[1].parallelism = 2; }));
  EXPECT_FALSE(start([](JobSpec& spec) { spec.fragments[1].parallelism = 0; }));
  EXPECT_FALSE(start([](JobSpec& spec) { spec.fragments[1].inputs[0].from = 1; }));
  EXPECT_FALSE(start([](JobSpec& spec) { spec.fragments[1].inputs.clear(); }));
  EXPECT_FALSE(start([](JobSpec& spec) {
    spec.fragments[1].inputs[0].partitioning = Partitioning::kHash;
    spec.fragments[1].inputs[0].keys = {2};
  }));
  EXPECT_FALSE(start([](JobSpec& spec) {
    spec.fragments[0].source = [](int) -> Result<std::unique_ptr<Source>> { return not_found("no topic"); };
  }));
}

}  // namespace
}  // namespace penstock::exec
