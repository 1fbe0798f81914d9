// Windows of the clock in whole jobs: they close when it has passed their end, each row is in one, and none is late.
#include "exec/operators/processing_time.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>

#include "exec/job.h"
#include "exec/operators/changes_test.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"

namespace penstock::exec {
namespace {

constexpr int64_t kSecond = types::kMicrosPerSecond;
constexpr int64_t kMilli = types::kMicrosPerMilli;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

constexpr types::DataType kMoment = types::DataType::timestamp_ltz(3);

const types::Schema kRows = {{"k", kBigInt}, {"p", kMoment}};

columnar::ChangeBatch rows_of_key(int64_t key, size_t rows) {
  columnar::BatchBuilder builder({kBigInt, kMoment});
  for (size_t i = 0; i < rows; ++i) {
    builder.column(0).append_int64(key);
    builder.column(1).append_int64(0);  // what the scan said of the clock does not matter
    builder.end_row();
  }
  return builder.finish();
}

// What the instances of a source have yet to give.
class Feed {
 public:
  // Returns when the source has taken it.
  void add(columnar::ChangeBatch batch) {
    std::unique_lock lock(mutex_);
    waiting_.push_back(std::move(batch));
    if (waker_) waker_();
    taken_.wait(lock, [this] { return waiting_.empty(); });
  }
  std::vector<columnar::ChangeBatch> take() {
    const std::lock_guard lock(mutex_);
    taken_.notify_all();
    return std::exchange(waiting_, {});
  }
  void set_waker(std::function<void()> waker) {
    const std::lock_guard lock(mutex_);
    waker_ = std::move(waker);
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::vector<columnar::ChangeBatch> waiting_;
  std::function<void()> waker_;
};

// Idle, as a partition is that has had no rows for long.
class FeedSource : public Source {
 public:
  explicit FeedSource(Feed& feed) : feed_(feed) {}
  Result<SourceState> poll(SourceOutput& out) override {
    out.watermark({.time = kMinEventTime, .idle = true});
    for (columnar::ChangeBatch& batch : feed_.take()) out.emit(std::move(batch));
    return SourceState::kWaiting;
  }
  void set_waker(std::function<void()> waker) override { feed_.set_waker(std::move(waker)); }

 private:
  Feed& feed_;
};

class Keep : public Operator {
 public:
  Keep(std::mutex& mutex, Applied& rows) : mutex_(mutex), rows_(rows) {}
  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& /*out*/) override {
    const std::lock_guard lock(mutex_);
    rows_.emit(batch);
    return {};
  }

 private:
  std::mutex& mutex_;
  Applied& rows_;
};

// Two sources, the clock behind each, and groups by key and window of the clock.
class ClockJob {
 public:
  explicit ClockJob(types::Window window, int tasks = 2) : feeds_(static_cast<size_t>(tasks)) {
    JobSpec spec;
    FragmentSpec source{.name = "source", .parallelism = tasks};
    source.source = [this](int instance) -> Result<std::unique_ptr<Source>> {
      return std::make_unique<FeedSource>(feeds_[static_cast<size_t>(instance)]);
    };
    source.output_schema = kRows;
    source.append(
        [this, window](int /*instance*/) {
          return Result<std::unique_ptr<Operator>>(make_processing_time(
              {.column = 1, .type = kMoment, .window = window, .now_us = [this] { return now_us_.load(); }}));
        },
        kRows);
    spec.fragments.push_back(std::move(source));
    FragmentSpec windows{.name = "windows",
                         .parallelism = tasks,
                         .inputs = {{.from = 0, .partitioning = Partitioning::kHash, .keys = {0}}}};
    WindowAggregateOptions options{.window = window,
                                   .time_column = 1,
                                   .time_type = kMoment,
                                   .keys = {0},
                                   .key_types = {kBigInt},
                                   .calls = {call("COUNT", -1, false)},
                                   .properties = {WindowProperty::kStart, WindowProperty::kEnd},
                                   .late = {.dropped = &late_}};
    windows.chain.push_back([options](int /*instance*/) {
      const bool session = options.window.kind == types::Window::Kind::kSession;
      return Result<std::unique_ptr<Operator>>(session ? make_session_aggregate(options)
                                                       : make_window_aggregate(options));
    });
    windows.output_schema = {{"k", kBigInt}, {"n", kBigInt}, {"s", kTimestamp}, {"e", kTimestamp}};
    windows.append(
        [this](int /*instance*/) { return Result<std::unique_ptr<Operator>>(std::make_unique<Keep>(mutex_, rows_)); },
        {});
    spec.fragments.push_back(std::move(windows));
    spec.on_epoch = [this](Epoch /*epoch*/) -> Status {
      const std::lock_guard lock(mutex_);
      ++epochs_;
      changed_.notify_all();
      return {};
    };
    executor_ = Executor::make({.workers = 2});
    job_ = *executor_->start(std::move(spec));
  }
  ~ClockJob() { job_.reset(); }

