// Whole jobs on real workers, held against what a plain loop over the same rows gives.
#include "exec/executor_test.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/check.h"
#include "base/state_memory.h"

namespace penstock::exec {
namespace {

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
  bool passes_watermarks() const override { return false; }
  EventTime output_watermark(EventTime watermark) const override {
    return watermark == kMaxEventTime ? watermark : EventTime(watermark.value() / 2);
  }
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

class Fails : public Operator {
 public:
  Status process(int /*port*/, const ChangeBatch& /*batch*/, Output& /*out*/) override {
    return invalid_argument("row too long");
  }
};

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
  bool passes_watermarks() const override { return false; }
  EventTime output_watermark(EventTime watermark) const override {
    return rule_ == Rule::kWatermark ? EventTime(-watermark.value()) : watermark;
  }
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
