// What is in band between the rows of jobs on real workers: epochs and watermarks.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "columnar/row_key.h"
#include "exec/exchange.h"
#include "exec/executor_test.h"

namespace penstock::exec {
namespace {

TEST(ExecutorEpochs, AnIdleJobPublishesItsRowsAtOnceAndStops) {
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

// Says when it wants an epoch; until then another worker has time to end the epoch whose barrier it has passed.
class WantsAnEpoch : public Operator {
 public:
  static constexpr int64_t kAtUs = 42;
  explicit WantsAnEpoch(Collected& collected) : collected_(collected) {}
  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    out.emit(batch);
    return {};
  }
  std::optional<int64_t> wake_at_us() const override {
    std::unique_lock lock(collected_.mutex);
    collected_.changed.wait_for(lock, std::chrono::milliseconds(100), [&] { return !collected_.epochs.empty(); });
    return kAtUs;
  }

 private:
  Collected& collected_;
};

// Whoever hears that an epoch is complete asks when the next one is wanted: all tasks have said so by then.
TEST(ExecutorEpochs, WhenTheNextOneIsWantedIsKnownBeforeOneIsComplete) {
  Collected collected;
  std::atomic<Job*> running = nullptr;
  std::atomic<int64_t> wanted_at_us = 0;
  JobSpec spec;
  spec.fragments.push_back(source_fragment({{make_batch({{1, 2}})}}, 1, false));
  spec.fragments[0].chain.emplace_back(
      [&](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<WantsAnEpoch>(collected); });
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0}));
  spec.on_epoch = [&](Epoch epoch) -> Status {
    while (running == nullptr) std::this_thread::yield();
    const std::lock_guard lock(collected.mutex);
    if (collected.epochs.empty()) wanted_at_us = running.load()->wake_at_us();
    collected.epochs.push_back(epoch);
    collected.changed.notify_all();
    return {};
  };
  std::unique_ptr<Executor> executor = Executor::make(options(2, 4));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE(job.has_value());
  running = job->get();
  {
    std::unique_lock lock(collected.mutex);
    collected.changed.wait(lock, [&] { return !collected.epochs.empty(); });
  }
  EXPECT_EQ(wanted_at_us, WantsAnEpoch::kAtUs);
  job->reset();
}

// Never comes to a boundary.
class OneLongStatement : public EndlessSource {
 public:
  bool at_boundary() const override { return false; }
};

TEST(ExecutorEpochs, WhatNobodyTakesAnyMoreHoldsNoBarrierBack) {
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(source_with_operator<OneLongStatement, TakesFew>());
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0}));
  std::unique_ptr<Executor> executor = Executor::make(options(2, 4));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->wait().has_value());
  EXPECT_EQ(collected.rows.size(), 9U);
}

// Has to come to its hundredth batch.
class HoldingSource : public EndlessSource {
 public:
  HoldingSource(int& polls, int& refused) : polls_(polls), refused_(refused) {}
  Result<SourceState> poll(SourceOutput& out) override {
    ++polls_;
    return EndlessSource::poll(out);
  }
  bool holding() const override { return polls_ < 100; }
  void on_refused() override { ++refused_; }

 private:
  int& polls_;
  int& refused_;
};

TEST(ExecutorEpochs, WhatHoldsComesToItsPlaceThoughNobodyTakesItsRows) {
  int polls = 0;
  int refused = 0;
  Collected collected;
  JobSpec spec;
  FragmentSpec source{.name = "holding", .output_schema = kSchema};
  source.source = [&](int) -> Result<std::unique_ptr<Source>> {
    return std::make_unique<HoldingSource>(polls, refused);
  };
  source.chain.emplace_back([](int) -> Result<std::unique_ptr<Operator>> { return std::make_unique<TakesFew>(); });
  spec.fragments.push_back(std::move(source));
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 0}));
  std::unique_ptr<Executor> executor = Executor::make(options(2, 4));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE(job.has_value());
  ASSERT_TRUE((*job)->wait().has_value());
  EXPECT_EQ(polls, 100);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(collected.rows.size(), 9U);
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

TEST(ExecutorEpochs, NoBarrierComesBetweenWhatBelongsTogether) {
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

// Says that its rows may be behind by some time, and notes the watermarks that it gets.
class Behind : public Operator {
 public:
  Behind(int64_t by, std::vector<EventTime>& seen) : by_(by), seen_(seen) {}
  Status process(int /*port*/, const ChangeBatch& /*batch*/, Output& /*out*/) override { return {}; }
  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    seen_.push_back(watermark);
    return Progress::kDone;
  }
  bool passes_watermarks() const override { return false; }
  EventTime output_watermark(EventTime watermark) const override {
    return watermark == kMaxEventTime ? watermark : EventTime(watermark.value() - by_);
  }

 private:
  const int64_t by_;
  std::vector<EventTime>& seen_;
};

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