  // Gives a source rows, and waits for an epoch that has them.
  void add(size_t source, int64_t key, size_t rows) {
    feeds_[source].add(rows_of_key(key, rows));
    wake();
  }
  // Waits for the end of an epoch that begins now.
  void wake() {
    for (int i = 0; i < 2; ++i) {  // one may have been on its way
      std::unique_lock lock(mutex_);
      const uint64_t before = epochs_;
      lock.unlock();
      job_->wake_epoch();
      lock.lock();
      changed_.wait(lock, [&] { return epochs_ > before; });
    }
  }
  void set_clock(int64_t us) { now_us_ = us; }
  int64_t wake_at_us() const { return job_->wake_at_us(); }
  // What has come out, with how often.
  std::map<IntRow, int> rows() {
    const std::lock_guard lock(mutex_);
    return rows_.weights;
  }
  uint64_t late() const { return late_.value(); }

 private:
  std::atomic<int64_t> now_us_ = kStart;
  std::vector<Feed> feeds_;
  Counter late_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t epochs_ = 0;
  Applied rows_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<Job> job_;
};

TEST(ProcessingTime, AWindowClosesByTheClockAlone) {
  ClockJob job(types::Window::tumble(10 * kSecond));
  job.wake();
  EXPECT_EQ(job.wake_at_us(), kNoWake) << "without rows there is nothing to wait for";
  job.add(0, 1, 3);
  job.set_clock(kStart + 4 * kSecond + 700);  // parts of a millisecond do not count
  job.add(1, 1, 2);
  EXPECT_EQ(job.wake_at_us(), kStart + 10 * kSecond);
  job.set_clock(kStart + 10 * kSecond - 1);
  job.wake();
  EXPECT_TRUE(job.rows().empty());
  job.set_clock(kStart + 10 * kSecond);
  job.wake();
  EXPECT_EQ(job.rows(), (std::map<IntRow, int>{{{1, 5, kStart, kStart + 10 * kSecond}, 1}}));
  EXPECT_EQ(job.wake_at_us(), kNoWake);
}

TEST(ProcessingTime, EachEndOfAWindowThatHopsIsWaitedFor) {
  ClockJob job(types::Window::hop(10 * kSecond, 5 * kSecond));
  job.set_clock(kStart + kSecond);
  job.add(0, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kStart + 5 * kSecond);
  job.set_clock(kStart + 5 * kSecond);
  job.wake();
  EXPECT_EQ(job.rows().size(), 1U);
  EXPECT_EQ(job.wake_at_us(), kStart + 10 * kSecond);
  job.set_clock(kStart + 10 * kSecond);
  job.wake();
  EXPECT_EQ(job.rows().size(), 2U);
  EXPECT_EQ(job.wake_at_us(), kNoWake);
}

TEST(ProcessingTime, ASessionEndsAGapAfterItsLastRow) {
  ClockJob job(types::Window::session(4 * kSecond));
  job.add(0, 1, 1);
  job.add(0, 2, 1);
  job.set_clock(kStart + 3 * kSecond);
  job.add(1, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kStart + 4 * kSecond);
  job.set_clock(kStart + 4 * kSecond);
  job.wake();
  EXPECT_EQ(job.rows(), (std::map<IntRow, int>{{{2, 1, kStart, kStart + 4 * kSecond}, 1}}));
  EXPECT_EQ(job.wake_at_us(), kStart + 7 * kSecond);
  job.set_clock(kStart + 7 * kSecond);
  job.wake();
  EXPECT_TRUE(job.rows().contains({1, 2, kStart, kStart + 7 * kSecond}));
  EXPECT_EQ(job.wake_at_us(), kNoWake);
}

// The clock of the machine goes on where those of people are put back, on 25 October at 01:00 in UTC.
constexpr int64_t kPutBack = 1'792'890'000 * kSecond;
constexpr int64_t kHour = types::kMicrosPerHour;
constexpr int64_t kMinute = types::kMicrosPerMinute;

types::Window in_berlin(types::Window window) {
  window.zone = *types::TimeZone::find("Europe/Berlin");
  return window;
}

TEST(ProcessingTime, AWindowOfTheHourThatComesTwiceEndsWithTheSecond) {
  ClockJob job(in_berlin(types::Window::tumble(kHour)));
  job.set_clock(kPutBack - 30 * kMinute);  // clocks show 02:30
  job.add(0, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kPutBack + kHour);
  job.set_clock(kPutBack + 10 * kMinute);  // 02:10
  job.add(1, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kPutBack + kHour);
  job.set_clock(kPutBack + kHour - 1);
  job.wake();
  EXPECT_TRUE(job.rows().empty());
  job.set_clock(kPutBack + kHour);
  job.wake();
  const int64_t two = kPutBack + kHour;  // as clocks show it, 02:00
  EXPECT_EQ(job.rows(), (std::map<IntRow, int>{{{1, 2, two, two + kHour}, 1}}));
  EXPECT_EQ(job.wake_at_us(), kNoWake);
}

TEST(ProcessingTime, ASessionThatBeganLaterMayEndBefore) {
  ClockJob job(in_berlin(types::Window::session(5 * kMinute)));
  const int64_t two = kPutBack + kHour;
  job.set_clock(kPutBack - 10 * kMinute);  // clocks show 02:50
  job.add(0, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kPutBack + 55 * kMinute);
  job.set_clock(kPutBack + kMinute);  // 02:01
  job.add(0, 1, 1);
  EXPECT_EQ(job.wake_at_us(), kPutBack + 6 * kMinute);
  job.set_clock(kPutBack + 6 * kMinute);
  job.wake();
  EXPECT_EQ(job.rows(), (std::map<IntRow, int>{{{1, 1, two + kMinute, two + 6 * kMinute}, 1}}));
  EXPECT_EQ(job.wake_at_us(), kPutBack + 55 * kMinute);
  job.set_clock(kPutBack + 55 * kMinute);
  job.wake();
  EXPECT_EQ(job.rows().size(), 2U);
  EXPECT_EQ(job.wake_at_us(), kNoWake);
}

TEST(ProcessingTime, AClockThatIsPutBackStandsStill) {
  ClockJob job(types::Window::tumble(10 * kSecond));
  job.set_clock(kStart + 10 * kSecond);
  job.add(0, 1, 1);
  job.set_clock(kStart - 100 * kSecond);
  job.add(0, 1, 1);
  job.set_clock(kStart + 20 * kSecond);
  job.wake();
  EXPECT_EQ(job.rows(), (std::map<IntRow, int>{{{1, 2, kStart + 10 * kSecond, kStart + 20 * kSecond}, 1}}));
}

// While the clock goes on, rows come at all sources: each is in one window, of the time between before and after it
// was given.
TEST(ProcessingTime, NoRowIsLateAndEachIsInOneWindow) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::mt19937_64 random(seed);
    ClockJob job(seed % 2 == 0 ? types::Window::session(7 * kMilli) : types::Window::tumble(5 * kMilli), 3);
    std::map<int64_t, int64_t> expected;  // rows by key
    int64_t now = kStart;
    for (int step = 0; step < 200; ++step) {
      const auto key = static_cast<int64_t>(random() % 5);
      const size_t rows = 1 + random() % 4;
      job.add(random() % 3, key, rows);
      expected[key] += static_cast<int64_t>(rows);
      now += static_cast<int64_t>(random() % (3 * kMilli));
      job.set_clock(now);
    }
    job.set_clock(now + kSecond);
    job.wake();
    std::map<int64_t, int64_t> counted;
    for (const auto& [row, times] : job.rows()) {
      EXPECT_EQ(times, 1);
      counted[*row[0]] += *row[1];
    }
    EXPECT_EQ(counted, expected);
    EXPECT_EQ(job.late(), 0U);
  }
}

}  // namespace
}  // namespace penstock::exec