TEST(ExecutorEpochs, WatermarksFallBehindByWhatOperatorsSay) {
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

TEST(ExecutorEpochs, WatermarksStayBetweenTheRowsOfAPoll) {
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(source_with_operator<RisingSource, ChecksOrder>());
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

// Two sources whose watermarks two tasks bring together in different orders: one of these sees the second source idle
// when the first one has come to 10, the other only when it goes on at 4 again.
class TwoOrders {
 public:
  static constexpr int64_t kRows = 100;

  FragmentSpec sources() {
    FragmentSpec fragment{.name = "source", .parallelism = 2, .output_schema = kSchema};
    fragment.source = [this](int instance) -> Result<std::unique_ptr<Source>> {
      return std::make_unique<Script>(*this, instance);
    };
    return fragment;
  }
  FragmentSpec tasks() {
    FragmentSpec fragment{.name = "tasks", .parallelism = 2, .output_schema = kSchema};
    fragment.inputs = {{.from = 0, .partitioning = Partitioning::kHash, .keys = {0}}};
    fragment.chain.emplace_back([this](int instance) -> Result<std::unique_ptr<Operator>> {
      return std::make_unique<Watches>(*this, instance);
    });
    return fragment;
  }

 private:
  enum Step : uint8_t { kBegins, kFirstIsAtTwo, kFirstIsHeld, kSecondIsAtTen, kSecondHasARow };

  class Script : public Source {
   public:
    Script(TwoOrders& orders, int instance) : orders_(orders), instance_(instance) {}
    Result<SourceState> poll(SourceOutput& out) override {
      instance_ == 0 ? first(out) : second(out);
      return SourceState::kMore;
    }
    void set_waker(std::function<void()> /*waker*/) override {}

   private:
    void first(SourceOutput& out) {
      if (stage_ == 0) out.watermark({.time = EventTime(2)});
      if (stage_ == 0 || (stage_ == 1 && orders_.step_ >= kFirstIsAtTwo)) ++stage_;
      if (stage_ != 2) return;
      out.emit(row_of(0));
      out.emit(row_of(0));
      out.watermark({.time = EventTime(10)});
      ++stage_;
    }
    void second(SourceOutput& out) {
      if (stage_ == 0) {
        out.watermark({.time = EventTime(3)});
        ++stage_;
      } else if (stage_ == 1 && orders_.step_ >= kFirstIsHeld) {
        out.watermark({.time = EventTime(3), .idle = true});
        ++stage_;
      } else if (stage_ == 2 && orders_.step_ >= kSecondIsAtTen) {
        out.watermark({.time = EventTime(4)});
        for (int64_t i = 0; i < kRows; ++i) out.emit(row_of(1));
        ++stage_;
      }
    }

    TwoOrders& orders_;
    const int instance_;
    int stage_ = 0;
  };

  class Watches : public Operator {
   public:
    Watches(TwoOrders& orders, int instance) : orders_(orders), instance_(instance) {}
    Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
      if (instance_ == 0 && orders_.step_ < kFirstIsHeld) {
        orders_.step_ = kFirstIsHeld;
        orders_.step_.wait(kFirstIsHeld);
        while (orders_.step_ < kSecondHasARow) orders_.step_.wait(kSecondIsAtTen);
      }
      if (instance_ == 1) orders_.come_to(kSecondHasARow);
      out.emit(batch);
      return {};
    }
    Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
      if (instance_ == 0 && watermark == EventTime(2)) orders_.come_to(kFirstIsAtTwo);
      if (instance_ == 1 && watermark == EventTime(10)) orders_.come_to(kSecondIsAtTen);
      return Progress::kDone;
    }

   private:
    TwoOrders& orders_;
    const int instance_;
  };

  void come_to(Step step) {
    step_ = step;
    step_.notify_all();
  }

  // One row for that task.
  static ChangeBatch row_of(size_t task) {
    for (int64_t key = 0;; ++key) {
      ChangeBatch row = make_batch({{key, 1}});
      std::vector<uint64_t> hashes;
      columnar::hash_rows(row.columns_at(std::vector{0}), 1, hashes);
      if (owner_of(columnar::vnode_of(hashes[0]), 2) == task) return row;
    }
  }

  std::atomic<Step> step_ = kBegins;
};

// What tasks make of several sources depends on the order in which they hear of them, so that none waits for another.
TEST(ExecutorEpochs, TasksOfSeveralSourcesDoNotGoInStep) {
  TwoOrders orders;
  Collected collected;
  JobSpec spec;
  spec.fragments.push_back(orders.sources());
  spec.fragments.push_back(orders.tasks());
  spec.fragments.push_back(collect_fragment(collected, 1, {.from = 1, .partitioning = Partitioning::kSingle}));
  std::unique_ptr<Executor> executor = Executor::make(options(5, 4));
  Result<std::unique_ptr<Job>> job = executor->start(std::move(spec));
  ASSERT_TRUE(job.has_value());
  std::unique_lock lock(collected.mutex);
  constexpr std::chrono::seconds kLongest{20};
  EXPECT_TRUE(
      collected.changed.wait_for(lock, kLongest, [&] { return collected.rows.size() == TwoOrders::kRows + 2; }));
  lock.unlock();
  (*job)->stop();
  EXPECT_FALSE((*job)->wait().has_value());
}

TEST(ExecutorEpochs, AnErrorOfOnEpochEndsTheJob) {
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

}  // namespace
}  // namespace penstock::exec
